//! Which names are keys, and how they are listed.

use super::*;

#[test]
fn keys_that_lead_elsewhere_are_refused_by_every_call() {
    let directory = tempfile::tempdir().unwrap();
    let bucket = LocalBucket::open(directory.path().join("bucket"));
    write_file(&directory.path().join("outside"), b"x");
    for key in [
        "../outside",
        "a/../../outside",
        "/etc/passwd",
        "..",
        ".",
        "a/./b",
        "a//b",
        "a/",
        "",
        "a\nb",
        "a\0b",
        ".s3-journal/staged/x",
        ".s3-journal",
        "a/.s3-journal-0.json",
        "a/.s3-journal-replacing",
    ] {
        let refused = [
            put(&bucket, key, "body", "x").unwrap_err(),
            run(bucket.create_upload(key, &metadata("x"))).unwrap_err(),
            run(bucket.head(key)).unwrap_err(),
            run(bucket.get_range(key, 0, 1)).unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.kind(), BucketErrorKind::Other, "{key:?}: {error}");
            assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
        }
    }
    let long = "k".repeat(1_025);
    assert_eq!(put(&bucket, &long, "body", "x").unwrap_err().code(), "KeyTooLongError");
    assert!(!directory.path().join("bucket").exists(), "refused before anything was touched");
}

#[test]
fn ids_that_lead_elsewhere_are_no_uploads() {
    let directory = tempfile::tempdir().unwrap();
    let bucket = LocalBucket::open(directory.path());
    let upload_id = run(bucket.create_upload("key", &metadata("x"))).unwrap();
    for id in
        ["", "..", "../staged/000", "+1", "000000000001.json", "99999999999999999999999", "000000000002"]
    {
        let refused = run(bucket.abort_upload("key", id)).unwrap_err();
        assert_eq!(refused.kind(), BucketErrorKind::NoSuchUpload, "{id:?}");
    }
    run(bucket.abort_upload("key", &upload_id)).unwrap();
}

#[test]
fn a_key_below_an_object_and_an_object_above_keys_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let bucket = LocalBucket::open(directory.path());
    put(&bucket, "a", "body", "x").unwrap();
    put(&bucket, "b/c", "body", "x").unwrap();
    for key in ["a/below", "a/far/below", "b"] {
        assert_eq!(run(bucket.head(key)).unwrap(), None);
        let refused = put(&bucket, key, "body", "x").unwrap_err();
        assert_eq!(
            (refused.kind(), refused.code()),
            (BucketErrorKind::Other, "InTheWay"),
            "{key}: {refused}"
        );
    }
    assert_eq!(run(bucket.get_range("b", 0, 1)).unwrap_err().kind(), BucketErrorKind::NotFound);
}

#[test]
fn listings_show_objects_only_page_by_page() {
    let directory = tempfile::tempdir().unwrap();
    let bucket = LocalBucket::open(directory.path());
    put(&bucket, "a", "body", "x").unwrap();
    run(bucket.create_upload("open", &metadata("x"))).unwrap();
    write_file(&directory.path().join("z/.s3-journal-replacing"), b"left over");
    let mut wanted = vec!["a".to_owned()];
    for number in 0..1_030 {
        let key = format!("d{}/{number:04}", number / 500);
        write_file(&directory.path().join(&key), b"");
        wanted.push(key);
    }
    let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = run(bucket.list("", after.as_deref())).unwrap();
        pages += 1;
        seen.extend(page.objects.into_iter().map(|object| object.key));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, 2);
    assert_eq!(seen, wanted);
    let one = run(bucket.list("d1/05", Some("d1/0597"))).unwrap();
    let keys: Vec<_> = one.objects.into_iter().map(|object| object.key).collect();
    assert_eq!(keys, ["d1/0598", "d1/0599"]);
}

#[test]
fn a_bucket_is_named_by_its_url() {
    assert_eq!(LocalBucket::open("/var/lib/x").name(), "file:///var/lib/x");
    assert_eq!(LocalBucket::open("out").name(), "out");
    assert_eq!(LocalBucket::open("").directory(), Path::new("."));
}
