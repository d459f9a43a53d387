//! A local directory as a bucket: objects are plain files at their keys' paths. Knows the trait, S3's rules and `Disk`.
//!
//! What isn't an object lives in `.s3-journal` below the directory, which no key can name and no listing shows:
//!
//! * `staged/<slot>/` bytes on their way. A process holds the lock of its slot; what lies in a slot whose lock is free
//!   belonged to a process that is dead, and is removed by the next one that writes.
//! * `about/<key>/` user metadata and checksum of the object at the key, see [`about`].
//! * `uploads/` open uploads and their parts, see [`uploads`].
//!
//! The order that makes an object visible only when it is durable: its bytes are written to a staged file and synced; what
//! is known about it is written and synced; the staged file gets the key as its second name (a hard link, which fails when
//! the key is taken); the directories from the key's up to the bucket's are synced. Only then is the call answered.

mod about;
mod io_error;
mod objects;
mod paths;
mod staging;
#[cfg(test)]
mod tests;
mod uploads;
mod walk;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use durable_queue::clock::{Clock, SystemClock};
use durable_queue::disk::{Disk, RealDisk};

use super::{
    Abilities, Bucket, BucketError, BucketErrorKind, BucketFuture, Complete, Head, Location, Metadata,
    ObjectPage, Part, Put, UploadMarker, UploadPage, UploadPart,
};
use staging::Staging;

/// A directory of this computer as a bucket. It is made when the first object is written.
///
/// File work runs on the blocking threads of the tokio runtime that polls the calls (outside of one: in place). A call
/// that is dropped before it answered is carried out to its end all the same.
///
/// # Durability
/// A write is answered when bytes, metadata and names survive a power loss; an object is never visible before its bytes do.
/// [`Bucket::head`] reads the whole object and reports the checksum of what it read, after syncing the directories above
/// it: so what it reports is durable, too, even if the process that wrote it died before it could make sure.
///
/// Files are readable by their owner only (mode 0600). Bytes of an upload in parts are written twice: as a part, and into
/// the object.
///
/// ```no_run
/// use s3_journal::bucket::{Bucket, LocalBucket};
///
/// let bucket = LocalBucket::open("/var/lib/app/objects");
/// assert_eq!(bucket.name(), "file:///var/lib/app/objects");
/// ```
#[derive(Debug, Clone)]
pub struct LocalBucket {
    store: Arc<Store>,
}

/// What the blocking half of a [`LocalBucket`] works with.
#[derive(Debug)]
struct Store {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    root: PathBuf,
    staging: Staging,
    /// Keys whose name could be neither made durable nor taken back: whether they survive isn't known, so nothing is said of
    /// them until the program is started anew.
    unsure: Mutex<BTreeSet<String>>,
}

impl LocalBucket {
    /// The directory `directory` of `disk`. Touches nothing yet.
    pub fn new(disk: Arc<dyn Disk>, directory: impl Into<PathBuf>) -> Self {
        Self::with_clock(disk, Arc::new(SystemClock::new()), directory)
    }

    /// The same, with the clock that tells when something was written.
    pub fn with_clock(disk: Arc<dyn Disk>, clock: Arc<dyn Clock>, directory: impl Into<PathBuf>) -> Self {
        let given: PathBuf = directory.into();
        let root = if given.as_os_str().is_empty() { PathBuf::from(".") } else { given };
        let (staging, unsure) = (Staging::default(), Mutex::default());
        Self { store: Arc::new(Store { disk, clock, root, staging, unsure }) }
    }

    /// A directory of the computer's own file systems. Touches nothing yet.
    pub fn open(directory: impl Into<PathBuf>) -> Self {
        Self::new(Arc::new(RealDisk), directory)
    }

    /// The directory, as given.
    pub fn directory(&self) -> &Path {
        &self.store.root
    }

    fn run<T, W>(&self, work: W) -> BucketFuture<'_, T>
    where
        T: Send + 'static,
        W: FnOnce(&Store) -> Result<T, BucketError> + Send + 'static,
    {
        let store = Arc::clone(&self.store);
        Box::pin(async move {
            let Ok(runtime) = tokio::runtime::Handle::try_current() else {
                return work(&store);
            };
            runtime.spawn_blocking(move || work(&store)).await.unwrap_or_else(|error| {
                let message = "the file work was cut off as the program ends";
                Err(BucketError::new(BucketErrorKind::NoAnswer, "Interrupted", message).with_source(error))
            })
        })
    }
}

impl Bucket for LocalBucket {
    fn name(&self) -> String {
        Location::Local { directory: self.store.root.clone() }.to_string()
    }

    fn abilities(&self) -> Abilities {
        Abilities { part_size_min_bytes: 1, ..Abilities::S3 }
    }

    fn put<'a>(&'a self, put: Put<'a>) -> BucketFuture<'a, ()> {
        let (key, metadata) = (put.key.to_owned(), put.metadata.clone());
        self.run(move |store| {
            store.put(&Put {
                key: &key,
                body: put.body,
                crc64nvme: put.crc64nvme,
                metadata: &metadata,
                create_only: put.create_only,
            })
        })
    }

    fn create_upload<'a>(&'a self, key: &'a str, metadata: &'a Metadata) -> BucketFuture<'a, String> {
        let (key, metadata) = (key.to_owned(), metadata.clone());
        self.run(move |store| store.create_upload(&key, &metadata))
    }

    fn upload_part<'a>(&'a self, part: UploadPart<'a>) -> BucketFuture<'a, String> {
        let (key, upload_id) = (part.key.to_owned(), part.upload_id.to_owned());
        self.run(move |store| {
            let (number, body, crc64nvme) = (part.number, part.body, part.crc64nvme);
            store.upload_part(&UploadPart { key: &key, upload_id: &upload_id, number, body, crc64nvme })
        })
    }

    fn complete_upload<'a>(&'a self, complete: Complete<'a>) -> BucketFuture<'a, ()> {
        let (key, upload_id) = (complete.key.to_owned(), complete.upload_id.to_owned());
        let parts = complete.parts.to_vec();
        let Complete { len_bytes, crc64nvme, create_only, .. } = complete;
        self.run(move |store| {
            let (key, upload_id, parts) = (key.as_str(), upload_id.as_str(), parts.as_slice());
            store.complete_upload(&Complete { key, upload_id, parts, len_bytes, crc64nvme, create_only })
        })
    }

    fn abort_upload<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, ()> {
        let (key, upload_id) = (key.to_owned(), upload_id.to_owned());
        self.run(move |store| store.abort_upload(&key, &upload_id))
    }

    fn list_parts<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, Vec<Part>> {
        let (key, upload_id) = (key.to_owned(), upload_id.to_owned());
        self.run(move |store| store.list_parts(&key, &upload_id))
    }

    fn list_uploads<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a UploadMarker>,
    ) -> BucketFuture<'a, UploadPage> {
        let (prefix, after) = (prefix.to_owned(), after.cloned());
        self.run(move |store| store.list_uploads(&prefix, after.as_ref()))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BucketFuture<'a, ()> {
        let key = key.to_owned();
        self.run(move |store| store.delete(&key))
    }

    fn head<'a>(&'a self, key: &'a str) -> BucketFuture<'a, Option<Head>> {
        let key = key.to_owned();
        self.run(move |store| store.head(&key))
    }

    fn get_range<'a>(&'a self, key: &'a str, offset_bytes: u64, len_bytes: u64) -> BucketFuture<'a, Bytes> {
        let key = key.to_owned();
        self.run(move |store| store.get_range(&key, offset_bytes, len_bytes))
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BucketFuture<'a, ObjectPage> {
        let (prefix, after) = (prefix.to_owned(), after.map(ToOwned::to_owned));
        self.run(move |store| walk::list(store.disk.as_ref(), &store.root, &prefix, after.as_deref()))
    }
}
