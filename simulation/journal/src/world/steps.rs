//! The steps that a world takes: something is submitted, a thread goes on, a call arrives, time passes.

use std::time::Duration;

use durable_queue::Step;
use s3_journal::SubmitError;
use s3_journal::simulation::ScribeStep;

use super::World;
use crate::faults::Faults;
use crate::model::SOURCE;
use crate::network::Delivered;

/// Steps that a thread may take in a row.
const IN_A_ROW_MAX: u64 = 500;

impl World {
    pub(super) fn submit(&mut self) -> Result<(), String> {
        let Some(journal) = &self.machine.journal else { return Ok(()) };
        for _ in 0..=self.dice.action.below(6) {
            let number = self.submitted;
            let room = self.machine.plan.entry_bytes.saturating_sub(12) as u64;
            let most = if self.dice.action.one_in(6) { room } else { room.min(60) };
            let len = usize::try_from(self.dice.action.below(most)).unwrap_or(0);
            let mut entry = format!("{number:08} ").into_bytes();
            let mut filler = self.dice.action.next();
            entry.extend(
                std::iter::repeat_with(|| {
                    filler = filler
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    b'a' + u8::try_from(filler >> 60).unwrap_or(0)
                })
                .take(len),
            );
            let position = self.dice.action.one_in(3).then_some(number);
            let bytes = position.map(u64::to_le_bytes);
            match journal.try_submit(&entry, bytes.as_ref().map(|bytes| (SOURCE, &bytes[..]))) {
                Ok(sequence) => {
                    self.submitted += 1;
                    self.trace
                        .note(|| format!("submit {sequence}: {} bytes, position {position:?}", entry.len()));
                    self.machine.model.submit(sequence, entry, position)?;
                }
                Err(SubmitError::Full { what }) => {
                    self.trace.note(|| format!("submit: {what}"));
                    break;
                }
                Err(SubmitError::Failed(_)) => break,
                Err(error) => return Err(format!("an entry is refused: {error}")),
            }
        }
        Ok(())
    }

    pub(super) fn log_step(&mut self, which: &str) -> Step {
        let Some(journal) = &self.machine.journal else { return Step::Finished };
        let step = match which {
            "write" => journal.log().write_step(),
            "sync" => journal.log().sync_step(),
            _ => journal.log().prepare_step(),
        };
        self.trace.note(|| format!("{which}: {step:?}"));
        self.disk_trace();
        step
    }

    pub(super) fn scribe_step(&mut self) -> Option<ScribeStep> {
        let step = self.machine.journal.as_mut()?.scribe_step();
        self.trace.note(|| format!("scribe: {step:?}"));
        self.disk_trace();
        step
    }

    /// Whether something was done, when to do more, and whether everything is done.
    pub(super) fn upload_step(&mut self) -> Option<(bool, Option<Duration>, bool)> {
        let journal = self.machine.journal.as_mut()?;
        if self.dice.race.as_mut().is_some_and(|dice| dice.one_in(6)) {
            let log = journal.log().clone();
            journal.meanwhile(move || {
                log.write_step();
                log.sync_step();
            });
        }
        let step = journal.upload_step();
        self.trace.note(|| format!("upload: worked {} drained {}", step.worked, step.drained));
        self.disk_trace();
        let result = (step.worked || !step.calls.is_empty(), step.wake_at, step.drained);
        // What a process asked for in the step in which it died was not asked for.
        if !self.machine.disk.is_off() {
            self.network.send(step.calls, &mut self.trace);
        }
        Some(result)
    }

    pub(super) fn delivered(&mut self, delivered: Delivered) -> Result<(), String> {
        for written in delivered.written {
            // A request that the network kept back until then is a documented remainder.
            if written.was_taken_away && !delivered.is_late {
                return Err(format!("{} was acknowledged, taken away, and is written again", written.key));
            }
            self.machine.model.seen(&written, delivered.is_late)?;
            if !delivered.is_late {
                self.machine.check_medium(&written.key, self.store.was_foreign(&written.key))?;
            }
        }
        if let (Some((id, answer)), Some(journal)) = (delivered.answer, &mut self.machine.journal) {
            let calls = journal.answered(id, answer);
            self.disk_trace();
            if !self.machine.disk.is_off() {
                self.network.send(calls, &mut self.trace);
            }
        }
        Ok(())
    }

    pub(super) fn disk_trace(&mut self) {
        if self.trace.is_kept() {
            for traced in self.machine.disk.take_trace() {
                self.trace.note(|| format!("    {traced}"));
            }
        }
    }

    pub(super) fn pass_time(&mut self) {
        let dice = &mut self.dice.time;
        let ms = match dice.below(10) {
            0..=4 => dice.below(150),
            5..=7 => dice.below(8_000),
            _ => dice.below(700_000),
        };
        self.trace.note(|| format!("{ms} ms pass"));
        self.machine.clock.advance(Duration::from_millis(ms));
    }

    /// All threads run until they have nothing to do.
    pub fn rest(&mut self) -> Result<(), String> {
        for _ in 0..IN_A_ROW_MAX {
            let mut worked = self.log_steps()?;
            worked |= self.scribe_step() == Some(ScribeStep::Worked);
            worked |= self.upload_step().is_some_and(|(worked, ..)| worked);
            if !worked || self.machine.disk.is_off() {
                break;
            }
        }
        Ok(())
    }

    /// Ends batch and object.
    pub fn seal(&self) {
        if let Some(journal) = &self.machine.journal {
            journal.seal();
        }
    }

    /// Everything goes on that can without time passing: the threads, the calls and their answers.
    pub fn settle(&mut self) -> Result<(), String> {
        for _ in 0..IN_A_ROW_MAX {
            self.rest()?;
            if self.network.is_empty() {
                break;
            }
            self.arrive()?;
            if self.is_cut() {
                break;
            }
        }
        Ok(())
    }

    /// All calls on their way are carried out and answered, and what follows from the answers.
    pub(super) fn arrive(&mut self) -> Result<(), String> {
        while !self.network.is_empty() && !self.is_cut() {
            let delivered =
                self.network.step(&mut self.store, &mut self.dice.network, Faults::NONE, &mut self.trace)?;
            self.delivered(delivered)?;
        }
        Ok(())
    }

    /// A step of each of the log's threads; whether one did something.
    pub(super) fn log_steps(&mut self) -> Result<bool, String> {
        let mut worked = false;
        for which in ["write", "sync", "prepare"] {
            worked |= self.log_step(which) == Step::Worked;
            if self.machine.disk.is_off() {
                break;
            }
            self.machine.check_told()?;
        }
        Ok(worked)
    }
}
