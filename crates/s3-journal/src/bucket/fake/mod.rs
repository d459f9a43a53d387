//! A bucket in which things go wrong on purpose, around any other, for tests of whatever writes to buckets.
//! Knows only the trait.

mod faults;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use durable_queue::clock::Clock;

use super::{
    Abilities, Bucket, BucketErrorKind, BucketFuture, Complete, Head, Limit, Metadata, ObjectPage, Part, Put,
    UploadMarker, UploadPage, UploadPart,
};
pub use durable_queue::fake::FakeClock;
use faults::{Attempt, Dice};
pub use faults::{Call, FakeCounts, Fault, Faults};

/// A bucket with faults, drawn from a seed or planned one by one. A clone shares faults, counts and content.
///
/// Whether a call is carried out, and whether it is answered, is decided when its future is first polled. The same seed,
/// options and order of calls give the same faults; calls made side by side have no order of their own.
///
/// ```
/// use std::sync::Arc;
/// use s3_journal::bucket::{Bucket, BucketErrorKind, Call, FakeBucket, Fault, Faults, MemoryBucket};
///
/// let bucket = FakeBucket::new(Arc::new(MemoryBucket::new()), 7, Faults::default());
/// bucket.fail_next(Call::Head, Fault::Refused(BucketErrorKind::Forbidden));
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// assert_eq!(runtime.block_on(bucket.head("key")).unwrap_err().kind(), BucketErrorKind::Forbidden);
/// assert!(runtime.block_on(bucket.head("key")).unwrap().is_none());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FakeBucket {
    inner: Arc<dyn Bucket>,
    dice: Arc<Mutex<Dice>>,
    clock: Option<Arc<dyn Clock>>,
}

impl FakeBucket {
    /// Faults around `inner`, drawn from `seed`.
    pub fn new(inner: Arc<dyn Bucket>, seed: u64, faults: Faults) -> Self {
        Self { inner, dice: Arc::new(Mutex::new(Dice::new(seed, faults))), clock: None }
    }

    /// The clock that [`Faults::outage_time`] goes by; without one, outages are over after their calls.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Other faults from now on. An outage that has begun goes on.
    pub fn set_faults(&self, faults: Faults) {
        self.dice().faults = faults;
    }

    /// The faults in force.
    pub fn faults(&self) -> Faults {
        self.dice().faults.clone()
    }

    /// Plans a fault for the next call of a kind, or, if some are planned, for the one after them. Goes before any other.
    pub fn fail_next(&self, call: Call, fault: Fault) {
        self.dice().plan(call, fault);
    }

    /// Refuses every call from now on with an error of this kind.
    pub fn begin_outage(&self, kind: BucketErrorKind) {
        self.dice().begin_outage(kind);
    }

    /// Ends an outage, whether it was begun by hand or drawn.
    pub fn end_outage(&self) {
        self.dice().end_outage();
    }

    /// What was called and what went wrong so far.
    pub fn counts(&self) -> FakeCounts {
        self.dice().counts.clone()
    }

    fn dice(&self) -> MutexGuard<'_, Dice> {
        self.dice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries a call out, or not, as the dice say.
    fn through<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        upload: Option<(&'a str, &'a str)>,
        create_only: bool,
        work: BucketFuture<'a, T>,
    ) -> BucketFuture<'a, T> {
        Box::pin(async move {
            // Without a clock, the time of every outage is over.
            let now = self.clock.as_ref().map_or(Duration::MAX, |clock| clock.monotonic());
            let attempt = Attempt { call, has_upload: upload.is_some(), create_only };
            let fault = self.dice().decide(attempt, now);
            match fault {
                None => work.await,
                Some(Fault::LostRequest) => Err(faults::error(BucketErrorKind::NoAnswer, call)),
                Some(Fault::LostAnswer) => {
                    let _unseen = work.await;
                    Err(faults::error(BucketErrorKind::NoAnswer, call))
                }
                Some(Fault::Refused(kind)) => Err(faults::error(kind, call)),
                Some(Fault::DoneButFailed(kind)) => {
                    let _unseen = work.await;
                    Err(faults::error(kind, call))
                }
                Some(Fault::UploadAborted) => {
                    if let Some((key, upload_id)) = upload {
                        // It may be gone already, which is what was wanted.
                        let _ = self.inner.abort_upload(key, upload_id).await;
                    }
                    work.await
                }
            }
        })
    }
}

impl Bucket for FakeBucket {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn abilities(&self) -> Abilities {
        self.inner.abilities()
    }

    fn limits(&self) -> Vec<Limit> {
        self.inner.limits()
    }

    fn put<'a>(&'a self, mut put: Put<'a>) -> BucketFuture<'a, ()> {
        let create_only = put.create_only;
        put.create_only &= !self.dice().faults.conditional_writes_ignored;
        self.through(Call::Put, None, create_only, self.inner.put(put))
    }

    fn create_upload<'a>(&'a self, key: &'a str, metadata: &'a Metadata) -> BucketFuture<'a, String> {
        self.through(Call::CreateUpload, None, false, self.inner.create_upload(key, metadata))
    }

    fn upload_part<'a>(&'a self, part: UploadPart<'a>) -> BucketFuture<'a, String> {
        let upload = Some((part.key, part.upload_id));
        self.through(Call::UploadPart, upload, false, self.inner.upload_part(part))
    }

    fn complete_upload<'a>(&'a self, mut complete: Complete<'a>) -> BucketFuture<'a, ()> {
        let (upload, create_only) = (Some((complete.key, complete.upload_id)), complete.create_only);
        complete.create_only &= !self.dice().faults.conditional_writes_ignored;
        self.through(Call::CompleteUpload, upload, create_only, self.inner.complete_upload(complete))
    }

    fn abort_upload<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, ()> {
        self.through(
            Call::AbortUpload,
            Some((key, upload_id)),
            false,
            self.inner.abort_upload(key, upload_id),
        )
    }

    fn list_parts<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, Vec<Part>> {
        let work = self.through(
            Call::ListParts,
            Some((key, upload_id)),
            false,
            self.inner.list_parts(key, upload_id),
        );
        Box::pin(async move {
            let mut parts = work.await?;
            if self.dice().faults.checksums_withheld {
                for part in &mut parts {
                    part.crc64nvme = None;
                }
            }
            Ok(parts)
        })
    }

    fn list_uploads<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a UploadMarker>,
    ) -> BucketFuture<'a, UploadPage> {
        self.through(Call::ListUploads, None, false, self.inner.list_uploads(prefix, after))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BucketFuture<'a, ()> {
        self.through(Call::Delete, None, false, self.inner.delete(key))
    }

    fn head<'a>(&'a self, key: &'a str) -> BucketFuture<'a, Option<Head>> {
        let work = self.through(Call::Head, None, false, self.inner.head(key));
        Box::pin(async move {
            let mut head = work.await?;
            if let Some(head) = head.as_mut().filter(|_| self.dice().faults.checksums_withheld) {
                head.crc64nvme = None;
            }
            Ok(head)
        })
    }

    fn get_range<'a>(&'a self, key: &'a str, offset_bytes: u64, len_bytes: u64) -> BucketFuture<'a, Bytes> {
        self.through(Call::GetRange, None, false, self.inner.get_range(key, offset_bytes, len_bytes))
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BucketFuture<'a, ObjectPage> {
        self.through(Call::List, None, false, self.inner.list(prefix, after))
    }
}
