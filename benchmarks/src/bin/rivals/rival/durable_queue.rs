//! This project's own.

use std::path::Path;

use durable_queue::{QueueOptions, Queues};

use super::{About, Opening, Rival, Sync};

pub const ABOUT: About = About {
    name: "durable-queue",
    version: "this one",
    has_fsync: true,
    has_no_fsync: true,
    has_sync: true,
    has_take: true,
    has_recovery: true,
    durable: "fdatasync, shared by those who wait; file and directory synced before it is written to; checksums, checked at open and when taken",
    lost_by_kill: "what its write thread has yet to write: some milliseconds' worth",
    setup: "defaults; without fsync `fsync_put(false)`",
    open,
};

struct Ours(Queues);

fn open(directory: &Path, opening: Opening) -> Box<dyn Rival> {
    let options = QueueOptions::new().fsync_put(opening.sync == Sync::Each);
    Box::new(Ours(Queues::open(directory, options).expect("the queues open")))
}

impl Rival for Ours {
    fn put(&self, _thread: usize, task: &[u8]) {
        self.0.put("work", task).expect("the queue takes it");
    }

    fn sync(&self) {
        self.0.fsync().expect("the disk syncs");
    }

    fn take(&self, tasks: usize) -> u64 {
        let mut bytes = 0;
        for _ in 0..tasks {
            let task = self.0.take("work").expect("the queue gives it");
            bytes += std::hint::black_box(task.data()).len() as u64;
            task.complete().expect("it counts as done");
        }
        bytes
    }
}
