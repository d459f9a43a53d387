//! Journals on a scratch directory and a bucket in memory, and what is in the bucket afterwards.
#![allow(dead_code, reason = "each test file uses its own part")]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

pub mod disk;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use durable_queue::Environment;
use durable_queue::clock::Clock;
use s3_journal::bucket::{Bucket, FakeBucket, FakeClock, Faults, MemoryBucket};
use s3_journal::durable_queue;
use s3_journal::object::{ObjectKey, ObjectMetadata};
use s3_journal::stream::{Codec, decoder};
use s3_journal::{Journal, Options};

/// A seed for a test that draws: from the environment, or a new one. Printed, so that a failure can be repeated.
pub fn seed() -> u64 {
    let seed = std::env::var("S3_JOURNAL_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| {
        durable_queue::random::Random::next_u64(&durable_queue::random::SystemRandom).unwrap()
    });
    println!("seed {seed}: set S3_JOURNAL_TEST_SEED to repeat");
    seed
}

/// A scratch directory, a bucket in memory, and faults around it.
pub struct Place {
    scratch: tempfile::TempDir,
    pub memory: MemoryBucket,
    pub fake: FakeBucket,
    pub clock: FakeClock,
}

impl Place {
    pub fn new() -> Self {
        Self::with(0, Faults::default())
    }

    pub fn with(seed: u64, faults: Faults) -> Self {
        let clock = FakeClock::default();
        let memory = MemoryBucket::new().with_part_size_min(1).with_clock(Arc::new(clock.clone()));
        let fake =
            FakeBucket::new(Arc::new(memory.clone()), seed, faults).with_clock(Arc::new(clock.clone()));
        Self { scratch: tempfile::tempdir().unwrap(), memory, fake, clock }
    }

    pub fn local_directory(&self) -> PathBuf {
        self.scratch.path().join("queue")
    }

    /// Another directory beside it.
    pub fn other_directory(&self) -> PathBuf {
        self.scratch.path().join("other")
    }

    /// A journal with small batches, slabs and parts, and backoffs that pass at once.
    pub fn options(&self) -> Options {
        Options::new()
            .bucket(self.bucket(), "")
            .local_directory(self.local_directory())
            .id("web1")
            .max_batch_size(10)
            .max_batch_bytes(64 << 10)
            .max_entry_bytes(64 << 10)
            .max_queue_bytes(8 << 20)
            .part_size(1 << 10)
            .max_object_size(1 << 20)
            .environment(self.environment())
    }

    pub fn bucket(&self) -> Arc<dyn Bucket> {
        Arc::new(self.fake.clone())
    }

    pub fn environment(&self) -> Environment {
        Environment { clock: Arc::new(self.clock.clone()), ..Environment::system() }
    }

    pub fn open(&self) -> Journal {
        s3_journal::journal(self.options()).unwrap()
    }

    /// Every entry in the bucket, in the order of the objects' numbers, which must be those of one incarnation.
    pub fn entries(&self) -> Vec<String> {
        entries_of(&self.objects())
    }

    pub fn objects(&self) -> Vec<Object> {
        objects(&self.memory)
    }
}

/// An object that a journal wrote.
#[derive(Debug, Clone)]
pub struct Object {
    pub key: String,
    pub name: ObjectKey,
    pub metadata: ObjectMetadata,
    pub text: String,
}

/// All objects by incarnation and number, each checked by itself: name, metadata, stream.
pub fn objects(bucket: &MemoryBucket) -> Vec<Object> {
    let mut objects: Vec<_> = bucket
        .objects()
        .into_iter()
        .map(|(key, stored)| {
            let name = ObjectKey::parse(&key).unwrap();
            let metadata = ObjectMetadata::from_map(&stored.metadata).unwrap();
            assert!(metadata.is_of(&name.name), "{key}: {metadata:?}");
            let codec: Codec = metadata.compressor.parse().unwrap_or(Codec::None);
            let mut text = String::new();
            decoder(codec, &stored.body[..]).unwrap().read_to_string(&mut text).unwrap();
            Object { key, name, metadata, text }
        })
        .collect();
    objects.sort_by(|a, b| {
        let of = |object: &Object| (object.metadata.incarnation.clone(), object.metadata.number);
        of(a).cmp(&of(b))
    });
    objects
}

/// The entries of one incarnation's objects; numbers and first entries must follow from each other.
pub fn entries_of(objects: &[Object]) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        assert_eq!(object.metadata.number, number as u64, "{}", object.key);
        assert_eq!(object.metadata.first, entries.len() as u64, "{}", object.key);
        assert!(!object.text.is_empty(), "no empty objects");
        entries.extend(object.text.lines().map(str::to_owned));
    }
    entries
}

pub fn numbered(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

/// Copies a directory as a backup would.
#[expect(clippy::disallowed_methods, reason = "what somebody else does to a directory")]
pub fn copy_directory(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Waits until something holds, for as long as a test may take.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let clock = durable_queue::clock::SystemClock::new();
    while !holds() {
        assert!(clock.monotonic() < Duration::from_secs(30), "{what}: not within 30 seconds");
        std::thread::yield_now();
    }
}

/// What a receipt's future comes to, on a thread that does nothing else.
pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub type Counted = BTreeMap<s3_journal::bucket::Call, u64>;
