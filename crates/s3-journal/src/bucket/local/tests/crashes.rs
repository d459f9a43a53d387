//! Processes that die, disks that fail.

use super::*;

/// The steps of each scenario must end; no scenario has as many.
const OPERATIONS_MAX: u64 = 2_000;

#[test]
fn no_object_is_visible_before_it_is_durable() {
    let directory = tempfile::tempdir().unwrap();
    let disk = WatchedDisk::default();
    let bucket = LocalBucket::new(Arc::new(disk.clone()), directory.path().join("bucket"));
    put(&bucket, "deep/in/a/key", "body", "x").unwrap();
    let upload_id = run(bucket.create_upload("deep/in/b/key", &metadata("x"))).unwrap();
    let parts = [send_part(&bucket, "deep/in/b/key", &upload_id, 1, "one").unwrap()];
    complete(&bucket, "deep/in/b/key", &upload_id, &parts, "one").unwrap();
    let published = disk.published();
    assert_eq!(published.len(), 2);
    for (object, unsynced) in published {
        assert!(
            unsynced.is_empty(),
            "{} was visible before these were durable: {unsynced:?}",
            object.display()
        );
    }
    // Names of the past may come back after a power loss; no name that was promised may go.
    let unsynced = disk.unsynced_directories();
    assert!(unsynced.iter().all(|path| path.ends_with(".s3-journal/staged/000")), "{unsynced:?}");
}

/// Lets a process die after each of its disk operations in turn; the next one, on a sound disk, must find everything whole and
/// be able to end the work.
fn dies_after_every_operation(work: impl Fn(&LocalBucket) -> Result<(), BucketError>, key: &str, body: &str) {
    for at in 0..OPERATIONS_MAX {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("bucket");
        let disk = WatchedDisk::dying(at);
        let outcome = work(&LocalBucket::new(Arc::new(disk.clone()), &root));
        let next = LocalBucket::new(Arc::new(WatchedDisk::default()), &root);
        let head = run(next.head(key)).unwrap();
        if outcome.is_ok() {
            assert!(head.is_some(), "answered, but gone after operation {at}");
        }
        if let Some(head) = &head {
            assert_eq!(head.crc64nvme, Some(rules::crc64nvme(body.as_bytes())), "torn after operation {at}");
            assert_eq!(head.metadata, metadata("x"), "without its metadata after operation {at}");
        }
        match work(&next) {
            Ok(()) => assert!(head.is_none(), "written twice after operation {at}"),
            Err(error) => {
                assert_eq!(
                    error.kind(),
                    BucketErrorKind::PreconditionFailed,
                    "after operation {at}: {error}"
                );
                assert!(head.is_some(), "refused without a reason after operation {at}");
            }
        }
        assert_eq!(read_file(&root.join(key)), body.as_bytes());
        assert_eq!(run(next.head(key)).unwrap().unwrap().metadata, metadata("x"));
        put(&next, "another", "one", "y").unwrap();
        assert_eq!(staged_files(&root), Vec::<String>::new(), "left over after operation {at}");
        let page = run(next.list("", None)).unwrap();
        let keys: Vec<_> = page.objects.iter().map(|object| object.key.as_str()).collect();
        assert_eq!(keys, ["another", key]);
        for upload in run(next.list_uploads("", None)).unwrap().uploads {
            run(next.abort_upload(&upload.key, &upload.upload_id)).unwrap();
        }
        assert!(run(next.list_uploads("", None)).unwrap().uploads.is_empty());
        if !disk.is_dead() {
            assert!(at > 10, "only {at} operations were seen");
            return;
        }
    }
    panic!("more than {OPERATIONS_MAX} operations");
}

#[test]
fn a_put_that_dies_half_way_leaves_all_or_nothing() {
    dies_after_every_operation(|bucket| put(bucket, "dir/key", "body", "x"), "dir/key", "body");
}

#[test]
fn an_upload_that_dies_half_way_leaves_all_or_nothing() {
    let work = |bucket: &LocalBucket| {
        let upload_id = run(bucket.create_upload("dir/key", &metadata("x")))?;
        let first = send_part(bucket, "dir/key", &upload_id, 1, "one,")?;
        let second = send_part(bucket, "dir/key", &upload_id, 2, "two")?;
        complete(bucket, "dir/key", &upload_id, &[first, second], "one,two")
    };
    dies_after_every_operation(work, "dir/key", "one,two");
}

#[test]
fn files_of_the_living_are_left_alone_and_those_of_the_dead_removed() {
    let directory = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let (living, dead) = (Staging::default(), Staging::default());
    let held = living.create(&disk, directory.path()).unwrap();
    std::mem::forget(dead.create(&disk, directory.path()).unwrap());
    assert_eq!(staged_files(directory.path()).len(), 2);
    // The lock goes with the process.
    drop(dead);
    put(&LocalBucket::open(directory.path()), "key", "body", "x").unwrap();
    assert_eq!(staged_files(directory.path()), ["1"]);
    assert!(held.path.exists());
    drop(held);
    assert!(staged_files(directory.path()).is_empty());
}

#[test]
fn a_name_that_could_not_be_made_durable_is_taken_back() {
    let directory = tempfile::tempdir().unwrap();
    let disk = WatchedDisk::default();
    let bucket = LocalBucket::new(Arc::new(disk.clone()), directory.path());
    disk.refuse_once_published(&["sync_directory"]);
    let failed = put(&bucket, "key", "body", "x").unwrap_err();
    assert_eq!(failed.kind(), BucketErrorKind::Unavailable, "{failed}");
    assert_eq!(disk.published().len(), 1);
    assert!(!directory.path().join("key").exists());
    disk.refuse_nothing();
    assert_eq!(run(bucket.head("key")).unwrap(), None);
    put(&bucket, "key", "body", "x").unwrap();
    assert_eq!(run(bucket.head("key")).unwrap().unwrap().metadata, metadata("x"));
}

#[test]
fn nothing_is_said_of_a_name_that_may_or_may_not_survive() {
    let directory = tempfile::tempdir().unwrap();
    let disk = WatchedDisk::default();
    let bucket = LocalBucket::new(Arc::new(disk.clone()), directory.path());
    disk.refuse_once_published(&["sync_directory", "remove"]);
    put(&bucket, "key", "body", "x").unwrap_err();
    assert!(directory.path().join("key").exists());
    // A later sync that succeeds would prove nothing: so neither that it is there nor that it isn't.
    disk.refuse_nothing();
    let unsure = run(bucket.head("key")).unwrap_err();
    assert_eq!((unsure.kind(), unsure.code()), (BucketErrorKind::Unavailable, "SyncFailed"));
    assert!(!unsure.has_no_side_effects());
    let taken = put(&bucket, "key", "body", "x").unwrap_err();
    assert_eq!(taken.kind(), BucketErrorKind::PreconditionFailed);
    put(&bucket, "another", "body", "x").unwrap();
}

#[test]
fn a_head_makes_durable_what_it_reports() {
    let directory = tempfile::tempdir().unwrap();
    // Linked by a process that died before it could sync.
    write_file(&directory.path().join("dir/key"), b"body");
    let disk = WatchedDisk::default();
    let bucket = LocalBucket::new(Arc::new(disk.clone()), directory.path());
    disk.refuse("sync_directory", std::io::ErrorKind::Other);
    assert_eq!(run(bucket.head("dir/key")).unwrap_err().kind(), BucketErrorKind::Unavailable);
    disk.refuse_nothing();
    assert!(run(bucket.head("dir/key")).unwrap().is_some());
}

#[test]
fn the_loser_of_a_race_leaves_nothing_that_speaks_against_the_winner() {
    let directory = tempfile::tempdir().unwrap();
    let bucket = LocalBucket::open(directory.path());
    // The loser saw a free key, and wrote its record, before the winner was there.
    let staged = bucket.store.staging.create(&bucket.store.disk, directory.path()).unwrap();
    staged.file.write_at(b"body", 0).unwrap();
    put(&bucket, "key", "body", "winner").unwrap();
    let what = (4, rules::crc64nvme(b"body"));
    let lost = bucket.store.publish("key", &staged, what, &metadata("loser"), true).unwrap_err();
    assert_eq!(lost.kind(), BucketErrorKind::PreconditionFailed);
    assert_eq!(run(bucket.head("key")).unwrap().unwrap().metadata, metadata("winner"));
}
