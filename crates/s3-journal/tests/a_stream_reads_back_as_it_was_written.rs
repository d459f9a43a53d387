//! The entries of a journal come back from the bucket complete and in order, and only those asked for.

mod reading;

use std::io::{self, Write};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use reading::{PREFIX, Shaky, Writer, cat, entry, of, put, reader, stop, text, verify};
use s3_journal::bucket::{BucketErrorKind, MemoryBucket};
use s3_journal::object::Incarnation;
use s3_journal::read::{
    CatOptions, Decompressors, Depth, HELD_BYTES, Proof, RANGE_BYTES, ReadError, ReadErrorKind, Selection,
    VerifyOptions,
};
use s3_journal::stream::Codec;

const BOTH: [Proof; 2] = [Proof::BeforeWriting, Proof::WhileWriting];

fn options(proof: Proof) -> CatOptions {
    CatOptions { proof, ..CatOptions::default() }
}

fn range(from: u64, to: u64) -> Selection {
    Selection { from: Some(from), to: Some(to), ..Selection::default() }
}

#[test]
fn every_format_reads_back_over_directories_shards_and_restarts() {
    for codec in Codec::ALL {
        for shards in [None, Some(1), Some(3), Some(36)] {
            let bucket = MemoryBucket::new().with_page_entries(3);
            let mut writer =
                Writer { shards, compressor: codec.to_string(), ..Writer::new(&bucket, "web-1") };
            writer.objects(5, 7);
            writer.restart();
            writer.objects(6, 1);
            writer.objects(1, 100);
            for proof in BOTH {
                let (out, summary) = cat(&bucket, &Selection::default(), options(proof));
                let summary = summary.unwrap();
                assert_eq!(out, text(0..141), "{codec} {shards:?}");
                assert_eq!((summary.objects, summary.entries, summary.bytes), (12, 141, out.len() as u64));
            }
            for depth in [Depth::Listing, Depth::Chain, Depth::Deep] {
                let report = verify(&bucket, depth);
                assert_eq!(report.findings, []);
                assert!(report.is_whole());
                assert_eq!(report.checked.objects, 12);
                let totals = &report.streams[0];
                let counted = (depth == Depth::Deep).then_some(141);
                assert_eq!((totals.entries, totals.next_sequence), (counted, counted));
            }
        }
    }
}

#[test]
fn other_journals_and_foreign_names_are_left_alone() {
    let bucket = MemoryBucket::new();
    for id in ["web", "web-1", "my-web", "w"] {
        Writer::new(&bucket, id).object(&[format!("of {id}")]);
    }
    bucket.put_foreign(&format!("{PREFIX}/2026/11/01/web"), "foreign");
    bucket.put_foreign(&format!("{PREFIX}-other/web"), "outside");
    let (out, summary) = cat(&bucket, &of("web"), CatOptions::default());
    assert_eq!((out.as_str(), summary.unwrap().entries), ("of web\n", 1));
    let listing = reader(bucket.clone()).list(&of("web")).unwrap();
    assert_eq!((listing.objects(), listing.others(), listing.foreign()), (1, 3, 1));
    let (out, error) = cat(&bucket, &Selection::default(), CatOptions::default());
    let error = error.unwrap_err();
    assert_eq!((out.as_str(), error.kind()), ("", ReadErrorKind::Usage));
    assert_eq!(error.to_string(), "there are journals of 4 ids here; choose one: my-web, w, web, web-1");
    let report = verify(&bucket, Depth::Deep);
    assert_eq!((report.streams.len(), report.is_whole(), report.foreign), (4, true, 1));
}

#[test]
fn incarnations_come_in_order_of_time() {
    let bucket = MemoryBucket::new();
    let at =
        |seconds, random| Incarnation::new(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds), random);
    let (old, new) = (at(1_700_000_000, 0xffff), at(1_700_000_001, 0));
    for incarnation in [&new, &old] {
        let mut writer = Writer { incarnation: incarnation.clone(), ..Writer::new(&bucket, "web") };
        for number in 0..3 {
            writer.object(&[format!("{incarnation} {number}")]);
        }
    }
    let lines = |incarnation: &Incarnation| [0, 1, 2].map(|n| format!("{incarnation} {n}\n")).concat();
    let (out, summary) = cat(&bucket, &of("web"), CatOptions::default());
    assert_eq!((out, summary.unwrap().entries), (lines(&old) + &lines(&new), 6));
    let one = Selection { incarnation: Some(new.clone()), ..of("web") };
    assert_eq!(cat(&bucket, &one, CatOptions::default()).0, lines(&new));
    let second = Selection { from: Some(1), to: Some(2), ..of("web") };
    assert_eq!(cat(&bucket, &second, CatOptions::default()).0, format!("{old} 1\n{new} 1\n"));
}

#[test]
fn every_range_is_cut_at_its_entries() {
    let bucket = MemoryBucket::new();
    let mut writer = Writer::new(&bucket, "web");
    for entries in [1, 4, 2, 3] {
        writer.objects(1, entries);
    }
    for proof in BOTH {
        for from in 0..12 {
            for to in 0..12 {
                let (out, summary) = cat(&bucket, &range(from, to), options(proof));
                let expected = text(from.min(10)..to.min(10));
                assert_eq!(out, expected, "{from}..{to}");
                assert_eq!(summary.unwrap().entries, to.min(10).saturating_sub(from));
            }
        }
    }
}

#[test]
fn entries_without_a_delimiter_come_back_whole_but_are_not_cut() {
    let bucket = MemoryBucket::new();
    let mut writer = Writer { delimiter: Vec::new(), ..Writer::new(&bucket, "web") };
    writer.object(&["one".to_owned(), "two".to_owned()]);
    writer.object(&["three".to_owned()]);
    for proof in BOTH {
        let (out, summary) = cat(&bucket, &Selection::default(), options(proof));
        assert_eq!(out, "onetwothree");
        assert_eq!(summary.unwrap().entries, 2, "of the last object nothing is known");
        assert_eq!(cat(&bucket, &range(0, 2), options(proof)).0, "onetwo");
        assert_eq!(cat(&bucket, &Selection { from: Some(2), ..of("web") }, options(proof)).0, "three");
        let (out, error) = cat(&bucket, &range(1, 3), options(proof));
        assert!(matches!(error, Err(ReadError::NoDelimiter { .. })), "{error:?}");
        assert_eq!(out, "");
    }
    let report = verify(&bucket, Depth::Deep);
    assert!(report.is_whole());
    assert_eq!(report.streams[0].entries, None);
}

#[test]
fn a_custom_compressor_needs_its_inverse() {
    let bucket = MemoryBucket::new();
    let mut writer = Writer { compressor: "inverted".to_owned(), ..Writer::new(&bucket, "web") };
    writer.objects(3, 4);
    let (out, error) = cat(&bucket, &Selection::default(), CatOptions::default());
    let error = error.unwrap_err();
    assert_eq!((out.as_str(), error.kind()), ("", ReadErrorKind::Usage));
    assert!(error.to_string().contains("\"inverted\", which this program can't undo"), "{error}");
    let deep = |reader: &s3_journal::read::Reader| {
        reader.verify(&Selection::default(), Depth::Deep, VerifyOptions::default(), &mut |_| {})
    };
    assert!(matches!(deep(&reader(bucket.clone())), Err(ReadError::NoInverse { .. })));
    assert!(verify(&bucket, Depth::Chain).is_whole());

    let known = reader(bucket.clone()).with_decompressors(
        Decompressors::new().with("inverted", |bytes| Ok(bytes.iter().map(|byte| !byte).collect())),
    );
    assert_eq!(deep(&known).unwrap().streams[0].entries, Some(12));
    let mut out = Vec::new();
    known.cat(&range(3, 9), &mut out, CatOptions::default()).unwrap();
    assert_eq!(out, text(3..9).as_bytes());

    let failing = reader(bucket.clone())
        .with_decompressors(Decompressors::new().with("inverted", |_| Err(io::Error::other("not my bytes"))));
    let report = deep(&failing).unwrap();
    assert!(report.findings[0].text.contains("not my bytes"), "{:?}", report.findings);
}

#[test]
fn ten_thousand_objects_are_listed_page_by_page() {
    let bucket = MemoryBucket::new();
    let mut writer = Writer { shards: Some(7), compressor: "none".to_owned(), ..Writer::new(&bucket, "web") };
    for number in 0..10_000 {
        writer.object(&[entry(number)]);
    }
    bucket.put_foreign(&format!("{PREFIX}/3/2026/11/01/notes.txt"), "");
    let listing = reader(bucket.clone()).list(&of("web")).unwrap();
    assert_eq!((listing.objects(), listing.foreign()), (10_000, 1));
    let numbers: Vec<u64> = listing.streams()[0].objects().map(|object| object.name.number).collect();
    assert_eq!(numbers, (0..10_000).collect::<Vec<u64>>());
    let report = verify(&bucket, Depth::Listing);
    assert!(report.is_whole());
    assert_eq!((report.streams[0].last_number, report.checked.objects), (9_999, 10_000));
    let (out, summary) = cat(&bucket, &range(4_000, 4_100), CatOptions::default());
    assert_eq!((out, summary.unwrap().objects), (text(4_000..4_100), 100));
}

#[test]
fn an_object_of_many_ranges_is_read_through_a_shaky_store() {
    let bucket = MemoryBucket::new();
    let mut writer = Writer { compressor: "none".to_owned(), ..Writer::new(&bucket, "web") };
    // Not a multiple of anything, and large enough to be fetched again for writing.
    let entries: Vec<String> =
        (0..(HELD_BYTES + RANGE_BYTES) / 1_000).map(|n| format!("{n:01001}")).collect();
    writer.object(&entries);
    writer.objects(2, 10);
    let mut expected = entries.join("\n") + "\n";
    expected.push_str(&text(entries.len() as u64..entries.len() as u64 + 20));

    // Each question fails four times, and 3,000,000 bytes come at a time: what has come isn't fetched again.
    let shaky = Shaky { failures: 4, piece_bytes: 3_000_000, ..Shaky::new(&bucket) };
    let mut out = Vec::new();
    let summary = reader(shaky).cat(&Selection::default(), &mut out, options(Proof::WhileWriting)).unwrap();
    assert!(out == expected.as_bytes());
    assert_eq!(summary.entries, entries.len() as u64 + 20);

    let mut out = Vec::new();
    reader(bucket.clone()).cat(&Selection::default(), &mut out, CatOptions::default()).unwrap();
    assert!(out == expected.as_bytes());
    let mut seen = 0;
    let report = reader(Shaky { failures: 1, ..Shaky::new(&bucket) })
        .verify(&Selection::default(), Depth::Deep, VerifyOptions::default(), &mut |progress| {
            assert!(progress.checked.bytes >= seen);
            seen = progress.checked.bytes;
        })
        .unwrap();
    assert!(report.is_whole());
    assert_eq!(seen, report.streams[0].stored_bytes);
}

#[test]
fn a_store_that_goes_on_failing_is_told_apart() {
    let bucket = MemoryBucket::new();
    Writer::new(&bucket, "web").objects(1, 1);
    for (kind, expected, calls) in [
        (BucketErrorKind::Throttled, ReadErrorKind::Unreachable, 5),
        (BucketErrorKind::NotSent, ReadErrorKind::Unreachable, 5),
        (BucketErrorKind::NoSuchBucket, ReadErrorKind::Unreachable, 1),
        (BucketErrorKind::Forbidden, ReadErrorKind::Forbidden, 1),
    ] {
        let shaky = std::sync::Arc::new(Shaky { failures: u32::MAX, kind, ..Shaky::new(&bucket) });
        let reader = s3_journal::read::Reader::new(std::sync::Arc::clone(&shaky) as _, PREFIX)
            .unwrap()
            .with_retries(s3_journal::read::Retries {
                attempts: 5,
                first_wait: Duration::ZERO,
                longest_wait: Duration::ZERO,
            });
        let error = reader.list(&Selection::default()).unwrap_err();
        assert_eq!(error.kind(), expected);
        assert_eq!(shaky.calls.load(Ordering::Relaxed), calls, "{kind:?}");
        assert!(error.to_string().starts_with("listing shaky/events/raw/ failed"), "{error}");
    }
}

#[test]
fn a_listing_that_leads_in_circles_is_left() {
    let bucket = MemoryBucket::new();
    Writer::new(&bucket, "web").objects(1, 1);
    let error = reader(Shaky { stuck: true, ..Shaky::new(&bucket) }).list(&Selection::default()).unwrap_err();
    assert!(matches!(error, ReadError::ListingStuck { .. }), "{error}");
}

#[test]
fn an_output_that_fails_is_told_apart() {
    struct Full(io::ErrorKind, usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.1 == 0 {
                return Err(self.0.into());
            }
            let len = self.1.min(bytes.len());
            self.1 -= len;
            Ok(len)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let bucket = MemoryBucket::new();
    Writer::new(&bucket, "web").objects(3, 10);
    for proof in BOTH {
        for (error, kind) in [
            (io::ErrorKind::BrokenPipe, ReadErrorKind::BrokenPipe),
            (io::ErrorKind::StorageFull, ReadErrorKind::Output),
        ] {
            let result =
                reader(bucket.clone()).cat(&Selection::default(), &mut Full(error, 100), options(proof));
            assert_eq!(result.unwrap_err().kind(), kind);
        }
    }
}

#[test]
fn a_stream_without_a_bound_is_not_followed_for_ever() {
    let bucket = MemoryBucket::new();
    let mut writer = Writer::new(&bucket, "web");
    writer.objects(1, 2);
    // 16 MiB without a delimiter in a few KiB.
    writer.raw(reading::compress(Codec::Gzip, &vec![0; 16 << 20]), 1);
    let limited = CatOptions { entry_bytes_max: 1 << 20, ..CatOptions::default() };
    let (out, result) = cat(&bucket, &Selection::default(), limited);
    let (finding, written) = stop(result);
    assert_eq!((out, written.entries), (text(0..2), 2));
    assert!(finding.text.contains("has an entry of more than 1048576 bytes"), "{finding}");
}

#[test]
fn a_reader_works_inside_a_runtime() {
    let bucket = MemoryBucket::new();
    let key = Writer::new(&bucket, "web").objects(1, 3).remove(0);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        assert_eq!(cat(&bucket, &Selection::default(), CatOptions::default()).0, text(0..3));
        let reader = reader(bucket.clone());
        assert!(reader.head(&key).unwrap().is_some());
        assert!(reader.head("nothing/here").unwrap().is_none());
    });
    put(&bucket, "unused", Vec::new(), &[].into());
}
