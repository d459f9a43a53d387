//! What the queues of a directory can be told, and what is refused. Knows nothing of the log but how much room it may take.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::error::OptionError;
use crate::options::FreeSpace;

/// The smallest slab: its header, a checkpoint and a few tasks.
pub const SLAB_SIZE_BYTES_MIN: u64 = 16 << 10;
/// The largest slab: beyond it, freeing the room of completed tasks would take too long to be of use.
pub const SLAB_SIZE_BYTES_MAX: u64 = 64 << 30;
/// Where puts are synced and completions are not, completions are synced this often all the same, so that a power loss
/// redelivers the tasks of the last second and not those of the last hour.
pub(super) const COMPLETION_SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// Says of a task's bytes whether it was completed already.
pub(super) type Predicate = Arc<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// How the queues of a directory are kept: begin with [`QueueOptions::new`] and change what should differ. What is wrong or
/// contradictory is refused by [`Queues::open`](super::Queues::open).
///
/// ```
/// use std::time::Duration;
/// use durable_queue::QueueOptions;
///
/// // At most 100 tasks and 50 ms of work are at stake in a power loss.
/// let options = QueueOptions::new().fsync_threshold(100).fsync_interval(Duration::from_millis(50));
/// # drop(options);
/// ```
#[derive(Clone)]
pub struct QueueOptions {
    complete_if: Option<Predicate>,
    max_queue_size: usize,
    slab_size_bytes: u64,
    fsync_put: Option<bool>,
    fsync_take: Option<bool>,
    fsync_threshold: Option<u64>,
    fsync_interval: Option<Duration>,
    bytes_max: Option<u64>,
    free_space_kept: FreeSpace,
}

impl QueueOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            complete_if: None,
            max_queue_size: usize::MAX,
            slab_size_bytes: 64 << 20,
            fsync_put: None,
            fsync_take: None,
            fsync_threshold: None,
            fsync_interval: None,
            bytes_max: None,
            free_space_kept: FreeSpace::Percent(5),
        }
    }

    /// Asked at open of the bytes of each task that is there: where it says true, the task counts as completed. For tasks
    /// that mustn't be done twice: a crash between doing a task and recording that it is done can't be told from one before
    /// doing it, except by looking at what the task does. Default: no task is.
    #[must_use]
    pub fn complete_if(mut self, predicate: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> Self {
        self.complete_if = Some(Arc::new(predicate));
        self
    }

    /// The most tasks that wait in a queue, each name counted by itself, before a put waits. Tasks that are taken don't
    /// count, retried ones do but are never refused; nor are the tasks found at open. Default: no limit.
    #[must_use]
    pub fn max_queue_size(mut self, tasks: usize) -> Self {
        self.max_queue_size = tasks;
        self
    }

    /// Size of a slab in bytes, from [`SLAB_SIZE_BYTES_MIN`] to [`SLAB_SIZE_BYTES_MAX`]. Disk space is taken and given back
    /// in slabs. A task that is larger gets a slab that holds it. Default 64 MiB.
    #[must_use]
    pub fn slab_size(mut self, bytes: u64) -> Self {
        self.slab_size_bytes = bytes;
        self
    }

    /// Whether a put returns only when its task is durable. Default true, unless [`QueueOptions::fsync_threshold`] or
    /// [`QueueOptions::fsync_interval`] is given. Without it, a death of the process can lose the tasks put in the last
    /// moments, and a power loss all that weren't synced.
    #[must_use]
    pub fn fsync_put(mut self, yes: bool) -> Self {
        self.fsync_put = Some(yes);
        self
    }

    /// Whether completing and retrying return only when that is durable. (Taking alone changes nothing that outlives the
    /// process: a task that is taken and one that isn't are the same to the next open.) Without it, more of the completed
    /// tasks come again after a crash. Default false.
    #[must_use]
    pub fn fsync_take(mut self, yes: bool) -> Self {
        self.fsync_take = Some(yes);
        self
    }

    /// The most puts, takes, retries and completions, over all names, before everything is synced: the call that makes the
    /// number full waits for it. Excludes [`QueueOptions::fsync_put`] and [`QueueOptions::fsync_take`]. Default: none.
    #[must_use]
    pub fn fsync_threshold(mut self, actions: u64) -> Self {
        self.fsync_threshold = Some(actions);
        self
    }

    /// The longest time before everything is synced, by a thread of its own. Excludes [`QueueOptions::fsync_put`] and
    /// [`QueueOptions::fsync_take`]. Default: none.
    #[must_use]
    pub fn fsync_interval(mut self, interval: Duration) -> Self {
        self.fsync_interval = Some(interval);
        self
    }

    /// The most bytes that all slabs together take on disk; a put waits when it is reached. Default: no such limit.
    /// [`QueueOptions::free_space_kept`] holds beside it: the smaller of the two counts.
    #[must_use]
    pub fn bytes_max(mut self, bytes: u64) -> Self {
        self.bytes_max = Some(bytes);
        self
    }

    /// What is left free on the file system; a put waits when only that is left. Default 5 %.
    #[must_use]
    pub fn free_space_kept(mut self, space: FreeSpace) -> Self {
        self.free_space_kept = space;
        self
    }

    /// The options as they are carried out.
    pub(super) fn check(&self) -> Result<Rules, OptionError> {
        let refuse = |option, value: &dyn fmt::Display, remedy| {
            Err(OptionError { option, value: value.to_string(), remedy })
        };
        if self.max_queue_size == 0 {
            return refuse(
                "max_queue_size",
                &0,
                "no task could ever be put: give at least 1, or leave it out",
            );
        }
        if !(SLAB_SIZE_BYTES_MIN..=SLAB_SIZE_BYTES_MAX).contains(&self.slab_size_bytes) {
            return refuse("slab_size", &self.slab_size_bytes, "give from 16 KiB to 64 GiB, in bytes");
        }
        if self.fsync_threshold == Some(0) {
            return refuse("fsync_threshold", &0, "give at least 1, or leave it out");
        }
        if self.fsync_interval == Some(Duration::ZERO) {
            return refuse("fsync_interval", &"0s", "give a longer time, or leave it out");
        }
        if let FreeSpace::Percent(percent @ 100..) = self.free_space_kept {
            return refuse("free_space_kept", &percent, "give less than 100 percent");
        }
        if self.bytes_max.is_some_and(|bytes| bytes < self.slab_size_bytes.saturating_mul(2)) {
            return refuse(
                "bytes_max",
                &self.bytes_max.unwrap_or_default(),
                "give at least twice the slab_size, or a smaller slab_size",
            );
        }
        let is_batched = self.fsync_threshold.is_some() || self.fsync_interval.is_some();
        for (option, given) in [("fsync_put", self.fsync_put), ("fsync_take", self.fsync_take)] {
            if is_batched && given == Some(true) {
                return refuse(
                    option,
                    &true,
                    "it syncs each task, and fsync_threshold and fsync_interval sync many at once: leave out the one or the others",
                );
            }
        }
        let fsync_put = self.fsync_put.unwrap_or(!is_batched);
        let fsync_take = self.fsync_take.unwrap_or(false);
        let background = (fsync_put && !fsync_take).then_some(COMPLETION_SYNC_INTERVAL);
        Ok(Rules {
            complete_if: self.complete_if.clone(),
            max_queue_size: self.max_queue_size,
            slab_size_bytes: self.slab_size_bytes,
            fsync_put,
            fsync_take,
            fsync_threshold: self.fsync_threshold,
            sync_interval: self.fsync_interval.or(background),
            bytes_max: self.bytes_max,
            free_space_kept: self.free_space_kept,
        })
    }
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for QueueOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueOptions")
            .field("complete_if", &self.complete_if.as_ref().map(|_| "a predicate"))
            .field("max_queue_size", &self.max_queue_size)
            .field("slab_size_bytes", &self.slab_size_bytes)
            .field("fsync_put", &self.fsync_put)
            .field("fsync_take", &self.fsync_take)
            .field("fsync_threshold", &self.fsync_threshold)
            .field("fsync_interval", &self.fsync_interval)
            .field("bytes_max", &self.bytes_max)
            .field("free_space_kept", &self.free_space_kept)
            .finish()
    }
}

/// Options that were checked, with every default filled in.
pub(super) struct Rules {
    pub complete_if: Option<Predicate>,
    pub max_queue_size: usize,
    pub slab_size_bytes: u64,
    pub fsync_put: bool,
    pub fsync_take: bool,
    pub fsync_threshold: Option<u64>,
    pub sync_interval: Option<Duration>,
    pub bytes_max: Option<u64>,
    pub free_space_kept: FreeSpace,
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
