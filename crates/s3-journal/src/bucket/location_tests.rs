use super::*;

fn s3(bucket: &str, prefix: &str) -> Location {
    Location::S3 { bucket: bucket.into(), prefix: prefix.into() }
}

fn gcs(bucket: &str, prefix: &str) -> Location {
    Location::Gcs { bucket: bucket.into(), prefix: prefix.into() }
}

fn azure(container: &str, prefix: &str) -> Location {
    Location::Azure { container: container.into(), prefix: prefix.into() }
}

fn local(path: &str) -> Location {
    Location::Local { directory: path.into() }
}

#[test]
fn good_locations_are_read_and_given_back() {
    let table = [
        ("s3://bucket", s3("bucket", ""), "s3://bucket"),
        ("s3://bucket/", s3("bucket", ""), "s3://bucket"),
        ("s3://bucket/a", s3("bucket", "a"), "s3://bucket/a"),
        (
            "s3://my.old_Bucket-1/a/b c/é?#%20/",
            s3("my.old_Bucket-1", "a/b c/é?#%20"),
            "s3://my.old_Bucket-1/a/b c/é?#%20",
        ),
        ("gs://bucket/a/b", gcs("bucket", "a/b"), "gs://bucket/a/b"),
        ("GS://bucket/", gcs("bucket", ""), "gs://bucket"),
        ("az://container/a", azure("container", "a"), "az://container/a"),
        ("az://container", azure("container", ""), "az://container"),
        ("S3://bucket/a", s3("bucket", "a"), "s3://bucket/a"),
        ("file:///var/lib/x", local("/var/lib/x"), "file:///var/lib/x"),
        ("file:///a%20b/100%25", local("/a b/100%"), "file:///a b/100%25"),
        ("/var/lib/100%", local("/var/lib/100%"), "file:///var/lib/100%25"),
        ("out/objects", local("out/objects"), "out/objects"),
        ("../out", local("../out"), "../out"),
        ("./s3:odd", local("./s3:odd"), "./s3:odd"),
        ("./http://x", local("./http://x"), "./http://x"),
        ("c:/x", local("c:/x"), "c:/x"),
    ];
    for (text, location, shown) in table {
        let read = Location::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(read, location, "{text}");
        assert_eq!(read.to_string(), shown, "{text}");
        assert_eq!(shown.parse::<Location>().unwrap(), location, "{shown} reads back as {text}");
    }
}

#[test]
fn bad_locations_are_refused_with_what_to_write_instead() {
    let long = format!("s3://{}", "b".repeat(256));
    let deep = format!("s3://bucket/{}", "k".repeat(1_025));
    let table = [
        ("", "is empty"),
        ("  ", "is empty"),
        ("http://host/bucket", "http:// is not supported: give s3://"),
        ("abfs://container", "abfs:// is not supported"),
        ("gs:bucket", "lacks slashes"),
        ("az:container", "lacks slashes"),
        ("gs://key:secret@bucket", "can't be the name"),
        ("az://container//a", "empty segment"),
        ("s3a://bucket", "s3a:// is not supported"),
        ("s3:key:secret@bucket", "lacks slashes"),
        ("s3:/bucket", "lacks slashes"),
        ("file:/path", "lacks slashes"),
        ("s3://", "can't be the name of a bucket"),
        ("s3:///prefix", "can't be the name of a bucket"),
        ("s3://ab", "3 to 255"),
        (&long, "3 to 255"),
        ("s3://-bucket", "beginning and ending"),
        ("s3://bucket.", "beginning and ending"),
        ("s3://buc..ket", "without \"..\""),
        ("s3://buc ket", "can't be the name"),
        ("s3://key:secret@bucket", "can't be the name"),
        ("s3://bucket//a", "empty segment"),
        ("s3://bucket/a//b", "empty segment"),
        ("s3://bucket/a//", "empty segment"),
        ("s3://bucket/../a", "\".\" or \"..\""),
        ("s3://bucket/a/./b", "\".\" or \"..\""),
        ("s3://bucket/a\nb", "control character"),
        (&deep, "1,024 bytes"),
        ("file://user:secret@host/path", "names a host"),
        ("file://localhost", "names a host"),
        ("file://", "is empty"),
        ("file:///a%2", "without two hex digits"),
        ("file:///a%zz", "without two hex digits"),
        ("file:///a%ff", "isn't UTF-8"),
        ("file:///a%00b", "control character"),
        ("a\0b", "control character"),
    ];
    for (text, words) in table {
        let error = Location::parse(text).expect_err(text).to_string();
        assert!(error.contains(words), "{text:?} gave {error:?}, wanted {words:?}");
        assert!(!error.contains("secret"), "{error}");
        assert!(!error.chars().any(char::is_control), "{error:?} may go to a terminal");
    }
}

#[test]
fn a_prefix_alone_is_checked_by_the_same_rules() {
    for good in ["", "a", "a/b", "date=2026-11-22/web"] {
        assert_eq!(check_prefix(good), Ok(()), "{good}");
    }
    for bad in ["/a", "a/", "a//b", ".", "..", "a/../b", "a\u{7f}"] {
        assert!(matches!(check_prefix(bad), Err(LocationError::BadPrefix { .. })), "{bad:?}");
    }
}
