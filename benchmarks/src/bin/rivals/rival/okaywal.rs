//! okaywal: a write-ahead log. It hands entries back at recovery only, and forgets what its manager has been shown at a
//! checkpoint.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use okaywal::{Configuration, Entry, EntryId, LogManager, SegmentReader, WriteAheadLog};

use super::{About, Opening, Rival};

pub const ABOUT: About = About {
    name: "okaywal",
    version: "0.3.1",
    has_fsync: true,
    has_no_fsync: false,
    has_sync: false,
    has_take: false,
    has_recovery: true,
    durable: "fdatasync, shared by those who wait; CRC-32 of each chunk. Entries are kept until a checkpoint only",
    lost_by_kill: "-",
    setup: "segments of 64 MiB, checkpointed at 48 MiB by a manager that keeps nothing, so that files are used again (to its advantage); for recovery one segment that holds all. No mode without fsync, no reading in order but at recovery",
    open,
};

const SEGMENT_BYTES: u32 = 64 << 20;

#[derive(Debug)]
struct Forgetful {
    recovered_bytes: Arc<AtomicU64>,
}

impl LogManager for Forgetful {
    fn recover(&mut self, entry: &mut Entry<'_>) -> io::Result<()> {
        for chunk in entry.read_all_chunks()?.unwrap_or_default() {
            self.recovered_bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        }
        Ok(())
    }

    fn checkpoint_to(&mut self, _: EntryId, _: &mut SegmentReader, _: &WriteAheadLog) -> io::Result<()> {
        Ok(())
    }
}

struct OkayWal {
    log: WriteAheadLog,
    recovered_bytes: Arc<AtomicU64>,
}

fn open(directory: &Path, opening: Opening) -> Box<dyn Rival> {
    let waiting = opening.waiting_bytes;
    // What frames add to each KiB, and some more.
    let held = u32::try_from(waiting + waiting / 16).expect("a segment holds less than 4 GiB");
    let segment_bytes = SEGMENT_BYTES.max(held);
    let recovered_bytes = Arc::new(AtomicU64::new(0));
    let log = Configuration::default_for(directory)
        .preallocate_bytes(segment_bytes)
        .checkpoint_after_bytes(u64::from(segment_bytes) / 4 * 3 + waiting)
        .open(Forgetful { recovered_bytes: Arc::clone(&recovered_bytes) })
        .expect("okaywal opens");
    Box::new(OkayWal { log, recovered_bytes })
}

impl Rival for OkayWal {
    fn put(&self, _thread: usize, task: &[u8]) {
        let mut entry = self.log.begin_entry().expect("okaywal begins an entry");
        entry.write_chunk(task).expect("okaywal takes it");
        entry.commit().expect("okaywal commits");
    }

    fn sync(&self) {}

    /// What was handed back when it was opened.
    fn take(&self, _tasks: usize) -> u64 {
        self.recovered_bytes.load(Ordering::Relaxed)
    }
}
