//! The calls of the task queue and what they do to one another.

mod queue_support;
mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use durable_queue::clock::{Clock, SystemClock};
use durable_queue::fake::{FakeDisk, Loss};
use durable_queue::queue::{PutError, SettleError, SyncError, TakeError};
use durable_queue::{QueueOptions, Queues};
use queue_support::{LONG, SHORT, drain, eventually, open, rest, slab, small, stats, waiting};
use support::Texts;

#[test]
fn tasks_come_in_the_order_they_were_put_each_name_by_itself() {
    let queues = open(&FakeDisk::new(), small());
    for n in 0..50 {
        queues.put("a", format!("a{n}")).unwrap();
        queues.put("b", format!("b{n}")).unwrap();
    }
    assert_eq!(drain(&queues, "a"), (0..50).map(|n| format!("a{n}")).collect::<Vec<_>>());
    assert_eq!(drain(&queues, "b"), (0..50).map(|n| format!("b{n}")).collect::<Vec<_>>());
    assert!(queues.try_take("a").unwrap().is_none());
    assert!(queues.try_take("never put to").unwrap().is_none());
    assert_eq!(
        queues.stats().into_keys().collect::<Vec<_>>(),
        ["a", "b"],
        "asking for a name doesn't make a queue"
    );
}

#[test]
fn a_task_tells_its_bytes_queue_number_and_attempts() {
    let queues = open(&FakeDisk::new(), small());
    queues.put("a", [0, 159, 146, 150]).unwrap();
    queues.put("b", b"").unwrap();
    let first = queues.take("a").unwrap();
    assert_eq!((first.data(), first.queue(), first.attempts()), (&[0, 159, 146, 150][..], "a", 0));
    assert_eq!((first.len(), first.as_ref()), (4, first.data()));
    let second = queues.take("b").unwrap();
    assert!(second.is_empty() && second.id() > first.id());
    let (id, text) = (first.id(), format!("{first:?}"));
    assert!(text.contains("bytes: 4"), "{text}");
    first.retry().unwrap();
    let again = queues.take("a").unwrap();
    assert_eq!((again.id(), again.attempts()), (id, 1));
    again.complete().unwrap();
    second.complete_durable().unwrap();
}

#[test]
fn a_retried_task_goes_to_the_back_and_keeps_its_attempts_over_a_restart() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    for text in ["one", "two", "three"] {
        queues.put("a", text).unwrap();
    }
    queues.take("a").unwrap().retry().unwrap();
    queues.put("a", "four").unwrap();
    queues.take("a").unwrap().retry().unwrap();
    assert_eq!(waiting(&queues, "a"), ["three", "one", "four", "two"]);
    queues.close().unwrap();
    let queues = open(&disk, small());
    assert_eq!(waiting(&queues, "a"), ["three", "one", "four", "two"]);
    drop(queues.take("a").unwrap());
    queues.take("a").unwrap().complete().unwrap();
    assert_eq!(queues.take("a").unwrap().attempts(), 1);
}

#[test]
fn a_dropped_task_returns_to_its_place_uncounted() {
    let queues = open(&FakeDisk::new(), small());
    for text in ["one", "two", "three"] {
        queues.put("a", text).unwrap();
    }
    let one = queues.take("a").unwrap();
    let two = queues.take("a").unwrap();
    drop(one);
    drop(two);
    let again = queues.take("a").unwrap();
    assert_eq!((again.data(), again.attempts()), (&b"one"[..], 0));
    drop(again);
    assert_eq!(drain(&queues, "a"), ["one", "two", "three"]);
    assert_eq!(stats(&queues, "a").retried, 0);
}

#[test]
fn a_panicking_worker_loses_no_task() {
    let queues = open(&FakeDisk::new(), small());
    queues.put("a", "one").unwrap();
    let worker = {
        let queues = queues.clone();
        std::thread::spawn(move || {
            let _task = queues.take("a").unwrap();
            std::panic::resume_unwind(Box::new("the worker panics"));
        })
    };
    worker.join().unwrap_err();
    assert_eq!(drain(&queues, "a"), ["one"]);
}

#[test]
fn a_dropped_or_retried_task_wakes_another_taker() {
    let queues = open(&FakeDisk::new(), small());
    queues.put("a", "one").unwrap();
    for is_retried in [true, false] {
        let task = queues.take("a").unwrap();
        std::thread::scope(|scope| {
            let taker = scope.spawn(|| queues.take_timeout("a", LONG).unwrap().unwrap().id());
            rest();
            let id = task.id();
            if is_retried {
                task.retry().unwrap();
            } else {
                drop(task);
            }
            assert_eq!(taker.join().unwrap(), id);
        });
    }
}

#[test]
fn a_take_waits_for_a_task_and_no_longer_than_told() {
    let queues = open(&FakeDisk::new(), small());
    let clock = SystemClock::new();
    assert!(queues.take_timeout("a", SHORT).unwrap().is_none());
    assert!(clock.monotonic() >= SHORT);
    std::thread::scope(|scope| {
        let taker = scope.spawn(|| queues.take("a").unwrap().to_vec());
        rest();
        queues.put("b", "another's").unwrap();
        queues.put("a", "one").unwrap();
        assert_eq!(taker.join().unwrap(), b"one");
    });
    assert_eq!(queues.take_timeout("a", LONG).unwrap().unwrap().data(), b"one", "the taker dropped it");
}

#[test]
fn a_put_that_returned_can_be_taken_at_once() {
    for options in [small(), small().fsync_take(true)] {
        let queues = open(&FakeDisk::new(), options);
        std::thread::scope(|scope| {
            for name in ["a", "b", "c"] {
                let queues = &queues;
                scope.spawn(move || {
                    for n in 0..100 {
                        queues.put(name, format!("{n}")).unwrap();
                        let task = queues.try_take(name).unwrap().expect("it was put");
                        assert_eq!(task.data(), format!("{n}").as_bytes());
                        task.complete().unwrap();
                    }
                });
            }
        });
    }
}

#[test]
fn the_endless_sequence_waits_for_more_until_the_queues_are_closed() {
    let queues = open(&FakeDisk::new(), small());
    let has_begun = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = Vec::new();
            for task in queues.task_seq("a") {
                has_begun.store(true, Ordering::SeqCst);
                let task = task.unwrap();
                seen.push(String::from_utf8(task.to_vec()).unwrap());
                task.complete().unwrap();
            }
            seen
        });
        queues.put("a", "one").unwrap();
        eventually("the first task arrives", || has_begun.load(Ordering::SeqCst));
        queues.put("a", "two").unwrap();
        eventually("both are completed", || stats(&queues, "a").completed == 2);
        queues.close().unwrap();
        assert_eq!(reader.join().unwrap(), ["one", "two"]);
    });
}

#[test]
fn the_immediate_sequence_ends_when_the_queue_is_empty() {
    let queues = open(&FakeDisk::new(), small());
    for n in 0..10 {
        queues.put("a", format!("{n}")).unwrap();
    }
    let tasks: Vec<_> = queues.immediate_task_seq("a").map(Result::unwrap).collect();
    assert_eq!(tasks.len(), 10);
    assert_eq!(queues.immediate_task_seq("a").count(), 0, "all are taken");
    drop(tasks);
    let again: Vec<_> = queues.immediate_task_seq("a").map(Result::unwrap).collect();
    assert_eq!(again.len(), 10);
}

#[test]
fn the_interval_sequence_ends_with_its_interval_even_if_there_are_more_tasks() {
    let queues = open(&FakeDisk::new(), small());
    for n in 0..3 {
        queues.put("a", format!("{n}")).unwrap();
    }
    let clock = SystemClock::new();
    let all: Vec<_> = queues.interval_task_seq("a", SHORT).map(Result::unwrap).collect();
    assert_eq!(all.len(), 3);
    assert!(clock.monotonic() >= SHORT, "it waited for more");
    drop(all);

    let mut some = queues.interval_task_seq("a", SHORT);
    let task = some.next().unwrap().unwrap();
    std::thread::park_timeout(SHORT);
    eventually("the interval ends", || clock.monotonic() >= SHORT * 3);
    assert!(some.next().is_none(), "tasks are there, but the time is up");
    drop(task);
    assert_eq!(queues.interval_task_seq("a", Duration::ZERO).count(), 0);
}

#[test]
fn the_six_counts_serialize_to_their_names() {
    let queues = open(&FakeDisk::new(), small());
    for n in 0..5 {
        queues.put("a", format!("{n}")).unwrap();
    }
    let _held = queues.take("a").unwrap();
    queues.take("a").unwrap().complete().unwrap();
    queues.take("a").unwrap().retry().unwrap();
    let json: serde_json::Value = serde_json::to_value(queues.stats()).unwrap();
    let expected = serde_json::json!({"a": {
        "enqueued": 5, "retried": 1, "completed": 1, "in_progress": 1, "num_slabs": 1, "num_active_slabs": 1
    }});
    assert_eq!(json, expected);
}

#[test]
fn tasks_found_at_open_count_as_enqueued_and_nothing_else_is_remembered() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    for n in 0..5 {
        queues.put("a", format!("{n}")).unwrap();
    }
    queues.take("a").unwrap().complete().unwrap();
    queues.take("a").unwrap().retry().unwrap();
    queues.put("done", "x").unwrap();
    queues.take("done").unwrap().complete().unwrap();
    drop(queues);
    let queues = open(&disk, small());
    let counts = stats(&queues, "a");
    assert_eq!((counts.enqueued, counts.retried, counts.completed, counts.in_progress), (4, 0, 0, 0));
    assert!(!queues.stats().contains_key("done"));
}

#[test]
fn any_text_up_to_255_bytes_is_a_name() {
    let disk = FakeDisk::new();
    let names = ["../../etc/passwd", "a/b\\c", "\u{0}\n", "\u{1f980}\u{1f980}", ".", &"n".repeat(255)];
    let queues = open(&disk, small());
    for name in names {
        queues.put(name, name).unwrap();
    }
    queues.close().unwrap();
    let queues = open(&disk, small());
    for name in names {
        assert_eq!(drain(&queues, name), [name]);
    }
    for name in ["", &"n".repeat(256)] {
        assert!(matches!(queues.put(name, "x"), Err(PutError::Name(error)) if error.bytes == name.len()));
        assert!(matches!(queues.try_take(name), Err(TakeError::Name(_))));
        let errors: Vec<_> = queues.task_seq(name).collect();
        assert!(matches!(errors[..], [Err(TakeError::Name(_))]), "once");
    }
}

#[test]
fn a_task_larger_than_a_slab_is_stored_all_the_same() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    let large: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    queues.put("a", "before").unwrap();
    queues.put("a", &large).unwrap();
    queues.put("a", "after").unwrap();
    queues.close().unwrap();
    let queues = open(&disk, small());
    assert_eq!(queues.take("a").unwrap().data(), b"before");
    let tasks: Vec<_> = queues.immediate_task_seq("a").map(Result::unwrap).collect();
    assert_eq!(tasks[1].data(), large);
}

#[test]
fn closing_refuses_every_later_call_and_wakes_all_who_wait() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small().max_queue_size(1));
    queues.put("a", "one").unwrap();
    let held = queues.take("a").unwrap();
    queues.put("a", "two").unwrap();
    std::thread::scope(|scope| {
        let taker = scope.spawn(|| queues.take("b"));
        let putter = scope.spawn(|| queues.put("a", "three"));
        rest();
        queues.close().unwrap();
        assert!(matches!(taker.join().unwrap(), Err(TakeError::Closed)));
        assert!(matches!(putter.join().unwrap(), Err(PutError::Closed)));
    });
    queues.close().unwrap();
    assert!(matches!(queues.put("a", "x"), Err(PutError::Closed)));
    assert!(matches!(queues.try_take("a"), Err(TakeError::Closed)));
    assert!(matches!(queues.fsync(), Err(SyncError::Closed)));
    assert!(matches!(queues.delete_queue("a"), Err(SyncError::Closed)));
    assert!(matches!(held.complete(), Err(SettleError::Closed)));
    assert!(queues.task_seq("a").next().is_none());
    drop(queues);
    assert_eq!(waiting(&open(&disk, small()), "a"), ["one", "two"], "what was taken comes again");
}

#[test]
fn completions_that_come_during_a_write_are_written_right_after_it_and_outlive_the_process() {
    let disk = FakeDisk::new();
    // Nothing but the end of a write brings them to be written: no sync, no put.
    let queues = open(&disk, small().fsync_put(false));
    for n in 0..10 {
        queues.put("a", format!("{n}")).unwrap();
    }
    let tasks: Vec<_> = (0..10).map(|_| queues.take("a").unwrap()).collect();
    let (tell, first_write) = std::sync::mpsc::channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let mut is_first = true;
    disk.watch_texts(move |operation| {
        if operation.starts_with("write") && std::mem::take(&mut is_first) {
            tell.send(()).unwrap();
            let _ = may_go_on.recv();
        }
    });
    for (n, task) in tasks.into_iter().enumerate() {
        if n % 3 == 2 {
            task.retry().unwrap();
        } else {
            task.complete().unwrap();
        }
        if n == 0 {
            first_write.recv().unwrap();
        }
    }
    drop(go_on);
    eventually("all are written", || waiting(&open(&disk.fork(), small()), "a") == ["2", "5", "8"]);
}

#[test]
fn a_torn_end_is_cut_off_and_told() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    queues.put("a", "one").unwrap();
    assert!(queues.cut().is_none());
    let after = disk.fork();
    after.lose_power(Loss::Lost);
    let end = after.content(&slab(1)).unwrap().windows(3).rposition(|window| window == b"one").unwrap();
    after.tamper(&slab(1), |content| content[end + 200..end + 300].fill(7));
    let queues = open(&after, small());
    let cut = queues.cut().unwrap();
    assert_eq!((&cut.file, cut.kept_as.is_some()), (&slab(1), true));
    assert_eq!(waiting(&queues, "a"), ["one"]);
}

#[test]
fn dropping_the_last_clone_closes_and_a_task_left_over_is_harmless() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    let clone = queues.clone();
    queues.put("a", "one").unwrap();
    drop(queues);
    let task = clone.take("a").unwrap();
    drop(clone);
    assert!(matches!(task.retry(), Err(SettleError::Closed)));
    assert_eq!(waiting(&open(&disk, small()), "a"), ["one"]);
}

#[test]
fn it_works_on_a_real_disk() {
    let directory = tempfile::tempdir().unwrap();
    let options = || QueueOptions::new().slab_size(64 << 10);
    let queues = Queues::open(directory.path().join("new/queues"), options()).unwrap();
    for n in 0..100 {
        queues.put("a", format!("{n}").repeat(1000)).unwrap();
    }
    for task in queues.immediate_task_seq("a").take(50) {
        task.unwrap().complete().unwrap();
    }
    queues.close().unwrap();
    let queues = Queues::open(directory.path().join("new/queues"), options()).unwrap();
    let left: Vec<_> = drain(&queues, "a");
    assert_eq!(left, (50..100).map(|n| format!("{n}").repeat(1000)).collect::<Vec<_>>());
}
