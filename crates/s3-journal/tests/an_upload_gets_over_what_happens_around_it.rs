//! Stores that can't do everything, disks that can't be read for a while, sweeps that fail, and journals that are opened and
//! left at random: the stream in the bucket is whole, in order and single, and nothing is left lying about.
#![cfg(feature = "fake")]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use durable_queue::Environment;
use durable_queue::clock::Clock;
use durable_queue::clock::SystemClock;
use s3_journal::bucket::{
    Abilities, Bucket, BucketErrorKind, BucketFuture, Call, Complete, Fault, Faults, Head, MemoryBucket,
    Metadata, ObjectPage, Part, Put, UploadMarker, UploadPage, UploadPart,
};
use s3_journal::{Compressor, Health, Journal, durable_queue};
use support::disk::FaultyDisk;
use support::{Place, numbered, seed, until};

fn submit_numbers(journal: &Journal, range: std::ops::Range<u64>) {
    for i in range {
        journal.submit(&i.to_string()).unwrap();
    }
}

#[test]
fn stores_that_cannot_do_everything_still_get_everything() {
    let dialects = [
        Faults { heads_forbidden: true, lists_forbidden: true, gets_forbidden: true, ..Faults::default() },
        Faults { conditional_writes_unsupported: true, ..Faults::default() },
        Faults { checksums_withheld: true, ..Faults::default() },
        Faults {
            conditional_writes_unsupported: true,
            checksums_withheld: true,
            lists_forbidden: true,
            ..Faults::default()
        },
    ];
    for dialect in dialects {
        let seed = seed();
        let place = Place::with(
            seed,
            Faults { lost_answer: 0.1, lost_request: 0.1, upload_aborted: 0.05, ..dialect },
        );
        for round in 0..4 {
            let journal = s3_journal::journal(place.options().max_object_size(5_000)).unwrap();
            submit_numbers(&journal, round * 1_500..(round + 1) * 1_500);
            if round == 3 {
                journal.close().unwrap();
            }
        }
        assert_eq!(place.entries(), numbered(0..6_000), "{:?}", place.fake.faults());
    }
}

#[test]
fn what_a_store_cannot_do_is_told_unless_it_is_only_that_it_cannot_write_create_only() {
    let is_told = |refusals: usize| {
        let place = Place::with(seed(), Faults::default());
        for _ in 0..refusals {
            place.fake.fail_next(Call::Put, Fault::Refused(BucketErrorKind::Unsupported));
        }
        let journal = s3_journal::journal(place.options()).unwrap();
        submit_numbers(&journal, 0..10);
        journal.flush().unwrap();
        let told = journal.stats().last_error.is_some_and(|error| error.message.contains("can't do this"));
        journal.close().unwrap();
        assert_eq!(place.entries(), numbered(0..10));
        told
    };
    assert!(!is_told(1), "a create-only write was refused, and a plain one wasn't");
    assert!(is_told(2), "a plain write was refused, too");
}

#[test]
fn stores_that_repeat_a_complete_and_stores_that_do_not_are_the_same_to_us() {
    for repeats in [true, false] {
        let place = Place::new();
        let bucket = place.memory.clone().with_repeated_complete(repeats);
        let fake = s3_journal::bucket::FakeBucket::new(Arc::new(bucket), 0, Faults::default());
        fake.fail_next(Call::CompleteUpload, Fault::LostAnswer);
        fake.fail_next(Call::Head, Fault::Refused(BucketErrorKind::Forbidden));
        let journal = s3_journal::journal(place.options().bucket(Arc::new(fake.clone()), "")).unwrap();
        submit_numbers(&journal, 0..2_000);
        journal.close().unwrap();
        assert_eq!(place.entries(), numbered(0..2_000));
        assert_eq!(place.memory.open_uploads(), []);
    }
}

#[test]
fn reading_the_queue_is_tried_again_when_the_disk_could_not() {
    let place = Place::new();
    let disk = FaultyDisk::default();
    let environment = Environment { disk: Arc::new(disk.clone()), ..place.environment() };
    place.fake.fail_next(Call::CreateUpload, Fault::LostRequest);
    let journal = s3_journal::journal(place.options().environment(environment)).unwrap();
    submit_numbers(&journal, 0..1_000);
    journal.receipt(999).durable().wait().unwrap();
    until("parts", || place.fake.counts().calls.contains_key(&Call::UploadPart));
    disk.let_reads_fail(true);
    submit_numbers(&journal, 1_000..4_000);
    journal.seal();
    until("stopped", || journal.stats().health == Health::Stopped);
    assert!(journal.uploaded() < 4_000);
    disk.let_reads_fail(false);
    place.clock.advance(Duration::from_mins(2));
    submit_numbers(&journal, 4_000..4_100);
    journal.close().unwrap();
    assert_eq!(place.entries(), numbered(0..4_100));
    assert_eq!(journal.stats().health, Health::Ok);
}

#[test]
fn what_a_lost_answer_left_open_is_swept_even_if_aborting_fails_at_first() {
    let place = Place::new();
    place.fake.fail_next(Call::CreateUpload, Fault::LostAnswer);
    for _ in 0..3 {
        place.fake.fail_next(Call::AbortUpload, Fault::Refused(BucketErrorKind::Unavailable));
    }
    let journal = place.open();
    submit_numbers(&journal, 0..2_000);
    journal.close().unwrap();
    assert_eq!(place.memory.open_uploads(), []);
    assert_eq!(place.fake.counts().calls[&Call::AbortUpload], 4);
    assert_eq!(place.entries(), numbered(0..2_000));
}

#[test]
fn an_upload_whose_aborting_failed_is_swept() {
    let place = Place::new();
    place.fake.fail_next(Call::CompleteUpload, Fault::Refused(BucketErrorKind::InvalidPart));
    for _ in 0..2 {
        place.fake.fail_next(Call::AbortUpload, Fault::LostRequest);
    }
    let journal = place.open();
    submit_numbers(&journal, 0..2_000);
    journal.close().unwrap();
    assert_eq!(place.memory.open_uploads(), []);
    assert_eq!(place.entries(), numbered(0..2_000));
}

#[test]
fn a_store_that_does_not_let_us_abort_is_not_asked_without_end() {
    let place = Place::new();
    place.fake.fail_next(Call::CreateUpload, Fault::LostAnswer);
    for _ in 0..100 {
        place.fake.fail_next(Call::AbortUpload, Fault::Refused(BucketErrorKind::Forbidden));
    }
    let journal = place.open();
    submit_numbers(&journal, 0..2_000);
    journal.close().unwrap();
    assert!(place.fake.counts().calls[&Call::AbortUpload] < 5);
    assert_eq!(place.entries(), numbered(0..2_000));
}

#[test]
fn closing_waits_ten_seconds_at_most_for_a_sweep_once_everything_is_in_the_bucket() {
    let place = Place::new();
    let bucket = Arc::new(NeverLists(place.memory.clone()));
    let options = place.options().bucket(bucket, "").environment(Environment::system());
    let journal = s3_journal::journal(options).unwrap();
    submit_numbers(&journal, 0..100);
    let clock = SystemClock::new();
    journal.close().unwrap();
    assert!(clock.monotonic() < Duration::from_secs(15), "{:?}", clock.monotonic());
    assert_eq!(place.entries(), numbered(0..100));
}

#[test]
fn closing_within_a_time_does_not_wait_for_a_sweep_beyond_it() {
    let place = Place::new();
    let bucket = Arc::new(NeverLists(place.memory.clone()));
    let options = place.options().bucket(bucket, "").environment(Environment::system());
    let journal = s3_journal::journal(options).unwrap();
    submit_numbers(&journal, 0..100);
    journal.flush().unwrap();
    let clock = SystemClock::new();
    assert_eq!(journal.close_within(Duration::from_millis(50)).unwrap().remaining, 0);
    assert!(clock.monotonic() < Duration::from_secs(5), "{:?}", clock.monotonic());
}

#[test]
fn expiration_does_not_make_a_clock_of_ones_own_run_away() {
    let place = Place::new();
    let before = place.clock.monotonic();
    let journal = s3_journal::journal(place.options().expiration(Duration::from_hours(1))).unwrap();
    for round in 0..20 {
        submit_numbers(&journal, round * 10..(round + 1) * 10);
        journal.flush().unwrap();
    }
    journal.close().unwrap();
    assert_eq!(place.clock.monotonic(), before, "nothing failed, so no time passed");
}

#[test]
fn slabs_are_freed_as_their_entries_arrive() {
    let place = Place::new();
    let journal = place.open();
    for i in 0..2_000 {
        journal.submit(&format!("{i} {}", "x".repeat(10_000))).unwrap();
    }
    journal.flush().unwrap();
    until("freed", || journal.stats().queue.num_active_slabs == 0 && journal.stats().queue.num_slabs <= 2);
    drop(journal);
    assert!(s3_journal::status(place.local_directory()).unwrap().slabs <= 3);
    place.open().close().unwrap();
    assert_eq!(place.entries().len(), 2_000);
}

#[test]
fn opened_and_left_at_random_the_stream_is_whole_in_order_and_single() {
    let seed = seed();
    let mut state = seed;
    // SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
    let mut draw = |below: u64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    };
    for shards in [None, Some(5)] {
        let place = Place::with(seed, Faults::all(0.25));
        let mut next = 0;
        for _ in 0..25 {
            let compressor =
                [Compressor::None, Compressor::Gzip, Compressor::Zstd, Compressor::Lz4, Compressor::Snappy];
            let options = place
                .options()
                .compressor(compressor[usize::try_from(draw(5)).unwrap()].clone())
                .max_batch_size(1 + draw(30))
                .part_size(200 + draw(2_000))
                .max_object_size(500 + draw(8_000))
                .max_concurrent_uploads(1 + usize::try_from(draw(5)).unwrap())
                .fsync(draw(2) == 0);
            let options = match shards {
                Some(shards) => options.shards(shards),
                None => options,
            };
            let journal = s3_journal::journal(options).unwrap();
            assert_eq!(journal.next_sequence(), next);
            for _ in 0..draw(4) {
                let entries = draw(800);
                submit_numbers(&journal, next..next + entries);
                next += entries;
                if draw(3) == 0 {
                    journal.flush().unwrap();
                    assert_eq!(journal.uploaded(), next);
                }
            }
            match draw(4) {
                0 => journal.close().unwrap(),
                1 => assert!(journal.close_within(Duration::ZERO).unwrap().not_durable == 0),
                _ => {}
            }
        }
        place.fake.set_faults(Faults::default());
        place.fake.end_outage();
        for _ in 0..2 {
            place.open().close().unwrap();
        }
        assert_eq!(place.entries(), numbered(0..next));
        assert_eq!(place.memory.open_uploads(), []);
    }
}

/// A store whose listings of uploads never come.
#[derive(Debug)]
struct NeverLists(MemoryBucket);

impl Bucket for NeverLists {
    fn name(&self) -> String {
        self.0.name()
    }

    fn abilities(&self) -> Abilities {
        self.0.abilities()
    }

    fn put<'a>(&'a self, put: Put<'a>) -> BucketFuture<'a, ()> {
        self.0.put(put)
    }

    fn create_upload<'a>(&'a self, key: &'a str, metadata: &'a Metadata) -> BucketFuture<'a, String> {
        self.0.create_upload(key, metadata)
    }

    fn upload_part<'a>(&'a self, part: UploadPart<'a>) -> BucketFuture<'a, String> {
        self.0.upload_part(part)
    }

    fn complete_upload<'a>(&'a self, complete: Complete<'a>) -> BucketFuture<'a, ()> {
        self.0.complete_upload(complete)
    }

    fn abort_upload<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, ()> {
        self.0.abort_upload(key, upload_id)
    }

    fn list_parts<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, Vec<Part>> {
        self.0.list_parts(key, upload_id)
    }

    fn list_uploads<'a>(&'a self, _: &'a str, _: Option<&'a UploadMarker>) -> BucketFuture<'a, UploadPage> {
        Box::pin(std::future::pending())
    }

    fn delete<'a>(&'a self, key: &'a str) -> BucketFuture<'a, ()> {
        Bucket::delete(&self.0, key)
    }

    fn head<'a>(&'a self, key: &'a str) -> BucketFuture<'a, Option<Head>> {
        self.0.head(key)
    }

    fn get_range<'a>(
        &'a self,
        key: &'a str,
        offset_bytes: u64,
        len_bytes: u64,
    ) -> BucketFuture<'a, bytes::Bytes> {
        self.0.get_range(key, offset_bytes, len_bytes)
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BucketFuture<'a, ObjectPage> {
        self.0.list(prefix, after)
    }
}
