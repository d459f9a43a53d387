//! Encoders, delimiters, limits of entries, compressors, positions: what goes in comes out, and what can't is refused whole.
#![cfg(feature = "fake")]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use s3_journal::bucket::Faults;
use s3_journal::{Compressor, CustomCompressor, JsonLines, Options, Refusal, SubmitError, from_fn};
use support::{Place, numbered, objects, seed};

fn text(place: &Place) -> String {
    place.objects().iter().map(|object| object.text.as_str()).collect()
}

fn refusal<T>(submitted: Result<T, SubmitError>) -> Refusal {
    match submitted {
        Err(SubmitError::Refused(refusal)) => refusal,
        Err(error) => unreachable!("{error}"),
        Ok(_) => unreachable!("it was taken"),
    }
}

#[test]
fn bytes_and_strings_go_as_they_are() {
    let place = Place::new();
    let journal = place.open();
    journal.submit("str").unwrap();
    journal.submit(&"String".to_owned()).unwrap();
    journal.submit(b"bytes").unwrap();
    journal.submit(&vec![b'v', b'e', b'c']).unwrap();
    journal.submit("").unwrap();
    journal.submit("übergrößer").unwrap();
    journal.close().unwrap();
    assert_eq!(text(&place), "str\nString\nbytes\nvec\n\nübergrößer\n");
}

#[test]
fn json_goes_one_value_a_line() {
    let place = Place::new();
    let journal = s3_journal::journal(place.options().encoder(JsonLines)).unwrap();
    journal.submit(&BTreeMap::from([("text", "two\nlines")])).unwrap();
    journal.submit(&[1, 2, 3]).unwrap();
    journal.submit("a string").unwrap();
    // A map whose keys aren't strings isn't JSON.
    let refused = refusal(journal.submit(&BTreeMap::from([((1, 2), 3)])));
    assert!(matches!(refused, Refusal::Encode(_)));
    journal.close().unwrap();
    assert_eq!(text(&place), "{\"text\":\"two\\nlines\"}\n[1,2,3]\n\"a string\"\n");
}

#[test]
fn a_function_is_an_encoder() {
    let place = Place::new();
    let encoder = from_fn(|(name, count): &(&str, u32), out: &mut Vec<u8>| {
        out.extend_from_slice(format!("{name}={count}").as_bytes());
        if *count > 9 { Err("too many".into()) } else { Ok(()) }
    });
    let journal = s3_journal::journal(place.options().encoder(encoder)).unwrap();
    journal.submit(&("a", 1)).unwrap();
    let refused = refusal(journal.submit(&("b", 10)));
    assert!(matches!(&refused, Refusal::Encode(cause) if cause.to_string() == "too many"));
    journal.submit(&("c", 3)).unwrap();
    assert_eq!(journal.next_sequence(), 2, "what is refused has no number");
    journal.close().unwrap();
    assert_eq!(text(&place), "a=1\nc=3\n");
}

#[test]
fn an_encoder_that_panics_harms_nobody_else() {
    let place = Place::new();
    let encoder = from_fn(|entry: &str, out: &mut Vec<u8>| {
        out.extend_from_slice(entry.as_bytes());
        if entry == "bad" {
            std::panic::resume_unwind(Box::new("the test wants it"));
        }
        Ok(())
    });
    let journal = s3_journal::journal(place.options().encoder(encoder).max_batch_size(3)).unwrap();
    let mut expected = Vec::new();
    for i in 0..50 {
        assert!(catch_unwind(AssertUnwindSafe(|| journal.submit("bad").map(drop))).is_err());
        journal.submit(&i.to_string()).unwrap();
        expected.push(i.to_string());
    }
    journal.close().unwrap();
    assert_eq!(place.entries(), expected);
}

#[test]
fn an_entry_over_the_limit_is_refused_and_the_limit_named() {
    let place = Place::new();
    let journal = s3_journal::journal(place.options().max_entry_bytes(100)).unwrap();
    journal.submit(&"x".repeat(100)).unwrap();
    let refused = refusal(journal.submit(&"x".repeat(101)));
    assert!(matches!(refused, Refusal::TooLarge { len_bytes: 101, max_bytes: 100 }));
    assert!(refused.to_string().contains("max_entry_bytes"), "{refused}");
    journal.close().unwrap();
    assert_eq!(place.entries(), ["x".repeat(100)]);
}

#[test]
fn an_entry_far_larger_than_a_batch_arrives() {
    let place = Place::new();
    let options = place.options().max_batch_bytes(1 << 10).max_entry_bytes(1 << 20).part_size(64 << 10);
    let journal = s3_journal::journal(options).unwrap();
    let large = "large".repeat(200_000);
    for entry in ["a", &large, "b", &large, &large] {
        journal.submit(entry).unwrap();
    }
    journal.close().unwrap();
    assert_eq!(place.entries(), ["a", &large, "b", &large, &large]);
}

#[test]
fn the_delimiter_inside_an_entry_is_refused_unless_it_is_allowed() {
    let place = Place::new();
    let options = || place.options().delimiter("\r\n");
    let journal = s3_journal::journal(options()).unwrap();
    journal.submit("one\nline").unwrap();
    assert!(matches!(refusal(journal.submit("a\r\nb")), Refusal::DelimiterInside { at: 1 }));
    assert!(matches!(refusal(journal.submit_at("a\r\nb", 1, b"p")), Refusal::DelimiterInside { at: 1 }));
    assert_eq!(journal.position(1), None, "neither is taken");
    journal.close().unwrap();
    drop(journal);
    let journal = s3_journal::journal(options().allow_delimiter_in_entries(true)).unwrap();
    journal.submit("a\r\nb").unwrap();
    journal.close().unwrap();
    assert_eq!(text(&place), "one\nline\r\na\r\nb\r\n");
    assert!(place.objects().iter().all(|object| object.metadata.delimiter == b"\r\n"));
}

#[test]
fn an_empty_delimiter_puts_nothing_between() {
    let place = Place::new();
    let journal = s3_journal::journal(place.options().delimiter("")).unwrap();
    for entry in ["a", "\n", "b"] {
        journal.submit(entry).unwrap();
    }
    journal.close().unwrap();
    assert_eq!(text(&place), "a\nb");
    assert_eq!(place.objects()[0].metadata.delimiter, b"");
}

#[test]
fn each_compressor_makes_one_strict_stream_of_many_batches() {
    for (compressor, suffix) in [
        (Compressor::None, ""),
        (Compressor::Gzip, ".gz"),
        (Compressor::Zstd, ".zst"),
        (Compressor::Snappy, ".snappy"),
        (Compressor::Lz4, ".lz4"),
        (Compressor::Lzma2, ".xz"),
    ] {
        let seed = seed();
        let place = Place::with(seed, Faults::all(0.2));
        let journal = s3_journal::journal(place.options().compressor(compressor.clone())).unwrap();
        for i in 0..500 {
            journal.submit(&i.to_string()).unwrap();
        }
        drop(journal);
        let journal = s3_journal::journal(place.options().compressor(compressor)).unwrap();
        for i in 500..600 {
            journal.submit(&i.to_string()).unwrap();
        }
        journal.close().unwrap();
        // The decoder refuses anything but a single stream of its format.
        assert_eq!(place.entries(), numbered(0..600));
        let all_end = place.objects().iter().all(|object| object.key.ends_with(&format!(".journal{suffix}")));
        assert!(all_end, "{suffix}");
    }
}

#[test]
fn a_custom_compressor_and_a_suffix_of_ones_own() {
    let place = Place::new();
    let upper = CustomCompressor::new("upper-case", Some("up"), |raw, out| {
        out.extend(raw.to_ascii_uppercase());
        Ok(())
    });
    let options = || place.options().compressor(Compressor::Custom(upper.clone()));
    let journal = s3_journal::journal(options()).unwrap();
    journal.submit("abc").unwrap();
    journal.close().unwrap();
    drop(journal);
    let journal = s3_journal::journal(options().suffix("txt")).unwrap();
    journal.submit("def").unwrap();
    journal.close().unwrap();
    assert_eq!(text(&place), "ABC\nDEF\n");
    let objects = objects(&place.memory);
    assert!(objects[0].key.ends_with(".journal.up") && objects[1].key.ends_with(".journal.txt"));
    assert!(objects.iter().all(|object| object.metadata.compressor == "upper-case"));
}

#[test]
fn prefix_shard_and_directory_are_in_the_key() {
    let place = Place::new();
    let options =
        place.options().bucket(place.bucket(), "a/prefix").shards(2).s3_directory_format("'y='yyyy");
    let journal = s3_journal::journal(options).unwrap();
    for i in 0..3 {
        journal.submit(&i.to_string()).unwrap();
        journal.flush().unwrap();
    }
    journal.close().unwrap();
    let keys: Vec<_> = place.objects().into_iter().map(|object| object.key).collect();
    for (key, shard) in keys.iter().zip(["0", "1", "0"]) {
        assert!(key.starts_with(&format!("a/prefix/{shard}/y=2026/web1-")), "{key}");
    }
}

/// A source that is read again from the position that the journal remembers.
fn carry(options: Options, source: &[&str], until: usize) {
    let journal = s3_journal::journal(options).unwrap();
    let start = journal.position(7).map_or(0, |position| usize::from(*position.first().unwrap()));
    for (at, entry) in source.iter().enumerate().take(until).skip(start) {
        journal.submit_at(*entry, 7, &[u8::try_from(at + 1).unwrap()]).unwrap();
    }
}

#[test]
fn a_source_that_can_be_replayed_arrives_exactly_once() {
    let seed = seed();
    let place = Place::with(seed, Faults::all(0.2));
    let source: Vec<String> = numbered(0..200);
    let source: Vec<&str> = source.iter().map(String::as_str).collect();
    for until in [1, 20, 20, 55, 120, 121, 200] {
        carry(place.options().max_batch_size(7), &source, until);
    }
    place.open().close().unwrap();
    assert_eq!(place.entries(), source);
}

#[test]
fn many_long_positions_in_one_batch_are_no_trouble() {
    let place = Place::new();
    let journal = s3_journal::journal(place.options().max_batch_size(1_000)).unwrap();
    let position = |source: u64| vec![u8::try_from(source).unwrap(); s3_journal::POSITION_BYTES_MAX];
    for round in 0..2 {
        for source in 0..100 {
            journal.submit_at(&(round * 100 + source).to_string(), source, &position(source)).unwrap();
        }
    }
    journal.flush().unwrap();
    assert!(journal.failure().is_none());
    drop(journal);
    let journal = place.open();
    for source in 0..100 {
        assert_eq!(journal.position(source), Some(position(source)));
    }
    assert_eq!(place.entries(), numbered(0..200));
}

#[test]
fn positions_of_several_sources_are_kept_apart_and_can_be_forgotten() {
    let place = Place::new();
    let journal = place.open();
    journal.submit_at("a", 1, b"one").unwrap();
    journal.submit_at("b", u64::MAX, b"two").unwrap();
    journal.try_submit_at("c", 1, b"three").unwrap();
    assert!(matches!(
        refusal(journal.submit_at("d", 1, &[0; s3_journal::POSITION_BYTES_MAX + 1])),
        Refusal::PositionTooLarge { .. }
    ));
    journal.flush().unwrap();
    drop(journal);
    let journal = place.open();
    assert_eq!(journal.position(1).as_deref(), Some(&b"three"[..]));
    assert_eq!(journal.position(u64::MAX).as_deref(), Some(&b"two"[..]));
    assert_eq!(journal.position(2), None);
    journal.submit_at("d", 1, b"").unwrap();
    journal.close().unwrap();
    drop(journal);
    assert_eq!(place.open().position(1), None);
    assert_eq!(place.entries(), ["a", "b", "c", "d"]);
}
