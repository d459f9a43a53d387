//! How much of the disk the queue may take, and which of the bounds it was that left no room. Pure.

use durable_queue::{FreeSpace, FullReason};

use crate::error::FullCause;

/// The bounds of a queue on disk: both hold, the smaller counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskBounds {
    /// The most bytes that it takes.
    pub max_queue_bytes: Option<u64>,
    /// What it leaves to others.
    pub free_space_kept: FreeSpace,
}

impl DiskBounds {
    /// What a log that has no room is full by.
    pub fn cause(self, reason: FullReason) -> FullCause {
        match (reason, self.max_queue_bytes) {
            (FullReason::Limit, Some(max_bytes)) => FullCause::Bytes { max_bytes },
            (FullReason::FreeSpaceKept, _) => FullCause::FreeSpaceKept { kept: self.free_space_kept },
            (FullReason::Error, _) => FullCause::Unusable,
            _ => FullCause::Disk,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_told_with_the_bound_that_it_is() {
        let bounds = DiskBounds { max_queue_bytes: Some(8 << 20), free_space_kept: FreeSpace::Percent(5) };
        for (reason, words) in [
            (FullReason::Limit, "max_queue_bytes = 8388608"),
            (FullReason::FreeSpaceKept, "free_space_kept = 5%"),
            (FullReason::Disk, "the local disk is full"),
            (FullReason::Error, "can't be enlarged"),
        ] {
            let cause = bounds.cause(reason).to_string();
            assert!(cause.contains(words), "{reason:?}: {cause}");
        }
    }
}
