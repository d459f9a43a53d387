//! Entries in, objects out, close: what a program that only writes waits for. One iteration is one journal.

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use s3_journal::Compressor;
use s3_journal::bucket::LocalBucket;
use s3_journal_benchmarks::measure::Stopwatch;
use s3_journal_benchmarks::{MIB, journal, scratch, text::Text};
use std::sync::Arc;
use std::time::Duration;

const RAW_BYTES: usize = 32 * MIB;

fn end_to_end(criterion: &mut Criterion) {
    let lines = Text::gather(RAW_BYTES).lines(100);
    let mut group = criterion.benchmark_group("end_to_end");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Bytes(RAW_BYTES as u64));
    for compressor in [Compressor::None, Compressor::Gzip, Compressor::Zstd] {
        for (mode, fsync) in [("fsync", true), ("no-fsync", false)] {
            group.bench_function(format!("{}/{mode}", compressor.name()), |bencher| {
                bencher.iter_custom(|journals| {
                    let mut watch = Stopwatch::default();
                    for _ in 0..journals {
                        let directory = scratch::directory();
                        let bucket = Arc::new(LocalBucket::open(directory.path()));
                        journal::end_to_end(&mut watch, bucket, &compressor, fsync, &lines, RAW_BYTES);
                    }
                    watch.wall()
                });
            });
        }
    }
    group.finish();
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! { name = benches; config = short(); targets = end_to_end }
criterion_main!(benches);
