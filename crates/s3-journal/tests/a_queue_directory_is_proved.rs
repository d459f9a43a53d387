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
use s3_journal::read::{Reader, Selection, Sequences};
use s3_journal::verify_local;
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

fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
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
