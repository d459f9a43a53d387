use super::canned::{Answer, Server};
use super::*;
use object_store::gcp::GoogleCloudStorageBuilder;

const TOKEN: &str = "ya29.a-secret-token";

fn bucket(endpoint: &str) -> CloudBucket {
    let options = CloudOptions { endpoint: Some(endpoint.to_owned()), ..CloudOptions::default() };
    let builder = GoogleCloudStorageBuilder::new().with_bearer_token(TOKEN);
    CloudBucket::gcs_with(builder, "a-bucket", &options).unwrap().with_part_size_min(1)
}

fn written() -> Answer {
    Answer::new(200, &[("etag", "\"tag\""), ("x-goog-generation", "17")], "")
}

fn found() -> Answer {
    let headers = [
        ("etag", "\"tag\""),
        ("content-length", "9"),
        ("last-modified", "Thu, 26 Nov 2026 11:00:00 GMT"),
        ("x-goog-meta-journal-id", "host-1"),
        ("x-goog-meta-journal-first", "12"),
    ];
    Answer::new(200, &headers, "")
}

fn opened() -> Answer {
    let body = "<InitiateMultipartUploadResult><Bucket>a-bucket</Bucket><Key>a/key</Key>\
                <UploadId>u-1</UploadId></InitiateMultipartUploadResult>";
    Answer::new(200, &[], body)
}

fn completed() -> Answer {
    let body = "<CompleteMultipartUploadResult><ETag>\"tag\"</ETag></CompleteMultipartUploadResult>";
    Answer::new(200, &[("x-goog-generation", "18")], body)
}

fn lines(server: &Server) -> Vec<String> {
    server.requests().into_iter().map(|request| request.line).collect()
}

#[test]
fn a_put_is_refused_by_the_store_where_the_key_is_taken() {
    let server = Server::new([written()]);
    run(bucket(&server.endpoint()).put(put(&metadata(), true))).unwrap();
    let request = server.request();
    assert_eq!(request.line, "PUT /a%2Dbucket/a%2Fkey HTTP/1.1");
    assert_eq!(request.header("x-goog-if-generation-match"), Some("0"));
    assert_eq!(request.header("x-goog-meta-journal-id"), Some("host-1"));
    assert_eq!(request.header("x-goog-meta-journal-first"), Some("12"));
    assert_eq!(request.header("authorization"), Some(&*format!("Bearer {TOKEN}")));
    assert_eq!(request.body.as_bytes(), BODY);

    let server = Server::new([written()]);
    run(bucket(&server.endpoint()).put(put(&metadata(), false))).unwrap();
    assert_eq!(server.request().header("x-goog-if-generation-match"), None);
}

#[test]
fn an_upload_in_parts_is_completed_after_a_look_at_the_key() {
    let server = Server::new([opened(), written(), Answer::new(404, &[], ""), completed()]);
    let bucket = bucket(&server.endpoint());
    run(async {
        let (upload_id, parts) = uploaded(&bucket).await;
        bucket.complete_upload(complete(&upload_id, &parts)).await.unwrap();
    });
    assert_eq!(
        lines(&server),
        [
            "POST /a%2Dbucket/a%2Fkey?uploads= HTTP/1.1",
            "PUT /a%2Dbucket/a%2Fkey?partNumber=1&uploadId=u-1 HTTP/1.1",
            "HEAD /a%2Dbucket/a%2Fkey HTTP/1.1",
            "POST /a%2Dbucket/a%2Fkey?uploadId=u-1 HTTP/1.1",
        ]
    );
    let requests = server.requests();
    assert_eq!(
        requests[0].header("x-goog-meta-journal-id"),
        Some("host-1"),
        "an object in parts has them too"
    );
    assert!(requests[3].body.contains("<PartNumber>1</PartNumber>"), "{}", requests[3].body);
}

#[test]
fn an_upload_to_a_taken_key_is_not_completed() {
    let server = Server::new([opened(), written(), found()]);
    let bucket = bucket(&server.endpoint());
    run(async {
        let (upload_id, parts) = uploaded(&bucket).await;
        let refused = bucket.complete_upload(complete(&upload_id, &parts)).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::PreconditionFailed);
    });
    assert_eq!(server.requests().len(), 3, "no completion was sent");
}

#[test]
fn without_an_answer_to_the_look_nothing_is_completed() {
    let head = [
        (Answer::error(403, "AccessDenied"), Kind::Forbidden),
        (Answer::error(500, "InternalError"), Kind::NotSent),
        (Answer::Close, Kind::NotSent),
    ];
    for (answer, kind) in head {
        let server = Server::new([opened(), written(), answer]);
        let bucket = bucket(&server.endpoint());
        run(async {
            let (upload_id, parts) = uploaded(&bucket).await;
            let refused = bucket.complete_upload(complete(&upload_id, &parts)).await.unwrap_err();
            assert_eq!(refused.kind(), kind, "{refused}");
            assert!(refused.has_no_side_effects());
        });
        assert_eq!(server.requests().len(), 3, "no completion was sent");
    }
}

#[test]
fn a_completion_whose_answer_is_lost_is_in_doubt_and_one_of_an_upload_that_is_gone_says_so() {
    for (answer, kind) in [
        (Answer::Close, Kind::NoAnswer),
        (Answer::error(500, "InternalError"), Kind::Unavailable),
        (Answer::error(404, "NoSuchUpload"), Kind::NoSuchUpload),
        (Answer::error(400, "InvalidPart"), Kind::InvalidPart),
        (Answer::new(200, &[("x-goog-generation", "1")], "no XML"), Kind::NoAnswer),
    ] {
        let server = Server::new([opened(), written(), Answer::new(404, &[], ""), answer]);
        let bucket = bucket(&server.endpoint());
        run(async {
            let (upload_id, parts) = uploaded(&bucket).await;
            let error = bucket.complete_upload(complete(&upload_id, &parts)).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
        });
    }
}

#[test]
fn what_a_head_says_is_what_was_written() {
    let server = Server::new([found(), Answer::new(404, &[], "")]);
    let bucket = bucket(&server.endpoint());
    let head = run(bucket.head("a/key")).unwrap().unwrap();
    assert_eq!((head.len_bytes, head.metadata, head.crc64nvme), (9, metadata(), None));
    assert_eq!(run(bucket.head("a/key")).unwrap(), None);
}

#[test]
fn each_refusal_is_one_attempt_and_keeps_its_meaning() {
    for (answer, kind) in [
        (Answer::error(412, "PreconditionFailed"), Kind::PreconditionFailed),
        (Answer::error(403, "AccessDenied"), Kind::Forbidden),
        (Answer::error(401, "AuthenticationRequired"), Kind::Forbidden),
        (Answer::error(404, "NoSuchBucket"), Kind::NoSuchBucket),
        (Answer::error(429, "SlowDown"), Kind::Throttled),
        (Answer::error(503, "ServiceUnavailable"), Kind::Unavailable),
        (Answer::Close, Kind::NoAnswer),
    ] {
        let server = Server::new([answer]);
        let error = run(bucket(&server.endpoint()).put(put(&metadata(), true))).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!error.to_string().contains(TOKEN) && !format!("{error:?}").contains(TOKEN), "{error:?}");
        assert_eq!(server.requests().len(), 1, "it isn't tried again here");
    }
}

#[test]
fn a_store_that_is_not_there_was_sent_nothing() {
    let server = Server::new([]);
    let endpoint = server.endpoint();
    drop(server);
    let error = run(bucket(&endpoint).put(put(&metadata(), true))).unwrap_err();
    assert_eq!(error.kind(), Kind::NotSent, "{error}");
}

#[test]
fn a_store_that_says_nothing_is_not_waited_for_for_ever() {
    let server = Server::new([Answer::Silence]);
    let options = CloudOptions {
        endpoint: Some(server.endpoint()),
        operation_timeout: std::time::Duration::from_millis(50),
        ..CloudOptions::default()
    };
    let builder = GoogleCloudStorageBuilder::new().with_bearer_token(TOKEN);
    let bucket = CloudBucket::gcs_with(builder, "a-bucket", &options).unwrap();
    assert_eq!(run(bucket.put(put(&metadata(), true))).unwrap_err().kind(), Kind::NoAnswer);
}

#[test]
fn a_bucket_shows_no_secret_and_a_bad_way_is_refused() {
    assert!(!format!("{:?}", bucket("http://127.0.0.1:1")).contains(TOKEN));
    let refused = |options: &CloudOptions| CloudBucket::gcs("a-bucket", options).unwrap_err();
    for endpoint in ["storage.example", "ftp://x", "http://user:secret@host"] {
        let options = CloudOptions { endpoint: Some(endpoint.to_owned()), ..CloudOptions::default() };
        let error = refused(&options);
        assert_eq!(error.what, "endpoint");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let options = CloudOptions { account: Some("x".to_owned()), ..CloudOptions::default() };
    assert_eq!(refused(&options).what, "account");
}
