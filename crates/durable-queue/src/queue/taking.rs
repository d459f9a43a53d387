//! Taking a task: out of the ledger, its bytes off the disk. What can't be read is set aside, kept and reported, and the queue
//! goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::damage;
use super::error::{SetAside, TakeError};
use super::ledger::Entry;
use super::name::check_name;
use super::readers::Unreadable;
use super::shared::Shared;
use super::state::{Deadline, Left, Side};
use super::task::Task;
use crate::sabotage;
use crate::sync::atomic::Ordering;

impl Shared {
    /// Takes the next task. Nothing: there was none until `deadline`.
    pub fn take(self: &Arc<Self>, name: &str, deadline: Deadline) -> Result<Option<Task>, TakeError> {
        check_name(name)?;
        loop {
            let Some((queue, entry)) = self.claim(name, deadline)? else { return Ok(None) };
            if let Some(task) = self.deliver(queue, entry)? {
                return Ok(Some(task));
            }
            // The queue was deleted between the two: look again.
        }
    }

    /// Waits for a task and takes it in the ledger.
    fn claim(&self, name: &str, deadline: Deadline) -> Result<Option<(Arc<str>, Entry)>, TakeError> {
        let mut state = self.lock();
        let mut waiting = None;
        let mut is_sync_due = false;
        let claimed = loop {
            if !state.is_open {
                break Err(TakeError::Closed);
            }
            if let Some(claimed) = state.ledger.take(name, self.visible()) {
                is_sync_due = self.count(&mut state);
                state.wake_one(name, Side::Putter);
                break Ok(Some(claimed));
            }
            if let Some(failure) = self.log.failure() {
                break Err(TakeError::Failed(failure));
            }
            let left = self.left(deadline);
            if matches!(left, Left::Nothing) {
                break Ok(None);
            }
            let is_told = waiting.is_some();
            let condvar = waiting.get_or_insert_with(|| {
                self.takers_waiting.fetch_add(1, Ordering::SeqCst);
                state.join(name, Side::Taker)
            });
            // The first time it looks again: what became visible before this was told to nobody.
            if is_told || sabotage::LOOK_AGAIN.is_off() {
                state = Self::wait(condvar, state, left);
            }
        };
        if waiting.is_some() {
            state.leave(name, Side::Taker);
            self.takers_waiting.fetch_sub(1, Ordering::SeqCst);
        }
        drop(state);
        if is_sync_due {
            // The take is done whether or not what was put and completed before is durable. A failure shows at the next
            // put or completion.
            let _ = self.sync();
        }
        claimed
    }

    /// Reads a taken task. Nothing: its queue was deleted meanwhile.
    fn deliver(self: &Arc<Self>, queue: Arc<str>, entry: Entry) -> Result<Option<Task>, TakeError> {
        let mut place = entry.place;
        let unreadable = loop {
            match self.readers.read(&self.log, place, entry.id) {
                Ok(data) => {
                    let task = Task::new(Arc::clone(self), queue, &entry, data);
                    return Ok(Some(task));
                }
                Err(unreadable) => match self.lock().ledger.place_of_taken(entry.id) {
                    None => return Ok(None),
                    // Moved while it was read, so that the old slab may be gone.
                    Some(now) if now != place => place = now,
                    Some(_) => break unreadable,
                },
            }
        };
        match unreadable {
            Unreadable::Io(source) => {
                self.give_back(entry.id, &queue);
                Err(TakeError::Io { queue: queue.to_string(), source })
            }
            Unreadable::Damaged { file, offset_bytes, reason } => {
                let entry = Entry { place, ..entry };
                Err(self.set_aside(&queue, &entry, file, offset_bytes, reason))
            }
        }
    }

    /// Takes a damaged task out of its queue, having saved its bytes as they are.
    pub fn set_aside(
        &self,
        queue: &str,
        entry: &Entry,
        file: PathBuf,
        offset_bytes: u64,
        reason: String,
    ) -> TakeError {
        let kept_as = self.keep_bytes(entry);
        let is_kept = kept_as.is_some();
        tracing::error!(
            queue, task = entry.id, file = %file.display(), offset_bytes, reason, is_kept,
            "a damaged task was set aside"
        );
        let aside = SetAside {
            queue: queue.to_owned(),
            task: entry.id,
            position: entry.place,
            file: file.clone(),
            offset_bytes,
            reason: reason.clone(),
            kept_as: kept_as.clone(),
        };
        let mut state = self.lock();
        state.remember(aside);
        if state.ledger.set_aside(entry.id, is_kept) && is_kept {
            self.settle(&mut state);
            self.freed(&mut state, u64::from(entry.frame_bytes));
        }
        TakeError::Corrupt { queue: queue.to_owned(), task: entry.id, file, offset_bytes, reason, kept_as }
    }

    fn keep_bytes(&self, entry: &Entry) -> Option<PathBuf> {
        let (disk, directory): (_, &Path) = (&*self.environment.disk, &self.directory);
        match damage::keep(disk, directory, entry) {
            Ok(path) => Some(path),
            Err(error) => {
                tracing::warn!(task = entry.id, %error, "the bytes of a damaged task can't be copied");
                None
            }
        }
    }
}

#[cfg(test)]
#[path = "taking_tests.rs"]
mod tests;
