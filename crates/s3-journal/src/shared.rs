//! What a journal, its receipts and its threads share. Knows the rooms' handles, and decides nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use durable_queue::clock::Clock;

use crate::error::{FlushError, JournalFailure, Stopped};
use crate::ledger::Ledger;
use crate::milestone::{Milestone, Stage};
use crate::progress::Progress;
use crate::stats::Counters;
use crate::sync::{Doorbell, lock, wait_timeout};
use crate::upload::UploadDriver;
use crate::write::Intake;

/// What a journal, its receipts and its threads share.
pub(crate) struct Shared {
    pub(crate) intake: Arc<Intake>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) durable: Arc<Milestone>,
    pub(crate) uploaded: Arc<Milestone>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) scribe_bell: Arc<Doorbell>,
    pub(crate) uploads: Arc<UploadDriver>,
    /// The scribe waits for room in the log.
    pub(crate) scribe_is_blocked: AtomicBool,
    /// The scribe isn't to wait for room any more.
    pub(crate) scribe_gives_up: AtomicBool,
    pub(crate) scribe_done: (Mutex<bool>, Condvar),
    pub(crate) failure: Mutex<Option<Arc<JournalFailure>>>,
    pub(crate) start_sequence: u64,
    pub(crate) start_uploaded: u64,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("next_sequence", &self.intake.next_sequence()).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn milestone(&self, stage: Stage) -> &Milestone {
        match stage {
            Stage::Durable => &self.durable,
            Stage::Uploaded => &self.uploaded,
        }
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn expect_durable(&self, sequence: u64) {
        if self.durable.count() <= sequence {
            self.intake.expect_durable(sequence);
        }
    }

    /// The count of uploaded entries has come to `through`: whether all of them have, of those that this journal had to bring there.
    pub(crate) fn nothing_left_out(&self, through: u64) -> Result<(), FlushError> {
        match self.uploaded.left_out(&(0..through)) {
            Some(entries) => Err(FlushError::LeftOut { entries }),
            None => Ok(()),
        }
    }

    /// The log's watermarks moved, it has room again, or it failed.
    pub(crate) fn log_moved(&self) {
        self.progress.moved();
        if let Some(failure) = self.ledger.log().failure() {
            self.fail(&Arc::new(JournalFailure::Log(failure)));
        }
        if self.scribe_is_blocked.load(Ordering::Acquire) {
            self.scribe_bell.ring();
        }
        self.uploads.ring();
    }

    /// Nothing more becomes durable. What is durable is still uploaded.
    pub(crate) fn fail(&self, failure: &Arc<JournalFailure>) {
        let mut first = lock(&self.failure);
        if first.is_some() {
            return;
        }
        *first = Some(Arc::clone(failure));
        drop(first);
        tracing::error!(failure = crate::upload::chain(&**failure), "the journal takes no more entries");
        self.intake.fail(failure);
        let stopped = Stopped::Failed(Arc::clone(failure));
        self.durable.stop(&stopped);
        // What is durable goes on being uploaded and counted, but nobody knows how far that will come.
        self.uploaded.stop(&stopped);
        self.uploads.ring();
    }

    pub(crate) fn failure(&self) -> Option<Arc<JournalFailure>> {
        lock(&self.failure).clone()
    }

    pub(crate) fn scribe_is_done(&self) {
        *lock(&self.scribe_done.0) = true;
        self.scribe_done.1.notify_all();
    }

    /// Waits until the scribe has appended everything, for `left` at most.
    pub(crate) fn wait_for_scribe(&self, left: &dyn Fn() -> Option<Option<Duration>>) -> bool {
        let mut done = lock(&self.scribe_done.0);
        while !*done {
            let Some(timeout) = left() else { return false };
            done = wait_timeout(&self.scribe_done.1, done, timeout);
        }
        true
    }
}
