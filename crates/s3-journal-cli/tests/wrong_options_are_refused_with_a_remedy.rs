//! A wrong command line is status 2, names option, value and remedy, and touches nothing.

mod common;

use common::{Place, fails_with, text};

#[test]
fn every_wrong_option_is_refused_before_anything_is_made() {
    let table: &[(&[&str], &[&str])] = &[
        (&["--frobnicate"], &["--frobnicate"]),
        (&["--s3-bucket", "other"], &["--to", "--s3-bucket"]),
        (&["--max-batch-latency=none"], &["max-batch-latency", "max-batch-size"]),
        (&["--max-batch-size=0"], &["max-batch-size", "0"]),
        (&["--max-batch-bytes=0"], &["max-batch-bytes", "0"]),
        (&["--max-batch-bytes=12XB"], &["--max-batch-bytes", "12XB", "8MiB"]),
        (&["--max-object-age=5"], &["--max-object-age", "5", "5m"]),
        (&["--max-concurrent-uploads=0"], &["max-concurrent-uploads", "0"]),
        (&["--max-requests-per-second=0"], &["--max-requests-per-second", "0", "at least 1"]),
        (&["--max-upload-bytes-per-second=0"], &["--max-upload-bytes-per-second", "0", "at least 1"]),
        (&["--shards=37"], &["shards", "37", "36"]),
        (&["--shards=0"], &["shards", "0"]),
        (&["--compressor=brotli"], &["compressor", "brotli", "zstd"]),
        (&["--compressor=gzip:10"], &["compress", "10", "9"]),
        (&["--compressor=none:1"], &["compress", "1"]),
        (&["--compressor=gzip:best"], &["--compressor", "gzip:best", "zstd:3"]),
        (&["--delimiter="], &["--delimiter"]),
        (&["--delimiter=\\q"], &["--delimiter", "\\q"]),
        (&["--s3-directory-format=yyyy/QQ"], &["s3-directory-format", "QQ"]),
        (&["--s3-directory-format='..'/yyyy"], &["s3-directory-format", ".."]),
        (&["--s3-directory-format=%"], &["s3-directory-format", "%"]),
        (&["--id=.."], &["id", ".."]),
        (&["--id=a/b"], &["id", "a/b"]),
        (&["--id="], &["id"]),
        (&["--id=a\u{1b}[2Jb"], &["id"]),
        (&["--suffix=../x"], &["suffix", "../x"]),
        (&["--suffix="], &["suffix"]),
        (&["--when-full=drop"], &["--when-full", "drop", "refuse"]),
        (&["--max-queue-bytes=1MiB"], &["--max-queue-bytes", "1048576", "raise it"]),
        (&["--free-space-kept=100%"], &["--free-space-kept", "100%", "99%"]),
        (&["--free-space-kept=-1"], &["--free-space-kept", "-1", "5%"]),
        (&["--max-queue-size=0"], &["max-queue-size", "0"]),
        (&["--from-start"], &["--from-start", "FILE"]),
        (&["--quiet", "-v"], &["--quiet", "--verbose"]),
        (&["--s3-access-key=a"], &["--s3-access-key", "secret"]),
        (&["--s3-secret-key-file=/nowhere/at/all"], &["--s3-secret-key-file", "/nowhere/at/all"]),
        (&["/"], &["directory"]),
    ];
    for (options, named) in table {
        let place = Place::new();
        let mut command = place.program(&["write"]);
        command.arg("--to").arg(place.bucket()).arg("--local-directory").arg(place.queue());
        let error = fails_with(command.args(*options), b"a\n", 2);
        for word in *named {
            assert!(error.contains(word), "{options:?} should name {word}: {error}");
        }
        assert!(!error.contains('\u{1b}'), "{options:?}: {error:?}");
        assert!(!place.queue().exists() && !place.bucket().exists(), "{options:?} left something behind");
    }
}

#[test]
fn every_wrong_place_is_refused() {
    for (to, word) in [
        ("", "--to"),
        ("http://example.com/x", "s3://"),
        ("s3:bucket", "s3://"),
        ("s3://", "bucket"),
        ("s3://a", "bucket"),
        ("s3://buck et/x", "bucket"),
        ("s3://bucket/../x", ".."),
        ("s3://bucket/a//b", "a//b"),
        ("s3://bucket/a\u{7}b", "prefix"),
        ("file://host/x", "file:///"),
    ] {
        for command in ["write", "cat", "ls", "verify", "bench"] {
            let place = Place::new();
            let mut program = place.program(&[command, "--to", to, "--region=us-east-1"]);
            if ["write", "bench"].contains(&command) {
                program.arg("--local-directory").arg(place.queue());
            }
            let error = fails_with(&mut program, b"", 2);
            assert!(error.contains(word), "{command} --to {to:?} should say {word}: {error}");
            assert!(!error.contains('\u{7}'), "{error:?}");
            assert!(!place.queue().exists());
        }
    }
}

#[test]
fn without_a_bucket_the_option_is_named() {
    let place = Place::new();
    for command in ["write", "cat", "ls", "verify", "bench"] {
        let error = fails_with(&mut place.program(&[command]), b"", 2);
        assert!(error.contains("--to"), "{error}");
    }
}

#[test]
fn wrong_selections_are_refused() {
    let place = Place::new();
    for options in
        [&["--id=.."][..], &["--incarnation=yesterday"], &["--from=-1"], &["--from=5", "--until=5"]]
    {
        for command in ["cat", "ls", "verify"] {
            let error = fails_with(&mut place.read(command, options), b"", 2);
            let option = options[0].split('=').next().unwrap().trim_start_matches("--");
            assert!(error.contains(option), "{command} {options:?}: {error}");
        }
    }
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_never_repeated() {
    let place = Place::new();
    for options in [&["--s3-secret-key", "hunter2"][..], &["--s3-secret-key=hunter2"]] {
        for command in ["write", "cat", "ls", "verify", "status", "bench"] {
            let output = common::run(place.program(&[command]).args(options), b"");
            assert_eq!(output.status.code(), Some(2));
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            assert!(!said.contains("hunter2"), "{said}");
            assert!(
                said.contains("--s3-secret-key-file") && said.contains("AWS_SECRET_ACCESS_KEY"),
                "{said}"
            );
        }
    }
}

#[test]
fn a_secret_file_with_more_than_a_key_is_refused_without_telling_it() {
    let place = Place::new();
    let file = place.file("secret", "hunter2 and more\n");
    let options = ["--s3-access-key", "a", "--s3-secret-key-file", text(&file)];
    let error = fails_with(&mut place.write(&options), b"", 2);
    assert!(error.contains("--s3-secret-key-file") && !error.contains("hunter2"), "{error}");
}
