//! What answers mean.

use std::time::Duration;

use super::canned::error_body;
use super::*;
use BucketErrorKind as Kind;

#[derive(Debug, Clone, Copy)]
enum Asked {
    Put,
    Part,
    Complete,
    Head,
    Get,
    List,
}

fn ask(bucket: &S3Bucket, asked: Asked) -> BucketError {
    run(async {
        match asked {
            Asked::Put => bucket.put(put(&metadata(), true)).await.map(|()| String::new()),
            Asked::Part => bucket.upload_part(part()).await,
            Asked::Complete => bucket.complete_upload(complete(&parts())).await.map(|()| String::new()),
            Asked::Head => bucket.head("a/key").await.map(|head| format!("{head:?}")),
            Asked::Get => bucket.get_range("a/key", 5, 3).await.map(|bytes| format!("{bytes:?}")),
            Asked::List => bucket.list("p/", None).await.map(|page| format!("{page:?}")),
        }
    })
    .expect_err("an error was answered")
}

fn answer(asked: Asked, answer: Answer) -> BucketError {
    let server = Server::new([answer]);
    let error = ask(&bucket(&server), asked);
    server.request();
    error
}

#[test]
fn statuses_and_codes_are_told_apart() {
    use Asked::{Complete, Get, List, Part, Put};
    let table = [
        (Put, 412, "PreconditionFailed", Kind::PreconditionFailed),
        (Put, 409, "ConditionalRequestConflict", Kind::Conflict),
        (Put, 403, "AccessDenied", Kind::Forbidden),
        (Put, 400, "ExpiredToken", Kind::Forbidden),
        (Put, 403, "RequestTimeTooSkewed", Kind::Forbidden),
        (Put, 403, "InvalidAccessKeyId", Kind::Forbidden),
        (Put, 403, "SignatureDoesNotMatch", Kind::Forbidden),
        (Put, 400, "KMS.DisabledException", Kind::Forbidden),
        (Put, 404, "NoSuchBucket", Kind::NoSuchBucket),
        (Put, 400, "BadDigest", Kind::BadDigest),
        (Put, 400, "XAmzContentChecksumMismatch", Kind::BadDigest),
        (Put, 501, "NotImplemented", Kind::Unsupported),
        (Put, 503, "SlowDown", Kind::Throttled),
        (Put, 429, "TooManyRequests", Kind::Throttled),
        (Put, 503, "ServiceUnavailable", Kind::Unavailable),
        (Put, 500, "InternalError", Kind::Unavailable),
        (Put, 400, "RequestTimeout", Kind::Unavailable),
        (Put, 301, "PermanentRedirect", Kind::NotSent),
        (Put, 400, "AuthorizationHeaderMalformed", Kind::NotSent),
        (Put, 400, "MetadataTooLarge", Kind::Other),
        (Part, 404, "NoSuchUpload", Kind::NoSuchUpload),
        // Ceph says so of an upload that is gone.
        (Part, 404, "NoSuchKey", Kind::NoSuchUpload),
        (Complete, 400, "InvalidPart", Kind::InvalidPart),
        (Complete, 400, "InvalidPartOrder", Kind::InvalidPart),
        (Complete, 400, "EntityTooSmall", Kind::Other),
        // Swift says so of a taken key.
        (Complete, 412, "InvalidRequest", Kind::PreconditionFailed),
        (Complete, 404, "NoSuchBucket", Kind::NoSuchBucket),
        (Get, 404, "NoSuchKey", Kind::NotFound),
        (List, 403, "AccessDenied", Kind::Forbidden),
    ];
    for (asked, status, code, wanted) in table {
        let error = answer(asked, Answer::error(status, code));
        assert_eq!(error.kind(), wanted, "{asked:?} answered {status} {code}: {error}");
        assert_eq!(error.code(), code);
        let text = error.to_string();
        assert!(text.contains("Words of the store.") && text.contains("REQ123"), "{text}");
        assert!(text.contains(&status.to_string()), "{text}");
    }
}

#[test]
fn an_answer_that_is_not_s3s_goes_by_its_status() {
    let page = "<html><body>Bad Gateway</body></html>";
    for (status, wanted) in
        [(502, Kind::Unavailable), (503, Kind::Unavailable), (403, Kind::Forbidden), (429, Kind::Throttled)]
    {
        for body in [page, "", "no markup"] {
            let error = answer(Asked::Put, Answer::new(status, &[], body));
            assert_eq!(error.kind(), wanted, "{status} {body:?}: {error}");
        }
    }
}

#[test]
fn head_has_only_a_status() {
    let server = Server::new([Answer::new(404, &[], "")]);
    assert_eq!(run(bucket(&server).head("a/key")).unwrap(), None);
    for (status, wanted) in
        [(403, Kind::Forbidden), (400, Kind::Forbidden), (503, Kind::Unavailable), (501, Kind::Unsupported)]
    {
        assert_eq!(answer(Asked::Head, Answer::new(status, &[], "")).kind(), wanted, "{status}");
    }
    let redirect = Answer::new(301, &[("x-amz-bucket-region", "us-west-2")], "");
    let error = answer(Asked::Head, redirect);
    assert_eq!(error.kind(), Kind::NotSent);
    assert!(error.to_string().contains("us-west-2"), "{error}");
}

#[test]
fn an_error_inside_a_200_is_an_error() {
    for (code, wanted) in [
        ("InternalError", Kind::Unavailable),
        // What had begun isn't undone by being asked to slow down.
        ("SlowDown", Kind::Unavailable),
        ("NoSuchUpload", Kind::NoSuchUpload),
        ("PreconditionFailed", Kind::PreconditionFailed),
    ] {
        for before in ["", "\n \n"] {
            let body = format!(
                "{before}{}",
                error_body(code).trim_start_matches("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
            );
            let error = answer(Asked::Complete, Answer::new(200, &[], &body));
            assert_eq!((error.kind(), error.code()), (wanted, code), "{error}");
        }
        let with_declaration = Answer::new(200, &[], &error_body(code));
        assert_eq!(answer(Asked::Complete, with_declaration).kind(), wanted);
    }
}

#[test]
fn an_answer_that_is_not_whole_is_none() {
    for body in ["", "   ", "<CompleteMultipartUploadResult><Key>a/k", "no markup"] {
        let error = answer(Asked::Complete, Answer::new(200, &[], body));
        assert_eq!(error.kind(), Kind::NoAnswer, "{body:?}: {error}");
    }
    let cut_off = Answer::new(200, &[("content-length", "1000")], "<CompleteMultipartUploadResult>");
    assert_eq!(answer(Asked::Complete, cut_off).kind(), Kind::NoAnswer);
    let cut_off = Answer::new(206, &[("content-length", "3"), ("content-range", "bytes 5-7/9")], "6");
    assert_eq!(answer(Asked::Get, cut_off).kind(), Kind::NoAnswer);
    assert_eq!(answer(Asked::Part, Answer::new(200, &[], "")).kind(), Kind::NoAnswer, "a part without a tag");
}

#[test]
fn no_call_is_tried_twice() {
    for asked in [Asked::Put, Asked::Part, Asked::Complete, Asked::Head, Asked::Get, Asked::List] {
        for broken in [Answer::error(503, "SlowDown"), Answer::error(500, "InternalError"), Answer::Close] {
            // `answer` counts the requests.
            answer(asked, broken);
        }
    }
}

#[test]
fn a_lost_answer_is_told_from_a_request_that_was_never_sent() {
    let closed = answer(Asked::Put, Answer::Close);
    assert_eq!(closed.kind(), Kind::NoAnswer, "{closed}");
    assert!(!closed.has_no_side_effects());

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let refused = ask(&S3Bucket::new(options(&endpoint)).unwrap(), Asked::Put);
    assert_eq!(refused.kind(), Kind::NotSent, "{refused}");
    assert!(refused.has_no_side_effects());

    let unknown = ask(&S3Bucket::new(options("http://no-such-host.invalid")).unwrap(), Asked::Put);
    assert_eq!(unknown.kind(), Kind::NotSent, "{unknown}");
}

#[test]
fn silence_ends_with_the_time_that_the_options_give() {
    for asked in [Asked::Put, Asked::Complete, Asked::Get, Asked::List] {
        let server = Server::new([Answer::Silence]);
        let mut options = options(&server.endpoint());
        options.operation_timeout = Duration::from_millis(150);
        let error = ask(&S3Bucket::new(options).unwrap(), asked);
        assert_eq!((error.kind(), error.code()), (Kind::NoAnswer, "Timeout"), "{error}");
    }
}

#[test]
fn larger_bodies_have_more_time() {
    let bucket = S3Bucket::new(S3Options::new("a-bucket")).unwrap();
    assert_eq!(bucket.limit(0), Duration::from_mins(1));
    assert_eq!(bucket.limit(8 << 20), Duration::from_secs(60 + 128));
}

#[test]
fn past_the_end_there_is_nothing() {
    let server = Server::new([Answer::error(416, "InvalidRange")]);
    assert!(run(bucket(&server).get_range("a/key", 100, 3)).unwrap().is_empty());
}

#[test]
fn a_store_that_ignores_ranges_is_found_out() {
    let whole = || Answer::new(200, &[], "123456789");
    assert_eq!(answer(Asked::Get, whole()).kind(), Kind::Unsupported);
    let server = Server::new([whole()]);
    assert_eq!(
        run(bucket(&server).get_range("a/key", 0, 100)).unwrap(),
        "123456789",
        "all of it was asked for"
    );
}

#[test]
fn no_secret_gets_into_an_error() {
    let body = format!(
        "<Error><Code>SignatureDoesNotMatch</Code><Message>The request signature\u{9b} we calculated\n does not match.</Message>\
         <CanonicalRequest>x-amz-security-token:{SESSION_TOKEN}</CanonicalRequest></Error>"
    );
    let error = answer(Asked::Put, Answer::new(403, &[], &body));
    for text in [error.to_string(), format!("{error:?}"), format!("{error:#?}")] {
        assert!(!text.contains(SESSION_TOKEN) && !text.contains(SECRET_KEY), "{text}");
    }
    assert!(!error.to_string().chars().any(char::is_control), "{error}");
    assert!(error.to_string().contains("check access key and secret key"), "{error}");
}

#[test]
fn missing_credentials_mean_that_nothing_was_sent() {
    use aws_sdk_s3::operation::put_object::PutObjectError;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    type Failure = SdkError<PutObjectError, HttpResponse>;

    let no_keys = ConnectorError::other("the credential provider was not enabled".into(), None);
    let error = convert::error(&Failure::dispatch_failure(no_keys), About::Object);
    assert_eq!(error.kind(), Kind::NotSent, "{error}");
    assert!(error.to_string().contains("credential"), "{error}");
    let broken = ConnectorError::io(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into());
    assert_eq!(convert::error(&Failure::dispatch_failure(broken), About::Object).kind(), Kind::NoAnswer);
    let unbuilt = Failure::construction_failure("missing field");
    assert_eq!(convert::error(&unbuilt, About::Object).kind(), Kind::NotSent);
}

#[test]
fn a_refusal_for_a_wrong_clock_dates_the_requests_that_follow_by_the_stores_clock() {
    let far = ("date", "Thu, 01 Jan 2099 00:00:00 GMT");
    let refusal = Answer::new(403, &[far], &error_body("RequestTimeTooSkewed"));
    let near = || Answer::new(200, &[far], "");
    let server = Server::new([refusal, near(), near()]);
    let bucket = bucket(&server);
    let error = ask(&bucket, Asked::Put);
    assert_eq!(error.kind(), Kind::Forbidden);
    assert!(error.to_string().contains("set this machine's clock"), "{error}");
    for _ in 0..2 {
        run(bucket.put(put(&metadata(), true))).unwrap();
    }
    let dates: Vec<_> =
        server.requests().iter().map(|r| r.header("x-amz-date").unwrap()[..8].to_owned()).collect();
    assert_ne!(dates[0], "20990101", "nothing was known of the store's clock");
    assert_eq!(dates[1..], ["20990101", "20990101"]);
}
