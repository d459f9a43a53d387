//! What becomes of a taken task: completed, retried, given back; and making it durable.

use std::sync::Arc;

use super::error::{SettleError, SyncError};
use super::shared::Shared;
use super::state::{Refusal, Side};
use crate::error::{FullReason, LogFailure};
use crate::position::Position;

/// What is done with a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Completed,
    Retried,
}

/// Why records of completions aren't in the log.
#[derive(Debug)]
pub(super) enum Unrecorded {
    Full(FullReason),
    Failed(Arc<LogFailure>),
    Closed,
}

impl Shared {
    /// A task is done with, and that is durable when this returns if `is_durable` or the options say so.
    pub fn finish(
        &self,
        id: u64,
        queue: &str,
        frame_bytes: u64,
        outcome: Outcome,
        is_durable: bool,
    ) -> Result<(), SettleError> {
        let mut state = self.lock();
        if !state.is_open {
            return Err(SettleError::Closed);
        }
        let is_known = match outcome {
            Outcome::Completed => state.ledger.complete(id),
            Outcome::Retried => state.ledger.retry(id),
        };
        // Where it isn't, the queue was deleted: nothing is left to be done.
        if is_known {
            self.dirtied(&mut state);
            self.settle(&mut state);
            match outcome {
                Outcome::Completed => self.freed(&mut state, frame_bytes),
                Outcome::Retried => state.wake_one(queue, Side::Taker),
            }
        }
        let is_sync_due = self.count(&mut state);
        drop(state);
        if is_durable || self.rules.fsync_take {
            self.settle_durably().map_err(SettleError::from)
        } else if is_sync_due {
            self.sync().map_err(SettleError::from)
        } else {
            self.log.failure().map_or(Ok(()), |failure| Err(SettleError::Failed(failure)))
        }
    }

    /// A task goes back to its place untried. After closing nothing is to be done: the next open finds it there.
    pub fn give_back(&self, id: u64, queue: &str) {
        let mut state = self.lock();
        if state.is_open && state.ledger.give_back(id) {
            state.wake_one(queue, Side::Taker);
        }
    }

    /// Puts all records of completions and retries into the log, and says where the last of them ends.
    pub fn settle_all(&self, waits_when_full: bool) -> Result<Position, Unrecorded> {
        loop {
            let mut state = self.lock();
            let refusal = loop {
                match self.settle_once(&mut state) {
                    Ok(true) => {}
                    Ok(false) => return Ok(state.settled_through),
                    Err(refusal) => break refusal,
                }
            };
            drop(state);
            match refusal {
                Refusal::Full(reason) if !waits_when_full => return Err(Unrecorded::Full(reason)),
                Refusal::Failed(failure) => return Err(Unrecorded::Failed(failure)),
                // No settling record is too large.
                Refusal::Closed | Refusal::TooLarge { .. } => return Err(Unrecorded::Closed),
                Refusal::Busy | Refusal::Full(_) => {
                    let _ = self.log.wait_for_room(None);
                }
            }
        }
    }

    /// Makes all completions and retries durable.
    pub fn settle_durably(&self) -> Result<(), SyncError> {
        let end = self.settle_all(true).map_err(SyncError::from)?;
        self.sync_through(end)
    }

    /// Makes everything durable.
    pub fn sync(&self) -> Result<(), SyncError> {
        if !self.lock().is_open {
            return Err(SyncError::Closed);
        }
        self.settle_all(true).map_err(SyncError::from)?;
        self.sync_through(self.log.appended())
    }

    fn sync_through(&self, end: Position) -> Result<(), SyncError> {
        self.log.request_sync(end);
        match self.log.wait_durable(end, None) {
            Ok(true) => Ok(()),
            Ok(false) => Err(SyncError::Closed),
            Err(failure) => Err(SyncError::Failed(failure)),
        }
    }
}

impl From<Unrecorded> for SyncError {
    fn from(error: Unrecorded) -> Self {
        match error {
            Unrecorded::Failed(failure) => Self::Failed(failure),
            // Full is waited for wherever this is used.
            Unrecorded::Closed | Unrecorded::Full(_) => Self::Closed,
        }
    }
}

impl From<SyncError> for SettleError {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Failed(failure) => Self::Failed(failure),
            SyncError::Closed => Self::Closed,
        }
    }
}
