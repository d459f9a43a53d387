//! A reader finds every gap, fork, double and damage, names it exactly, and writes nothing past it.

mod reading;

use reading::{Shaky, Writer, cat, change, found, narrowed, put, reader, stop, text, verify};
use s3_journal::bucket::MemoryBucket;
use s3_journal::object::Incarnation;
use s3_journal::read::{
    CatOptions, Depth, Finding, FindingKind as Kind, Numbers, Proof, Selection, Sequences, VerifyOptions,
};
use s3_journal::stream::Codec;

const GO_ON: CatOptions = CatOptions {
    go_on: true,
    allow_missing_start: false,
    proof: Proof::BeforeWriting,
    count_entries: true,
    entry_bytes_max: 1 << 20,
};

/// Six objects of ten entries each, and their keys.
fn six() -> (MemoryBucket, Vec<String>) {
    let bucket = MemoryBucket::new();
    let keys = Writer { shards: Some(2), ..Writer::new(&bucket, "web") }.objects(6, 10);
    (bucket, keys)
}

/// What `cat` stops at, after exactly those entries; the same in both ways of proving, unless damage must get out first.
fn stops(bucket: &MemoryBucket, after: u64) -> Finding {
    let (out, result) = cat(bucket, &Selection::default(), CatOptions::default());
    let (finding, written) = stop(result);
    assert_eq!(out, text(0..after));
    assert_eq!((written.entries, written.bytes), (after, out.len() as u64));
    finding
}

#[test]
fn a_missing_object() {
    let (bucket, keys) = six();
    bucket.delete(&keys[2]);
    for (depth, sequences, exact) in [
        (Depth::Listing, Sequences::new(11, 30), false),
        (Depth::Chain, Sequences::new(20, 30), true),
        (Depth::Deep, Sequences::new(20, 30), true),
    ] {
        let report = verify(&bucket, depth);
        assert!(!report.is_whole());
        assert_eq!(found(&report), [(Kind::MissingObjects, 2)]);
        let finding = &report.findings[0];
        assert_eq!((finding.sequences, finding.exact), (Some(sequences), exact), "{depth:?}");
    }
    let finding = stops(&bucket, 20);
    assert_eq!((finding.kind, finding.sequences), (Kind::MissingObjects, Some(Sequences::new(20, 30))));
    assert_eq!(finding.text, format!("object 2 is missing before {}, with the entries 20 to 29", keys[3]));

    let (out, summary) = cat(&bucket, &Selection::default(), GO_ON);
    let summary = summary.unwrap();
    assert_eq!((out, summary.entries), (text(0..20) + &text(30..60), 50));
    assert_eq!(summary.findings, [finding]);
    // What isn't asked for isn't missed.
    for (from, to, whole) in [(0, 20, true), (0, 21, false), (20, 30, false), (29, 31, false), (30, 60, true)]
    {
        let range = Selection { from: Some(from), to: Some(to), ..Selection::default() };
        let (out, result) = cat(&bucket, &range, CatOptions::default());
        assert_eq!(result.is_ok(), whole, "{from}..{to}");
        assert_eq!(out, if whole { text(from..to) } else { text(from.min(20)..20) });
        for depth in [Depth::Chain, Depth::Deep] {
            let report =
                reader(bucket.clone()).verify(&range, depth, VerifyOptions::default(), &mut |_| {}).unwrap();
            assert_eq!(report.is_whole(), whole, "{from}..{to} {depth:?}");
        }
    }
}

#[test]
fn several_missing_objects() {
    let (bucket, keys) = six();
    bucket.delete(&keys[2]);
    bucket.delete(&keys[3]);
    let numbers = Numbers { first: 2, last: 3 };
    for (depth, sequences, exact) in
        [(Depth::Chain, Sequences::new(11, 40), false), (Depth::Deep, Sequences::new(20, 40), true)]
    {
        let report = verify(&bucket, depth);
        let finding = &report.findings[0];
        assert_eq!((finding.kind, finding.numbers), (Kind::MissingObjects, numbers));
        assert_eq!((finding.sequences, finding.exact), (Some(sequences), exact));
        assert_eq!(report.findings.len(), 1);
    }
    assert_eq!(stops(&bucket, 20).sequences, Some(Sequences::new(20, 40)));
}

#[test]
fn a_missing_start() {
    let (bucket, keys) = six();
    bucket.delete(&keys[0]);
    bucket.delete(&keys[1]);
    for depth in [Depth::Listing, Depth::Chain, Depth::Deep] {
        let report = verify(&bucket, depth);
        assert_eq!(found(&report), [(Kind::MissingStart, 0)]);
        let options = VerifyOptions { allow_missing_start: true, ..VerifyOptions::default() };
        let allowed =
            reader(bucket.clone()).verify(&Selection::default(), depth, options, &mut |_| {}).unwrap();
        assert!(allowed.is_whole(), "{:?}", allowed.findings);
    }
    let finding = stops(&bucket, 0);
    assert_eq!(
        (finding.kind, finding.sequences, finding.exact),
        (Kind::MissingStart, Some(Sequences::new(0, 20)), true)
    );
    let allowed = CatOptions { allow_missing_start: true, ..CatOptions::default() };
    assert_eq!(cat(&bucket, &Selection::default(), allowed).0, text(20..60));
    let later = Selection { from: Some(20), ..Selection::default() };
    assert_eq!(cat(&bucket, &later, CatOptions::default()).0, text(20..60));
    let before = Selection { from: Some(5), to: Some(10), ..Selection::default() };
    assert_eq!(stop(cat(&bucket, &before, CatOptions::default()).1).0.kind, Kind::MissingStart);
    let report =
        reader(bucket.clone()).verify(&before, Depth::Chain, VerifyOptions::default(), &mut |_| {}).unwrap();
    assert_eq!(found(&report), [(Kind::MissingStart, 0)]);
}

#[test]
fn a_missing_end_shows_only_in_the_number_after_the_last() {
    let (bucket, keys) = six();
    bucket.delete(&keys[5]);
    let report = verify(&bucket, Depth::Deep);
    assert!(report.is_whole());
    assert_eq!(report.streams[0].next_sequence, Some(50));
}

#[test]
fn a_fork() {
    let bucket = MemoryBucket::new();
    let mut writer = Writer::new(&bucket, "web");
    writer.objects(3, 10);
    let mut copy = writer.clone();
    writer.restart();
    writer.objects(3, 10);
    copy.run = 77;
    copy.objects(2, 7);
    for depth in [Depth::Listing, Depth::Chain, Depth::Deep] {
        let report = verify(&bucket, depth);
        assert_eq!(found(&report), [(Kind::Fork, 3)], "{:?}", report.findings);
        let finding = &report.findings[0];
        assert_eq!(finding.numbers, Numbers { first: 3, last: 4 });
        assert_eq!(finding.keys.len(), 4);
        assert_eq!(finding.sequences, Some(Sequences::new(30, 50)));
    }
    assert_eq!(stops(&bucket, 30).kind, Kind::Fork);
    let (out, result) = cat(&bucket, &Selection::default(), GO_ON);
    assert_eq!((out, stop(result).0.kind), (text(0..30), Kind::Fork), "nobody but a person can choose");
    let before = Selection { to: Some(30), ..Selection::default() };
    assert_eq!(cat(&bucket, &before, CatOptions::default()).0, text(0..30));
}

#[test]
fn an_object_copied_to_another_directory() {
    let (bucket, keys) = six();
    let copy = keys[3].replace("/2026/11/", "/backup/2026/11/");
    let object = bucket.objects().remove(&keys[3]).unwrap();
    put(&bucket, &copy, object.body.to_vec(), &object.metadata);
    let report = verify(&bucket, Depth::Deep);
    assert_eq!(found(&report), [(Kind::DuplicateObject, 3)]);
    assert_eq!(report.findings[0].sequences, Some(Sequences::new(30, 40)));
    assert!(report.findings[0].exact);
    assert_eq!(stops(&bucket, 30).kind, Kind::DuplicateObject);
}

#[test]
fn objects_exchanged_with_each_other() {
    // With their metadata, as by a careless copy; and without, their bytes alone.
    let (bucket, keys) = six();
    let objects = bucket.objects();
    for (to, from) in [(2, 3), (3, 2)] {
        put(&bucket, &keys[to], objects[&keys[from]].body.to_vec(), &objects[&keys[from]].metadata);
    }
    let report = verify(&bucket, Depth::Chain);
    let kinds = found(&report);
    assert!(kinds.contains(&(Kind::Metadata, 2)) && kinds.contains(&(Kind::Metadata, 3)), "{kinds:?}");
    let finding = stops(&bucket, 20);
    assert_eq!((finding.kind, finding.numbers.first), (Kind::Metadata, 2));

    for (to, from) in [(2, 3), (3, 2)] {
        put(&bucket, &keys[to], objects[&keys[from]].body.to_vec(), &objects[&keys[to]].metadata);
    }
    for depth in [Depth::Chain, Depth::Deep] {
        assert_eq!(found(&verify(&bucket, depth)), [(Kind::Damaged, 2), (Kind::Damaged, 3)], "{depth:?}");
    }
    assert_eq!(stops(&bucket, 20).kind, Kind::Damaged);
}

#[test]
fn an_object_cut_short() {
    for codec in Codec::ALL {
        let bucket = MemoryBucket::new();
        let mut writer = Writer { compressor: codec.to_string(), ..Writer::new(&bucket, "web") };
        let keys = writer.objects(6, 10);
        for (number, key) in [(5, &keys[5]), (2, &keys[2])] {
            change(&bucket, key, |stored| stored.truncate(stored.len() - 3));
            let finding = stops(&bucket, number * 10);
            assert_eq!(
                (finding.kind, &finding.keys),
                (Kind::Damaged, &vec![key.clone()]),
                "{codec} {number}"
            );
        }
        assert_eq!(found(&verify(&bucket, Depth::Deep)), [(Kind::Damaged, 2), (Kind::Damaged, 5)]);
        // The successor knows the length; of the last object nobody does but its own stream.
        assert_eq!(found(&verify(&bucket, Depth::Chain)), [(Kind::Damaged, 2)]);
        assert_eq!(found(&verify(&bucket, Depth::Listing)), []);
    }
}

#[test]
fn any_flipped_byte() {
    for codec in Codec::ALL {
        let bucket = MemoryBucket::new();
        let key =
            Writer { compressor: codec.to_string(), ..Writer::new(&bucket, "web") }.objects(3, 10).remove(1);
        let good = bucket.objects().remove(&key).unwrap();
        for at in 0..good.body.len() {
            let mut stored = good.body.to_vec();
            stored[at] ^= 0x10;
            put(&bucket, &key, stored, &good.metadata);
            let report = verify(&bucket, Depth::Deep);
            assert_eq!(found(&report), [(Kind::Damaged, 1)], "{codec} {at}");
            let finding = &report.findings[0];
            assert_eq!((finding.sequences, finding.exact), (Some(Sequences::new(10, 20)), true));
            assert_eq!(finding.keys, std::slice::from_ref(&key));
            assert_eq!(stops(&bucket, 10).kind, Kind::Damaged);
        }
        let (out, summary) = cat(&bucket, &Selection::default(), GO_ON);
        assert_eq!(out, text(0..10) + &text(20..30));
        assert_eq!(summary.unwrap().findings.len(), 1);
        // Proved only while it is written, the damage is found all the same, at the object's end.
        let (out, result) = cat(
            &bucket,
            &Selection::default(),
            CatOptions { proof: Proof::WhileWriting, ..CatOptions::default() },
        );
        let (finding, written) = stop(result);
        assert_eq!(finding.kind, Kind::Damaged);
        assert!(out.starts_with(&text(0..10)) && written.entries <= 20);
    }
}

#[test]
fn an_object_with_something_behind_its_stream() {
    let (bucket, keys) = six();
    change(&bucket, &keys[5], |stored| stored.extend_from_within(..));
    assert_eq!(found(&verify(&bucket, Depth::Deep)), [(Kind::Damaged, 5)]);
    assert_eq!(stops(&bucket, 50).kind, Kind::Damaged);
}

#[test]
fn an_entry_that_no_delimiter_follows() {
    let bucket = MemoryBucket::new();
    let mut writer = Writer { compressor: "none".to_owned(), ..Writer::new(&bucket, "web") };
    writer.objects(1, 2);
    writer.raw(b"whole\nnot whole".to_vec(), 2);
    let finding = stops(&bucket, 2);
    assert!(
        finding.text.ends_with("ends with 9 bytes that no delimiter follows, after 1 entries"),
        "{finding}"
    );
    assert_eq!(found(&verify(&bucket, Depth::Deep)), [(Kind::Damaged, 1)]);
}

#[test]
fn an_object_that_holds_other_than_its_successor_says() {
    let bucket = MemoryBucket::new();
    let mut writer = Writer::new(&bucket, "web");
    writer.objects(1, 10);
    let miscounted: Vec<String> = (10..19).map(reading::entry).collect();
    writer.object(&miscounted);
    writer.previous = writer.previous.map(|said| s3_journal::object::Predecessor { entries: 10, ..said });
    writer.first = 20;
    writer.objects(1, 10);
    assert!(verify(&bucket, Depth::Chain).is_whole());
    assert_eq!(found(&verify(&bucket, Depth::Deep)), [(Kind::EntryCount, 1)]);
    assert_eq!(stops(&bucket, 10).kind, Kind::EntryCount);
    // Where the delimiter may stand inside entries there is no counting.
    let uncounted = VerifyOptions { count_entries: false, ..VerifyOptions::default() };
    let report =
        reader(bucket.clone()).verify(&Selection::default(), Depth::Deep, uncounted, &mut |_| {}).unwrap();
    assert!(report.is_whole());
    let uncounted = CatOptions { count_entries: false, ..CatOptions::default() };
    assert_eq!(cat(&bucket, &Selection::default(), uncounted).0, text(0..19) + &text(20..30));
}

#[test]
fn entries_that_the_journal_left_out() {
    let bucket = MemoryBucket::new();
    let mut writer = Writer::new(&bucket, "web");
    writer.objects(2, 10);
    writer.first = 25;
    writer.objects(2, 10);
    for depth in [Depth::Chain, Depth::Deep] {
        let report = verify(&bucket, depth);
        assert_eq!(found(&report), [(Kind::MissingEntries, 2)]);
        assert_eq!(report.findings[0].sequences, Some(Sequences::new(20, 25)));
        assert!(report.findings[0].exact);
    }
    assert_eq!(stops(&bucket, 20).kind, Kind::MissingEntries);
    assert_eq!(cat(&bucket, &Selection::default(), GO_ON).0, text(0..20) + &text(25..45));
    let later = Selection { from: Some(25), ..Selection::default() };
    assert_eq!(cat(&bucket, &later, CatOptions::default()).0, text(25..45));
}

#[test]
fn entries_written_twice() {
    let bucket = MemoryBucket::new();
    let mut writer = Writer::new(&bucket, "web");
    writer.objects(2, 10);
    writer.first = 15;
    writer.objects(1, 10);
    for depth in [Depth::Chain, Depth::Deep] {
        let report = verify(&bucket, depth);
        assert_eq!(found(&report), [(Kind::DuplicateEntries, 2)]);
        assert_eq!(report.findings[0].sequences, Some(Sequences::new(15, 20)));
    }
    let finding = stops(&bucket, 20);
    assert_eq!((finding.kind, finding.sequences), (Kind::DuplicateEntries, Some(Sequences::new(15, 20))));
}

#[test]
fn an_object_without_its_metadata() {
    let (bucket, keys) = six();
    let object = bucket.objects().remove(&keys[4]).unwrap();
    put(&bucket, &keys[4], object.body.to_vec(), &[].into());
    for depth in [Depth::Chain, Depth::Deep] {
        assert_eq!(found(&verify(&bucket, depth)), [(Kind::Metadata, 4)]);
    }
    assert_eq!(stops(&bucket, 40).kind, Kind::Metadata);
    assert_eq!(cat(&bucket, &Selection::default(), GO_ON).0, text(0..40) + &text(50..60));
}

#[test]
fn an_empty_object() {
    let (bucket, keys) = six();
    change(&bucket, &keys[1], Vec::clear);
    for depth in [Depth::Listing, Depth::Chain, Depth::Deep] {
        assert!(found(&verify(&bucket, depth)).contains(&(Kind::EmptyObject, 1)), "{depth:?}");
    }
    assert_eq!(stops(&bucket, 10).kind, Kind::EmptyObject);
    assert_eq!(cat(&bucket, &Selection::default(), GO_ON).0, text(0..10) + &text(20..60));
}

#[test]
fn an_object_that_vanishes_while_it_is_read() {
    let (bucket, keys) = six();
    let vanishing = || reader(Shaky { gone: Some(keys[3].clone()), ..Shaky::new(&bucket) });
    for depth in [Depth::Chain, Depth::Deep] {
        let report =
            vanishing().verify(&Selection::default(), depth, VerifyOptions::default(), &mut |_| {}).unwrap();
        assert_eq!(found(&report), [(Kind::Vanished, 3)]);
        assert_eq!(report.findings[0].sequences, Some(Sequences::new(30, 40)));
    }
    let mut out = Vec::new();
    let (finding, written) = stop(vanishing().cat(&Selection::default(), &mut out, CatOptions::default()));
    assert_eq!((finding.kind, written.entries, out), (Kind::Vanished, 30, text(0..30).into_bytes()));
}

#[test]
fn a_large_object_is_proved_before_its_first_entry_is_written() {
    let bucket = MemoryBucket::new();
    let mut writer = Writer { compressor: "none".to_owned(), ..Writer::new(&bucket, "web") };
    let entries: Vec<String> = (0..20_000).map(|n| format!("{n:01000}")).collect();
    let key = writer.object(&entries);
    writer.objects(1, 3);
    assert!(bucket.objects()[&key].body.len() as u64 > s3_journal::read::HELD_BYTES);
    change(&bucket, &key, |stored| *stored.last_mut().unwrap() = b'x');
    let finding = stops(&bucket, 0);
    assert_eq!((finding.kind, finding.keys), (Kind::Damaged, vec![key]));
    let (out, summary) = cat(&bucket, &Selection::default(), GO_ON);
    assert_eq!((out, summary.unwrap().objects), (text(20_000..20_003), 1));
}

#[test]
fn a_report_is_data() {
    let (bucket, keys) = six();
    bucket.delete(&keys[2]);
    let report = serde_json::to_value(verify(&bucket, Depth::Chain)).unwrap();
    let finding = &report["findings"][0];
    assert_eq!(finding["kind"], "missing_objects");
    assert_eq!(finding["numbers"], serde_json::json!({ "first": 2, "last": 2 }));
    assert_eq!(finding["sequences"], serde_json::json!({ "from": 20, "to": 30 }));
    assert_eq!(report["streams"][0]["objects"], 5);
    assert_eq!(report["checked"]["objects"], 5);
    for kind in [Kind::MissingStart, Kind::OutOfOrder, Kind::Fork, Kind::EntryCount] {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
}

#[test]
fn of_one_shard_only_its_own_objects_are_looked_at_and_missed() {
    for depth in [Depth::Listing, Depth::Chain, Depth::Deep] {
        let shard = |shard| VerifyOptions { shard: Some(shard), ..VerifyOptions::default() };
        let bucket = MemoryBucket::new();
        let keys = Writer { shards: Some(3), ..Writer::new(&bucket, "web") }.objects(12, 10);
        let whole = narrowed(&bucket, depth, shard('1'));
        assert!(whole.is_whole(), "{depth:?} {:?}", whole.findings);
        assert_eq!((whole.checked.objects, whole.streams[0].objects), (4, 4), "{depth:?}");
        assert!(depth != Depth::Deep || whole.checked.entries == 40);
        // Object 4 goes to shard 1, and is missing there and nowhere else.
        bucket.delete(&keys[4]);
        for (of, missing) in [('0', false), ('1', true), ('2', false)] {
            let report = narrowed(&bucket, depth, shard(of));
            assert_eq!(
                found(&report),
                if missing { vec![(Kind::MissingObjects, 4)] } else { vec![] },
                "{depth:?}"
            );
        }
        assert!(narrowed(&bucket, depth, shard('7')).is_whole());
        if depth == Depth::Deep {
            change(&bucket, &keys[8], |stored| stored[20] ^= 1);
            assert!(narrowed(&bucket, depth, shard('0')).is_whole());
            let report = narrowed(&bucket, depth, shard('2'));
            assert_eq!(found(&report), [(Kind::Damaged, 8)], "{:?}", report.findings);
        }
    }
}

#[test]
fn of_one_time_nothing_is_missed_that_lies_outside_it() {
    use s3_journal::read::Period;
    let at = |minute: u64| std::time::UNIX_EPOCH + std::time::Duration::from_secs(minute * 60);
    let bucket = MemoryBucket::new();
    // Object n was begun at n minutes.
    let mut writer = Writer::new(&bucket, "web");
    let mut keys = Vec::new();
    for minute in 0..12 {
        writer.time = at(minute);
        keys.extend(writer.objects(1, 10));
    }
    bucket.delete(&keys[0]);
    bucket.delete(&keys[6]);
    for depth in [Depth::Listing, Depth::Chain, Depth::Deep] {
        for (since, until, missing) in [
            (None, None, vec![0, 6]),
            (Some(1), Some(6), vec![6]),
            (Some(1), Some(5), vec![]),
            (Some(7), None, vec![]),
            (Some(6), Some(7), vec![6]),
            (None, Some(1), vec![0]),
            (None, Some(0), vec![0]),
            (Some(8), Some(9), vec![]),
            (Some(50), None, vec![]),
        ] {
            let period = Period { since: since.map(at), until: until.map(at) };
            let report = narrowed(&bucket, depth, VerifyOptions { period, ..VerifyOptions::default() });
            let numbers: Vec<u64> = found(&report).into_iter().map(|(_, number)| number).collect();
            assert_eq!(numbers, missing, "{since:?} to {until:?} {depth:?}: {:?}", report.findings);
        }
        let period = Period { since: Some(at(8)), until: Some(at(10)) };
        let report = narrowed(&bucket, depth, VerifyOptions { period, ..VerifyOptions::default() });
        assert_eq!((report.streams[0].first_number, report.streams[0].last_number), (8, 9), "{depth:?}");
    }
}

#[test]
fn two_machines_with_one_id_are_two_streams_and_each_is_whole() {
    let (bucket, _) = six();
    let mut other = Writer::new(&bucket, "web");
    other.incarnation = Incarnation::new(std::time::UNIX_EPOCH, 9);
    other.objects(4, 5);
    let report = verify(&bucket, Depth::Deep);
    assert!(report.is_whole(), "{:?}", report.findings);
    let streams: Vec<_> = report.streams.iter().map(|stream| (stream.objects, stream.entries)).collect();
    assert_eq!(streams, [(4, Some(20)), (6, Some(60))]);
}

#[test]
fn foreign_objects_are_counted_and_hide_nothing() {
    let (bucket, keys) = six();
    bucket.put_foreign(&format!("{}~", keys[1]), "somebody's");
    bucket.put_foreign("events/raw/README", "somebody's");
    let report = verify(&bucket, Depth::Deep);
    assert!(report.is_whole());
    assert_eq!(report.foreign, 2);
    // One in an object's place is no such object.
    bucket.delete(&keys[2]);
    bucket.put_foreign(&keys[2], "somebody's");
    let report = verify(&bucket, Depth::Chain);
    let kinds = found(&report);
    assert!(kinds.contains(&(Kind::Metadata, 2)), "{kinds:?}");
    let finding = report.findings.iter().find(|finding| finding.kind == Kind::Metadata).unwrap();
    assert_eq!((&finding.keys[..], finding.sequences), (&keys[2..3], Some(Sequences::new(20, 30))));
}
