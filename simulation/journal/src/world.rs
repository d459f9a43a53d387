//! One life from beginning to end: what happens next is drawn, the product's own steps are taken, what must hold is checked
//! after each, and in the end everything is mended and must arrive. Knows all the other rooms.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use durable_queue::Step;
use durable_queue::clock::Clock;
use durable_queue::fake::{Dice, FakeClock};
use s3_journal::SubmitError;
use s3_journal::read::{Depth, Reader, Selection, VerifyOptions};
use s3_journal::simulation::ScribeStep;

use crate::faults::{Fault, Faults};
use crate::machine::{Machine, PREFIX};
use crate::model::SOURCE;
use crate::network::{Delivered, Network};
use crate::plan::Plan;
use crate::settings::Settings;
use crate::store::{Closed, Dialect, Store};
use crate::trace::Trace;

/// Rounds in which everything must have arrived once nothing goes wrong any more.
const ROUNDS_MAX: u64 = 30_000;

/// Steps that a thread may take in a row.
const IN_A_ROW_MAX: u64 = 500;

/// When a calm world begins, after 1970: at noon, so that no directory changes.
const CALM_BEGIN: Duration = Duration::from_hours(497_220);

/// What a life came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lived {
    pub entries: u64,
    pub objects: u64,
    pub openings: u64,
    pub operations: u64,
}

/// Dice for each concern, so that leaving one kind of fault out doesn't change everything else.
#[derive(Debug, Clone)]
struct AllDice {
    plan: Dice,
    action: Dice,
    event: Dice,
    disk: Dice,
    network: Dice,
    time: Dice,
}

impl AllDice {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        Self {
            plan: dice.split(),
            action: dice.split(),
            event: dice.split(),
            disk: dice.split(),
            network: dice.split(),
            time: dice.split(),
        }
    }
}

/// The world.
#[derive(Debug)]
pub struct World {
    dice: AllDice,
    faults: Faults,
    pub trace: Trace,
    pub store: Store,
    pub network: Network,
    pub machine: Machine,
    submitted: u64,
}

impl World {
    pub fn new(seed: u64, settings: &Settings) -> Self {
        let mut dice = AllDice::new(seed);
        let faults = if settings.insist {
            settings.faults
        } else {
            let some = Fault::ALL
                .iter()
                .fold(Faults::NONE, |some, fault| if dice.plan.one_in(2) { some.with(*fault) } else { some });
            some.and(settings.faults)
        };
        let day = Duration::from_secs(1_790_000_000 + dice.time.below(400_000));
        let clock = FakeClock::new(SystemTime::UNIX_EPOCH + day);
        let store = Store::draw(&mut dice.plan, faults, clock.clone());
        let plan = Plan::draw(&mut dice.plan);
        let block_bytes = if dice.plan.one_in(2) { 512 } else { 4096 };
        let mut trace = Trace::new(settings.keep_trace);
        trace.note(|| {
            format!("seed {seed}: {faults:?}; {plan:?}; {:?} {:?}", store.dialect, store.denied_for_good)
        });
        let machine = Machine::new(plan, clock, block_bytes, settings.keep_trace);
        Self { dice, faults, trace, store, network: Network::default(), machine, submitted: 0 }
    }

    /// A world in which nothing goes wrong of itself, and nothing was done yet.
    pub fn calm(plan: Plan, dialect: Dialect) -> Self {
        let clock = FakeClock::new(SystemTime::UNIX_EPOCH + CALM_BEGIN);
        let store = Store::plain(dialect, clock.clone());
        Self {
            dice: AllDice::new(0),
            faults: Faults::NONE,
            trace: Trace::new(false),
            store,
            network: Network::default(),
            machine: Machine::new(plan, clock, 4096, false),
            submitted: 0,
        }
    }

    /// A copy of the world after the death of the process: calls on their way are still carried out, or aren't.
    pub fn after_death(&self, are_late: bool) -> Self {
        let clock = FakeClock::new(self.machine.clock.wall());
        Self {
            dice: self.dice.clone(),
            faults: self.faults,
            trace: Trace::new(self.trace.is_kept()),
            store: self.store.fork(clock.clone()),
            network: self.network.after_death(are_late),
            machine: self.machine.fork(clock),
            submitted: self.submitted,
        }
    }

    /// Whether everything has stopped.
    pub fn is_cut(&self) -> bool {
        self.machine.disk.is_off() || self.network.is_cut()
    }

    /// Opens the journal once, whether that is cut short or not.
    pub fn open_once(&mut self) -> Result<(), String> {
        // Another number for each opening, and the same one in whatever way it was come to.
        let opened = self.machine.open_once(&self.store.bucket(), self.machine.lives);
        self.machine.lives += 1;
        match opened {
            _ if self.machine.disk.is_off() => Ok(()),
            Ok(journal) => self.machine.opened(journal, &mut self.trace),
            Err(error) => Err(format!("opening is refused: {error}: {error:?}")),
        }
    }

    /// Submits one entry of so many bytes.
    pub fn submit_one(&mut self, len: usize) -> Result<(), String> {
        let number = self.machine.model.submitted();
        let Some(journal) = &self.machine.journal else { return Ok(()) };
        let mut entry = format!("{number:08} ").into_bytes();
        entry.extend((0..len).map(|at| b'a' + u8::try_from(at * (at + 7) % 23).unwrap_or(0)));
        let bytes = number.to_le_bytes();
        match journal.try_submit(&entry, Some((SOURCE, &bytes))) {
            Ok(sequence) => self.machine.model.submit(sequence, entry, Some(number)),
            Err(error) => Err(format!("an entry is refused: {error}")),
        }
    }

    /// Lives, and says what it came to, or what doesn't hold; and what happened.
    pub fn live(mut self, steps: u64) -> (Result<Lived, String>, Vec<String>) {
        let lived = self.life(steps);
        (lived, self.trace.into_lines())
    }

    fn life(&mut self, steps: u64) -> Result<Lived, String> {
        self.open()?;
        for _ in 0..steps {
            self.step()?;
            self.look_around()?;
        }
        self.end()?;
        Ok(Lived {
            entries: self.machine.model.submitted(),
            objects: self.machine.model.objects() as u64,
            openings: self.machine.lives,
            operations: self.machine.disk.operations(),
        })
    }

    fn open(&mut self) -> Result<(), String> {
        let bucket = self.store.bucket();
        self.machine.open(&bucket, &mut self.dice.disk, self.faults, &mut self.trace)
    }

    /// One thing happens.
    fn step(&mut self) -> Result<(), String> {
        match self.dice.action.below(100) {
            0..=17 => self.submit()?,
            18..=27 => drop(self.log_step("write")),
            28..=37 => drop(self.log_step("sync")),
            38..=42 => drop(self.log_step("prepare")),
            43..=58 => drop(self.scribe_step()),
            59..=70 => drop(self.upload_step()),
            71..=85 => {
                let faults = self.faults;
                let delivered =
                    self.network.step(&mut self.store, &mut self.dice.network, faults, &mut self.trace)?;
                self.delivered(delivered)?;
            }
            86..=89 => self.pass_time(),
            90..=91 => {
                if let Some(journal) = &self.machine.journal {
                    let through = journal.seal();
                    self.trace.note(|| format!("seal through {through}"));
                }
            }
            92 => {
                let late =
                    self.network.arrive_late(&mut self.store, &mut self.dice.network, &mut self.trace)?;
                self.delivered(late)?;
            }
            93 => self.rest()?,
            _ => self.event()?,
        }
        Ok(())
    }

    /// What must hold after each step; and what follows when everything has stopped.
    fn look_around(&mut self) -> Result<(), String> {
        if self.machine.disk.is_off() {
            return self.crash(self.faults.has(Fault::PowerLoss));
        }
        self.machine.check_told()
    }

    fn crash(&mut self, may_be_power: bool) -> Result<(), String> {
        let is_power = may_be_power && self.dice.disk.one_in(2);
        self.network.forget(&mut self.dice.network, self.faults);
        self.machine.crash(is_power, &mut self.dice.disk, &mut self.trace);
        self.machine.plan = self.machine.plan.again(&mut self.dice.plan, self.faults);
        self.open()
    }

    fn submit(&mut self) -> Result<(), String> {
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

    fn log_step(&mut self, which: &str) -> Step {
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

    fn scribe_step(&mut self) -> Option<ScribeStep> {
        let step = self.machine.journal.as_mut()?.scribe_step();
        self.trace.note(|| format!("scribe: {step:?}"));
        self.disk_trace();
        step
    }

    /// Whether something was done, when to do more, and whether everything is done.
    fn upload_step(&mut self) -> Option<(bool, Option<Duration>, bool)> {
        let step = self.machine.journal.as_mut()?.upload_step();
        self.trace.note(|| format!("upload: worked {} drained {}", step.worked, step.drained));
        self.disk_trace();
        let result = (step.worked || !step.calls.is_empty(), step.wake_at, step.drained);
        // What a process asked for in the step in which it died was not asked for.
        if !self.machine.disk.is_off() {
            self.network.send(step.calls, &mut self.trace);
        }
        Some(result)
    }

    fn delivered(&mut self, delivered: Delivered) -> Result<(), String> {
        for written in delivered.written {
            // A request that the network kept back until then is a documented remainder.
            if written.was_taken_away && !delivered.is_late {
                return Err(format!("{} was acknowledged, taken away, and is written again", written.key));
            }
            self.machine.model.seen(&written.key, &written.bytes, &written.metadata)?;
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

    fn disk_trace(&mut self) {
        if self.trace.is_kept() {
            for traced in self.machine.disk.take_trace() {
                self.trace.note(|| format!("    {traced}"));
            }
        }
    }

    fn pass_time(&mut self) {
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
    fn arrive(&mut self) -> Result<(), String> {
        while !self.network.is_empty() && !self.is_cut() {
            let delivered =
                self.network.step(&mut self.store, &mut self.dice.network, Faults::NONE, &mut self.trace)?;
            self.delivered(delivered)?;
        }
        Ok(())
    }

    /// A step of each of the log's threads; whether one did something.
    fn log_steps(&mut self) -> Result<bool, String> {
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

    /// Something befalls the world.
    fn event(&mut self) -> Result<(), String> {
        let drawn = self.dice.event.below(Fault::ALL.len() as u64);
        let Some(fault) = Fault::ALL.get(usize::try_from(drawn).unwrap_or(0)).copied() else { return Ok(()) };
        if !self.faults.has(fault) {
            return Ok(());
        }
        let dice = &mut self.dice.event;
        match fault {
            Fault::Kill => self.crash(false)?,
            Fault::PowerLoss => self.crash(true)?,
            Fault::CrashInStep => self.machine.stop_soon(dice, 12),
            Fault::SyncFails | Fault::WriteFails | Fault::ReadFails => {
                self.machine.break_something(fault, dice, &mut self.trace);
            }
            Fault::DiskFull => {
                if dice.one_in(2) {
                    self.machine.break_something(fault, dice, &mut self.trace);
                } else {
                    self.machine.disk.set_capacity(None);
                }
            }
            Fault::Outage | Fault::Refusal => {
                self.store.closed = match dice.below(5) {
                    _ if self.store.closed.is_some() => None,
                    0 => Some(Closed::SlowDown),
                    _ if fault == Fault::Outage => Some(Closed::Outage),
                    1 | 2 => Some(Closed::NoSuchBucket),
                    _ => Some(Closed::Forbidden),
                };
                self.trace.note(|| format!("the store: {:?}", self.store.closed));
            }
            Fault::Abort => {
                let aborted = self.store.abort_all();
                self.trace.note(|| format!("{aborted} uploads are aborted"));
            }
            Fault::Foreign => {
                let there = self.store.foreign();
                if let Some(key) = there.first() {
                    self.store.remove_foreign(key);
                    self.trace.note(|| format!("the foreign object at {key} goes away"));
                } else if !self.store.dialect.cannot_condition
                    && let Some(key) = self.network.keys().first()
                    && self.store.put_foreign(key)
                {
                    self.trace.note(|| format!("a foreign object comes to {key}"));
                }
            }
            Fault::Consumer => {
                let keys = self.machine.model.keys_before(self.machine.acknowledged_for_good()?);
                let some = keys.into_iter().filter(|_| dice.one_in(2));
                for key in some {
                    self.store.take_away(&key);
                    self.trace.note(|| format!("{key} is taken away"));
                }
            }
            Fault::Privilege => {
                // Where a foreign object may be, it must be possible to look: see `Store::draw`.
                let head = dice.one_in(3) && !self.faults.has(Fault::Foreign);
                self.store.denied.head = head;
                self.store.denied.list_parts = dice.one_in(2);
                self.store.denied.list_uploads = dice.one_in(2);
                self.store.denied.abort = dice.one_in(3);
                self.trace.note(|| format!("denied: {:?}", self.store.denied));
            }
            Fault::Clock => {
                let wall = self.machine.clock.wall();
                let by = Duration::from_secs(match dice.below(3) {
                    0 => dice.below(600),
                    1 => dice.below(90_000),
                    _ => dice.below(400_000),
                });
                let wall = if dice.one_in(2) { wall + by } else { wall - by };
                self.machine.clock.set_wall(wall);
                self.trace.note(|| format!("the clock shows {wall:?}"));
            }
            Fault::Options => self.close_in_order()?,
            _ => {}
        }
        Ok(())
    }

    /// The journal is closed without waiting for the bucket, and opened again.
    fn close_in_order(&mut self) -> Result<(), String> {
        self.trace.note(|| "closed in order".to_owned());
        if let Some(journal) = &self.machine.journal {
            journal.close_intake();
        }
        self.rest()?;
        if self.machine.disk.is_off() {
            return Ok(());
        }
        if let Some(journal) = &self.machine.journal {
            // A failure has been told before, or is: the latch is checked as ever.
            let _ = journal.log().close();
        }
        self.disk_trace();
        if self.machine.disk.is_off() {
            return Ok(());
        }
        self.machine.check_told()?;
        self.crash(false)
    }

    /// Nothing goes wrong any more: everything must arrive.
    pub fn end(&mut self) -> Result<(), String> {
        self.trace.note(|| "everything is mended".to_owned());
        self.faults = Faults::NONE;
        self.machine.calm();
        // Documented remainders: after a latch, and after a request that the network repeated, a store that doesn't let us look
        // stops the upload, loudly, until it does.
        self.store.mend(self.machine.was_latched || self.network.has_doubled);
        if self.machine.journal.as_ref().is_none_or(|journal| journal.failure().is_some()) {
            self.crash(false)?;
        }
        let late_first = self.dice.network.one_in(2);
        if late_first {
            self.arrive_all()?;
        }
        self.drain()?;
        self.arrive_all()?;
        // What calls left behind that arrived when nobody was there is swept by the next opening.
        self.crash(false)?;
        self.drain()?;
        self.check_end()
    }

    fn arrive_all(&mut self) -> Result<(), String> {
        while self.network.has_late() {
            let late = self.network.arrive_late(&mut self.store, &mut self.dice.network, &mut self.trace)?;
            self.delivered(late)?;
        }
        Ok(())
    }

    /// Closes the journal and waits for the bucket. Ends early, as everything does, where the world stops.
    pub fn drain(&mut self) -> Result<(), String> {
        if let Some(journal) = &self.machine.journal {
            journal.close_intake();
        }
        for _ in 0..ROUNDS_MAX {
            let mut worked = self.log_steps()?;
            if self.is_cut() {
                return Ok(());
            }
            let scribe = self.scribe_step();
            worked |= scribe == Some(ScribeStep::Worked);
            let (uploaded, wake_at, drained) = self.upload_step().unwrap_or_default();
            worked |= uploaded;
            worked |= !self.network.is_empty();
            self.arrive()?;
            if self.is_cut() {
                return Ok(());
            }
            self.machine.check_told()?;
            let Some(journal) = &self.machine.journal else { return Err("nothing runs".to_owned()) };
            if let Some(failure) = journal.failure() {
                return Err(format!(
                    "the journal failed although nothing went wrong: {failure}: {failure:?}"
                ));
            }
            if scribe.is_none() && drained && !journal.is_sweeping() {
                let closed = journal.log().close();
                self.disk_trace();
                if self.is_cut() {
                    return Ok(());
                }
                closed.map_err(|failure| format!("closing failed: {failure}"))?;
                return self.machine.check_told();
            }
            if !worked {
                let now = self.machine.clock.monotonic();
                let scribe_at = match scribe {
                    Some(ScribeStep::Idle { wake_at }) => wake_at,
                    _ => None,
                };
                let at = [wake_at, scribe_at].into_iter().flatten().min();
                let wait = at.map_or(Duration::from_millis(200), |at| at.saturating_sub(now));
                self.machine.clock.advance(wait.max(Duration::from_millis(1)));
                self.trace.note(|| format!("{wait:?} pass"));
            }
        }
        let (submitted, uploaded) = (self.machine.model.submitted(), self.machine.model.uploaded);
        Err(format!("not everything arrives: {uploaded} of {submitted} are uploaded"))
    }

    fn check_end(&mut self) -> Result<(), String> {
        let model = &self.machine.model;
        if model.uploaded != model.submitted() || model.in_bucket() != model.submitted() {
            return Err(format!(
                "{} submitted, {} told uploaded, {} in the bucket",
                model.submitted(),
                model.uploaded,
                model.in_bucket()
            ));
        }
        let open = self.store.open_uploads();
        let denied = self.store.denied_for_good;
        if !open.is_empty() && !denied.list_uploads && !denied.abort {
            return Err(format!("uploads are left open: {open:?}"));
        }
        // The product's own reader agrees; not each time, since it takes threads.
        if self.dice.plan.one_in(24) && !self.store.is_taken_from() {
            let reader =
                Reader::new(Arc::new(self.store.bucket()), PREFIX).map_err(|error| error.to_string())?;
            let report = reader
                .verify(&Selection::default(), Depth::Deep, VerifyOptions::default(), &mut |_| {})
                .map_err(|error| format!("verify: {error}"))?;
            if !report.is_whole() {
                return Err(format!("verify finds it not whole: {:?}", report.findings));
            }
        }
        Ok(())
    }
}
