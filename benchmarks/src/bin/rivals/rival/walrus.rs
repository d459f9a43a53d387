//! walrus-rust: topics in files of 1 GB. Where its files are and whether it syncs is one setting for the process.

use std::path::Path;

use walrus_rust::{FsyncSchedule, ReadConsistency, Walrus};

use super::{About, Opening, Rival, Sync};

pub const ABOUT: About = About {
    name: "walrus-rust",
    version: "0.2.0",
    has_fsync: true,
    has_no_fsync: true,
    has_sync: false,
    has_take: true,
    has_recovery: true,
    durable: "O_SYNC and fsync of the file, one put at a time; a failed or short write isn't noticed (its result is dropped); 64-bit sum",
    lost_by_kill: "nothing",
    setup: "`FsyncSchedule::SyncEach` or `NoFsync`; `AtLeastOnce { persist_every: 1000 }`, which its documentation gives for throughput; one topic",
    open,
};

/// The variable by which it is told where its files are; the parent process sets it.
pub const VARIABLE: &str = "WALRUS_DATA_DIR";

const TOPIC: &str = "work";

fn open(directory: &Path, opening: Opening) -> Box<dyn Rival> {
    let told = std::env::var_os(VARIABLE);
    assert!(told.is_some_and(|told| told == directory), "{VARIABLE} must name the scratch directory");
    let schedule = if opening.sync == Sync::Each { FsyncSchedule::SyncEach } else { FsyncSchedule::NoFsync };
    let consistency = ReadConsistency::AtLeastOnce { persist_every: 1000 };
    Box::new(Topic(Walrus::with_consistency_and_schedule(consistency, schedule).expect("walrus opens")))
}

struct Topic(Walrus);

impl Rival for Topic {
    fn put(&self, _thread: usize, task: &[u8]) {
        self.0.append_for_topic(TOPIC, task).expect("walrus takes it");
    }

    fn sync(&self) {}

    fn take(&self, tasks: usize) -> u64 {
        let mut bytes = 0;
        for _ in 0..tasks {
            let Some(entry) = self.0.read_next(TOPIC, true).expect("walrus reads") else {
                panic!("walrus gives less than was put");
            };
            bytes += std::hint::black_box(&entry.data).len() as u64;
        }
        bytes
    }
}
