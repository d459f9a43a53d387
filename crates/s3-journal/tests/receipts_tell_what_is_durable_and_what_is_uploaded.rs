//! The two stages that one can wait for, by thread and by task, and what a receipt says when a stage won't be reached.
#![cfg(feature = "fake")]

mod support;

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use durable_queue::Environment;
use s3_journal::bucket::{BucketErrorKind, Call, Fault, Faults};
use s3_journal::{JournalFailure, WaitError, durable_queue};
use support::disk::FaultyDisk;
use support::{Place, block_on, until};

const SOON: Duration = Duration::from_millis(20);

#[test]
fn an_entry_is_numbered_durable_and_then_uploaded() {
    let place = Place::new();
    let journal = s3_journal::journal(place.options().environment(Environment::system())).unwrap();
    let first = journal.submit("a").unwrap();
    let second = journal.submit("b").unwrap();
    assert_eq!((first.sequence(), second.sequence()), (0, 1));
    assert!(
        !second.uploaded().wait_timeout(SOON).unwrap(),
        "waiting for the upload ends neither batch nor object"
    );
    assert_eq!(journal.durable(), 0);
    second.durable().wait().unwrap();
    assert!(journal.durable() >= 2, "where no latency is set, waiting for it ends the batch");
    first.durable().wait().unwrap();
    assert!(!second.uploaded().wait_timeout(SOON).unwrap());
    assert_eq!(place.memory.objects().len(), 0);
    journal.flush().unwrap();
    first.uploaded().wait().unwrap();
    second.uploaded().wait().unwrap();
    assert_eq!(journal.uploaded(), 2);
    assert_eq!(place.entries(), ["a", "b"]);
}

#[test]
fn a_batch_with_a_latency_becomes_durable_by_itself() {
    let place = Place::new();
    let options =
        place.options().environment(Environment::system()).max_batch_latency(Duration::from_millis(5));
    let journal = s3_journal::journal(options.max_batch_size(1_000_000)).unwrap();
    journal.submit("a").unwrap();
    until("durable", || journal.durable() == 1);
    journal.submit("b").unwrap().durable().wait().unwrap();
}

#[test]
fn receipts_can_be_awaited() {
    let place = Place::new();
    let journal = place.open();
    block_on(async {
        let receipt = journal.submit_async("a").await.unwrap();
        receipt.durable().await.unwrap();
        let other = journal.submit_async("b").await.unwrap();
        journal.flush_async().await.unwrap();
        receipt.uploaded().await.unwrap();
        other.uploaded().await.unwrap();
        other.durable().await.unwrap();
        journal.close_async().await.unwrap();
    });
    assert_eq!(place.entries(), ["a", "b"]);
}

#[test]
fn many_tasks_and_threads_may_wait_for_different_entries() {
    let place = Place::new();
    let journal = place.open();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let journal = &journal;
            scope.spawn(move || {
                for i in 0..50 {
                    let receipt = journal.submit(&format!("{thread} {i}")).unwrap();
                    if i % 2 == 0 {
                        receipt.durable().wait().unwrap();
                    } else {
                        block_on(receipt.durable()).unwrap();
                    }
                    assert!(journal.durable() > receipt.sequence());
                }
            });
        }
    });
    journal.close().unwrap();
    let mut entries = place.entries();
    for thread in 0..4 {
        let own: Vec<_> = entries.iter().filter(|entry| entry.starts_with(&format!("{thread} "))).collect();
        assert!(
            own.iter().enumerate().all(|(i, entry)| **entry == format!("{thread} {i}")),
            "each in its order"
        );
    }
    entries.sort();
    entries.dedup();
    assert_eq!(entries.len(), 200);
}

#[test]
fn a_receipt_outlives_the_process_as_a_number() {
    let place = Place::new();
    let journal = place.open();
    let sequence = journal.submit("a").unwrap().sequence();
    drop(journal);
    let journal = place.open();
    journal.receipt(sequence).durable().wait().unwrap();
    journal.receipt(sequence).uploaded().wait().unwrap();
    assert_eq!(place.entries(), ["a"]);
}

#[test]
fn waiting_for_what_will_not_come_ends_when_the_journal_does() {
    let place = Place::new();
    place.fake.begin_outage(BucketErrorKind::Forbidden);
    let journal = s3_journal::journal(place.options().environment(Environment::system())).unwrap();
    let receipt = journal.submit("a").unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| receipt.uploaded().wait());
        let awaiting = scope.spawn(|| block_on(receipt.uploaded()));
        let never_submitted = scope.spawn(|| journal.receipt(1_000).durable().wait());
        let closed = journal.close_within(SOON).unwrap();
        assert_eq!((closed.remaining, closed.not_durable), (1, 0));
        assert!(matches!(waiting.join().unwrap(), Err(WaitError::Closed)));
        assert!(matches!(awaiting.join().unwrap(), Err(WaitError::Closed)));
        assert!(matches!(never_submitted.join().unwrap(), Err(WaitError::Closed)));
    });
    receipt.durable().wait().unwrap();
    assert!(matches!(receipt.uploaded().wait(), Err(WaitError::Closed)));
}

#[test]
fn a_future_that_is_dropped_waits_no_more() {
    let place = Place::new();
    place.fake.begin_outage(BucketErrorKind::NotSent);
    let journal = s3_journal::journal(place.options().environment(Environment::system())).unwrap();
    let receipt = journal.submit("a").unwrap();
    for _ in 0..100 {
        let mut uploaded = std::pin::pin!(receipt.uploaded());
        assert!(uploaded.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    place.fake.end_outage();
    journal.flush().unwrap();
    block_on(receipt.uploaded()).unwrap();
}

#[test]
fn after_a_failed_sync_nothing_is_called_durable_that_is_not_and_what_was_is_uploaded() {
    let place = Place::new();
    let disk = FaultyDisk::default();
    let environment = Environment { disk: Arc::new(disk.clone()), ..place.environment() };
    let journal = s3_journal::journal(place.options().environment(environment)).unwrap();
    let safe = journal.submit("safe").unwrap();
    journal.flush().unwrap();
    disk.let_syncs_fail(true);
    let lost = journal.submit("lost").unwrap();
    let error = lost.durable().wait().unwrap_err();
    assert!(
        matches!(&error, WaitError::Failed(failure) if matches!(**failure, JournalFailure::Log(_))),
        "{error}"
    );
    assert!(block_on(lost.uploaded()).is_err());
    // The latch doesn't open again, whatever the disk says later.
    disk.let_syncs_fail(false);
    assert!(journal.submit("more").is_err());
    assert!(lost.durable().wait().is_err());
    safe.durable().wait().unwrap();
    safe.uploaded().wait().unwrap();
    assert!(journal.flush().is_err() && journal.close().is_err());
    assert!(journal.failure().is_some());
    drop(journal);
    let journal = place.open();
    let next = journal.next_sequence();
    assert!((1..=2).contains(&next));
    journal.close().unwrap();
    assert_eq!(place.entries()[0], "safe");
    assert_eq!(place.entries().len() as u64, next);
}

#[test]
fn what_was_durable_before_the_disk_failed_is_uploaded_still() {
    let place = Place::new();
    let disk = FaultyDisk::default();
    let environment = Environment { disk: Arc::new(disk.clone()), ..Environment::system() };
    place.fake.begin_outage(BucketErrorKind::Unavailable);
    let journal = s3_journal::journal(place.options().environment(environment)).unwrap();
    journal.submit("safe").unwrap();
    journal.seal();
    // A put is tried only once batch, seal and the record of the sending are durable.
    until("tried", || place.fake.counts().calls.contains_key(&Call::Put));
    disk.let_syncs_fail(true);
    let _ = journal.submit("lost").unwrap().durable().wait();
    place.fake.end_outage();
    until("uploaded", || journal.uploaded() == 1);
    assert_eq!(place.entries(), ["safe"]);
    assert!(journal.close().is_err());
    disk.let_syncs_fail(false);
    drop(journal);
    place.open().close().unwrap();
    assert_eq!(place.entries()[0], "safe", "found out again by looking");
    assert_eq!(place.memory.objects().len(), place.objects().len());
}

#[test]
fn uploaded_is_said_only_of_what_is_in_the_bucket() {
    let place = Place::with(7, Faults::all(0.3));
    let journal = place.open();
    for round in 0..30 {
        let receipt = journal.submit(&format!("entry {round}")).unwrap();
        journal.seal();
        receipt.uploaded().wait().unwrap();
        assert_eq!(place.entries().len(), round + 1);
    }
}

#[test]
fn an_upload_in_doubt_is_not_called_uploaded_before_it_is_settled() {
    let place = Place::new();
    place.fake.fail_next(Call::Put, Fault::LostAnswer);
    place.fake.fail_next(Call::Head, Fault::Refused(BucketErrorKind::Unavailable));
    let journal = place.open();
    let receipt = journal.submit("a").unwrap();
    journal.flush().unwrap();
    receipt.uploaded().wait().unwrap();
    let counts = place.fake.counts();
    assert_eq!((counts.calls[&Call::Put], counts.calls[&Call::Head]), (1, 2), "one put, settled by looking");
    assert_eq!(place.entries(), ["a"]);
}
