//! What happens to entries when a journal is flushed, closed, closed in a hurry, dropped, or its process is gone.
#![cfg(feature = "fake")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use durable_queue::Environment;
use s3_journal::bucket::{BucketErrorKind, Call};
use s3_journal::{Compressor, FlushError, SubmitError, durable_queue};
use support::disk::FaultyDisk;
use support::{Place, block_on, copy_directory, numbered, until};

const SOON: Duration = Duration::from_millis(20);

#[test]
fn a_flush_brings_everything_submitted_before_into_the_bucket() {
    let place = Place::new();
    let journal = place.open();
    journal.flush().unwrap();
    assert_eq!(place.objects().len(), 0, "nothing to flush makes no object");
    for round in 0..5 {
        for i in 0..7 {
            journal.submit(&(round * 7 + i).to_string()).unwrap();
        }
        journal.flush().unwrap();
        assert_eq!(place.entries(), numbered(0..(round + 1) * 7));
        assert_eq!(journal.uploaded(), (round + 1) * 7);
    }
    journal.submit("35").unwrap();
    journal.flush().unwrap();
    assert_eq!(place.entries(), numbered(0..36));
}

#[test]
fn a_flush_beside_many_submitters_returns() {
    let place = Place::new();
    let journal = s3_journal::journal(place.options().max_object_size(9 << 20)).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    journal.submit("x").unwrap();
                }
            });
        }
        for _ in 0..5 {
            let receipt = journal.submit("y").unwrap();
            journal.flush().unwrap();
            assert!(journal.uploaded() > receipt.sequence());
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    journal.close().unwrap();
    assert_eq!(place.entries().len() as u64, journal.next_sequence());
}

#[test]
fn closing_returns_once_everything_is_in_the_bucket_and_refuses_entries_from_then_on() {
    let place = Place::new();
    let journal = place.open();
    for i in 0..25 {
        journal.submit(&i.to_string()).unwrap();
    }
    journal.close().unwrap();
    assert_eq!(place.entries(), numbered(0..25));
    assert!(matches!(journal.submit("x"), Err(SubmitError::Closed)));
    assert!(matches!(journal.try_submit("x"), Err(SubmitError::Closed)));
    assert!(matches!(block_on(journal.submit_async("x")), Err(SubmitError::Closed)));
    journal.close().unwrap();
    journal.flush().unwrap();
    assert_eq!(journal.close_within(SOON).unwrap().remaining, 0);
    block_on(journal.close_async()).unwrap();
}

#[test]
fn an_unused_journal_leaves_no_object() {
    let place = Place::new();
    for _ in 0..3 {
        place.open().close().unwrap();
        drop(place.open());
    }
    assert_eq!(place.memory.objects().len(), 0);
    assert!(!place.fake.counts().calls.contains_key(&Call::Put));
}

#[test]
fn several_closers_all_wait_for_the_same_end() {
    let place = Place::new();
    let journal = place.open();
    for i in 0..100 {
        journal.submit(&i.to_string()).unwrap();
    }
    std::thread::scope(|scope| {
        let closers: Vec<_> = (0..4).map(|_| scope.spawn(|| journal.close())).collect();
        for closer in closers {
            closer.join().unwrap().unwrap();
            assert_eq!(place.entries(), numbered(0..100));
        }
    });
}

#[test]
fn closing_within_a_time_says_what_remains_and_the_next_journal_brings_it() {
    let place = Place::new();
    place.fake.begin_outage(BucketErrorKind::Unavailable);
    let journal = s3_journal::journal(place.options().environment(Environment::system())).unwrap();
    for i in 0..25 {
        journal.submit(&i.to_string()).unwrap();
    }
    let closed = journal.close_within(SOON).unwrap();
    assert_eq!((closed.remaining, closed.not_durable), (25, 0));
    assert!(matches!(journal.close(), Err(FlushError::Closed)), "it isn't in the bucket, whoever asks");
    assert!(matches!(journal.flush(), Err(FlushError::Closed)));
    assert_eq!(journal.close_within(SOON).unwrap().remaining, 25);
    assert!(matches!(block_on(journal.close_async()), Err(FlushError::Closed)));
    drop(journal);
    place.fake.end_outage();
    let journal = place.open();
    journal.submit("25").unwrap();
    journal.close().unwrap();
    assert_eq!(place.entries(), numbered(0..26));
}

#[test]
fn a_dropped_journal_is_durable_and_does_not_wait_for_the_bucket() {
    for compressor in [Compressor::None, Compressor::Gzip, Compressor::Zstd] {
        let place = Place::new();
        place.fake.begin_outage(BucketErrorKind::Unavailable);
        let options = || {
            let options = place.options().environment(Environment::system());
            options.compressor(compressor.clone()).fsync(compressor == Compressor::None)
        };
        let journal = s3_journal::journal(options()).unwrap();
        for i in 0..25 {
            journal.submit(&i.to_string()).unwrap();
        }
        drop(journal);
        let status = s3_journal::status(place.local_directory()).unwrap();
        assert_eq!(status.next_sequence, 25);
        place.fake.end_outage();
        let journal = s3_journal::journal(options()).unwrap();
        assert_eq!(journal.next_sequence(), 25);
        journal.close().unwrap();
        assert_eq!(place.entries(), numbered(0..25));
    }
}

#[test]
fn a_dropped_journal_whose_closing_is_under_way_closes_all_the_same() {
    let place = Place::new();
    let journal = place.open();
    journal.submit("0").unwrap();
    let closing = journal.close_async();
    assert!(
        matches!(journal.submit("1"), Err(SubmitError::Closed)),
        "from the call on, not from the await on"
    );
    drop(closing);
    drop(journal);
    until("uploaded", || place.memory.objects().len() == 1);
    assert_eq!(place.entries(), ["0"]);
}

#[test]
fn a_dropped_journal_whose_closing_is_under_way_is_durable() {
    for _ in 0..20 {
        let place = Place::new();
        place.fake.begin_outage(BucketErrorKind::Unavailable);
        let journal = s3_journal::journal(place.options().environment(Environment::system())).unwrap();
        for i in 0..500 {
            journal.submit(&i.to_string()).unwrap();
        }
        drop(journal.close_async());
        drop(journal);
        // The process could die now.
        let died = place.other_directory();
        copy_directory(&place.local_directory(), &died);
        assert_eq!(s3_journal::status(died).unwrap().next_sequence, 500);
        place.fake.end_outage();
        until("closed", || place.memory.objects().len() == 1);
    }
}

#[test]
fn a_journal_is_opened_and_takes_entries_while_the_store_is_away() {
    let place = Place::new();
    place.fake.begin_outage(BucketErrorKind::NoAnswer);
    let journal = s3_journal::journal(place.options().environment(Environment::system())).unwrap();
    for i in 0..1_000 {
        journal.submit(&i.to_string()).unwrap();
    }
    journal.receipt(999).durable().wait().unwrap();
    assert_eq!(journal.uploaded(), 0);
    place.fake.end_outage();
    journal.close().unwrap();
    assert_eq!(place.entries(), numbered(0..1_000));
}

#[test]
fn opened_again_and_again_the_stream_goes_on_where_it_was() {
    let place = Place::new();
    for round in 0..12 {
        let journal = place.open();
        assert_eq!(journal.next_sequence(), round * 3);
        for i in 0..3 {
            journal.submit(&(round * 3 + i).to_string()).unwrap();
        }
        match round % 3 {
            0 => journal.close().unwrap(),
            1 => journal.flush().unwrap(),
            _ => {}
        }
    }
    place.open().close().unwrap();
    assert_eq!(place.entries(), numbered(0..36));
}

#[test]
fn without_fsync_entries_still_leave_for_the_bucket_and_count_when_they_are_written() {
    let place = Place::new();
    let journal = s3_journal::journal(place.options().fsync(false)).unwrap();
    for i in 0..500 {
        journal.submit(&i.to_string()).unwrap();
    }
    journal.receipt(499).durable().wait().unwrap();
    journal.flush().unwrap();
    assert_eq!(place.entries(), numbered(0..500));
    journal.submit("500").unwrap();
    drop(journal);
    s3_journal::journal(place.options().fsync(false)).unwrap().close().unwrap();
    assert_eq!(place.entries(), numbered(0..501));
}

#[test]
fn a_full_disk_keeps_neither_drop_nor_close_within_from_ending() {
    for drops in [true, false] {
        let place = Place::new();
        let disk = FaultyDisk::default();
        let environment = Environment { disk: Arc::new(disk.clone()), ..Environment::system() };
        let journal = s3_journal::journal(place.options().environment(environment)).unwrap();
        journal.submit("0").unwrap().durable().wait().unwrap();
        disk.set_full(true);
        for i in 1..100 {
            journal.try_submit(&i.to_string()).map(drop).unwrap_or_default();
        }
        if drops {
            drop(journal);
        } else {
            // Either it says what couldn't become durable, or that the disk kept it from that.
            match journal.close_within(SOON) {
                Ok(closed) => assert!(closed.not_durable > 0, "{closed:?}"),
                Err(error) => assert!(matches!(error, FlushError::Failed(_))),
            }
            drop(journal);
        }
        disk.set_full(false);
        place.open().close().unwrap();
        let entries = place.entries();
        assert_eq!(entries, numbered(0..entries.len() as u64), "a prefix, and what was durable in it");
        assert!(!entries.is_empty());
    }
}
