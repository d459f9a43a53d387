//! `recover`: its words, its JSON, its exit status, on a local directory as the bucket.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod common;

use std::task::{Context, Poll, Waker};

use common::{Place, fails_with, json_lines, make_directory, numbered, succeeds};
use s3_journal::bucket::{Bucket, BucketError, LocalBucket, UploadPart};
use s3_journal::object::{ObjectMetadata, ObjectName};

#[test]
fn where_nothing_was_abandoned_that_is_said() {
    let place = Place::new();
    common::succeeds_with(&mut place.write(&[]), b"a\n");
    let told = succeeds(&mut place.read("recover", &[]));
    assert!(told.contains("no open uploads"), "{told}");
    let lines = json_lines(&succeeds(&mut place.read("recover", &["--json", "--complete", "--abort"])));
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["totals"]["found"], 0);
}

#[test]
fn a_short_age_needs_somebody_who_says_whose_directory_is_gone() {
    let place = Place::new();
    for act in ["--complete", "--abort"] {
        let error = fails_with(&mut place.read("recover", &[act, "--older-than=1m"]), b"", 2);
        assert!(error.contains("--incarnation") && error.contains("10m"), "{error}");
    }
    make_directory(&place.bucket());
    succeeds(&mut place.read("recover", &["--older-than=0"]));
    succeeds(
        &mut place
            .read("recover", &["--complete", "--older-than=0", "--incarnation=20231114T221320Z000000ab"]),
    );
    fails_with(&mut place.read("recover", &["--incarnation=yesterday"]), b"", 2);
    fails_with(&mut place.read("recover", &["--older-than=soon"]), b"", 2);
    fails_with(&mut place.program(&["recover"]), b"", 2);
}

/// Carries a call of a local bucket out, which does its work in place.
fn done<T>(call: impl Future<Output = Result<T, BucketError>>) -> T {
    let mut call = std::pin::pin!(call);
    match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer.unwrap(),
        Poll::Pending => unreachable!("file work is done in place"),
    }
}

/// An object with `lines` lines, uploaded but for its last part by a machine that is gone. Its incarnation.
fn abandon(place: &Place, lines: u64) -> String {
    let incarnation = "20231114T221320Z000000ab";
    let name = format!("lost-{incarnation}-00000000-000000000000-00c0ffee.journal");
    let name = ObjectName::parse(&name).unwrap();
    let key = format!("2023/11/14/{name}");
    let metadata = ObjectMetadata::new(&name, "none", b"\n", std::time::UNIX_EPOCH, None).to_map();
    let bucket = LocalBucket::open(place.bucket());
    let upload_id = done(bucket.create_upload(&key, &metadata));
    let text = numbered(0..lines) + "a line that was cut o";
    for (number, body) in (1..).zip(text.as_bytes().chunks(100)) {
        let crc64nvme = s3_journal::durable_queue::checksum(body);
        let (body, upload_id) = (body.to_vec().into(), upload_id.as_str());
        done(bucket.upload_part(UploadPart { key: &key, upload_id, number, body, crc64nvme }));
    }
    incarnation.to_owned()
}

#[test]
fn what_a_lost_machine_uploaded_is_told_brought_back_and_read() {
    let place = Place::new();
    let incarnation = abandon(&place, 100);
    let gone = ["--older-than=0", "--incarnation", incarnation.as_str()];
    let young = succeeds(&mut place.read("recover", &["--complete"]));
    assert!(young.contains("is being uploaded") && young.contains("1 in use"), "{young}");
    let told = succeeds(&mut place.read("recover", &gone));
    assert!(told.contains("--complete would bring that back") && told.contains("nothing was done"), "{told}");
    assert_eq!(place.objects().len(), 0);

    let lines =
        json_lines(&succeeds(&mut place.read("recover", &[&["--json", "--complete"], &gone[..]].concat())));
    assert_eq!(lines[0]["object"]["action"], "recovered");
    assert_eq!(lines[0]["object"]["recovered"]["next_sequence"], 100);
    assert_eq!(lines[1]["totals"]["recovered_entries"], 100);
    assert_eq!(place.cat(), numbered(0..100));
    let verified = succeeds(&mut place.read("verify", &["--deep"]));
    assert!(verified.contains("entries 0 to 99, 100 counted"), "{verified}");
    let listed = json_lines(&succeeds(&mut place.read("ls", &["--json"])));
    assert_eq!((&listed[0]["first"], &listed[0]["last"]), (&0.into(), &99.into()));
    assert!(listed[0]["key"].as_str().unwrap().ends_with("-00c0ffee.000000000100.recovered.journal"));
    let again = succeeds(&mut place.read("recover", &[&["--complete", "--abort"], &gone[..]].concat()));
    assert!(again.contains("no open uploads"), "{again}");
}
