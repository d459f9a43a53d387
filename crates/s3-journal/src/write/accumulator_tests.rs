use std::collections::BTreeMap;
use std::time::Duration;

use super::accumulator::*;

fn limits() -> AccumulatorLimits {
    AccumulatorLimits {
        batch_entries_max: 3,
        batch_bytes_max: 100,
        entry_bytes_max: 50,
        batch_latency_max: Some(Duration::from_millis(10)),
        delimiter: b"\n".to_vec(),
        delimiter_inside_allowed: false,
    }
}

fn accumulator(limits: AccumulatorLimits) -> Accumulator {
    Accumulator::new(limits, 0, BTreeMap::new())
}

fn offer(accumulator: &mut Accumulator, entry: &[u8]) -> Result<Accepted, Refusal> {
    offer_at(accumulator, entry, None)
}

fn offer_at(a: &mut Accumulator, entry: &[u8], position: Option<(u64, &[u8])>) -> Result<Accepted, Refusal> {
    a.offer(
        || Duration::from_millis(5),
        |out| {
            out.extend_from_slice(entry);
            Ok(())
        },
        position,
    )
}

const NOW: Duration = Duration::from_millis(5);

#[test]
fn a_batch_is_full_by_entries_or_by_bytes() {
    let mut a = accumulator(limits());
    assert!(a.take(NOW).is_none());
    assert_eq!(
        offer(&mut a, b"a").unwrap(),
        Accepted { sequence: 0, begins_batch: true, fills_batch: false }
    );
    offer(&mut a, b"b").unwrap();
    assert!(a.take(NOW).is_none());
    assert!(offer(&mut a, b"").unwrap().fills_batch);
    let batch = a.take(NOW).unwrap();
    assert_eq!((batch.bytes.as_slice(), batch.first, batch.entries), (&b"a\nb\n\n"[..], 0, 3));
    a.give_back(batch);
    offer(&mut a, &[b'x'; 50]).unwrap();
    assert!(offer(&mut a, &[b'y'; 48]).unwrap().fills_batch);
    assert_eq!(a.take(NOW).unwrap().first, 3);
}

#[test]
fn a_batch_is_taken_as_it_is_when_it_is_due_or_asked_for() {
    let mut a = accumulator(limits());
    offer(&mut a, b"a").unwrap();
    assert_eq!(a.due_at(), Some(Duration::from_millis(15)));
    assert!(a.take(Duration::from_millis(14)).is_none());
    assert_eq!(a.take(Duration::from_millis(15)).unwrap().entries, 1);
    assert_eq!(a.due_at(), None);
    offer(&mut a, b"b").unwrap();
    a.take_through(u64::MAX);
    assert_eq!(a.take(NOW).unwrap().first, 1);
    offer(&mut a, b"c").unwrap();
    assert!(a.take(NOW).is_none(), "what was asked for was taken already");
}

#[test]
fn when_the_scribe_is_behind_no_further_entry_is_taken_and_none_is_lost() {
    let mut a = accumulator(limits());
    let mut accepted = 0;
    while offer(&mut a, b"entry").is_ok() {
        accepted += 1;
    }
    assert_eq!(accepted, 3 * (READY_BATCHES_MAX as u64 + 1));
    let mut taken = 0;
    while let Some(batch) = a.take(NOW) {
        assert_eq!(batch.first, taken);
        taken += batch.entries;
        a.give_back(batch);
    }
    assert_eq!(taken, accepted);
    assert!(offer(&mut a, b"entry").is_ok());
}

#[test]
fn a_refused_entry_leaves_nothing_behind() {
    let mut a = accumulator(limits());
    offer(&mut a, b"good").unwrap();
    assert!(matches!(offer(&mut a, &[b'x'; 51]), Err(Refusal::TooLarge { len_bytes: 51, max_bytes: 50 })));
    assert!(matches!(offer(&mut a, b"two\nlines"), Err(Refusal::DelimiterInside { at: 3 })));
    let failed = a.offer(
        || NOW,
        |out| {
            out.extend_from_slice(b"half");
            Err("no".into())
        },
        Some((1, b"p")),
    );
    assert!(matches!(failed, Err(Refusal::Encode(_))));
    assert_eq!(a.position(1), None);
    a.take_through(u64::MAX);
    assert_eq!(a.take(NOW).unwrap().bytes, b"good\n");
}

#[test]
fn a_delimiter_that_would_begin_inside_the_entry_is_seen() {
    let mut a = accumulator(AccumulatorLimits { delimiter: b"\n\n".to_vec(), ..limits() });
    offer(&mut a, b"a\nb").unwrap();
    assert!(matches!(offer(&mut a, b"a\n"), Err(Refusal::DelimiterInside { at: 1 })));
    assert!(matches!(offer(&mut a, b"\n"), Err(Refusal::DelimiterInside { at: 0 })));
    let mut empty = accumulator(AccumulatorLimits { delimiter: Vec::new(), ..limits() });
    offer(&mut empty, b"a\n").unwrap();
    let mut allowed = accumulator(AccumulatorLimits { delimiter_inside_allowed: true, ..limits() });
    offer(&mut allowed, b"a\nb").unwrap();
}

#[test]
fn the_last_position_of_each_source_goes_with_its_batch() {
    let mut a = accumulator(limits());
    offer_at(&mut a, b"a", Some((1, b"one"))).unwrap();
    offer_at(&mut a, b"b", Some((2, b"two"))).unwrap();
    offer_at(&mut a, b"c", Some((1, b"three"))).unwrap();
    assert_eq!(a.position(1), Some(&b"three"[..]));
    let batch = a.take(NOW).unwrap();
    let updates: Vec<_> = batch.positions.iter().map(|u| (u.source, u.position.to_vec())).collect();
    assert_eq!(updates, [(1, b"three".to_vec()), (2, b"two".to_vec())]);
    let long = vec![0; POSITION_BYTES_MAX + 1];
    assert!(matches!(offer_at(&mut a, b"d", Some((1, &long))), Err(Refusal::PositionTooLarge { .. })));
    offer_at(&mut a, b"d", Some((1, b""))).unwrap();
    assert_eq!(a.position(1), None);
}

#[test]
fn positions_of_all_sources_together_are_bounded() {
    let mut a = accumulator(AccumulatorLimits { batch_entries_max: u64::MAX, ..limits() });
    let long = vec![7; POSITION_BYTES_MAX];
    let mut source = 0;
    let refused = loop {
        match offer_at(&mut a, b"", Some((source, &long))) {
            Ok(_) => source += 1,
            Err(Refusal::NoRoom) => {
                let batch = a.take(NOW).unwrap();
                a.give_back(batch);
            }
            Err(refusal) => break refusal,
        }
    };
    assert!(matches!(refused, Refusal::TooManyPositions { .. }), "{refused}");
    offer_at(&mut a, b"", Some((0, b"short"))).unwrap();
}

#[test]
fn an_encoder_that_panics_leaves_nothing_behind() {
    let panics = |a: &mut Accumulator| {
        let offered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            a.offer(
                || NOW,
                |out| {
                    out.extend_from_slice(b"half an entry");
                    std::panic::resume_unwind(Box::new("an encoder's fault"))
                },
                None,
            )
        }));
        assert!(offered.is_err());
    };
    let mut a = accumulator(limits());
    panics(&mut a);
    for entry in [b"a", b"b", b"c"] {
        offer(&mut a, entry).unwrap();
        panics(&mut a);
    }
    // The last one came when the batch was full and a new one had begun.
    offer(&mut a, b"d").unwrap();
    panics(&mut a);
    a.take_through(u64::MAX);
    let batches: Vec<_> = std::iter::from_fn(|| a.take(NOW)).collect();
    let bytes: Vec<_> = batches.iter().map(|batch| batch.bytes.as_slice()).collect();
    assert_eq!(bytes, [b"a\nb\nc\n".as_slice(), b"d\n"]);
    assert_eq!(batches.iter().map(|batch| batch.entries).sum::<u64>(), 4);
}
