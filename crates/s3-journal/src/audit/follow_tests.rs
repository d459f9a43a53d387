use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;
use crate::audit::ObjectState;
use crate::object::{Predecessor, SealReason};
use crate::record::{Cut, Identity, Opening};

const FILE: &str = "/queue/0000000000000001.slab";

/// A finding's kind and entries, and whether those are exact.
type Short = (Kind, Option<(u64, Option<u64>)>, bool);

/// A log, told record by record.
struct Told {
    follow: Follow,
    at: u64,
}

impl Told {
    fn new() -> Self {
        let identity = Identity {
            id: "web".to_owned(),
            incarnation: "20231114T221320Z000000ab".to_owned(),
            store: "memory".to_owned(),
            prefix: String::new(),
        };
        let mut told = Self { follow: Follow::default(), at: 4096 };
        told.checkpoint(&State::new(identity));
        told
    }

    fn checkpoint(&mut self, state: &State) {
        let mut payload = Vec::new();
        state.encode_into(&mut payload);
        let position = Position { slab: 1, offset_bytes: self.at };
        self.follow.checkpoint(Path::new(FILE), position, &payload);
    }

    fn frame(&mut self, record: &Record, payload_len: usize) -> Frame {
        let mut meta = Vec::new();
        record.encode_into(&mut meta);
        let position = Position { slab: 1, offset_bytes: self.at };
        self.at += 100;
        Frame {
            kind: record.kind().map_or(0, |kind| kind as u16),
            must_understand: true,
            index: self.at,
            position,
            end: position,
            payload: position,
            payload_len: u32::try_from(payload_len).unwrap(),
            payload_crc: 0,
            meta,
            note: 0,
        }
    }

    fn tell(&mut self, record: &Record, payload: &[u8]) {
        let frame = self.frame(record, payload.len());
        self.follow.record(Path::new(FILE), &frame, payload);
    }

    fn lose(&mut self, record: Option<&Record>, acknowledged: bool) {
        let (offset_bytes, record) = (self.at, record.map(|record| self.frame(record, 1)));
        self.at += 100;
        // The type is closed to other crates, so it is made by an audit of a real log.
        let damage = damage(offset_bytes, record, acknowledged);
        self.follow.damage(&damage);
    }

    fn found(self) -> (LocalReport, Vec<Short>) {
        let report = self.follow.finish(Path::new("/queue"), Audited::default());
        let found = report.findings.iter().map(|found| {
            (found.kind, found.sequences.map(|sequences| (sequences.from, sequences.to)), found.exact)
        });
        let found = found.collect();
        (report, found)
    }
}

/// AuditedDamage as the log's audit tells it.
fn damage(offset_bytes: u64, record: Option<Frame>, acknowledged: bool) -> AuditedDamage {
    struct Take(Option<AuditedDamage>);
    impl Auditor for Take {
        fn checkpoint(&mut self, _: &Path, _: Position, _: &[u8]) {}
        fn record(&mut self, _: &Path, _: &Frame, _: &[u8]) {}
        fn damage(&mut self, damage: &AuditedDamage) {
            self.0.get_or_insert_with(|| damage.clone());
        }
    }
    let directory = tempfile::tempdir().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test makes a damaged file")]
    std::fs::write(directory.path().join("0000000000000001.slab"), b"no slab").unwrap();
    let mut take = Take(None);
    durable_queue::audit(&durable_queue::disk::RealDisk, directory.path(), &mut take).unwrap();
    let mut damage = take.0.unwrap();
    (damage.file, damage.offset_bytes, damage.record) = (PathBuf::from(FILE), offset_bytes, record);
    damage.position = Position { slab: 1, offset_bytes };
    damage.acknowledged = acknowledged;
    damage
}

/// Ten entries of object `number`, of one byte each that was stored; `sum_of` is all of its bytes so far.
fn batch(number: u64, first: u64, opens: bool, sum_of: &[u8]) -> Record {
    Record::Batch(Batch {
        number,
        first,
        entries: 10,
        len_bytes: sum_of.len() as u64,
        crc64nvme: durable_queue::checksum(sum_of),
        opening: opens.then(|| Opening {
            key: format!("key-{number}"),
            metadata: BTreeMap::new(),
            directory: String::new(),
            part_size_bytes: 1,
            compressor: "none".to_owned(),
        }),
        ..Batch::default()
    })
}

fn seal(number: u64, entries: u64, sum_of: &[u8]) -> Record {
    let (len_bytes, crc64nvme) = (sum_of.len() as u64, durable_queue::checksum(sum_of));
    Record::Seal(Seal { number, entries, len_bytes, crc64nvme, parts: vec![], reason: SealReason::Age })
}

fn uploaded(number: u64, next_sequence: u64) -> Record {
    let (cursor, how) = (Position::ZERO, crate::record::UploadedHow::Answered);
    Record::Uploaded(Uploaded { number, next_sequence, cursor, how, len_bytes: 0, whole: false })
}

#[test]
fn records_that_fit_are_whole() {
    let mut told = Told::new();
    told.tell(&batch(0, 0, true, b"a"), b"a");
    told.tell(&batch(0, 10, false, b"ab"), b"b");
    told.tell(&seal(0, 20, b"abc"), b"c");
    told.tell(&uploaded(0, 20), b"");
    told.tell(&batch(1, 20, true, b"x"), b"x");
    let (report, found) = told.found();
    assert_eq!(found, []);
    assert_eq!((report.next_sequence, report.uploaded_sequence, report.uploaded_number), (30, 20, 1));
    let states: Vec<_> = report.objects.iter().map(|object| (object.state, object.complete)).collect();
    assert_eq!(states, [(ObjectState::Uploaded, true), (ObjectState::Open, true)]);
    assert_eq!(report.objects[0].crc64nvme, durable_queue::checksum(b"abc"));
}

#[test]
fn entries_missing_and_doubled_are_exact() {
    let mut told = Told::new();
    told.tell(&batch(0, 0, true, b"a"), b"a");
    told.tell(&batch(0, 15, false, b"ab"), b"b");
    told.tell(&batch(0, 20, false, b"abc"), b"c");
    let (_, found) = told.found();
    assert_eq!(
        found,
        [
            (Kind::MissingEntries, Some((10, Some(15))), true),
            (Kind::DuplicateEntries, Some((20, Some(25))), true)
        ]
    );
}

#[test]
fn bytes_that_records_do_not_sum_up_are_found_though_each_frame_is_good() {
    let mut told = Told::new();
    told.tell(&batch(0, 0, true, b"a"), b"a");
    told.tell(&batch(0, 10, false, b"ab"), b"X");
    told.tell(&batch(0, 20, false, b"abc"), b"c");
    let (report, found) = told.found();
    assert_eq!(found, [(Kind::WrongSum, Some((10, Some(20))), true)]);
    assert!(report.findings[0].needed && !report.objects[0].complete);
    let mut told = Told::new();
    told.tell(&batch(0, 0, true, b"a"), b"a");
    told.tell(&seal(0, 11, b"ac"), b"c");
    assert_eq!(told.found().1, [(Kind::WrongSum, Some((0, Some(10))), false)]);
}

#[test]
fn what_contradicts_is_told() {
    let mut told = Told::new();
    told.tell(&batch(0, 0, true, b"a"), b"a");
    told.tell(&seal(0, 10, b"a"), b"");
    told.tell(&uploaded(1, 10), b"");
    assert_eq!(told.found().1[0].0, Kind::Contradiction);
    let mut told = Told::new();
    told.tell(&batch(1, 0, true, b"a"), b"a");
    assert_eq!(told.found().1[0].0, Kind::Contradiction);
}

#[test]
fn damage_with_a_good_header_names_its_entries_and_any_other_lies_between_its_neighbours() {
    let mut told = Told::new();
    told.tell(&batch(0, 0, true, b"a"), b"a");
    told.lose(Some(&batch(0, 10, false, b"ab")), true);
    told.tell(&batch(0, 20, false, b"abc"), b"c");
    told.lose(None, true);
    told.tell(&batch(0, 40, false, b"abcde"), b"e");
    told.tell(&seal(0, 50, b"abcde"), b"");
    told.tell(&uploaded(0, 50), b"");
    told.lose(None, true);
    let (report, found) = told.found();
    assert_eq!(
        found,
        [
            (Kind::Damaged, Some((10, Some(20))), true),
            (Kind::Damaged, Some((30, Some(40))), true),
            (Kind::Damaged, Some((50, None)), false)
        ]
    );
    let needed: Vec<_> = report.findings.iter().map(|found| found.needed).collect();
    assert_eq!(needed, [false, false, true]);
    assert_eq!(report.findings[0].number, Some(0));
}

#[test]
fn what_was_never_acknowledged_is_no_finding_and_ends_the_log() {
    let mut told = Told::new();
    told.tell(&batch(0, 0, true, b"a"), b"a");
    told.lose(None, false);
    told.tell(&batch(0, 20, false, b"abc"), b"c");
    let (report, found) = told.found();
    assert_eq!((found, report.next_sequence, report.torn.len()), (vec![], 10, 1));
}

#[test]
fn a_checkpoint_that_says_something_else_is_told_unless_records_before_it_are_lost() {
    for is_lossy in [false, true] {
        let mut told = Told::new();
        let mut state = told.follow.state.clone().unwrap();
        told.tell(&batch(0, 0, true, b"a"), b"a");
        if is_lossy {
            told.lose(None, true);
        }
        (state.next_sequence, state.next_number) = (30, 2);
        told.checkpoint(&state);
        let kinds: Vec<_> = told.found().1.iter().map(|(kind, sequences, _)| (*kind, *sequences)).collect();
        let lost = Some((10, Some(30)));
        if is_lossy {
            assert_eq!(kinds, [(Kind::Damaged, lost)]);
        } else {
            assert_eq!(kinds, [(Kind::MissingEntries, lost), (Kind::Contradiction, None)]);
        }
    }
}

/// Entries from `first` to `next` are left out of object 0, which had `stored` before them; the next object is `next_number`.
fn quarantined(from: u64, first: u64, next: u64, next_number: u64, stored: Option<&[u8]>) -> Quarantined {
    let cut = stored.map(|stored| Cut {
        entries: first,
        len_bytes: stored.len() as u64 + 1,
        crc64nvme: durable_queue::checksum(&[stored, b"!"].concat()),
        parts: vec![],
        trailer: b"!".to_vec().into(),
        whole: Some(Predecessor { entries: 30, len_bytes: 4, crc64nvme: durable_queue::checksum(b"abc.") }),
    });
    Quarantined {
        number: 0,
        from: Position { slab: 1, offset_bytes: from },
        cursor: Position { slab: 1, offset_bytes: u64::MAX },
        next_number,
        first,
        next_sequence: next,
        cut,
        kept_as: "quarantine/0.json".to_owned(),
        good_entries: 10,
    }
}

/// A log of two objects, the second batch of the first one damaged.
fn damaged() -> (Told, u64) {
    let mut told = Told::new();
    told.tell(&batch(0, 0, true, b"a"), b"a");
    let from = told.at;
    told.lose(Some(&batch(0, 10, false, b"ab")), true);
    told.tell(&batch(0, 20, false, b"abc"), b"c");
    told.tell(&seal(0, 30, b"abc."), b".");
    told.tell(&batch(1, 30, true, b"x"), b"x");
    (told, from)
}

fn left_out(report: &LocalReport) -> Vec<(u64, Option<Sequences>, usize)> {
    report.left_out.iter().map(|left| (left.number, left.sequences, left.damage.len())).collect()
}

#[test]
fn an_object_that_was_ended_before_damage_is_whole_as_it_was_cut() {
    let (mut told, from) = damaged();
    told.tell(&Record::Quarantined(quarantined(from, 10, 30, 1, Some(b"a"))), b"");
    told.tell(&uploaded(0, 30), b"");
    told.tell(&seal(1, 10, b"x"), b"");
    told.tell(&uploaded(1, 40), b"");
    let (report, found) = told.found();
    assert_eq!(found, []);
    assert!(report.is_whole());
    assert_eq!(
        (left_out(&report), report.left_out_entries),
        (vec![(0, Some(Sequences::new(10, 30)), 1)], 20)
    );
    assert_eq!((report.left_out[0].good_entries, &*report.left_out[0].kept_as), (10, "quarantine/0.json"));
    let first = &report.objects[0];
    assert_eq!(
        (first.next_sequence, first.stored_bytes, first.ends_early, first.complete),
        (10, 2, true, true)
    );
    assert_eq!(first.crc64nvme, durable_queue::checksum(b"a!"));
    assert_eq!((report.uploaded_sequence, report.uploaded_number), (40, 2));
}

#[test]
fn objects_that_were_left_out_whole_are_told_as_that() {
    let mut told = Told::new();
    let from = told.at;
    told.lose(None, true);
    told.tell(&batch(0, 20, false, b"abc"), b"c");
    told.tell(&seal(0, 30, b"abc."), b".");
    told.tell(&batch(1, 30, true, b"x"), b"x");
    told.tell(&Record::Quarantined(quarantined(from, 0, 30, 1, None)), b"");
    told.tell(&seal(1, 10, b"x"), b"");
    told.tell(&uploaded(1, 40), b"");
    let (report, found) = told.found();
    assert_eq!(found, []);
    assert_eq!(left_out(&report), [(0, Some(Sequences::new(0, 30)), 1)]);
    assert_eq!(report.objects[0].state, ObjectState::LeftOut);
    assert_eq!((report.uploaded_sequence, report.uploaded_number), (40, 2));
}

#[test]
fn what_had_arrived_whole_before_is_not_left_out() {
    let (mut told, from) = damaged();
    told.tell(&Record::Quarantined(quarantined(from, 10, 30, 1, Some(b"a"))), b"");
    let Record::Uploaded(was) = uploaded(0, 30) else { return };
    told.tell(&Record::Uploaded(Uploaded { whole: true, ..was }), b"");
    let (report, _) = told.found();
    assert_eq!((report.left_out_entries, report.objects[0].ends_early), (0, false));
    assert_eq!((report.objects[0].next_sequence, report.objects[0].stored_bytes), (30, 4));
}

#[test]
fn an_early_end_that_sums_up_something_else_is_told() {
    let (mut told, from) = damaged();
    told.tell(&Record::Quarantined(quarantined(from, 10, 30, 1, Some(b"X"))), b"");
    let (report, found) = told.found();
    assert_eq!(found, [(Kind::WrongSum, Some((0, Some(10))), false)]);
    assert!(!report.objects[0].complete);
}

#[test]
fn damage_beside_what_was_left_out_is_still_told() {
    let (mut told, from) = damaged();
    told.lose(Some(&batch(1, 40, false, b"xy")), true);
    told.tell(&Record::Quarantined(quarantined(from, 10, 30, 1, Some(b"a"))), b"");
    assert_eq!(told.found().1, [(Kind::Damaged, Some((40, Some(50))), true)]);
}

#[test]
fn a_checkpoint_that_counts_other_entries_as_left_out_is_told() {
    for forgets in [false, true] {
        let (mut told, from) = damaged();
        let mut state = told.follow.state.clone().unwrap();
        // What is lossy ends with a checkpoint.
        (state.next_sequence, state.next_number, state.open) = (40, 2, None);
        told.checkpoint(&state);
        let record = quarantined(from, 10, 30, 1, Some(b"a"));
        told.tell(&Record::Quarantined(record.clone()), b"");
        state.cut = Some(record.clone());
        if !forgets {
            state.left_out_entries = 20;
            state.gaps.push_back(crate::record::Gap {
                number: 0,
                first: 10,
                next_sequence: 30,
                kept_as: record.kept_as,
                good_entries: 10,
                whole_object: false,
            });
        }
        told.checkpoint(&state);
        let kinds: Vec<Kind> = told.found().1.iter().map(|found| found.0).collect();
        assert_eq!(kinds, if forgets { vec![Kind::Contradiction] } else { vec![] });
    }
}

#[test]
fn notes_say_how_far_damage_goes_and_that_it_costs_nothing() {
    let mut told = Told::new();
    told.tell(&batch(0, 0, true, b"a"), b"a");
    // A record of the upload: the next frame says that no entry is missing.
    told.lose(None, true);
    told.follow.noted(11);
    told.tell(&batch(0, 10, false, b"ab"), b"b");
    told.lose(None, true);
    told.follow.noted(31);
    told.lose(None, true);
    told.follow.noted(36);
    told.tell(&batch(0, 35, false, b"abcd"), b"d");
    let (report, found) = told.found();
    assert_eq!(
        found,
        [
            (Kind::Damaged, None, true),
            (Kind::Damaged, Some((20, Some(30))), true),
            (Kind::Damaged, Some((30, Some(35))), true)
        ]
    );
    assert!(!report.objects[0].complete);
    let mut told = Told::new();
    told.tell(&batch(0, 0, true, b"a"), b"a");
    told.lose(None, true);
    told.follow.noted(11);
    told.tell(&batch(0, 10, false, b"ab"), b"b");
    assert!(told.found().0.objects[0].complete, "nothing of it is missing");
}
