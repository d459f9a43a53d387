//! The journal as the place where the pump's entries go, and as the one who counts for the receipts.

use std::sync::Arc;
use std::time::Duration;

use s3_journal::{FullCause, Journal, Refusal, SubmitError};

use crate::commands::store::in_flags;
use crate::exit::{Exit, Failure, causes};
use crate::input::pump::{Refused, Sink};
use crate::receipts::{Counting, Counts};

/// How long a journal that is told to refuse is given to catch up: its disk or compressor is slower than the input for a
/// moment, which is no reason to refuse anything.
const CATCH_UP: Duration = Duration::from_millis(100);

/// How long a journal that has nothing to do isn't looked at.
const IDLE: Duration = Duration::from_millis(500);

/// A journal, shared by the threads of a `write`.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The journal.
    pub journal: Arc<Journal>,
    /// Batches end by time, not only when they are full.
    pub has_latency: bool,
}

impl Sink for Shared {
    fn take(&self, entry: &[u8]) -> Result<(), Refused> {
        self.submit(|journal| journal.submit(entry).map(|_| ()))
    }

    fn take_at(&self, entry: &[u8], source: u64, position: &[u8]) -> Result<(), Refused> {
        self.submit(|journal| journal.submit_at(entry, source, position).map(|_| ()))
    }

    fn position(&self, source: u64) -> Option<Vec<u8>> {
        self.journal.position(source)
    }
}

impl Shared {
    fn submit(&self, submit: impl Fn(&Journal) -> Result<(), SubmitError>) -> Result<(), Refused> {
        loop {
            match submit(&self.journal) {
                Ok(()) => return Ok(()),
                Err(SubmitError::Full { what: FullCause::Busy }) => self.catch_up(),
                Err(error) => return Err(refused(&error)),
            }
        }
    }

    /// Waits until one more entry is durable, or a little while. What went wrong the next submission tells.
    fn catch_up(&self) {
        let next = self.journal.receipt(self.journal.durable());
        drop(next.durable().wait_timeout(CATCH_UP));
    }
}

fn refused(error: &SubmitError) -> Refused {
    match error {
        SubmitError::Refused(refusal @ Refusal::TooManyPositions { .. }) => Refused::Journal(Failure::new(
            Exit::Directory,
            format!(
                "the local directory keeps the positions of as many FILEs as it can ({refusal}); use another \
                 --local-directory and --id for further ones"
            ),
        )),
        SubmitError::Refused(Refusal::DelimiterInside { at }) => Refused::Entry(format!(
            "with the delimiter after it, the delimiter begins at its byte {at} already, and it would be read back as \
             two; choose another --delimiter"
        )),
        SubmitError::Refused(refusal) => Refused::Entry(causes(refusal)),
        SubmitError::Full { .. } => Refused::Journal(Failure::new(
            Exit::Waiting,
            format!("the entry was refused: {}", in_flags(&causes(error))),
        )),
        SubmitError::Failed(_) => Refused::Journal(Failure::new(Exit::LocalIo, causes(error))),
        _ => Refused::Journal(Failure::new(Exit::Waiting, causes(error))),
    }
}

impl Counting for Shared {
    fn counts(&self) -> Counts {
        // In this order: what is uploaded is never more than what is durable.
        let uploaded = self.journal.uploaded();
        Counts { durable: self.journal.durable().max(uploaded), uploaded }
    }

    fn wait(&self, seen: Counts, timeout: Duration) {
        // Waiting for the durable stage would end the batch where only its size does.
        let waited = if self.has_latency {
            // With nothing under way that stage is the next to move, and wakes this thread: no need to look often.
            let is_idle = seen.uploaded >= self.journal.next_sequence();
            let timeout = if is_idle { timeout.max(IDLE) } else { timeout };
            self.journal.receipt(seen.durable).durable().wait_timeout(timeout)
        } else {
            self.journal.receipt(seen.uploaded).uploaded().wait_timeout(timeout)
        };
        if waited.is_err() {
            // The journal is closed or has failed: nothing wakes this thread any more but the end.
            std::thread::park_timeout(timeout);
        }
    }
}
