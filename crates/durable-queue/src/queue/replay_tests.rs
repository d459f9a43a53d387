use super::super::record::{Retried, Settled, TaskMeta};
use super::*;

const EVERYTHING: Position = Position { slab: u64::MAX, offset_bytes: 0 };

fn record(kind: u16, slab: u64, offset_bytes: u64, meta: Vec<u8>) -> Record {
    let position = Position { slab, offset_bytes };
    let end = Position { slab, offset_bytes: offset_bytes + 96 };
    Record {
        kind,
        must_understand: true,
        position,
        end,
        payload: end,
        payload_len: 0,
        payload_crc: 0,
        note: 0,
        index: 0,
        meta,
    }
}

fn task(slab: u64, offset: u64, id: u64, place: Option<(u64, u32)>) -> Record {
    let (order, attempts) = place.unzip();
    record(KIND_TASK, slab, offset, TaskMeta { id, name: "a", order, attempts }.encode())
}

fn settled(slab: u64, offset: u64, completed: &[u64], retried: Vec<Retried>) -> Record {
    record(KIND_SETTLED, slab, offset, Settled::new(completed.to_vec(), retried).encode())
}

fn replay(records: &[Record]) -> Replay {
    let mut replay = Replay::new(0);
    for record in records {
        replay.record(record).unwrap();
    }
    replay
}

fn order(ledger: &mut Ledger) -> Vec<(u64, u32, u64)> {
    std::iter::from_fn(|| ledger.take("a", EVERYTHING))
        .map(|(_, entry)| (entry.id, entry.attempts, entry.place.slab))
        .collect()
}

#[test]
fn completed_tasks_are_gone_and_retried_ones_stand_at_the_back() {
    let replay = replay(&[
        task(1, 4096, 0, None),
        task(1, 4200, 1, None),
        task(1, 4400, 2, None),
        settled(1, 4600, &[1], vec![Retried { id: 0, order: 3, attempts: 1 }]),
        task(1, 4800, 4, None),
    ]);
    let mut ledger = replay.into_ledger();
    assert_eq!(ledger.next(), 5);
    assert_eq!(order(&mut ledger), [(2, 0, 1), (0, 1, 1), (4, 0, 1)]);
}

#[test]
fn a_moved_task_is_the_same_task_at_its_old_place_in_the_order() {
    let replay = replay(&[
        task(1, 4096, 0, None),
        task(2, 4096, 1, None),
        task(2, 4200, 2, None),
        task(3, 4096, 1, None),
        task(3, 4200, 0, Some((3, 1))),
    ]);
    let mut ledger = replay.into_ledger();
    assert_eq!(ledger.slabs.release(9), 2);
    assert_eq!(order(&mut ledger), [(1, 0, 3), (2, 0, 2), (0, 1, 3)]);
}

#[test]
fn a_completion_outlives_every_copy_of_its_task() {
    let replay =
        replay(&[task(1, 4096, 0, None), task(3, 4096, 0, None), settled(4, 4096, &[0, 77], vec![])]);
    let mut ledger = replay.into_ledger();
    assert!(order(&mut ledger).is_empty());
    assert_eq!(ledger.slabs.release(9), 9);
}

#[test]
fn tasks_found_completed_at_open_are_recorded_and_not_counted() {
    let mut replay = replay(&[task(1, 4200, 1, None), task(2, 4096, 0, None)]);
    assert_eq!(replay.places().iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 0], "in the log's order");
    replay.is_completed(1);
    replay.is_completed(1);
    let ledger = replay.into_ledger();
    assert_eq!(ledger.stats(2)["a"].enqueued, 1);
    assert_eq!(ledger.settlement.batch().unwrap().record.completed().unwrap(), [1..=1]);
}

#[test]
fn unknown_kinds_are_passed_over_unless_they_must_be_understood() {
    let mut later = record(40, 1, 4096, vec![]);
    assert!(Replay::new(0).record(&later).unwrap_err().to_string().contains("40"));
    later.must_understand = false;
    Replay::new(0).record(&later).unwrap();
}

#[test]
fn the_last_number_there_is_is_refused() {
    Replay::new(0).record(&task(1, 4096, u64::MAX, None)).unwrap_err();
    Replay::new(0).record(&task(1, 4096, 0, Some((u64::MAX, 1)))).unwrap_err();
}

#[test]
fn the_next_number_is_after_every_number_and_place_that_records_tell_of() {
    assert_eq!(next_after(&task(1, 4096, 7, None)).unwrap(), 8);
    assert_eq!(next_after(&task(1, 4096, 7, Some((9, 1)))).unwrap(), 10);
    let retried = [12, 11].map(|order| Retried { id: 1, order, attempts: 1 }).to_vec();
    assert_eq!(
        next_after(&settled(1, 4096, &[99], retried)).unwrap(),
        13,
        "completed numbers were told of before"
    );
    assert_eq!(next_after(&settled(1, 4096, &[99], vec![])).unwrap(), 0);
    // Also when all those tasks are gone.
    assert_eq!(replay(&[task(1, 4096, 7, None), settled(1, 4200, &[7], vec![])]).into_ledger().next(), 8);
}
