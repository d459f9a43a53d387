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
//! * if W > X, acknowledged bytes are damaged: see below;
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
//! # Damage
//!
//! What is damaged below W, or of an older slab (its header, its checkpoint, its end, all of it), is told to the visitor as [`Damage`], in its
//! place among the records that can still be read. A visitor that doesn't say otherwise refuses it: [`OpenError::Corrupt`] with
//! file and offset, and nothing is changed. One that accepts it opens a log that is whole from here on; the damaged bytes stay as they
//! are, and whoever reads that far is stopped there.
//!
//! * A slab's salt also stands in its successor's header, so a damaged slab header costs no frame. The newest slab has no successor: its
//!   own salt is believed if its first frame's checksum fits it, as it stands or with one bit flipped back.
//! * If the newest slab's checkpoint is damaged, the next older one that is whole takes its place, and all slabs from there are visited.
//! * Refused in any case: a newest slab whose salt is gone, or that belongs to another log; a slab without any frame before a newest one
//!   without a checkpoint (neither tells what was in it); and a log without a whole checkpoint.
//! * The damage ends at the next frame whose header fits. What the lost frames amounted to is told by each frame's
//!   [note](crate::Frame::noted).
//!
//! # Order
//!
//! Take the lock; sync the names that lead to the directory, the directory and every slab, since a process that died may have
//! left bytes that can be read but aren't on the medium; judge; tell the visitor; only then repair; and always begin a new slab (the old one is never appended to, so
//! bytes that were cut can't come back). Each step can be cut short by a crash and done again: the outcome is the same.
//!
//! What remains: the last group commit before an unclean end is below nobody's W. If it is damaged it can't be told from a
//! torn write; so it is kept aside and reported. A watermark frame, written when the writer goes idle, keeps that window
//! short.

mod damage;
mod repair;
mod scan;
mod survey;
mod tail;
mod visit;

use std::path::PathBuf;

use crate::error::{OpenError, RecordError};
use crate::position::Position;

pub use damage::Damage;
pub(crate) use repair::{repair, tidy};
#[cfg(feature = "fuzzing")]
pub(crate) use scan::scan;
pub(crate) use scan::{Piece, Pieces};
pub(crate) use survey::{Survey, SurveyMode, survey, sync_names_above};
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
    /// The client's [note](crate::Frame::noted).
    pub note: u64,
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

    /// Acknowledged bytes are damaged: in slabs before the checkpoint's first, which are told of before it, and then in its place
    /// among the records. Of those older slabs only heads and lengths are looked at.
    ///
    /// Whoever accepts it must be able to go on without the records that are gone; a [`Reader`](crate::Reader) still stops there.
    ///
    /// # Errors
    /// Opening ends with [`OpenError::Corrupt`], and nothing was changed. Unless it is overridden this is the answer.
    fn damaged(&mut self, damage: &Damage) -> Result<(), RecordError> {
        Err(RecordError::new(damage.reason.clone()))
    }

    /// One of the log's own frames, with this index (the checkpoint among them), repeats the [note](crate::Frame::noted) of the last client's frame before it. Or it
    /// is a client's frame that was torn before it was acknowledged, and follows damage.
    fn noted(&mut self, note: u64, index: u64) {
        let _ = (note, index);
    }
}

fn io_error(operation: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> OpenError {
    let path = path.into();
    move |source| OpenError::Io { operation, path, source }
}
