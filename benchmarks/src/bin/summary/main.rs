//! Everything in one table: what the product does, beside what disk, compressor or copy do alone, in turns in one run.
//!
//! `cargo run --release -- [--rounds N] [--only TEXT]`

mod table;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use s3_journal::Compressor;
use s3_journal::bucket::{Bucket, LocalBucket};
use s3_journal::stream::Codec;
use s3_journal_benchmarks::alone::{Copy, SequentialDisk, read_all};
use s3_journal_benchmarks::compress::{self, Setting};
use s3_journal_benchmarks::conditions::Conditions;
use s3_journal_benchmarks::journal::{self, Backlog, NullJournal, Took};
use s3_journal_benchmarks::log::ScratchLog;
use s3_journal_benchmarks::measure::{Sample, Stopwatch, repeat, time};
use s3_journal_benchmarks::queue::ScratchQueues;
use s3_journal_benchmarks::stores::NullBucket;
use s3_journal_benchmarks::text::{Lines, Text};
use s3_journal_benchmarks::{KIB, MIB, scratch};

use table::{Table, Unit};

/// How long a run of something small goes on.
const RUN: Duration = Duration::from_millis(400);

/// Text of which everything is made.
const TEXT_BYTES: usize = 32 * MIB;

/// How much of it each compressor is given: as much as the slowest gets through in half a second.
const COMPRESSED_BYTES: usize = 4 * MIB;

fn main() {
    let (rounds, only) = arguments();
    let begun = Instant::now();
    let place = scratch::place();
    let conditions = Conditions::look(&place);
    let text = Text::gather(TEXT_BYTES);
    println!("{conditions}");
    println!(
        "text: {:.1} MiB from {} files of this machine, fingerprint {}; {rounds} rounds; load {} at the start",
        text.len_bytes() as f64 / MIB as f64,
        text.files(),
        text.fingerprint(),
        conditions.load(),
    );
    if cfg!(debug_assertions) {
        println!("a debug build: these figures mean nothing, run it with --release");
    }
    println!();
    let lines = text.lines(100);
    let mut table = Table::new(rounds, only);
    submit(&mut table, &text);
    commit(&mut table, &lines);
    compressors(&mut table, &lines);
    upload(&mut table, &lines);
    end_to_end(&mut table, &lines);
    queue(&mut table, &lines);
    println!();
    println!("{:.0} s; load {} at the end", begun.elapsed().as_secs_f64(), Conditions::look(&place).load());
}

/// How often each row is measured, and which.
fn arguments() -> (usize, String) {
    let (mut rounds, mut only) = (3, String::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        match (flag.as_str(), arguments.next()) {
            ("--only", Some(text)) => only = text,
            ("--rounds", Some(count)) => match count.parse() {
                Ok(count @ 1..) => rounds = count,
                _ => usage(),
            },
            _ => usage(),
        }
    }
    (rounds, only)
}

fn usage() -> ! {
    eprintln!("usage: summary [--rounds N] [--only TEXT]");
    eprintln!("  --rounds N   how often each row is measured (default 3)");
    eprintln!("  --only TEXT  only the rows with TEXT in their first column");
    std::process::exit(2);
}

fn submit(table: &mut Table, text: &Text) {
    for size in [20, 100, KIB] {
        let lines = text.lines(size);
        let entries = (48 * MIB / (size + 1)) as u64;
        let copied = || {
            let mut copy = Copy::default();
            let count = usize::try_from(entries).expect("fits");
            time(entries as f64, || lines.forever(0).take(count).for_each(|line| copy.line(line)))
        };
        for threads in [1, 2] {
            let mut journal = NullJournal::open(false);
            let ours = || {
                let Took { wall, cpu } = journal.submit_alone(&lines, entries, threads);
                Sample { amount: entries as f64, wall, cpu }
            };
            table.row(
                &format!("submit {size} B, {threads} thread(s)"),
                Unit::Entries,
                ours,
                "a copy, 1 thread",
                copied,
            );
        }
    }
    let lines = text.lines(100);
    let entries = (lines.count() * 2) as u64;
    let bytes = lines.bytes().len() * 2;
    for (name, fsync) in [("fsync", true), ("no fsync", false)] {
        let mut journal = NullJournal::open(fsync);
        let ours = || time(bytes as f64, || journal.submit_sustained(&lines, entries));
        let what = format!("submit 100 B sustained, {name}");
        table.row(&what, Unit::Bytes, ours, &disk_name(fsync), || disk(&lines, MIB, bytes, fsync));
    }
}

fn disk_name(fsync: bool) -> String {
    if fsync { "disk: 1 MiB writes, 1 fdatasync".to_owned() } else { "disk: 1 MiB writes".to_owned() }
}

/// Writes `bytes` bytes to the disk in pieces of `len` bytes, and syncs once at the end if `fsync`.
fn disk(lines: &Lines, len: usize, bytes: usize, fsync: bool) -> Sample {
    let directory = scratch::directory();
    let mut disk = SequentialDisk::new(directory.path());
    let pieces = bytes / len;
    for number in 0..pieces {
        disk.write(lines.piece(number, len));
    }
    if fsync {
        disk.sync();
    }
    disk.watch.sample((pieces * len) as f64)
}

/// Writes and syncs pieces of `len` bytes one by one for a while; counts them.
fn disk_commits(lines: &Lines, len: usize, amount: f64) -> Sample {
    let directory = scratch::directory();
    let mut disk = SequentialDisk::new(directory.path());
    let mut number = 0;
    while disk.watch.wall() < RUN {
        disk.write(lines.piece(number, len));
        disk.sync();
        number += 1;
    }
    disk.watch.sample(number as f64 * amount)
}

fn commit(table: &mut Table, lines: &Lines) {
    for (name, len) in [("64 KiB", 64 * KIB), ("1 MiB", MIB)] {
        let log = ScratchLog::open(true);
        let amount = len as f64;
        let ours = || {
            repeat(RUN, || {
                log.commit_each(lines, len, 8, 1);
                8.0 * amount
            })
        };
        let alone = "disk: write and fdatasync, each";
        table.row(&format!("commit {name}, one at a time"), Unit::Bytes, ours, alone, || {
            disk_commits(lines, len, amount)
        });
    }
    for (name, fsync) in [("fsync", true), ("no fsync", false)] {
        let log = ScratchLog::open(fsync);
        let bytes = 96 * MIB;
        let ours = || time(bytes as f64, || log.append_all(lines, MIB, 96, fsync));
        let what = format!("append 1 MiB frames in a row, {name}");
        table.row(&what, Unit::Bytes, ours, &disk_name(fsync), || disk(lines, MIB, bytes, fsync));
    }
    let log = ScratchLog::open(true);
    for threads in [1_u64, 16, 64] {
        let ours = || {
            repeat(RUN, || {
                log.commit_each(lines, KIB, 32 * threads, threads);
                32.0 * threads as f64
            })
        };
        let alone = "disk: write and fdatasync, each, 1 thread";
        let what = format!("commit 1 KiB, {threads} thread(s)");
        table.row(&what, Unit::Commits, ours, alone, || disk_commits(lines, KIB, 1.0));
    }
}

fn compressors(table: &mut Table, lines: &Lines) {
    let raw = lines.bytes().get(..COMPRESSED_BYTES).unwrap_or(lines.bytes());
    let batches = [("1 MiB", MIB), ("8 KiB", 8 * KIB)];
    for setting in compress::settings() {
        for (name, batch_bytes) in batches {
            let what = format!("compress {setting}, batches of {name}");
            // Small batches are of interest at the default levels only, and not where nothing is compressed.
            let is_plain = setting.level.is_some() || setting.codec == Codec::None;
            if !table.wants(&what) || is_plain && batch_bytes != MIB {
                continue;
            }
            let to_one = |stored: usize| raw.len() as f64 / stored as f64;
            let what = format!("{what}, {:.2} to 1", to_one(setting.ours(raw, batch_bytes)));
            let alone = format!("library, one stream, {:.2} to 1", to_one(setting.reference(raw)));
            let ours = || run(raw, || setting.ours(raw, batch_bytes));
            table.row(&what, Unit::Bytes, ours, &alone, || run(raw, || setting.reference(raw)));
        }
    }
}

fn run(raw: &[u8], mut compress: impl FnMut() -> usize) -> Sample {
    repeat(RUN / 2, || {
        std::hint::black_box(compress());
        raw.len() as f64
    })
}

fn upload(table: &mut Table, lines: &Lines) {
    let bytes = 128 * MIB;
    let null = || {
        let mut watch = Stopwatch::default();
        Backlog::fill(Arc::new(NullBucket::default()), lines, bytes).drain(&mut watch);
        watch.sample(bytes as f64)
    };
    let read = || {
        let backlog = Backlog::fill(Arc::new(NullBucket::default()), lines, bytes);
        let mut watch = Stopwatch::default();
        watch.start();
        let len = read_all(backlog.directory());
        watch.stop();
        watch.sample(len as f64)
    };
    table.row(
        "open and drain a queue, null store",
        Unit::Bytes,
        null,
        "reading it from the page cache",
        read,
    );
    let local = || {
        let directory = scratch::directory();
        let mut watch = Stopwatch::default();
        let bucket = Arc::new(LocalBucket::open(directory.path()));
        Backlog::fill(bucket, lines, bytes).drain(&mut watch);
        watch.sample(bytes as f64)
    };
    let what = "open and drain a queue, local directory (writes 2 times)";
    table.row(what, Unit::Bytes, local, &disk_name(true), || disk(lines, MIB, bytes, true));
}

fn end_to_end(table: &mut Table, lines: &Lines) {
    let ours = |bucket: &dyn Fn(&Path) -> Arc<dyn Bucket>, compressor: &Compressor, fsync, bytes| {
        let directory = scratch::directory();
        let mut watch = Stopwatch::default();
        journal::end_to_end(&mut watch, bucket(directory.path()), compressor, fsync, lines, bytes);
        watch.sample(bytes as f64)
    };
    let local = |path: &Path| -> Arc<dyn Bucket> { Arc::new(LocalBucket::open(path)) };
    let null = |_: &Path| -> Arc<dyn Bucket> { Arc::new(NullBucket::default()) };
    let bytes = 128 * MIB;
    let alone = disk_name(true);
    let disk_alone = || disk(lines, MIB, bytes, true);
    let what = "end to end, none, fsync, null store";
    table.row(what, Unit::Bytes, || ours(&null, &Compressor::None, true, bytes), &alone, disk_alone);
    let what = "end to end, none, fsync, local directory (writes 3 times)";
    table.row(what, Unit::Bytes, || ours(&local, &Compressor::None, true, bytes), &alone, disk_alone);
    let what = "end to end, none, no fsync, local directory (writes 3 times)";
    table.row(what, Unit::Bytes, || ours(&local, &Compressor::None, false, bytes), &alone, disk_alone);
    for (compressor, codec) in [(Compressor::Gzip, Codec::Gzip), (Compressor::Zstd, Codec::Zstd)] {
        let (bytes, raw) = (lines.bytes().len(), lines.bytes());
        let setting = Setting { codec, level: None };
        let what = format!("end to end, {setting}, fsync, local directory");
        let alone = "library, one stream";
        let reference = || run(raw, || setting.reference(raw));
        table.row(&what, Unit::Bytes, || ours(&local, &compressor, true, bytes), alone, reference);
    }
}

fn queue(table: &mut Table, lines: &Lines) {
    let disk_alone = || disk_commits(lines, KIB, 1.0);
    for threads in [1_u64, 16] {
        let queues = ScratchQueues::open(true);
        let ours = || {
            let mut watch = Stopwatch::default();
            let mut tasks = 0;
            while watch.wall() < RUN {
                watch.start();
                queues.put(lines, KIB, 32 * threads, threads);
                watch.stop();
                queues.take(32 * threads);
                tasks += 32 * threads;
            }
            watch.sample(tasks as f64)
        };
        let what = format!("queue: put 1 KiB, fsync, {threads} thread(s)");
        table.row(&what, Unit::Commits, ours, "disk: write and fdatasync, each, 1 thread", disk_alone);
    }
    let queues = ScratchQueues::open(false);
    let ours = || {
        repeat(RUN, || {
            queues.put(lines, KIB, 1000, 1);
            queues.take(1000);
            1000.0
        })
    };
    let writes = || {
        let sample = disk(lines, KIB, 32 * MIB, false);
        Sample { amount: sample.amount / KIB as f64, ..sample }
    };
    let what = "queue: put, take, complete 1 KiB, no fsync";
    table.row(what, Unit::Commits, ours, "disk: 1 KiB writes", writes);
}
