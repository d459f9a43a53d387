use std::collections::BTreeSet;

use super::*;
use crate::bucket::{BucketError, MemoryBucket, rules};
use BucketErrorKind as Kind;

const SEED: u64 = 20_261_122;

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

fn fake(faults: Faults) -> (MemoryBucket, FakeBucket) {
    let memory = MemoryBucket::new();
    (memory.clone(), FakeBucket::new(Arc::new(memory), SEED, faults))
}

fn put(bucket: &FakeBucket, key: &str, body: &'static str) -> Result<(), BucketError> {
    let (body, metadata) = (Bytes::from_static(body.as_bytes()), Metadata::new());
    run(bucket.put(Put {
        key,
        crc64nvme: rules::crc64nvme(&body),
        body,
        metadata: &metadata,
        create_only: true,
    }))
}

fn send_part(bucket: &FakeBucket, upload_id: &str) -> Result<Part, BucketError> {
    let (body, number) = (Bytes::from_static(b"body"), 1);
    let (len_bytes, crc64nvme) = (4, rules::crc64nvme(b"body"));
    let etag = run(bucket.upload_part(UploadPart { key: "key", upload_id, number, body, crc64nvme }))?;
    Ok(Part { number, etag, len_bytes, crc64nvme: Some(crc64nvme) })
}

fn complete(bucket: &FakeBucket, upload_id: &str, parts: &[Part]) -> Result<(), BucketError> {
    let (len_bytes, crc64nvme) = (4, rules::crc64nvme(b"body"));
    run(bucket.complete_upload(Complete {
        key: "key",
        upload_id,
        parts,
        len_bytes,
        crc64nvme: Some(crc64nvme),
        create_only: true,
    }))
}

fn kind<T: std::fmt::Debug>(result: Result<T, BucketError>) -> Kind {
    result.expect_err("a fault was planned").kind()
}

/// A call of every kind, and how it was answered.
fn trace(bucket: &FakeBucket, calls: u32) -> Vec<String> {
    let mut trace = Vec::new();
    for number in 0..calls {
        let key = format!("key-{number}");
        trace.push(format!("{:?}", put(bucket, &key, "body").map_err(|error| error.kind())));
        trace.push(format!("{:?}", run(bucket.head(&key)).map_err(|error| error.kind())));
        let upload_id = run(bucket.create_upload("key", &Metadata::new())).map_err(|error| error.kind());
        trace.push(format!("{upload_id:?}"));
        let upload_id = upload_id.unwrap_or_default();
        let part = send_part(bucket, &upload_id).map_err(|error| error.kind());
        trace.push(format!("{part:?}"));
        trace
            .push(format!("{:?}", run(bucket.abort_upload("key", &upload_id)).map_err(|error| error.kind())));
        trace.push(format!(
            "{:?}",
            run(bucket.list("", None)).map(|page| page.objects.len()).map_err(|error| error.kind())
        ));
    }
    trace
}

#[test]
fn a_call_is_done_or_not_and_answered_or_not() {
    let table = [
        (Fault::LostRequest, Kind::NoAnswer, false),
        (Fault::LostAnswer, Kind::NoAnswer, true),
        (Fault::Refused(Kind::Throttled), Kind::Throttled, false),
        (Fault::DoneButFailed(Kind::Unavailable), Kind::Unavailable, true),
    ];
    for (fault, answered, is_done) in table {
        let (memory, bucket) = fake(Faults::default());
        bucket.fail_next(Call::Put, fault);
        assert_eq!(run(bucket.head("key")).unwrap(), None, "other kinds of calls are left alone");
        assert_eq!(kind(put(&bucket, "key", "body")), answered, "{fault:?}");
        assert_eq!(memory.objects().contains_key("key"), is_done, "{fault:?}");
        put(&bucket, "another", "body").unwrap();
        let counts = bucket.counts();
        assert_eq!((counts.calls[&Call::Put], counts.calls[&Call::Head], counts.faults()), (2, 1, 1));
    }
}

#[test]
fn probabilities_are_kept_and_every_case_occurs() {
    println!("seed {SEED}");
    let faults = Faults {
        lost_request: 0.1,
        lost_answer: 0.1,
        refused: 0.1,
        done_but_failed: 0.1,
        ..Faults::default()
    };
    let (memory, bucket) = fake(faults);
    let mut cases = BTreeSet::new();
    for number in 0..2_000 {
        let key = format!("key-{number}");
        let answer = put(&bucket, &key, "body").map_err(|error| error.kind());
        let is_done = memory.objects().contains_key(&key);
        cases.insert(format!("{answer:?} {is_done}"));
        if answer == Ok(()) {
            assert!(is_done);
        }
    }
    let counts = bucket.counts();
    for count in [counts.lost_requests, counts.lost_answers, counts.refusals, counts.done_but_failed] {
        assert!((120..280).contains(&count), "200 were to be expected: {counts:?}");
    }
    for case in [
        "Ok(()) true",
        "Err(NoAnswer) true",
        "Err(NoAnswer) false",
        "Err(Unavailable) true",
        "Err(Unavailable) false",
        "Err(Throttled) false",
        "Err(NotSent) false",
        "Err(Forbidden) false",
        "Err(Conflict) false",
    ] {
        assert!(cases.contains(case), "{case} never happened: {cases:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_faults() {
    let traced = |seed: u64| {
        let bucket = FakeBucket::new(Arc::new(MemoryBucket::new()), seed, Faults::all(0.3));
        (trace(&bucket, 100), bucket.counts())
    };
    let first = traced(SEED);
    assert_eq!(first, traced(SEED));
    assert_ne!(first.0, traced(SEED + 1).0);
    assert!(first.1.faults() > 50, "{:?}", first.1);
}

#[test]
fn one_option_more_leaves_the_other_faults_alone() {
    let rare = Faults { lost_request: 0.2, ..Faults::default() };
    let heads = Faults { heads_forbidden: true, ..rare.clone() };
    let puts = |faults: Faults| {
        let (_, bucket) = fake(faults);
        trace(&bucket, 50).into_iter().step_by(6).collect::<Vec<_>>()
    };
    assert_eq!(puts(rare), puts(heads));
}

#[test]
fn an_outage_lasts_as_many_calls_as_were_drawn() {
    let (_, bucket) = fake(Faults { outage: 1.0, outage_calls: 3, ..Faults::default() });
    let first = kind(put(&bucket, "key", "body"));
    bucket.set_faults(Faults::default());
    let refused =
        1 + (0..10).take_while(|_| run(bucket.head("key")).is_err_and(|error| error.kind() == first)).count();
    assert!((1..=3).contains(&refused), "{refused}");
    put(&bucket, "key", "body").unwrap();
}

#[test]
fn an_outage_lasts_until_the_clock_has_passed_it() {
    let clock = FakeClock::default();
    let length = Duration::from_mins(10);
    let faults = Faults { outage: 1.0, outage_calls: 0, outage_time: length, ..Faults::default() };
    let (_, bucket) = fake(faults);
    let bucket = bucket.with_clock(Arc::new(clock.clone()));
    put(&bucket, "key", "body").unwrap_err();
    bucket.set_faults(Faults::default());
    for _ in 0..100 {
        put(&bucket, "key", "body").unwrap_err();
    }
    clock.advance(length);
    put(&bucket, "key", "body").unwrap();
}

#[test]
fn an_outage_by_hand_lasts_until_it_is_ended() {
    let (memory, bucket) = fake(Faults::default());
    bucket.begin_outage(Kind::NotSent);
    for _ in 0..100 {
        assert_eq!(kind(put(&bucket, "key", "body")), Kind::NotSent);
    }
    assert!(memory.objects().is_empty());
    bucket.end_outage();
    put(&bucket, "key", "body").unwrap();
}

#[test]
fn an_upload_is_really_aborted_under_its_owner() {
    let (memory, bucket) = fake(Faults::default());
    let upload_id = run(bucket.create_upload("key", &Metadata::new())).unwrap();
    let parts = [send_part(&bucket, &upload_id).unwrap()];
    bucket.fail_next(Call::CompleteUpload, Fault::UploadAborted);
    assert_eq!(kind(complete(&bucket, &upload_id, &parts)), Kind::NoSuchUpload);
    assert!(memory.open_uploads().is_empty() && memory.objects().is_empty());

    // Drawn from the kinds of refusals, it is no lie either.
    bucket.set_faults(Faults { refused: 1.0, refusals: vec![Kind::NoSuchUpload], ..Faults::default() });
    let created = kind(run(bucket.create_upload("key", &Metadata::new())));
    assert_eq!(created, Kind::Unavailable, "there is no upload yet that could be gone");
    bucket.set_faults(Faults::default());
    let upload_id = run(bucket.create_upload("key", &Metadata::new())).unwrap();
    bucket.set_faults(Faults { refused: 1.0, refusals: vec![Kind::NoSuchUpload], ..Faults::default() });
    assert_eq!(kind(send_part(&bucket, &upload_id)), Kind::NoSuchUpload);
    assert!(memory.open_uploads().is_empty());
}

#[test]
fn an_error_in_a_200_means_that_nothing_was_completed() {
    let (memory, bucket) = fake(Faults { complete_error_in_200: 1.0, ..Faults::default() });
    let upload_id = run(bucket.create_upload("key", &Metadata::new())).unwrap();
    let parts = [send_part(&bucket, &upload_id).unwrap()];
    assert_eq!(kind(complete(&bucket, &upload_id, &parts)), Kind::Unavailable);
    assert!(memory.objects().is_empty());
    bucket.set_faults(Faults::default());
    complete(&bucket, &upload_id, &parts).unwrap();
}

#[test]
fn what_a_store_cannot_do_it_cannot_do_ever() {
    let (memory, bucket) = fake(Faults::default());
    put(&bucket, "key", "body").unwrap();
    let upload_id = run(bucket.create_upload("key", &Metadata::new())).unwrap();
    let parts = [send_part(&bucket, &upload_id).unwrap()];

    bucket.set_faults(Faults {
        heads_forbidden: true,
        gets_forbidden: true,
        lists_forbidden: true,
        ..Faults::default()
    });
    assert_eq!(kind(run(bucket.head("key"))), Kind::Forbidden);
    assert_eq!(kind(run(bucket.head("absent"))), Kind::Forbidden, "as for an object that is there");
    assert_eq!(kind(run(bucket.get_range("key", 0, 1))), Kind::Forbidden);
    assert_eq!(kind(run(bucket.list("", None))), Kind::Forbidden);
    assert_eq!(kind(run(bucket.list_uploads("", None))), Kind::Forbidden);
    assert_eq!(kind(run(bucket.list_parts("key", &upload_id))), Kind::Forbidden);
    put(&bucket, "another", "body").unwrap();

    bucket.set_faults(Faults { conditional_writes_unsupported: true, ..Faults::default() });
    assert_eq!(kind(put(&bucket, "third", "body")), Kind::Unsupported);
    assert_eq!(kind(complete(&bucket, &upload_id, &parts)), Kind::Unsupported);
    let (body, metadata) = (Bytes::from_static(b"body"), Metadata::new());
    let crc64nvme = rules::crc64nvme(&body);
    run(bucket.put(Put { key: "third", body, crc64nvme, metadata: &metadata, create_only: false })).unwrap();

    bucket.set_faults(Faults { checksums_withheld: true, ..Faults::default() });
    assert_eq!(run(bucket.head("key")).unwrap().unwrap().crc64nvme, None);
    assert_eq!(run(bucket.list_parts("key", &upload_id)).unwrap()[0].crc64nvme, None);

    bucket.set_faults(Faults { conditional_writes_ignored: true, ..Faults::default() });
    put(&bucket, "key", "overwritten").unwrap();
    assert_eq!(memory.objects()["key"].body, "overwritten");
    complete(&bucket, &upload_id, &parts).unwrap();
    assert_eq!(memory.objects()["key"].body, "body");
    assert_eq!(bucket.faults(), Faults { conditional_writes_ignored: true, ..Faults::default() });
}

#[test]
fn a_clock_moves_only_when_it_is_told() {
    let clock = FakeClock::default();
    let (same, start) = (clock.clone(), clock.wall());
    clock.advance(Duration::from_secs(5));
    assert_eq!((same.monotonic(), same.wall()), (Duration::from_secs(5), start + Duration::from_secs(5)));
    clock.set_wall(std::time::SystemTime::UNIX_EPOCH);
    assert_eq!((same.monotonic(), same.wall()), (Duration::from_secs(5), std::time::SystemTime::UNIX_EPOCH));
    clock.advance(Duration::MAX);
    assert_eq!(clock.monotonic(), Duration::MAX);
    let shown = FakeClock::default().wall().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(shown.as_secs() % 86_400, 9 * 3_600 + 34 * 60 + 7, "09:34:07");
}
