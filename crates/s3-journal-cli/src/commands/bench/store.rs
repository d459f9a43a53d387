//! The store: small objects one after the other, and the parts of an upload that is never completed, so that nothing stays.
//! Knows the library's buckets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use s3_journal::bucket::{Bucket, BucketError, BucketErrorKind, Metadata, Put, UploadPart};
use s3_journal::durable_queue::checksum;
use s3_journal::read::escaped;
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use super::limits::Limits;
use super::times::Times;
use super::{Leftover, sample};
use crate::clock;
use crate::commands::write::options::in_memory;
use crate::exit::{Exit, Failure, causes};
use crate::flags::bench::BenchFlags;
use crate::human::Size;

const SMALL_BYTES: usize = 1 << 10;
/// The most small objects that count. One before them makes the connection, and doesn't.
const PUTS: usize = 10;
/// As many threads as a journal makes its requests on.
const THREADS: usize = 2;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoreFigures {
    /// Which one, with the prefix.
    pub name: String,
    /// So many objects of 1 KiB were written, one after the other.
    pub puts: usize,
    /// The middle one took so long.
    pub put_seconds: f64,
    /// The slowest.
    pub put_slowest_seconds: f64,
    /// So many in a second.
    pub puts_per_second: f64,
    /// So many parts were sent.
    pub parts: u64,
    /// Length of a part.
    pub part_bytes: u64,
    /// So many at once.
    pub parts_at_once: usize,
    /// At this rate.
    pub parts_bytes_per_second: f64,
}

/// How parts are sent.
#[derive(Debug, Clone, Copy)]
pub struct Upload {
    part_bytes: usize,
    at_once: usize,
    parts_max: u32,
}

impl Upload {
    /// As the options say, for this bucket.
    ///
    /// # Errors
    /// No `write` could use them, or they leave nothing to measure.
    pub fn of(flags: &BenchFlags, bucket: &dyn Bucket) -> Result<Self, Failure> {
        let (part_size, max_bytes, abilities) = (flags.part_size, flags.max_bytes, bucket.abilities());
        let (least, most) = (abilities.part_size_min_bytes, abilities.part_size_max_bytes);
        if !(least..=most).contains(&part_size.0) {
            let (least, most) = (Size(least), Size(most));
            return Err(Failure::usage(format!(
                "option --part-size is {part_size}: this store takes parts of {least} to {most}; give one of these"
            )));
        }
        if part_size > max_bytes {
            return Err(Failure::usage(format!(
                "option --max-bytes is {max_bytes}: not one part of {part_size} goes up; raise it, or lower --part-size"
            )));
        }
        if flags.max_concurrent_uploads == 0 {
            return Err(Failure::usage("option --max-concurrent-uploads is 0: give at least 1"));
        }
        let parts_max = (max_bytes.0 / part_size.0).min(u64::from(abilities.parts_max));
        let parts_max = u32::try_from(parts_max).unwrap_or(u32::MAX);
        let at_once = flags.max_concurrent_uploads.min(usize::try_from(parts_max).unwrap_or(usize::MAX));
        Ok(Self { part_bytes: in_memory("part-size", part_size.0)?, at_once, parts_max })
    }
}

/// A bucket, and the one key in it that is written to.
#[derive(Debug)]
pub struct Store {
    bucket: Arc<dyn Bucket>,
    key: String,
    runtime: Runtime,
}

/// What the parts came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sent {
    parts: u64,
    bytes_per_second: f64,
}

impl Store {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub fn new(bucket: Arc<dyn Bucket>, key: String) -> Result<Self, Failure> {
        let runtime = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
        let runtime = runtime.map_err(|error| {
            Failure::caused(Exit::Unexpected, "the operating system refuses a thread", &error)
        })?;
        Ok(Self { bucket, key, runtime })
    }

    /// The key's whole address.
    pub fn place(&self) -> String {
        place(&self.bucket, &self.key)
    }

    /// Writes small objects and removes them again; what it can't remove is added to `left`.
    ///
    /// # Errors
    /// The store doesn't do it.
    pub fn put(&self, limits: &Limits, left: &mut Vec<Leftover>) -> Result<Times, Failure> {
        self.runtime.block_on(puts(&self.bucket, &self.key, limits, left))
    }

    /// Sends parts and removes them again; what it can't remove is added to `left`.
    ///
    /// # Errors
    /// The store doesn't do it.
    pub fn send(&self, upload: Upload, limits: &Limits, left: &mut Vec<Leftover>) -> Result<Sent, Failure> {
        self.runtime.block_on(parts(&self.bucket, &self.key, upload, limits, left))
    }
}

impl StoreFigures {
    /// Of the store with this name.
    pub fn of(name: &str, times: &Times, upload: Upload, sent: Sent) -> Self {
        Self {
            name: name.to_owned(),
            puts: times.count(),
            put_seconds: times.within(50),
            put_slowest_seconds: times.within(100),
            puts_per_second: times.per_second(),
            parts: sent.parts,
            part_bytes: upload.part_bytes as u64,
            parts_at_once: upload.at_once,
            parts_bytes_per_second: sent.bytes_per_second,
        }
    }
}

/// Writes the object and deletes it again, several times. Who may not delete it overwrites it instead, and it stays.
async fn puts(
    bucket: &Arc<dyn Bucket>,
    key: &str,
    limits: &Limits,
    left: &mut Vec<Leftover>,
) -> Result<Times, Failure> {
    let body = Bytes::from(sample::incompressible(SMALL_BYTES));
    let (crc64nvme, metadata) = (checksum(&body), Metadata::new());
    let (mut times, mut is_connected) = (Times::default(), false);
    // As a journal writes, where the store can do that.
    let (mut create_only, mut stays) = (true, false);
    let all = clock::now();
    while times.count() == 0 || times.count() < PUTS && !limits.is_over(all) {
        if limits.is_stopped() {
            break;
        }
        let put = Put { key, body: body.clone(), crc64nvme, metadata: &metadata, create_only };
        let begun = clock::now();
        let done = bucket.put(put).await;
        let seconds = begun.elapsed().as_secs_f64();
        match done {
            Err(error) if create_only && error.kind() == BucketErrorKind::Unsupported => {
                create_only = false;
                continue;
            }
            Err(error) => {
                // It may be there all the same.
                if !stays && !error.has_no_side_effects() {
                    left.extend(delete(bucket, key).await.err());
                }
                return Err(failure(&format!("putting {}", place(bucket, key)), &error));
            }
            Ok(()) if is_connected => times.add(seconds),
            Ok(()) => is_connected = true,
        }
        if !stays && let Err(leftover) = delete(bucket, key).await {
            left.push(leftover);
            (stays, create_only) = (true, false);
        }
    }
    Ok(times)
}

/// Deletes the object.
async fn delete(bucket: &Arc<dyn Bucket>, key: &str) -> Result<(), Leftover> {
    bucket.delete(key).await.map_err(|error| leftover(place(bucket, key), &error))
}

/// Opens an upload, sends parts, and aborts it.
async fn parts(
    bucket: &Arc<dyn Bucket>,
    key: &str,
    upload: Upload,
    limits: &Limits,
    left: &mut Vec<Leftover>,
) -> Result<Sent, Failure> {
    if limits.is_stopped() {
        return Ok(Sent { parts: 0, bytes_per_second: 0.0 });
    }
    let upload_id: Arc<str> = match bucket.create_upload(key, &Metadata::new()).await {
        Ok(upload_id) => upload_id.into(),
        Err(error) => {
            if !error.has_no_side_effects() {
                left.push(leftover(format!("perhaps an open upload of {}", place(bucket, key)), &error));
            }
            return Err(failure(&format!("beginning an upload of {}", place(bucket, key)), &error));
        }
    };
    let sent = send(bucket, key, &upload_id, upload, limits).await;
    // Whatever was found: no part stays behind.
    match bucket.abort_upload(key, &upload_id).await {
        Err(error) if error.kind() != BucketErrorKind::NoSuchUpload => {
            left.push(leftover(format!("an open upload of {}", place(bucket, key)), &error));
        }
        _ => {}
    }
    sent.map_err(|error| failure(&format!("sending a part of {}", place(bucket, key)), &error))
}

/// Sends parts until there are enough of them or the time is up. Returns when none is under way any more.
async fn send(
    bucket: &Arc<dyn Bucket>,
    key: &str,
    upload_id: &Arc<str>,
    upload: Upload,
    limits: &Limits,
) -> Result<Sent, BucketError> {
    let part = Bytes::from(sample::incompressible(upload.part_bytes));
    let (crc64nvme, next) = (checksum(&part), Arc::new(AtomicU32::new(1)));
    let begun = clock::now();
    let mut workers = JoinSet::new();
    for _ in 0..upload.at_once {
        let (bucket, key, upload_id) = (Arc::clone(bucket), key.to_owned(), Arc::clone(upload_id));
        let (part, next, limits) = (part.clone(), Arc::clone(&next), limits.clone());
        workers.spawn(async move {
            let mut sent = 0_u64;
            // One at least: in a short time there would be nothing to tell.
            while sent == 0 || !limits.is_over(begun) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number > upload.parts_max || limits.is_stopped() {
                    break;
                }
                let body = part.clone();
                let part = UploadPart { key: &key, upload_id: &upload_id, number, body, crc64nvme };
                if let Err(error) = bucket.upload_part(part).await {
                    // The others begin no further one.
                    next.store(upload.parts_max + 1, Ordering::Relaxed);
                    return Err(error);
                }
                sent += 1;
            }
            Ok(sent)
        });
    }
    let (mut parts, mut failed) = (0, None);
    while let Some(ended) = workers.join_next().await {
        match ended {
            Ok(Ok(sent)) => parts += sent,
            Ok(Err(error)) => failed = failed.or(Some(error)),
            // A panic, which is reported already.
            Err(_) => {}
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    match failed {
        Some(error) => Err(error),
        None => Ok(Sent { parts, bytes_per_second: parts as f64 * upload.part_bytes as f64 / seconds }),
    }
}

/// The key's whole address.
fn place(bucket: &Arc<dyn Bucket>, key: &str) -> String {
    format!("{}/{key}", bucket.name())
}

fn failure(doing: &str, error: &BucketError) -> Failure {
    use BucketErrorKind as Kind;
    let exit = match error.kind() {
        Kind::Forbidden => Exit::Denied,
        Kind::NotSent | Kind::NoAnswer | Kind::Unavailable | Kind::Throttled | Kind::NoSuchBucket => {
            Exit::Unreachable
        }
        _ => Exit::Unexpected,
    };
    Failure::new(exit, format!("{} failed: {}", escaped(doing), escaped(&causes(error))))
}

/// The store's own remedy speaks of writing.
fn leftover(what: String, error: &BucketError) -> Leftover {
    Leftover { what, why: error.words() }
}
