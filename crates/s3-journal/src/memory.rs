//! What a journal's buffers come to at the most, by its options: none grows with the backlog, an object or an outage. Pure.

use durable_queue::LogOptions;

use crate::write::READY_BATCHES_MAX;

/// Raw batches: those that are ready, the one being filled, and the scribe's.
const RAW_BATCHES: usize = READY_BATCHES_MAX + 2;

/// A batch as it is stored is at most a little larger than raw: none of the formats adds more than a sixty-fourth.
const STORED_MARGIN: usize = 64;

/// What the reader of the log keeps: a window of headers and one of payloads.
const READER_BYTES: usize = 2 * (256 << 10);

/// What the sizes of buffers follow from.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// A batch's raw bytes.
    pub batch_bytes: usize,
    /// A part's.
    pub part_bytes: u64,
    /// Parts that are sent at a time.
    pub parallel_max: usize,
}

/// The sum of all buffers, in bytes, where no entry is longer than a batch: a longer one adds up to eight times what it is longer, while
/// it is on its way. What is not in it: the compressor's own state, the client's, stacks and code.
pub fn buffers_bytes_max(sizes: &Sizes, log: &LogOptions) -> u64 {
    let Sizes { batch_bytes, part_bytes, parallel_max } = *sizes;
    let stored = batch_bytes.saturating_add(batch_bytes / STORED_MARGIN);
    // The writer has one of these in hand while the other is filled.
    let log_bytes = log.pending_bytes_max.saturating_mul(2);
    // As it goes into the log, and the pieces that it is put together from.
    let batches = batch_bytes.saturating_mul(RAW_BATCHES).saturating_add(stored.saturating_mul(2));
    // Those that wait or are sent, and the one being filled.
    let parts = part_bytes.saturating_mul((parallel_max.max(2) as u64).saturating_add(1));
    (batches as u64)
        .saturating_add(log_bytes as u64)
        .saturating_add(READER_BYTES as u64)
        .saturating_add(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_sum_of_what_the_rooms_keep() {
        let log = LogOptions { pending_bytes_max: 1000, ..LogOptions::new("/q") };
        let sizes = Sizes { batch_bytes: 640, part_bytes: 10_000, parallel_max: 3 };
        let expected = 4 * 640 + 2 * 650 + 2 * 1000 + 512 * 1024 + 4 * 10_000;
        assert_eq!(buffers_bytes_max(&sizes, &log), expected);
        // One part at a time: the next one is read meanwhile all the same.
        assert_eq!(buffers_bytes_max(&Sizes { parallel_max: 1, ..sizes }, &log), expected - 10_000);
        let huge = Sizes { batch_bytes: usize::MAX, part_bytes: u64::MAX, parallel_max: usize::MAX };
        assert_eq!(buffers_bytes_max(&huge, &log), u64::MAX);
    }
}
