//! A task in the hands of whoever took it. Knows what is shared only to say what became of it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::error::SettleError;
use super::ledger::Entry;
use super::settling::Outcome;
use super::shared::Shared;

/// A task that was taken: its bytes, and the duty to say what became of it. It derefs to the bytes.
///
/// A task that is dropped untold goes back to its place in the queue, ahead of all that were put after it, as if it had never
/// been taken: it wasn't tried, so that isn't counted as a retry. A panic in a worker thus loses nothing, and a task that
/// makes every worker panic comes again and again: catch such and [`Task::retry`] or complete it, looking at
/// [`Task::attempts`].
#[must_use = "a task that is dropped goes back to its place: complete it or retry it"]
pub struct Task {
    /// Nothing once it is told what became of it.
    shared: Option<Arc<Shared>>,
    queue: Arc<str>,
    id: u64,
    attempts: u32,
    frame_bytes: u32,
    data: Vec<u8>,
}

impl Task {
    pub(super) fn new(shared: Arc<Shared>, queue: Arc<str>, entry: &Entry, data: Vec<u8>) -> Self {
        let Entry { id, attempts, frame_bytes, .. } = *entry;
        Self { shared: Some(shared), queue, id, attempts, frame_bytes, data }
    }

    /// What was put.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The name of its queue.
    pub fn queue(&self) -> &str {
        &self.queue
    }

    /// Its number: rising over all names of a directory in the order of the puts, the same at every delivery, never given
    /// to another task.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// How often it was retried before: 0 at first. Kept over restarts.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The task is done: it won't come again.
    ///
    /// # Durability
    /// The completion is recorded at once, or together with others while the disk is busy; it is synced with the next put,
    /// and otherwise as the options say, within a second by default. A completion that is lost in a crash before that is
    /// told by no one: the task comes again. With [`fsync_take`](super::QueueOptions::fsync_take) it is durable when this
    /// returns.
    ///
    /// # Errors
    /// [`SettleError`]: it may come again after the next open.
    pub fn complete(self) -> Result<(), SettleError> {
        self.finish(Outcome::Completed, false)
    }

    /// As [`Task::complete`], whatever the options say.
    ///
    /// # Durability
    /// The completion is durable when this returns. Many threads share a sync.
    ///
    /// # Errors
    /// As [`Task::complete`].
    pub fn complete_durable(self) -> Result<(), SettleError> {
        self.finish(Outcome::Completed, true)
    }

    /// The task is to be tried again: it goes to the back of its queue, with one more attempt. It never waits for room
    /// there.
    ///
    /// # Durability
    /// As [`Task::complete`]; after a crash before it is durable the task is at its old place.
    ///
    /// # Errors
    /// As [`Task::complete`].
    pub fn retry(self) -> Result<(), SettleError> {
        self.finish(Outcome::Retried, false)
    }

    fn finish(mut self, outcome: Outcome, is_durable: bool) -> Result<(), SettleError> {
        match self.shared.take() {
            Some(shared) => {
                shared.finish(self.id, &self.queue, u64::from(self.frame_bytes), outcome, is_durable)
            }
            None => Ok(()),
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            shared.give_back(self.id, &self.queue);
        }
    }
}

impl Deref for Task {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.data
    }
}

impl AsRef<[u8]> for Task {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("queue", &self.queue)
            .field("id", &self.id)
            .field("attempts", &self.attempts)
            .field("bytes", &self.data.len())
            .finish_non_exhaustive()
    }
}
