//! Which size a slab may have. Pure.

use crate::disk::Space;
use crate::error::FullReason;

/// The smallest slab that is made in normal operation, unless slabs are smaller anyway.
const SMALL_BYTES: u64 = 1 << 20;
/// The smallest that is made when nothing else would let a full log be emptied.
const SMALLEST_BYTES: u64 = 128 << 10;
/// Sizes are whole pages.
const PAGE_BYTES: u64 = 4096;

/// What there is to spend.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub used_bytes: u64,
    pub bytes_max: Option<u64>,
    /// Unknown when the file system doesn't say: then only trying tells.
    pub space: Option<Space>,
    pub kept_bytes: u64,
}

impl Budget {
    /// Why a slab of `size` bytes may not be made.
    pub(super) fn refusal(&self, size: u64) -> Option<FullReason> {
        if self.bytes_max.is_some_and(|max| self.used_bytes.saturating_add(size) > max) {
            return Some(FullReason::Limit);
        }
        let available = self.space?.available_bytes;
        if available < size {
            return Some(FullReason::Disk);
        }
        (available - size < self.kept_bytes).then_some(FullReason::FreeSpaceKept)
    }
}

/// The sizes to try within the budget: a whole slab, then halves, down to [`SMALL_BYTES`], never less than `needed`.
pub(super) fn normal(slab_size: u64, needed: u64) -> impl Iterator<Item = u64> {
    halvings(slab_size, SMALL_BYTES, needed)
}

/// The sizes to try regardless of the budget.
pub(super) fn smallest(slab_size: u64, needed: u64) -> impl Iterator<Item = u64> {
    halvings(slab_size.min(SMALL_BYTES), SMALLEST_BYTES, needed)
}

fn halvings(from: u64, floor: u64, needed: u64) -> impl Iterator<Item = u64> {
    let needed = needed.div_ceil(PAGE_BYTES).saturating_mul(PAGE_BYTES);
    let floor = floor.min(from).max(needed);
    std::iter::successors(Some(from.max(needed)), move |size| (*size > floor).then(|| (size / 2).max(floor)))
}

#[cfg(test)]
#[path = "sizes_tests.rs"]
mod tests;
