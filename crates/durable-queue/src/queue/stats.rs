//! The six counts of a queue. Knows nothing.

use serde::{Deserialize, Serialize};

/// What happened to the tasks of one name since the queues were opened, and the files they are in.
///
/// Serializes to a map of exactly these six names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QueueStats {
    /// Tasks put, and those that were there already when the queues were opened.
    pub enqueued: u64,
    /// Tasks given back to be tried again, each time counted.
    pub retried: u64,
    /// Tasks completed.
    pub completed: u64,
    /// Tasks that are taken, and neither completed, retried nor dropped yet.
    pub in_progress: u64,
    /// Slabs that hold tasks of this name that aren't completed. Names share slabs, so these don't add up.
    pub num_slabs: u64,
    /// Those of them that are being worked on: read for the next task, written, or holding a task that is in progress.
    pub num_active_slabs: u64,
}
