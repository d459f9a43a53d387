//! segment-buffer: a compressed file for each batch. What is put waits in memory until a flush.

use std::path::Path;
use std::sync::Mutex;

use segment_buffer::{DurabilityPolicy, SegmentBuffer, SegmentConfig};
use serde_bytes::ByteBuf;

use super::{About, Opening, Rival, Sync};

pub const ABOUT: About = About {
    name: "segment-buffer",
    version: "0.6.0",
    has_fsync: true,
    has_no_fsync: true,
    has_sync: true,
    has_take: true,
    has_recovery: true,
    durable: "`DurabilityPolicy::Maximal`: a file of its own for each flush, fsync, rename, fsync of the directory; no checksum but zstd's",
    lost_by_kill: "up to 256 tasks",
    setup: "with fsync a `flush` after each put, under a lock of ours (a flush that finds nothing returns before another's is done), which is group commit by hand; otherwise the default of a file per 256 tasks, without sync where none is asked for. Compresses (zstd 1). Taken in its documentation's loop: reads of 1000, `delete_acked` after each",
    open,
};

struct Flushed {
    tasks: SegmentBuffer<ByteBuf>,
    flushing: Mutex<()>,
    fsync: bool,
}

fn open(directory: &Path, opening: Opening) -> Box<dyn Rival> {
    let durability = match opening.sync {
        Sync::Each | Sync::AtEnd => DurabilityPolicy::Maximal,
        Sync::Never => DurabilityPolicy::Throughput,
    };
    let config = SegmentConfig::builder().durability(durability).max_size_bytes(u64::MAX).build();
    let buffer = SegmentBuffer::open(directory, config).expect("segment-buffer opens");
    Box::new(Flushed { tasks: buffer, flushing: Mutex::new(()), fsync: opening.sync == Sync::Each })
}

impl Rival for Flushed {
    fn put(&self, _thread: usize, task: &[u8]) {
        self.tasks.append(ByteBuf::from(task)).expect("segment-buffer takes it");
        if self.fsync {
            self.sync();
        }
    }

    fn sync(&self) {
        let _flushing = self.flushing.lock().expect("nobody panics");
        self.tasks.flush().expect("segment-buffer flushes");
    }

    fn take(&self, tasks: usize) -> u64 {
        let mut next = self.tasks.stats().head_sequence;
        let (mut bytes, mut left) = (0, tasks);
        while left > 0 {
            let taken = self.tasks.read_from(next, left.min(1000)).expect("segment-buffer reads");
            assert!(!taken.is_empty(), "segment-buffer gives less than was put");
            bytes += taken.iter().map(|task| std::hint::black_box(task).len() as u64).sum::<u64>();
            next += taken.len() as u64;
            left -= taken.len();
            self.tasks.delete_acked(next - 1).expect("segment-buffer deletes");
        }
        bytes
    }
}
