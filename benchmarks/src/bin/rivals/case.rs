//! The rows: what is done, how often, and how it is counted. Knows the face of what is compared, not who it is.

use std::fmt;
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use s3_journal_benchmarks::measure::{Sample, Stopwatch, repeat};
use s3_journal_benchmarks::text::Lines;
use s3_journal_benchmarks::{KIB, MIB};

use crate::rival::{About, Opening, Rival, Sync};

/// How long a run goes on that is counted by time.
const RUN: Duration = Duration::from_secs(1);
/// How much is put where it is counted by bytes: so much that what is left in memory at the end doesn't matter.
const PUT_BYTES: usize = 48 * MIB;
/// Tasks between two changes from putting to taking.
const BURST: usize = 1000;

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// Puts alone.
    Put {
        /// Length of a task in bytes.
        len: usize,
        /// When they are durable.
        sync: Sync,
        /// How many threads put.
        threads: usize,
    },
    /// Puts, then takes and completes what was put, a burst at a time.
    PutTake {
        /// Length of a task in bytes.
        len: usize,
    },
    /// Takes and completes what waits.
    Take {
        /// How much waits.
        mib: usize,
    },
    /// Puts so much, makes it durable, and dies without closing anything: what [`Case::Open`] finds.
    Fill {
        /// How much.
        mib: usize,
    },
    /// Opens what another process left behind, up to the first task.
    Open {
        /// How much waits.
        mib: usize,
    },
}

/// What becomes a row of the table, in order.
pub const ROWS: [Case; 11] = [
    Case::Put { len: KIB, sync: Sync::Never, threads: 1 },
    Case::Put { len: 100, sync: Sync::Never, threads: 1 },
    Case::Put { len: KIB, sync: Sync::AtEnd, threads: 1 },
    Case::Put { len: 100, sync: Sync::AtEnd, threads: 1 },
    Case::PutTake { len: KIB },
    Case::Take { mib: 64 },
    Case::Put { len: KIB, sync: Sync::Each, threads: 1 },
    Case::Put { len: KIB, sync: Sync::Each, threads: 16 },
    Case::Put { len: KIB, sync: Sync::Each, threads: 64 },
    Case::Open { mib: 100 },
    Case::Open { mib: 1024 },
];

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = |len: usize| if len == KIB { "1 KiB".to_owned() } else { format!("{len} B") };
        match *self {
            Self::Put { len, sync, threads } => {
                let when = match sync {
                    Sync::Each => "fsync",
                    Sync::AtEnd => "one sync at the end",
                    Sync::Never => "no fsync",
                };
                write!(f, "put {}, {when}, {threads} thread(s)", size(len))
            }
            Self::PutTake { len } => write!(f, "put, take, complete {}, no fsync", size(len)),
            Self::Take { mib } => write!(f, "take and complete 1 KiB, {mib} MiB waiting"),
            Self::Fill { mib } => write!(f, "fill {mib} MiB"),
            Self::Open { mib } => write!(f, "open with {mib} MiB waiting"),
        }
    }
}

impl Case {
    /// Whether it can be asked of this one.
    pub fn suits(self, about: &About) -> bool {
        match self {
            Self::Put { sync, .. } => about.can(sync),
            Self::PutTake { .. } => about.has_take && about.has_no_fsync,
            Self::Take { .. } => about.has_take,
            // A GiB with a sync for each KiB would take many minutes.
            Self::Fill { mib } | Self::Open { mib } => {
                about.has_recovery && (about.has_no_fsync || mib <= 100)
            }
        }
    }

    /// Does it, in a directory of its own.
    pub fn measure(self, about: &About, directory: &Path, lines: &Lines) -> Sample {
        let open =
            |sync, mib: usize| (about.open)(directory, Opening { sync, waiting_bytes: (mib * MIB) as u64 });
        match self {
            Self::Put { len, sync: Sync::Each, threads } => {
                put_for_a_while(&*open(Sync::Each, 0), lines, len, threads)
            }
            Self::Put { len, sync, .. } => {
                let rival = open(sync, 0);
                let tasks = PUT_BYTES / len;
                let sample = put(&*rival, lines, len, tasks, sync == Sync::AtEnd);
                // Without its destructors: they may sync, which isn't measured here.
                std::mem::forget(rival);
                sample
            }
            Self::PutTake { len } => {
                let rival = open(Sync::Never, 0);
                repeat(RUN, || {
                    put(&*rival, lines, len, BURST, false);
                    assert_eq!(rival.take(BURST), (BURST * len) as u64, "what was put is given back");
                    BURST as f64
                })
            }
            Self::Take { mib } => {
                let rival = open(Sync::Never, mib);
                let tasks = mib * MIB / KIB;
                put(&*rival, lines, KIB, tasks, false);
                let mut watch = Stopwatch::default();
                watch.start();
                let bytes = rival.take(tasks);
                watch.stop();
                assert_eq!(bytes, (mib * MIB) as u64, "what was put is given back");
                watch.sample(tasks as f64)
            }
            Self::Fill { mib } => fill(about, open, lines, mib),
            Self::Open { mib } => {
                let mut watch = Stopwatch::default();
                watch.start();
                let rival = open(if about.has_no_fsync { Sync::Never } else { Sync::Each }, mib);
                let first = rival.take(1);
                watch.stop();
                assert!(first >= KIB as u64, "what waited is given back");
                std::mem::forget(rival);
                watch.sample(1.0)
            }
        }
    }
}

/// Puts from one thread, and syncs at the end if asked to.
fn put(rival: &dyn Rival, lines: &Lines, len: usize, tasks: usize, then_sync: bool) -> Sample {
    let mut watch = Stopwatch::default();
    watch.start();
    for number in 0..tasks {
        rival.put(0, lines.piece(number, len));
    }
    if then_sync {
        rival.sync();
    }
    watch.stop();
    watch.sample(tasks as f64)
}

/// Puts from several threads, each waiting for its own, until the time is up.
fn put_for_a_while(rival: &dyn Rival, lines: &Lines, len: usize, threads: usize) -> Sample {
    let (before, after) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
    let mut watch = Stopwatch::default();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|thread| {
                let (before, after) = (&before, &after);
                scope.spawn(move || {
                    for number in 0..10 {
                        rival.put(thread, lines.piece(number * threads + thread, len));
                    }
                    before.wait();
                    let (begun, mut tasks) = (Instant::now(), 0);
                    while begun.elapsed() < RUN {
                        rival.put(thread, lines.piece(tasks * threads + thread, len));
                        tasks += 1;
                    }
                    after.wait();
                    tasks
                })
            })
            .collect();
        before.wait();
        watch.start();
        after.wait();
        watch.stop();
        let tasks: usize = running.into_iter().map(|thread| thread.join().expect("a thread ends")).sum();
        watch.sample(tasks as f64)
    })
}

/// Durable where it can be, and not closed: the process ends as if it were killed.
fn fill(about: &About, open: impl Fn(Sync, usize) -> Box<dyn Rival>, lines: &Lines, mib: usize) -> Sample {
    let tasks = mib * MIB / KIB;
    let mut watch = Stopwatch::default();
    if about.has_no_fsync {
        let sync = if about.has_sync { Sync::AtEnd } else { Sync::Never };
        let rival = open(sync, mib);
        watch.start();
        put(&*rival, lines, KIB, tasks, about.has_sync);
        watch.stop();
        std::mem::forget(rival);
    } else {
        let rival = open(Sync::Each, mib);
        let threads = 16;
        watch.start();
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let rival = &rival;
                scope.spawn(move || {
                    for number in 0..tasks / threads {
                        rival.put(thread, lines.piece(number * threads + thread, KIB));
                    }
                });
            }
        });
        watch.stop();
        std::mem::forget(rival);
    }
    watch.sample(tasks as f64)
}
