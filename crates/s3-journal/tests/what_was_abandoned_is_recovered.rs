//! Uploads of machines that are gone are brought back, entry by entry, wherever a recovery is cut short, and nobody's who
//! lives are touched.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "in a test a panic is the report, and files are damaged by hand"
)]

mod reading;

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use durable_queue::fake::FakeClock;
use reading::{PREFIX, Writer, cat, entry, found, put, sum, text, verify};
use s3_journal::bucket::{
    Abilities, Bucket, BucketError, BucketErrorKind, BucketFuture, Complete, FakeBucket, Faults, Head,
    MemoryBucket, Metadata, ObjectPage, Part, Put, UploadMarker, UploadPage, UploadPart,
};
use s3_journal::durable_queue;
use s3_journal::object::{Id, Incarnation, KeyLayout, ObjectMetadata, ObjectName, RecoveryName, RunId};
use s3_journal::read::{CatOptions, Depth, FindingKind as Kind, Retries, Selection};
use s3_journal::recover::{
    RecoverAction as Action, RecoverItem, RecoverOptions, RecoverState as State, RecoverTotals, Recoverer,
};
use s3_journal::stream::{Codec, Encoder, decoder, trailer};

const HOUR: Duration = Duration::from_hours(1);

fn run<T>(work: impl Future<Output = Result<T, BucketError>>) -> Result<T, BucketError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// A bucket with an hour hand, in which a journal has uploaded whole objects and then left one half-way.
struct Place {
    bucket: MemoryBucket,
    clock: FakeClock,
    writer: Writer,
}

impl Place {
    fn new(compressor: &str) -> Self {
        let clock = FakeClock::default();
        let bucket = MemoryBucket::new().with_part_size_min(1).with_clock(Arc::new(clock.clone()));
        let writer = Writer { compressor: compressor.to_owned(), ..Writer::new(&bucket, "web") };
        Self { bucket, clock, writer }
    }

    /// The bytes of the next object with those entries, in batches of ten, and its name, key and metadata.
    fn next(&self, entries: u64) -> (Vec<u8>, String, Metadata) {
        let writer = &self.writer;
        let name = ObjectName {
            id: Id::new(writer.id.clone()).unwrap(),
            incarnation: writer.incarnation.clone(),
            number: writer.number,
            first: writer.first,
            run: RunId(writer.run),
            suffix: Some("gz".to_owned()),
        };
        let key = KeyLayout::new(PREFIX, None).unwrap().key("2026/11/29", &name);
        let metadata =
            ObjectMetadata::new(&name, &writer.compressor, &writer.delimiter, writer.time, writer.previous);
        let codec: Codec = writer.compressor.parse().unwrap_or(Codec::None);
        let (mut encoder, mut stored) = (Encoder::new(codec, None).unwrap(), Vec::new());
        for first in (writer.first..writer.first + entries).step_by(10) {
            let batch: String =
                (first..(first + 10).min(writer.first + entries)).map(|at| entry(at) + "\n").collect();
            encoder.write(batch.as_bytes(), &mut stored).unwrap();
        }
        stored.extend(trailer(codec, &encoder.tail()));
        (stored, key, metadata.to_map())
    }

    /// Leaves an upload of some parts of 100 bytes behind; says its key and what is in the parts up to a hole.
    fn abandon(&self, stored: &[u8], key: &str, metadata: &Metadata, parts: &[u32]) -> (String, Vec<u8>) {
        let upload_id = run(self.bucket.create_upload(key, metadata)).unwrap();
        let mut usable = Vec::new();
        for (at, number) in parts.iter().enumerate() {
            let from = (*number as usize - 1) * 100;
            let body = Bytes::copy_from_slice(&stored[from..(from + 100).min(stored.len())]);
            if at + 1 == *number as usize {
                usable.extend_from_slice(&body);
            }
            let crc64nvme = sum(&body);
            let part = UploadPart { key, upload_id: &upload_id, number: *number, body, crc64nvme };
            run(self.bucket.upload_part(part)).unwrap();
        }
        (upload_id, usable)
    }

    fn recover(&self, options: &RecoverOptions) -> (RecoverTotals, Vec<RecoverItem>) {
        recover(self.bucket.clone(), &self.clock, options).unwrap()
    }
}

fn recover(
    bucket: impl Bucket,
    clock: &FakeClock,
    options: &RecoverOptions,
) -> Result<(RecoverTotals, Vec<RecoverItem>), s3_journal::recover::RecoverError> {
    let wait = Duration::from_micros(1);
    let retries = Retries { attempts: 4, first_wait: wait, longest_wait: wait };
    let recoverer = Recoverer::new(Arc::new(bucket), PREFIX).unwrap();
    let recoverer = recoverer.with_clock(Arc::new(clock.clone())).with_retries(retries);
    let mut items = Vec::new();
    let totals = recoverer.run(options, &mut |item| items.push(item.clone()))?;
    Ok((totals, items))
}

fn complete() -> RecoverOptions {
    RecoverOptions { complete: true, ..RecoverOptions::default() }
}

fn abort() -> RecoverOptions {
    RecoverOptions { abort: true, ..RecoverOptions::default() }
}

/// How many whole entries from `first` on the stream gives, by what any reader of the format could read of it.
fn readable(codec: &str, stored: &[u8]) -> u64 {
    let mut text = Vec::new();
    let mut decoded = decoder(codec.parse().unwrap(), stored).unwrap();
    let mut piece = [0; 7];
    while let Ok(len @ 1..) = decoded.read(&mut piece) {
        text.extend_from_slice(&piece[..len]);
    }
    memchr::memchr_iter(b'\n', &text).count() as u64
}

/// Everything in the bucket reads as the entries from 0 up to there, whole.
fn is_whole(bucket: &MemoryBucket, entries: u64) {
    for depth in [Depth::Listing, Depth::Chain, Depth::Deep] {
        let report = verify(bucket, depth);
        assert!(report.is_whole(), "{depth:?}: {:?}", report.findings);
        assert_eq!(report.streams[0].next_sequence, Some(entries), "{depth:?}");
        assert_eq!(report.foreign, 0);
    }
    let (out, summary) = cat(bucket, &Selection::default(), CatOptions::default());
    assert_eq!((out, summary.unwrap().entries), (text(0..entries), entries));
}

#[test]
fn what_can_be_read_of_an_abandoned_upload_becomes_a_whole_object() {
    for codec in Codec::ALL {
        let mut place = Place::new(codec.name());
        place.writer.objects(2, 10);
        let (stored, key, metadata) = place.next(400);
        let parts: Vec<u32> = (1..).take(stored.len() / 100 * 2 / 3).collect();
        let (_, usable) = place.abandon(&stored, &key, &metadata, &parts);
        let entries = 20 + readable(codec.name(), &usable);
        assert!(entries > 100, "{codec}: {entries}");
        place.clock.advance(25 * HOUR);

        // At first everything is only told.
        let (totals, items) = place.recover(&RecoverOptions::default());
        let before = place.bucket.objects();
        assert_eq!((totals.found, totals.recoverable, totals.recovered), (1, 1, 0));
        let item = &items[0];
        assert_eq!((item.state, item.action, &item.key), (State::Recoverable, Action::WouldComplete, &key));
        assert_eq!((item.number, item.first_sequence, item.silent_seconds), (2, 20, Some(25 * 3_600)));
        let upload = &item.uploads[0];
        assert_eq!((upload.usable_parts, upload.usable_bytes), (parts.len() as u64, usable.len() as u64));
        assert_eq!(upload.age_seconds, Some(25 * 3_600));
        // Not even giving up what is left over takes it.
        let (_, items) = place.recover(&abort());
        assert_eq!((items[0].action, items[0].aborted_uploads), (Action::WouldComplete, 0));
        assert_eq!((place.bucket.objects(), place.bucket.open_uploads().len()), (before, 1));

        let (totals, items) = place.recover(&complete());
        assert_eq!((totals.recovered, totals.recovered_entries), (1, entries - 20), "{codec}: {items:?}");
        let recovered = items[0].recovered.as_ref().unwrap();
        assert_eq!((recovered.first_sequence, recovered.next_sequence), (20, entries));
        // The torn one and the note are gone, and what is there says what it is.
        assert_eq!((place.bucket.objects().len(), place.bucket.open_uploads().len()), (3, 0), "{codec}");
        let object = &place.bucket.objects()[&recovered.key];
        assert!(RecoveryName::parse(recovered.key.rsplit('/').next().unwrap()).is_some());
        assert_eq!(object.metadata["journal-recovered"], (entries - 20).to_string());
        assert_eq!(object.metadata["journal-first"], "20");
        assert_eq!(object.metadata["journal-previous-entries"], "10");
        is_whole(&place.bucket, entries);
        // There is nothing more to do.
        assert_eq!(place.recover(&RecoverOptions { abort: true, ..complete() }).0, RecoverTotals::default());
    }
}

#[test]
fn a_large_one_goes_in_parts() {
    let mut place = Place::new("none");
    place.writer.objects(1, 10);
    let (_, key, metadata) = place.next(10);
    let line = "x".repeat(999) + "\n";
    let stored = line.repeat(30_000) + "torn";
    let upload_id = run(place.bucket.create_upload(&key, &metadata)).unwrap();
    for (number, body) in (1..).zip(stored.as_bytes().chunks(7 << 20)) {
        let (body, crc64nvme) = (Bytes::copy_from_slice(body), sum(body));
        let part = UploadPart { key: &key, upload_id: &upload_id, number, body, crc64nvme };
        run(place.bucket.upload_part(part)).unwrap();
    }
    place.clock.advance(25 * HOUR);
    // A recovery that was cut short left an upload of its own.
    let name = RecoveryName {
        torn: ObjectName::parse(key.rsplit('/').next().unwrap()).unwrap(),
        role: s3_journal::object::RecoveryRole::Recovered { entries: 30_000 },
    };
    let recovered = format!("{PREFIX}/2026/11/29/{name}");
    run(place.bucket.create_upload(&recovered, &metadata)).unwrap();
    let (totals, _) = place.recover(&complete());
    assert_eq!((totals.recovered, totals.recovered_entries), (1, 30_000));
    let object = &place.bucket.objects()[&recovered];
    assert_eq!(object.body, stored.as_bytes()[..stored.len() - 4]);
    assert_eq!(place.bucket.open_uploads(), []);
}

#[test]
fn who_lives_is_left_alone() {
    let mut place = Place::new("gzip");
    place.writer.objects(1, 10);
    let (stored, key, metadata) = place.next(400);
    place.clock.advance(30 * HOUR);
    place.abandon(&stored, &key, &metadata, &[1, 2]);
    let both = RecoverOptions { abort: true, ..complete() };
    let unchanged = |place: &Place, options: &RecoverOptions, what: &str| {
        let before = (place.bucket.objects(), place.bucket.open_uploads());
        let (totals, items) = place.recover(options);
        assert_eq!(
            (totals.living, items[0].state, items[0].action),
            (1, State::Living, Action::None),
            "{what}"
        );
        assert_eq!((place.bucket.objects(), place.bucket.open_uploads()), before, "{what}");
    };
    unchanged(&place, &both, "its upload is new");
    place.clock.advance(23 * HOUR);
    unchanged(&place, &both, "its upload isn't a day old");
    unchanged(&place, &RecoverOptions { older_than: 24 * HOUR, ..both.clone() }, "nor is it 24 hours old");
    place.clock.advance(2 * HOUR);
    // Another object of the same incarnation was written just now; one of another incarnation says nothing.
    let mut sibling = place.writer.clone();
    sibling.incarnation = Incarnation::new(std::time::UNIX_EPOCH, 7);
    (sibling.number, sibling.first, sibling.previous) = (0, 0, None);
    sibling.objects(1, 10);
    assert_eq!(place.recover(&RecoverOptions::default()).1[0].state, State::Recoverable);
    place.writer.number += 1;
    place.writer.objects(1, 10);
    unchanged(&place, &both, "it wrote an object");
    // Who is sure says so.
    let (totals, _) = place.recover(&RecoverOptions { older_than: Duration::ZERO, ..complete() });
    assert_eq!(totals.recovered, 1);
}

#[test]
fn a_store_that_does_not_tell_the_time_leaves_everything_alone() {
    let bucket = MemoryBucket::new().with_part_size_min(1);
    let place = Place { writer: Writer::new(&bucket, "web"), bucket, ..Place::new("gzip") };
    let (stored, key, metadata) = place.next(400);
    place.abandon(&stored, &key, &metadata, &[1, 2]);
    place.clock.advance(1_000 * HOUR);
    let (totals, items) = place.recover(&complete());
    assert_eq!((totals.living, items[0].silent_seconds), (1, None));
}

#[test]
fn what_is_left_over_is_given_up_when_told_and_what_can_be_brought_back_is_not() {
    let mut place = Place::new("gzip");
    let (stored, key, metadata) = place.next(400);
    // One of the same object with fewer parts, and one with none.
    place.abandon(&stored, &key, &metadata, &[1]);
    place.abandon(&stored, &key, &metadata, &[1, 2, 4]);
    place.abandon(&stored, &key, &metadata, &[]);
    // One whose object is in the bucket.
    let mut other = Writer::new(&place.bucket, "other");
    let there = other.objects(1, 10).remove(0);
    place.abandon(&stored, &there, &metadata, &[1]);
    // One without its first part.
    place.writer.id = "third".to_owned();
    let (_, headless, _) = place.next(400);
    place.abandon(&stored, &headless, &metadata, &[2, 3]);
    // Somebody else's.
    place.abandon(&stored, "events/raw/theirs", &metadata, &[1]);
    place.abandon(&stored, "elsewhere", &metadata, &[1]);
    place.clock.advance(25 * HOUR);
    let states =
        |items: &[RecoverItem]| -> Vec<_> { items.iter().map(|item| (item.state, item.action)).collect() };
    let (_, items) = place.recover(&RecoverOptions::default());
    let told = [
        (State::InBucket, Action::WouldAbort),
        (State::Unusable, Action::WouldAbort),
        (State::Recoverable, Action::WouldComplete),
    ];
    assert_eq!(states(&items), told);
    let (totals, items) = place.recover(&abort());
    assert_eq!(totals.aborted_uploads, 2);
    let told =
        [(State::InBucket, Action::Aborted), (State::Unusable, Action::Aborted), (told[2].0, told[2].1)];
    assert_eq!(states(&items), told);
    assert_eq!(place.bucket.open_uploads().len(), 5);
    // An id alone.
    let nobody = RecoverOptions { id: Some(Id::new("we").unwrap()), ..complete() };
    assert_eq!(place.recover(&nobody).0.found, 0);
    let (totals, _) = place.recover(&RecoverOptions { abort: true, ..complete() });
    assert_eq!((totals.recovered, totals.aborted_uploads), (1, 2));
    let left: Vec<_> = place.bucket.open_uploads().into_iter().map(|upload| upload.key).collect();
    assert_eq!(left, ["elsewhere", "events/raw/theirs"]);
}

/// A bucket that can't be reached any more after so many changes; the last of them is carried out, or not.
#[derive(Debug)]
struct Dies {
    inner: MemoryBucket,
    left: AtomicI64,
    answers_last: bool,
}

impl Dies {
    fn may<'a, T: Send + 'a>(&'a self, is_change: bool, work: BucketFuture<'a, T>) -> BucketFuture<'a, T> {
        Box::pin(async move {
            let gone = || Err(BucketError::new(BucketErrorKind::Forbidden, "Died", ""));
            let left = if is_change {
                self.left.fetch_sub(1, Ordering::SeqCst)
            } else {
                self.left.load(Ordering::SeqCst)
            };
            if left < 0 || (left == 0 && is_change && !self.answers_last) {
                // Nothing more, whatever it is.
                self.left.store(-1, Ordering::SeqCst);
                return gone();
            }
            let answer = work.await;
            if left == 0 && is_change {
                self.left.store(-1, Ordering::SeqCst);
                return gone();
            }
            answer
        })
    }
}

impl Bucket for Dies {
    fn name(&self) -> String {
        "mortal".to_owned()
    }
    fn abilities(&self) -> Abilities {
        self.inner.abilities()
    }
    fn put<'a>(&'a self, put: Put<'a>) -> BucketFuture<'a, ()> {
        self.may(true, self.inner.put(put))
    }
    fn create_upload<'a>(&'a self, key: &'a str, metadata: &'a Metadata) -> BucketFuture<'a, String> {
        self.may(true, self.inner.create_upload(key, metadata))
    }
    fn upload_part<'a>(&'a self, part: UploadPart<'a>) -> BucketFuture<'a, String> {
        self.may(true, self.inner.upload_part(part))
    }
    fn complete_upload<'a>(&'a self, complete: Complete<'a>) -> BucketFuture<'a, ()> {
        self.may(true, self.inner.complete_upload(complete))
    }
    fn abort_upload<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, ()> {
        self.may(true, self.inner.abort_upload(key, upload_id))
    }
    fn delete<'a>(&'a self, key: &'a str) -> BucketFuture<'a, ()> {
        self.may(true, Bucket::delete(&self.inner, key))
    }
    fn list_parts<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, Vec<Part>> {
        self.may(false, self.inner.list_parts(key, upload_id))
    }
    fn list_uploads<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a UploadMarker>,
    ) -> BucketFuture<'a, UploadPage> {
        self.may(false, self.inner.list_uploads(prefix, after))
    }
    fn head<'a>(&'a self, key: &'a str) -> BucketFuture<'a, Option<Head>> {
        self.may(false, self.inner.head(key))
    }
    fn get_range<'a>(&'a self, key: &'a str, offset: u64, len: u64) -> BucketFuture<'a, Bytes> {
        self.may(false, self.inner.get_range(key, offset, len))
    }
    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BucketFuture<'a, ObjectPage> {
        self.may(false, self.inner.list(prefix, after))
    }
}

/// An abandoned upload, 25 hours old; how many entries can be read in all.
fn abandoned() -> (Place, String, u64) {
    let mut place = Place::new("gzip");
    place.writer.objects(1, 10);
    let (stored, key, metadata) = place.next(400);
    let (_, usable) = place.abandon(&stored, &key, &metadata, &[1, 2, 3, 4, 5, 6]);
    place.clock.advance(25 * HOUR);
    let entries = 10 + readable("gzip", &usable);
    (place, key, entries)
}

#[test]
fn a_recovery_that_is_cut_short_anywhere_goes_on_and_readers_see_neither_a_gap_nor_a_double_meanwhile() {
    let mut seen = Vec::new();
    for answers_last in [false, true] {
        for changes in 0.. {
            let (place, key, entries) = abandoned();
            let mortal = Dies { inner: place.bucket.clone(), left: AtomicI64::new(changes), answers_last };
            let died = recover(mortal, &place.clock, &complete()).is_err();
            // What is there in between: the torn object, the recovered one, the note.
            let names: Vec<String> = place.bucket.objects().into_keys().collect();
            let has = |word: &str| names.iter().any(|name| name.contains(word));
            let state = (names.contains(&key), has(".recovered."), has(".recovering."));
            seen.push(state);
            let report = verify(&place.bucket, Depth::Deep);
            let kinds: Vec<Kind> = report.findings.iter().map(|finding| finding.kind).collect();
            let (out, _) = cat(&place.bucket, &Selection::default(), CatOptions::default());
            let what = format!("{answers_last} after {changes} changes: {names:?}: {:?}", report.findings);
            match state {
                // Only a torn object is no whole stream, and it says what is the matter.
                (true, false, true) => {
                    assert_eq!(kinds, [Kind::Torn, Kind::Damaged], "{what}");
                    assert_eq!(out, text(0..10), "{what}");
                }
                (_, true, _) => assert_eq!((kinds, out), (vec![], text(0..entries)), "{what}"),
                (false, false, _) => assert_eq!((kinds, out), (vec![], text(0..10)), "{what}"),
                (true, false, false) => panic!("a torn object without a note: {what}"),
            }
            // Also a journal that is old enough goes on: the note is what counts, and not the age.
            let options = RecoverOptions { older_than: 1_000 * HOUR, ..complete() };
            let options = if state.2 { options } else { complete() };
            let (totals, items) = place.recover(&options);
            assert!(totals.recovered <= 1 && totals.unreadable == 0, "{what}: {items:?}");
            is_whole(&place.bucket, entries);
            assert_eq!((place.bucket.objects().len(), place.bucket.open_uploads().len()), (2, 0), "{what}");
            if !died {
                break;
            }
        }
    }
    seen.sort_unstable();
    seen.dedup();
    // Every state on the way was met.
    let order = [
        (false, false, false),
        (false, false, true),
        (false, true, false),
        (false, true, true),
        (true, false, true),
        (true, true, true),
    ];
    assert_eq!(seen, order);
}

#[test]
fn lost_answers_and_failures_change_nothing() {
    let seed = std::env::var("S3_JOURNAL_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    for seed in seed..seed + 150 {
        let (place, _, entries) = abandoned();
        let faults = Faults {
            upload_aborted: 0.0,
            refusals: vec![BucketErrorKind::Unavailable, BucketErrorKind::Conflict],
            ..Faults::all(0.2)
        };
        let shaky = FakeBucket::new(Arc::new(place.bucket.clone()), seed, faults);
        for _ in 0..50 {
            if recover(shaky.clone(), &place.clock, &complete()).is_ok() {
                break;
            }
        }
        place.recover(&complete());
        assert_eq!(place.bucket.objects().len(), 2, "seed {seed}");
        is_whole(&place.bucket, entries);
    }
}

#[test]
fn a_machine_that_comes_back_keeps_its_object_whole() {
    let (stored, key, metadata) = {
        let (place, ..) = abandoned();
        place.next(400)
    };
    // It comes back after so many changes of the recovery, finds its upload gone, and uploads the object anew when the key is free.
    for changes in 0..6 {
        let (place, _, _) = abandoned();
        let mortal = Dies { inner: place.bucket.clone(), left: AtomicI64::new(changes), answers_last: true };
        let died = recover(mortal, &place.clock, &complete()).is_err();
        let back = || {
            let body = Bytes::from(stored.clone());
            let crc64nvme = sum(&body);
            let put = Put { key: &key, body, crc64nvme, metadata: &metadata, create_only: true };
            run(place.bucket.put(put))
        };
        let first = back();
        // While the torn object is there the key is taken, and a journal waits.
        assert!(first.is_ok() || died);
        place.recover(&complete());
        if first.is_err() {
            back().unwrap();
        }
        let what = format!("after {changes} changes: {:?}", place.bucket.objects().keys());
        assert_eq!(place.bucket.objects()[&key].body, stored, "{what}");
        let report = verify(&place.bucket, Depth::Deep);
        assert!(report.is_whole(), "{what}: {:?}", report.findings);
        assert_eq!(
            cat(&place.bucket, &Selection::default(), CatOptions::default()).0,
            text(0..410),
            "{what}"
        );
        place.recover(&RecoverOptions { abort: true, ..complete() });
        assert_eq!(place.bucket.objects()[&key].body, stored, "{what}");
    }
}

#[test]
fn an_upload_that_grows_is_somebodys_who_lives() {
    let (place, key, _) = abandoned();
    let mortal = Dies { inner: place.bucket.clone(), left: AtomicI64::new(0), answers_last: true };
    assert!(recover(mortal, &place.clock, &complete()).is_err());
    // The note is there. Then another first part comes.
    let upload_id = place.bucket.open_uploads()[0].upload_id.clone();
    let body = Bytes::from_static(b"other bytes");
    let crc64nvme = sum(&body);
    let part = UploadPart { key: &key, upload_id: &upload_id, number: 6, body, crc64nvme };
    run(place.bucket.upload_part(part)).unwrap();
    let (_, items) = place.recover(&complete());
    assert_eq!((items[0].state, items[0].action), (State::Interrupted, Action::LeftAlone));
    assert_eq!((place.bucket.objects().len(), place.bucket.open_uploads().len()), (1, 1));
}

#[test]
fn what_cannot_be_read_stays_as_it_is() {
    for (compressor, delimiter, word) in [("rot13", "\n", "rot13"), ("gzip", "", "delimiter")] {
        let mut place = Place::new(compressor);
        place.writer.delimiter = delimiter.as_bytes().to_vec();
        let (stored, key, metadata) = place.next(400);
        place.abandon(&stored, &key, &metadata, &[1, 2, 3]);
        place.clock.advance(25 * HOUR);
        for _ in 0..2 {
            let (totals, items) = place.recover(&RecoverOptions { abort: true, ..complete() });
            assert_eq!((totals.unreadable, items[0].action), (1, Action::Unreadable));
            assert!(items[0].text.contains(word), "{}", items[0].text);
            assert_eq!(place.bucket.objects()[&key].body, stored[..300]);
        }
    }
    // No whole entry: nothing is left of it.
    let place = Place::new("none");
    let (_, key, metadata) = place.next(400);
    place.abandon(&[b'x'; 300], &key, &metadata, &[1, 2, 3]);
    place.clock.advance(25 * HOUR);
    let (_, items) = place.recover(&complete());
    assert_eq!(items[0].action, Action::NothingReadable);
    assert_eq!((place.bucket.objects().len(), place.bucket.open_uploads().len()), (0, 0));
}

#[test]
fn somebody_elses_object_at_the_recovered_key_is_neither_believed_nor_replaced() {
    let (place, key, entries) = abandoned();
    let name = RecoveryName {
        torn: ObjectName::parse(key.rsplit('/').next().unwrap()).unwrap(),
        role: s3_journal::object::RecoveryRole::Recovered { entries: entries - 10 },
    };
    let recovered = format!("{PREFIX}/2026/11/29/{name}");
    let mortal = Dies { inner: place.bucket.clone(), left: AtomicI64::new(1), answers_last: true };
    assert!(recover(mortal, &place.clock, &complete()).is_err());
    put(&place.bucket, &recovered, b"not it".to_vec(), &Metadata::new());
    let (totals, _) = place.recover(&complete());
    assert_eq!(totals.unreadable, 1);
    assert!(place.bucket.objects().contains_key(&key), "the torn object is kept");
    assert_eq!(place.bucket.objects()[&recovered].body, b"not it"[..]);
}

#[test]
fn entries_lost_behind_a_recovered_object_show_by_its_name_alone() {
    let (mut place, key, entries) = abandoned();
    place.recover(&complete());
    // The next object of the incarnation, as if the torn one had been deleted by somebody else.
    let (stored, ..) = place.next(400);
    place.writer.raw(stored, 400);
    assert!(!place.bucket.objects().contains_key(&key) || place.bucket.delete(&key));
    let whole: Vec<String> =
        place.bucket.objects().into_keys().filter(|name| name.contains("00000001-")).collect();
    for name in whole.iter().filter(|name| !name.contains("recovered")) {
        place.bucket.delete(name);
    }
    place.writer.objects(1, 10);
    for depth in [Depth::Listing, Depth::Chain, Depth::Deep] {
        let report = verify(&place.bucket, depth);
        assert_eq!(found(&report), [(Kind::MissingEntries, 2)], "{depth:?}: {:?}", report.findings);
        let missing = report.findings[0].sequences.unwrap();
        assert_eq!((missing.from, missing.to, report.findings[0].exact), (entries, Some(410), true));
    }
}

#[test]
fn a_permission_that_is_missing_is_named() {
    use s3_journal::bucket::{Call, Fault};
    use s3_journal::read::ReadErrorKind;
    for (call, permission) in [
        (Call::ListUploads, "s3:ListBucketMultipartUploads"),
        (Call::List, "s3:ListBucket"),
        (Call::ListParts, "s3:ListMultipartUploadParts"),
        (Call::Put, "s3:PutObject"),
        (Call::CompleteUpload, "s3:PutObject"),
        (Call::Head, "s3:GetObject"),
        (Call::GetRange, "s3:GetObject"),
        (Call::Delete, "s3:DeleteObject"),
    ] {
        let (place, _, entries) = abandoned();
        let bucket = FakeBucket::new(Arc::new(place.bucket.clone()), 1, Faults::default());
        bucket.fail_next(call, Fault::Refused(BucketErrorKind::Forbidden));
        let error = recover(bucket, &place.clock, &complete()).unwrap_err();
        assert_eq!(error.kind(), ReadErrorKind::Forbidden);
        let told = error.to_string();
        assert!(told.contains(&format!("it needs {permission}")), "{call:?}: {told}");
        place.recover(&complete());
        is_whole(&place.bucket, entries);
    }
}

#[test]
fn a_store_without_create_only_writes_or_checksums_is_enough() {
    let (place, _, entries) = abandoned();
    let faults =
        Faults { conditional_writes_unsupported: true, checksums_withheld: true, ..Faults::default() };
    let bucket = FakeBucket::new(Arc::new(place.bucket.clone()), 1, faults);
    recover(bucket, &place.clock, &complete()).unwrap();
    is_whole(&place.bucket, entries);
}
