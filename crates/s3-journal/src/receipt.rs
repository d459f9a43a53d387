//! What `submit` returns: an entry's sequence number, and the two stages one can wait for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::error::{Stopped, WaitError};
use crate::milestone::{Milestone, Stage, Ticket};
use crate::shared::Shared;

/// The receipt of an entry.
///
/// It is a number with the journal it belongs to: copying it costs nothing, and a program that stores only
/// [`Receipt::sequence`] gets it back by [`Journal::receipt`](crate::Journal::receipt).
#[derive(Clone, Copy)]
pub struct Receipt<'journal> {
    sequence: u64,
    shared: &'journal Shared,
}

impl std::fmt::Debug for Receipt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receipt").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

impl<'journal> Receipt<'journal> {
    pub(crate) fn new(sequence: u64, shared: &'journal Shared) -> Self {
        Self { sequence, shared }
    }

    /// The entry's sequence number: entries are numbered from 0 over the life of the local directory.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Waits until the entry is durable. Where no `max_batch_latency` is set this also ends the entry's batch.
    ///
    /// # Durability
    /// When it resolves, the entry is on the medium of this machine (with `fsync(false)`: handed to the operating
    /// system, which a power loss may still undo).
    pub fn durable(self) -> Wait<'journal> {
        self.shared.expect_durable(self.sequence);
        Wait::new(self, Stage::Durable)
    }

    /// Waits until the entry is uploaded. This doesn't end its object: `flush` does.
    ///
    /// # Durability
    /// When it resolves, the entry is in a completed object in the bucket.
    pub fn uploaded(self) -> Wait<'journal> {
        Wait::new(self, Stage::Uploaded)
    }
}

/// Waits for one stage of one entry: a future, or [`Wait::wait`] for a thread.
#[must_use = "nothing is waited for until this is awaited, or `wait` called"]
#[derive(Debug)]
pub struct Wait<'journal> {
    receipt: Receipt<'journal>,
    stage: Stage,
    ticket: Option<Ticket>,
}

impl<'journal> Wait<'journal> {
    fn new(receipt: Receipt<'journal>, stage: Stage) -> Self {
        Self { receipt, stage, ticket: None }
    }

    fn milestone(&self) -> &'journal Milestone {
        self.receipt.shared.milestone(self.stage)
    }

    /// The count has come as far as the entry: whether the entry has, too.
    fn is_reached(&self) -> Result<(), WaitError> {
        let entry = self.receipt.sequence..self.count();
        match self.milestone().left_out(&entry) {
            Some(left_out) => Err(WaitError::from(Stopped::LeftOut(left_out))),
            None => Ok(()),
        }
    }

    fn count(&self) -> u64 {
        self.receipt.sequence.saturating_add(1)
    }

    /// Blocks until the stage is reached.
    ///
    /// # Errors
    /// [`WaitError`] when this journal won't get there: reopen it to go on.
    pub fn wait(self) -> Result<(), WaitError> {
        self.milestone().wait(self.count(), None).map_err(WaitError::from)?;
        self.is_reached()
    }

    /// Blocks until the stage is reached, or for `timeout`: says whether it is.
    ///
    /// # Errors
    /// [`WaitError`] when this journal won't get there: reopen it to go on.
    pub fn wait_timeout(self, timeout: Duration) -> Result<bool, WaitError> {
        let clock = self.receipt.shared.clock();
        let end = clock.monotonic().saturating_add(timeout);
        let left = || end.checked_sub(clock.monotonic()).filter(|left| !left.is_zero());
        let reached = self.milestone().wait(self.count(), Some(&left)).map_err(WaitError::from)?;
        if reached { self.is_reached().map(|()| true) } else { Ok(false) }
    }
}

impl Future for Wait<'_> {
    type Output = Result<(), WaitError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (milestone, count) = (self.milestone(), self.count());
        let poll = milestone.poll(count, &mut self.ticket, context.waker()).map_err(WaitError::from);
        poll.map(|reached| reached.and_then(|()| self.is_reached()))
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.milestone().forget(ticket);
        }
    }
}
