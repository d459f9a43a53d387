//! A local directory as a bucket: an object whose deletion was answered doesn't come back with a loss of power, nor one whose
//! deletion a process began and another one answered.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::sync::Arc;

use durable_queue::fake::{FakeDisk, Loss};
use s3_journal::bucket::{Bucket, BucketError, LocalBucket, Metadata, Put};
use s3_journal::durable_queue;

fn run<T>(work: impl Future<Output = Result<T, BucketError>>) -> Result<T, BucketError> {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

fn put(bucket: &LocalBucket) {
    let metadata = Metadata::from([("a".to_owned(), "b".to_owned())]);
    let (body, crc64nvme) = (b"body"[..].into(), durable_queue::checksum(b"body"));
    run(bucket.put(Put { key: "dir/key", body, crc64nvme, metadata: &metadata, create_only: true })).unwrap();
}

#[test]
fn whoever_began_it() {
    for operations in 0.. {
        let disk = FakeDisk::new();
        let bucket = || LocalBucket::new(Arc::new(disk.clone()), "/bucket");
        put(&bucket());
        // A first process dies after so many operations, and another one does it again.
        disk.stop_after(operations);
        let was_done = run(bucket().delete("dir/key")).is_ok();
        disk.kill();
        run(bucket().delete("dir/key")).unwrap();
        assert!(run(bucket().head("dir/key")).unwrap().is_none());
        disk.lose_power(Loss::Lost);
        assert!(run(bucket().head("dir/key")).unwrap().is_none(), "it is back after {operations} operations");
        put(&bucket());
        assert_eq!(run(bucket().head("dir/key")).unwrap().unwrap().metadata["a"], "b");
        if was_done {
            // Removed, and the two directories above synced, at least.
            assert!(operations >= 3, "only {operations} operations were seen");
            return;
        }
    }
}
