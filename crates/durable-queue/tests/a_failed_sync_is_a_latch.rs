//! After the first write or sync that fails nothing more is durable: everybody learns of that first failure, nobody hangs, and
//! only opening the log again clears it.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

mod support;

use std::error::Error;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use durable_queue::fake::Loss;
use durable_queue::{AppendError, Class, Room, Step, Through};
use support::Texts;
use support::client::{append, read_all};
use support::world::{Act, World};

#[test]
fn a_failed_sync_fails_all_waiters_and_later_appends_with_the_first_error() {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    let told = Arc::new(AtomicUsize::new(0));
    let telling = Arc::clone(&told);
    log.on_progress(Box::new(move || {
        telling.fetch_add(1, Ordering::Relaxed);
    }));
    let threads = log.start().unwrap();
    world.append(&log, 100, Class::Data);
    let kept = log.appended();
    assert!(log.wait_durable(kept, None).unwrap());
    world.note_durable(&log);

    world.disk.fail_when(ErrorKind::Other, |operation| operation.starts_with("sync 0"));
    let waiters: Vec<_> = (0..8)
        .map(|_| {
            world.append(&log, 100, Class::Data);
            let (log, end) = (log.clone(), log.appended());
            std::thread::spawn(move || log.wait_durable(end, None).unwrap_err())
        })
        .collect();
    for waiter in waiters {
        let failure = waiter.join().unwrap();
        assert_eq!(failure.operation, "sync");
        assert!(failure.file.ends_with("0000000000000001.slab"));
        assert!(failure.source().is_some() && failure.to_string().starts_with("sync of /log/"), "{failure}");
    }
    // The disk seems to have recovered. Nobody may believe it.
    world.disk.mend();
    let refused = append(&log, 9, 10, Class::Control).unwrap_err();
    assert!(matches!(&refused, AppendError::Failed(failure) if failure.operation == "sync"), "{refused:?}");
    assert!(matches!(log.wait_for_room(None), Room::Failed(_)));
    log.request_sync(log.appended());
    assert_eq!(
        (log.write_step(), log.sync_step(), log.prepare_step()),
        (Step::Finished, Step::Finished, Step::Finished)
    );
    assert_eq!(log.durable(), kept);
    assert!(told.load(Ordering::Relaxed) > 0);
    // What was durable can be read; closing tells of the failure, again and again.
    assert_eq!(read_all(&log, Through::Durable), Ok((0, 1)));
    assert_eq!(log.close().unwrap_err().operation, "sync");
    assert_eq!(log.close().unwrap_err().operation, "sync");
    drop(threads);
    drop(log);
    world.disk.lose_power(Loss::Lost);
    world.open_and_read().unwrap();
}

#[test]
fn each_write_and_sync_of_a_life_may_fail_without_harm() {
    use support::world::Act::{Append, Prepare, Release, Sync, Write};
    let acts = [
        Prepare,
        Append(9000),
        Write,
        Sync,
        Append(6000),
        Write,
        Sync,
        Prepare,
        Append(9000),
        Append(10),
        Write,
        Sync,
        Release(0),
        Prepare,
        Prepare,
        Append(9000),
        Write,
        Sync,
    ];
    let mut failing = 0;
    loop {
        let mut world = World::new(failing);
        let log = world.open().unwrap().unwrap();
        let mut operation = 0;
        world.disk.fail_when(ErrorKind::Other, move |_| {
            operation += 1;
            operation - 1 == failing
        });
        world.disk.take_texts();
        world.run(&log, &acts);
        let durable = world.durable;
        let was_reached = world.disk.take_texts().len() as u64 > failing;
        world.disk.mend();
        if log.failure().is_some() {
            // Nothing becomes durable afterwards.
            world.run(&log, &acts);
            assert_eq!((log.close().is_err(), world.durable), (true, durable));
        }
        drop(log);
        world.disk.lose_power(Loss::Random(failing));
        world.open_and_read().unwrap_or_else(|error| panic!("operation {failing}: {error}"));
        if !was_reached {
            assert!(failing > 25, "only {failing} operations");
            return;
        }
        failing += 1;
    }
}

#[test]
fn a_failed_write_is_a_latch_too() {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    world.disk.fail_when(ErrorKind::Other, |operation| operation.starts_with("write 0"));
    world.append(&log, 100, Class::Data);
    assert_eq!(log.write_step(), Step::Finished);
    assert_eq!(log.failure().unwrap().operation, "write");
}

#[test]
fn a_sync_that_succeeds_after_a_write_failed_no_longer_counts() {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    let before = log.durable();
    world.run(&log, &[Act::Append(100), Act::Write]);
    let (disk, writing) = (world.disk.clone(), log.clone());
    world.disk.during_next_sync(move || {
        disk.fail_when(ErrorKind::Other, |operation| operation.starts_with("write 0"));
        append(&writing, 1, 100, Class::Data).unwrap();
        assert_eq!(writing.write_step(), Step::Finished);
    });
    log.sync_step();
    assert_eq!((log.durable(), log.failure().unwrap().operation), (before, "write"));
}

#[test]
fn no_slab_is_begun_after_a_sync_failed_while_the_writer_was_about_to() {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    world.run(&log, &[Act::Prepare, Act::Append(9000), Act::Write]);
    // One batch: a frame that ends this slab and one that begins the next. Between the two the sync of this slab fails, which
    // drops its bytes, and the next sync of it would say that all is well.
    world.run(&log, &[Act::Append(1000), Act::Append(6000)]);
    let (disk, syncing) = (world.disk.clone(), log.clone());
    world.disk.after_next_write(move || {
        disk.fail_when(ErrorKind::Other, |operation| operation.starts_with("sync 0"));
        assert_eq!(syncing.sync_step(), Step::Finished);
        disk.mend();
    });
    assert_eq!(log.write_step(), Step::Finished);
    assert_eq!(world.disk.names(), ["0000000000000001.slab", "next.tmp"]);
    drop(log);
    world.disk.lose_power(Loss::Lost);
    world.open_and_read().unwrap();
}

#[test]
fn a_directory_that_cannot_be_synced_is_a_latch_too() {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    world.disk.fail_when(ErrorKind::Other, |operation| operation == "sync directory");
    assert_eq!(log.prepare_step(), Step::Finished);
    assert!(log.failure().unwrap().file.ends_with("log"));
}

#[test]
fn a_thread_that_panics_lets_nobody_wait_for_it() {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    log.on_progress(Box::new(|| {
        let name = std::thread::current().name().map(str::to_owned);
        assert_ne!(name.as_deref(), Some("log-sync"), "a client's mistake");
    }));
    let _threads = log.start().unwrap();
    world.append(&log, 100, Class::Data);
    let through = durable_queue::Position { slab: 9, offset_bytes: 0 };
    assert_eq!(log.wait_durable(through, None).unwrap_err().operation, "work");
}
