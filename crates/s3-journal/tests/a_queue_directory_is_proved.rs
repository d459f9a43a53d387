//! `verify_local` reads a queue directory whole, names what is wrong by file, offset and entries, holds it against the bucket,
//! and changes nothing.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "in a test a panic is the report, and files are damaged by hand"
)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use s3_journal::audit::{BesideOptions, LocalFindingKind as Kind, LocalReport, ObjectState};
use s3_journal::bucket::{Bucket, BucketErrorKind};
use s3_journal::durable_queue::Environment;
use s3_journal::read::{Reader, Selection, Sequences};
use s3_journal::{Journal, verify_local};
use support::Place;

const DEEP: BesideOptions = BesideOptions { deep: true, allow_missing_start: false };

/// Writes that many entries and ends the journal; `uploads` says whether the store is there.
fn run(place: &Place, directory: &Path, entries: u64, uploads: bool) {
    if uploads {
        place.fake.end_outage();
    } else {
        place.fake.begin_outage(BucketErrorKind::NotSent);
    }
    let journal = s3_journal::journal(place.options().local_directory(directory)).unwrap();
    for entry in 0..entries {
        journal.submit(&format!("entry {entry} of this run, some bytes long")).unwrap();
    }
    if uploads {
        journal.close().unwrap();
    } else {
        // Dropped: durable, and not uploaded.
        drop(journal);
    }
    place.fake.end_outage();
}

/// The files of the directory itself.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let entries = entries.filter(|path| path.is_file());
    entries.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn put_back(directory: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    std::fs::remove_dir_all(directory).unwrap();
    std::fs::create_dir(directory).unwrap();
    for (path, content) in files {
        std::fs::write(directory.join(path.file_name().unwrap()), content).unwrap();
    }
}

fn beside(place: &Place, directory: &Path) -> LocalReport {
    let reader = Reader::new(place.bucket(), "").unwrap();
    let listing = reader.list(&Selection::default()).unwrap();
    let mut report = verify_local(directory).unwrap();
    report.hold_against(&reader, &listing, DEEP).unwrap();
    report
}

fn kinds(report: &LocalReport) -> Vec<(Kind, Option<Sequences>, bool)> {
    report.findings.iter().map(|found| (found.kind, found.sequences, found.exact)).collect()
}

#[test]
fn a_whole_directory_tells_what_is_where_and_is_not_touched() {
    let place = Place::new();
    let directory = place.local_directory();
    assert!(verify_local(&directory).is_err());
    run(&place, &directory, 100, true);
    run(&place, &directory, 50, false);
    let before = files(&directory);
    let report = beside(&place, &directory);
    assert_eq!(files(&directory), before);
    assert!(report.is_whole(), "{:?}", report.findings);
    assert_eq!((report.next_sequence, report.uploaded_sequence), (150, 100));
    assert_eq!((report.held_by.as_ref(), report.torn.len()), (None, 0));
    let last = report.objects.last().unwrap();
    assert_eq!((last.first_sequence, last.next_sequence, last.complete), (100, 150, true));
    assert_ne!(last.state, ObjectState::Uploaded);
    assert!(report.slabs.iter().all(|slab| slab.frames > 0));

    let journal = s3_journal::journal(place.options()).unwrap();
    let report = verify_local(&directory).unwrap();
    assert!(report.held_by.unwrap().contains(&std::process::id().to_string()));
    journal.close().unwrap();
    assert!(beside(&place, &directory).is_whole());
}

#[test]
fn each_damaged_byte_is_told_with_its_entries_or_means_nothing() {
    let place = Place::new();
    let directory = place.local_directory();
    run(&place, &directory, 60, false);
    run(&place, &directory, 60, false);
    run(&place, &directory, 5, false);
    let whole = verify_local(&directory).unwrap();
    assert!(whole.is_whole() && whole.slabs.len() == 3, "{whole:?}");
    let good = files(&directory);
    let mut told = 0;
    for slab in &whole.slabs {
        // Without the newest slab's header nothing in it can be read.
        let begin = if slab.number == 3 { 4096 } else { 0 };
        for offset in (begin..slab.end_bytes).step_by(211) {
            let mut content = good[&slab.file].clone();
            content[usize::try_from(offset).unwrap()] ^= 4;
            std::fs::write(&slab.file, content).unwrap();
            let report = verify_local(&directory).unwrap();
            let what =
                format!("{} at {offset}: {:?} {:?}", slab.file.display(), report.findings, report.torn);
            // The last frames of the newest slab lie above its watermark.
            let newest = slab.number == 3;
            assert_eq!(report.next_sequence, if newest { report.next_sequence } else { 125 }, "{what}");
            for found in &report.findings {
                told += 1;
                assert_eq!(found.file.as_ref(), Some(&slab.file), "{what}");
                assert!(found.offset_bytes.unwrap() <= offset, "{what}");
                if let Some(Sequences { from, to: Some(to) }) = found.sequences {
                    assert!(found.needed && to - from <= 10, "{what}");
                }
            }
            std::fs::write(&slab.file, &good[&slab.file]).unwrap();
        }
    }
    assert!(told > 20, "{told}");
}

#[test]
fn missing_slabs_are_told_with_the_entries_that_were_in_them() {
    let place = Place::new();
    let directory = place.local_directory();
    for _ in 0..3 {
        run(&place, &directory, 60, false);
    }
    let whole = verify_local(&directory).unwrap();
    let good = files(&directory);
    std::fs::remove_file(&whole.slabs[1].file).unwrap();
    let report = verify_local(&directory).unwrap();
    let damage = &report.findings[0];
    assert_eq!((damage.kind, damage.file.as_ref()), (Kind::Damaged, Some(&whole.slabs[1].file)));
    assert_eq!((damage.sequences, damage.needed), (Some(Sequences::new(60, 120)), true), "{damage:?}");

    put_back(&directory, &good);
    std::fs::remove_file(&whole.slabs[0].file).unwrap();
    let report = verify_local(&directory).unwrap();
    assert_eq!(kinds(&report), [(Kind::MissingEntries, Some(Sequences::new(0, 60)), true)]);
}

#[test]
fn what_was_acknowledged_and_is_not_in_the_bucket_is_told() {
    let place = Place::new();
    let directory = place.local_directory();
    for _ in 0..3 {
        run(&place, &directory, 20, true);
    }
    assert!(beside(&place, &directory).is_whole());
    let keys: Vec<String> = place.memory.objects().into_keys().collect();
    // Nothing in the bucket could show that its end is missing.
    let last = keys.last().unwrap();
    place.memory.delete(last);
    let report = beside(&place, &directory);
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    let found = &report.findings[0];
    assert_eq!((found.kind, found.number), (Kind::NotInBucket, Some(2)));
    assert_eq!(found.sequences.unwrap().to, Some(60));
    for key in &keys {
        place.memory.delete(key);
    }
    let report = beside(&place, &directory);
    let missing: Vec<_> = report.findings.iter().map(|found| found.sequences.unwrap()).collect();
    assert_eq!(missing.iter().map(|missing| missing.from).min(), Some(0));
    assert_eq!(missing.iter().map(|missing| missing.to.unwrap()).max(), Some(60));
    // Where the first ones may have expired, all may have.
    let mut report = verify_local(&directory).unwrap();
    let reader = Reader::new(place.bucket(), "").unwrap();
    let listing = reader.list(&Selection::default()).unwrap();
    let expired = BesideOptions { allow_missing_start: true, ..DEEP };
    report.hold_against(&reader, &listing, expired).unwrap();
    assert!(report.findings.iter().all(|found| found.kind == Kind::NotInBucket));
}

#[test]
fn an_object_that_differs_from_the_one_here_is_told() {
    let place = Place::new();
    let directory = place.local_directory();
    // An upload whose answer and acknowledgement are lost: the object is there, and its bytes are here.
    run(&place, &directory, 20, false);
    run(&place, &directory, 0, false);
    let before = files(&directory);
    run(&place, &directory, 0, true);
    put_back(&directory, &before);
    let report = beside(&place, &directory);
    assert!(report.is_whole(), "{:?}", report.findings);
    let key = place.memory.objects().into_keys().next().unwrap();
    let object = place.memory.objects()[&key].clone();
    for change in 0..2 {
        let mut bytes = object.body.to_vec();
        match change {
            0 => bytes[30] ^= 1,
            _ => drop(bytes.pop()),
        }
        place.memory.delete(&key);
        let put = s3_journal::bucket::Put {
            key: &key,
            crc64nvme: crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, &bytes),
            body: bytes.into(),
            metadata: &object.metadata,
            create_only: true,
        };
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(place.memory.put(put))
            .unwrap();
        let report = beside(&place, &directory);
        assert_eq!(report.compared_objects, 1);
        assert_eq!(kinds(&report), [(Kind::DiffersFromBucket, Some(Sequences::new(0, 20)), true)]);
    }
}

#[test]
fn a_directory_restored_from_a_backup_shows_beside_the_bucket() {
    let place = Place::new();
    let directory = place.local_directory();
    run(&place, &directory, 20, true);
    let backup = files(&directory);
    run(&place, &directory, 20, true);
    run(&place, &directory, 20, true);
    put_back(&directory, &backup);
    let report = beside(&place, &directory);
    let found: Vec<_> = report.findings.iter().map(|found| (found.kind, found.number)).collect();
    assert_eq!(found, [(Kind::UnknownHere, Some(1)), (Kind::UnknownHere, Some(2))]);
}

/// Flips a bit of that entry's bytes in the slab that holds it.
fn rot(directory: &Path, entry: &str) {
    let slabs =
        files(directory).into_iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "slab"));
    for (slab, mut content) in slabs {
        if let Some(at) = content.windows(entry.len()).position(|window| window == entry.as_bytes()) {
            content[at + 2] ^= 4;
            return std::fs::write(slab, content).unwrap();
        }
    }
    panic!("{entry} isn't here");
}

fn entry(number: u64) -> String {
    format!("entry {number:04} of many")
}

/// Objects of 20 entries, each in a slab of its own, in batches of 10; dropped while the store is down.
fn objects(place: &Place, directory: &Path, count: u64) {
    place.fake.begin_outage(BucketErrorKind::Unavailable);
    for object in 0..count {
        let journal = s3_journal::journal(place.options().local_directory(directory)).unwrap();
        for number in object * 20..(object + 1) * 20 {
            journal.submit(&entry(number)).unwrap();
        }
        drop(journal);
    }
    // The last one is ended by the opening that follows.
    drop(s3_journal::journal(place.options().local_directory(directory)).unwrap());
}

/// Opened so that damage is left out. By the real clock, since it waits for the log to tell more.
fn quarantining(place: &Place, directory: &Path) -> Journal {
    let options = place.options().local_directory(directory).quarantine(true);
    s3_journal::journal(options.environment(Environment::system())).unwrap()
}

/// What was left out: of which object, which entries, and how much damage is still here.
fn left_out(report: &LocalReport) -> Vec<(u64, Option<Sequences>, usize)> {
    let of = |left: &s3_journal::audit::LocalLeftOut| (left.number, left.sequences, left.damage.len());
    report.left_out.iter().map(of).collect()
}

#[test]
fn what_was_left_out_is_told_and_is_no_finding() {
    let place = Place::new();
    let directory = place.local_directory();
    objects(&place, &directory, 4);
    // The end of object 1, and all of object 2.
    rot(&directory, &entry(33));
    rot(&directory, &entry(44));
    let damaged: Vec<_> = kinds(&verify_local(&directory).unwrap());
    let exactly = |from, to| (Kind::Damaged, Some(Sequences::new(from, to)), true);
    assert_eq!(damaged, [exactly(30, 40), exactly(40, 50)]);

    let journal = quarantining(&place, &directory);
    place.fake.end_outage();
    assert!(journal.close().is_err(), "entries were left out");
    drop(journal);
    let report = beside(&place, &directory);
    assert!(report.is_whole(), "{:?}", report.findings);
    let gaps: Vec<_> =
        left_out(&report).into_iter().map(|(number, sequences, _)| (number, sequences)).collect();
    assert_eq!(gaps, [(1, Some(Sequences::new(30, 40))), (2, Some(Sequences::new(40, 60)))]);
    assert_eq!((report.left_out_entries, report.uploaded_sequence), (30, 80));
    assert!(report.left_out.iter().all(|left| left.is_kept && left.good_entries <= 10));
    // Somebody may take away what was kept aside: that is told, too.
    std::fs::remove_dir_all(directory.join("quarantine")).unwrap();
    let report = beside(&place, &directory);
    assert!(report.is_whole() && report.left_out.iter().all(|left| !left.is_kept));
}

#[test]
fn an_object_that_was_cut_is_whole_as_it_was_cut_here_and_in_the_bucket() {
    let place = Place::new();
    let directory = place.local_directory();
    objects(&place, &directory, 2);
    rot(&directory, &entry(13));
    // Cut, while the store refuses all there is to ask: the damage is here, and so are all objects.
    place.fake.begin_outage(BucketErrorKind::Forbidden);
    let journal = quarantining(&place, &directory);
    support::until("left out", || journal.stats().left_out > 0);
    drop(journal);
    let before = files(&directory);
    let report = verify_local(&directory).unwrap();
    assert!(report.is_whole(), "{:?}", report.findings);
    assert_eq!(left_out(&report), [(0, Some(Sequences::new(10, 20)), 1)]);
    assert_eq!(report.left_out[0].damage[0].sequences, Some(Sequences::new(10, 20)));
    let cut = &report.objects[0];
    assert_eq!((cut.next_sequence, cut.complete, cut.ends_early), (10, true, true));
    assert_eq!(cut.state, ObjectState::Sealed);

    // It arrives, and nobody learns it: the directory is as before. What is in the bucket is what is here.
    place.fake.end_outage();
    let journal = quarantining(&place, &directory);
    journal.close().unwrap();
    drop(journal);
    let report = beside(&place, &directory);
    assert!(report.is_whole(), "{:?}", report.findings);
    for slab in files(&directory).keys() {
        std::fs::remove_file(slab).unwrap();
    }
    for (path, content) in &before {
        std::fs::write(path, content).unwrap();
    }
    let mut report = verify_local(&directory).unwrap();
    let reader = Reader::new(place.bucket(), "").unwrap();
    report.hold_against(&reader, &reader.list(&Selection::default()).unwrap(), DEEP).unwrap();
    assert!(report.is_whole() && report.compared_objects > 0, "{:?}", report.findings);

    // More damage, that nobody has left out, is a finding.
    rot(&directory, &entry(25));
    let report = verify_local(&directory).unwrap();
    assert_eq!(kinds(&report), [(Kind::Damaged, Some(Sequences::new(20, 30)), true)]);
    // So is damage to what is left of the object that was cut.
    rot(&directory, &entry(3));
    let report = verify_local(&directory).unwrap();
    assert_eq!(kinds(&report)[0], (Kind::Damaged, Some(Sequences::new(0, 10)), true));
    assert!(!report.objects[0].complete);
}

#[test]
fn objects_left_out_at_the_end_are_not_missed_in_the_bucket() {
    let place = Place::new();
    let directory = place.local_directory();
    objects(&place, &directory, 3);
    rot(&directory, &entry(33));
    rot(&directory, &entry(41));
    place.fake.end_outage();
    let journal = quarantining(&place, &directory);
    assert!(journal.close().is_err());
    drop(journal);
    // Opened and closed again, until nothing of them is left here.
    for _ in 0..2 {
        run(&place, &directory, 0, true);
    }
    let report = beside(&place, &directory);
    assert!(report.is_whole(), "{:?}", report.findings);
    assert_eq!((report.uploaded_sequence, report.left_out_entries), (60, 30));
    // But what isn't there and wasn't left out is.
    let last = place.memory.objects().into_keys().last().unwrap();
    place.memory.delete(&last);
    let report = beside(&place, &directory);
    assert_eq!(report.findings.iter().map(|found| found.kind).collect::<Vec<_>>(), [Kind::NotInBucket]);
}
