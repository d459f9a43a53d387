use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use durable_queue::clock::Clock;
use durable_queue::random::SystemRandom;
use durable_queue::{Environment, FreeSpace, Log, LogOptions, Position, Step, Through};

use super::accumulator::{Accumulator, AccumulatorLimits};
use super::bounds::DiskBounds;
use super::intake::{Intake, Patience};
use super::scribe::{Scribe, ScribeSetup, ScribeStep};
use crate::directory_format::DirectoryFormat;
use crate::encode::EncodeError;
use crate::ledger::Ledger;
use crate::ledger::StateVisitor;
use crate::milestone::Milestone;
use crate::object::{
    Id, Incarnation, KeyLayout, Layout, LayoutLimits, ObjectKey, ObjectMetadata, RunId, SealReason,
};
use crate::progress::Progress;
use crate::record::{Identity, Record, Seal, State, Uploaded, UploadedHow};
use crate::stats::Counters;
use crate::stream::{Codec, decoder};
use crate::sync::Doorbell;
use crate::upload::{Loaded, Loader};
use crate::{Compressor, CustomCompressor};

#[path = "../../tests/support/disk.rs"]
#[allow(dead_code, reason = "each test file uses its own part")]
mod disk;
use disk::FaultyDisk;

const INCARNATION: &str = "20261122T093407Z5f0c2a91";
const SECOND: Duration = Duration::from_secs(1);
const DAY: u64 = 86_400;
/// 2026-11-22 09:34:07 UTC.
const START: u64 = 1_795_340_047;

#[derive(Debug, Clone)]
struct TestClock(Arc<Mutex<(Duration, SystemTime)>>);

impl Clock for TestClock {
    fn monotonic(&self) -> Duration {
        self.0.lock().unwrap().0
    }

    fn wall(&self) -> SystemTime {
        self.0.lock().unwrap().1
    }
}

impl TestClock {
    fn new() -> Self {
        Self(Arc::new(Mutex::new((SECOND, SystemTime::UNIX_EPOCH + Duration::from_secs(START)))))
    }

    fn advance(&self, duration: Duration) {
        let mut time = self.0.lock().unwrap();
        *time = (time.0 + duration, time.1 + duration);
    }

    fn set_wall(&self, unix_seconds: u64) {
        self.0.lock().unwrap().1 = SystemTime::UNIX_EPOCH + Duration::from_secs(unix_seconds);
    }
}

/// How a desk is set up.
#[derive(Clone)]
struct Setup {
    compressor: Compressor,
    object_size_max_bytes: u64,
    object_age_max: Duration,
    batch_entries: u64,
    latency: Option<Duration>,
    queue_entries_max: u64,
    part_size_bytes: u64,
    bytes_max: Option<u64>,
    slab_size_bytes: u64,
    pending_bytes_max: usize,
    run: u32,
    disk: FaultyDisk,
    clock: TestClock,
}

impl Setup {
    fn new() -> Self {
        Self {
            compressor: Compressor::None,
            object_size_max_bytes: u64::MAX,
            object_age_max: 300 * SECOND,
            batch_entries: 2,
            latency: None,
            queue_entries_max: u64::MAX,
            part_size_bytes: 64,
            bytes_max: None,
            slab_size_bytes: 1 << 20,
            pending_bytes_max: 1 << 20,
            run: 0x0bad_cafe,
            disk: FaultyDisk::default(),
            clock: TestClock::new(),
        }
    }
}

/// A scribe over a log that the test drives by hand.
struct Desk {
    setup: Setup,
    log: Log,
    ledger: Arc<Ledger>,
    intake: Arc<Intake>,
    scribe: Scribe,
    durable: Arc<Milestone>,
    uploaded: Arc<AtomicU64>,
}

/// An object as the right half reads it back.
#[derive(Debug)]
struct Object {
    key: String,
    metadata: ObjectMetadata,
    bytes: Vec<u8>,
    is_sealed: bool,
}

impl Object {
    fn text(&self, codec: Codec) -> String {
        let mut text = String::new();
        decoder(codec, self.bytes.as_slice()).unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

impl Desk {
    fn open(directory: &Path, setup: Setup) -> Self {
        let environment = Environment {
            disk: Arc::new(setup.disk.clone()),
            clock: Arc::new(setup.clock.clone()),
            random: Arc::new(SystemRandom),
        };
        let mut visitor = StateVisitor::default();
        let options = LogOptions {
            slab_size_bytes: setup.slab_size_bytes,
            bytes_max: setup.bytes_max,
            pending_bytes_max: setup.pending_bytes_max,
            ..LogOptions::new(directory)
        };
        let opening = Log::open(environment, options, &mut visitor).unwrap();
        let mut state = visitor.state.unwrap_or_else(|| {
            State::new(Identity {
                id: "web1".to_owned(),
                incarnation: INCARNATION.to_owned(),
                store: "memory".to_owned(),
                prefix: String::new(),
            })
        });
        state.begin_run(setup.run);
        let mut checkpoint = Vec::new();
        state.encode_into(&mut checkpoint);
        let log = opening.begin(&checkpoint).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(setup.clock.clone());
        let limits = AccumulatorLimits {
            batch_entries_max: setup.batch_entries,
            batch_bytes_max: 1 << 20,
            entry_bytes_max: 1 << 20,
            batch_latency_max: setup.latency,
            delimiter: b"\n".to_vec(),
            delimiter_inside_allowed: false,
        };
        let positions = state.positions.iter().map(|(source, p)| (*source, p.to_vec())).collect();
        let accumulator = Accumulator::new(limits, state.next_sequence, positions);
        let uploaded = Arc::new(AtomicU64::new(state.uploaded_sequence));
        let pending = Arc::clone(&uploaded);
        let intake = Arc::new(Intake::new(
            accumulator,
            Arc::clone(&clock),
            Arc::new(Doorbell::default()),
            setup.queue_entries_max,
            setup.latency.is_some(),
            Box::new(move || pending.load(Ordering::SeqCst)),
        ));
        let durable = Arc::new(Milestone::new(state.next_sequence));
        let ledger = Arc::new(Ledger::new(log.clone(), state));
        let progress = Arc::new(Progress::new(log.clone(), true, Arc::clone(&durable)));
        let moved = Arc::downgrade(&progress);
        log.on_progress(Box::new(move || {
            if let Some(progress) = moved.upgrade() {
                progress.moved();
            }
        }));
        let scribe = Scribe::new(ScribeSetup {
            intake: Arc::clone(&intake),
            ledger: Arc::clone(&ledger),
            progress,
            counters: Arc::new(Counters::default()),
            clock,
            layout: Layout::new(
                DirectoryFormat::default(),
                LayoutLimits {
                    object_size_max_bytes: setup.object_size_max_bytes,
                    object_age_max: setup.object_age_max,
                },
            ),
            keys: KeyLayout::new("", None).unwrap(),
            id: Id::new("web1").unwrap(),
            incarnation: Incarnation::parse(INCARNATION).unwrap(),
            run: RunId(setup.run),
            suffix: setup.compressor.suffix().map(str::to_owned),
            compressor: setup.compressor.clone(),
            level: None,
            delimiter: b"\n".to_vec(),
            part_size_bytes: setup.part_size_bytes,
            bounds: DiskBounds { max_queue_bytes: setup.bytes_max, free_space_kept: FreeSpace::Percent(5) },
        });
        Self { setup, log, ledger, intake, scribe, durable, uploaded }
    }

    /// As after the death of the process: nothing is closed.
    fn reopen(self, directory: &Path, change: impl FnOnce(&mut Setup)) -> Self {
        let mut setup = self.setup.clone();
        setup.run += 1;
        change(&mut setup);
        drop(self);
        Self::open(directory, setup)
    }

    fn try_submit_at(&self, entry: &str, position: Option<(u64, &[u8])>) -> Result<u64, crate::SubmitError> {
        let mut encode = |out: &mut Vec<u8>| -> Result<(), EncodeError> {
            out.extend_from_slice(entry.as_bytes());
            Ok(())
        };
        self.intake.submit(Patience::None, &mut encode, position)
    }

    fn submit(&self, entry: &str) {
        self.try_submit_at(entry, None).unwrap();
    }

    /// Lets the log do all that it can.
    fn settle(&self) {
        for _ in 0..100 {
            let steps = [self.log.write_step(), self.log.sync_step(), self.log.prepare_step()];
            if !steps.contains(&Step::Worked) {
                return;
            }
        }
    }

    /// Steps until there is something to wait for other than the log.
    fn run(&mut self) -> ScribeStep {
        for _ in 0..10_000 {
            match self.scribe.step().unwrap() {
                ScribeStep::Worked => {}
                ScribeStep::Busy => self.settle(),
                step => {
                    self.settle();
                    return step;
                }
            }
        }
        panic!("it never comes to rest");
    }

    /// One batch of entries, appended and durable.
    fn batch(&mut self, entries: &[&str]) {
        assert_eq!(entries.len() as u64, self.setup.batch_entries);
        for entry in entries {
            self.submit(entry);
        }
        self.run();
    }

    fn seals(&self) -> Vec<Seal> {
        let mut seals = Vec::new();
        let mut reader = self.log.reader(Position::ZERO, Through::Durable);
        while let Some(record) = reader.next().unwrap() {
            if let Record::Seal(seal) =
                Record::decode(record.kind, record.must_understand, &record.meta).unwrap()
            {
                seals.push(seal);
            }
        }
        seals
    }

    fn reasons(&self) -> Vec<SealReason> {
        self.seals().iter().map(|seal| seal.reason).collect()
    }

    /// What the right half reads, every sum checked. Of an object that isn't sealed it reads whole parts.
    fn objects(&self) -> Vec<Object> {
        self.settle();
        let mut loader = Loader::new(self.log.clone(), self.log.oldest(), 2);
        let mut objects: Vec<Object> = Vec::new();
        loop {
            match loader.next().unwrap() {
                Loaded::Opened(plan) => objects.push(Object {
                    key: plan.key,
                    metadata: ObjectMetadata::from_map(&plan.metadata).unwrap(),
                    bytes: Vec::new(),
                    is_sealed: false,
                }),
                Loaded::Part(_, body) => objects.last_mut().unwrap().bytes.extend_from_slice(&body.bytes),
                Loaded::Sealed(sealed) => {
                    let object = objects.last_mut().unwrap();
                    assert_eq!(sealed.info.len_bytes, object.bytes.len() as u64);
                    object.is_sealed = true;
                    loader.finish_object(sealed.end);
                }
                Loaded::Nothing => return objects,
            }
        }
    }

    /// As the right half would: object `number` is in the bucket.
    fn upload(&self, number: u64, next_sequence: u64) {
        let uploaded = Uploaded {
            number,
            next_sequence,
            cursor: self.log.appended(),
            how: UploadedHow::Answered,
            len_bytes: 1,
            whole: false,
        };
        self.ledger.append(&Record::Uploaded(uploaded), &[]).unwrap();
        self.uploaded.store(next_sequence, Ordering::SeqCst);
        self.settle();
    }
}

fn texts(objects: &[Object], codec: Codec) -> Vec<String> {
    objects.iter().filter(|object| object.is_sealed).map(|object| object.text(codec)).collect()
}

#[test]
fn an_object_ends_when_it_has_reached_its_size() {
    let directory = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(directory.path(), Setup { object_size_max_bytes: 10, ..Setup::new() });
    for i in 0..4 {
        desk.batch(&[&format!("a{i}"), &format!("b{i}")]);
    }
    assert_eq!(desk.reasons(), [SealReason::Size, SealReason::Size]);
    desk.batch(&["a4", "b4"]);
    assert_eq!(desk.reasons().len(), 2, "below its size it stays open");
    let objects = desk.objects();
    assert_eq!(texts(&objects, Codec::None), ["a0\nb0\na1\nb1\n", "a2\nb2\na3\nb3\n"]);
    assert_eq!(objects[1].metadata.first, 4);
}

#[test]
fn an_object_ends_when_the_date_changes_without_a_further_entry() {
    let directory = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(
        directory.path(),
        Setup { object_age_max: Duration::from_hours(24 * 365), ..Setup::new() },
    );
    desk.batch(&["a", "b"]);
    desk.setup.clock.set_wall(START / DAY * DAY + DAY - 1);
    let ScribeStep::Idle { wake_at: Some(wake_at) } = desk.run() else {
        panic!("it looks at the date again")
    };
    assert!(wake_at <= desk.setup.clock.monotonic() + SECOND);
    assert_eq!(desk.reasons(), []);
    desk.setup.clock.set_wall(START / DAY * DAY + DAY);
    assert_eq!(desk.run(), ScribeStep::Idle { wake_at: None });
    assert_eq!(desk.reasons(), [SealReason::Directory]);
    desk.batch(&["c", "d"]);
    desk.intake.seal();
    desk.run();
    let keys: Vec<_> = desk.objects().into_iter().map(|object| object.key).collect();
    assert!(keys[0].starts_with("2026/11/22/") && keys[1].starts_with("2026/11/23/"), "{keys:?}");
}

#[test]
fn an_object_ends_at_its_age_without_a_further_entry() {
    let directory = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(directory.path(), Setup::new());
    desk.batch(&["a", "b"]);
    desk.setup.clock.advance(299 * SECOND);
    desk.run();
    assert_eq!(desk.reasons(), []);
    desk.setup.clock.advance(SECOND);
    desk.run();
    assert_eq!(desk.reasons(), [SealReason::Age]);
}

#[test]
fn an_object_ages_although_the_clock_went_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(directory.path(), Setup::new());
    desk.batch(&["a", "b"]);
    desk.setup.clock.set_wall(START - 3 * 3_600);
    desk.batch(&["c", "d"]);
    for _ in 0..300 {
        desk.setup.clock.advance(SECOND);
        desk.run();
    }
    assert_eq!(desk.reasons(), [SealReason::Age], "five minutes are five minutes");
}

#[test]
fn a_clock_that_goes_back_a_little_does_not_take_objects_back_to_an_earlier_directory() {
    let directory = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(directory.path(), Setup::new());
    let midnight = START / DAY * DAY + DAY;
    desk.setup.clock.set_wall(midnight + 10);
    desk.batch(&["a", "b"]);
    desk.setup.clock.set_wall(midnight - 3_600);
    desk.intake.seal();
    desk.batch(&["c", "d"]);
    desk.intake.seal();
    desk.run();
    // Nor after a restart.
    let mut desk = desk.reopen(directory.path(), |_| {});
    desk.batch(&["e", "f"]);
    desk.intake.seal();
    desk.run();
    // A day and more is followed.
    desk.setup.clock.set_wall(midnight - 2 * DAY);
    desk.batch(&["g", "h"]);
    desk.intake.seal();
    desk.run();
    let directories: Vec<_> = desk.objects().iter().map(|object| object.key[..10].to_owned()).collect();
    assert_eq!(directories, ["2026/11/23", "2026/11/23", "2026/11/23", "2026/11/21"]);
}

#[test]
fn a_flush_ends_batch_and_object_and_what_comes_later_goes_into_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(directory.path(), Setup::new());
    desk.submit("a");
    assert_eq!(desk.run(), ScribeStep::Idle { wake_at: None }, "the batch isn't full");
    assert_eq!(desk.intake.seal(), 1);
    desk.run();
    assert_eq!(desk.reasons(), [SealReason::Flush]);
    desk.batch(&["b", "c"]);
    assert_eq!(desk.reasons().len(), 1, "a flush is over once it is done");
    desk.intake.seal();
    desk.run();
    assert_eq!(desk.intake.seal(), 3);
    desk.run();
    assert_eq!(desk.reasons().len(), 2, "nothing new: no empty objects");
    assert_eq!(texts(&desk.objects(), Codec::None), ["a\n", "b\nc\n"]);
}

#[test]
fn a_flush_does_not_wait_until_nobody_submits() {
    let directory = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(directory.path(), Setup::new());
    desk.submit("a");
    desk.intake.seal();
    for i in 0..200 {
        // There is always a further batch.
        while desk.try_submit_at(&format!("entry {i}"), None).is_ok() {}
        if desk.scribe.step().unwrap() == ScribeStep::Busy {
            desk.settle();
        }
    }
    desk.settle();
    assert_eq!(desk.reasons(), [SealReason::Flush]);
}

#[test]
fn closing_ends_batch_and_object() {
    let directory = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(directory.path(), Setup { batch_entries: 100, ..Setup::new() });
    for entry in ["a", "b", "c"] {
        desk.submit(entry);
    }
    desk.intake.close();
    assert!(matches!(desk.try_submit_at("d", None), Err(crate::SubmitError::Closed)));
    assert_eq!(desk.run(), ScribeStep::Finished);
    assert_eq!(desk.reasons(), [SealReason::Close]);
    assert_eq!(texts(&desk.objects(), Codec::None), ["a\nb\nc\n"]);
    assert_eq!(desk.run(), ScribeStep::Finished);
}

#[test]
fn a_batch_goes_when_its_first_entry_has_waited_long_enough() {
    let directory = tempfile::tempdir().unwrap();
    let latency = Duration::from_millis(50);
    let mut desk =
        Desk::open(directory.path(), Setup { latency: Some(latency), batch_entries: 9, ..Setup::new() });
    desk.submit("a");
    let due = desk.setup.clock.monotonic() + latency;
    assert_eq!(desk.run(), ScribeStep::Idle { wake_at: Some(due) });
    assert_eq!(desk.durable.count(), 0);
    desk.setup.clock.advance(latency);
    desk.run();
    desk.scribe.step().unwrap();
    assert_eq!(desk.ledger.state(|state| state.next_sequence), 1);
}

#[test]
fn a_limit_of_the_queue_ends_the_object_when_nothing_else_could_be_freed() {
    let directory = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(directory.path(), Setup { queue_entries_max: 3, ..Setup::new() });
    desk.submit("a");
    desk.submit("b");
    desk.submit("c");
    assert!(desk.try_submit_at("d", None).unwrap_err().is_retryable());
    desk.run();
    assert_eq!(desk.reasons(), [SealReason::Full], "the batch that waited, too");
    assert_eq!(texts(&desk.objects(), Codec::None), ["a\nb\nc\n"]);

    // One sealed object waits already: the next isn't made small for it.
    desk.uploaded.store(1, Ordering::SeqCst);
    desk.submit("d");
    assert!(desk.try_submit_at("e", None).is_err());
    desk.run();
    assert_eq!(desk.reasons().len(), 1);
    desk.upload(0, 3);
    desk.submit("e");
    desk.submit("f");
    assert!(desk.try_submit_at("g", None).is_err());
    desk.run();
    assert_eq!(desk.reasons(), [SealReason::Full, SealReason::Full]);
}

#[test]
fn a_full_disk_ends_the_object_and_the_batch_begins_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let setup = Setup { compressor: Compressor::Gzip, pending_bytes_max: 4_096, ..Setup::new() };
    let mut desk = Desk::open(directory.path(), setup);
    desk.batch(&["a", "b"]);
    desk.setup.disk.set_full(true);
    desk.submit("c");
    desk.submit("d");
    // In memory there is still room for this one; the disk says that it is full when it is written.
    desk.run();
    desk.submit("e");
    desk.submit("f");
    assert_eq!(desk.run(), ScribeStep::Full);
    while desk.try_submit_at("more", None).is_ok() {}
    let refused = desk.try_submit_at("more", None).unwrap_err();
    assert!(matches!(refused, crate::SubmitError::Full { what: crate::FullCause::Disk }), "{refused}");
    assert_eq!(desk.run(), ScribeStep::Full);
    desk.setup.disk.set_full(false);
    desk.settle();
    desk.run();
    desk.intake.seal();
    desk.run();
    assert_eq!(desk.reasons()[0], SealReason::Full);
    let texts = texts(&desk.objects(), Codec::Gzip);
    assert_eq!(texts[0], "a\nb\nc\nd\n");
    assert!(texts[1].starts_with("e\nf\nmore\n"));
    assert!(desk.try_submit_at("again", None).is_ok());
}

#[test]
fn when_even_the_seal_finds_no_room_nothing_else_comes_into_the_object() {
    for compressor in codecs() {
        let directory = tempfile::tempdir().unwrap();
        let setup = Setup { compressor: compressor.clone(), pending_bytes_max: 1, ..Setup::new() };
        let mut desk = Desk::open(directory.path(), setup);
        desk.batch(&["a", "b"]);
        desk.setup.disk.set_full(true);
        desk.submit("c");
        desk.submit("d");
        desk.run();
        desk.submit("e");
        desk.submit("f");
        // The disk is full, and memory is, too: neither the batch nor the seal is taken, however often that is tried.
        let steps: Vec<_> = (0..20).map(|_| desk.scribe.step().unwrap()).collect();
        assert!(steps[5..].iter().all(|step| *step == ScribeStep::Busy), "{steps:?}");
        desk.setup.disk.set_full(false);
        desk.settle();
        desk.run();
        desk.intake.seal();
        desk.run();
        assert_eq!(desk.reasons(), [SealReason::Full, SealReason::Flush]);
        assert_eq!(texts(&desk.objects(), compressor.codec()), ["a\nb\nc\nd\n", "e\nf\n"], "{compressor:?}");
    }
}

fn codecs() -> Vec<Compressor> {
    use Compressor::{Gzip, Lz4, Lzma2, None, Snappy, Zstd};
    vec![None, Gzip, Zstd, Snappy, Lz4, Lzma2]
}

#[test]
fn reopened_after_any_record_the_open_object_is_sealed_from_it_and_decodes_right() {
    for compressor in codecs() {
        let codec = compressor.codec();
        for crash_after in [1, 2, 5] {
            let directory = tempfile::tempdir().unwrap();
            let setup = Setup { compressor: compressor.clone(), ..Setup::new() };
            let mut desk = Desk::open(directory.path(), setup);
            let mut text = String::new();
            for i in 0..crash_after {
                let entries = [format!("entry {i} of {codec}"), "x".repeat(i * 30)];
                desk.batch(&[&entries[0], &entries[1]]);
                text.extend([entries[0].as_str(), "\n", entries[1].as_str(), "\n"]);
            }
            // The next run has another compressor: what is recorded counts.
            let other = if codec == Codec::Gzip { Compressor::Zstd } else { Compressor::Gzip };
            let mut desk = desk.reopen(directory.path(), |setup| setup.compressor = other.clone());
            desk.batch(&["after", "wards"]);
            desk.intake.seal();
            desk.run();
            let objects = desk.objects();
            assert_eq!(objects[0].text(codec), text, "{codec} after {crash_after}");
            assert_eq!(objects[1].text(other.codec()), "after\nwards\n");
            assert_eq!(desk.reasons(), [SealReason::Restart, SealReason::Flush]);
            assert_eq!(objects[1].metadata.first, 2 * crash_after as u64);
        }
    }
}

#[test]
fn reopened_again_and_again_nothing_is_sealed_twice_and_no_empty_object_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(directory.path(), Setup::new());
    desk.batch(&["a", "b"]);
    for _ in 0..3 {
        desk = desk.reopen(directory.path(), |_| {});
    }
    desk.run();
    for _ in 0..3 {
        desk = desk.reopen(directory.path(), |_| {});
        assert_eq!(desk.run(), ScribeStep::Idle { wake_at: None });
    }
    assert_eq!(desk.reasons(), [SealReason::Restart]);
    desk.intake.close();
    assert_eq!(desk.run(), ScribeStep::Finished);
    assert_eq!(desk.objects().len(), 1);
}

#[test]
fn what_was_not_written_when_the_process_died_was_not_counted_as_durable() {
    let directory = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(directory.path(), Setup::new());
    desk.batch(&["a", "b"]);
    assert_eq!(desk.durable.count(), 2);
    desk.submit("c");
    desk.submit("d");
    while desk.scribe.step().unwrap() == ScribeStep::Worked {}
    assert_eq!(desk.durable.count(), 2, "appended isn't durable");
    desk.log.write_step();
    assert_eq!(desk.durable.count(), 2, "written isn't durable");
    let mut desk = desk.reopen(directory.path(), |_| {});
    desk.run();
    let next = desk.ledger.state(|state| state.next_sequence);
    assert!(next >= 2, "{next}");
    assert_eq!(desk.intake.next_sequence(), next);
}

#[test]
fn each_object_names_itself_and_the_one_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(directory.path(), Setup { compressor: Compressor::Gzip, ..Setup::new() });
    for entries in [["a", "b"], ["c", "d"], ["e", "f"]] {
        desk.batch(&entries);
        desk.intake.seal();
        desk.run();
    }
    let mut desk = desk.reopen(directory.path(), |_| {});
    desk.batch(&["g", "h"]);
    desk.intake.seal();
    desk.run();
    let (objects, seals) = (desk.objects(), desk.seals());
    assert_eq!(objects.len(), 4);
    for (number, object) in objects.iter().enumerate() {
        let key = ObjectKey::parse(&object.key).unwrap();
        let metadata = &object.metadata;
        assert_eq!((metadata.number, metadata.first), (number as u64, 2 * number as u64));
        assert_eq!((key.name.number, key.name.first), (metadata.number, metadata.first));
        assert_eq!(key.name.run.to_string(), metadata.run);
        assert_eq!(key.name.suffix.as_deref(), Some("gz"));
        let run = if number < 3 { "0badcafe" } else { "0badcaff" };
        assert_eq!((metadata.run.as_str(), metadata.id.as_str()), (run, "web1"));
        assert_eq!((metadata.compressor.as_str(), metadata.delimiter.as_slice()), ("gzip", &b"\n"[..]));
        assert_eq!(metadata.incarnation, INCARNATION);
        let before = number.checked_sub(1).map(|before| seals[before].as_predecessor());
        assert_eq!(metadata.previous, before);
        assert_eq!(seals[number].len_bytes, object.bytes.len() as u64);
    }
}

#[test]
fn parts_are_cut_anywhere_and_each_has_its_sum() {
    for (part_size_bytes, entries) in [(1, 1), (3, 7), (4, 8), (64, 40), (7, 1)] {
        let directory = tempfile::tempdir().unwrap();
        let mut desk = Desk::open(directory.path(), Setup { part_size_bytes, ..Setup::new() });
        let mut text = String::new();
        for i in 0..entries {
            desk.batch(&[&i.to_string(), "and more"]);
            text.extend([&i.to_string(), "\nand more\n"]);
        }
        desk.intake.seal();
        desk.run();
        // The loader refuses a part whose sum isn't the recorded one.
        assert_eq!(texts(&desk.objects(), Codec::None), [text]);
    }
}

#[test]
fn positions_become_durable_with_their_entries() {
    let directory = tempfile::tempdir().unwrap();
    let mut desk = Desk::open(directory.path(), Setup::new());
    desk.try_submit_at("a", Some((1, b"one"))).unwrap();
    desk.try_submit_at("b", Some((2, b"two"))).unwrap();
    desk.run();
    desk.try_submit_at("c", Some((1, b"three"))).unwrap();
    assert_eq!(desk.intake.position(1).as_deref(), Some(&b"three"[..]));
    let mut desk = desk.reopen(directory.path(), |_| {});
    assert_eq!(desk.intake.position(1).as_deref(), Some(&b"one"[..]), "its entry was never durable");
    assert_eq!(desk.intake.position(2).as_deref(), Some(&b"two"[..]));
    desk.try_submit_at("c", Some((1, b"three"))).unwrap();
    desk.try_submit_at("d", Some((2, b""))).unwrap();
    desk.run();
    let desk = desk.reopen(directory.path(), |_| {});
    assert_eq!(desk.intake.position(1).as_deref(), Some(&b"three"[..]));
    assert_eq!(desk.intake.position(2), None, "forgotten");
}

#[test]
fn a_slab_that_is_begun_later_remembers_everything() {
    let directory = tempfile::tempdir().unwrap();
    let setup = Setup { slab_size_bytes: 128 << 10, compressor: Compressor::Zstd, ..Setup::new() };
    let mut desk = Desk::open(directory.path(), setup);
    let mut text = String::new();
    for i in 0..800_u64 {
        // Nothing that a compressor could make small.
        let words = (0..20).map(|j| (i * 20 + j).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_string());
        let entry = words.collect::<String>();
        desk.try_submit_at(&entry, Some((7, &i.to_le_bytes()))).unwrap();
        desk.submit("");
        desk.run();
        text.extend([entry.as_str(), "\n\n"]);
    }
    assert!(desk.log.stats().rotations > 1, "the object is in several slabs");
    let mut desk = desk.reopen(directory.path(), |_| {});
    assert_eq!(desk.intake.position(7).as_deref(), Some(&799_u64.to_le_bytes()[..]));
    assert_eq!(desk.intake.next_sequence(), 1_600);
    desk.run();
    assert_eq!(texts(&desk.objects(), Codec::Zstd), [text]);
}

#[test]
fn a_custom_compressor_is_given_whole_batches_and_its_objects_are_what_it_returned() {
    let directory = tempfile::tempdir().unwrap();
    let custom = CustomCompressor::new("brackets", Some("br"), |raw, out| {
        out.push(b'[');
        out.extend_from_slice(raw);
        out.push(b']');
        Ok(())
    });
    let setup = Setup { compressor: Compressor::Custom(custom), ..Setup::new() };
    let mut desk = Desk::open(directory.path(), setup);
    desk.batch(&["a", "b"]);
    desk.batch(&["c", "d"]);
    let mut desk = desk.reopen(directory.path(), |_| {});
    desk.batch(&["e", "f"]);
    desk.intake.seal();
    desk.run();
    let objects = desk.objects();
    assert_eq!(texts(&objects, Codec::None), ["[a\nb\n][c\nd\n]", "[e\nf\n]"]);
    assert!(objects[0].key.ends_with(".journal.br"));
    assert_eq!(objects[0].metadata.compressor, "brackets");
}

#[test]
fn a_compressor_that_fails_stops_the_journal_and_what_was_appended_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let fails = CustomCompressor::new("fails", None, |raw, out| {
        out.extend_from_slice(raw);
        if raw.starts_with(b"bad") { Err(std::io::Error::other("the test wants it")) } else { Ok(()) }
    });
    let setup = Setup { compressor: Compressor::Custom(fails), ..Setup::new() };
    let mut desk = Desk::open(directory.path(), setup);
    desk.batch(&["a", "b"]);
    desk.submit("bad");
    desk.submit("luck");
    let failure = loop {
        match desk.scribe.step() {
            Ok(_) => {}
            Err(failure) => break failure,
        }
    };
    assert!(failure.to_string().contains("compressing"), "{failure}");
    let mut desk = desk.reopen(directory.path(), |_| {});
    desk.run();
    assert_eq!(texts(&desk.objects(), Codec::None), ["a\nb\n"]);
    assert_eq!(desk.intake.next_sequence(), 2);
}
