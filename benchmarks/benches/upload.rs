//! The way out: a queue that is full when the clock starts, drained into a store. One iteration is one queue.

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use s3_journal::bucket::{Bucket, LocalBucket};
use s3_journal_benchmarks::measure::Stopwatch;
use s3_journal_benchmarks::stores::NullBucket;
use s3_journal_benchmarks::{MIB, journal::Backlog, scratch, text::Text};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const BACKLOG_BYTES: usize = 64 * MIB;

/// A new store, and the directory it lies in, if it does.
type Store = (Arc<dyn Bucket>, Option<TempDir>);

/// Makes a store.
type Make = Box<dyn Fn() -> Store>;

fn upload(criterion: &mut Criterion) {
    let lines = Text::gather(8 * MIB).lines(100);
    let mut group = criterion.benchmark_group("upload");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Bytes(BACKLOG_BYTES as u64));
    let null: Make = Box::new(|| (Arc::new(NullBucket::default()), None));
    let stores = [("null", null), ("local-directory", Box::new(local))];
    for (name, store) in stores.into_iter().chain(s3()) {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|queues| {
                let mut watch = Stopwatch::default();
                for _ in 0..queues {
                    let (bucket, _directory) = store();
                    Backlog::fill(bucket, &lines, BACKLOG_BYTES).drain(&mut watch);
                }
                watch.wall()
            });
        });
    }
    group.finish();
}

fn local() -> Store {
    let directory = scratch::directory();
    (Arc::new(LocalBucket::open(directory.path())), Some(directory))
}

/// The bucket that the environment names. Each run leaves its objects there: use one that is made for it.
#[cfg(feature = "s3")]
fn s3() -> Option<(&'static str, Make)> {
    use s3_journal::bucket::{S3Bucket, S3Options};
    let Ok(name) = std::env::var("S3_JOURNAL_BENCH_S3_BUCKET") else {
        println!("S3_JOURNAL_BENCH_S3_BUCKET isn't set: no upload to S3");
        return None;
    };
    let mut options = S3Options::new(name);
    options.endpoint = std::env::var("S3_JOURNAL_BENCH_S3_ENDPOINT").ok();
    options.path_style = options.endpoint.is_some();
    let bucket: Arc<dyn Bucket> = Arc::new(S3Bucket::new(options).unwrap());
    Some(("s3", Box::new(move || (Arc::clone(&bucket), None))))
}

#[cfg(not(feature = "s3"))]
fn s3() -> Option<(&'static str, Make)> {
    None
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! { name = benches; config = short(); targets = upload }
criterion_main!(benches);
