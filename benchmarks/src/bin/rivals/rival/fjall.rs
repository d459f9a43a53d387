//! fjall: an LSM tree, its keys counting up.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{About, Opening, Rival, Sync};

pub const ABOUT: About = About {
    name: "fjall",
    version: "3.1.13",
    has_fsync: true,
    has_no_fsync: true,
    has_sync: true,
    has_take: true,
    has_recovery: true,
    durable: "fdatasync (`PersistMode::SyncData`) after each insert, under the journal's lock; checksums",
    lost_by_kill: "nothing",
    setup: "defaults; keys count up; the oldest is found by a range from the last one taken on, so that no tombstone is passed twice, and removed",
    open,
};

struct Tree {
    database: Database,
    tasks: Keyspace,
    next: AtomicU64,
    /// What was taken is before this key.
    taken_before: Mutex<u64>,
    fsync: bool,
}

fn open(directory: &Path, opening: Opening) -> Box<dyn Rival> {
    let database = Database::builder(directory).open().expect("fjall opens");
    let tasks = database.keyspace("work", KeyspaceCreateOptions::default).expect("fjall opens the keyspace");
    let next = match tasks.last_key_value() {
        Some(last) => number(&last.key().expect("fjall reads")) + 1,
        None => 0,
    };
    let taken_before = Mutex::new(0);
    Box::new(Tree {
        database,
        tasks,
        next: AtomicU64::new(next),
        taken_before,
        fsync: opening.sync == Sync::Each,
    })
}

fn number(key: &[u8]) -> u64 {
    u64::from_be_bytes(key.try_into().expect("keys have 8 bytes"))
}

impl Rival for Tree {
    fn put(&self, _thread: usize, task: &[u8]) {
        let key = self.next.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        self.tasks.insert(key, task).expect("fjall takes it");
        if self.fsync {
            self.database.persist(PersistMode::SyncData).expect("fjall persists");
        }
    }

    fn sync(&self) {
        self.database.persist(PersistMode::SyncData).expect("fjall persists");
    }

    fn take(&self, tasks: usize) -> u64 {
        let mut taken_before = self.taken_before.lock().expect("nobody panics");
        let mut bytes = 0;
        for _ in 0..tasks {
            let from = taken_before.to_be_bytes();
            let Some(found) = self.tasks.range(from..).next() else {
                panic!("fjall gives less than was put")
            };
            let (key, task) = found.into_inner().expect("fjall reads");
            bytes += std::hint::black_box(&task).len() as u64;
            *taken_before = number(&key) + 1;
            self.tasks.remove(key).expect("fjall removes it");
        }
        bytes
    }
}
