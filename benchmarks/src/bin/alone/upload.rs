//! Bytes from memory into objects: the journal's own client and its settings (parts of 8 MiB, four at a time, objects of 128 MiB,
//! CRC-64/NVME of each part and of the object), and nothing before it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use s3_journal::bucket::{Bucket, Complete, Metadata, Part, S3Bucket, S3Options, UploadPart};
use s3_journal_benchmarks::MIB;
use s3_journal_benchmarks::measure::{Sample, time};
use tokio::task::JoinHandle;

const OBJECT_BYTES: usize = 128 * MIB;
const PART_BYTES: usize = 8 * MIB;
const AT_ONCE: usize = 4;
/// As many threads as the journal makes its requests on.
const THREADS: usize = 2;

/// Uploads them below the prefix, and times it.
pub fn measure(bytes: Vec<u8>, bucket: &str, prefix: &str) -> Sample {
    let mut options = S3Options::new(bucket);
    options.path_style = true;
    let bucket: Arc<dyn Bucket> = Arc::new(S3Bucket::new(options).expect("the environment names the store"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let runtime = runtime.expect("the runtime starts");
    let bytes = Bytes::from(bytes);
    time(bytes.len() as f64, || {
        runtime.block_on(async {
            for (number, start) in (0..bytes.len()).step_by(OBJECT_BYTES).enumerate() {
                let end = bytes.len().min(start + OBJECT_BYTES);
                object(&bucket, format!("{prefix}/{number:08}"), bytes.slice(start..end)).await;
            }
        });
    })
}

async fn object(bucket: &Arc<dyn Bucket>, key: String, body: Bytes) {
    let (key, metadata): (Arc<str>, _) = (key.into(), Metadata::new());
    let upload_id = bucket.create_upload(&key, &metadata).await.expect("an upload can be created");
    let upload_id: Arc<str> = upload_id.into();
    let (mut parts, mut running) = (Vec::new(), VecDeque::new());
    for (number, start) in (1..).zip((0..body.len()).step_by(PART_BYTES)) {
        if running.len() == AT_ONCE {
            parts.push(arrived(running.pop_front()).await);
        }
        let piece = body.slice(start..body.len().min(start + PART_BYTES));
        let (bucket, key, upload_id) = (Arc::clone(bucket), Arc::clone(&key), Arc::clone(&upload_id));
        running.push_back(tokio::spawn(async move {
            let (len_bytes, crc64nvme) = (piece.len() as u64, durable_queue::checksum(&piece));
            let part = UploadPart { key: &key, upload_id: &upload_id, number, body: piece, crc64nvme };
            let etag = bucket.upload_part(part).await.expect("the store takes the part");
            Part { number, etag, len_bytes, crc64nvme: Some(crc64nvme) }
        }));
    }
    while !running.is_empty() {
        parts.push(arrived(running.pop_front()).await);
    }
    let complete = Complete {
        key: &key,
        upload_id: &upload_id,
        parts: &parts,
        len_bytes: body.len() as u64,
        crc64nvme: Some(durable_queue::checksum(&body)),
        create_only: true,
    };
    bucket.complete_upload(complete).await.expect("the object is completed");
}

async fn arrived(running: Option<JoinHandle<Part>>) -> Part {
    running.expect("one runs").await.expect("it ends")
}
