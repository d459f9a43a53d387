//! Disk space comes back while the queues are open, also when an old task stays, and when queues are deleted.

#![expect(clippy::unwrap_used, reason = "these are tests: what is wrong here must stop them")]

mod queue_support;
mod support;

use durable_queue::fake::Dice;
use durable_queue::fake::{FakeDisk, Loss};
use durable_queue::queue::{PutError, TakeError};
use durable_queue::{Queues, Task};
use queue_support::{directory, drain, eventually, open, slabs, small, stats, try_open, waiting};
use support::Texts;

/// Puts and completes tasks of 1000 bytes that fill several slabs.
fn churn(queues: &Queues, tasks: usize) {
    for _ in 0..tasks {
        queues.put("churn", [b'x'; 1000]).unwrap();
        queues.take("churn").unwrap().complete().unwrap();
    }
}

#[test]
fn a_slab_goes_when_its_last_task_is_completed_without_a_new_open() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    for n in 0..100 {
        queues.put("a", format!("{n}").repeat(500)).unwrap();
    }
    let most = slabs(&disk);
    assert!(most > 5, "{most}");
    assert_eq!(stats(&queues, "a").num_slabs, most as u64);
    assert_eq!(stats(&queues, "a").num_active_slabs, 2);
    assert_eq!(drain(&queues, "a").len(), 100);
    eventually("only the newest slab is left", || slabs(&disk) == 1);
    assert_eq!(stats(&queues, "a").num_slabs, 0);
}

#[test]
fn slabs_go_as_a_long_queue_is_worked_through() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    for _ in 0..20 {
        churn(&queues, 20);
        eventually("slabs go", || slabs(&disk) <= 2);
    }
}

#[test]
fn an_old_task_in_progress_is_moved_so_that_it_holds_up_no_slabs() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    queues.put("old", "held").unwrap();
    queues.put("old", "waits").unwrap();
    queues.put("old", "retried").unwrap();
    queues.put("old", "last").unwrap();
    let held = queues.take("old").unwrap();
    let mut others: Vec<Task> = queues.immediate_task_seq("old").map(Result::unwrap).collect();
    let retried = others.remove(1);
    drop(others);
    let ids = (held.id(), retried.id());
    retried.retry().unwrap();
    for _ in 0..10 {
        churn(&queues, 50);
        // Three slabs with the old tasks in the first, the one being written, and what goes on meanwhile.
        eventually("the old slabs go", || slabs(&disk) <= 5);
    }
    assert!(!disk.names().contains(&"0000000000000001.slab".to_owned()), "{:?}", disk.names());
    assert_eq!(waiting(&queues, "old"), ["waits", "last", "retried"], "in their order");

    // After a crash too, with what was held at its place.
    let after = disk.fork();
    after.lose_power(Loss::Lost);
    let later = open(&after, small());
    let tasks: Vec<Task> = later.immediate_task_seq("old").map(Result::unwrap).collect();
    let found: Vec<_> = tasks.iter().map(|task| (task.data(), task.attempts())).collect();
    assert_eq!(found, [(&b"held"[..], 0), (b"waits", 0), (b"last", 0), (b"retried", 1)]);
    assert_eq!((tasks[0].id(), tasks[3].id()), ids, "the same tasks");

    // And what was moved can be completed.
    held.complete_durable().unwrap();
    assert_eq!(drain(&queues, "old"), ["waits", "last", "retried"]);
    eventually("nothing is left", || slabs(&disk) <= 2);
    drop(queues);
    assert!(waiting(&open(&disk, small()), "old").is_empty());
}

#[test]
fn a_full_disk_with_one_old_task_is_freed_by_moving_it() {
    let disk = FakeDisk::new();
    disk.set_capacity(Some(64 << 10));
    let queues = open(&disk, small());
    queues.put("old", "held").unwrap();
    let held = queues.take("old").unwrap();
    // Many times the disk, which never has more than three slabs.
    churn(&queues, 300);
    held.complete().unwrap();
}

#[test]
fn whatever_moment_power_fails_no_task_is_lost_or_doubled_by_moving() {
    for seed in 0..80 {
        let mut dice = Dice::new(seed);
        let disk = FakeDisk::new();
        let queues = open(&disk, small());
        for n in 0..5 {
            queues.put("old", format!("{n}")).unwrap();
        }
        let held = queues.take("old").unwrap();
        disk.stop_after(dice.below(400));
        let (mut put, mut completed, mut surely_completed) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..200 {
            let text = format!("{n:01000}");
            if queues.put("churn", &text).is_err() {
                break;
            }
            put.push(text);
            // Some stay, so that there is more to move.
            if dice.one_in(10) {
                continue;
            }
            let Ok(task) = queues.take("churn") else { break };
            let text = String::from_utf8(task.to_vec()).unwrap();
            completed.push(text.clone());
            let is_durable = dice.one_in(5);
            if is_durable {
                if task.complete_durable().is_err() {
                    break;
                }
                surely_completed.push(text);
            } else if task.complete().is_err() {
                break;
            }
        }
        disk.lose_power(if dice.one_in(4) { Loss::Lost } else { Loss::Random(dice.next()) });
        drop((held, queues));
        let queues = open(&disk, small());
        assert_eq!(waiting(&queues, "old"), ["0", "1", "2", "3", "4"], "seed {seed}");
        let found = waiting(&queues, "churn");
        assert!(
            found.is_sorted() && found.windows(2).all(|pair| pair[0] != pair[1]),
            "seed {seed}: {found:?}"
        );
        assert!(
            found.iter().all(|text| !surely_completed.contains(text)),
            "seed {seed}: a completed one is back"
        );
        let lost = put.iter().find(|text| !completed.contains(text) && !found.contains(text));
        assert_eq!(lost, None, "seed {seed}");
    }
}

#[test]
fn a_deleted_queue_is_gone_for_good_and_the_others_stay() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    for n in 0..2000 {
        queues.put(if n % 100 == 0 { "kept" } else { "a" }, format!("{n}")).unwrap();
    }
    let held = queues.take("a").unwrap();
    queues.take("a").unwrap().retry().unwrap();
    assert_eq!(queues.delete_queue("a").unwrap(), 1980);
    assert_eq!(queues.delete_queue("a").unwrap(), 0);
    assert_eq!(queues.delete_queue("").unwrap(), 0);
    held.complete().unwrap();
    assert!(queues.try_take("a").unwrap().is_none());
    assert_eq!(queues.stats().into_keys().collect::<Vec<_>>(), ["kept"]);
    queues.put("a", "new").unwrap();
    let after = disk.fork();
    after.lose_power(Loss::Lost);
    for queues in [&queues, &open(&after, small())] {
        assert_eq!(waiting(queues, "a"), ["new"]);
        assert_eq!(waiting(queues, "kept").len(), 20);
    }
    assert_eq!(queues.delete_all().unwrap(), 21);
    assert!(queues.stats().is_empty());
    churn(&queues, 1);
    eventually("the slabs go", || slabs(&disk) <= 2);
}

#[test]
fn delete_removes_the_files_and_closes() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    for _ in 0..50 {
        queues.put("a", [b'x'; 1000]).unwrap();
    }
    let held = queues.take("a").unwrap();
    disk.plant(&directory().join("someone-elses.txt"), &[1]);
    disk.plant(&directory().join("0000000000000009.slab.torn"), &[1]);
    disk.plant(&directory().join("task-0000000000000001.damaged"), &[1]);
    queues.delete().unwrap();
    assert_eq!(disk.names(), ["someone-elses.txt"]);
    assert!(matches!(queues.put("a", "x"), Err(PutError::Closed)));
    assert!(matches!(queues.take("a"), Err(TakeError::Closed)));
    drop(held);
    queues.delete().unwrap();
    let again = open(&disk, small());
    assert!(again.stats().is_empty());
    assert!(queues.delete().unwrap_err().to_string().contains("meanwhile"), "the files are another's now");
    again.put("a", "new").unwrap();
    assert_eq!(drain(&again, "a"), ["new"]);
}

#[test]
fn a_crash_at_any_moment_of_a_delete_brings_nothing_back() {
    let original = FakeDisk::new();
    let queues = open(&original, small());
    for _ in 0..40 {
        queues.put("a", [b'x'; 1000]).unwrap();
    }
    drop(queues);
    for operations in 0.. {
        let disk = original.fork();
        let queues = open(&disk, small());
        queues.put("a", "one more").unwrap();
        let before = disk.operations();
        // The record that all are completed comes first: power fails only after it.
        disk.stop_after(operations + 12);
        let outcome = queues.delete();
        let is_whole = outcome.is_ok();
        let done = disk.operations() - before;
        disk.lose_power(Loss::Random(operations));
        drop(queues);
        let left = waiting(&try_open(&disk, small()).unwrap(), "a").len();
        assert!(left == 0 || left == 41, "{left} tasks after {done} operations");
        if is_whole {
            assert_eq!(left, 0);
            break;
        }
    }
}
