//! What the tests of the task queue share: queues on a disk in memory, and waiting for what other threads do.

#![allow(dead_code, reason = "each test uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests: what is wrong here must stop them"
)]

pub mod crash_points;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use durable_queue::clock::{Clock, SystemClock};
use durable_queue::fake::{FakeDisk, FakeRandom};
use durable_queue::queue::QueuesOpenError;
use durable_queue::{Environment, FreeSpace, QueueOptions, QueueStats, Queues};

use super::support::Texts;

/// Far longer than anything here takes, on however busy a machine: what isn't there by then never comes.
pub const LONG: Duration = Duration::from_mins(1);
/// Long enough for a thread to fall asleep, as good as surely; nothing fails if it wasn't.
pub const SHORT: Duration = Duration::from_millis(20);

pub fn directory() -> PathBuf {
    PathBuf::from("/queues")
}

pub fn slab(number: u64) -> PathBuf {
    directory().join(format!("{number:016}.slab"))
}

/// The smallest slabs, so that a few tasks fill one, and no care for the room left.
pub fn small() -> QueueOptions {
    QueueOptions::new().slab_size(16 << 10).free_space_kept(FreeSpace::Bytes(0))
}

pub fn environment(disk: &FakeDisk) -> Environment {
    Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(FakeRandom::new(1)),
    }
}

pub fn try_open(disk: &FakeDisk, options: QueueOptions) -> Result<Queues, QueuesOpenError> {
    Queues::open_in(environment(disk), directory(), options)
}

pub fn open(disk: &FakeDisk, options: QueueOptions) -> Queues {
    try_open(disk, options).unwrap()
}

/// What waits in a queue, first to last, left as it was.
pub fn waiting(queues: &Queues, name: &str) -> Vec<String> {
    let tasks: Vec<_> = queues.immediate_task_seq(name).map(Result::unwrap).collect();
    tasks.iter().map(|task| String::from_utf8(task.to_vec()).unwrap()).collect()
}

/// Takes what waits in a queue and completes it.
pub fn drain(queues: &Queues, name: &str) -> Vec<String> {
    let take = |task: Result<durable_queue::Task, _>| {
        let task = task.unwrap();
        let text = String::from_utf8(task.to_vec()).unwrap();
        task.complete().unwrap();
        text
    };
    queues.immediate_task_seq(name).map(take).collect()
}

pub fn stats(queues: &Queues, name: &str) -> QueueStats {
    queues.stats().remove(name).unwrap_or_default()
}

/// How many slabs there are.
pub fn slabs(disk: &FakeDisk) -> usize {
    let is_slab = |name: &String| Path::new(name).extension().is_some_and(|extension| extension == "slab");
    disk.names().iter().filter(|name| is_slab(name)).count()
}

/// Waits for other threads to bring something about.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let clock = SystemClock::new();
    while !is_so() {
        assert!(clock.monotonic() < LONG, "never happened: {what}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// Gives other threads time to come to where they wait.
pub fn rest() {
    std::thread::park_timeout(SHORT);
}
