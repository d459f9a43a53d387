//! Directory buckets: sessions, and lists without an order.

use super::*;

const SESSION: &str = "<CreateSessionResult><Credentials><AccessKeyId>AKIDSESSION</AccessKeyId>\
    <SecretAccessKey>secret</SecretAccessKey><SessionToken>token-of-the-session</SessionToken>\
    <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></CreateSessionResult>";

fn page(keys: &[&str], next: Option<&str>) -> Answer {
    let entries: Vec<_> =
        keys.iter().map(|key| format!("<Contents><Key>{key}</Key><Size>9</Size></Contents>")).collect();
    let next = next.map(|next| format!("<NextContinuationToken>{next}</NextContinuationToken>"));
    let body = format!(
        "<ListBucketResult><IsTruncated>{}</IsTruncated>{}{}</ListBucketResult>",
        next.is_some(),
        next.unwrap_or_default(),
        entries.concat()
    );
    Answer::new(200, &[], &body)
}

#[test]
fn a_directory_bucket_is_listed_whole_by_its_tokens_and_put_in_order() {
    let answers = [
        Answer::new(200, &[], SESSION),
        page(&["a/host/3", "a/other/1"], Some("one")),
        page(&["a/host/2", "a/host/1"], None),
        Answer::new(200, &[], "<ListMultipartUploadsResult></ListMultipartUploadsResult>"),
    ];
    let server = Server::new(answers);
    let mut options = options(&server.endpoint());
    options.bucket = "a-bucket--euc1-az1--x-s3".to_owned();
    let bucket = S3Bucket::new(options).unwrap();
    let page = run(bucket.list("a/ho", Some("a/host/1"))).unwrap();
    let keys: Vec<_> = page.objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!((keys, page.next), (vec!["a/host/2", "a/host/3"], None));
    run(bucket.list_uploads("a/ho", None)).unwrap();
    let requests = server.requests();
    assert!(requests[0].line.contains("?session"), "{:?}", requests[0]);
    for request in &requests[1..] {
        assert!(
            request.line.contains("prefix=a%2F&") || request.line.contains("prefix=a%2F "),
            "{request:?}"
        );
        assert!(!request.line.contains("start-after"), "{request:?}");
        assert_eq!(request.header("x-amz-s3session-token"), Some("token-of-the-session"));
    }
    assert!(requests[2].line.contains("continuation-token=one"), "{:?}", requests[2]);
}

#[test]
fn a_directory_that_is_listed_without_an_end_is_malformed() {
    let answers = [Answer::new(200, &[], SESSION), page(&["a/1"], Some("one")), page(&["a/1"], Some("one"))];
    let server = Server::new(answers);
    let mut options = options(&server.endpoint());
    options.bucket = "a-bucket--euc1-az1--x-s3".to_owned();
    let bucket = S3Bucket::new(options).unwrap();
    let error = run(bucket.list("a/", None)).unwrap_err();
    assert_eq!(error.code(), "MalformedAnswer");
}
