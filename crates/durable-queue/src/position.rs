//! A place in the log. Knows nothing.

use std::fmt;

/// A place in the log: a slab's number and an offset in that file. Positions compare in the order of the log.
///
/// An *end* (what [`Log::durable`](crate::Log::durable) and its like return) is the place just after the last byte meant,
/// so everything before it is included.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    minicbor::Encode,
    minicbor::Decode,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Position {
    /// Number of the slab, from 1.
    #[n(0)]
    pub slab: u64,
    /// Bytes from the start of the slab's file.
    #[n(1)]
    pub offset_bytes: u64,
}

impl Position {
    /// Before everything.
    pub const ZERO: Self = Self { slab: 0, offset_bytes: 0 };

    pub(crate) const fn new(slab: u64, offset_bytes: u64) -> Self {
        Self { slab, offset_bytes }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.slab, self.offset_bytes)
    }
}
