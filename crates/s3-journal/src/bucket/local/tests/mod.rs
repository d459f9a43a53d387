//! What only a local bucket can get wrong.

mod crashes;
mod names;
mod watched;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use durable_queue::disk::{Disk, OpenMode, RealDisk};

use super::*;
use crate::bucket::rules;
use watched::WatchedDisk;

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

fn metadata(value: &str) -> Metadata {
    [("about".to_owned(), value.to_owned())].into()
}

fn put(bucket: &LocalBucket, key: &str, body: &'static str, about: &str) -> Result<(), BucketError> {
    let (metadata, body) = (metadata(about), Bytes::from_static(body.as_bytes()));
    let crc64nvme = rules::crc64nvme(&body);
    run(bucket.put(Put { key, body, crc64nvme, metadata: &metadata, create_only: true }))
}

fn send_part(
    bucket: &LocalBucket,
    key: &str,
    id: &str,
    number: u32,
    body: &'static str,
) -> Result<Part, BucketError> {
    let body = Bytes::from_static(body.as_bytes());
    let (len_bytes, crc64nvme) = (body.len() as u64, rules::crc64nvme(&body));
    let etag = run(bucket.upload_part(UploadPart { key, upload_id: id, number, body, crc64nvme }))?;
    Ok(Part { number, etag, len_bytes, crc64nvme: Some(crc64nvme) })
}

fn complete(
    bucket: &LocalBucket,
    key: &str,
    id: &str,
    parts: &[Part],
    whole: &str,
) -> Result<(), BucketError> {
    let (len_bytes, crc64nvme) = (whole.len() as u64, rules::crc64nvme(whole.as_bytes()));
    run(bucket.complete_upload(Complete {
        key,
        upload_id: id,
        parts,
        len_bytes,
        crc64nvme: Some(crc64nvme),
        create_only: true,
    }))
}

fn write_file(path: &Path, bytes: &[u8]) {
    RealDisk.create_directory(path.parent().unwrap()).unwrap();
    RealDisk.open(path, OpenMode::CreateNew).unwrap().write_at(bytes, 0).unwrap();
}

fn read_file(path: &Path) -> Vec<u8> {
    let file = RealDisk.open(path, OpenMode::Read).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len_bytes().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

/// All files in the slots but their locks.
fn staged_files(root: &Path) -> Vec<String> {
    let staged = paths::staged(root);
    let slots = RealDisk.entries(&staged).unwrap();
    let files = slots.iter().flat_map(|slot| RealDisk.entries(&staged.join(&slot.name)).unwrap());
    files.map(|file| file.name).filter(|name| name != "lock").collect()
}

#[test]
fn an_object_is_a_plain_file_that_any_tool_reads() {
    let directory = tempfile::tempdir().unwrap();
    put(&LocalBucket::open(directory.path()), "2026/11/22/x.journal", "entries\n", "x").unwrap();
    assert_eq!(read_file(&directory.path().join("2026/11/22/x.journal")), b"entries\n");
}

#[test]
fn metadata_and_time_of_writing_are_there_after_a_reopen() {
    let directory = tempfile::tempdir().unwrap();
    let before = SystemClock::new().wall();
    put(&LocalBucket::open(directory.path()), "a/key", "body", "first").unwrap();
    let head = run(LocalBucket::open(directory.path()).head("a/key")).unwrap().unwrap();
    assert_eq!((head.len_bytes, head.crc64nvme), (4, Some(rules::crc64nvme(b"body"))));
    assert_eq!(head.metadata, metadata("first"));
    // Kept to the millisecond.
    let after = head.modified.unwrap() + std::time::Duration::from_millis(1);
    assert!(after >= before, "{after:?} {before:?}");
}

#[test]
fn what_another_program_put_there_is_never_taken_for_ours() {
    let directory = tempfile::tempdir().unwrap();
    let bucket = LocalBucket::open(directory.path());
    write_file(&directory.path().join("foreign"), b"somebody's");
    let head = run(bucket.head("foreign")).unwrap().unwrap();
    assert_eq!((head.len_bytes, head.metadata), (10, Metadata::new()));
    assert_eq!(head.crc64nvme, Some(rules::crc64nvme(b"somebody's")));

    // Another body of the same length in the place of ours, with our record still there.
    put(&bucket, "ours", "first", "ours").unwrap();
    RealDisk.remove(&directory.path().join("ours")).unwrap();
    write_file(&directory.path().join("ours"), b"other");
    let head = run(bucket.head("ours")).unwrap().unwrap();
    assert_eq!((head.crc64nvme, head.metadata), (Some(rules::crc64nvme(b"other")), Metadata::new()));
}

#[test]
fn two_records_that_disagree_count_for_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let bucket = LocalBucket::open(directory.path());
    put(&bucket, "key", "body", "winner").unwrap();
    let written = SystemClock::new().wall();
    let crc64nvme = rules::crc64nvme(b"body");
    let same = about::About::new(4, crc64nvme, written, &metadata("winner"));
    same.write(&RealDisk, directory.path(), "key").unwrap();
    assert_eq!(run(bucket.head("key")).unwrap().unwrap().metadata, metadata("winner"));
    let loser = about::About::new(4, crc64nvme, written, &metadata("loser"));
    loser.write(&RealDisk, directory.path(), "key").unwrap();
    assert_eq!(run(bucket.head("key")).unwrap().unwrap().metadata, Metadata::new());
}

#[test]
fn open_uploads_survive_a_reopen_and_ids_are_never_used_again() {
    let directory = tempfile::tempdir().unwrap();
    let reopened = || LocalBucket::open(directory.path());
    let (kept, given_up) = (metadata("kept"), metadata("given up"));
    let first = run(reopened().create_upload("kept", &kept)).unwrap();
    let second = run(reopened().create_upload("given-up", &given_up)).unwrap();
    let parts = [send_part(&reopened(), "kept", &first, 1, "one,").unwrap()];
    run(reopened().abort_upload("given-up", &second)).unwrap();
    let third = run(reopened().create_upload("kept", &kept)).unwrap();
    assert!(third > second && second > first, "{first} {second} {third}");
    run(reopened().abort_upload("kept", &third)).unwrap();
    let open = run(reopened().list_uploads("", None)).unwrap();
    let ids: Vec<_> = open.uploads.iter().map(|upload| upload.upload_id.as_str()).collect();
    assert_eq!(ids, [first.as_str()]);
    assert!(open.uploads[0].initiated.is_some());

    let parts = [&parts[..], &[send_part(&reopened(), "kept", &first, 2, "two").unwrap()]].concat();
    assert_eq!(run(reopened().list_parts("kept", &first)).unwrap(), parts);
    complete(&reopened(), "kept", &first, &parts, "one,two").unwrap();
    assert_eq!(read_file(&directory.path().join("kept")), b"one,two");
    assert_eq!(run(reopened().head("kept")).unwrap().unwrap().metadata, kept);
    let fourth = run(reopened().create_upload("kept", &kept)).unwrap();
    assert!(fourth > third, "{fourth} was {third} before");
    // Only the last number is remembered: nothing is left of closed uploads.
    let names = RealDisk.entries(&paths::uploads(directory.path())).unwrap();
    let names: Vec<_> = names.into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, [fourth.clone(), format!("{fourth}.json")]);
}

#[test]
fn the_parts_of_an_upload_are_what_was_sent_last() {
    let directory = tempfile::tempdir().unwrap();
    let bucket = LocalBucket::open(directory.path());
    let upload_id = run(bucket.create_upload("key", &metadata("x"))).unwrap();
    send_part(&bucket, "key", &upload_id, 1, "longer at first").unwrap();
    let parts = [send_part(&bucket, "key", &upload_id, 1, "short").unwrap()];
    assert_eq!(run(bucket.list_parts("key", &upload_id)).unwrap(), parts);
    let stale = [Part { etag: rules::etag(rules::crc64nvme(b"longer at first"), 15), ..parts[0].clone() }];
    let refused = complete(&bucket, "key", &upload_id, &stale, "longer at first").unwrap_err();
    assert_eq!(refused.kind(), BucketErrorKind::InvalidPart);
    complete(&bucket, "key", &upload_id, &parts, "short").unwrap();
}

#[test]
fn a_part_that_rots_on_the_disk_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let bucket = LocalBucket::open(directory.path());
    let upload_id = run(bucket.create_upload("key", &metadata("x"))).unwrap();
    let parts = [send_part(&bucket, "key", &upload_id, 1, "body").unwrap()];
    let path = paths::uploads(directory.path()).join(&upload_id).join("00001.part");
    RealDisk.open(&path, OpenMode::ReadWrite).unwrap().write_at(b"B", 16).unwrap();
    let refused = complete(&bucket, "key", &upload_id, &parts, "body").unwrap_err();
    assert_eq!(refused.kind(), BucketErrorKind::InvalidPart);
    assert!(refused.to_string().contains("damaged"), "{refused}");
    let parts = [send_part(&bucket, "key", &upload_id, 1, "body").unwrap()];
    complete(&bucket, "key", &upload_id, &parts, "body").unwrap();
}

#[test]
fn a_whole_that_does_not_fit_its_checksum_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let bucket = LocalBucket::open(directory.path());
    let upload_id = run(bucket.create_upload("key", &metadata("x"))).unwrap();
    let parts = [send_part(&bucket, "key", &upload_id, 1, "body").unwrap()];
    let refused = complete(&bucket, "key", &upload_id, &parts, "BODY").unwrap_err();
    assert_eq!(refused.kind(), BucketErrorKind::BadDigest);
    let refused = complete(&bucket, "key", &upload_id, &parts, "longer body").unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (BucketErrorKind::Other, "InvalidRequest"));
    assert_eq!(run(bucket.head("key")).unwrap(), None);
}

#[test]
fn calls_work_outside_of_a_runtime_too() {
    let directory = tempfile::tempdir().unwrap();
    let bucket = LocalBucket::open(directory.path());
    let mut listing = bucket.list("", None);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let polled = listing.as_mut().poll(&mut context).map(|page| page.unwrap());
    assert_eq!(polled, std::task::Poll::Ready(ObjectPage::default()));
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    write_file(&directory.path().join("file"), b"");
    let refused =
        put(&LocalBucket::open(directory.path().join("file/bucket")), "key", "body", "x").unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (BucketErrorKind::Other, "InTheWay"), "{refused}");

    let disk = WatchedDisk::default();
    disk.refuse("create_directory", std::io::ErrorKind::PermissionDenied);
    let bucket = LocalBucket::new(Arc::new(disk), directory.path().join("bucket"));
    let refused = put(&bucket, "key", "body", "x").unwrap_err();
    assert_eq!(refused.kind(), BucketErrorKind::Forbidden);
    let text = refused.to_string();
    assert!(
        text.contains("/bucket/.s3-journal") && text.contains("let this user write to the directory"),
        "{text}"
    );

    let disk = WatchedDisk::default();
    disk.refuse("write", std::io::ErrorKind::StorageFull);
    let bucket = LocalBucket::new(Arc::new(disk), directory.path().join("bucket"));
    let refused = put(&bucket, "key", "body", "x").unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (BucketErrorKind::Unavailable, "StorageFull"));
    assert!(staged_files(&directory.path().join("bucket")).is_empty());
}
