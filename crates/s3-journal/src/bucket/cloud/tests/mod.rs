//! The bucket over a store in memory, and what goes over the wire to a server of canned answers.

#[cfg(feature = "azure")]
mod azure;
#[cfg(any(feature = "gcs", feature = "azure"))]
#[allow(dead_code, clippy::duplicate_mod, reason = "it belongs to the tests of S3, which use all of it")]
#[path = "../../s3/tests/canned.rs"]
mod canned;
#[cfg(feature = "gcs")]
mod gcs;
mod memory;

use super::*;
use crate::bucket::BucketErrorKind as Kind;

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn metadata() -> Metadata {
    [("journal-id".to_owned(), "host-1".to_owned()), ("journal-first".to_owned(), "12".to_owned())].into()
}

const BODY: &[u8] = b"123456789";

fn put(metadata: &Metadata, create_only: bool) -> Put<'_> {
    let body = Bytes::from_static(BODY);
    Put { key: "a/key", crc64nvme: rules::crc64nvme(&body), body, metadata, create_only }
}

fn part(upload_id: &str, number: u32) -> UploadPart<'_> {
    let body = Bytes::from_static(BODY);
    UploadPart { key: "a/key", upload_id, number, crc64nvme: rules::crc64nvme(&body), body }
}

fn complete<'a>(upload_id: &'a str, parts: &'a [Part]) -> Complete<'a> {
    let len_bytes = parts.iter().map(|part| part.len_bytes).sum();
    Complete { key: "a/key", upload_id, parts, len_bytes, crc64nvme: None, create_only: true }
}

/// Opens an upload and sends one part.
#[cfg(any(feature = "gcs", feature = "azure"))]
async fn uploaded(bucket: &CloudBucket) -> (String, Vec<Part>) {
    let upload_id = bucket.create_upload("a/key", &metadata()).await.unwrap();
    let etag = bucket.upload_part(part(&upload_id, 1)).await.unwrap();
    let len_bytes = BODY.len() as u64;
    let parts = vec![Part { number: 1, etag, len_bytes, crc64nvme: None }];
    (upload_id, parts)
}
