//! Work for journals. Knows the library's face.

use std::path::Path;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use s3_journal::bucket::Bucket;
use s3_journal::{Compressor, Journal, Options};
use tempfile::TempDir;

use crate::MIB;
use crate::measure::{Stopwatch, thread_cpu_time};
use crate::scratch;
use crate::stores::{NullBucket, Unreachable};
use crate::text::Lines;

/// Bytes of one burst: less than a journal keeps in memory (the batch being filled and two full ones, of 1 MiB each), so
/// that no call has to wait.
const BURST_BYTES: usize = 2 * MIB;

/// The options that all journals here have, and that the program `s3-journal write` has by default, but for the latency.
fn options(directory: &Path, bucket: Arc<dyn Bucket>) -> Options {
    Options::new().bucket(bucket, "").local_directory(directory).id("bench")
}

/// What calls of `submit` took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Took {
    /// Wall time; of several threads, the slowest one's.
    pub wall: Duration,
    /// Processor time of the calling threads, and of no other.
    pub cpu: Duration,
}

/// A journal that writes to nowhere, with nothing in it.
#[derive(Debug)]
pub struct NullJournal {
    journal: Journal,
    next: usize,
    _directory: TempDir,
}

impl NullJournal {
    /// Opens it. Batches end at 1 MiB and where somebody waits for them.
    pub fn open(fsync: bool) -> Self {
        let directory = scratch::directory();
        let options = options(directory.path(), Arc::new(NullBucket::default()));
        let journal =
            Journal::open(options.fsync(fsync).max_batch_size(u64::MAX)).expect("the journal opens");
        Self { journal, next: 0, _directory: directory }
    }

    /// What `entries` calls of `submit` take by themselves, from `threads` threads at once: in bursts that never wait, what
    /// they leave to do being done between them.
    pub fn submit_alone(&mut self, lines: &Lines, entries: u64, threads: usize) -> Took {
        let per_burst = BURST_BYTES / (lines.bytes().len() / lines.count() + 1);
        let mut left = usize::try_from(entries).expect("fits");
        let mut total = Took::default();
        while left > 0 {
            let burst = left.min(per_burst);
            let took = self.burst(lines, burst, threads);
            total = Took { wall: total.wall + took.wall, cpu: total.cpu + took.cpu };
            left -= burst;
            let last = self.journal.next_sequence() - 1;
            self.journal.receipt(last).durable().wait().expect("the disk takes it");
        }
        total
    }

    fn burst(&mut self, lines: &Lines, entries: usize, threads: usize) -> Took {
        let (start, journal) = (self.next, &self.journal);
        self.next = (self.next + entries) % lines.count();
        if threads == 1 {
            return submit(journal, lines, start, entries);
        }
        let barrier = &Barrier::new(threads);
        std::thread::scope(|scope| {
            let share = entries / threads;
            let running: Vec<_> = (0..threads)
                .map(|thread| {
                    let rest = if thread == 0 { entries % threads } else { 0 };
                    scope.spawn(move || {
                        barrier.wait();
                        submit(journal, lines, start + thread * share, share + rest)
                    })
                })
                .collect();
            running.into_iter().fold(Took::default(), |all, thread| {
                let one = thread.join().expect("a thread ends");
                Took { wall: all.wall.max(one.wall), cpu: all.cpu + one.cpu }
            })
        })
    }

    /// Submits `entries` lines, waiting where the journal makes one wait, until the last is on the disk (synced or, without
    /// fsync, written).
    pub fn submit_sustained(&mut self, lines: &Lines, entries: u64) {
        let entries = usize::try_from(entries).expect("fits");
        submit(&self.journal, lines, self.next, entries);
        self.next = (self.next + entries) % lines.count();
        let last = self.journal.next_sequence() - 1;
        self.journal.receipt(last).durable().wait().expect("the disk takes it");
    }
}

fn submit(journal: &Journal, lines: &Lines, start: usize, entries: usize) -> Took {
    let (begun, cpu) = (Instant::now(), thread_cpu_time());
    for line in lines.forever(start).take(entries) {
        journal.submit(line).expect("the journal takes it");
    }
    Took { wall: begun.elapsed(), cpu: thread_cpu_time().saturating_sub(cpu) }
}

/// Entries in, objects out: submits lines of `raw_bytes` bytes and closes, which returns when all is in the bucket. The
/// journal is opened before the clock starts, with the program's default limits.
pub fn end_to_end(
    watch: &mut Stopwatch,
    bucket: Arc<dyn Bucket>,
    compressor: &Compressor,
    fsync: bool,
    lines: &Lines,
    raw_bytes: usize,
) {
    let directory = scratch::directory();
    let options = options(directory.path(), bucket).compressor(compressor.clone()).fsync(fsync);
    let options = options.max_batch_latency(Duration::from_millis(100));
    let journal = Journal::open(options).expect("the journal opens");
    watch.start();
    submit_bytes(&journal, lines, raw_bytes);
    journal.close().expect("all is uploaded");
    watch.stop();
}

fn submit_bytes(journal: &Journal, lines: &Lines, raw_bytes: usize) {
    let mut left = raw_bytes;
    for line in lines.forever(0) {
        journal.submit(line).expect("the journal takes it");
        left = left.saturating_sub(line.len() + 1);
        if left == 0 {
            return;
        }
    }
}

/// A local queue full of objects that wait for a bucket.
#[derive(Debug)]
pub struct Backlog {
    bucket: Arc<dyn Bucket>,
    directory: TempDir,
}

impl Backlog {
    /// Fills a queue with lines of `raw_bytes` bytes, uncompressed, bound for `bucket`. All is durable.
    pub fn fill(bucket: Arc<dyn Bucket>, lines: &Lines, raw_bytes: usize) -> Self {
        let directory = scratch::directory();
        let unreachable = Arc::new(Unreachable(Arc::clone(&bucket)));
        let options = options(directory.path(), unreachable).max_batch_latency(Duration::from_millis(100));
        let journal = Journal::open(options).expect("the journal opens");
        submit_bytes(&journal, lines, raw_bytes);
        let closed = journal.close_within(Duration::ZERO).expect("the queue is durable");
        assert!(
            closed.remaining > 0 && closed.not_durable == 0,
            "the queue isn't as it should be: {closed:?}"
        );
        Self { bucket, directory }
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Opens a journal on the queue and times it until all is in the bucket, opening included.
    pub fn drain(self, watch: &mut Stopwatch) {
        let options =
            options(self.directory.path(), self.bucket).max_batch_latency(Duration::from_millis(100));
        watch.start();
        let journal = Journal::open(options).expect("the journal opens");
        journal.flush().expect("all is uploaded");
        watch.stop();
        journal.close().expect("all was uploaded");
    }
}
