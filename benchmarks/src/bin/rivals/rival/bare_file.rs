//! No queue: preallocated files, written from one end. What the disk itself takes.

use std::path::Path;
use std::sync::Mutex;

use s3_journal_benchmarks::alone::SequentialDisk;

use super::{About, Opening, Rival, Sync};

pub const ABOUT: About = About {
    name: "a bare file",
    version: "-",
    has_fsync: true,
    has_no_fsync: true,
    has_sync: true,
    has_take: false,
    has_recovery: false,
    durable: "write and fdatasync, under a lock; no length, no checksum: what was written can't be told from what wasn't",
    lost_by_kill: "nothing",
    setup: "files of 64 MiB, preallocated",
    open,
};

struct BareFile {
    disk: Mutex<SequentialDisk>,
    fsync: bool,
}

fn open(directory: &Path, opening: Opening) -> Box<dyn Rival> {
    Box::new(BareFile { disk: Mutex::new(SequentialDisk::new(directory)), fsync: opening.sync == Sync::Each })
}

impl Rival for BareFile {
    fn put(&self, _thread: usize, task: &[u8]) {
        let mut disk = self.disk.lock().expect("nobody panics");
        disk.write(task);
        if self.fsync {
            disk.sync();
        }
    }

    fn sync(&self) {
        self.disk.lock().expect("nobody panics").sync();
    }

    fn take(&self, _tasks: usize) -> u64 {
        unreachable!("a bare file gives nothing back");
    }
}
