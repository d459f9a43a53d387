//! Random calls beside a model in plain collections; now and then the queues are closed, or the process dies, or the power
//! fails, and what comes back is held against the model: every task that must be there is, once, in order; no task that
//! must not be there is.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "these are tests: what is wrong here must stop them"
)]

mod queue_support;
mod support;

use std::collections::{BTreeMap, BTreeSet};

use durable_queue::fake::Dice;
use durable_queue::fake::{FakeDisk, Loss};
use durable_queue::{QueueOptions, Queues, Task};
use queue_support::{drain, open, small};

/// A task as the model knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    text: String,
    attempts: u32,
}

/// What of a task a crash may undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unsure {
    /// Its put: it may be gone.
    Put,
    /// Its completion: it may be back.
    Completed,
    /// Its retry: it may be elsewhere in the order.
    Retried,
}

#[derive(Debug, Default)]
struct Model {
    waiting: BTreeMap<&'static str, Vec<Known>>,
    /// What a crash may undo of tasks, by their text.
    unsure: BTreeMap<String, Unsure>,
    completed: BTreeSet<String>,
    next: u64,
}

const NAMES: [&str; 3] = ["a", "b", "c"];

struct Run {
    disk: FakeDisk,
    queues: Option<Queues>,
    options: QueueOptions,
    puts_are_durable: bool,
    finishes_are_durable: bool,
    model: Model,
    held: Vec<(Task, Known)>,
    dice: Dice,
}

impl Run {
    fn new(seed: u64, options: QueueOptions, puts_are_durable: bool, finishes_are_durable: bool) -> Self {
        let disk = FakeDisk::new();
        let queues = Some(open(&disk, options.clone()));
        let (model, dice) = (Model::default(), Dice::new(seed));
        Self { disk, queues, options, puts_are_durable, finishes_are_durable, model, held: Vec::new(), dice }
    }

    fn queues(&self) -> &Queues {
        self.queues.as_ref().unwrap()
    }

    fn step(&mut self) {
        let name = NAMES[usize::try_from(self.dice.below(3)).unwrap()];
        match self.dice.below(100) {
            0..40 => self.put(name),
            40..70 => self.take(name),
            70..84 => self.finish(false),
            84..90 => self.finish(true),
            90..94 => self.give_back(),
            94..96 => self.fsync(),
            96 if self.dice.one_in(4) => self.delete(name),
            97 => self.reopen(),
            98 => self.crash(false),
            99 => self.crash(true),
            _ => {}
        }
    }

    fn put(&mut self, name: &'static str) {
        let size = if self.dice.one_in(20) { 6000 } else { usize::try_from(self.dice.below(300)).unwrap() };
        let text = format!("{}-{}", self.model.next, "x".repeat(size));
        self.model.next += 1;
        self.queues().put(name, &text).unwrap();
        if !self.puts_are_durable {
            self.model.unsure.insert(text.clone(), Unsure::Put);
        }
        self.model.waiting.entry(name).or_default().push(Known { text, attempts: 0 });
    }

    fn take(&mut self, name: &'static str) {
        let expected = self.first_waiting(name);
        let taken = self.queues().try_take(name).unwrap();
        let is_unsure = expected.as_ref().is_some_and(|known| self.model.unsure.contains_key(&known.text));
        if taken.is_none() && is_unsure {
            // It isn't written yet.
            return;
        }
        let known = taken
            .as_ref()
            .map(|task| Known { text: String::from_utf8(task.to_vec()).unwrap(), attempts: task.attempts() });
        assert_eq!(known, expected, "taken from {name}");
        if let (Some(task), Some(known)) = (taken, known) {
            self.held.push((task, known));
        }
    }

    /// Held tasks stay in the model's list: so they are at their place when they are given back.
    fn first_waiting(&self, name: &str) -> Option<Known> {
        let is_held = |known: &Known| self.held.iter().any(|(_, held)| held.text == known.text);
        self.model.waiting.get(name)?.iter().find(|known| !is_held(known)).cloned()
    }

    fn pick(&mut self) -> Option<(Task, Known)> {
        if self.held.is_empty() {
            return None;
        }
        let index = self.dice.below(self.held.len() as u64);
        Some(self.held.swap_remove(usize::try_from(index).unwrap()))
    }

    fn finish(&mut self, retries: bool) {
        let Some((task, known)) = self.pick() else { return };
        let name = NAMES.into_iter().find(|name| *name == task.queue()).unwrap();
        let list = self.model.waiting.entry(name).or_default();
        let was_there =
            list.iter().position(|other| other.text == known.text).map(|index| list.remove(index));
        let is_durable = !retries && self.dice.one_in(4);
        let outcome = match (retries, is_durable) {
            (true, _) => task.retry(),
            (false, true) => task.complete_durable(),
            (false, false) => task.complete(),
        };
        outcome.unwrap();
        // Of a queue that was deleted meanwhile nothing is left to be done with.
        if was_there.is_none() {
            return;
        }
        if retries {
            list.push(Known { attempts: known.attempts + 1, ..known.clone() });
        } else {
            self.model.completed.insert(known.text.clone());
        }
        if is_durable {
            // One record tells of everything that waited for one.
            self.model.unsure.clear();
        } else if !self.finishes_are_durable {
            match self.model.unsure.get(&known.text) {
                Some(Unsure::Put) if retries => {}
                _ if retries => drop(self.model.unsure.insert(known.text, Unsure::Retried)),
                _ => drop(self.model.unsure.insert(known.text, Unsure::Completed)),
            }
        }
    }

    fn give_back(&mut self) {
        drop(self.pick());
    }

    fn fsync(&mut self) {
        self.queues().fsync().unwrap();
        self.model.unsure.clear();
    }

    fn delete(&mut self, name: &'static str) {
        let tasks = self.queues().delete_queue(name).unwrap();
        for known in self.model.waiting.remove(name).unwrap_or_default() {
            self.model.completed.insert(known.text);
        }
        if tasks > 0 {
            // One record tells of it, and is durable with all before it.
            self.model.unsure.clear();
        }
    }

    fn reopen(&mut self) {
        self.queues().close().unwrap();
        self.held.clear();
        self.model.unsure.clear();
        self.queues = Some(open(&self.disk, self.options.clone()));
        self.compare();
    }

    /// The process dies, or the power fails: a copy of the disk as it is now is what the next process finds.
    fn crash(&mut self, loses_power: bool) {
        let after = self.disk.fork();
        if loses_power {
            let loss = match self.dice.below(3) {
                0 => Loss::Lost,
                1 => Loss::Kept,
                _ => Loss::Random(self.dice.next()),
            };
            after.lose_power(loss);
        }
        // The old ones go on working on the old disk, which nobody looks at again.
        self.queues = None;
        self.held.clear();
        self.disk = after;
        self.queues = Some(open(&self.disk, self.options.clone()));
        self.compare();
    }

    /// What waits now against what must and may wait; then the model takes over what there is.
    fn compare(&mut self) {
        for name in NAMES {
            let tasks: Vec<_> = self.queues().immediate_task_seq(name).map(Result::unwrap).collect();
            let found: Vec<Known> = tasks
                .iter()
                .map(|task| Known {
                    text: String::from_utf8(task.to_vec()).unwrap(),
                    attempts: task.attempts(),
                })
                .collect();
            let is_sure = |known: &&Known| !self.model.unsure.contains_key(&known.text);
            let expected = self.model.waiting.remove(name).unwrap_or_default();
            assert_eq!(
                found.iter().filter(is_sure).collect::<Vec<_>>(),
                expected.iter().filter(is_sure).collect::<Vec<_>>(),
                "what is sure of {name}"
            );
            let texts: BTreeSet<&str> = found.iter().map(|known| known.text.as_str()).collect();
            assert_eq!(texts.len(), found.len(), "a task is there twice");
            for known in &expected {
                let may_be_gone = self.model.unsure.get(&known.text) == Some(&Unsure::Put);
                assert!(may_be_gone || texts.contains(known.text.as_str()), "{} is lost", known.text);
            }
            for known in found.iter().filter(|known| self.model.completed.remove(&known.text)) {
                assert_eq!(
                    self.model.unsure.get(&known.text),
                    Some(&Unsure::Completed),
                    "{} is back",
                    known.text
                );
            }
            self.model.waiting.insert(name, found);
        }
        self.model.unsure.clear();
    }

    fn end(mut self) {
        self.held.clear();
        self.fsync();
        for name in NAMES {
            let expected = self.model.waiting.remove(name).unwrap_or_default();
            let expected: Vec<String> = expected.into_iter().map(|known| known.text).collect();
            assert_eq!(drain(self.queues(), name), expected);
        }
    }
}

fn run(first_seed: u64, seeds: u64, make: impl Fn(u64) -> Run) {
    for seed in first_seed..first_seed + seeds {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut run = make(seed);
            for _ in 0..400 {
                run.step();
            }
            run.end();
        }));
        if let Err(panic) = outcome {
            eprintln!("the seed is {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn with_the_defaults() {
    run(1000, 12, |seed| Run::new(seed, small(), true, false));
}

#[test]
fn with_everything_synced_at_once() {
    run(2000, 6, |seed| Run::new(seed, small().fsync_take(true), true, true));
}

#[test]
fn with_nothing_synced_but_at_fsync() {
    run(3000, 6, |seed| Run::new(seed, small().fsync_put(false), false, false));
}
