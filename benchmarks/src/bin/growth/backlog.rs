//! What waits, from a little to very much: does an entry, or an opening, take longer? Beside each point, in turns, a journal with
//! nothing waiting. And how long one call of `submit` takes at worst with the store up and down.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use s3_journal::bucket::Bucket;
use s3_journal::{Journal, Options};
use s3_journal_benchmarks::measure::{Sample, Stopwatch, time};
use s3_journal_benchmarks::scratch;
use s3_journal_benchmarks::stores::{NullBucket, Unreachable};
use s3_journal_benchmarks::text::Lines;

use crate::plot::Point;

const MB: usize = 1_000_000;
/// What is submitted for one measurement.
const WINDOW_BYTES: usize = 16 * MB;

/// Both curves.
pub struct Grown {
    /// From `submit` to durable.
    pub submit: Vec<Point>,
    /// Opening.
    pub open: Vec<Point>,
}

fn open(directory: &Path, bucket: Arc<dyn Bucket>) -> Journal {
    // No age for batches, and entries without end: a batch ends by its bytes, or because somebody waits for an entry.
    let options =
        Options::new().bucket(bucket, "").local_directory(directory).id("growth").max_batch_size(u64::MAX);
    Journal::open(options).expect("the journal opens")
}

fn down() -> Arc<dyn Bucket> {
    Arc::new(Unreachable(Arc::new(NullBucket::default())))
}

/// Submits so many bytes and waits until they are durable.
fn fill(journal: &Journal, lines: &Lines, bytes: usize) -> Sample {
    let mut watch = Stopwatch::default();
    watch.start();
    let (mut left, mut entries) = (bytes, 0.0);
    for line in lines.forever(0) {
        journal.submit(line).expect("the journal takes it");
        entries += 1.0;
        left = left.saturating_sub(line.len() + 1);
        if left == 0 {
            break;
        }
    }
    let last = journal.next_sequence() - 1;
    journal.receipt(last).durable().wait().expect("the disk takes it");
    watch.sample(entries)
}

/// Measures at 1, 2, 5, 10, ... MB up to `most_mb`.
pub fn measure(lines: &Lines, most_mb: usize, rounds: usize) -> Grown {
    let directory = scratch::directory();
    let mut journal = open(directory.path(), down());
    let (mut submit, mut opened, mut waiting) = (Vec::new(), Vec::new(), 0);
    let levels = (0..8).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_usize.pow(power)));
    for level in levels.take_while(|level| *level <= most_mb) {
        if level * MB > waiting {
            fill(&journal, lines, level * MB - waiting);
            waiting = level * MB;
        }
        // Few MB would grow to many by being measured: so little is submitted there that they don't.
        let window = WINDOW_BYTES.min(level * MB / 4);
        let (mut point, mut opening) = (Point::at(level), Point::at(level));
        for _ in 0..rounds {
            point.ours.push(fill(&journal, lines, window));
            waiting += window;
            let empty = scratch::directory();
            let fresh = open(empty.path(), down());
            // As little as the curve begins with.
            fill(&fresh, lines, MB);
            point.least.push(fill(&fresh, lines, window));
            drop(fresh.close_within(Duration::ZERO));
        }
        let closed = journal.close_within(Duration::ZERO).expect("the queue is durable");
        assert!(closed.remaining > 0, "something waits");
        drop(journal);
        let mut again = None;
        opening.ours.push(time(1.0, || again = Some(open(directory.path(), down()))));
        journal = again.expect("it was opened");
        submit.push(point);
        opened.push(opening);
    }
    drop(journal.close_within(Duration::ZERO));
    Grown { submit, open: opened }
}

/// Calls of `submit` timed one by one, at a rate that the disk keeps up with: the 99th percentile, store down and store up.
pub fn latencies(lines: &Lines, rounds: usize) -> Latency {
    let mut latency = Latency::default();
    for _ in 0..rounds {
        latency.down.push(percentile(lines, down()));
        latency.up.push(percentile(lines, Arc::new(NullBucket::default())));
    }
    latency
}

/// Nanoseconds of a call of `submit`, the 99th percentile, a value for each round.
#[derive(Default)]
pub struct Latency {
    /// The store is down.
    pub down: Vec<f64>,
    /// The store is up.
    pub up: Vec<f64>,
}

fn percentile(lines: &Lines, bucket: Arc<dyn Bucket>) -> f64 {
    let directory = scratch::directory();
    let journal = open(directory.path(), bucket);
    let mut took = Vec::new();
    for (number, line) in lines.forever(0).take(400_000).enumerate() {
        if number % 1000 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        let begun = Instant::now();
        journal.submit(line).expect("the journal takes it");
        took.push(begun.elapsed().as_nanos());
    }
    drop(journal.close_within(Duration::ZERO));
    took.sort_unstable();
    took[took.len() / 100 * 99] as f64
}
