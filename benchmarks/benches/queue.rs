//! The task queue: puts, and the whole way of a task.

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use s3_journal_benchmarks::{KIB, MIB, queue::ScratchQueues, text::Text};
use std::time::{Duration, Instant};

fn queue(criterion: &mut Criterion) {
    let lines = Text::gather(8 * MIB).lines(100);
    let mut group = criterion.benchmark_group("queue/1KiB");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(1));
    for (mode, fsync) in [("fsync", true), ("no-fsync", false)] {
        for threads in [1, 16] {
            let queues = ScratchQueues::open(fsync);
            group.bench_function(format!("put/{mode}/{threads}-threads"), |bencher| {
                bencher.iter_custom(|tasks| {
                    let begun = Instant::now();
                    queues.put(&lines, KIB, tasks, threads);
                    let took = begun.elapsed();
                    queues.take(tasks);
                    took
                });
            });
        }
    }
    let queues = ScratchQueues::open(false);
    group.bench_function("put-take-complete/no-fsync", |bencher| {
        bencher.iter_custom(|tasks| {
            let begun = Instant::now();
            queues.put(&lines, KIB, tasks, 1);
            queues.take(tasks);
            begun.elapsed()
        });
    });
    group.finish();
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! { name = benches; config = short(); targets = queue }
criterion_main!(benches);
