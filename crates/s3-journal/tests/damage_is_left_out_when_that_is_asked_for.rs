//! Damage in the local queue: what lies before it arrives, nothing damaged ever does, and with `quarantine` all later objects arrive, the
//! gap shows in the chain, and what was left out is kept aside and told.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]
#![expect(
    clippy::disallowed_methods,
    reason = "what a failing medium does, and what somebody finds in the directory"
)]

mod support;

use std::path::{Path, PathBuf};

use s3_journal::bucket::BucketErrorKind;
use s3_journal::durable_queue::Environment;
use s3_journal::read::{Depth, FindingKind, Reader, Selection, VerifyOptions};
use s3_journal::{Compressor, FlushError, Health, Journal, Options, Status, WaitError};
use support::{Object, Place, until};

/// What is wrong, with which entries, and whether exactly with those.
type Found = (FindingKind, Option<(u64, Option<u64>)>, bool);

/// A journal's local directory with objects of a few batches each, written with the store down.
struct Written {
    place: Place,
    compressor: Compressor,
}

impl Written {
    /// Objects of five batches with two entries each; each inner list is one run of the journal, and so a slab of its own.
    fn new(runs: &[u64], compressor: Compressor) -> Self {
        let written = Self { place: Place::new(), compressor };
        written.place.fake.begin_outage(BucketErrorKind::Unavailable);
        let mut next = 0;
        for objects in runs {
            let journal = s3_journal::journal(written.options()).unwrap();
            for _ in 0..*objects {
                for _ in 0..5 {
                    journal.submit(&entry(next)).unwrap();
                    journal.submit(&entry(next + 1)).unwrap().durable().wait().unwrap();
                    next += 2;
                }
                journal.seal();
                until("sealed", || status(&written).open_object.is_none());
            }
            drop(journal);
        }
        written
    }

    fn options(&self) -> Options {
        let options = self.place.options().max_batch_size(2).compressor(self.compressor.clone());
        options.environment(Environment::system())
    }

    fn slab(&self, number: u64) -> PathBuf {
        self.place.local_directory().join(format!("{number:016}.slab"))
    }

    /// The store is back.
    fn open(&self, quarantine: bool) -> Journal {
        self.place.fake.end_outage();
        s3_journal::journal(self.options().quarantine(quarantine)).unwrap()
    }

    /// Everything arrives but these entries.
    fn check_arrives_without(&self, left_out: std::ops::Range<u64>, submitted: u64) -> Vec<Object> {
        let journal = self.open(true);
        let late = journal.submit(&entry(submitted)).unwrap();
        match journal.flush() {
            Err(FlushError::LeftOut { entries }) => assert_eq!(entries, left_out),
            other => panic!("{other:?}"),
        }
        late.uploaded().wait().unwrap();
        match journal.receipt(left_out.start).uploaded().wait() {
            Err(WaitError::LeftOut { entries }) => assert_eq!(entries, left_out),
            other => panic!("{other:?}"),
        }
        let stats = journal.stats();
        assert_eq!((stats.health, stats.left_out), (Health::Ok, left_out.end - left_out.start));
        assert!(matches!(journal.close(), Err(FlushError::LeftOut { .. })));
        drop(journal);
        let objects = self.place.objects();
        let arrived: Vec<String> =
            objects.iter().flat_map(|object| object.text.lines().map(str::to_owned)).collect();
        let expected: Vec<String> =
            (0..=submitted).filter(|number| !left_out.contains(number)).map(entry).collect();
        assert_eq!(arrived, expected);
        for object in &objects {
            assert_eq!(object.text.lines().next().unwrap(), entry(object.metadata.first), "{}", object.key);
        }
        let found = status(self);
        assert_eq!((found.pending_entries, found.left_out_entries), (0, left_out.end - left_out.start));
        let gap = &found.left_out[0];
        assert_eq!(gap.first..gap.next, left_out);
        assert!(self.place.local_directory().join(&gap.kept_as).exists());
        objects
    }

    fn findings(&self) -> Vec<Found> {
        let reader = Reader::new(self.place.bucket(), "").unwrap();
        let report =
            reader.verify(&Selection::default(), Depth::Deep, VerifyOptions::default(), &mut |_| {}).unwrap();
        let of = |sequences: s3_journal::read::Sequences| (sequences.from, sequences.to);
        report.findings.iter().map(|found| (found.kind, found.sequences.map(of), found.exact)).collect()
    }
}

fn entry(number: u64) -> String {
    format!("entry {number:04} of many")
}

fn status(written: &Written) -> Status {
    s3_journal::status(written.place.local_directory()).unwrap()
}

/// Flips a bit in the only place where `bytes` are.
fn flip(file: &Path, bytes: &str) {
    change(file, |content| {
        let bytes = bytes.as_bytes();
        let at = content.windows(bytes.len()).position(|window| window == bytes).unwrap();
        content[at + 3] ^= 4;
    });
}

fn change(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut content = std::fs::read(file).unwrap();
    change(&mut content);
    std::fs::write(file, content).unwrap();
}

#[test]
fn the_object_ends_before_the_damaged_batch_and_all_later_ones_arrive() {
    for runs in [&[3][..], &[3, 1], &[1, 1, 2]] {
        let written = Written::new(runs, Compressor::None);
        flip(&written.slab(1), &entry(4));
        let objects = written.check_arrives_without(4..10, runs.iter().sum::<u64>() * 10);
        assert_eq!(objects[0].text.lines().count(), 4);
        assert_eq!(objects[1].metadata.previous.unwrap().entries, 4, "{runs:?}");
        assert_eq!(written.findings(), [(FindingKind::MissingEntries, Some((4, Some(10))), true)]);
        let directory = written.place.local_directory();
        let text = std::fs::read_to_string(directory.join("quarantine/00000000-000000000004.json")).unwrap();
        let told: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&told["places"][0]["first"], &told["places"][0]["next"]),
            (&4.into(), &6.into()),
            "{text}"
        );
        let kept =
            std::fs::read_to_string(directory.join("quarantine").join(told["entries"].as_str().unwrap()));
        assert_eq!(
            kept.unwrap().lines().map(str::to_owned).collect::<Vec<_>>(),
            (6..10).map(entry).collect::<Vec<_>>()
        );
        let frames =
            std::fs::read(directory.join("quarantine").join(told["frames"][0].as_str().unwrap())).unwrap();
        for good in told["good"].as_array().unwrap() {
            let at = usize::try_from(good["offset_bytes"].as_u64().unwrap()).unwrap();
            let first = entry(good["first"].as_u64().unwrap());
            assert_eq!(&frames[at..at + first.len()], first.as_bytes());
        }
    }
}

#[test]
fn every_compressor_ends_as_one_clean_stream() {
    for compressor in
        [Compressor::Gzip, Compressor::Zstd, Compressor::Snappy, Compressor::Lz4, Compressor::Lzma2]
    {
        let written = Written::new(&[1, 1], compressor);
        // The third of five batches, by the bytes that its frame begins with: damaged in its payload.
        change(&written.slab(1), |content| {
            let frames = frames(content);
            let (offset, len) = frames[3];
            content[offset + len - 9] ^= 1;
        });
        written.check_arrives_without(4..10, 20);
        assert_eq!(written.findings(), [(FindingKind::MissingEntries, Some((4, Some(10))), true)]);
    }
}

/// Offset and length of each frame of a slab, by the lengths in their headers.
fn frames(content: &[u8]) -> Vec<(usize, usize)> {
    let (mut frames, mut at) = (Vec::new(), 4096);
    let number = |at: usize| u32::from_le_bytes(content[at..at + 4].try_into().unwrap()) as usize;
    while at + 64 <= content.len() && content[at..at + 8] != [0; 8] {
        let len = (64 + number(at + 12) + number(at + 16)).next_multiple_of(8);
        frames.push((at, len));
        at += len;
    }
    frames
}

#[test]
fn damage_to_a_frames_header_or_meta_costs_what_the_frame_held() {
    for runs in [&[2][..], &[1, 1]] {
        for at in [9, 70] {
            let written = Written::new(runs, Compressor::None);
            change(&written.slab(1), |content| {
                let offset = frames(content)[2].0;
                content[offset + at] ^= 8;
            });
            let status = status(&written);
            if runs.len() == 1 {
                assert_eq!((status.damage[0].first, status.damage[0].next), (Some(2), Some(4)));
            }
            written.check_arrives_without(2..10, 20);
        }
    }
}

#[test]
fn an_object_whose_first_batch_is_damaged_is_left_out_whole() {
    for at in [9, 70, 400] {
        let written = Written::new(&[1, 1, 1], Compressor::None);
        change(&written.slab(2), |content| {
            let (offset, len) = frames(content)[1];
            content[offset + at.min(len - 20)] ^= 8;
        });
        written.check_arrives_without(10..20, 30);
        assert_eq!(written.findings(), [(FindingKind::MissingObjects, Some((10, Some(20))), true)]);
    }
}

#[test]
fn a_slab_that_is_gone_cut_short_or_zeroed_costs_what_it_held() {
    let changes: [&dyn Fn(&Path); 4] = [
        &|slab| std::fs::remove_file(slab).unwrap(),
        &|slab| change(slab, |content| content.truncate(4096 + 100)),
        &|slab| change(slab, |content| content.truncate(100)),
        &|slab| change(slab, |content| content.fill(0)),
    ];
    for change in changes {
        let written = Written::new(&[1, 1, 1], Compressor::None);
        change(&written.slab(2));
        assert!(!status(&written).damage.is_empty());
        written.check_arrives_without(10..20, 30);
    }
}

#[test]
fn a_damaged_slab_header_or_checkpoint_costs_no_entry() {
    for (slab, at) in
        [(1, 100), (1, 41), (2, 100), (2, 45), (2, 4100), (2, 4200), (3, 100), (3, 42), (3, 4100), (3, 4200)]
    {
        let written = Written::new(&[1, 1, 1], Compressor::None);
        change(&written.slab(slab), |content| content[at] ^= 16);
        assert!(!status(&written).damage.is_empty() || at > 4096, "slab {slab} at {at}");
        let journal = written.open(true);
        journal.close().unwrap_or_else(|error| panic!("slab {slab} at {at}: {error}"));
        assert_eq!(written.place.entries(), (0..30).map(entry).collect::<Vec<_>>(), "slab {slab} at {at}");
    }
}

#[test]
fn several_damaged_places_in_one_object_and_in_others_are_each_left_out() {
    let written = Written::new(&[2, 1, 1], Compressor::None);
    flip(&written.slab(1), &entry(4));
    flip(&written.slab(1), &entry(8));
    flip(&written.slab(2), &entry(22));
    let journal = written.open(true);
    assert!(matches!(journal.close(), Err(FlushError::LeftOut { .. })));
    let arrived: Vec<String> = written
        .place
        .objects()
        .iter()
        .flat_map(|object| object.text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let expected: Vec<String> =
        (0..40).filter(|number| !(4..10).contains(number) && !(22..30).contains(number)).map(entry).collect();
    assert_eq!(arrived, expected);
    let gaps: Vec<_> =
        status(&written).left_out.iter().map(|gap| (gap.first, gap.next, gap.good_entries)).collect();
    assert_eq!(gaps, [(4, 10, 2), (22, 30, 6)]);
}

#[test]
fn damage_to_the_end_of_an_object_costs_no_entry() {
    let written = Written::new(&[1, 1], Compressor::Gzip);
    change(&written.slab(1), |content| {
        let (offset, _) = frames(content)[6];
        content[offset + 20] ^= 1;
    });
    let journal = written.open(true);
    journal.close().unwrap();
    assert_eq!(written.place.entries(), (0..20).map(entry).collect::<Vec<_>>());
    assert_eq!(written.findings(), []);
}

#[test]
fn without_being_asked_for_nothing_is_passed_by() {
    let written = Written::new(&[1, 1], Compressor::None);
    flip(&written.slab(1), &entry(4));
    let journal = written.open(false);
    until("stopped", || journal.stats().health == Health::Stopped);
    let message = journal.stats().last_error.unwrap().message;
    assert!(message.contains("the entries 4 to 5") && message.contains("0000000000000001.slab"), "{message}");
    journal.submit("still taken").unwrap().durable().wait().unwrap();
    assert!(matches!(journal.flush(), Err(FlushError::Damaged { .. })));
    drop(journal);
    assert_eq!(written.place.objects().len(), 0);
    assert!(!written.place.local_directory().join("quarantine").exists());
    // And somebody may ask for it later.
    written.place.fake.begin_outage(BucketErrorKind::Unavailable);
    let journal = written.open(true);
    assert!(matches!(journal.close(), Err(FlushError::LeftOut { .. })));
    assert_eq!(written.place.objects().len(), 3);
}

#[test]
fn an_object_that_is_still_open_is_ended_first() {
    let place = Place::new();
    let options = || place.options().max_batch_size(2).quarantine(true).environment(Environment::system());
    // Parts go up while the object grows; with the store down only the first few are read, and 256 KiB ahead at most.
    place.fake.begin_outage(BucketErrorKind::Unavailable);
    let journal = s3_journal::journal(options()).unwrap();
    let long = |number: u64| format!("{}{}", entry(number), "-".repeat(10_000));
    let submit = |numbers: std::ops::Range<u64>| {
        for number in numbers {
            journal.submit(&long(number)).unwrap();
        }
        journal.receipt(journal.next_sequence() - 1).durable().wait().unwrap();
    };
    submit(0..60);
    flip(&place.local_directory().join("0000000000000001.slab"), &entry(51));
    place.fake.end_outage();
    until("left out", || journal.stats().left_out > 0);
    submit(60..70);
    assert!(matches!(journal.close(), Err(FlushError::LeftOut { .. })));
    let objects = place.objects();
    let lines = objects.iter().flat_map(|object| object.text.lines());
    let arrived: Vec<&str> = lines.map(|line| line.split_once('-').unwrap().0).collect();
    let expected: Vec<String> = (0..70).filter(|number| !(50..60).contains(number)).map(entry).collect();
    assert_eq!(arrived, expected);
    assert_eq!(objects[0].text.lines().count(), 50);
}

#[test]
fn a_damaged_record_that_holds_no_entry_is_passed_by_where_nothing_is_missing() {
    // Between the batches of one object are records of its upload and the log's own: by the last of each slab here.
    for quarantine in [false, true] {
        let written = Written::new(&[1, 1], Compressor::None);
        let place = &written.place;
        let large = |number: u64| format!("{number:020}{}", "x".repeat(60_000));
        let options = || written.options().max_batch_size(1).quarantine(quarantine);
        place.fake.begin_outage(BucketErrorKind::Unavailable);
        let journal = s3_journal::journal(options()).unwrap();
        for number in 0..40 {
            journal.submit(&large(number)).unwrap().durable().wait().unwrap();
        }
        drop(journal);
        // The object goes on from slab to slab: the checkpoints in between hold nothing of it.
        let slabs = status(&written).slabs;
        assert!(slabs >= 5, "{slabs}");
        change(&written.slab(4), |content| content[4096 + 20] ^= 1);
        place.fake.end_outage();
        let journal = s3_journal::journal(options()).unwrap();
        journal.close().unwrap();
        assert_eq!(place.entries().len(), 60);
    }
}

#[test]
fn what_is_left_out_is_on_the_medium_before_it_is_passed_by() {
    use s3_journal::durable_queue::fake::{FakeDisk, Loss};
    use std::sync::Arc;
    let disk = FakeDisk::new();
    let place = Place::new();
    let directory = Path::new("/queue");
    let options = || {
        let environment = Environment { disk: Arc::new(disk.clone()), ..Environment::system() };
        place.options().max_batch_size(2).local_directory(directory).quarantine(true).environment(environment)
    };
    place.fake.begin_outage(BucketErrorKind::Unavailable);
    for run in 0..2 {
        let journal = s3_journal::journal(options()).unwrap();
        for number in 0..6 {
            journal.submit(&entry(run * 6 + number)).unwrap();
        }
        let closed = journal.close_within(std::time::Duration::from_millis(1)).unwrap();
        assert_eq!(closed.not_durable, 0);
    }
    let slab = directory.join("0000000000000001.slab");
    disk.tamper(&slab, |content| {
        let bytes = entry(2).into_bytes();
        let at = content.windows(bytes.len()).position(|window| window == bytes).unwrap();
        content[at] ^= 1;
    });
    place.fake.end_outage();
    let journal = s3_journal::journal(options()).unwrap();
    until("passed by", || journal.stats().left_out > 0);
    drop(journal);
    // The record is on the medium now, and so must be what it tells of.
    disk.lose_power(Loss::Lost);
    let kept = disk.files().into_iter().filter(|file| file.starts_with(directory.join("quarantine")));
    let lens: Vec<usize> = kept.map(|file| disk.content(&file).unwrap().len()).collect();
    assert!(lens.len() >= 3 && lens.iter().all(|len| *len > 0), "{lens:?}");
}

/// Damages the frame of the `nth` record of that kind, in its header.
fn lose(slab: &Path, kind: u16, nth: usize) {
    change(slab, |content| {
        let is_it = |at: usize| u16::from_le_bytes([content[at + 8], content[at + 9]]) == kind;
        let (at, _) = frames(content).into_iter().filter(|(at, _)| is_it(*at)).nth(nth).unwrap();
        content[at + 40] ^= 1;
    });
}

#[test]
fn what_is_left_here_of_an_object_in_the_bucket_may_be_damaged() {
    // That an object was uploaded is lost with its record; that the next was sent says so.
    let written = Written::new(&[], Compressor::None);
    let journal = written.open(false);
    for number in 0..10 {
        journal.submit(&entry(number)).unwrap().durable().wait().unwrap();
    }
    journal.flush().unwrap();
    written.place.fake.begin_outage(BucketErrorKind::Unavailable);
    journal.submit(&entry(10)).unwrap().durable().wait().unwrap();
    journal.seal();
    until("tried", || journal.stats().last_error.is_some());
    drop(journal);
    let slab = written.slab(1);
    lose(&slab, 20, 0);
    // Batches of the first object, with others of it after them.
    lose(&slab, 16, 1);
    lose(&slab, 16, 3);
    for quarantine in [false, true] {
        let journal = written.open(quarantine);
        journal.flush().unwrap();
        assert_eq!(journal.stats().left_out, 0);
    }
    assert_eq!(written.place.entries(), (0..11).map(entry).collect::<Vec<_>>());
    assert_eq!(written.findings(), []);
}

#[test]
fn where_an_objects_end_is_all_that_is_left_of_it_the_next_one_arrives() {
    let written = Written::new(&[1], Compressor::None);
    written.place.fake.begin_outage(BucketErrorKind::Unavailable);
    let journal = s3_journal::journal(written.options()).unwrap();
    drop(journal);
    // An object that is open as the process ends: the next opening ends it, in another slab.
    let journal = s3_journal::journal(written.options()).unwrap();
    for number in 10..16 {
        journal.submit(&entry(number)).unwrap().durable().wait().unwrap();
    }
    drop(journal);
    let journal = s3_journal::journal(written.options()).unwrap();
    for number in 16..20 {
        journal.submit(&entry(number)).unwrap().durable().wait().unwrap();
    }
    drop(journal);
    for slab in 1..=3 {
        std::fs::remove_file(written.slab(slab)).unwrap();
    }
    written.check_arrives_without(0..16, 20);
}

#[test]
fn entries_whose_slab_is_gone_without_a_trace_are_told_though_the_next_ones_are_damaged_too() {
    // The object's end is in the second slab, before the damage; its entries were in the first, and so no slab tells of them.
    let written = Written::new(&[], Compressor::None);
    written.place.fake.begin_outage(BucketErrorKind::Unavailable);
    for range in [0..6, 6..10] {
        let journal = s3_journal::journal(written.options()).unwrap();
        for number in range {
            journal.submit(&entry(number)).unwrap().durable().wait().unwrap();
        }
        drop(journal);
    }
    std::fs::remove_file(written.slab(1)).unwrap();
    lose(&written.slab(2), 16, 0);
    written.check_arrives_without(0..10, 10);
}
