//! Where nobody else appends or waits, whoever waits for its own record writes and syncs it; else the threads do, and they do
//! what it leaves.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]
#![allow(clippy::disallowed_methods, reason = "a test on a real disk, with real threads")]

mod support;

use std::time::{Duration, Instant};

use durable_queue::{Class, Environment, Log, LogOptions, Step, Through};
use support::client::{Count, append, append_awaited, read_all};
use support::world::small_options;

/// Far longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);

fn open(directory: &std::path::Path, fsync: bool) -> Log {
    let options = LogOptions { fsync, ..small_options(directory) };
    Log::open(Environment::system(), options, &mut Count::default())
        .unwrap()
        .begin(&0_u64.to_le_bytes())
        .unwrap()
}

#[test]
fn without_any_thread_each_record_is_durable_when_its_wait_ends() {
    for fsync in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let log = open(directory.path(), fsync);
        for number in 0..20 {
            let end = append_awaited(&log, number, 100, Class::Data).unwrap().end;
            assert!(log.written() < end && log.durable() < end, "appending writes nothing");
            log.request_sync(end);
            assert!(log.wait_durable(end, None).unwrap());
            assert_eq!((log.written(), log.durable()), (end, end));
        }
        assert_eq!((log.stats().writes, log.stats().syncs), (20, 20));
        assert_eq!((log.write_step(), log.sync_step()), (Step::Idle, Step::Idle));
        assert_eq!(read_all(&log, Through::Durable).unwrap(), (0, 20));
        log.close().unwrap();
    }
}

#[test]
fn a_record_that_was_to_be_awaited_and_was_not_is_written_with_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), true);
    let threads = log.start().unwrap();
    append_awaited(&log, 0, 100, Class::Data).unwrap();
    let end = append(&log, 1, 100, Class::Data).unwrap().end;
    assert!(log.wait_durable(end, Some(LONG)).unwrap());
    // And what comes after that is its own work again.
    let end = append_awaited(&log, 2, 100, Class::Data).unwrap().end;
    assert!(log.wait_durable(end, None).unwrap());
    append_awaited(&log, 3, 100, Class::Data).unwrap();
    // Closing does what nobody waited for.
    log.close().unwrap();
    assert_eq!(log.durable(), log.appended());
    assert_eq!(read_all(&log, Through::Durable).unwrap(), (0, 4));
    drop(threads);
}

#[test]
fn somebody_else_who_waits_does_it() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), true);
    append_awaited(&log, 0, 100, Class::Data).unwrap();
    let other = log.clone();
    let waits = std::thread::spawn(move || other.wait_durable(other.appended(), None).unwrap());
    assert!(waits.join().unwrap());
    assert_eq!(log.durable(), log.appended());
}

#[test]
fn the_threads_are_told_of_what_it_leaves() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), true);
    let threads = log.start().unwrap();
    let end = append_awaited(&log, 0, 100, Class::Data).unwrap().end;
    assert!(
        log.wait_durable(end, Some(LONG)).unwrap(),
        "whose time is limited leaves the disk to the threads"
    );
    for number in 1..4 {
        let end = append_awaited(&log, number, 100, Class::Data).unwrap().end;
        assert!(log.wait_durable(end, None).unwrap());
        let started = Instant::now();
        while log.stats().watermarks < number {
            assert!(
                started.elapsed() < LONG,
                "the writer doesn't know that the claim must be brought up to date"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    log.close().unwrap();
    drop(threads);
}
