//! The upload has looked for the next object in vain; before it thinks about that, another thread makes the object durable. It must not be
//! taken for lost. (Found by a test that hung once in hundreds of runs: the upload stood still for a minute.)

use std::sync::Arc;

use durable_queue::fake::{FakeClock, FakeDisk, FakeRandom};
use durable_queue::{Environment, Log, Step};
use s3_journal::Options;
use s3_journal::bucket::MemoryBucket;
use s3_journal::simulation::{Call, ScribeStep, Stepped};

fn make_durable(log: &Log) {
    while [log.write_step(), log.sync_step()].contains(&Step::Worked) {}
}

#[test]
fn the_object_is_uploaded() {
    let environment = Environment {
        disk: Arc::new(FakeDisk::new()),
        clock: Arc::new(FakeClock::default()),
        random: Arc::new(FakeRandom::new(1)),
    };
    let options = Options::new()
        .bucket(Arc::new(MemoryBucket::new()), "")
        .local_directory("/queue")
        .max_batch_size(1)
        .environment(environment);
    let mut journal = Stepped::open(options, 1 << 20).unwrap();
    journal.try_submit(b"an entry", None).unwrap();
    journal.seal();
    while journal.scribe_step() == Some(ScribeStep::Worked) {}
    let log = journal.log().clone();
    journal.meanwhile(move || make_durable(&log));
    let put = (0..6).find_map(|_| {
        let calls = journal.upload_step().calls;
        make_durable(journal.log());
        calls.into_iter().find(|(_, call)| matches!(call, Call::Put { .. }))
    });
    assert!(put.is_some(), "{journal:?}");
}
