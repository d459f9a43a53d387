//! Which checksum goes with which request, as stores answer.

use super::*;
use canned::{Request, error_body};

const CREATED: &str =
    "<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>";
const COMPLETED: &str = "<CompleteMultipartUploadResult><ETag>\"x\"</ETag></CompleteMultipartUploadResult>";

/// The check values of `123456789`, in base64: CRC-64/NVME and CRC-32C (CRC-32/ISCSI) of
/// <https://reveng.sourceforge.io/crc-catalogue/all.htm>, MD5 by Python's hashlib.
const CRC64: (&str, &str) = ("x-amz-checksum-crc64nvme", "rosUhgp5mIg=");
const CRC32: (&str, &str) = ("x-amz-checksum-crc32c", "4waSgw==");
const MD5: (&str, &str) = ("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==");

fn bucket_with(server: &Server, checksum: ChecksumSent) -> S3Bucket {
    let objects = ObjectOptions { checksum, ..ObjectOptions::default() };
    S3Bucket::new(S3Options { objects, ..options(&server.endpoint()) }).unwrap()
}

/// Puts as often, and returns the requests.
fn put_times(
    times: usize,
    checksum: ChecksumSent,
    answers: impl IntoIterator<Item = Answer>,
) -> Vec<Request> {
    let server = Server::new(answers);
    let bucket = bucket_with(&server, checksum);
    run(async {
        for _ in 0..times {
            bucket.put(put(&metadata(), true)).await.unwrap();
        }
    });
    server.requests()
}

/// Which of the three a request carries; their values are right, and what names the kind besides.
fn sums_of(request: &Request) -> Vec<&'static str> {
    let sums = [CRC64, CRC32, MD5].into_iter().filter_map(|(name, value)| {
        let sent = request.header(name)?;
        assert_eq!(sent, value, "{name}");
        Some(name)
    });
    sums.collect()
}

fn silent() -> Answer {
    Answer::new(200, &[("etag", "\"x\"")], "")
}

fn telling(sum: (&str, &str)) -> Answer {
    Answer::new(200, &[("etag", "\"x\""), sum], "")
}

fn refusing(status: u16, code: &str, words: &str) -> Answer {
    Answer::new(status, &[], &error_body(code).replace("Words of the store.", words))
}

#[test]
fn the_strongest_checksum_that_a_store_tells_back_goes_along() {
    let requests = put_times(3, ChecksumSent::Auto, [telling(CRC64), telling(CRC64), telling(CRC64)]);
    assert!(requests.iter().all(|request| sums_of(request) == [CRC64.0]), "{requests:?}");
    let requests = put_times(3, ChecksumSent::Auto, [silent(), telling(CRC32), telling(CRC32)]);
    let sent: Vec<_> = requests.iter().map(sums_of).collect();
    assert_eq!(sent, [[CRC64.0], [CRC32.0], [CRC32.0]]);
    assert_eq!(requests[1].header("x-amz-sdk-checksum-algorithm"), Some("CRC32C"));
    let requests = put_times(4, ChecksumSent::Auto, [silent(), silent(), silent(), silent()]);
    let sent: Vec<_> = requests.iter().map(sums_of).collect();
    assert_eq!(sent, [[CRC64.0], [CRC32.0], [MD5.0], [MD5.0]]);
    assert!(!requests[3].has_anywhere("checksum"), "{requests:?}");
}

#[test]
fn a_store_that_refuses_a_checksums_header_is_asked_again_at_once_with_a_weaker_one() {
    let r2 = "Header &apos;x-amz-checksum-algorithm&apos; with value &apos;CRC64NVME&apos; not implemented";
    let b2 = "Unsupported header &apos;x-amz-sdk-checksum-algorithm&apos; received for this API call.";
    let answers =
        [refusing(501, "NotImplemented", r2), refusing(400, "InvalidArgument", b2), silent(), silent()];
    let requests = put_times(2, ChecksumSent::Auto, answers);
    let sent: Vec<_> = requests.iter().map(sums_of).collect();
    assert_eq!(sent, [[CRC64.0], [CRC32.0], [MD5.0], [MD5.0]], "once known, it isn't tried again");
    let is_safe = |request: &Request| request.header("if-none-match") == Some("*");
    assert!(
        requests.iter().all(is_safe),
        "a 501 for the checksum doesn't cost create-only writes: {requests:?}"
    );
}

#[test]
fn uploads_in_parts_get_over_a_refused_checksum_too() {
    let words = "x-amz-checksum-crc64nvme is not supported";
    let refused = || refusing(400, "InvalidArgument", words);
    let created = || Answer::new(200, &[], CREATED);
    let completed = || Answer::new(200, &[], COMPLETED);
    for (answers, names) in [
        // Refused at the start, or not before the first part.
        (vec![refused(), created(), silent(), completed()], ["create", "create", "part", "complete"]),
        (vec![created(), refused(), silent(), completed()], ["create", "part", "part", "complete"]),
    ] {
        let server = Server::new(answers);
        let bucket = bucket_with(&server, ChecksumSent::Auto);
        run(async {
            bucket.create_upload("a/key", &metadata()).await.unwrap();
            bucket.upload_part(part()).await.unwrap();
            bucket.complete_upload(complete(&parts())).await.unwrap();
        });
        let requests = server.requests();
        assert_eq!(requests.len(), names.len());
        assert_eq!(sums_of(&requests[2]), [MD5.0], "{names:?}");
        assert!(!requests[3].has_anywhere("crc64") && !requests[3].has_anywhere("FULL_OBJECT"));
        assert!(!requests[3].body.contains("CRC64"));
    }
}

/// Amazon would refuse another kind in the middle of an upload; what took the header out of its answers may be a proxy.
#[test]
fn an_upload_goes_on_with_the_checksum_that_it_was_begun_with() {
    let answers =
        [Answer::new(200, &[], CREATED), silent(), silent(), Answer::new(200, &[], COMPLETED), silent()];
    let server = Server::new(answers);
    let bucket = bucket_with(&server, ChecksumSent::Auto);
    run(async {
        bucket.create_upload("a/key", &metadata()).await.unwrap();
        bucket.upload_part(part()).await.unwrap();
        bucket.upload_part(part()).await.unwrap();
        bucket.complete_upload(complete(&parts())).await.unwrap();
        bucket.put(put(&metadata(), true)).await.unwrap();
    });
    let requests = server.requests();
    assert_eq!(sums_of(&requests[1]), [CRC64.0]);
    assert_eq!(sums_of(&requests[2]), [CRC64.0]);
    assert_eq!(requests[3].header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    assert_eq!(sums_of(&requests[4]), [CRC32.0]);
}

#[test]
fn what_was_chosen_is_sent_whatever_the_store_answers() {
    for (checksum, sums) in [
        (ChecksumSent::Crc64Nvme, vec![CRC64.0]),
        (ChecksumSent::Crc32c, vec![CRC32.0]),
        (ChecksumSent::Md5, vec![MD5.0]),
        (ChecksumSent::None, vec![]),
    ] {
        let requests = put_times(2, checksum, [silent(), silent()]);
        assert!(requests.iter().all(|request| sums_of(request) == sums), "{checksum:?}: {requests:?}");
        let server = Server::new([refusing(400, "InvalidArgument", "x-amz-checksum and content-md5")]);
        let bucket = bucket_with(&server, checksum);
        let error = run(bucket.put(put(&metadata(), true))).unwrap_err();
        assert_eq!(error.code(), "InvalidArgument");
        assert_eq!(server.requests().len(), 1);
    }
}
