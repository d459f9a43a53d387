//! A journal's threads: begun, run and ended. Each body is a loop around a step; only here does anything wait for another
//! thread's end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use durable_queue::Threads;

use crate::error::{FlushError, JournalFailure, Stopped};
use crate::shared::Shared;
use crate::sync::lock;
use crate::write::{Scribe, ScribeStep};

/// How long the scribe waits, at most, for a log without room before it looks again.
const ROOM_LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How often somebody who waits for the scribe looks whether the disk has become full.
const DISK_LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// What a close within a time came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "entries may remain"]
pub struct Closed {
    /// Entries that are not in the bucket. Those that were durable are uploaded by the next journal opened here.
    pub remaining: u64,
    /// Of these, how many the local disk had no room for: they are lost.
    pub not_durable: u64,
}

/// A journal's threads and what they share. Dropping it makes what was submitted durable and ends them.
pub(crate) struct Running {
    pub(crate) shared: Arc<Shared>,
    pub(crate) threads: Mutex<Option<RunningThreads>>,
}

pub(crate) struct RunningThreads {
    pub(crate) scribe: JoinHandle<()>,
    pub(crate) upload: JoinHandle<()>,
    pub(crate) log: Threads,
}

/// The scribe's thread: a loop around its step.
pub(crate) fn write(mut scribe: Scribe, shared: &Shared) {
    loop {
        match scribe.step() {
            Ok(ScribeStep::Worked) => {}
            Ok(ScribeStep::Idle { wake_at }) => {
                let now = shared.clock.monotonic();
                shared.scribe_bell.wait(wake_at.map(|at| at.saturating_sub(now)));
            }
            Ok(ScribeStep::Busy | ScribeStep::Full) => {
                shared.scribe_is_blocked.store(true, Ordering::Release);
                // Room may have come before the flag was up.
                match scribe.step() {
                    Ok(ScribeStep::Full) if shared.scribe_gives_up.load(Ordering::Acquire) => return,
                    Ok(ScribeStep::Busy | ScribeStep::Full) => {
                        shared.scribe_bell.wait(Some(ROOM_LOOK_INTERVAL));
                    }
                    Ok(ScribeStep::Finished) => return,
                    Ok(_) => {}
                    Err(failure) => return shared.fail(&failure),
                }
                shared.scribe_is_blocked.store(false, Ordering::Release);
            }
            Ok(ScribeStep::Finished) => return,
            Err(failure) => return shared.fail(&failure),
        }
        if shared.failure().is_some() {
            return;
        }
    }
}

/// Starts a thread.
pub(crate) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(body)
}

/// A thread that panics stops the journal, not the program.
pub(crate) fn guarded(shared: &Shared, body: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(body)) {
        let reason = panic
            .downcast_ref::<&str>()
            .map(|reason| (*reason).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a thread panicked".to_owned());
        shared.fail(&Arc::new(JournalFailure::Internal { reason }));
    }
}

impl Running {
    /// Takes no more entries, waits for the bucket until the time is up, and ends the threads.
    pub(crate) fn close(&self, timeout: Option<Duration>) -> Result<Closed, FlushError> {
        let shared = &*self.shared;
        let end = timeout.map(|timeout| shared.clock.monotonic().saturating_add(timeout));
        let left = || match end {
            None => Some(None),
            Some(end) => end.checked_sub(shared.clock.monotonic()).filter(|left| !left.is_zero()).map(Some),
        };
        shared.intake.close();
        // A second closer waits for the first one here.
        let mut running = lock(&self.threads);
        if let Some(threads) = running.take() {
            if !shared.wait_for_scribe(&left) {
                // What the scribe still has in hand must become durable, if the disk has room for it.
                shared.scribe_gives_up.store(true, Ordering::Release);
                shared.scribe_bell.ring();
                shared.wait_for_scribe(&|| Some(None));
            }
            let through = shared.ledger.state(|state| state.next_sequence);
            let in_time = || left().flatten();
            let deadline: Option<&dyn Fn() -> Option<Duration>> = end.is_some().then_some(&in_time);
            let is_uploaded = matches!(shared.uploaded.wait(through, deadline), Ok(true));
            if is_uploaded && shared.failure().is_none() {
                shared.uploads.end_when_drained(end);
            } else {
                shared.uploads.end_now();
            }
            self.end(threads);
        }
        drop(running);
        if let Some(failure) = shared.failure() {
            return Err(FlushError::Failed(failure));
        }
        let next_sequence = shared.intake.next_sequence();
        let appended = shared.ledger.state(|state| state.next_sequence);
        Ok(Closed {
            remaining: next_sequence.saturating_sub(shared.uploaded.count()),
            not_durable: next_sequence.saturating_sub(appended),
        })
    }

    /// What closing came to, for those who want everything in the bucket.
    pub(crate) fn all_arrived(&self, closed: Closed) -> Result<(), FlushError> {
        let shared = &*self.shared;
        if closed.remaining == 0 {
            return shared.nothing_left_out(shared.uploaded.count());
        }
        match shared.uploaded.stopped() {
            Some(Stopped::Damaged(reason)) => Err(FlushError::Damaged { reason }),
            _ => Err(FlushError::Closed),
        }
    }

    /// Waits, while somebody else closes, until what was submitted is durable.
    pub(crate) fn wait_until_durable(&self) {
        // On a full disk that would be waiting for the bucket: whoever closes goes on with that.
        let has_room = || (!self.shared.intake.is_disk_full()).then_some(Some(DISK_LOOK_INTERVAL));
        if !self.shared.wait_for_scribe(&has_room) {
            return;
        }
        let through = self.shared.ledger.state(|state| state.next_sequence);
        // A journal that has failed has said so.
        let _ = self.shared.durable.wait(through, None);
    }

    /// Makes what was submitted durable, as far as the disk has room, and ends the threads.
    fn abandon(&self) {
        let mut running = lock(&self.threads);
        if let Some(threads) = running.take() {
            self.shared.intake.close();
            self.shared.scribe_gives_up.store(true, Ordering::Release);
            self.shared.scribe_bell.ring();
            self.shared.wait_for_scribe(&|| Some(None));
            self.shared.uploads.end_now();
            self.end(threads);
        }
    }

    fn end(&self, threads: RunningThreads) {
        // A thread that panicked has said so already.
        let _ = threads.upload.join();
        let _ = threads.scribe.join();
        if let Err(failure) = self.shared.ledger.log().close() {
            self.shared.fail(&Arc::new(JournalFailure::Log(failure)));
        }
        self.shared.progress.moved();
        drop(threads.log);
        let stopped = self.shared.failure().map_or(Stopped::Closed, Stopped::Failed);
        self.shared.durable.stop(&stopped);
        self.shared.uploaded.stop(&stopped);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.abandon();
    }
}
