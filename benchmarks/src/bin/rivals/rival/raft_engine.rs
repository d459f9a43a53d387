//! raft-engine: logs of Raft groups. The entries of a group have consecutive numbers, so each thread has a group of its own.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use protobuf::well_known_types::BytesValue;
use raft_engine::{Config, Engine, LogBatch, MessageExt};

use super::{About, Opening, Rival, Sync};

pub const ABOUT: About = About {
    name: "raft-engine",
    version: "0.4.2",
    has_fsync: true,
    has_no_fsync: true,
    has_sync: true,
    has_take: true,
    has_recovery: true,
    durable: "fdatasync, shared by those who wait; checksums. No order between threads: a Raft group each",
    lost_by_kill: "nothing",
    setup: "defaults (batches from 8 KB on are compressed by lz4: none is); an entry per task with its number in front; completing is `compact_to` every 1000 tasks and `purge_expired_files` at the end",
    open,
};

/// A task behind its number.
#[derive(Clone)]
struct Numbered;

const NUMBER_BYTES: usize = 8;

impl MessageExt for Numbered {
    type Entry = BytesValue;

    fn index(entry: &BytesValue) -> u64 {
        let number = entry.value.first_chunk::<NUMBER_BYTES>().expect("it is in front");
        u64::from_be_bytes(*number)
    }
}

struct Groups {
    engine: Engine,
    /// The number of the next entry of each group.
    next: Vec<AtomicU64>,
    fsync: bool,
}

const GROUPS: usize = 64;

fn open(directory: &Path, opening: Opening) -> Box<dyn Rival> {
    let dir = directory.to_str().expect("the path is text").to_owned();
    let engine = Engine::open(Config { dir, ..Config::default() }).expect("raft-engine opens");
    let next = (0..GROUPS as u64).map(|group| engine.last_index(group + 1).unwrap_or(0) + 1);
    let next = next.map(AtomicU64::new).collect();
    Box::new(Groups { engine, next, fsync: opening.sync == Sync::Each })
}

impl Rival for Groups {
    fn put(&self, thread: usize, task: &[u8]) {
        let number = self.next[thread].fetch_add(1, Ordering::Relaxed);
        let mut entry = BytesValue::new();
        entry.value.reserve(NUMBER_BYTES + task.len());
        entry.value.extend_from_slice(&number.to_be_bytes());
        entry.value.extend_from_slice(task);
        let mut batch = LogBatch::with_capacity(1);
        batch.add_entries::<Numbered>(thread as u64 + 1, &[entry]).expect("it fits");
        self.engine.write(&mut batch, self.fsync).expect("raft-engine takes it");
    }

    fn sync(&self) {
        self.engine.sync().expect("raft-engine syncs");
    }

    fn take(&self, tasks: usize) -> u64 {
        let engine = &self.engine;
        let first = engine.first_index(1).expect("there are entries");
        let mut bytes = 0;
        for number in first..first + tasks as u64 {
            let entry = engine.get_entry::<Numbered>(1, number).expect("raft-engine reads");
            let entry = entry.expect("raft-engine gives what was put");
            bytes += (std::hint::black_box(&entry.value).len() - NUMBER_BYTES) as u64;
            if (number + 1).is_multiple_of(1000) {
                engine.compact_to(1, number + 1);
            }
        }
        engine.compact_to(1, first + tasks as u64);
        engine.purge_expired_files().expect("raft-engine purges");
        bytes
    }
}
