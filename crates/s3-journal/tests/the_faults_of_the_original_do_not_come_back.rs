//! What `s3-journal` 0.1.3 (Clojure) gets wrong, one test each: read in its `s3_journal.clj` and `s3.clj`. Those of its queue are
//! with the crate `durable-queue`.
#![cfg(feature = "fake")]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use durable_queue::Environment;
use s3_journal::bucket::{
    Bucket, BucketErrorKind, Call, FakeBucket, Fault, Faults, MemoryBucket, Metadata, UploadPart,
};
use s3_journal::{Compressor, Health, Journal, OpenError, Options, durable_queue};
use support::{Place, block_on, entries_of, numbered, objects, until};

const YEAR: Duration = Duration::from_hours(365 * 24);

fn submit_numbers(journal: &Journal, range: std::ops::Range<u64>) {
    for i in range {
        journal.submit(&i.to_string()).unwrap();
    }
}

/// An upload that somebody left open, with a part in it.
fn leave_open(bucket: &MemoryBucket, key: &str) -> String {
    let upload_id = block_on(bucket.create_upload(key, &Metadata::new())).unwrap();
    let body = Bytes::from_static(b"half an object");
    let crc64nvme = durable_queue::checksum(&body);
    let part = UploadPart { key, upload_id: &upload_id, number: 1, body, crc64nvme };
    block_on(bucket.upload_part(part)).unwrap();
    upload_id
}

#[test]
fn entries_are_not_forgotten_when_their_part_is_uploaded_but_when_the_object_is_complete() {
    let place = Place::new();
    let journal = place.open();
    submit_numbers(&journal, 0..5_000);
    journal.receipt(4_999).durable().wait().unwrap();
    until("parts in an open upload", || {
        place.fake.counts().calls.get(&Call::UploadPart).is_some_and(|parts| *parts > 10)
    });
    assert_eq!(journal.uploaded(), 0);
    drop(journal);
    // A lifecycle rule.
    assert_eq!(place.memory.abort_all(), 1);
    place.open().close().unwrap();
    assert_eq!(place.entries(), numbered(0..5_000));
}

#[test]
fn an_upload_that_is_gone_is_never_taken_for_one_that_succeeded() {
    for call in [Call::UploadPart, Call::CompleteUpload] {
        let place = Place::new();
        for _ in 0..3 {
            place.fake.fail_next(call, Fault::UploadAborted);
        }
        let journal = place.open();
        submit_numbers(&journal, 0..2_000);
        journal.close().unwrap();
        assert_eq!(place.fake.counts().uploads_aborted, 3);
        assert_eq!(place.entries(), numbered(0..2_000), "{call:?}");
    }
}

#[test]
fn uploads_found_open_are_not_completed_as_they_are() {
    let place = Place::new();
    let journal = place.open();
    submit_numbers(&journal, 0..5_000);
    journal.receipt(4_999).durable().wait().unwrap();
    until("parts", || place.fake.counts().calls.get(&Call::UploadPart).is_some_and(|parts| *parts > 3));
    drop(journal);
    // Of another life of this id, abandoned; of this id, under a name that isn't a journal's.
    let abandoned = "2026/11/21/web1-20261121T000000Z00000001-00000000-000000000000-00000001.journal";
    leave_open(&place.memory, abandoned);
    leave_open(&place.memory, "2026/11/21/web1-000000.journal");
    for _ in 0..3 {
        let journal = place.open();
        journal.flush().unwrap();
        drop(journal);
    }
    assert_eq!(place.entries(), numbered(0..5_000), "whole, and nothing besides");
    let left: Vec<_> = place.memory.open_uploads().into_iter().map(|upload| upload.key).collect();
    assert_eq!(left, ["2026/11/21/web1-000000.journal", abandoned], "others' are left alone");
}

#[test]
fn listings_are_read_to_their_end() {
    let place = Place::new();
    let memory = MemoryBucket::new()
        .with_part_size_min(1)
        .with_page_entries(3)
        .with_clock(Arc::new(place.clock.clone()));
    for number in 0..20 {
        let name = format!("web1-20251122T000000Z00000001-{number:08}-{number:012}-00000001.journal");
        leave_open(&memory, &format!("2025/11/22/{name}"));
    }
    place.clock.advance(YEAR);
    let fake = FakeBucket::new(Arc::new(memory.clone()), 0, Faults::default());
    let options = place.options().bucket(Arc::new(fake.clone()), "").expiration(Duration::from_hours(1));
    let journal = s3_journal::journal(options).unwrap();
    journal.submit("a").unwrap();
    journal.close().unwrap();
    assert_eq!(memory.open_uploads(), [], "those past the first page, too");
    assert!(fake.counts().calls[&Call::ListUploads] >= 7);
}

#[test]
fn a_damaged_batch_is_never_skipped_quietly() {
    let place = Place::new();
    let options = || place.options().environment(Environment::system());
    place.fake.begin_outage(BucketErrorKind::Unavailable);
    let journal = s3_journal::journal(options()).unwrap();
    for entry in ["before", "in the damaged batch", "after"] {
        journal.submit(entry).unwrap().durable().wait().unwrap();
    }
    drop(journal);
    // Another run, so that the damage isn't in the newest slab, which is read whole at open.
    s3_journal::journal(options()).unwrap().submit("later").unwrap();
    let slab = place.local_directory().join("0000000000000001.slab");
    damage(&slab, b"in the damaged batch");
    place.fake.end_outage();
    let journal = s3_journal::journal(options()).unwrap();
    until("stopped", || journal.stats().health == Health::Stopped);
    let error = journal.stats().last_error.unwrap();
    assert!(error.message.contains("0000000000000001.slab"), "{error:?}");
    journal.submit("still taken").unwrap().durable().wait().unwrap();
    assert_eq!(journal.uploaded(), 0);
    let closed = journal.close_within(Duration::from_millis(20)).unwrap();
    assert_eq!((closed.remaining, closed.not_durable), (5, 0));
    assert_eq!(place.objects().len(), 0);
}

#[test]
fn damage_where_entries_were_acknowledged_is_refused_at_open() {
    let place = Place::new();
    place.fake.begin_outage(BucketErrorKind::Unavailable);
    let options = || place.options().environment(Environment::system());
    let journal = s3_journal::journal(options()).unwrap();
    for entry in ["before", "in the damaged batch", "after"] {
        journal.submit(entry).unwrap().durable().wait().unwrap();
    }
    drop(journal);
    damage(&place.local_directory().join("0000000000000001.slab"), b"in the damaged batch");
    match Journal::open(options()).map(drop) {
        Err(OpenError::Queue(error)) => {
            let text = error.to_string();
            assert!(text.contains("0000000000000001.slab"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

/// Flips one bit in the only place where `bytes` are.
#[expect(clippy::disallowed_methods, reason = "what a failing medium does")]
fn damage(file: &std::path::Path, bytes: &[u8]) {
    let mut content = std::fs::read(file).unwrap();
    let at = content.windows(bytes.len()).position(|window| window == bytes).unwrap();
    *content.get_mut(at + 3).unwrap() ^= 4;
    std::fs::write(file, content).unwrap();
}

#[test]
fn numbers_are_remembered_here_and_never_used_twice_whatever_is_in_the_bucket() {
    let place = Place::new();
    let mut keys = std::collections::BTreeSet::new();
    for round in 0..6 {
        let journal = place.open();
        for _ in 0..3 {
            journal.submit("x").unwrap();
            journal.flush().unwrap();
        }
        for object in place.objects() {
            let number = object.metadata.number;
            assert!(keys.insert(object.key.clone()), "{} was there before", object.key);
            assert!((round * 3..round * 3 + 3).contains(&number), "{number} in round {round}");
            // A consumer takes everything away as it comes.
            place.memory.delete(&object.key);
        }
    }
    assert!(!place.fake.counts().calls.contains_key(&Call::List), "no listing is asked what comes next");
}

#[test]
fn an_id_is_compared_whole() {
    let place = Place::new();
    let of =
        |id: &str| format!("2026/11/21/{id}-20251121T000000Z00000001-00000000-000000000000-00000001.journal");
    let others = ["myweb1", "web1-a", "web10", "web1.journal", "Web1"].map(of);
    for key in others.iter().chain([&of("web1")]) {
        leave_open(&place.memory, key);
    }
    place.clock.advance(YEAR);
    let journal = s3_journal::journal(place.options().expiration(Duration::from_hours(1))).unwrap();
    journal.submit("a").unwrap();
    journal.close().unwrap();
    let mut left: Vec<_> = place.memory.open_uploads().into_iter().map(|upload| upload.key).collect();
    left.sort();
    let mut expected = others.to_vec();
    expected.sort();
    assert_eq!(left, expected, "only its own were aborted, and none completed");
    assert_eq!(place.entries(), ["a"]);
}

#[test]
fn entries_are_in_the_bucket_minutes_after_they_came_and_not_when_the_day_is_over() {
    let place = Place::new();
    let options = place.options().environment(Environment::system());
    let options =
        options.max_batch_latency(Duration::from_millis(1)).max_object_age(Duration::from_millis(20));
    let journal = s3_journal::journal(options).unwrap();
    journal.submit("a").unwrap();
    until("in the bucket without another entry, flush or close", || journal.uploaded() == 1);
    journal.submit("b").unwrap();
    until("again", || journal.uploaded() == 2);
    drop(journal);
    let journal = s3_journal::journal(place.options().max_object_size(2_000)).unwrap();
    submit_numbers(&journal, 0..5_000);
    until("by size", || journal.uploaded() > 4_000);
}

#[test]
fn entries_of_no_bytes_are_completed_like_others() {
    let place = Place::new();
    let journal = s3_journal::journal(place.options().delimiter("")).unwrap();
    for _ in 0..35 {
        journal.submit("").unwrap();
    }
    journal.submit("x").unwrap();
    for _ in 0..35 {
        journal.submit("").unwrap();
    }
    journal.close().unwrap();
    assert_eq!(journal.uploaded(), 71);
    let text: String = place.objects().iter().map(|object| object.text.as_str()).collect();
    assert_eq!(text, "x");
    // A drained directory: none of them is left behind.
    s3_journal::journal(place.options().id("other")).unwrap().close().unwrap();
}

#[test]
fn an_object_of_no_bytes_at_all_is_completed() {
    for compressor in [Compressor::None, Compressor::Gzip, Compressor::Zstd] {
        let place = Place::new();
        let options = || place.options().delimiter("").compressor(compressor.clone());
        let journal = s3_journal::journal(options()).unwrap();
        journal.submit("").unwrap();
        journal.flush().unwrap();
        journal.submit("").unwrap();
        drop(journal);
        let journal = s3_journal::journal(options()).unwrap();
        journal.submit("x").unwrap();
        journal.close().unwrap();
        assert_eq!(journal.uploaded(), 3, "{compressor:?}");
        let texts: Vec<_> = objects(&place.memory).into_iter().map(|object| object.text).collect();
        assert_eq!(texts, ["", "", "x"], "{compressor:?}");
    }
}

#[test]
fn a_store_that_refuses_at_start_is_asked_with_pauses_and_its_refusal_is_told() {
    let place = Place::new();
    place.fake.begin_outage(BucketErrorKind::Forbidden);
    let journal = s3_journal::journal(place.options().environment(Environment::system())).unwrap();
    submit_numbers(&journal, 0..100);
    journal.seal();
    until("told", || journal.stats().last_error.is_some());
    let calls = || place.fake.counts().calls.values().sum::<u64>();
    let before = calls();
    let waited = durable_queue::clock::SystemClock::new();
    until("half a second", || durable_queue::clock::Clock::monotonic(&waited) > Duration::from_millis(500));
    assert!(calls() - before < 60, "{} calls in half a second", calls() - before);
    place.fake.end_outage();
    journal.close().unwrap();
    assert_eq!(place.entries(), numbered(0..100));
}

#[test]
fn an_object_is_one_compressed_stream_and_not_one_for_each_batch() {
    let place = Place::new();
    let journal = s3_journal::journal(place.options().compressor(Compressor::Gzip)).unwrap();
    submit_numbers(&journal, 0..500);
    journal.close().unwrap();
    for stored in place.memory.objects().into_values() {
        let members = stored.body.windows(3).filter(|window| *window == [0x1f, 0x8b, 8]).count();
        assert_eq!(members, 1);
    }
    assert_eq!(place.entries(), numbered(0..500), "its reader refuses what follows the first member");
}

#[test]
fn closing_can_be_given_a_time() {
    let place = Place::new();
    place.fake.begin_outage(BucketErrorKind::NoSuchBucket);
    let journal = s3_journal::journal(place.options().environment(Environment::system())).unwrap();
    submit_numbers(&journal, 0..50);
    assert_eq!(journal.close_within(Duration::from_millis(10)).unwrap().remaining, 50);
}

#[test]
fn parts_go_up_side_by_side() {
    let place = Place::new();
    let bucket = counting::Counting::new(place.memory.clone());
    let options = Options::new()
        .bucket(bucket.clone(), "")
        .local_directory(place.local_directory())
        .max_batch_size(10)
        .part_size(1 << 10)
        .max_object_size(1 << 20)
        .max_batch_bytes(64 << 10)
        .max_entry_bytes(64 << 10)
        .max_concurrent_uploads(3);
    let journal = s3_journal::journal(options).unwrap();
    submit_numbers(&journal, 0..20_000);
    journal.close().unwrap();
    assert_eq!(bucket.most(), 3, "as many as may be, and no more");
    assert_eq!(entries_of(&objects(&place.memory)), numbered(0..20_000));
}

/// A store that counts how many parts are under way.
mod counting {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use s3_journal::bucket::*;

    #[derive(Debug)]
    pub struct Counting {
        inner: MemoryBucket,
        now: AtomicUsize,
        most: AtomicUsize,
    }

    impl Counting {
        pub fn new(inner: MemoryBucket) -> Arc<Self> {
            Arc::new(Self { inner, now: AtomicUsize::new(0), most: AtomicUsize::new(0) })
        }

        pub fn most(&self) -> usize {
            self.most.load(Ordering::SeqCst)
        }
    }

    impl Bucket for Counting {
        fn name(&self) -> String {
            self.inner.name()
        }

        fn abilities(&self) -> Abilities {
            self.inner.abilities()
        }

        fn put<'a>(&'a self, put: Put<'a>) -> BucketFuture<'a, ()> {
            self.inner.put(put)
        }

        fn create_upload<'a>(&'a self, key: &'a str, metadata: &'a Metadata) -> BucketFuture<'a, String> {
            self.inner.create_upload(key, metadata)
        }

        fn upload_part<'a>(&'a self, part: UploadPart<'a>) -> BucketFuture<'a, String> {
            Box::pin(async move {
                let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
                self.most.fetch_max(now, Ordering::SeqCst);
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                let answer = self.inner.upload_part(part).await;
                self.now.fetch_sub(1, Ordering::SeqCst);
                answer
            })
        }

        fn complete_upload<'a>(&'a self, complete: Complete<'a>) -> BucketFuture<'a, ()> {
            self.inner.complete_upload(complete)
        }

        fn abort_upload<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, ()> {
            self.inner.abort_upload(key, upload_id)
        }

        fn list_parts<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, Vec<Part>> {
            self.inner.list_parts(key, upload_id)
        }

        fn list_uploads<'a>(
            &'a self,
            prefix: &'a str,
            after: Option<&'a UploadMarker>,
        ) -> BucketFuture<'a, UploadPage> {
            self.inner.list_uploads(prefix, after)
        }

        fn delete<'a>(&'a self, key: &'a str) -> BucketFuture<'a, ()> {
            Bucket::delete(&self.inner, key)
        }

        fn head<'a>(&'a self, key: &'a str) -> BucketFuture<'a, Option<Head>> {
            self.inner.head(key)
        }

        fn get_range<'a>(
            &'a self,
            key: &'a str,
            offset_bytes: u64,
            len_bytes: u64,
        ) -> BucketFuture<'a, Bytes> {
            self.inner.get_range(key, offset_bytes, len_bytes)
        }

        fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BucketFuture<'a, ObjectPage> {
            self.inner.list(prefix, after)
        }
    }

    use bytes::Bytes;
}
