//! A user of the task queues on several threads at once, what it was promised, and whether that was kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use durable_queue::fake::FakeDisk;
use durable_queue::{FreeSpace, QueueOptions, Queues, Task};

use crate::world::World;

/// The one queue's name.
pub const NAME: &str = "jobs";

/// See the module.
pub struct Client {
    /// The queues.
    pub queues: Queues,
    options: QueueOptions,
    disk: FakeDisk,
    /// Nobody meets here: no thread is changed while it is held.
    notes: std::sync::Mutex<Notes>,
}

/// Tasks by what they say.
#[derive(Debug, Default, Clone)]
struct Notes {
    /// Putting began.
    begun: BTreeSet<String>,
    /// Putting returned, and whether by then it was durable.
    put: BTreeSet<String>,
    /// Putting was refused since the queues are closed.
    refused: BTreeSet<String>,
    /// Completing began.
    completing: BTreeSet<String>,
    /// Completing returned.
    completed: BTreeSet<String>,
    /// And it was durable.
    completed_durably: BTreeSet<String>,
    /// How often each was delivered.
    delivered: BTreeMap<String, u32>,
    cuts: Vec<Cut>,
}

/// The disk as a power loss at some moment finds it.
#[derive(Debug, Clone)]
struct Cut {
    disk: FakeDisk,
    /// Tasks that must be there, if nobody had begun to complete them by then.
    put: BTreeSet<String>,
    completing: BTreeSet<String>,
    /// Tasks that must not be there.
    completed_durably: BTreeSet<String>,
}

/// The smallest slabs there are.
pub fn options() -> QueueOptions {
    QueueOptions::new().slab_size(16 << 10).free_space_kept(FreeSpace::Bytes(0))
}

/// What a task says.
pub fn text(task: &Task) -> String {
    let bytes = task.data().split(|byte| *byte == b' ').next().unwrap_or_default();
    String::from_utf8(bytes.to_vec()).unwrap()
}

impl Client {
    /// Opens the queues of a new disk.
    pub fn open(world: &World, options: QueueOptions) -> Arc<Self> {
        let queues = Queues::open_in(world.environment(&world.disk), "/queues", options.clone()).unwrap();
        Arc::new(Self { queues, options, disk: world.disk.clone(), notes: std::sync::Mutex::default() })
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap()
    }

    /// Puts a task of `len` bytes by `put`, which says whether it was put.
    pub fn put<E>(
        &self,
        text: &str,
        len: usize,
        put: impl FnOnce(&Queues, &str, Vec<u8>) -> Result<bool, E>,
    ) -> Result<bool, E> {
        self.notes().begun.insert(text.to_owned());
        let mut task = format!("{text} ").into_bytes();
        task.resize(len.max(task.len()), b'.');
        let was_put = put(&self.queues, NAME, task)?;
        if was_put {
            self.notes().put.insert(text.to_owned());
        }
        Ok(was_put)
    }

    /// Notes that the queues were closed before a task was put.
    pub fn refused(&self, text: &str) {
        self.notes().refused.insert(text.to_owned());
    }

    /// Notes that a task was delivered: only one that was put, and none that is done with.
    pub fn delivered(&self, task: &Task) -> String {
        let text = text(task);
        let mut notes = self.notes();
        assert!(notes.begun.contains(&text), "{text} was never put");
        assert!(!notes.completing.contains(&text), "{text} came again after it was completed");
        *notes.delivered.entry(text.clone()).or_default() += 1;
        text
    }

    /// Completes a task by `complete`.
    pub fn complete<E>(
        &self,
        task: Task,
        is_durable: bool,
        complete: impl FnOnce(Task) -> Result<(), E>,
    ) -> Result<(), E> {
        let text = text(&task);
        assert!(self.notes().completing.insert(text.clone()), "{text} is completed twice");
        complete(task)?;
        let mut notes = self.notes();
        if is_durable {
            notes.completed_durably.insert(text.clone());
        }
        notes.completed.insert(text);
        Ok(())
    }

    /// How many tasks are completed.
    pub fn completed(&self) -> usize {
        self.notes().completed.len()
    }

    /// The power goes just now: for a copy of the disk, so that this life goes on.
    pub fn cut_power(&self) {
        let before = self.notes().clone();
        let disk = self.disk.fork();
        let mut notes = self.notes();
        let completing = notes.completing.clone();
        let Notes { put, completed_durably, .. } = before;
        notes.cuts.push(Cut { disk, put, completing, completed_durably });
    }

    /// After each of the power losses there were: every task that was put and isn't completed is there once, none whose
    /// completion was durable, and nothing else. Only where puts are durable.
    pub fn check_cuts(&self, world: &World) {
        let cuts = std::mem::take(&mut self.notes().cuts);
        for cut in cuts {
            cut.disk.lose_power(world.loss());
            let there = self.there(world, &cut.disk);
            for text in &there {
                assert!(self.notes().begun.contains(text), "{text} was never put");
                assert!(!cut.completed_durably.contains(text), "{text} came again");
            }
            for text in cut.put.difference(&cut.completing) {
                assert!(there.contains(text), "{text} is lost");
            }
        }
    }

    /// After an orderly closing, also if power is lost then: the tasks that are put and not completed are there, once, and no
    /// other. Where a call was refused instead, it may be either way.
    pub fn check_closed(&self, world: &World) {
        let disk = self.disk.fork();
        disk.lose_power(world.loss());
        let there = self.there(world, &disk);
        let notes = self.notes();
        for text in &there {
            assert!(notes.begun.contains(text), "{text} was never put");
            assert!(!notes.completed.contains(text), "{text} came again");
        }
        for text in &notes.refused {
            let was_there = there.contains(text) || notes.delivered.contains_key(text);
            assert!(!was_there, "{text} was refused, and is there all the same");
        }
        for text in notes.put.difference(&notes.completing) {
            assert!(there.contains(text), "{text} is lost");
        }
    }

    /// After the queue was deleted for the last time and nothing put since: no task is left.
    pub fn check_deleted(&self, world: &World) {
        let disk = self.disk.fork();
        disk.lose_power(world.loss());
        assert_eq!(self.there(world, &disk), BTreeSet::new());
    }

    /// What waits after opening `disk`.
    fn there(&self, world: &World, disk: &FakeDisk) -> BTreeSet<String> {
        let queues = Queues::open_in(world.environment(disk), "/queues", self.options.clone()).unwrap();
        let mut there = BTreeSet::new();
        let tasks: Vec<_> = queues.immediate_task_seq(NAME).map(Result::unwrap).collect();
        for task in &tasks {
            assert!(there.insert(text(task)), "{} is there twice", text(task));
        }
        drop(tasks);
        queues.close().unwrap();
        there
    }
}
