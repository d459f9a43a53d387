//! More shards, more threads: does an entry take longer? Beside each point, in turns, one shard and one thread.

use std::sync::Arc;
use std::time::Duration;

use s3_journal::{Journal, Options};
use s3_journal_benchmarks::measure::{Sample, time};
use s3_journal_benchmarks::scratch;
use s3_journal_benchmarks::stores::NullBucket;
use s3_journal_benchmarks::text::Lines;

use crate::plot::Point;

const MB: usize = 1_000_000;
const BYTES: usize = 64 * MB;
/// So small that there are several in each of 36 shards.
const OBJECT_BYTES: u64 = 512 << 10;

fn options() -> Options {
    let options = Options::new().bucket(Arc::new(NullBucket::default()), "").id("growth");
    options.max_batch_latency(Duration::from_millis(100))
}

/// Entries of `BYTES` bytes in all.
fn entries(lines: &Lines) -> usize {
    BYTES * lines.count() / lines.bytes().len()
}

/// From `submit` to stored, in small objects.
pub fn shards(lines: &Lines, rounds: usize) -> Vec<Point> {
    [1, 2, 4, 9, 18, 36].map(|shards| point(shards, rounds, |shards| sharded(lines, shards))).into()
}

/// From `submit` to durable.
pub fn threads(lines: &Lines, rounds: usize) -> Vec<Point> {
    [1, 2, 4, 8, 16].map(|threads| point(threads, rounds, |threads| threaded(lines, threads))).into()
}

fn point(x: usize, rounds: usize, measure: impl Fn(usize) -> Sample) -> Point {
    let mut point = Point::at(x);
    for _ in 0..rounds {
        point.ours.push(measure(x));
        point.least.push(measure(1));
    }
    point
}

fn sharded(lines: &Lines, shards: usize) -> Sample {
    let directory = scratch::directory();
    let shards = u32::try_from(shards).expect("fits");
    let options = options().local_directory(directory.path()).shards(shards);
    let options = options.max_object_size(OBJECT_BYTES).max_batch_bytes(256 << 10);
    let journal = Journal::open(options).expect("the journal opens");
    let entries = entries(lines);
    time(entries as f64, || {
        for line in lines.forever(0).take(entries) {
            journal.submit(line).expect("the journal takes it");
        }
        journal.close().expect("all is stored");
    })
}

fn threaded(lines: &Lines, threads: usize) -> Sample {
    let directory = scratch::directory();
    let journal = Journal::open(options().local_directory(directory.path())).expect("the journal opens");
    let share = entries(lines) / threads;
    let took = time((share * threads) as f64, || {
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let journal = &journal;
                scope.spawn(move || {
                    for line in lines.forever(thread * share).take(share) {
                        journal.submit(line).expect("the journal takes it");
                    }
                });
            }
        });
        let last = journal.next_sequence() - 1;
        journal.receipt(last).durable().wait().expect("the disk takes it");
    });
    journal.close().expect("all is stored");
    took
}
