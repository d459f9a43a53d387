//! Every option of the original, and the contradictions it refuses. What is durable shows when power is lost.

mod queue_support;
mod support;

use std::time::Duration;

use durable_queue::fake::{FakeDisk, Fault, Loss, OperationKind};
use durable_queue::queue::{CloseError, PutError, QueuesOpenError, TakeError};
use durable_queue::{FreeSpace, FullReason, QueueOptions};
use queue_support::{LONG, SHORT, drain, eventually, open, rest, slabs, small, stats, try_open, waiting};
use support::Texts;

/// What waits in `a` if power is lost now.
fn after_power_loss(disk: &FakeDisk) -> Vec<String> {
    let after = disk.fork();
    after.lose_power(Loss::Lost);
    waiting(&open(&after, small()), "a")
}

#[test]
fn contradictory_and_senseless_options_are_refused_before_anything_is_touched() {
    let disk = FakeDisk::new();
    for (options, option) in [
        (small().fsync_put(true).fsync_threshold(5), "fsync_put"),
        (small().fsync_take(true).fsync_interval(SHORT), "fsync_take"),
        (small().slab_size(100), "slab_size"),
        (small().max_queue_size(0), "max_queue_size"),
    ] {
        let Err(QueuesOpenError::Options(error)) = try_open(&disk, options) else {
            panic!("{option} was accepted")
        };
        assert_eq!(error.option, option);
        assert!(
            error.to_string().contains(&error.value) && error.to_string().contains(error.remedy),
            "{error}"
        );
    }
    assert_eq!(disk.operations(), 0);
}

#[test]
fn complete_if_takes_out_tasks_that_were_there_and_not_later_ones() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    for n in 0..10 {
        queues.put("a", format!("{n}")).unwrap();
        queues.put("b", format!("{n}")).unwrap();
    }
    queues.close().unwrap();
    let even = |bytes: &[u8]| bytes[0].is_multiple_of(2);
    let queues = open(&disk, small().complete_if(even));
    queues.put("a", "0").unwrap();
    assert_eq!(waiting(&queues, "a"), ["1", "3", "5", "7", "9", "0"]);
    assert_eq!(stats(&queues, "b").enqueued, 5, "those taken out aren't counted");
    queues.fsync().unwrap();
    drop(queues);
    assert_eq!(waiting(&open(&disk, small()), "b"), ["1", "3", "5", "7", "9"], "they are completed for good");
}

#[test]
fn max_queue_size_makes_puts_wait_and_counts_each_name_and_only_waiting_tasks() {
    let queues = open(&FakeDisk::new(), small().max_queue_size(2));
    assert!(queues.try_put("a", "one").unwrap());
    assert!(queues.put_timeout("a", "two", LONG).unwrap());
    assert!(!queues.try_put("a", "three").unwrap());
    assert!(!queues.put_timeout("a", "three", SHORT).unwrap());
    assert!(queues.try_put("b", "one").unwrap());
    let held = queues.take("a").unwrap();
    assert!(queues.try_put("a", "three").unwrap(), "a taken task leaves room");
    held.retry().unwrap();
    assert_eq!(waiting(&queues, "a"), ["two", "three", "one"], "a retry is never refused");
    std::thread::scope(|scope| {
        let putter = scope.spawn(|| queues.put("a", "four").unwrap());
        rest();
        assert!(!putter.is_finished());
        queues.take("a").unwrap().complete().unwrap();
        assert!(!queues.try_put("a", "x").unwrap(), "two still wait");
        queues.take("a").unwrap().complete().unwrap();
        putter.join().unwrap();
    });
    assert_eq!(drain(&queues, "a"), ["one", "four"]);
}

#[test]
fn max_queue_size_doesnt_refuse_what_is_there_at_open() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    for n in 0..5 {
        queues.put("a", format!("{n}")).unwrap();
    }
    drop(queues);
    let queues = open(&disk, small().max_queue_size(2));
    assert!(!queues.try_put("a", "x").unwrap());
    assert_eq!(drain(&queues, "a").len(), 5);
    assert!(queues.try_put("a", "x").unwrap());
}

#[test]
fn slab_size_is_the_size_of_files() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small().slab_size(32 << 10));
    assert_eq!(disk.content(&queue_support::slab(1)).unwrap().len(), 32 << 10);
    for _ in 0..10 {
        queues.put("a", [b'x'; 10_000]).unwrap();
    }
    assert!(slabs(&disk) >= 4, "{:?}", disk.names());
    assert_eq!(stats(&queues, "a").num_slabs, slabs(&disk) as u64);
}

#[test]
fn with_fsync_put_a_put_is_durable_when_it_returns() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    for text in ["one", "two"] {
        queues.put("a", text).unwrap();
        assert_eq!(after_power_loss(&disk).last().unwrap(), text);
    }
}

#[test]
fn without_fsync_put_a_put_is_durable_after_fsync_and_close() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small().fsync_put(false));
    queues.put("a", "one").unwrap();
    eventually("it is written", || {
        stats(&queues, "a").in_progress == 0 && queues.try_take("a").unwrap().is_some()
    });
    assert!(after_power_loss(&disk).is_empty());
    queues.fsync().unwrap();
    assert_eq!(after_power_loss(&disk), ["one"]);
    queues.put("a", "two").unwrap();
    queues.close().unwrap();
    assert_eq!(after_power_loss(&disk), ["one", "two"]);
}

#[test]
fn with_fsync_take_completions_and_retries_are_durable_when_they_return() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small().fsync_take(true));
    for text in ["one", "two", "three"] {
        queues.put("a", text).unwrap();
    }
    queues.take("a").unwrap().retry().unwrap();
    assert_eq!(after_power_loss(&disk), ["two", "three", "one"]);
    queues.take("a").unwrap().complete().unwrap();
    assert_eq!(after_power_loss(&disk), ["three", "one"]);
}

#[test]
fn without_fsync_take_a_completion_comes_to_be_durable_with_the_next_put_or_by_itself_or_at_once_if_asked() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    for text in ["one", "two", "three"] {
        queues.put("a", text).unwrap();
    }
    queues.take("a").unwrap().complete_durable().unwrap();
    assert_eq!(after_power_loss(&disk), ["two", "three"]);
    queues.take("a").unwrap().complete().unwrap();
    queues.put("b", "x").unwrap();
    assert_eq!(after_power_loss(&disk), ["three"]);
    queues.take("a").unwrap().complete().unwrap();
    eventually("the completion is durable", || after_power_loss(&disk).is_empty());
}

#[test]
fn fsync_threshold_syncs_at_the_number_of_puts_takes_retries_and_completions() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small().fsync_threshold(4));
    for text in ["one", "two", "three"] {
        queues.put("a", text).unwrap();
    }
    assert!(after_power_loss(&disk).is_empty());
    queues.put("a", "four").unwrap();
    assert_eq!(after_power_loss(&disk), ["one", "two", "three", "four"]);
    queues.take("a").unwrap().complete().unwrap();
    let task = queues.take("a").unwrap();
    assert_eq!(after_power_loss(&disk).len(), 4, "three more");
    task.retry().unwrap();
    assert_eq!(after_power_loss(&disk), ["three", "four", "two"]);
}

#[test]
fn fsync_interval_syncs_by_itself() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small().fsync_interval(Duration::from_millis(5)));
    for text in ["one", "two"] {
        queues.put("a", text).unwrap();
        eventually("the put is durable", || after_power_loss(&disk).last().is_some_and(|last| last == text));
    }
    eventually("it is written", || queues.try_take("a").unwrap().is_some_and(|task| task.complete().is_ok()));
    eventually("the completion is durable", || after_power_loss(&disk) == ["two"]);
}

#[test]
fn an_idle_queue_with_an_interval_touches_no_disk() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small().fsync_interval(Duration::from_millis(1)));
    queues.put("a", "one").unwrap();
    // The first sync, and then the watermark that the log writes once.
    let mut seen = disk.operations();
    let mut quiet = 0;
    eventually("it is quiet", || {
        let now = disk.operations();
        quiet = if now == seen { quiet + 1 } else { 0 };
        seen = now;
        quiet > 200
    });
    assert_eq!(after_power_loss(&disk), ["one"]);
}

#[test]
fn bytes_max_and_a_full_disk_make_puts_wait_for_room() {
    for is_limit in [true, false] {
        let disk = FakeDisk::new();
        let options = if is_limit { small().bytes_max(96 << 10) } else { small() };
        disk.set_capacity((!is_limit).then_some(96 << 10));
        let queues = open(&disk, options);
        let mut puts = 0;
        let reason = loop {
            match queues.put_timeout("a", [b'x'; 2000], Duration::from_millis(300)) {
                Ok(true) => puts += 1,
                Ok(false) => {}
                Err(PutError::Full { reason }) => break reason,
                Err(other) => panic!("{other}"),
            }
            assert!(puts < 60, "there was room for {puts}");
        };
        assert_eq!(reason, if is_limit { FullReason::Limit } else { FullReason::Disk });
        assert!(puts > 15, "only {puts} fitted");
        std::thread::scope(|scope| {
            let putter = scope.spawn(|| queues.put("a", "last").unwrap());
            for _ in 0..puts {
                queues.take("a").unwrap().complete().unwrap();
            }
            putter.join().unwrap();
        });
        assert_eq!(drain(&queues, "a"), ["last"]);
    }
}

#[test]
fn free_space_kept_is_left_to_others() {
    let disk = FakeDisk::new();
    disk.set_capacity(Some(1 << 20));
    let queues = open(&disk, QueueOptions::new().slab_size(64 << 10).free_space_kept(FreeSpace::Percent(50)));
    let reason = loop {
        match queues.put_timeout("a", [b'x'; 9000], Duration::from_millis(300)) {
            Ok(_) => {}
            Err(PutError::Full { reason }) => break reason,
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(reason, FullReason::FreeSpaceKept);
    assert!(disk.left() >= 1 << 19, "{}", disk.left());
}

#[test]
fn nobody_waits_for_room_in_a_full_queue_once_the_log_has_failed() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small().max_queue_size(1));
    queues.put("a", "one").unwrap();
    let waiting = {
        let queues = queues.clone();
        std::thread::spawn(move || queues.put("a", "two"))
    };
    rest();
    disk.fail_when(std::io::ErrorKind::Other, |operation| operation == "sync 0000000000000001.slab");
    assert!(matches!(queues.put("b", "three"), Err(PutError::Failed(_))));
    assert!(matches!(queues.try_put("a", "four"), Err(PutError::Failed(_))));
    assert!(matches!(waiting.join().unwrap(), Err(PutError::Failed(_))));
    assert!(matches!(queues.close(), Err(CloseError::Failed(_))));
}

#[test]
fn nobody_waits_for_a_task_once_a_thread_of_the_log_has_panicked() {
    let disk = FakeDisk::new();
    let queues = open(&disk, small());
    let waiting = {
        let queues = queues.clone();
        std::thread::spawn(move || queues.take_timeout("a", Duration::from_secs(5)))
    };
    rest();
    disk.inject(Fault::Lies, |operation| {
        assert!(!operation.is(OperationKind::Preallocate, "next.tmp"), "a disk's mistake");
        false
    });
    let refused = (0..10).find_map(|_| queues.put("b", [0; 6000]).err());
    assert!(matches!(refused, Some(PutError::Failed(_))), "{refused:?}");
    assert!(matches!(waiting.join().unwrap(), Err(TakeError::Failed(_))));
}
