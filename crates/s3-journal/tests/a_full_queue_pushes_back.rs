//! Limits of the queue, by entries and by bytes, and a full disk: submit waits or refuses, nothing is torn, memory stays flat,
//! and everything goes on when room returns.
#![cfg(feature = "fake")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use durable_queue::Environment;
use s3_journal::bucket::BucketErrorKind;
use s3_journal::{FreeSpace, FullCause, Options, SubmitError, WhenFull, durable_queue};
use support::disk::FaultyDisk;
use support::{Place, block_on, numbered, until};

/// A store that is away until the test says otherwise.
fn away() -> (Place, Options) {
    let place = Place::new();
    place.fake.begin_outage(BucketErrorKind::Unavailable);
    let options = place.options().environment(Environment::system());
    (place, options)
}

fn is_full_of_entries(error: &SubmitError) -> bool {
    matches!(error, SubmitError::Full { what: FullCause::Entries { max_entries: 20 } })
}

#[test]
fn submit_waits_while_the_queue_holds_as_many_entries_as_it_may() {
    let (place, options) = away();
    let journal = s3_journal::journal(options.max_queue_size(20)).unwrap();
    let taken = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for i in 0..100 {
                journal.submit(&i.to_string()).unwrap();
                taken.fetch_add(1, Ordering::SeqCst);
            }
        });
        until("full", || taken.load(Ordering::SeqCst) == 20);
        assert_eq!(taken.load(Ordering::SeqCst), 20);
        assert!(is_full_of_entries(&journal.try_submit("x").unwrap_err()));
        place.fake.end_outage();
    });
    journal.close().unwrap();
    assert_eq!(place.entries(), numbered(0..100));
}

#[test]
fn tasks_wait_for_room_as_threads_do() {
    let (place, options) = away();
    let journal = s3_journal::journal(options.max_queue_size(20)).unwrap();
    let is_full = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            block_on(async {
                for i in 0..100 {
                    is_full.store(i == 20, Ordering::SeqCst);
                    journal.submit_async(&i.to_string()).await.unwrap();
                }
            });
        });
        until("full", || is_full.load(Ordering::SeqCst));
        place.fake.end_outage();
    });
    journal.close().unwrap();
    assert_eq!(place.entries(), numbered(0..100));
}

#[test]
fn submit_refuses_when_told_to_and_takes_entries_again_when_there_is_room() {
    let (place, options) = away();
    let journal = s3_journal::journal(options.max_queue_size(20).when_full(WhenFull::Refuse)).unwrap();
    for i in 0..20 {
        journal.submit(&i.to_string()).unwrap();
    }
    for _ in 0..5 {
        let error = journal.submit("x").unwrap_err();
        assert!(is_full_of_entries(&error) && error.is_retryable(), "{error}");
        assert!(is_full_of_entries(&block_on(journal.submit_async("x")).unwrap_err()));
        assert!(is_full_of_entries(&journal.submit_at("x", 1, b"x").unwrap_err()));
    }
    assert_eq!(journal.position(1), None);
    place.fake.end_outage();
    // Nobody flushes: the limit itself lets go of what is held back.
    until("room", || journal.try_submit("20").is_ok());
    journal.close().unwrap();
    assert_eq!(place.entries(), numbered(0..21));
}

#[test]
fn refusing_is_for_a_full_queue_and_not_for_a_disk_that_is_slower() {
    let place = Place::new();
    let options = place.options().when_full(WhenFull::Refuse).max_batch_size(1);
    let journal = s3_journal::journal(options).unwrap();
    for i in 0..2_000 {
        journal.submit(&i.to_string()).unwrap();
    }
    journal.close().unwrap();
    assert_eq!(place.entries(), numbered(0..2_000));
}

#[test]
fn a_queue_of_one_entry_works() {
    let place = Place::new();
    let journal = s3_journal::journal(place.options().max_queue_size(1)).unwrap();
    for i in 0..20 {
        journal.submit(&i.to_string()).unwrap();
    }
    journal.close().unwrap();
    assert_eq!(place.entries(), numbered(0..20));
}

#[test]
fn submit_waits_while_the_queue_takes_as_many_bytes_as_it_may() {
    let (place, options) = away();
    let journal = s3_journal::journal(options).unwrap();
    let entry = |i: u64| format!("{i} {}", "x".repeat(20_000));
    // Four times what the queue may take on disk.
    let entries = (32 << 20) / 20_000;
    let taken = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for i in 0..entries {
                journal.submit(&entry(i)).unwrap();
                taken.fetch_add(1, Ordering::SeqCst);
            }
        });
        let limit = FullCause::Bytes { max_bytes: 8 << 20 };
        until(
            "full",
            || matches!(journal.try_submit("x").map(drop), Err(SubmitError::Full { what }) if what == limit),
        );
        assert_eq!(journal.stats().full, Some(limit));
        assert!(taken.load(Ordering::SeqCst) < entries / 2);
        assert!(journal.stats().disk_bytes <= 8 << 20);
        assert_eq!(place.objects().len(), 0);
        place.fake.end_outage();
    });
    journal.close().unwrap();
    assert!(journal.stats().disk_bytes <= 8 << 20);
    let arrived: Vec<_> = place.entries().into_iter().filter(|entry| entry != "x").collect();
    assert!(arrived.iter().map(String::as_str).eq((0..entries).map(entry)));
}

#[test]
fn an_open_object_that_fills_the_whole_queue_is_ended_to_make_room() {
    // Far larger objects than the queue, and a store that works.
    let place = Place::new();
    let options = place.options().max_object_size(9 << 20).max_object_age(Duration::from_secs(1_000_000));
    let journal = s3_journal::journal(options).unwrap();
    let entry = "x".repeat(20_000);
    for _ in 0..1_000 {
        journal.submit(&entry).unwrap();
    }
    journal.close().unwrap();
    assert_eq!(place.entries().len(), 1_000);
    assert!(place.objects().len() > 1);
}

#[test]
fn a_full_disk_is_waited_out() {
    let place = Place::new();
    let disk = FaultyDisk::default();
    let environment = Environment { disk: Arc::new(disk.clone()), ..Environment::system() };
    let journal = s3_journal::journal(place.options().environment(environment)).unwrap();
    journal.submit("0").unwrap().durable().wait().unwrap();
    disk.set_full(true);
    let taken = AtomicU64::new(1);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for i in 1..2_000_u64 {
                journal.submit(&format!("{i} {}", "x".repeat(20_000))).unwrap();
                taken.store(i + 1, Ordering::SeqCst);
            }
        });
        until("full", || {
            matches!(journal.try_submit("x").map(drop), Err(SubmitError::Full { what: FullCause::Disk }))
        });
        assert!(taken.load(Ordering::SeqCst) < 1_000, "memory is bounded");
        disk.set_full(false);
    });
    journal.close().unwrap();
    let entries = place.entries();
    let numbers = entries.iter().filter(|entry| *entry != "x").map(|entry| entry.split(' ').next().unwrap());
    assert!(numbers.eq(numbered(0..2_000).iter().map(String::as_str)));
}

#[test]
fn both_bounds_of_the_disk_hold_and_the_one_that_was_met_is_named() {
    // No file system has so much free space.
    let everything = FreeSpace::Bytes(u64::MAX);
    for (max_queue_bytes, kept, met) in [
        (64 << 20, everything, FullCause::FreeSpaceKept { kept: everything }),
        (8 << 20, FreeSpace::Bytes(0), FullCause::Bytes { max_bytes: 8 << 20 }),
    ] {
        let (place, options) = away();
        let options = options.max_queue_bytes(max_queue_bytes).free_space_kept(kept);
        let journal = s3_journal::journal(options.when_full(WhenFull::Refuse)).unwrap();
        let entry = "x".repeat(20_000);
        let refused = loop {
            if let Err(error) = journal.submit(&entry) {
                break error;
            }
            assert!(journal.stats().disk_bytes <= max_queue_bytes);
        };
        assert!(matches!(&refused, SubmitError::Full { what } if *what == met), "{refused}");
        let stats = journal.stats();
        assert_eq!(stats.full, Some(met));
        assert_eq!(serde_json::to_value(&stats).unwrap()["full"], met.to_string());
        place.fake.end_outage();
        journal.close().unwrap();
        assert_eq!(journal.stats().full, None, "it is empty");
    }
}

#[test]
fn closing_lets_those_go_who_wait_for_room() {
    let (place, options) = away();
    let journal = s3_journal::journal(options.max_queue_size(20)).unwrap();
    for i in 0..20 {
        journal.submit(&i.to_string()).unwrap();
    }
    std::thread::scope(|scope| {
        let waiters: Vec<_> = (0..3).map(|_| scope.spawn(|| journal.submit("x").map(drop))).collect();
        let task = scope.spawn(|| block_on(journal.submit_async("x")).map(drop));
        let closed = journal.close_within(Duration::from_millis(50)).unwrap();
        assert_eq!(closed.remaining, 20);
        for waiter in waiters {
            assert!(matches!(waiter.join().unwrap(), Err(SubmitError::Closed)));
        }
        assert!(matches!(task.join().unwrap(), Err(SubmitError::Closed)));
    });
    drop(place);
}
