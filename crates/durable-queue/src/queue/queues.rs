//! The face: named queues in a directory. Knows every other file of the room only to call it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::error::{CloseError, DeleteError, PutError, QueuesOpenError, SetAside, SyncError, TakeError};
use super::iterators::Tasks;
use super::opening::{self, Opened, Running};
use super::options::QueueOptions;
use super::shared::Shared;
use super::state::Deadline;
use super::stats::QueueStats;
use super::task::Task;
use crate::environment::Environment;
use crate::recovery::Cut;
use crate::sync::Mutex;

/// Named queues of tasks in one directory: put from any thread, taken by any thread, kept over restarts. Cheap to clone: all
/// clones are the same queues. Names need no declaration; a queue is there from its first put on.
///
/// Tasks of a name are taken in the order they were put. Each is delivered *at least once*: a task that was taken but whose
/// completion isn't durable when the process dies or the power fails comes again after the next open, at its old place,
/// ahead of all put after it. Tasks that mustn't be done twice need
/// [`complete_if`](QueueOptions::complete_if), or their own memory of what was done.
///
/// ```
/// use durable_queue::{QueueOptions, Queues};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let options = QueueOptions::new().slab_size(1 << 20);
/// let queues = Queues::open(directory.path(), options)?;
/// queues.put("thumbnails", b"holiday.jpg")?; // durable when it returns
///
/// let task = queues.take("thumbnails")?; // waits for one
/// assert_eq!(task.data(), b"holiday.jpg");
/// task.retry()?; // to the back of the queue
///
/// for task in queues.immediate_task_seq("thumbnails") {
///     let task = task?;
///     assert_eq!(task.attempts(), 1);
///     task.complete()?; // never comes again
/// }
///
/// let stats = queues.stats();
/// assert_eq!((stats["thumbnails"].completed, stats["thumbnails"].in_progress), (1, 0));
/// queues.close()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Queues {
    handle: Arc<Handle>,
}

/// Closes the queues when the last clone goes. Tasks don't keep them open.
#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    running: Mutex<Option<Running>>,
    cut: Option<Cut>,
}

impl Handle {
    /// Ends everything with `end`, which closes the log; the second caller waits for the first and does nothing.
    fn end<T>(&self, end: impl FnOnce(&Shared) -> T) -> Option<T> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let threads = running.take()?;
        let outcome = end(&self.shared);
        threads.join();
        Some(outcome)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.end(Shared::close) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "closing queues that were dropped failed"
            );
        }
    }
}

impl Queues {
    /// Opens the queues in `directory`, which is made when missing. Tasks that were in progress wait again.
    ///
    /// # Durability
    /// Everything found is on the medium when this returns.
    ///
    /// # Errors
    /// See [`QueuesOpenError`]: wrong options, a directory that another process has open, damage, a disk that refuses.
    pub fn open(directory: impl AsRef<Path>, options: QueueOptions) -> Result<Self, QueuesOpenError> {
        Self::open_in(Environment::system(), directory, options)
    }

    /// As [`Queues::open`], with another disk, clock and randomness. (Times to wait are measured by the clock and waited for
    /// in real time.)
    ///
    /// # Durability
    /// As [`Queues::open`].
    ///
    /// # Errors
    /// As [`Queues::open`].
    #[expect(clippy::needless_pass_by_value, reason = "options are made for one open and given away")]
    pub fn open_in(
        environment: Environment,
        directory: impl AsRef<Path>,
        options: QueueOptions,
    ) -> Result<Self, QueuesOpenError> {
        let Opened { shared, running, cut } = opening::open(environment, directory.as_ref(), &options)?;
        Ok(Self { handle: Arc::new(Handle { shared, running: Mutex::new(Some(running)), cut }) })
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    /// Puts a task at the back of the queue `name`. Waits while the queue is full
    /// ([`max_queue_size`](QueueOptions::max_queue_size)) and while there is no room on disk.
    ///
    /// # Durability
    /// With [`fsync_put`](QueueOptions::fsync_put), the default, the task is durable when this returns; threads that put at
    /// the same time share a sync. It can be taken from then on.
    ///
    /// # Errors
    /// See [`PutError`].
    pub fn put(&self, name: &str, task: impl AsRef<[u8]>) -> Result<(), PutError> {
        self.shared().put(name, task.as_ref(), Deadline::Never).map(|_| ())
    }

    /// As [`Queues::put`], waiting at most `timeout` for room. `Ok(false)`: the queue was full, or the disk too busy, for so
    /// long; the task isn't stored. (Once there is room it isn't hurried: with `fsync_put` the sync is waited for.)
    ///
    /// # Durability
    /// As [`Queues::put`] after `Ok(true)`.
    ///
    /// # Errors
    /// As [`Queues::put`], and [`PutError::Full`] if the disk had no room for so long.
    pub fn put_timeout(
        &self,
        name: &str,
        task: impl AsRef<[u8]>,
        timeout: Duration,
    ) -> Result<bool, PutError> {
        self.shared().put(name, task.as_ref(), self.shared().deadline_after(timeout))
    }

    /// As [`Queues::put_timeout`], not waiting for room at all.
    ///
    /// # Durability
    /// As [`Queues::put`] after `Ok(true)`.
    ///
    /// # Errors
    /// As [`Queues::put_timeout`].
    pub fn try_put(&self, name: &str, task: impl AsRef<[u8]>) -> Result<bool, PutError> {
        self.put_timeout(name, task, Duration::ZERO)
    }

    /// Takes the first task of the queue `name`, waiting for one.
    ///
    /// # Durability
    /// Taking changes nothing on disk: after a crash the task waits again.
    ///
    /// # Errors
    /// See [`TakeError`]. After [`TakeError::Corrupt`] the queue goes on with the next task.
    pub fn take(&self, name: &str) -> Result<Task, TakeError> {
        // Without a deadline there is no end without a task but an error.
        self.shared().take(name, Deadline::Never)?.ok_or(TakeError::Closed)
    }

    /// As [`Queues::take`], waiting at most `timeout`. `Ok(None)`: there was none for so long.
    ///
    /// # Errors
    /// As [`Queues::take`].
    pub fn take_timeout(&self, name: &str, timeout: Duration) -> Result<Option<Task>, TakeError> {
        self.shared().take(name, self.shared().deadline_after(timeout))
    }

    /// As [`Queues::take`], not waiting.
    ///
    /// # Errors
    /// As [`Queues::take`].
    pub fn try_take(&self, name: &str) -> Result<Option<Task>, TakeError> {
        self.take_timeout(name, Duration::ZERO)
    }

    /// Every task of the queue `name`, waiting for more for ever: ends when the queues are closed.
    pub fn task_seq(&self, name: &str) -> Tasks<'_> {
        Tasks::endless(self, name)
    }

    /// The tasks that the queue `name` has: ends when none is there at once.
    pub fn immediate_task_seq(&self, name: &str) -> Tasks<'_> {
        Tasks::immediate(self, name)
    }

    /// The tasks of the queue `name` that can be taken within `interval` from now: ends then, even if there are more.
    pub fn interval_task_seq(&self, name: &str, interval: Duration) -> Tasks<'_> {
        Tasks::interval(self, name, interval)
    }

    /// The counts of each queue that had a task since the open, by name.
    pub fn stats(&self) -> BTreeMap<String, QueueStats> {
        let shared = self.shared();
        let current = shared.log.appended().slab;
        shared.lock().ledger.stats(current)
    }

    /// The damaged tasks met since the open, in the order they were met; the newest thousand. Each was also the error of a
    /// take.
    pub fn set_aside(&self) -> Vec<SetAside> {
        self.shared().lock().set_aside.iter().cloned().collect()
    }

    /// What the open cut off the end of the log, if the last run ended in the middle of a write: bytes that were never
    /// acknowledged, kept in the file it names.
    pub fn cut(&self) -> Option<&Cut> {
        self.handle.cut.as_ref()
    }

    /// Makes everything durable: every task put and every completion and retry told so far.
    ///
    /// # Durability
    /// See above.
    ///
    /// # Errors
    /// See [`SyncError`].
    pub fn fsync(&self) -> Result<(), SyncError> {
        self.shared().sync()
    }

    /// Forgets the queue `name` with all its tasks, and says how many there were. What becomes of those that are taken
    /// doesn't matter any more. The disk space comes back as slabs become free.
    ///
    /// # Durability
    /// Durable when this returns: the tasks don't come back.
    ///
    /// # Errors
    /// See [`SyncError`].
    pub fn delete_queue(&self, name: &str) -> Result<usize, SyncError> {
        self.shared().delete_queue(name)
    }

    /// As [`Queues::delete_queue`], for all there are.
    ///
    /// # Durability
    /// As [`Queues::delete_queue`].
    ///
    /// # Errors
    /// As [`Queues::delete_queue`].
    pub fn delete_all(&self) -> Result<usize, SyncError> {
        self.shared().delete_all()
    }

    /// Closes the queues, forgets every task and removes the files (all but the empty lock file, which another process may be
    /// about to lock). Every later call is refused; opening the directory again begins anew.
    ///
    /// # Durability
    /// The removal is durable when this returns. A crash in between leaves a directory that opens with no task in it, if its
    /// disk could still be written.
    ///
    /// # Errors
    /// See [`DeleteError`].
    pub fn delete(&self) -> Result<(), DeleteError> {
        self.handle.end(Shared::close_to_delete);
        self.shared().remove_files()
    }

    /// Closes the queues: every later call, and every one that waits, is refused, and tasks still taken come again after the
    /// next open. Closing again does nothing. Dropping the last clone closes too, and can't tell how it went.
    ///
    /// # Durability
    /// After `Ok` everything is durable.
    ///
    /// # Errors
    /// See [`CloseError`]; the queues are closed all the same.
    pub fn close(&self) -> Result<(), CloseError> {
        self.handle.end(Shared::close).unwrap_or(Ok(()))
    }
}
