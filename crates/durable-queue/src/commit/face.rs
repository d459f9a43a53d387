//! What group commit takes and gives, as plain values. Knows positions and errors.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{FullReason, LogFailure};
use crate::position::Position;

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Something: call again at once.
    Worked,
    /// Nothing, there being nothing to do, or no room to do it.
    Idle,
    /// Nothing, and never will again: the log failed or is closed.
    Finished,
}

/// Which room in a slab a frame may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// What fills the log.
    Data,
    /// What lets it be emptied, such as acknowledgements: it may use the reserve of each slab
    /// ([`LogOptions::control_reserve_bytes`](crate::LogOptions::control_reserve_bytes)).
    Control,
}

/// Where a frame was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The start of the frame.
    pub position: Position,
    /// The start of its payload.
    pub payload: Position,
    /// Just after the frame: durable once [`Log::durable`](crate::Log::durable) is at or after this.
    pub end: Position,
}

/// How waiting for room ended.
#[derive(Debug, Clone)]
pub enum Room {
    /// An append that was refused may succeed now.
    Room,
    /// The log failed.
    Failed(Arc<LogFailure>),
    /// The log is closed.
    Closed,
    /// There is still no room.
    TimedOut,
}

/// Figures of a log since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogStats {
    /// Slabs on disk, without the one prepared.
    pub slabs: u64,
    /// Bytes of slabs on disk, with what is reserved and the one prepared.
    pub bytes_on_disk: u64,
    /// Bytes appended and not yet written.
    pub pending_bytes: u64,
    /// Clients' frames appended.
    pub frames_appended: u64,
    /// Their bytes, headers included.
    pub bytes_appended: u64,
    /// Writes.
    pub writes: u64,
    /// Syncs that made frames durable.
    pub syncs: u64,
    /// Time spent in them.
    pub sync_time: Duration,
    /// The longest of them.
    pub sync_time_max: Duration,
    /// Watermark frames written.
    pub watermarks: u64,
    /// Slabs begun.
    pub rotations: u64,
    /// Slabs removed.
    pub slabs_removed: u64,
    /// Whether room for the current slab is reserved on disk.
    pub is_preallocated: bool,
    /// Why there is no room, if there is none.
    pub full: Option<FullReason>,
}
