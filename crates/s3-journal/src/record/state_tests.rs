use super::state::FORMAT;
use super::*;
use crate::object::SealReason;
use durable_queue::Position;

fn identity() -> Identity {
    Identity {
        id: "web1".into(),
        incarnation: "20261122T093407Z5f0c2a91".into(),
        store: "memory".into(),
        prefix: String::new(),
    }
}

fn batch(number: u64, first: u64, entries: u64, opens: bool) -> Record {
    Record::Batch(Batch {
        number,
        first,
        entries,
        len_bytes: 10,
        opening: opens.then(|| Opening {
            key: format!("key-{number}"),
            metadata: [("a".to_owned(), "b".to_owned())].into(),
            directory: "2026".into(),
            part_size_bytes: 8 << 20,
            compressor: "none".into(),
        }),
        positions: vec![PositionUpdate { source: 3, position: vec![1, 2].into() }],
        ..Batch::default()
    })
}

fn seal(number: u64, entries: u64) -> Record {
    Record::Seal(Seal {
        number,
        entries,
        len_bytes: 10,
        crc64nvme: 5,
        parts: vec![5],
        reason: SealReason::Flush,
    })
}

fn end(offset_bytes: u64) -> Position {
    Position { slab: 1, offset_bytes }
}

#[test]
fn records_are_read_back_as_they_were_written() {
    let records = [
        batch(0, 0, 3, true),
        seal(0, 3),
        Record::UploadStarted(UploadStarted { number: 0, upload_id: "u".into() }),
        Record::Sent(Sent { number: 0, refused: false }),
        Record::Uploaded(Uploaded {
            number: 0,
            next_sequence: 3,
            cursor: end(9),
            how: UploadedHow::Compared,
            len_bytes: 10,
            whole: false,
        }),
    ];
    for record in records {
        let mut meta = vec![1, 2, 3];
        record.encode_into(&mut meta);
        let kind = record.kind().unwrap() as u16;
        assert_eq!(Record::decode(kind, true, &meta).unwrap(), record);
        assert!(Record::decode(kind, true, &meta[..meta.len() - 1]).is_err());
    }
    assert!(matches!(Record::decode(99, true, &[]), Err(RecordDecodeError::Unknown { kind: 99 })));
    assert_eq!(Record::decode(99, false, &[]).unwrap(), Record::Unknown);
}

#[test]
fn the_state_follows_an_object_through_its_life_and_survives_a_checkpoint() {
    let mut state = State::new(identity());
    state.begin_run(7);
    state.apply(&batch(0, 0, 3, true)).unwrap();
    state.apply(&batch(0, 3, 2, false)).unwrap();
    assert_eq!((state.next_sequence, state.next_number), (5, 1));
    assert!(!state.is_drained());
    state.apply(&seal(0, 5)).unwrap();
    assert_eq!(state.previous.unwrap().entries, 5);
    state.apply(&Record::UploadStarted(UploadStarted { number: 0, upload_id: "u".into() })).unwrap();
    state.apply(&Record::Sent(Sent { number: 0, refused: false })).unwrap();
    let mut bytes = Vec::new();
    state.encode_into(&mut bytes);
    let mut state = State::decode(&bytes).unwrap();
    assert_eq!(state.sending, SendingState { upload_id: Some("u".into()), sent: true });
    let uploaded = Uploaded {
        number: 0,
        next_sequence: 5,
        cursor: end(256),
        how: UploadedHow::Answered,
        len_bytes: 10,
        whole: false,
    };
    state.apply(&Record::Uploaded(uploaded)).unwrap();
    assert!(state.is_drained());
    assert_eq!(state.runs, [7]);
    assert_eq!((state.cursor, state.uploaded_sequence), (end(256), 5));
    assert_eq!(state.sending, SendingState::default());
    assert_eq!(&**state.positions.get(&3).unwrap(), &[1, 2]);
}

#[test]
fn records_that_contradict_each_other_are_refused() {
    let mut state = State::new(identity());
    assert!(state.apply(&batch(0, 1, 1, true)).is_err(), "a gap in the sequence");
    assert!(state.apply(&batch(1, 0, 1, true)).is_err(), "a gap in the numbers");
    assert!(state.apply(&batch(0, 0, 1, false)).is_err(), "no object open");
    assert!(state.apply(&seal(0, 1)).is_err(), "nothing to seal");
    let mut newer = State::new(identity());
    newer.format = FORMAT + 1;
    let mut bytes = Vec::new();
    newer.encode_into(&mut bytes);
    assert!(State::decode(&bytes).unwrap_err().to_string().contains("use a newer one"));
}

#[test]
fn a_record_that_contradicts_the_others_changes_nothing() {
    let mut state = State::new(identity());
    state.apply(&batch(0, 0, 3, true)).unwrap();
    let sent = Record::Sent(Sent { number: 1, refused: false });
    let uploaded = |number| {
        let how = UploadedHow::Answered;
        Record::Uploaded(Uploaded {
            number,
            next_sequence: 3,
            cursor: end(9),
            how,
            len_bytes: 10,
            whole: false,
        })
    };
    let wrong = [batch(1, 3, 1, false), batch(1, 3, 1, true), seal(1, 1), sent, uploaded(0), uploaded(1)];
    for record in wrong {
        let before = state.clone();
        assert!(state.check(&record).is_err(), "{record:?}");
        assert!(state.apply(&record).is_err());
        assert_eq!(state, before, "{record:?}");
    }
    state.apply(&seal(0, 3)).unwrap();
    state.apply(&uploaded(0)).unwrap();
    assert!(state.check(&uploaded(0)).is_err(), "twice");
}
