//! What `stats` counts, the map it serializes to, and how health and the last error follow what happens.
#![cfg(feature = "fake")]

mod support;

use std::time::Duration;

use durable_queue::Environment;
use s3_journal::bucket::{BucketErrorKind, Call, Fault};
use s3_journal::{Health, Stats, durable_queue};
use support::{Place, until};

#[test]
fn the_map_has_the_keys_of_the_original() {
    let json = serde_json::to_value(Stats::default()).unwrap();
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let queue = keys(&json["queue"]);
    let mut original = ["in_progress", "completed", "retried", "enqueued", "num_slabs", "num_active_slabs"];
    original.sort_unstable();
    assert_eq!(queue, original, "the queue's map is exactly the original's");
    for key in ["queue", "enqueued", "uploaded"] {
        assert!(keys(&json).iter().any(|found| found == key), "{key}");
    }
}

#[test]
fn batches_and_entries_are_counted_from_submit_to_bucket() {
    let place = Place::new();
    let journal = place.open();
    assert_eq!(journal.stats().queue, s3_journal::QueueStats { num_slabs: 1, ..Default::default() });
    for i in 0..25 {
        journal.submit(&i.to_string()).unwrap();
    }
    journal.receipt(24).durable().wait().unwrap();
    let stats = journal.stats();
    assert_eq!((stats.enqueued, stats.uploaded, stats.pending_entries), (25, 0, 25));
    assert_eq!((stats.queue.enqueued, stats.queue.in_progress, stats.queue.completed), (3, 3, 0));
    assert_eq!((stats.next_sequence, stats.durable_sequence, stats.uploaded_sequence), (25, 25, 0));
    assert_eq!((stats.raw_bytes, stats.stored_bytes), (65, 65));
    assert!(stats.queue.num_active_slabs >= 1 && stats.disk_bytes > 0);
    // Of the log 2 x 8 MiB and its reader's half a MiB; the rest is by the options.
    assert!((16 << 20..18 << 20).contains(&stats.buffers_bytes_max), "{}", stats.buffers_bytes_max);
    assert_eq!(
        s3_journal::status(place.local_directory()).unwrap().buffers_bytes_max,
        Some(stats.buffers_bytes_max)
    );
    assert_eq!(stats.oldest_pending_age_seconds, Some(0.0));
    place.clock.advance(Duration::from_secs(7));
    assert_eq!(journal.stats().oldest_pending_age_seconds, Some(7.0));

    journal.flush().unwrap();
    until("acknowledged", || journal.stats().queue.num_active_slabs == 0);
    let stats = journal.stats();
    assert_eq!((stats.enqueued, stats.uploaded, stats.pending_entries), (25, 25, 0));
    assert_eq!((stats.queue.enqueued, stats.queue.in_progress, stats.queue.completed), (3, 0, 3));
    assert_eq!((stats.uploaded_objects, stats.uploaded_bytes, stats.reuploaded), (1, 65, 0));
    assert_eq!((stats.queue.retried, stats.oldest_pending_age_seconds), (0, None));
    assert_eq!((stats.health, stats.last_error), (Health::Ok, None));

    // Counts begin anew with each opening, sequence numbers don't.
    journal.close().unwrap();
    drop(journal);
    let journal = place.open();
    journal.submit("25").unwrap();
    let stats = journal.stats();
    assert_eq!((stats.enqueued, stats.uploaded, stats.queue.enqueued), (1, 0, 0));
    assert_eq!((stats.next_sequence, stats.uploaded_sequence), (26, 25));
}

#[test]
fn what_an_earlier_run_left_counts_as_uploaded_when_it_is() {
    let place = Place::new();
    place.fake.begin_outage(BucketErrorKind::Unavailable);
    let journal = s3_journal::journal(place.options().environment(Environment::system())).unwrap();
    journal.submit("a").unwrap();
    drop(journal);
    place.fake.end_outage();
    let journal = place.open();
    journal.receipt(0).uploaded().wait().unwrap();
    let stats = journal.stats();
    assert_eq!((stats.enqueued, stats.uploaded, stats.uploaded_objects), (0, 1, 1));
    assert_eq!(stats.queue.in_progress, 0);
}

#[test]
fn health_follows_the_store() {
    let place = Place::new();
    let journal = s3_journal::journal(place.options().environment(Environment::system())).unwrap();
    assert_eq!(journal.stats().health, Health::Ok);
    place.fake.begin_outage(BucketErrorKind::Forbidden);
    journal.submit("a").unwrap();
    journal.seal();
    until("degraded", || journal.stats().health == Health::Degraded);
    let error = journal.stats().last_error.unwrap();
    assert!(!error.operation.is_empty() && error.message.contains("AccessDenied"), "{error:?}");
    assert!(error.time_unix_ms > 1_700_000_000_000);
    until("tried again", || journal.stats().queue.retried > 1);
    place.fake.end_outage();
    journal.flush().unwrap();
    assert_eq!(journal.stats().health, Health::Ok);
    assert!(journal.stats().last_error.is_some(), "the last error stays to be read");
}

#[test]
fn a_foreign_object_stops_the_upload_and_names_the_key_and_submit_goes_on() {
    let place = Place::new();
    let journal = s3_journal::journal(place.options().environment(Environment::system())).unwrap();
    journal.submit("a").unwrap().durable().wait().unwrap();
    let key = s3_journal::status(place.local_directory()).unwrap().open_object.unwrap();
    place.memory.put_foreign(&key, "somebody else's");
    journal.seal();
    until("stopped", || journal.stats().health == Health::Stopped);
    assert_eq!(journal.uploaded(), 0, "it isn't ours");
    let message = journal.stats().last_error.unwrap().message;
    assert!(message.contains(&key), "{message}");
    journal.submit("b").unwrap().durable().wait().unwrap();
    assert_eq!(journal.close_within(Duration::from_millis(20)).unwrap().remaining, 2);
    drop(journal);
    assert_eq!(&place.memory.objects()[&key].body[..], b"somebody else's", "left alone");
    // Gone, and the upload goes on.
    place.memory.delete(&key);
    place.open().close().unwrap();
    assert_eq!(place.entries(), ["a", "b"]);
}

#[test]
fn an_object_removed_before_it_was_seen_is_uploaded_again_and_counted() {
    let place = Place::new();
    place.fake.fail_next(Call::Put, Fault::LostAnswer);
    let journal = s3_journal::journal(place.options().environment(Environment::system())).unwrap();
    journal.submit("a").unwrap();
    journal.seal();
    until("written", || place.memory.objects().len() == 1);
    // The process dies before it looks, and a consumer takes the object away.
    let _ = journal.close_within(Duration::ZERO);
    let was_uploaded = journal.uploaded() == 1;
    drop(journal);
    if !was_uploaded {
        for key in place.memory.objects().into_keys() {
            place.memory.delete(&key);
        }
    }
    let journal = place.open();
    journal.receipt(0).uploaded().wait().unwrap();
    assert_eq!(journal.stats().reuploaded, u64::from(!was_uploaded), "rather twice than lost");
    assert_eq!(place.entries(), ["a"]);
}
