use super::*;

const EVERYTHING: Position = Position { slab: u64::MAX, offset_bytes: 0 };

/// Puts `count` tasks of 100 bytes at the end of `slab`.
fn put(ledger: &mut Ledger, name: &str, slab: u64, count: u64) {
    for _ in 0..count {
        let place = Position { slab, offset_bytes: 4096 + ledger.next() * 100 };
        ledger.put(name, place, 100);
    }
}

fn ledger() -> Ledger {
    Ledger::new(0, Slabs::default())
}

fn take(ledger: &mut Ledger, name: &str) -> Option<u64> {
    ledger.take(name, EVERYTHING).map(|(_, entry)| entry.id)
}

fn drain(ledger: &mut Ledger, name: &str) -> Vec<u64> {
    std::iter::from_fn(|| take(ledger, name)).collect()
}

#[test]
fn tasks_of_a_name_come_in_the_order_they_were_put() {
    let mut ledger = ledger();
    put(&mut ledger, "a", 1, 2);
    put(&mut ledger, "b", 1, 1);
    put(&mut ledger, "a", 1, 1);
    assert_eq!(drain(&mut ledger, "a"), [0, 1, 3]);
    assert_eq!(drain(&mut ledger, "b"), [2]);
    assert_eq!(take(&mut ledger, "c"), None);
}

#[test]
fn nothing_is_taken_before_it_is_visible() {
    let mut ledger = ledger();
    put(&mut ledger, "a", 1, 2);
    let first_end = Position { slab: 1, offset_bytes: 4196 };
    assert!(ledger.take("a", Position { offset_bytes: 4195, ..first_end }).is_none());
    assert_eq!(ledger.takeable("a", first_end, 9), 1);
    assert!(ledger.take("a", first_end).is_some());
    assert!(ledger.take("a", first_end).is_none());
}

#[test]
fn a_retried_task_goes_to_the_back_and_one_given_back_to_its_place() {
    let mut ledger = ledger();
    put(&mut ledger, "a", 1, 4);
    assert_eq!(take(&mut ledger, "a"), Some(0));
    assert_eq!(take(&mut ledger, "a"), Some(1));
    assert_eq!(take(&mut ledger, "a"), Some(2));
    assert!(ledger.retry(0));
    assert!(ledger.give_back(2));
    assert!(ledger.give_back(1));
    assert!(!ledger.give_back(1), "it isn't taken any more");
    put(&mut ledger, "a", 1, 1);
    assert_eq!(drain(&mut ledger, "a"), [1, 2, 3, 0, 5], "number 4 went to the retried one's place");
    assert!(ledger.give_back(0));
    let (_, retried) = ledger.take("a", EVERYTHING).unwrap();
    assert_eq!((retried.id, retried.attempts), (0, 1));
    let stats = ledger.stats(1)["a"];
    assert_eq!((stats.enqueued, stats.retried, stats.in_progress), (5, 1, 5));
}

#[test]
fn a_completed_task_is_recorded_once() {
    let mut ledger = ledger();
    put(&mut ledger, "a", 1, 1);
    assert!(!ledger.complete(0), "it waits");
    take(&mut ledger, "a");
    assert!(ledger.complete(0));
    assert!(!ledger.complete(0));
    assert!(!ledger.retry(0));
    let batch = ledger.settlement.batch().unwrap();
    assert_eq!(batch.record.completed().unwrap(), [0..=0]);
    ledger.settlement.recorded(&batch);
    assert!(ledger.settlement.is_empty());
    let stats = ledger.stats(1)["a"];
    assert_eq!((stats.completed, stats.in_progress, stats.num_slabs, stats.num_active_slabs), (1, 0, 0, 0));
}

#[test]
fn large_settlements_are_recorded_in_several_batches() {
    let mut ledger = ledger();
    put(&mut ledger, "a", 1, 2000);
    for id in drain(&mut ledger, "a") {
        assert!(if id % 2 == 0 { ledger.complete(id) } else { ledger.retry(id) });
    }
    assert_eq!(ledger.settlement.len(), 2000);
    let (mut completed, mut retried) = (Vec::new(), Vec::new());
    while let Some(batch) = ledger.settlement.batch() {
        completed.extend(batch.record.completed().unwrap().into_iter().flatten());
        retried.extend(batch.record.retried.iter().map(|retried| retried.id));
        ledger.settlement.recorded(&batch);
    }
    completed.sort_unstable();
    assert_eq!(completed, (0..2000).step_by(2).collect::<Vec<_>>());
    assert_eq!(retried, (1..2000).step_by(2).collect::<Vec<_>>(), "in the order of the calls");
}

#[test]
fn a_moved_task_keeps_number_and_order_and_frees_its_old_slab() {
    let mut ledger = ledger();
    put(&mut ledger, "a", 1, 3);
    take(&mut ledger, "a");
    take(&mut ledger, "a");
    assert!(ledger.retry(0));
    // 1 is taken, 2 waits at its own place, 0 waits at another's.
    for id in 0..3 {
        let from = Position { slab: 1, offset_bytes: 4096 + id * 100 };
        let to = Position { slab: 7, ..from };
        assert_eq!(ledger.at("a", id, from).unwrap().id, id);
        ledger.moved("a", id, from, to, 104);
        assert!(ledger.at("a", id, from).is_none());
        assert_eq!(ledger.at("a", id, to).unwrap().frame_bytes, 104);
        ledger.moved("a", id, from, to, 104);
    }
    assert_eq!(ledger.slabs.release(8), 7);
    assert_eq!(ledger.stats(8)["a"].num_slabs, 1);
    assert_eq!(ledger.place_of_taken(1).unwrap().slab, 7);
    assert!(ledger.complete(1));
    assert_eq!(drain(&mut ledger, "a"), [2, 0]);
    assert!(ledger.complete(0));
    assert!(ledger.complete(2));
    assert_eq!(ledger.slabs.release(8), 8);
}

#[test]
fn a_task_completed_while_it_was_moved_stays_completed() {
    let mut ledger = ledger();
    put(&mut ledger, "a", 1, 1);
    take(&mut ledger, "a");
    assert!(ledger.complete(0));
    let from = Position { slab: 1, offset_bytes: 4096 };
    ledger.moved("a", 0, from, Position { slab: 2, offset_bytes: 4096 }, 100);
    assert_eq!(ledger.slabs.release(3), 3);
}

#[test]
fn a_damaged_task_is_out_of_the_queue_and_frees_its_slab_only_if_kept_elsewhere() {
    let mut ledger = ledger();
    put(&mut ledger, "a", 1, 2);
    assert_eq!(drain(&mut ledger, "a"), [0, 1]);
    assert!(ledger.set_aside(0, false));
    assert!(ledger.set_aside(1, true));
    assert!(!ledger.complete(0) && !ledger.retry(0) && !ledger.give_back(0) && !ledger.set_aside(0, true));
    let stats = ledger.stats(2)["a"];
    assert_eq!((stats.enqueued, stats.completed, stats.in_progress, stats.num_slabs), (2, 0, 0, 1));
    assert_eq!(ledger.slabs.release(2), 1);
    assert_eq!(ledger.slabs.to_empty(2, true), None);
    assert_eq!(ledger.settlement.batch().unwrap().record.completed().unwrap(), [1..=1]);
    assert_eq!(ledger.delete("a"), 1);
    assert_eq!(ledger.slabs.release(2), 2);
}

#[test]
fn a_deleted_queue_leaves_nothing_behind_and_its_taken_tasks_are_nobodys() {
    let mut ledger = ledger();
    put(&mut ledger, "a", 1, 3);
    put(&mut ledger, "b", 1, 1);
    take(&mut ledger, "a");
    take(&mut ledger, "a");
    assert!(ledger.retry(1));
    assert_eq!(ledger.delete("a"), 3);
    assert_eq!(ledger.delete("a"), 0);
    assert!(!ledger.complete(0));
    assert_eq!(ledger.stats(1).into_keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(ledger.settlement.batch().unwrap().record.completed().unwrap(), [0..=2]);
    assert_eq!(drain(&mut ledger, "b"), [3]);
    assert!(ledger.complete(3));
    assert_eq!(ledger.slabs.release(2), 2);
    put(&mut ledger, "a", 2, 1);
    assert_eq!(ledger.stats(2)["a"].enqueued, 1);
}

#[test]
fn active_slabs_are_those_being_read_written_or_held() {
    let mut ledger = ledger();
    for slab in 1..=5 {
        put(&mut ledger, "a", slab, 1);
    }
    let counts = |ledger: &Ledger| {
        let stats = ledger.stats(5)["a"];
        (stats.num_slabs, stats.num_active_slabs)
    };
    assert_eq!(counts(&ledger), (5, 2), "the first is read next, the last is written");
    take(&mut ledger, "a");
    assert_eq!(counts(&ledger), (5, 3), "the first is held, the second is read next");
    assert!(ledger.complete(0));
    assert_eq!(counts(&ledger), (4, 2));
}

#[test]
fn an_entry_takes_the_forty_bytes_that_are_told_of() {
    assert_eq!(size_of::<Entry>(), 40);
}

#[test]
fn a_drained_queue_gives_its_memory_back() {
    let mut ledger = ledger();
    put(&mut ledger, "a", 1, 10_000);
    for _ in 0..9_990 {
        let id = take(&mut ledger, "a").unwrap();
        ledger.complete(id);
    }
    assert!(ledger.queues["a"].waiting.capacity() < 2000);
}
