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

#[test]
fn ways_to_the_bucket_that_exclude_each_other_are_refused() {
    let amazon = |options: &mut S3Options| options.endpoint = None;
    for (text, words) in [
        (problem(|options| options.dual_stack = true), "leave it or endpoint out"),
        (problem(|options| options.fips = true), "leave it or endpoint out"),
        (problem(|options| options.accelerate = true), "leave it or endpoint out"),
        (
            problem(|options| {
                amazon(options);
                options.accelerate = true;
                options.path_style = true;
            }),
            "in the host's",
        ),
        (
            problem(|options| {
                amazon(options);
                options.accelerate = true;
                options.bucket = "a.bucket".into();
            }),
            "without dots",
        ),
        (problem(|options| options.profile = Some("mine".into())), "profile"),
        (problem(|options| options.application = Some("my program".into())), "application"),
        (problem(|options| options.assume_role = Some(AssumeRole::new("admin"))), "arn"),
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn the_store_is_told_who_asks() {
    for (application, words) in [(None, "app/s3-journal"), (Some("billing".to_owned()), "app/billing")] {
        let server = Server::new([Answer::new(204, &[], "")]);
        let options = S3Options { application, ..options(&server.endpoint()) };
        run(async { S3Bucket::new(options).unwrap().delete("a/key").await.unwrap() });
        let request = server.request();
        let told = request.header("user-agent").into_iter().chain(request.header("x-amz-user-agent"));
        assert!(told.into_iter().any(|told| told.contains(words)), "{request:?}");
    }
}

#[test]
fn amazons_endpoints_are_chosen_by_what_is_asked_for() {
    for (change, host) in [
        ((|_| {}) as fn(&mut S3Options), "a-bucket.s3.eu-central-1.amazonaws.com"),
        (|options| options.path_style = true, "s3.eu-central-1.amazonaws.com"),
        (|options| options.dual_stack = true, "a-bucket.s3.dualstack.eu-central-1.amazonaws.com"),
        (|options| options.accelerate = true, "a-bucket.s3-accelerate.amazonaws.com"),
        (
            |options| (options.accelerate, options.dual_stack) = (true, true),
            "a-bucket.s3-accelerate.dualstack.amazonaws.com",
        ),
        (
            |options| (options.fips, options.region) = (true, Some("us-east-2".into())),
            "a-bucket.s3-fips.us-east-2.amazonaws.com",
        ),
        (
            |options| options.bucket = "a-bucket--euc1-az1--x-s3".into(),
            "a-bucket--euc1-az1--x-s3.s3express-euc1-az1.eu-central-1.amazonaws.com",
        ),
    ] {
        let mut options = options("");
        options.endpoint = None;
        change(&mut options);
        let bucket = S3Bucket::new(options.clone()).unwrap();
        let url = run(async {
            let client = bucket.connected().await.unwrap().client.clone();
            let limit = aws_sdk_s3::presigning::PresigningConfig::expires_in(Duration::from_mins(1)).unwrap();
            let asked = client.get_object().bucket(&options.bucket).key("k");
            asked.presigned(limit).await.map(|request| request.uri().to_owned())
        });
        match url {
            Ok(url) => assert!(url.starts_with(&format!("https://{host}/")), "{host}: {url}"),
            // A directory bucket asks its zone's endpoint for a session first, which isn't there.
            Err(error) => {
                let text = format!("{error:?}");
                assert!(options.bucket.ends_with("--x-s3"), "{host}: {text}");
            }
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test makes a file of the machine's configuration")]
fn certificates_that_cant_be_used_are_told_by_their_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("certificates.pem");
    let told = || {
        let mut options = options("https://127.0.0.1:1");
        options.ca_bundle = Some(path.clone());
        let error = run(async { S3Bucket::new(options).unwrap().connected().await.map(|_| ()).unwrap_err() });
        assert_eq!(error.kind(), BucketErrorKind::NotSent);
        error.to_string()
    };
    let missing = told();
    assert!(missing.contains("certificates.pem"), "{missing}");
    std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nbm90IGE=\n-----END CERTIFICATE-----\n").unwrap();
    let bad = told();
    assert!(bad.contains("certificates.pem"), "{bad}");
    std::fs::write(&path, "these are words\n").unwrap();
    let empty = told();
    assert!(empty.contains("certificates.pem"), "{empty}");
}
