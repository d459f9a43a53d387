//! The tail rule as a decision: told of the good and bad frames of a slab in order, it says where the slab ends, what is to
//! be cut, or that acknowledged bytes are damaged. Pure: no I/O.

use crate::sabotage;
use crate::slab::FIRST_FRAME;

/// What is wrong at an offset.
pub(crate) type Reason = &'static str;

/// What is to be done with a slab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its frames end here and only zeros follow, or nothing.
    Ends { at: u64 },
    /// What follows was never acknowledged: keep it aside, cut it.
    Cut { at: u64, reason: Reason },
    /// Acknowledged bytes are damaged: refuse.
    Corrupt { at: u64, reason: Reason },
}

/// The rule's memory.
#[derive(Debug)]
pub(crate) struct TailRule {
    end: u64,
    durable_through: u64,
    bad: Option<(u64, Reason)>,
    has_bytes_after: bool,
}

impl TailRule {
    pub(crate) fn new() -> Self {
        Self { end: FIRST_FRAME, durable_through: 0, bad: None, has_bytes_after: false }
    }

    /// A frame that passed every check, up to `end`, in its place after the one before.
    pub(crate) fn good(&mut self, end: u64, durable_through: u64) {
        if self.bad.is_none() {
            self.end = end;
        }
        self.claim(durable_through);
    }

    /// A frame anywhere whose header is valid says that the slab was synced up to `durable_through`.
    pub(crate) fn claim(&mut self, durable_through: u64) {
        self.durable_through = self.durable_through.max(durable_through);
    }

    /// The frame at `at` is bad.
    pub(crate) fn bad(&mut self, at: u64, reason: Reason) {
        self.bad.get_or_insert((at, reason));
    }

    /// Something other than zeros was met at or after the first bad frame.
    pub(crate) fn bytes_after(&mut self) {
        self.has_bytes_after = true;
    }

    /// How far the slab is known to have been synced.
    pub(crate) fn durable_through(&self) -> u64 {
        self.durable_through
    }

    pub(crate) fn is_bad(&self) -> bool {
        self.bad.is_some()
    }

    /// The verdict, with the file's length. A slab whose successor was published had been synced whole and cut to its
    /// length before: nothing in it may be bad then.
    pub(crate) fn verdict(&self, file_len: u64, was_synced_whole: bool) -> Verdict {
        let (at, reason) = self.bad.unwrap_or((self.end, "bytes follow the last frame"));
        let is_acknowledged = self.durable_through > at && sabotage::WATERMARK.is_on();
        if is_acknowledged || (was_synced_whole && at < file_len && sabotage::SYNCED_WHOLE.is_on()) {
            return Verdict::Corrupt { at, reason };
        }
        if self.has_bytes_after { Verdict::Cut { at, reason } } else { Verdict::Ends { at } }
    }
}

#[cfg(test)]
#[path = "tail_tests.rs"]
mod tests;
