//! What is counted since a journal was opened, and how it is told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use serde::{Serialize, Serializer};

use crate::bucket::BucketError;
use crate::error::FullCause;
use crate::sync::lock;

/// Objects that wait and are counted one by one.
const OBJECTS_COUNTED_MAX: usize = 1 << 16;

/// How a journal is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Health {
    /// Nothing is wrong.
    #[default]
    Ok,
    /// The store refuses or is out of reach; entries wait and the upload is tried again.
    Degraded,
    /// The upload, or the journal, doesn't go on until somebody acts.
    Stopped,
}

/// The last thing that went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastError {
    /// What was tried.
    pub operation: String,
    /// What happened, and what to do.
    pub message: String,
    /// When: milliseconds since 1970.
    pub time_unix_ms: i64,
}

/// The queue's counts, in batches: the map that the original's `stats` gives under `queue`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct QueueStats {
    /// In objects that aren't uploaded.
    pub in_progress: u64,
    /// Uploaded.
    pub completed: u64,
    /// Calls to the store that were made again.
    pub retried: u64,
    /// Appended.
    pub enqueued: u64,
    /// Slab files on disk.
    pub num_slabs: u64,
    /// Slab files with something in them that waits.
    pub num_active_slabs: u64,
}

/// What [`Journal::stats`](crate::Journal::stats) tells. Counts are since the journal was opened unless they say
/// otherwise; it serializes to the original's map with more keys.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Batches.
    pub queue: QueueStats,
    /// Entries taken.
    pub enqueued: u64,
    /// Entries proved to be in the bucket.
    pub uploaded: u64,
    /// Sequence number of the next entry, over the life of the local directory.
    pub next_sequence: u64,
    /// Entries durable here, over the life of the local directory.
    pub durable_sequence: u64,
    /// Entries in the bucket, over the life of the local directory.
    pub uploaded_sequence: u64,
    /// Entries taken and not in the bucket.
    pub pending_entries: u64,
    /// Bytes of slabs on disk.
    pub disk_bytes: u64,
    /// What all buffers come to at the most, in bytes: it follows from the options and doesn't grow. An entry longer than a batch adds
    /// up to eight times what it is longer. Not in it: the compressor's own state, the store's client, stacks and code.
    pub buffers_bytes_max: u64,
    /// Bytes of entries before compression.
    pub raw_bytes: u64,
    /// Bytes of entries as stored.
    pub stored_bytes: u64,
    /// Bytes of uploaded objects.
    pub uploaded_bytes: u64,
    /// Objects uploaded.
    pub uploaded_objects: u64,
    /// Objects sent again after they had been sent: somebody may have removed them before they were seen complete.
    pub reuploaded: u64,
    /// Entries left out because of damage in the local queue: see [`Options::quarantine`](crate::Options::quarantine).
    pub left_out: u64,
    /// Age of the oldest object that isn't uploaded, in seconds.
    pub oldest_pending_age_seconds: Option<f64>,
    /// What keeps the queue from taking more, if something does: which bound, in words.
    #[serde(serialize_with = "in_words")]
    pub full: Option<FullCause>,
    /// How it is doing.
    pub health: Health,
    /// The last thing that went wrong.
    pub last_error: Option<LastError>,
}

#[expect(clippy::ref_option, reason = "serde gives it so")]
fn in_words<S: Serializer>(full: &Option<FullCause>, serializer: S) -> Result<S::Ok, S::Error> {
    full.map(|cause| cause.to_string()).serialize(serializer)
}

/// The counts, as they are kept.
#[derive(Debug, Default)]
pub struct Counters {
    batches_appended: AtomicU64,
    raw_bytes: AtomicU64,
    stored_bytes: AtomicU64,
    uploaded_objects: AtomicU64,
    uploaded_bytes: AtomicU64,
    retried: AtomicU64,
    failed_calls: AtomicU64,
    reuploaded: AtomicU64,
    batches_uploaded: AtomicU64,
    left_out: AtomicU64,
    degraded: AtomicBool,
    stopped: AtomicBool,
    /// By what: as long as it is, that matters, and not the calls that fail meanwhile.
    stopped_by: Mutex<Option<LastError>>,
    last_error: Mutex<Option<LastError>>,
    stepped_back: Mutex<Option<SystemTime>>,
    /// When the oldest object that isn't uploaded was opened, once the uploader has come to it.
    oldest_pending: Mutex<Option<SystemTime>>,
    /// Batches of each object that isn't uploaded, oldest first.
    batches_in_objects: Mutex<std::collections::VecDeque<(u64, u64)>>,
}

impl Counters {
    /// A batch was appended to object `number`.
    pub fn batch_appended(&self, number: u64, raw_bytes: usize, stored_bytes: usize) {
        self.batches_appended.fetch_add(1, Ordering::Relaxed);
        self.raw_bytes.fetch_add(raw_bytes as u64, Ordering::Relaxed);
        self.stored_bytes.fetch_add(stored_bytes as u64, Ordering::Relaxed);
        let mut objects = lock(&self.batches_in_objects);
        let is_bounded = objects.len() >= OBJECTS_COUNTED_MAX;
        match objects.back_mut() {
            Some((last, batches)) if *last == number => *batches += 1,
            // A bound on what is remembered of a long outage: the counts then come right a little later.
            Some((_, batches)) if is_bounded => *batches += 1,
            _ => objects.push_back((number, 1)),
        }
    }

    /// Object `number` is in the bucket.
    pub fn object_uploaded(&self, number: u64, bytes: u64, reuploads: u64) {
        self.uploaded_objects.fetch_add(1, Ordering::Relaxed);
        self.uploaded_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.reuploaded.fetch_add(reuploads, Ordering::Relaxed);
        let mut objects = lock(&self.batches_in_objects);
        while let Some((first, batches)) = objects.front().copied() {
            if first > number {
                break;
            }
            self.batches_uploaded.fetch_add(batches, Ordering::Relaxed);
            objects.pop_front();
        }
    }

    /// So many entries are left out because of damage.
    pub fn quarantined(&self, entries: u64) {
        self.left_out.fetch_add(entries, Ordering::Relaxed);
    }

    /// So many of them turned out to have arrived before.
    pub fn not_quarantined(&self, entries: u64) {
        let _ = self.left_out.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left_out| {
            Some(left_out.saturating_sub(entries))
        });
    }

    /// When the oldest object that isn't uploaded was opened.
    pub fn set_oldest_pending(&self, at: Option<SystemTime>) {
        *lock(&self.oldest_pending) = at;
    }

    /// The same, if the uploader knows it.
    pub fn oldest_pending(&self) -> Option<SystemTime> {
        *lock(&self.oldest_pending)
    }

    /// A call was answered as hoped.
    pub fn call_succeeded(&self) {
        self.degraded.store(false, Ordering::Relaxed);
    }

    /// A call failed and will be made again.
    pub fn call_failed(&self, operation: &str, error: &BucketError, at: SystemTime) {
        self.failed_calls.fetch_add(1, Ordering::Relaxed);
        self.retried.fetch_add(1, Ordering::Relaxed);
        // First the reason: whoever sees the state finds it.
        self.set_last_error(operation, error.to_string(), at);
        self.degraded.store(true, Ordering::Release);
    }

    /// The upload doesn't go on until somebody acts.
    pub fn upload_stopped(&self, reason: String, at: SystemTime) {
        if !self.stopped.load(Ordering::Relaxed) {
            self.set_last_error("upload", reason, at);
            lock(&self.stopped_by).clone_from(&lock(&self.last_error));
            self.stopped.store(true, Ordering::Release);
        }
    }

    /// The upload isn't stopped (any more).
    pub fn upload_goes_on(&self) {
        self.stopped.store(false, Ordering::Relaxed);
    }

    /// The clock went back to `time`; says whether that is news.
    pub fn clock_stepped_back(&self, time: SystemTime) -> bool {
        let mut last = lock(&self.stepped_back);
        let news = last.is_none_or(|last| time < last);
        *last = Some(time);
        news
    }

    /// How the upload is doing.
    pub fn health(&self) -> Health {
        if self.stopped.load(Ordering::Acquire) {
            Health::Stopped
        } else if self.degraded.load(Ordering::Acquire) {
            Health::Degraded
        } else {
            Health::Ok
        }
    }

    /// Fills in what is counted here.
    pub fn tell(&self, stats: &mut Stats) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        stats.queue.enqueued = read(&self.batches_appended);
        stats.queue.completed = read(&self.batches_uploaded);
        stats.queue.in_progress = stats.queue.enqueued.saturating_sub(stats.queue.completed);
        stats.queue.retried = read(&self.retried);
        stats.raw_bytes = read(&self.raw_bytes);
        stats.stored_bytes = read(&self.stored_bytes);
        stats.uploaded_bytes = read(&self.uploaded_bytes);
        stats.uploaded_objects = read(&self.uploaded_objects);
        stats.reuploaded = read(&self.reuploaded);
        stats.left_out = read(&self.left_out);
        stats.health = self.health();
        let is_stopped = stats.health == Health::Stopped;
        let last_error = if is_stopped { &self.stopped_by } else { &self.last_error };
        stats.last_error.clone_from(&lock(last_error));
    }

    fn set_last_error(&self, operation: &str, message: String, at: SystemTime) {
        let time_unix_ms = crate::write::to_unix_ms(at);
        *lock(&self.last_error) = Some(LastError { operation: operation.to_owned(), message, time_unix_ms });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::BucketErrorKind;

    #[test]
    fn what_stops_the_upload_is_not_hidden_by_calls_that_fail_meanwhile() {
        let (counters, mut stats) = (Counters::default(), Stats::default());
        let at = SystemTime::UNIX_EPOCH;
        let fail = || {
            let error = BucketError::new(BucketErrorKind::Forbidden, "AccessDenied", "no");
            counters.call_failed("HeadObject", &error, at);
        };
        counters.upload_stopped("something else is at the key".to_owned(), at);
        fail();
        counters.tell(&mut stats);
        assert_eq!(stats.health, Health::Stopped);
        assert_eq!(stats.last_error.as_ref().unwrap().message, "something else is at the key");
        counters.upload_goes_on();
        fail();
        counters.tell(&mut stats);
        assert_eq!(stats.last_error.unwrap().operation, "HeadObject");
    }
}
