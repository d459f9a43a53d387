//! What a crash may leave, and how it is told from damage. Knows `slab`, `frame` and `disk`; writers and queues are above it.
//!
//! # The tail rule
//!
//! Only the newest slab with a valid checkpoint is scanned whole: every older one was synced whole, and cut to its length,
//! before its successor was published. Each frame's header says `durable_through`: how far its writer had *seen* the slab
//! synced. Let W be the greatest of these over the slab's valid frames.
//!
//! At a bad frame at offset X the scan resynchronises: it steps over the frame if its header is valid, and else tries every
//! offset that is a multiple of 8 for a header whose salted checksum fits. Then
//!
//! * if W > X, acknowledged bytes are damaged: [`OpenError::Corrupt`] with file and offset, and nothing is changed;
//! * otherwise nothing from X on was ever acknowledged (a later frame may be intact there all the same: the kernel writes
//!   pages in any order). It is copied aside unless it is all zeros, cut off, and reported as a [`Cut`].
//!
//! Zeros where a header should be are an end only under the same condition, W <= X.
//!
//! A newest slab whose checkpoint isn't valid, and in which no frame claims that anything was synced, was never acknowledged:
//! it is put aside (or removed if it holds only zeros), and its predecessor is scanned in its place. That one must be good to
//! the last byte, since it was synced whole before a successor was published.
//!
//! Numbers of slabs are consecutive, and each names number and salt of the one before; anything else is damage too. Frames'
//! indices are dense, and each checkpoint says where the slab before it ends, so that no file's length is ever believed.
//!
//! # Order
//!
//! Take the lock; sync the names that lead to the directory, the directory and every slab, since a process that died may have left bytes that can be read but aren't on
//! the medium; judge; tell the visitor; only then repair; and always begin a new slab (the old one is never appended to, so
//! bytes that were cut can't come back). Each step can be cut short by a crash and done again: the outcome is the same.
//!
//! What remains: the last group commit before an unclean end is below nobody's W. If it is damaged it can't be told from a
//! torn write; so it is kept aside and reported. A watermark frame, written when the writer goes idle, keeps that window
//! short.

mod repair;
mod scan;
mod survey;
mod tail;
mod visit;

use std::path::PathBuf;

use crate::error::{OpenError, RecordError};
use crate::position::Position;

pub(crate) use repair::{repair, tidy};
#[cfg(feature = "fuzzing")]
pub(crate) use scan::scan;
pub(crate) use survey::{Base, Survey, SurveyMode, survey, sync_names_above};
#[cfg(feature = "fuzzing")]
pub(crate) use tail::Verdict;
pub(crate) use visit::visit;

/// How many files of cut-off bytes are kept; the oldest beyond that are removed.
pub(crate) const TORN_FILES_MAX: usize = 8;

/// Bytes after the last good frame, never acknowledged, that recovery cut off (or an inspection found).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cut {
    /// The slab.
    pub file: PathBuf,
    /// Where the bytes began.
    pub offset_bytes: u64,
    /// How many there were, up to the end of the file.
    pub len_bytes: u64,
    /// What was wrong with the first frame among them.
    pub reason: &'static str,
    /// The file that keeps them now; nothing if there was no room for it, or if this is an inspection.
    pub kept_as: Option<PathBuf>,
}

/// A client's record in the log, without its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is: [`CLIENT_KIND_MIN`](crate::CLIENT_KIND_MIN) or above.
    pub kind: u16,
    /// Whether a reader that doesn't know the kind must refuse the log.
    pub must_understand: bool,
    /// Its number over all frames of the log, the log's own among them.
    pub index: u64,
    /// Where its frame begins.
    pub position: Position,
    /// Just after its frame.
    pub end: Position,
    /// Where its payload begins.
    pub payload: Position,
    /// Bytes of payload.
    pub payload_len: u32,
    /// The payload's [`checksum`](crate::checksum()).
    pub payload_crc: u64,
    /// What was stored beside the payload.
    pub meta: Vec<u8>,
}

/// Is told of the newest checkpoint and of every client's record after it, in order.
pub trait Visitor {
    /// The newest checkpoint's payload. Not called for a new log.
    ///
    /// # Errors
    /// When the payload can't be used: opening ends with [`OpenError::Record`], and nothing was changed.
    fn checkpoint(&mut self, payload: &[u8]) -> Result<(), RecordError>;

    /// A record that was appended after the checkpoint. A kind that isn't known must be refused if the record says
    /// `must_understand`.
    ///
    /// # Errors
    /// As for [`Visitor::checkpoint`].
    fn record(&mut self, record: &Record, payload: &[u8]) -> Result<(), RecordError>;
}

fn io_error(operation: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> OpenError {
    let path = path.into();
    move |source| OpenError::Io { operation, path, source }
}
