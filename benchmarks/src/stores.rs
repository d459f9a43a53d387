//! Stores that cost nothing, so that only what comes before them is measured. Knows the `Bucket` trait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use s3_journal::bucket::{
    Abilities, Bucket, BucketError, BucketErrorKind, BucketFuture, Complete, Head, Metadata, ObjectPage,
    Part, Put, UploadMarker, UploadPage, UploadPart,
};

/// Takes everything and keeps nothing: memory stays flat however much is uploaded.
#[derive(Debug, Default)]
pub struct NullBucket {
    bytes: AtomicU64,
    uploads: AtomicU64,
}

impl NullBucket {
    /// How many bytes it has taken.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn took(&self, body: &Bytes) {
        self.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
    }
}

fn ready<'a, T: Send + 'a>(answer: Result<T, BucketError>) -> BucketFuture<'a, T> {
    Box::pin(std::future::ready(answer))
}

fn refuse<'a, T: Send + 'a>(kind: BucketErrorKind, code: &str) -> BucketFuture<'a, T> {
    ready(Err(BucketError::new(kind, code, "this store keeps nothing")))
}

impl Bucket for NullBucket {
    fn name(&self) -> String {
        "null".to_owned()
    }

    fn abilities(&self) -> Abilities {
        Abilities::S3
    }

    fn put<'a>(&'a self, put: Put<'a>) -> BucketFuture<'a, ()> {
        self.took(&put.body);
        ready(Ok(()))
    }

    fn create_upload<'a>(&'a self, _key: &'a str, _metadata: &'a Metadata) -> BucketFuture<'a, String> {
        ready(Ok(self.uploads.fetch_add(1, Ordering::Relaxed).to_string()))
    }

    fn upload_part<'a>(&'a self, part: UploadPart<'a>) -> BucketFuture<'a, String> {
        self.took(&part.body);
        ready(Ok(part.number.to_string()))
    }

    fn complete_upload<'a>(&'a self, _complete: Complete<'a>) -> BucketFuture<'a, ()> {
        ready(Ok(()))
    }

    fn abort_upload<'a>(&'a self, _key: &'a str, _upload_id: &'a str) -> BucketFuture<'a, ()> {
        ready(Ok(()))
    }

    fn list_parts<'a>(&'a self, _key: &'a str, _upload_id: &'a str) -> BucketFuture<'a, Vec<Part>> {
        refuse(BucketErrorKind::NoSuchUpload, "NoSuchUpload")
    }

    fn list_uploads<'a>(&'a self, _: &'a str, _: Option<&'a UploadMarker>) -> BucketFuture<'a, UploadPage> {
        ready(Ok(UploadPage::default()))
    }

    fn delete<'a>(&'a self, _key: &'a str) -> BucketFuture<'a, ()> {
        ready(Ok(()))
    }

    fn head<'a>(&'a self, _key: &'a str) -> BucketFuture<'a, Option<Head>> {
        ready(Ok(None))
    }

    fn get_range<'a>(
        &'a self,
        _key: &'a str,
        _offset_bytes: u64,
        _len_bytes: u64,
    ) -> BucketFuture<'a, Bytes> {
        refuse(BucketErrorKind::NotFound, "NoSuchKey")
    }

    fn list<'a>(&'a self, _prefix: &'a str, _after: Option<&'a str>) -> BucketFuture<'a, ObjectPage> {
        ready(Ok(ObjectPage::default()))
    }
}

/// A store that can't be reached: a journal that writes to it fills its queue, for the store itself to be drained into
/// later.
#[derive(Debug)]
pub struct Unreachable(pub Arc<dyn Bucket>);

fn unreachable<'a, T: Send + 'a>() -> BucketFuture<'a, T> {
    ready(Err(BucketError::new(
        BucketErrorKind::NotSent,
        "NotConnected",
        "this store is out of reach on purpose",
    )))
}

impl Bucket for Unreachable {
    fn name(&self) -> String {
        self.0.name()
    }

    fn abilities(&self) -> Abilities {
        self.0.abilities()
    }

    fn put<'a>(&'a self, _put: Put<'a>) -> BucketFuture<'a, ()> {
        unreachable()
    }

    fn create_upload<'a>(&'a self, _key: &'a str, _metadata: &'a Metadata) -> BucketFuture<'a, String> {
        unreachable()
    }

    fn upload_part<'a>(&'a self, _part: UploadPart<'a>) -> BucketFuture<'a, String> {
        unreachable()
    }

    fn complete_upload<'a>(&'a self, _complete: Complete<'a>) -> BucketFuture<'a, ()> {
        unreachable()
    }

    fn abort_upload<'a>(&'a self, _key: &'a str, _upload_id: &'a str) -> BucketFuture<'a, ()> {
        unreachable()
    }

    fn list_parts<'a>(&'a self, _key: &'a str, _upload_id: &'a str) -> BucketFuture<'a, Vec<Part>> {
        unreachable()
    }

    fn list_uploads<'a>(&'a self, _: &'a str, _: Option<&'a UploadMarker>) -> BucketFuture<'a, UploadPage> {
        unreachable()
    }

    fn delete<'a>(&'a self, _key: &'a str) -> BucketFuture<'a, ()> {
        unreachable()
    }

    fn head<'a>(&'a self, _key: &'a str) -> BucketFuture<'a, Option<Head>> {
        unreachable()
    }

    fn get_range<'a>(
        &'a self,
        _key: &'a str,
        _offset_bytes: u64,
        _len_bytes: u64,
    ) -> BucketFuture<'a, Bytes> {
        unreachable()
    }

    fn list<'a>(&'a self, _prefix: &'a str, _after: Option<&'a str>) -> BucketFuture<'a, ObjectPage> {
        unreachable()
    }
}
