//! Each option that can't be used is refused at open: the error names option, value and remedy, and nothing is made.
#![cfg(feature = "fake")]

mod support;

use std::time::Duration;

use s3_journal::bucket::MemoryBucket;
use s3_journal::{
    BATCH_BYTES_MAX, Compressor, CustomCompressor, DELIMITER_BYTES_MAX, FreeSpace, Journal, OpenError,
    Options,
};
use support::Place;

/// What is wrong, and what the error must say: the option's name, its value, and a word of the remedy.
type Row = (Options, &'static str, &'static str, &'static str);

fn custom(name: &str, suffix: Option<&str>) -> Compressor {
    Compressor::Custom(CustomCompressor::new(name, suffix, |raw, out| {
        out.extend_from_slice(raw);
        Ok(())
    }))
}

fn rows(place: &Place) -> Vec<Row> {
    let good = || place.options();
    let directory = place.other_directory().display().to_string();
    let to = |place: &Place, to: &str| {
        Options::new().to(to).local_directory(place.local_directory()).max_batch_size(1)
    };
    let here = place.local_directory().display().to_string();
    vec![
        // Where to.
        (Options::new().local_directory(place.local_directory()).max_batch_size(1), "to", "empty", "s3://"),
        (good().to(directory.clone()), "to", "given twice", "only one"),
        (good().s3_bucket("b"), "to", "given twice", "only one"),
        (to(place, "ftp://x/y"), "to", "ftp://x/y", "s3://"),
        (to(place, ""), "to", "empty", ""),
        (to(place, &here), "local_directory", "queue", "another"),
        (to(place, &directory).endpoint("http://x"), "endpoint", "given", "leave it out"),
        (to(place, &directory).region("x"), "region", "given", "leave it out"),
        (to(place, &directory).s3_access_key("x"), "s3_access_key", "given", "leave it out"),
        (to(place, &directory).s3_secret_key("x"), "s3_secret_key", "given", "leave it out"),
        (to(place, &directory).azure_account("x"), "azure_account", "x", "leave it out"),
        (to(place, "gs://bucket/a").region("x"), "region", "given", "leave it out"),
        (to(place, "gs://bucket/a").azure_account("x"), "azure_account", "x", "az://"),
        (to(place, "az://container").path_style(true), "path_style", "given", "leave it out"),
        (to(place, "az://container").s3_session_token("x"), "s3_session_token", "given", "leave it out"),
        #[cfg(not(feature = "gcs"))]
        (to(place, "gs://bucket/a"), "to", "gs://bucket", "build it with the feature gcs"),
        #[cfg(feature = "gcs")]
        (to(place, "gs://bucket/a").endpoint("bucket.example"), "endpoint", "no URL", "https://"),
        #[cfg(not(feature = "azure"))]
        (to(place, "az://container"), "to", "az://container", "build it with the feature azure"),
        #[cfg(feature = "azure")]
        (
            to(place, "az://container").azure_account("a").endpoint("http://k:s@host"),
            "endpoint",
            "no URL",
            "without a name and a password",
        ),
        (good_at(place, "a//b"), "prefix", "a//b", ""),
        (good_at(place, "/a"), "prefix", "/a", ""),
        (good_at(place, "a/../b"), "prefix", "a/../b", ""),
        (good_at(place, "a\u{1}b"), "prefix", "a\\u{1}b", ""),
        (good_at(place, &"x".repeat(1_000)), "prefix", "xxx", "shorten"),
        // The queue.
        (
            Options::new().bucket(place.bucket(), "").max_batch_size(1),
            "local_directory",
            "empty",
            "directory",
        ),
        (good().local_directory(""), "local_directory", "empty", "directory"),
        (good().max_queue_size(0), "max_queue_size", "0", "at least 1"),
        (good().max_queue_bytes(1 << 20), "max_queue_bytes", "1048576", "8388608"),
        (good().free_space_kept(FreeSpace::Percent(100)), "free_space_kept", "100%", "less than 100%"),
        (good().max_entry_bytes(16 << 20), "max_queue_bytes", "8388608", "max_entry_bytes"),
        // Batches.
        (
            Options::new().bucket(place.bucket(), "").local_directory(place.local_directory()),
            "max_batch_latency",
            "empty",
            "max_batch_size",
        ),
        (good().max_batch_size(0), "max_batch_size", "0", "at least 1"),
        (good().max_batch_bytes(0), "max_batch_bytes", "0", "1 to"),
        (good().max_batch_bytes(BATCH_BYTES_MAX + 1), "max_batch_bytes", "268435457", "1 to"),
        (good().max_entry_bytes(0), "max_entry_bytes", "0", "1 to"),
        (good().max_entry_bytes(BATCH_BYTES_MAX + 1), "max_entry_bytes", "268435457", "1 to"),
        (good().delimiter(vec![b'x'; DELIMITER_BYTES_MAX + 1]), "delimiter", "65 bytes long", "64"),
        // Names.
        (good().id(""), "id", "empty", ""),
        (good().id("a b"), "id", "a b", "leave that out"),
        (good().id("a/b"), "id", "a/b", "leave that out"),
        (good().id(".."), "id", "..", "begins"),
        (good().id("\u{1b}[31m"), "id", "\\u{1b}[31m", "leave that out"),
        (good().id("x".repeat(129)), "id", "xxx", "128"),
        (good().shards(0), "shards", "0", "1 to 36"),
        (good().shards(37), "shards", "37", "1 to 36"),
        (good().s3_directory_format("yyyy/'open"), "s3_directory_format", "open", "quote"),
        (good().s3_directory_format("../yyyy"), "s3_directory_format", "../yyyy", ""),
        (good().s3_directory_format(""), "s3_directory_format", "empty", ""),
        (good().s3_directory_format("%!"), "s3_directory_format", "%!", ""),
        (good().suffix(""), "suffix", "empty", "1 to 32"),
        (good().suffix("a/b"), "suffix", "a/b", "1 to 32"),
        (good().suffix(".gz"), "suffix", ".gz", "1 to 32"),
        // Compressors.
        (good().compressor(Compressor::Gzip).compression_level(77), "compression_level", "77", ""),
        (good().compressor(Compressor::Snappy).compression_level(1), "compression_level", "1", ""),
        (good().compression_level(1), "compression_level", "1", ""),
        (good().compressor(custom("gzip", None)), "compressor", "gzip", "no built-in"),
        (good().compressor(custom("", None)), "compressor", "empty", "1 to"),
        (good().compressor(custom("a b", None)), "compressor", "a b", "A-Z"),
        (good().compressor(custom("a", Some("a/b"))), "suffix", "a/b", "1 to 32"),
        (
            good().compressor(custom("a", None)).compression_level(1),
            "compression_level",
            "given",
            "leave it out",
        ),
        // Objects.
        (good().part_size(0), "part_size", "0", "parts of 1"),
        (good().part_size(60), "part_size", "60", "max_batch_bytes"),
        (good().part_size(6 << 30), "part_size", "6442450944", "to 5368709120"),
        (
            good().bucket(std::sync::Arc::new(MemoryBucket::new()), "").part_size(1 << 20),
            "part_size",
            "1048576",
            "5242880",
        ),
        (good().max_object_size(0), "max_object_size", "0", "at least 1"),
        (good().max_object_size(100 << 20), "max_object_size", "104857600", "raise part_size"),
        (good().max_object_age(Duration::ZERO), "max_object_age", "0ns", "at least"),
        (good().expiration(Duration::from_secs(59)), "expiration", "59s", "at least a minute"),
        (good().max_concurrent_uploads(0), "max_concurrent_uploads", "0", "1 to 256"),
        (good().max_concurrent_uploads(257), "max_concurrent_uploads", "257", "1 to 256"),
        (good().max_requests_per_second(0), "max_requests_per_second", "0", "at least 1"),
        (good().max_upload_bytes_per_second(0), "max_upload_bytes_per_second", "0", "at least 1"),
    ]
}

fn good_at(place: &Place, prefix: &str) -> Options {
    place.options().bucket(place.bucket(), prefix)
}

#[test]
fn the_error_names_option_value_and_remedy_and_nothing_is_made() {
    let place = Place::new();
    for (options, name, shown, word) in rows(&place) {
        match Journal::open(options.clone()).map(drop) {
            Err(error @ OpenError::Option { .. }) => {
                let text = error.to_string();
                let OpenError::Option { option, value, remedy } = error else { unreachable!() };
                assert_eq!(option, name, "{text}");
                assert!(value.contains(shown), "{text} should show {shown}");
                assert!(remedy.contains(word) && !remedy.is_empty(), "{text} should say {word}");
                assert!(text.contains(name) && !text.contains(char::is_control), "{text:?}");
            }
            other => panic!("{name} = {shown}: {other:?}"),
        }
        assert!(!place.local_directory().exists(), "{name} = {shown}");
    }
    assert!(place.fake.counts().calls.is_empty(), "no option asks the bucket");
    place.open().close().unwrap();
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let place = Place::new();
    let options = place.options().local_directory("/dev/null/queue");
    let error = Journal::open(options).map(drop).unwrap_err();
    assert!(
        matches!(&error, OpenError::Queue(_)) && error.to_string().contains("/dev/null/queue"),
        "{error}"
    );
}

#[test]
fn secrets_are_never_shown() {
    let options =
        Options::new().s3_access_key("AKIDEXAMPLE").s3_secret_key("very secret").s3_session_token("token");
    let shown = format!("{options:?}");
    assert!(!shown.contains("very secret") && !shown.contains("token"), "{shown}");
}
