//! What can go wrong, one type for each operation. Knows nothing but positions.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::position::Position;

/// The first write or sync that failed. From then on nothing more becomes durable in this process: a repeated sync could
/// succeed although the bytes are gone (Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020). Only
/// opening the log again, which reads what the medium really holds, clears it.
#[derive(Debug, thiserror::Error)]
#[error(
    "{operation} of {} failed: nothing more is made durable until the disk is mended and the log opened again",
    file.display()
)]
#[non_exhaustive]
pub struct LogFailure {
    /// What was tried, such as `write` or `sync`.
    pub operation: &'static str,
    /// The file or directory it was tried on.
    pub file: PathBuf,
    /// The operating system's answer.
    pub source: io::Error,
}

/// Why no room can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FullReason {
    /// The file system, or a quota on it, is full.
    Disk,
    /// Only the space that [`LogOptions::free_space_kept`](crate::LogOptions::free_space_kept) leaves to others is left.
    FreeSpaceKept,
    /// [`LogOptions::bytes_max`](crate::LogOptions::bytes_max) is reached.
    Limit,
    /// The next slab can't be made for another reason, which was logged.
    Error,
}

impl std::fmt::Display for FullReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Disk => "the disk is full",
            Self::FreeSpaceKept => "the disk is full but for the space that is kept free",
            Self::Limit => "the log has reached its size limit",
            Self::Error => "the next slab can't be made",
        })
    }
}

/// Why a frame wasn't appended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The disk is slower than the appender. Wait with [`Log::wait_for_room`](crate::Log::wait_for_room), then try again.
    #[error("the log is busy: wait for room and try again")]
    Busy,
    /// There is no room on disk. Frames that free space ([`Class::Control`](crate::Class::Control)) may still fit; free
    /// some, wait with [`Log::wait_for_room`](crate::Log::wait_for_room), then try again.
    #[error("no room for {needed_bytes} more bytes: {reason}: free some space and try again")]
    Full {
        /// Why not.
        reason: FullReason,
        /// Size of the smallest slab that would do.
        needed_bytes: u64,
    },
    /// An earlier write or sync failed.
    #[error("the log has failed")]
    Failed(#[source] Arc<LogFailure>),
    /// The frame is over a limit of the format and never fits.
    #[error("{what} of {bytes} bytes is over the limit of {limit_bytes}: split it")]
    TooLarge {
        /// Which part: `meta` or `payload`.
        what: &'static str,
        /// Its size.
        bytes: u64,
        /// The most there may be.
        limit_bytes: u64,
    },
    /// Kinds below [`CLIENT_KIND_MIN`](crate::CLIENT_KIND_MIN) are the log's own.
    #[error("frames of kind {kind} are the log's own: use 16 or above")]
    ReservedKind {
        /// The kind asked for.
        kind: u16,
    },
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
}

/// A visitor's refusal of a record.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}")]
pub struct RecordError {
    /// What is wrong with it, lower-case, and what to do.
    pub reason: String,
}

impl RecordError {
    /// A refusal for `reason`.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// Why a log can't be opened or inspected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it.
    #[error("{} is in use by {holder}: stop it or use another directory", directory.display())]
    Locked {
        /// What the holder wrote into the lock file.
        holder: String,
        /// The log's directory.
        directory: PathBuf,
    },
    /// The directory can't be made, read or locked.
    #[error("{} can't be used: check that it is a directory this user may write", directory.display())]
    NotUsable {
        /// The log's directory.
        directory: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// Acknowledged bytes are damaged or missing. Nothing was changed.
    #[error(
        "{} is damaged at offset {offset_bytes}: {reason}: restore the file, or move the directory aside to begin anew",
        file.display()
    )]
    Corrupt {
        /// The damaged or missing file.
        file: PathBuf,
        /// Where in it.
        offset_bytes: u64,
        /// What is wrong.
        reason: String,
    },
    /// Written by a newer version of this crate.
    #[error(
        "{} has format version {found}, and {newest_known} is the newest known here: use a newer version of this program",
        file.display()
    )]
    UnsupportedVersion {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: u32,
        /// The newest this crate reads.
        newest_known: u32,
    },
    /// The visitor refused a record, or the log one of its own kind that must be understood.
    #[error("the record at {position} can't be used")]
    Record {
        /// Where it is.
        position: Position,
        /// Why it was refused.
        #[source]
        reason: RecordError,
    },
    /// There isn't even room for a small slab, or for the directory and its lock.
    #[error("no room for {needed_bytes} bytes in {}: free some space", directory.display())]
    NoSpace {
        /// What the smallest slab needs.
        needed_bytes: u64,
        /// The log's directory.
        directory: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The operating system refused something else.
    #[error("{operation} of {} failed: check the disk, then open it again", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
}

/// Why a record can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The position lies before what is kept.
    #[error("{position} is released: the log begins at {oldest}")]
    Released {
        /// The position asked for.
        position: Position,
        /// Where the log begins.
        oldest: Position,
    },
    /// Stored bytes are damaged.
    #[error("{} is damaged at offset {offset_bytes}: {reason}", file.display())]
    Corrupt {
        /// The damaged file.
        file: PathBuf,
        /// Where in it.
        offset_bytes: u64,
        /// What is wrong.
        reason: String,
    },
    /// More bytes were asked for than the payload has.
    #[error("bytes {from}..{to} were asked for, of a payload of {payload_len}")]
    OutOfRange {
        /// First byte asked for.
        from: u64,
        /// End of the bytes asked for.
        to: u64,
        /// Length of the payload.
        payload_len: u64,
    },
    /// The operating system refused.
    #[error("reading {} failed", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
}

/// Whether an error says that there is no room: back-pressure, where any other is a failure.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
