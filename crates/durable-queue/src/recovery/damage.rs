//! Damage to acknowledged bytes, as data: where it is and what is known of it by the frames before and after. Knows positions.

use std::fmt;
use std::path::PathBuf;

use super::Record;
use crate::position::Position;

/// Acknowledged bytes that are damaged or missing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The damaged or missing slab.
    pub file: PathBuf,
    /// Where it begins.
    pub from: Position,
    /// Where the next good frame is, or the end of the slab.
    pub to: Position,
    /// What is wrong.
    pub reason: String,
    /// The one record that is damaged, if only its payload is.
    pub record: Option<Record>,
    /// The client's [note](crate::Frame::noted) as of the end of the damage, if the damaged frame's header tells it.
    pub note: Option<u64>,
    /// The damaged frame's index, likewise. Indices are dense: with it is known how many frames are missing.
    pub index: Option<u64>,
    /// Whether frames are damaged or missing. Not so where only a slab's own header is, without which its frames are read all
    /// the same, and in slabs that opening doesn't read through.
    pub has_frames: bool,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, from, to, reason, .. } = self;
        write!(f, "{} is damaged at offset {}", file.display(), from.offset_bytes)?;
        if to.slab == from.slab && to.offset_bytes > from.offset_bytes {
            write!(f, " to {}", to.offset_bytes)?;
        }
        write!(f, ": {reason}")
    }
}
