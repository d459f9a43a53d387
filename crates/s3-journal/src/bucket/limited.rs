//! A bucket behind limits of its caller's: so many requests and so many bytes sent per second. Knows the trait and the
//! runtime's clock.
//!
//! A call waits for its turn and is then made as it is, once: what is answered, and how long the answer may take, isn't
//! touched.

use std::num::{NonZeroU32, NonZeroU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    Abilities, Bucket, BucketFuture, Complete, Head, Limit, Metadata, ObjectPage, Part, Put, UploadMarker,
    UploadPage, UploadPart,
};
use crate::sync::lock;

/// The most that a [`LimitedBucket`] asks of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RateLimits {
    /// Calls begun per second. A call that needs several requests, such as a listing of parts by pages, counts once.
    pub requests_per_second: Option<NonZeroU32>,
    /// Bytes of objects and parts sent per second, on average: the part that is at hand goes as fast as the line, and the
    /// next one waits.
    pub upload_bytes_per_second: Option<NonZeroU64>,
}

impl RateLimits {
    /// Whether there are any.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A bucket that is asked no more than its limits say, by all callers together.
///
/// ```
/// # use std::sync::Arc;
/// use s3_journal::bucket::{LimitedBucket, MemoryBucket, RateLimits};
///
/// let mut limits = RateLimits::default();
/// limits.requests_per_second = std::num::NonZeroU32::new(100);
/// let bucket = LimitedBucket::new(Arc::new(MemoryBucket::new()), limits);
/// # let _ = bucket;
/// ```
#[derive(Debug)]
pub struct LimitedBucket {
    inner: Arc<dyn Bucket>,
    limits: RateLimits,
    began: Instant,
    turns: Mutex<Turns>,
}

/// When the next call may begin, by each limit, since the bucket was made.
#[derive(Debug, Default)]
struct Turns {
    request: Duration,
    bytes: Duration,
}

impl Turns {
    /// Takes a turn for a call of `len_bytes`; returns when it comes. Pure.
    fn take(&mut self, limits: &RateLimits, len_bytes: u64, now: Duration) -> Duration {
        let mut begins = now;
        if limits.requests_per_second.is_some() {
            begins = begins.max(self.request);
        }
        if limits.upload_bytes_per_second.is_some() && len_bytes > 0 {
            begins = begins.max(self.bytes);
        }
        // Time in which nothing was asked for is not saved up.
        if let Some(rate) = limits.requests_per_second {
            self.request = begins + time_of(1, u64::from(rate.get()));
        }
        if let Some(rate) = limits.upload_bytes_per_second
            && len_bytes > 0
        {
            self.bytes = begins + time_of(len_bytes, rate.get());
        }
        begins
    }
}

/// How long `count` take at `per_second`. `per_second` isn't 0.
fn time_of(count: u64, per_second: u64) -> Duration {
    let nanos = u128::from(count) * 1_000_000_000 / u128::from(per_second.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

impl LimitedBucket {
    /// `inner`, asked no more than `limits` say.
    pub fn new(inner: Arc<dyn Bucket>, limits: RateLimits) -> Self {
        Self { inner, limits, began: Instant::now(), turns: Mutex::default() }
    }

    /// Waits for a call's turn. One that is given up while it waits has used its turn.
    async fn turn(&self, len_bytes: u64) {
        let begins = lock(&self.turns).take(&self.limits, len_bytes, self.began.elapsed());
        if let Some(at) = self.began.checked_add(begins) {
            tokio::time::sleep_until(at).await;
        }
    }
}

impl Bucket for LimitedBucket {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn abilities(&self) -> Abilities {
        self.inner.abilities()
    }

    fn limits(&self) -> Vec<Limit> {
        self.inner.limits()
    }

    fn put<'a>(&'a self, put: Put<'a>) -> BucketFuture<'a, ()> {
        Box::pin(async move {
            self.turn(put.body.len() as u64).await;
            self.inner.put(put).await
        })
    }

    fn create_upload<'a>(&'a self, key: &'a str, metadata: &'a Metadata) -> BucketFuture<'a, String> {
        Box::pin(async move {
            self.turn(0).await;
            self.inner.create_upload(key, metadata).await
        })
    }

    fn upload_part<'a>(&'a self, part: UploadPart<'a>) -> BucketFuture<'a, String> {
        Box::pin(async move {
            self.turn(part.body.len() as u64).await;
            self.inner.upload_part(part).await
        })
    }

    fn complete_upload<'a>(&'a self, complete: Complete<'a>) -> BucketFuture<'a, ()> {
        Box::pin(async move {
            self.turn(0).await;
            self.inner.complete_upload(complete).await
        })
    }

    fn abort_upload<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, ()> {
        Box::pin(async move {
            self.turn(0).await;
            self.inner.abort_upload(key, upload_id).await
        })
    }

    fn list_parts<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, Vec<Part>> {
        Box::pin(async move {
            self.turn(0).await;
            self.inner.list_parts(key, upload_id).await
        })
    }

    fn list_uploads<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a UploadMarker>,
    ) -> BucketFuture<'a, UploadPage> {
        Box::pin(async move {
            self.turn(0).await;
            self.inner.list_uploads(prefix, after).await
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> BucketFuture<'a, ()> {
        Box::pin(async move {
            self.turn(0).await;
            self.inner.delete(key).await
        })
    }

    fn head<'a>(&'a self, key: &'a str) -> BucketFuture<'a, Option<Head>> {
        Box::pin(async move {
            self.turn(0).await;
            self.inner.head(key).await
        })
    }

    fn get_range<'a>(&'a self, key: &'a str, offset_bytes: u64, len_bytes: u64) -> BucketFuture<'a, Bytes> {
        Box::pin(async move {
            self.turn(0).await;
            self.inner.get_range(key, offset_bytes, len_bytes).await
        })
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BucketFuture<'a, ObjectPage> {
        Box::pin(async move {
            self.turn(0).await;
            self.inner.list(prefix, after).await
        })
    }
}

#[cfg(test)]
#[path = "limited_tests.rs"]
mod tests;
