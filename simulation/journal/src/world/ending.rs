//! The end of a life: everything is mended, and everything must arrive.

use std::sync::Arc;
use std::time::Duration;

use durable_queue::clock::Clock;
use s3_journal::read::{Depth, Reader, Selection, VerifyOptions};
use s3_journal::simulation::ScribeStep;

use super::World;
use crate::faults::Faults;
use crate::machine::PREFIX;

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
