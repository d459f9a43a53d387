//! From places in the log to counts of entries: which entries are durable once the log is durable up to a place.
//! Knows the log's watermarks and the milestone, nothing of threads.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use durable_queue::{Log, Position};

use crate::milestone::Milestone;
use crate::sabotage;
use crate::sync::lock;

/// Batches that are appended and not durable yet, and the milestone they move.
#[derive(Debug)]
pub struct Progress {
    log: Log,
    /// Whether durable means synced; otherwise it means handed to the operating system.
    fsync: bool,
    durable: Arc<Milestone>,
    /// Where a batch ends in the log, and the sequence number after its last entry.
    marks: Mutex<VecDeque<(Position, u64)>>,
}

impl Progress {
    /// Moves `durable` as the log's own watermark moves.
    pub fn new(log: Log, fsync: bool, durable: Arc<Milestone>) -> Self {
        Self { log, fsync, durable, marks: Mutex::new(VecDeque::new()) }
    }

    /// A batch was appended: it ends at `end`, and `next_sequence` follows its last entry.
    pub fn appended(&self, end: Position, next_sequence: u64) {
        lock(&self.marks).push_back((end, next_sequence));
        // The log may have become durable before the mark was there.
        self.moved();
    }

    /// The log's watermark may have moved.
    pub fn moved(&self) {
        let reached = if self.fsync { self.log.durable() } else { self.log.written() };
        let mut marks = lock(&self.marks);
        let mut count = None;
        while let Some((end, next_sequence)) = marks.front().copied() {
            if end > reached && sabotage::DURABLE_IS_DURABLE.is_on() {
                break;
            }
            count = Some(next_sequence);
            marks.pop_front();
        }
        drop(marks);
        if let Some(count) = count {
            self.durable.advance(count);
        }
    }
}
