use std::sync::Arc;

use super::*;
use crate::bucket::BucketErrorKind as Kind;

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

fn put(bucket: &MemoryBucket, key: &str, metadata: &Metadata) -> Result<(), BucketError> {
    let body = Bytes::from_static(b"body");
    run(bucket.put(Put { key, crc64nvme: rules::crc64nvme(&body), body, metadata, create_only: true }))
}

fn send_part(bucket: &MemoryBucket, id: &str, number: u32, body: &'static str) -> Result<Part, BucketError> {
    let body = Bytes::from_static(body.as_bytes());
    let (len_bytes, crc64nvme) = (body.len() as u64, rules::crc64nvme(&body));
    let etag = run(bucket.upload_part(UploadPart { key: "key", upload_id: id, number, body, crc64nvme }))?;
    Ok(Part { number, etag, len_bytes, crc64nvme: Some(crc64nvme) })
}

fn complete(bucket: &MemoryBucket, id: &str, parts: &[Part], whole: &str) -> Result<(), BucketError> {
    let (len_bytes, crc64nvme) = (whole.len() as u64, rules::crc64nvme(whole.as_bytes()));
    run(bucket.complete_upload(Complete {
        key: "key",
        upload_id: id,
        parts,
        len_bytes,
        crc64nvme: Some(crc64nvme),
        create_only: true,
    }))
}

#[track_caller]
fn assert_code<T: std::fmt::Debug>(result: Result<T, BucketError>, kind: Kind, code: &str) {
    let error = result.expect_err("must be refused");
    assert_eq!((error.kind(), error.code()), (kind, code), "{error}");
}

#[test]
fn parts_are_as_large_and_in_the_order_that_s3_demands() {
    let bucket = MemoryBucket::new().with_part_size_min(5);
    let id = run(bucket.create_upload("key", &Metadata::new())).unwrap();
    let (one, two, three) = (
        send_part(&bucket, &id, 1, "small").unwrap(),
        send_part(&bucket, &id, 2, "tiny").unwrap(),
        send_part(&bucket, &id, 3, "last").unwrap(),
    );
    let (first, second, third) = (one.clone(), two.clone(), three.clone());
    assert_code(complete(&bucket, &id, &[], ""), Kind::Other, "MalformedXML");
    assert_code(
        complete(&bucket, &id, &[first.clone(), second.clone(), third], "smalltinylast"),
        Kind::Other,
        "EntityTooSmall",
    );
    assert_code(
        complete(&bucket, &id, &[first.clone(), three], "smalllast"),
        Kind::InvalidPart,
        "InvalidPartOrder",
    );
    assert_code(
        complete(&bucket, &id, &[first.clone(), second.clone()], "smalltin"),
        Kind::Other,
        "InvalidRequest",
    );
    assert_code(
        complete(&bucket, &id, &[first.clone(), second.clone()], "smallTINY"),
        Kind::BadDigest,
        "BadDigest",
    );
    let unknown = Part { etag: "\"x\"".into(), ..two };
    assert_code(complete(&bucket, &id, &[one, unknown], "smalltiny"), Kind::InvalidPart, "InvalidPart");
    for number in [0, 10_001] {
        assert_code(send_part(&bucket, &id, number, "x"), Kind::Other, "InvalidArgument");
    }
    assert!(bucket.objects().is_empty());
    complete(&bucket, &id, &[first, second], "smalltiny").unwrap();
    assert_eq!(bucket.objects()["key"].body, "smalltiny");
    assert_eq!(MemoryBucket::new().abilities(), Abilities::S3);
}

#[test]
fn a_repeated_complete_is_answered_as_the_dialect_says() {
    for repeats in [false, true] {
        let bucket = MemoryBucket::new().with_repeated_complete(repeats);
        let id = run(bucket.create_upload("key", &Metadata::new())).unwrap();
        let parts = [send_part(&bucket, &id, 1, "body").unwrap()];
        complete(&bucket, &id, &parts, "body").unwrap();
        let again = complete(&bucket, &id, &parts, "body").map_err(|error| error.kind());
        assert_eq!(again, if repeats { Ok(()) } else { Err(Kind::NoSuchUpload) });
        assert!(bucket.delete("key"));
        assert_code(complete(&bucket, &id, &parts, "body"), Kind::NoSuchUpload, "NoSuchUpload");
    }
}

#[test]
fn names_and_metadata_have_s3s_limits() {
    let bucket = MemoryBucket::new();
    let one = |name: &str, value: &str| Metadata::from([(name.to_owned(), value.to_owned())]);
    assert_code(put(&bucket, "", &Metadata::new()), Kind::Other, "KeyTooLongError");
    assert_code(put(&bucket, &"k".repeat(1_025), &Metadata::new()), Kind::Other, "KeyTooLongError");
    put(&bucket, &"k".repeat(1_024), &Metadata::new()).unwrap();
    assert_code(put(&bucket, "a", &one("n", &"v".repeat(2_048))), Kind::Other, "MetadataTooLarge");
    for bad in [one("", "v"), one("Name", "v"), one("n", "a\nb"), one("n", "é"), one("n m", "v")] {
        assert_code(put(&bucket, "a", &bad), Kind::Other, "InvalidArgument");
        assert_code(run(bucket.create_upload("a", &bad)), Kind::Other, "InvalidArgument");
    }
    put(&bucket, "a", &one("n", &"v".repeat(2_047))).unwrap();
}

#[test]
fn listings_come_in_pages() {
    let bucket = MemoryBucket::new().with_page_entries(2);
    let mut ids = Vec::new();
    for key in ["p/a", "p/b", "p/c", "q"] {
        put(&bucket, key, &Metadata::new()).unwrap();
        ids.push(run(bucket.create_upload("p/same", &Metadata::new())).unwrap());
    }
    let first = run(bucket.list("p/", None)).unwrap();
    assert_eq!((first.objects.len(), first.next.as_deref()), (2, Some("p/b")));
    let second = run(bucket.list("p/", first.next.as_deref())).unwrap();
    assert_eq!((second.objects.len(), second.next), (1, None));

    let first = run(bucket.list_uploads("p/", None)).unwrap();
    let second = run(bucket.list_uploads("p/", first.next.as_ref())).unwrap();
    let listed: Vec<_> =
        first.uploads.into_iter().chain(second.uploads).map(|upload| upload.upload_id).collect();
    assert_eq!((listed, second.next), (ids, None));
    let by_key = UploadMarker { key: "p/same".into(), upload_id: None };
    assert!(run(bucket.list_uploads("p/", Some(&by_key))).unwrap().uploads.is_empty());
}

#[test]
fn what_others_do_to_a_bucket_can_be_done_to_it() {
    let bucket = MemoryBucket::new();
    let shared = bucket.clone();
    bucket.put_foreign("key", "foreign");
    assert_eq!(shared.objects()["key"].body, "foreign");
    assert_eq!(shared.objects()["key"].crc64nvme, rules::crc64nvme(b"foreign"));
    assert_code(put(&shared, "key", &Metadata::new()), Kind::PreconditionFailed, "PreconditionFailed");
    assert!(shared.delete("key") && !bucket.delete("key"));
    put(&shared, "key", &Metadata::new()).unwrap();

    let id = run(bucket.create_upload("key", &Metadata::new())).unwrap();
    assert_eq!(shared.open_uploads().len(), 1);
    assert_eq!((bucket.abort_all(), bucket.abort_all()), (1, 0));
    assert_code(send_part(&bucket, &id, 1, "x"), Kind::NoSuchUpload, "NoSuchUpload");
}

#[test]
fn times_are_the_clocks() {
    let clock = StoppedClock;
    let bucket = MemoryBucket::new().with_clock(Arc::new(clock));
    put(&bucket, "key", &Metadata::new()).unwrap();
    run(bucket.create_upload("key", &Metadata::new())).unwrap();
    assert_eq!(bucket.objects()["key"].modified, Some(clock.wall()));
    assert_eq!(run(bucket.head("key")).unwrap().unwrap().modified, Some(clock.wall()));
    assert_eq!(run(bucket.list("", None)).unwrap().objects[0].modified, Some(clock.wall()));
    assert_eq!(bucket.open_uploads()[0].initiated, Some(clock.wall()));
}

#[derive(Debug, Clone, Copy)]
struct StoppedClock;

impl Clock for StoppedClock {
    fn monotonic(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_795_340_047)
    }
}
