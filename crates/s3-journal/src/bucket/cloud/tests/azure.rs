use super::canned::{Answer, Request, Server};
use super::*;
use object_store::azure::MicrosoftAzureBuilder;

/// Base64 of "a secret key of an account".
const KEY: &str = "YSBzZWNyZXQga2V5IG9mIGFuIGFjY291bnQ=";

fn builder() -> MicrosoftAzureBuilder {
    MicrosoftAzureBuilder::new().with_account("anaccount")
}

fn bucket_with(builder: MicrosoftAzureBuilder, endpoint: &str) -> CloudBucket {
    let options = CloudOptions { endpoint: Some(endpoint.to_owned()), ..CloudOptions::default() };
    CloudBucket::azure_with(builder, "a-container", &options).unwrap()
}

fn bucket(endpoint: &str) -> CloudBucket {
    bucket_with(builder().with_access_key(KEY), endpoint)
}

fn written() -> Answer {
    Answer::new(201, &[("etag", "\"tag\"")], "")
}

fn found() -> Answer {
    let headers = [
        ("etag", "\"tag\""),
        ("content-length", "9"),
        ("last-modified", "Thu, 26 Nov 2026 11:00:00 GMT"),
        ("x-ms-meta-journal_id", "host-1"),
        ("x-ms-meta-journal_first", "12"),
    ];
    Answer::new(200, &headers, "")
}

fn refusal(status: u16, code: &str) -> Answer {
    Answer::new(status, &[("x-ms-error-code", code)], "")
}

fn is_signed_once(request: &Request) -> bool {
    request.header("authorization").is_some_and(|value| value.starts_with("SharedKey anaccount:"))
        && request.count("authorization") == 1
        && request.count("date") == 1
}

#[test]
fn a_put_is_refused_by_the_store_where_the_key_is_taken() {
    let server = Server::new([written()]);
    run(bucket(&server.endpoint()).put(put(&metadata(), true))).unwrap();
    let request = server.request();
    assert_eq!(request.line, "PUT /a-container/a/key HTTP/1.1");
    assert_eq!(request.header("if-none-match"), Some("*"));
    assert_eq!(request.header("x-ms-blob-type"), Some("BlockBlob"));
    assert_eq!(request.header("x-ms-meta-journal_id"), Some("host-1"));
    assert!(is_signed_once(&request), "{request:?}");
    assert_eq!(request.body.as_bytes(), BODY);

    let server = Server::new([written()]);
    run(bucket(&server.endpoint()).put(put(&metadata(), false))).unwrap();
    assert_eq!(server.request().header("if-none-match"), None);
}

#[test]
fn blocks_are_committed_after_a_look_on_the_condition_that_the_key_is_free_and_with_the_metadata() {
    let server = Server::new([written(), refusal(404, "BlobNotFound"), written()]);
    let bucket = bucket(&server.endpoint());
    run(async {
        let (upload_id, parts) = uploaded(&bucket).await;
        bucket.complete_upload(complete(&upload_id, &parts)).await.unwrap();
    });
    let [block, look, commit] = <[Request; 3]>::try_from(server.requests()).unwrap();
    assert!(block.line.starts_with("PUT /a-container/a/key?comp=block&blockid="), "{}", block.line);
    assert_eq!((block.header("if-none-match"), block.header("x-ms-meta-journal_id")), (None, None));
    assert_eq!(look.line, "HEAD /a-container/a/key HTTP/1.1");
    assert_eq!(commit.line, "PUT /a-container/a/key?comp=blocklist HTTP/1.1");
    assert_eq!(commit.header("if-none-match"), Some("*"));
    assert_eq!(commit.header("x-ms-meta-journal_id"), Some("host-1"));
    assert_eq!(commit.header("x-ms-meta-journal_first"), Some("12"));
    assert!(is_signed_once(&block) && is_signed_once(&commit), "{block:?} {commit:?}");
    assert_ne!(block.header("authorization"), commit.header("authorization"));
}

#[test]
fn a_token_needs_no_second_signature() {
    let server = Server::new([written(), refusal(404, "BlobNotFound"), written()]);
    let token = vec![("sv".to_owned(), "2026".to_owned()), ("sig".to_owned(), "asecretsignature".to_owned())];
    let bucket = bucket_with(builder().with_sas_authorization(token), &server.endpoint());
    run(async {
        let (upload_id, parts) = uploaded(&bucket).await;
        bucket.complete_upload(complete(&upload_id, &parts)).await.unwrap();
    });
    let commit = server.requests().pop().unwrap();
    assert_eq!(commit.line.matches("sig=asecretsignature").count(), 1, "{}", commit.line);
    assert_eq!(commit.header("if-none-match"), Some("*"));
    assert_eq!(commit.header("authorization"), None);
}

#[test]
fn a_taken_key_is_told_from_other_conflicts() {
    for (answer, kind) in [
        (refusal(409, "BlobAlreadyExists"), Kind::PreconditionFailed),
        (refusal(412, "ConditionNotMet"), Kind::PreconditionFailed),
        (refusal(403, "UnauthorizedBlobOverwrite"), Kind::PreconditionFailed),
        (refusal(409, "LeaseIdMissing"), Kind::Conflict),
        (refusal(403, "AuthenticationFailed"), Kind::Forbidden),
        (refusal(404, "ContainerNotFound"), Kind::NoSuchBucket),
        (refusal(503, "ServerBusy"), Kind::Throttled),
        (refusal(500, "OperationTimedOut"), Kind::Unavailable),
        (Answer::Close, Kind::NoAnswer),
    ] {
        let server = Server::new([answer]);
        let error = run(bucket(&server.endpoint()).put(put(&metadata(), true))).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(server.requests().len(), 1, "it isn't tried again here");
    }
    let server = Server::new([written(), refusal(404, "BlobNotFound"), refusal(409, "BlobAlreadyExists")]);
    let bucket = bucket(&server.endpoint());
    run(async {
        let (upload_id, parts) = uploaded(&bucket).await;
        let refused = bucket.complete_upload(complete(&upload_id, &parts)).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::PreconditionFailed, "taken between look and commit: {refused}");
    });
}

#[test]
fn a_container_that_is_not_there_is_no_free_key() {
    let server = Server::new([refusal(404, "ContainerNotFound"), refusal(404, "BlobNotFound"), found()]);
    let bucket = bucket(&server.endpoint());
    assert_eq!(run(bucket.head("a/key")).unwrap_err().kind(), Kind::NoSuchBucket);
    assert_eq!(run(bucket.head("a/key")).unwrap(), None);
    let head = run(bucket.head("a/key")).unwrap().unwrap();
    assert_eq!((head.len_bytes, head.metadata), (9, metadata()));
}

#[test]
fn secrets_stay_out_of_words() {
    let token = vec![("sv".to_owned(), "2026".to_owned()), ("sig".to_owned(), "asecretsignature".to_owned())];
    let bucket = bucket_with(builder().with_sas_authorization(token), "http://127.0.0.1:1");
    let error = run(bucket.put(put(&metadata(), true))).unwrap_err();
    assert_eq!(error.kind(), Kind::NotSent);
    for words in [error.to_string(), format!("{error:?}"), format!("{bucket:?}")] {
        assert!(!words.contains("asecretsignature"), "{words}");
    }
    let with_key = bucket_with(builder().with_access_key(KEY), "http://127.0.0.1:1");
    assert!(!format!("{with_key:?}").contains("97, 32, 115"), "{with_key:?}");
    let options = CloudOptions::default();
    let refused = CloudBucket::azure_with(MicrosoftAzureBuilder::new(), "a-container", &options).unwrap_err();
    assert_eq!(refused.what, "account");
    assert!(refused.to_string().contains("AZURE_STORAGE_ACCOUNT_NAME"), "{refused}");
}
