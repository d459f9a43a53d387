//! Each option of objects takes effect on each request that it concerns, under the name that S3's API reference gives it
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>, `API_CreateMultipartUpload`, `API_UploadPart` and so
//! on), or is refused.

use std::time::{Duration, SystemTime};

use super::*;
use canned::Request;

const CREATED: &str =
    "<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>";
const COMPLETED: &str = "<CompleteMultipartUploadResult><ETag>\"x\"</ETag></CompleteMultipartUploadResult>";
const LISTED: &str = "<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>";

/// The requests of all calls, by name, with these options.
fn requests(objects: ObjectOptions) -> Vec<(&'static str, Request)> {
    // As a store that knows what it is sent.
    let told = match objects.checksum {
        ChecksumSent::Crc32c => ("x-amz-checksum-crc32c", "4waSgw=="),
        _ => ("x-amz-checksum-crc64nvme", "rosUhgp5mIg="),
    };
    let tag: &[(&str, &str)] = &[("etag", "\"x\""), told];
    let answers = [
        Answer::new(200, tag, ""),
        Answer::new(200, &[], CREATED),
        Answer::new(200, tag, ""),
        Answer::new(200, &[], COMPLETED),
        Answer::new(204, &[], ""),
        Answer::new(200, &[], LISTED),
        Answer::new(200, &[], "<ListMultipartUploadsResult></ListMultipartUploadsResult>"),
        Answer::new(200, &[("content-length", "9")], ""),
        Answer::new(206, &[("content-range", "bytes 0-8/9")], "123456789"),
        Answer::new(200, &[], "<ListBucketResult></ListBucketResult>"),
        Answer::new(204, &[], ""),
    ];
    let names =
        ["put", "create", "part", "complete", "abort", "parts", "uploads", "head", "get", "list", "delete"];
    let server = Server::new(answers);
    // As if it were https: a key of SSE-C over http would be refused.
    let options = S3Options { objects, ..options(&server.endpoint()) };
    let connected = Connected { is_encrypted: true, ..run(connect(&options)).unwrap() };
    let bucket = S3Bucket {
        connected: Mutex::new(Some(Arc::new(connected))),
        ..S3Bucket::new(S3Options { objects: ObjectOptions::default(), ..options.clone() }).unwrap()
    };
    let sums = std::sync::Mutex::new(Sums::new(options.objects.checksum));
    let bucket = S3Bucket { options, sums, ..bucket };
    let (metadata, parts) = (metadata(), parts());
    run(async {
        bucket.put(put(&metadata, true)).await.unwrap();
        bucket.create_upload("a/key", &metadata).await.unwrap();
        bucket.upload_part(part()).await.unwrap();
        bucket.complete_upload(complete(&parts)).await.unwrap();
        bucket.abort_upload("a/key", "u/1").await.unwrap();
        bucket.list_parts("a/key", "u/1").await.unwrap();
        bucket.list_uploads("a/", None).await.unwrap();
        let _ = bucket.head("a/key").await;
        bucket.get_range("a/key", 0, 9).await.unwrap();
        bucket.list("a/", None).await.unwrap();
        bucket.delete("a/key").await.unwrap();
    });
    names.into_iter().zip(server.requests()).collect()
}

/// In which calls a header is sent, with which value each time.
fn header<'r>(requests: &'r [(&'static str, Request)], name: &str) -> Vec<(&'static str, &'r str)> {
    requests.iter().filter_map(|(call, request)| Some((*call, request.header(name)?))).collect()
}

const MADE: [&str; 2] = ["put", "create"];
const ALL: [&str; 11] =
    ["put", "create", "part", "complete", "abort", "parts", "uploads", "head", "get", "list", "delete"];

fn each(calls: &[&'static str], value: &'static str) -> Vec<(&'static str, &'static str)> {
    calls.iter().map(|call| (*call, value)).collect()
}

#[test]
fn nothing_is_sent_unasked() {
    let requests = requests(ObjectOptions::default());
    for (call, request) in &requests {
        for unwanted in [
            "storage-class",
            "server-side",
            "x-amz-acl",
            "x-amz-grant",
            "tagging",
            "object-lock",
            "bucket-owner",
            "payer",
            "content-md5",
            "content-encoding",
        ] {
            assert!(!request.has_anywhere(unwanted), "{unwanted} in {call}: {request:?}");
        }
    }
}

#[test]
fn class_access_tags_metadata_type_and_lock_are_sent_where_an_object_is_made() {
    let mut objects = ObjectOptions {
        storage_class: Some("STANDARD_IA".into()),
        encryption: Some(Encryption::S3),
        acl: Some("bucket-owner-full-control".into()),
        content_type: Some("application/x-ndjson".into()),
        content_encoding: Some("gzip".into()),
        lock: Some(ObjectLock::new(
            LockMode::Compliance,
            LockUntil::At(SystemTime::UNIX_EPOCH + Duration::from_hours(1_139_568)),
        )),
        legal_hold: true,
        ..ObjectOptions::default()
    };
    objects.tags.insert("team & co".into(), "a=b/c".into());
    objects.metadata.insert("origin".into(), "here".into());
    let requests = requests(objects);
    for (name, value) in [
        ("x-amz-storage-class", "STANDARD_IA"),
        ("x-amz-server-side-encryption", "AES256"),
        ("x-amz-acl", "bucket-owner-full-control"),
        ("content-type", "application/x-ndjson"),
        ("content-encoding", "gzip"),
        ("x-amz-object-lock-mode", "COMPLIANCE"),
        ("x-amz-object-lock-retain-until-date", "2100-01-01T00:00:00Z"),
        ("x-amz-object-lock-legal-hold", "ON"),
        ("x-amz-tagging", "team%20%26%20co=a%3Db%2Fc"),
        ("x-amz-meta-origin", "here"),
        ("x-amz-meta-id", "host-1"),
    ] {
        let found: Vec<_> =
            header(&requests, name).into_iter().filter(|(call, _)| MADE.contains(call)).collect();
        assert_eq!(found, each(&MADE, value), "{name}");
        if !name.starts_with("content") {
            assert_eq!(header(&requests, name), each(&MADE, value), "{name} elsewhere");
        }
    }
}

#[test]
fn a_lock_for_a_time_counts_from_when_the_upload_begins() {
    let lock = ObjectLock::new(LockMode::Governance, LockUntil::After(Duration::from_hours(24)));
    let requests = requests(ObjectOptions { lock: Some(lock.clone()), ..ObjectOptions::default() });
    assert_eq!(header(&requests, "x-amz-object-lock-mode"), each(&MADE, "GOVERNANCE"));
    assert_eq!(header(&requests, "x-amz-object-lock-retain-until-date").len(), MADE.len());
    let objects = ObjectOptions { lock: Some(lock), ..ObjectOptions::default() };
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
    assert_eq!(objects.lock_until(now), Some(now + Duration::from_hours(24)));
}

#[test]
fn grants_are_sent_where_an_object_is_made() {
    let mut objects = ObjectOptions::default();
    objects.grants.full_control = Some("id=\"1\"".into());
    objects.grants.read = Some("id=\"2\"".into());
    objects.grants.read_acp = Some("id=\"3\"".into());
    objects.grants.write_acp = Some("id=\"4\"".into());
    let requests = requests(objects);
    for (name, value) in [
        ("x-amz-grant-full-control", "id=\"1\""),
        ("x-amz-grant-read", "id=\"2\""),
        ("x-amz-grant-read-acp", "id=\"3\""),
        ("x-amz-grant-write-acp", "id=\"4\""),
    ] {
        assert_eq!(header(&requests, name), each(&MADE, value), "{name}");
    }
}

#[test]
fn a_key_of_kms_goes_with_its_context() {
    for (is_double, name) in [(false, "aws:kms"), (true, "aws:kms:dsse")] {
        let requests = requests(ObjectOptions {
            encryption: Some(Encryption::Kms {
                key: Some("alias/journal".into()),
                context: [("app".to_owned(), "billing".to_owned())].into(),
                bucket_key: Some(true),
                is_double,
            }),
            ..ObjectOptions::default()
        });
        assert_eq!(header(&requests, "x-amz-server-side-encryption"), each(&MADE, name));
        let key = "x-amz-server-side-encryption-aws-kms-key-id";
        assert_eq!(header(&requests, key), each(&MADE, "alias/journal"));
        // Base64 of {"app":"billing"}.
        let context = header(&requests, "x-amz-server-side-encryption-context");
        assert_eq!(context, each(&MADE, "eyJhcHAiOiJiaWxsaW5nIn0="));
        let bucket_key = header(&requests, "x-amz-server-side-encryption-bucket-key-enabled");
        assert_eq!(bucket_key, each(&MADE, "true"));
    }
}

#[test]
fn a_customers_key_goes_with_every_request_about_an_objects_bytes() {
    let key = CustomerKey::new(*b"0123456789abcdef0123456789abcdef");
    let encryption = Some(Encryption::Customer(key));
    let requests = requests(ObjectOptions { encryption: encryption.clone(), ..ObjectOptions::default() });
    let calls = ["put", "create", "part", "complete", "parts", "head", "get"];
    // By Python: base64.b64encode(key), base64.b64encode(hashlib.md5(key).digest()).
    for (name, value) in [
        ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
        ("x-amz-server-side-encryption-customer-key", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
        ("x-amz-server-side-encryption-customer-key-md5", "hRasmdxgYDKV3nvbahU1MA=="),
    ] {
        assert_eq!(header(&requests, name), each(&calls, value), "{name}");
    }
    let shown = format!("{encryption:?}");
    assert!(!shown.contains("0123") && !shown.contains("48, 49") && shown.contains("not shown"), "{shown}");
    let plain = S3Options {
        objects: ObjectOptions { encryption, ..ObjectOptions::default() },
        ..options("http://127.0.0.1:1")
    };
    let refused = S3Bucket::new(plain).unwrap_err().to_string();
    assert!(refused.contains("use https://"), "{refused}");
}

#[test]
fn owner_and_payer_go_with_every_request() {
    let requests = requests(ObjectOptions {
        expected_bucket_owner: Some("123456789012".into()),
        requester_pays: true,
        ..ObjectOptions::default()
    });
    assert_eq!(header(&requests, "x-amz-expected-bucket-owner"), each(&ALL, "123456789012"));
    assert_eq!(header(&requests, "x-amz-request-payer"), each(&ALL, "requester"));
}

#[test]
fn another_checksum_or_none_is_sent_where_that_is_asked_for() {
    let md5: &[&'static str] = &["put", "part"];
    for (checksum, md5) in
        [(ChecksumSent::Crc32c, &md5[1..]), (ChecksumSent::Md5, md5), (ChecksumSent::None, &[])]
    {
        let requests = requests(ObjectOptions { checksum, ..ObjectOptions::default() });
        for (call, request) in &requests {
            assert!(!request.has_anywhere("crc64"), "{call}: {request:?}");
            assert!(!request.has_anywhere("FULL_OBJECT"), "{call}: {request:?}");
        }
        // MD5 of 123456789 by Python's hashlib, in base64.
        assert_eq!(header(&requests, "content-md5"), each(md5, "JfnnlDI7RTiF9RgfG2JNCw=="));
    }
}

#[test]
fn what_no_store_could_take_is_refused_by_name() {
    let refused = |change: fn(&mut ObjectOptions)| {
        let mut options = options("http://127.0.0.1:1");
        change(&mut options.objects);
        S3Bucket::new(options).expect_err("must be refused").to_string()
    };
    for (text, words) in [
        (
            refused(|objects| objects.storage_class = Some("standard ia".into())),
            "storage_class \"standard ia\"",
        ),
        (refused(|objects| objects.acl = Some("Everybody!".into())), "acl \"Everybody!\""),
        (refused(|objects| objects.content_type = Some("a\nb".into())), "content_type"),
        (refused(|objects| objects.content_encoding = Some(String::new())), "content_encoding"),
        (refused(|objects| objects.expected_bucket_owner = Some("1234".into())), "12 digits"),
        (refused(|objects| objects.grants.read = Some("id=\u{7}".into())), "grants"),
        (
            refused(|objects| {
                objects.grants.read = Some("id=\"1\"".into());
                objects.acl = Some("private".into());
            }),
            "not both",
        ),
        (
            refused(|objects| objects.tags = (0..11).map(|n| (n.to_string(), String::new())).collect()),
            "10 at most",
        ),
        (refused(|objects| drop(objects.tags.insert("x".repeat(129), String::new()))), "tags"),
        (
            refused(|objects| drop(objects.metadata.insert("journal-id".into(), "x".into()))),
            "the journal's own",
        ),
        (refused(|objects| drop(objects.metadata.insert("Name".into(), "x".into()))), "metadata"),
        (refused(|objects| drop(objects.metadata.insert("name".into(), "\u{e4}".into()))), "metadata"),
        (refused(|objects| drop(objects.metadata.insert("name".into(), "x".repeat(1_030)))), "1,024 bytes"),
    ] {
        assert!(text.contains(words), "{words}: {text}");
        assert!(!text.contains('\n') && !text.contains('\u{7}'), "{text:?}");
    }
}

#[test]
fn a_refusal_names_what_the_object_was_asked_for_with() {
    let mut objects = ObjectOptions { storage_class: Some("GLACIER".to_owned()), ..ObjectOptions::default() };
    objects.tags.insert("team".to_owned(), "billing".to_owned());
    let refusals = ["InvalidRequest", "NotImplemented", "AccessDenied", "InternalError"]
        .map(|code| Answer::error(400, code));
    let server = Server::new(refusals.into_iter().chain([Answer::error(503, "SlowDown")]));
    let bucket = S3Bucket::new(S3Options { objects, ..options(&server.endpoint()) }).unwrap();
    let metadata = metadata();
    let errors = run(async {
        let mut errors = Vec::new();
        for call in 0..4 {
            errors.push(if call % 2 == 0 {
                bucket.put(put(&metadata, true)).await.unwrap_err().words()
            } else {
                bucket.create_upload("a/key", &metadata).await.unwrap_err().words()
            });
        }
        errors.push(bucket.put(put(&metadata, true)).await.unwrap_err().words());
        errors
    });
    for error in &errors[..4] {
        assert!(error.ends_with("; the object was asked for with storage-class, tag"), "{error}");
    }
    assert!(!errors[4].contains("asked for"), "it has nothing to do with them: {}", errors[4]);
}

#[test]
fn each_option_has_the_name_that_the_program_gives_it() {
    let mut objects = ObjectOptions::default();
    assert!(objects.given().is_empty());
    objects.encryption = Some(Encryption::Kms {
        key: Some("key".to_owned()),
        context: [("a".to_owned(), "b".to_owned())].into(),
        bucket_key: Some(true),
        is_double: false,
    });
    objects.acl = Some("private".to_owned());
    objects.lock = Some(ObjectLock::new(LockMode::Governance, LockUntil::After(Duration::from_hours(1))));
    objects.legal_hold = true;
    objects.requester_pays = true;
    let names = [
        "sse",
        "sse-kms-key-id",
        "sse-kms-context",
        "sse-bucket-key",
        "acl",
        "object-lock",
        "legal-hold",
        "requester-pays",
    ];
    assert_eq!(objects.given(), names);
    objects.encryption = Some(Encryption::Customer(CustomerKey::new([7; 32])));
    assert_eq!(objects.given()[0], "sse-customer-key-file");
}

/// The endpoint may be the environment's or the profile's, which the options' own check doesn't see.
#[test]
fn a_key_for_sse_c_never_leaves_over_http() {
    let server = Server::new([Answer::new(200, &[("etag", "\"x\"")], "")]);
    let encryption = Some(Encryption::Customer(CustomerKey::new([7; 32])));
    let objects = ObjectOptions { encryption, ..ObjectOptions::default() };
    let options = S3Options { objects, ..options(&server.endpoint()) };
    let bucket = S3Bucket { options, ..bucket(&server) };
    let metadata = metadata();
    let error = run(bucket.put(put(&metadata, true))).unwrap_err();
    assert_eq!((error.kind(), error.code()), (BucketErrorKind::NotSent, "KeyNotProtected"));
    assert!(error.words().contains("https://"), "{error}");
    assert!(server.requests().is_empty());
}

/// As SeaweedFS answers.
#[test]
fn a_digest_of_the_key_that_is_answered_twice_does_no_harm() {
    const DIGEST: (&str, &str) =
        ("x-amz-server-side-encryption-customer-key-MD5", "4K0vqOLjYw2JeHOM+RnBRg==");
    let head = Answer::new(200, &[("content-length", "9"), DIGEST, DIGEST], "");
    let get = Answer::new(206, &[("content-range", "bytes 0-8/9"), DIGEST, DIGEST], "123456789");
    let server = Server::new([head, get]);
    let bucket = bucket(&server);
    assert_eq!(run(bucket.head("a/key")).unwrap().unwrap().len_bytes, 9);
    assert_eq!(run(bucket.get_range("a/key", 0, 9)).unwrap().as_ref(), b"123456789");
}
