//! The end of a life: everything is mended, and everything must arrive.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use durable_queue::clock::Clock;
use s3_journal::read::{Depth, Reader, Selection, VerifyOptions};
use s3_journal::simulation::{ScribeStep, Stepped, look};

use super::World;
use crate::faults::Faults;
use crate::machine::{DIRECTORY, PREFIX};

/// Rounds in which everything must have arrived once nothing goes wrong any more.
const ROUNDS_MAX: u64 = 30_000;

impl World {
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
        if self.is_stopped_by_damage() {
            self.check_stopped()?;
            self.machine.plan.quarantine = true;
            self.crash(false)?;
            self.drain()?;
        }
        self.arrive_all()?;
        // What calls left behind that arrived when nobody was there is swept by the next opening.
        self.crash(false)?;
        self.drain()?;
        self.check_end()
    }

    pub(super) fn arrive_all(&mut self) -> Result<(), String> {
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
            if !worked && scribe.is_none() && self.is_stopped_by_damage() {
                return Ok(());
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
        let last_error = self.machine.journal.as_ref().and_then(Stepped::last_error);
        let is_foreign = last_error.as_ref().is_some_and(|error| error.contains("this journal didn't write"));
        if self.machine.model.has_rotted && self.store.denied_for_good.head {
            // A documented remainder: that an object was sent has rotted, and whose it is can't be seen. It goes on once it can.
            self.store.mend(true);
            return self.drain();
        }
        if self.machine.model.has_rotted && is_foreign {
            // A documented remainder: the object had arrived whole, and what it was has rotted, too. A loud stop.
            self.is_given_up = true;
            return Ok(());
        }
        Err(format!("not everything arrives: {uploaded} of {submitted} are uploaded; {last_error:?}"))
    }

    fn is_stopped_by_damage(&self) -> bool {
        !self.machine.plan.quarantine
            && self.machine.journal.as_ref().is_some_and(|journal| journal.damage().is_some())
    }

    /// Damage stops the upload: nothing of the object that is damaged, and nothing after it, is in the bucket.
    fn check_stopped(&mut self) -> Result<(), String> {
        let Some(journal) = &self.machine.journal else { return Ok(()) };
        let (damage, reached) = (journal.damage(), journal.uploaded());
        self.trace.note(|| format!("stopped at {reached}: {damage:?}"));
        // The object at hand may have arrived before without anybody having learnt it: no other. By number, since the entries of those that
        // were acknowledged aren't known where the record of that has rotted.
        let (_, number, _) =
            look(&self.machine.disk, Path::new(DIRECTORY)).map_err(|error| error.to_string())?;
        let beyond = self.machine.model.untold_from(number);
        if beyond > 1 {
            return Err(format!(
                "the upload stopped at {reached}, object {number} ({damage:?}), and {beyond} objects are there from that on"
            ));
        }
        Ok(())
    }

    /// Everything is in the bucket but what was told to be left out.
    fn check_end_with_gaps(&self) -> Result<(), String> {
        let model = &self.machine.model;
        if model.uploaded != model.submitted() {
            return Err(format!("{} submitted, {} told uploaded", model.submitted(), model.uploaded));
        }
        // More may be told than is missing: where it can't be looked, what arrived whole is told to be left out in part; and of an object
        // whose acknowledgement was damaged and whose bytes are gone it can't be told that it arrived.
        let (missing, told) = (model.missing(), joined(model.left_out().to_vec()));
        let is_told =
            |gap: &Range<u64>| told.iter().any(|told| told.start <= gap.start && gap.end <= told.end);
        match missing.iter().find(|gap| !is_told(gap)) {
            Some(gap) => Err(format!("{gap:?} are missing, and {told:?} are told to be left out")),
            None => Ok(()),
        }
    }

    fn check_end(&mut self) -> Result<(), String> {
        if self.is_given_up {
            return Ok(());
        }
        let model = &self.machine.model;
        if model.has_rotted {
            return self.check_end_with_gaps();
        }
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

/// Ranges, those that follow each other as one.
fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}
