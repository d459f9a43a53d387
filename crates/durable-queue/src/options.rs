//! What a log can be told. Knows nothing.

use std::path::PathBuf;

use crate::disk::Space;

/// How much of the file system a log leaves to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreeSpace {
    /// A share of the file system's size, in percent.
    Percent(u8),
    /// So many bytes.
    Bytes(u64),
}

impl std::fmt::Display for FreeSpace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Bytes(bytes) => write!(f, "{bytes} bytes"),
        }
    }
}

impl FreeSpace {
    pub(crate) fn bytes_of(self, space: Space) -> u64 {
        match self {
            Self::Percent(percent) => (space.total_bytes / 100).saturating_mul(u64::from(percent)),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// How a log is kept. Make one with [`LogOptions::new`] and change what should differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOptions {
    /// Where the slabs are. Made when missing.
    pub directory: PathBuf,
    /// Size of a slab in bytes. A frame that is larger gets a slab that holds it. Default 64 MiB.
    pub slab_size_bytes: u64,
    /// What is kept of each slab for control frames ([`Class::Control`](crate::Class::Control)), in bytes, so that what
    /// frees space can always be written. Default 64 KiB. (A file system that can't preallocate may be full all the same.)
    pub control_reserve_bytes: u64,
    /// `true` (the default): what is written is synced at once, as many frames as have come together. `false`: only what
    /// [`Log::request_sync`](crate::Log::request_sync) asks for, and at rotation and close.
    pub fsync: bool,
    /// The most bytes the slabs may take on disk. Default: no such limit. [`LogOptions::free_space_kept`] holds beside it:
    /// the smaller of the two counts, and [`FullReason`](crate::FullReason) says which it was. A log needs two slabs to work in, so a limit
    /// below a few MiB makes for small slabs and many waits. Both are exceeded by one small slab when
    /// only one slab is left, or at opening: otherwise nothing could ever be freed.
    pub bytes_max: Option<u64>,
    /// What is left free on the file system, whoever fills it. Default 5 %; nothing is kept with `FreeSpace::Bytes(0)`.
    pub free_space_kept: FreeSpace,
    /// The most bytes that are appended and not yet written. A single frame may exceed it when nothing else waits.
    /// Default 8 MiB.
    pub pending_bytes_max: usize,
}

impl LogOptions {
    /// The defaults, for a log in `directory`.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            slab_size_bytes: 64 << 20,
            control_reserve_bytes: 64 << 10,
            fsync: true,
            bytes_max: None,
            free_space_kept: FreeSpace::Percent(5),
            pending_bytes_max: 8 << 20,
        }
    }
}
