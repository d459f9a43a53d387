//! The compressors: one object's stream, batch by batch. One iteration is one batch.

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use s3_journal_benchmarks::compress::{ObjectStream, settings};
use s3_journal_benchmarks::{KIB, MIB, text::Text};
use std::time::{Duration, Instant};

/// Length of an object before compression; then a new one begins.
const OBJECT_BYTES: usize = 8 * MIB;

fn compress(criterion: &mut Criterion) {
    let lines = Text::gather(OBJECT_BYTES).lines(100);
    println!("{} bytes of text in lines of {:.0} bytes", lines.bytes().len(), lines.mean_bytes());
    let mut group = criterion.benchmark_group("compress");
    group.sampling_mode(SamplingMode::Flat);
    for (name, batch_bytes) in [("1MiB", MIB), ("8KiB", 8 * KIB)] {
        group.throughput(Throughput::Bytes(batch_bytes as u64));
        for setting in settings() {
            let stored = setting.ours(lines.bytes(), batch_bytes);
            let ratio = lines.bytes().len() as f64 / stored as f64;
            println!("{setting} in batches of {name}: {ratio:.2} to 1");
            group.bench_function(format!("{name}/{setting}"), |bencher| {
                let (mut object, mut batch) = (ObjectStream::new(setting), 0);
                bencher.iter_custom(|batches| {
                    let begun = Instant::now();
                    for _ in 0..batches {
                        if object.raw_bytes() >= OBJECT_BYTES as u64 {
                            object = ObjectStream::new(setting);
                        }
                        object.write(lines.piece(batch, batch_bytes));
                        batch += 1;
                    }
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
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! { name = benches; config = short(); targets = compress }
criterion_main!(benches);
