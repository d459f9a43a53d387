//! What options are accepted, and shown.

use std::time::Duration;

use super::*;

fn problem(change: impl FnOnce(&mut S3Options)) -> String {
    let mut options = options("http://127.0.0.1:1");
    change(&mut options);
    S3Bucket::new(options).expect_err("must be refused").to_string()
}

#[test]
fn secrets_are_never_printed() {
    let bucket = S3Bucket::new(options("http://127.0.0.1:1")).unwrap();
    run(async { bucket.connected().await.map(|_| ()).unwrap() });
    let text = format!("{bucket:?} {:#?}", bucket.options);
    assert!(!text.contains(SECRET_KEY) && !text.contains(SESSION_TOKEN), "{text}");
    assert!(text.contains("a-bucket"));
}

#[test]
fn good_endpoints_are_accepted() {
    for endpoint in [
        "http://127.0.0.1:8333",
        "https://s3.example.com",
        "HTTPS://s3.example.com/",
        "http://[::1]:9000",
        "http://[::1]",
        "https://gateway.example.com/s3",
    ] {
        assert_eq!(options(endpoint).check(), Ok(()), "{endpoint}");
    }
}

#[test]
fn bad_endpoints_are_refused_without_giving_passwords_away() {
    for (endpoint, words) in [
        ("", "doesn't begin with"),
        ("s3.example.com", "doesn't begin with"),
        ("ftp://s3.example.com", "doesn't begin with"),
        ("http://", "no host"),
        ("http:///path", "no host"),
        ("http://host:port", "a port"),
        ("http://host:99999", "a port"),
        ("http://::1", "no host"),
        ("http://host name", "white space"),
        ("http://host\n", "white space"),
        ("http://host?x=1", "a query"),
        ("http://me:hunter2@host", "a password"),
    ] {
        let text = problem(|options| options.endpoint = Some(endpoint.to_owned()));
        assert!(text.contains(words), "{endpoint:?}: {text}");
        assert!(!text.contains("hunter2") && !text.contains('\n'), "{text}");
    }
}

#[test]
fn other_options_are_checked() {
    assert!(problem(|options| options.bucket = "x".into()).contains("can't be the name of a bucket"));
    assert!(problem(|options| options.region = Some("eu central".into())).contains("region"));
    assert!(problem(|options| options.secret_key = None).contains("the secret key is missing"));
    assert!(problem(|options| options.access_key = None).contains("the access key is missing"));
    assert!(
        problem(|options| options.secret_key = Some(String::new())).contains("the secret key is missing")
    );
    assert!(problem(|options| options.operation_timeout = Duration::ZERO).contains("operation_timeout"));
    let without = |options: &mut S3Options| (options.access_key, options.secret_key) = (None, None);
    assert!(problem(without).contains("the access key is missing"), "a session token alone");
}

#[test]
fn a_bucket_goes_into_the_path_where_no_name_can_go_before_the_host() {
    for (endpoint, wanted) in [
        ("http://127.0.0.1:8333", true),
        ("http://[::1]:8333", true),
        ("http://localhost:8333", true),
        ("https://s3.example.com", false),
        ("https://s3.example.com:9000/x", false),
    ] {
        assert_eq!(S3Options::new("b").needs_path_style(Some(endpoint)), wanted, "{endpoint}");
    }
    assert!(!S3Options::new("b").needs_path_style(None));
    let asked = S3Options { path_style: true, ..S3Options::new("b") };
    assert!(asked.needs_path_style(None));
}

#[test]
fn checksums_are_written_as_s3_writes_them() {
    assert_eq!(convert::checksum_text(0xae8b_1486_0a79_9888), "rosUhgp5mIg=");
    assert_eq!(convert::checksum(Some("rosUhgp5mIg=")), Some(0xae8b_1486_0a79_9888));
    for bad in ["", "rosU", "not base64!", "rosUhgp5mIgAAAA="] {
        assert_eq!(convert::checksum(Some(bad)), None, "{bad}");
    }
}
