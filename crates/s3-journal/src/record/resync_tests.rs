use durable_queue::Position;

use super::*;
use crate::object::SealReason;

fn state() -> State {
    let text = |text: &str| text.to_owned();
    State::new(Identity { id: text("a"), incarnation: text("b"), store: text("memory"), prefix: text("") })
}

fn batch(number: u64, first: u64, entries: u64, opens: bool) -> Record {
    let opening = Opening {
        key: format!("key-{number}"),
        metadata: [].into(),
        directory: "2026".into(),
        part_size_bytes: 8 << 20,
        compressor: "none".into(),
    };
    Record::Batch(Batch { number, first, entries, opening: opens.then_some(opening), ..Batch::default() })
}

fn seal(number: u64, entries: u64) -> Record {
    let reason = SealReason::Flush;
    Record::Seal(Seal { number, entries, len_bytes: 1, crc64nvme: 1, parts: vec![1], reason })
}

/// Which headers of missing frames can still be read.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Headers {
    None,
    Last,
    EverySecond,
    All,
}

/// Follows records with the index and the note that they had when nothing was missing.
fn follow(records: &[Record], missing: std::ops::Range<usize>) -> (State, Resync) {
    follow_with(records, missing, Headers::None)
}

fn follow_with(records: &[Record], missing: std::ops::Range<usize>, headers: Headers) -> (State, Resync) {
    let (mut whole, mut state, mut resync) = (state(), state(), Resync::default());
    // The checkpoint.
    resync.noted(&mut state, 0, 0);
    for (index, record) in (1..).zip(records) {
        let note = whole.note(record);
        whole.apply(record).unwrap();
        if !missing.contains(&(index - 1)) {
            resync.follow(&mut state, record, note, index as u64).unwrap();
            continue;
        }
        let is_last = index == missing.end;
        match headers {
            Headers::None if is_last => resync.gap(&mut state, None),
            Headers::All => resync.gap(&mut state, Some((note, index as u64))),
            Headers::EverySecond if index % 2 == 0 => resync.gap(&mut state, Some((note, index as u64))),
            Headers::EverySecond => resync.gap(&mut state, None),
            Headers::Last if is_last => resync.gap(&mut state, Some((note, index as u64))),
            Headers::Last | Headers::None => {}
        }
    }
    if missing.end == records.len() {
        resync.noted(&mut state, whole.next_sequence + 1, records.len() as u64 + 1);
    }
    assert!(!resync.is_open());
    (state, resync)
}

fn life() -> Vec<Record> {
    vec![
        batch(0, 0, 3, true),
        batch(0, 3, 2, false),
        seal(0, 5),
        batch(1, 5, 4, true),
        Record::Sent(Sent { number: 0, refused: false }),
        batch(1, 9, 1, false),
        seal(1, 5),
        batch(2, 10, 7, true),
    ]
}

#[test]
fn a_sequence_number_whose_record_is_lost_is_not_used_again() {
    let (records, mut whole) = (life(), state());
    for record in &records {
        whole.apply(record).unwrap();
    }
    for headers in [Headers::None, Headers::Last, Headers::EverySecond, Headers::All] {
        for from in 0..records.len() {
            for to in from + 1..=records.len() {
                let (state, _) = follow_with(&records, from..to, headers);
                let what = format!("{from}..{to}, {headers:?}");
                assert_eq!(state.next_sequence, whole.next_sequence, "{what}");
                assert!(state.next_number >= whole.next_number, "{what}: {}", state.next_number);
            }
        }
    }
}

#[test]
fn what_follows_the_damage_brings_the_state_back() {
    let (records, mut whole) = (life(), state());
    for record in &records {
        whole.apply(record).unwrap();
    }
    // All that is missing is followed by the last object's first batch.
    for from in 0..6 {
        let (state, _) = follow(&records, from..7);
        assert_eq!((state.next_number, &state.open), (whole.next_number, &whole.open), "{from}");
    }
}

#[test]
fn no_number_is_skipped_once_the_last_entry_is_uploaded() {
    let (cursor, how) = (Position::ZERO, UploadedHow::Answered);
    let uploaded =
        Record::Uploaded(Uploaded { number: 0, next_sequence: 9, cursor, how, len_bytes: 1, whole: false });
    let sent = Record::Sent(Sent { number: 0, refused: false });
    let records =
        [batch(0, 0, 3, true), batch(0, 3, 2, false), batch(0, 5, 4, false), seal(0, 9), sent, uploaded];
    // Three frames could have begun another object; but that would have had an entry.
    for from in 0..4 {
        let (state, _) = follow(&records, from..4);
        assert_eq!((state.next_sequence, state.next_number, state.is_drained()), (9, 1, true), "{from}");
    }
}

#[test]
fn where_nothing_follows_numbers_jump() {
    let mut state = state();
    let mut resync = Resync::default();
    resync.follow(&mut state, &batch(0, 0, 3, true), 4, 0).unwrap();
    resync.gap(&mut state, None);
    assert!(resync.is_open());
    resync.jump(&mut state);
    assert!(!resync.is_open() && state.next_sequence > 1 << 40 && state.next_number > 1 << 16);
}
