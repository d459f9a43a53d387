//! Limits delay calls, by just as much as they say, and change nothing else. The runtime's clock stands still but for waits.

use super::*;
use crate::bucket::{BucketErrorKind, MemoryBucket};
use crate::checksum::{CRC64_EMPTY, crc64_of};

fn limits(requests_per_second: u32, upload_bytes_per_second: u64) -> RateLimits {
    RateLimits {
        requests_per_second: NonZeroU32::new(requests_per_second),
        upload_bytes_per_second: NonZeroU64::new(upload_bytes_per_second),
    }
}

fn bucket(limits: RateLimits) -> LimitedBucket {
    LimitedBucket::new(Arc::new(MemoryBucket::new()), limits)
}

async fn put(bucket: &LimitedBucket, key: &str, len_bytes: usize) -> Result<(), BucketErrorKind> {
    let body = Bytes::from(vec![b'x'; len_bytes]);
    let crc64nvme = crc64_of(CRC64_EMPTY, &body);
    let put = Put { key, body, crc64nvme, metadata: &Metadata::new(), create_only: true };
    bucket.put(put).await.map_err(|error| error.kind())
}

#[tokio::test(start_paused = true)]
async fn requests_are_spread_evenly_and_the_first_goes_at_once() {
    let bucket = bucket(limits(10, 0));
    let began = Instant::now();
    for call in 0..5_u32 {
        assert_eq!(bucket.head("none").await.unwrap(), None);
        assert!(began.elapsed() >= call * Duration::from_millis(100));
        assert!(began.elapsed() < (call + 1) * Duration::from_millis(100));
    }
}

#[tokio::test(start_paused = true)]
async fn calls_side_by_side_share_the_limit() {
    let bucket = bucket(limits(10, 0));
    let began = Instant::now();
    let (a, b, c) = tokio::join!(bucket.head("a"), bucket.head("b"), bucket.list("", None));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[tokio::test(start_paused = true)]
async fn bytes_are_paid_for_before_the_next_are_sent() {
    let bucket = bucket(limits(0, 1_000));
    let began = Instant::now();
    put(&bucket, "one", 5_000).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1), "it goes as fast as the line");
    // What sends no bytes needn't wait for those that do.
    assert!(bucket.head("one").await.unwrap().is_some());
    assert!(began.elapsed() < Duration::from_secs(1));
    put(&bucket, "two", 1).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn idle_time_is_not_saved_up() {
    let bucket = bucket(limits(1, 0));
    tokio::time::sleep(Duration::from_secs(100)).await;
    let began = Instant::now();
    for _ in 0..3 {
        bucket.head("none").await.unwrap();
    }
    assert!(began.elapsed() >= Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn what_the_store_answers_is_handed_on() {
    let bucket = bucket(limits(1_000, 1_000_000));
    put(&bucket, "key", 3).await.unwrap();
    assert_eq!(put(&bucket, "key", 3).await, Err(BucketErrorKind::PreconditionFailed));
    assert_eq!(bucket.get_range("key", 1, 9).await.unwrap(), "xx");
    assert_eq!(bucket.list("", None).await.unwrap().objects.len(), 1);
    let upload = bucket.create_upload("big", &Metadata::new()).await.unwrap();
    assert_eq!(bucket.list_uploads("", None).await.unwrap().uploads.len(), 1);
    assert!(bucket.list_parts("big", &upload).await.unwrap().is_empty());
    bucket.abort_upload("big", &upload).await.unwrap();
    bucket.delete("key").await.unwrap();
    assert_eq!(bucket.head("key").await.unwrap(), None);
    assert_eq!(bucket.name(), bucket.inner.name());
    assert_eq!(bucket.abilities(), bucket.inner.abilities());
}

#[test]
fn the_longest_times_do_not_overflow() {
    let mut turns = Turns::default();
    let limits = limits(1, 1);
    let begins = turns.take(&limits, u64::MAX, Duration::ZERO);
    assert_eq!(begins, Duration::ZERO);
    assert!(turns.take(&limits, 1, Duration::ZERO) > Duration::from_hours(1_000_000));
}
