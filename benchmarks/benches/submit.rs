//! `submit`: the call alone, and what goes on being taken for as long as one likes.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use s3_journal_benchmarks::{MIB, alone, journal::NullJournal, text::Text};
use std::time::{Duration, Instant};

const SIZES: [usize; 3] = [20, 100, 1024];

fn alone(criterion: &mut Criterion) {
    let text = Text::gather(8 * MIB);
    let mut group = criterion.benchmark_group("submit/alone");
    for size in SIZES {
        let lines = text.lines(size);
        group.throughput(Throughput::Elements(1));
        for threads in [1, 2] {
            let mut journal = NullJournal::open(false);
            group.bench_function(format!("{size}B/{threads}-threads"), |bencher| {
                bencher.iter_custom(|entries| journal.submit_alone(&lines, entries, threads).wall);
            });
        }
        group.bench_function(format!("{size}B/copy-only"), |bencher| {
            let mut copy = alone::Copy::default();
            bencher.iter_custom(|entries| {
                let begun = Instant::now();
                for line in lines.forever(0).take(usize::try_from(entries).unwrap()) {
                    copy.line(line);
                }
                begun.elapsed()
            });
        });
    }
    group.finish();
}

fn sustained(criterion: &mut Criterion) {
    let text = Text::gather(8 * MIB);
    let mut group = criterion.benchmark_group("submit/sustained");
    for size in SIZES {
        let lines = text.lines(size);
        group.throughput(Throughput::Elements(1));
        for (name, fsync) in [("fsync", true), ("no-fsync", false)] {
            let mut journal = NullJournal::open(fsync);
            group.bench_function(format!("{size}B/{name}"), |bencher| {
                bencher.iter_custom(|entries| {
                    let begun = Instant::now();
                    journal.submit_sustained(&lines, entries);
                    begun.elapsed()
                });
            });
        }
    }
    group.finish();
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! { name = benches; config = short(); targets = alone, sustained }
criterion_main!(benches);
