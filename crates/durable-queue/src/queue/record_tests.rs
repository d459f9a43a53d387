use super::*;
use crate::frame::META_BYTES_MAX;

#[test]
fn completed_numbers_come_back_as_runs_whatever_order_they_came_in() {
    let record = Settled::new(vec![9, 3, 4, 5, 0, 100, 101, 4], vec![]);
    let read = settled(&record.encode()).unwrap();
    assert_eq!(read.completed().unwrap(), [0..=0, 3..=5, 9..=9, 100..=101]);
    assert!(read.retried.is_empty());
}

#[test]
fn a_thousand_neighbours_take_a_few_bytes() {
    let record = Settled::new((5_000_000..5_001_000).collect(), vec![]);
    assert!(record.encode().len() < 16, "{}", record.encode().len());
}

#[test]
fn the_largest_settling_record_fits_in_a_slabs_reserve() {
    let completed = (0..SETTLED_TASKS_MAX as u64).map(|n| u64::MAX / 2 + n * (1 << 40)).collect();
    let retried = (0..SETTLED_TASKS_MAX as u64)
        .map(|n| Retried { id: u64::MAX - n, order: u64::MAX - n, attempts: u32::MAX })
        .collect();
    let len = Settled::new(completed, retried).encode().len();
    assert!(len < META_BYTES_MAX / 2, "{len}");
}

#[test]
fn impossible_runs_are_refused() {
    for runs in [vec![1], vec![u64::MAX, 1, 1, 1], vec![5, 0], vec![u64::MAX, 2]] {
        let record = Settled { runs, retried: vec![] };
        settled(&record.encode()).unwrap().completed().unwrap_err();
    }
}

#[test]
fn a_task_keeps_its_number_name_place_and_attempts() {
    for meta in [
        TaskMeta { id: 7, name: "a/../b \u{1f980}", order: None, attempts: None },
        TaskMeta { id: u64::MAX, name: "x", order: Some(9), attempts: Some(2) },
    ] {
        assert_eq!(task(&meta.encode()).unwrap(), meta);
    }
}

#[test]
fn a_task_that_was_never_moved_takes_no_room_for_what_it_lacks() {
    let meta = TaskMeta { id: 7, name: "jobs", order: None, attempts: None };
    assert_eq!(meta.encode().len(), 1 + 1 + 5);
}

#[test]
fn names_too_long_for_a_queue_are_refused_when_read() {
    let name = "n".repeat(256);
    task(&TaskMeta { id: 1, name: &name, order: None, attempts: None }.encode()).unwrap_err();
    task(b"\xff").unwrap_err();
}

#[test]
fn a_log_of_another_program_or_a_later_version_is_refused() {
    let mut ours = Vec::new();
    put_checkpoint(42, &mut ours);
    assert_eq!(checkpoint(&ours).unwrap(), 42);
    let mut other = Vec::new();
    put(&Checkpoint { client: "journal", version: 1, next: 0 }, &mut other);
    assert!(checkpoint(&other).unwrap_err().to_string().contains("journal"));
    let mut newer = Vec::new();
    put(&Checkpoint { client: CLIENT, version: 2, next: 0 }, &mut newer);
    assert!(checkpoint(&newer).unwrap_err().to_string().contains("newer"));
    checkpoint(b"").unwrap_err();
}
