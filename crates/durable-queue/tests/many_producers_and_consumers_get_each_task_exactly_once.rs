//! Threads that put, take, retry and drop at once: every task is completed once, none is lost, none comes again.

#![expect(clippy::unwrap_used, reason = "these are tests: what is wrong here must stop them")]

mod queue_support;
mod support;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use durable_queue::QueueOptions;
use durable_queue::fake::Dice;
use durable_queue::fake::FakeDisk;
use queue_support::{open, small, stats, waiting};

const PRODUCERS: u64 = 4;
const CONSUMERS: u64 = 4;
const TASKS: u64 = 300;

fn run(options: QueueOptions) {
    let disk = FakeDisk::new();
    let queues = open(&disk, options.clone());
    let completed: Mutex<BTreeMap<String, u32>> = Mutex::default();
    let left = AtomicUsize::new(usize::try_from(PRODUCERS * TASKS).unwrap());
    std::thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let queues = &queues;
            scope.spawn(move || {
                for n in 0..TASKS {
                    queues.put("jobs", format!("{producer}-{n}")).unwrap();
                }
            });
        }
        for consumer in 0..CONSUMERS {
            let (queues, completed, left) = (&queues, &completed, &left);
            scope.spawn(move || {
                let mut dice = Dice::new(consumer);
                for task in queues.task_seq("jobs") {
                    let task = task.unwrap();
                    let text = String::from_utf8(task.to_vec()).unwrap();
                    match dice.below(10) {
                        0 => task.retry().unwrap(),
                        1 => drop(task),
                        2 => {
                            task.complete_durable().unwrap();
                            count(completed, left, text);
                        }
                        _ => {
                            task.complete().unwrap();
                            count(completed, left, text);
                        }
                    }
                    if left.load(Ordering::SeqCst) == 0 {
                        // The others wait for more.
                        queues.fsync().ok();
                        queues.close().unwrap();
                    }
                }
            });
        }
    });
    let completed = completed.into_inner().unwrap();
    assert_eq!(completed.len() as u64, PRODUCERS * TASKS);
    assert!(completed.values().all(|times| *times == 1), "{completed:?}");
    drop(queues);
    let queues = open(&disk, options);
    assert!(waiting(&queues, "jobs").is_empty());
    assert_eq!(stats(&queues, "jobs").enqueued, 0);
}

fn count(completed: &Mutex<BTreeMap<String, u32>>, left: &AtomicUsize, text: String) {
    *completed.lock().unwrap().entry(text).or_default() += 1;
    left.fetch_sub(1, Ordering::SeqCst);
}

#[test]
fn with_the_defaults() {
    run(small());
}

#[test]
fn in_short_queues() {
    run(small().max_queue_size(3));
}

#[test]
fn with_everything_synced() {
    run(small().fsync_take(true));
}

#[test]
fn with_nothing_synced() {
    run(small().fsync_put(false));
}

#[test]
fn with_syncs_in_batches() {
    run(small().fsync_threshold(7).fsync_interval(std::time::Duration::from_millis(3)));
}

#[test]
fn one_producers_tasks_reach_one_consumer_in_order() {
    let queues = open(&FakeDisk::new(), small());
    std::thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let queues = &queues;
            scope.spawn(move || {
                for n in 0..TASKS {
                    queues.put("jobs", format!("{producer} {n}")).unwrap();
                }
            });
        }
        let mut next = BTreeMap::new();
        for task in queues.task_seq("jobs").take(usize::try_from(PRODUCERS * TASKS).unwrap()) {
            let task = task.unwrap();
            let text = String::from_utf8(task.to_vec()).unwrap();
            let (producer, n) = text.split_once(' ').unwrap();
            let expected = next.entry(producer.to_owned()).or_insert(0_u64);
            assert_eq!(n.parse::<u64>().unwrap(), *expected);
            *expected += 1;
            task.complete().unwrap();
        }
    });
}
