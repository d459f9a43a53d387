//! The ordered log: append and wait until it is durable, one at a time, in a row, and from many threads.

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use s3_journal_benchmarks::{KIB, MIB, log::ScratchLog, text::Text};
use std::time::{Duration, Instant};

fn one_at_a_time(criterion: &mut Criterion) {
    let lines = Text::gather(8 * MIB).lines(100);
    let mut group = criterion.benchmark_group("commit/one-at-a-time");
    group.sampling_mode(SamplingMode::Flat);
    for (name, len) in [("64KiB", 64 * KIB), ("1MiB", MIB)] {
        group.throughput(Throughput::Bytes(len as u64));
        let log = ScratchLog::open(true);
        group.bench_function(format!("{name}/fsync"), |bencher| {
            bencher.iter_custom(|commits| {
                let begun = Instant::now();
                log.commit_each(&lines, len, commits, 1);
                begun.elapsed()
            });
        });
    }
    group.finish();
}

fn in_a_row(criterion: &mut Criterion) {
    let lines = Text::gather(8 * MIB).lines(100);
    let mut group = criterion.benchmark_group("commit/in-a-row");
    group.sampling_mode(SamplingMode::Flat);
    for (name, len) in [("64KiB", 64 * KIB), ("1MiB", MIB)] {
        group.throughput(Throughput::Bytes(len as u64));
        for (mode, fsync) in [("fsync", true), ("no-fsync", false)] {
            let log = ScratchLog::open(fsync);
            group.bench_function(format!("{name}/{mode}"), |bencher| {
                bencher.iter_custom(|frames| {
                    let begun = Instant::now();
                    log.append_all(&lines, len, frames, fsync);
                    begun.elapsed()
                });
            });
        }
    }
    group.finish();
}

fn many_threads(criterion: &mut Criterion) {
    let lines = Text::gather(8 * MIB).lines(100);
    let mut group = criterion.benchmark_group("commit/1KiB");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(1));
    let log = ScratchLog::open(true);
    for threads in [1, 16, 64] {
        group.bench_function(format!("{threads}-threads"), |bencher| {
            bencher.iter_custom(|commits| {
                let begun = Instant::now();
                log.commit_each(&lines, KIB, commits, threads);
                begun.elapsed()
            });
        });
    }
    group.finish();
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! { name = benches; config = short(); targets = one_at_a_time, in_a_row, many_threads }
criterion_main!(benches);
