//! Where objects go: the few calls an upload and a reader need, as a trait, and its back-ends.
//! Knows nothing of entries, batches or the journal's own records.
//!
//! A back-end makes one attempt per call and never retries by itself: whether a repeated call is safe is decided by the
//! upload protocol, which must know of every attempt.

#[cfg(feature = "cloud")]
mod cloud;
mod error;
#[cfg(feature = "fake")]
mod fake;
mod limited;
mod limits;
mod local;
mod location;
mod memory;
mod rules;
#[cfg(feature = "s3")]
mod s3;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::SystemTime;

use bytes::Bytes;

#[cfg(feature = "cloud")]
pub use cloud::{CloudBucket, CloudOptions, CloudOptionsError, CloudStore};
pub use error::{BucketError, BucketErrorKind};
#[cfg(feature = "fake")]
pub use fake::{Call, FakeBucket, FakeClock, FakeCounts, Fault, Faults};
pub use limited::{LimitedBucket, RateLimits};
pub use limits::Limit;
pub use local::LocalBucket;
pub use location::{Location, LocationError, check_prefix};
pub use memory::{MemoryBucket, StoredObject};
#[cfg(feature = "s3")]
pub use s3::{
    AssumeRole, ChecksumSent, CustomerKey, Encryption, Grants, LockMode, LockUntil, ObjectLock,
    ObjectOptions, ObjectOptionsError, S3Bucket, S3Options, S3OptionsError,
};

/// What a bucket's calls return.
pub type BucketFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, BucketError>> + Send + 'a>>;

/// User metadata of an object: lower-case ASCII names, printable ASCII values.
pub type Metadata = BTreeMap<String, String>;

/// A store of objects under keys, as Amazon S3 defines it.
///
/// Back-ends answer with what they found; they neither retry nor log. All calls may be made side by side.
pub trait Bucket: Debug + Send + Sync + 'static {
    /// What the store is, for messages: `s3://bucket`, `file:///path`, `memory`.
    fn name(&self) -> String;

    /// What the store can do.
    fn abilities(&self) -> Abilities;

    /// What the store can't do that Amazon S3 can, as far as that is known without asking it: for who starts a program with it.
    fn limits(&self) -> Vec<Limit> {
        Vec::new()
    }

    /// Writes a whole object, if the key is free (unless [`Put::create_only`] is off).
    ///
    /// # Errors
    /// [`BucketErrorKind::PreconditionFailed`] when the key is taken.
    fn put<'a>(&'a self, put: Put<'a>) -> BucketFuture<'a, ()>;

    /// Opens an upload in parts and returns its id. Nothing is visible at the key before [`Bucket::complete_upload`].
    ///
    /// # Errors
    /// See [`BucketErrorKind`].
    fn create_upload<'a>(&'a self, key: &'a str, metadata: &'a Metadata) -> BucketFuture<'a, String>;

    /// Sends one part; the same number again replaces it. Returns the part's entity tag.
    ///
    /// # Errors
    /// [`BucketErrorKind::NoSuchUpload`] when the upload was completed or aborted.
    fn upload_part<'a>(&'a self, part: UploadPart<'a>) -> BucketFuture<'a, String>;

    /// Makes the parts the object, in the order given, if the key is free (unless [`Complete::create_only`] is off).
    ///
    /// # Errors
    /// [`BucketErrorKind::PreconditionFailed`] when the key is taken, [`BucketErrorKind::NoSuchUpload`],
    /// [`BucketErrorKind::InvalidPart`].
    fn complete_upload<'a>(&'a self, complete: Complete<'a>) -> BucketFuture<'a, ()>;

    /// Gives up an upload and its parts.
    ///
    /// # Errors
    /// [`BucketErrorKind::NoSuchUpload`] when there is none.
    fn abort_upload<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, ()>;

    /// All parts an open upload holds, by number (every page is fetched).
    ///
    /// # Errors
    /// [`BucketErrorKind::NoSuchUpload`] when there is none.
    fn list_parts<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, Vec<Part>>;

    /// The open uploads whose keys start with `prefix`: one page, from `after` (the previous page's
    /// [`UploadPage::next`]).
    ///
    /// # Errors
    /// See [`BucketErrorKind`].
    fn list_uploads<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a UploadMarker>,
    ) -> BucketFuture<'a, UploadPage>;

    /// Removes the object at `key`; nothing being there is no error. No journal does: only a recovery, when told to, and the
    /// program's `bench` and `doctor` their own objects.
    ///
    /// # Errors
    /// See [`BucketErrorKind`].
    fn delete<'a>(&'a self, key: &'a str) -> BucketFuture<'a, ()>;

    /// What is at `key`; `None` when nothing is.
    ///
    /// # Errors
    /// [`BucketErrorKind::Forbidden`] means unknown: so S3 answers for an absent key, too, without the list permission.
    fn head<'a>(&'a self, key: &'a str) -> BucketFuture<'a, Option<Head>>;

    /// Up to `len_bytes` bytes of the object from `offset_bytes`; fewer only at its end, none past it.
    ///
    /// # Errors
    /// [`BucketErrorKind::NotFound`] when there is no object.
    fn get_range<'a>(&'a self, key: &'a str, offset_bytes: u64, len_bytes: u64) -> BucketFuture<'a, Bytes>;

    /// The objects whose keys start with `prefix`, in the order of their bytes: one page, after the key `after`.
    ///
    /// # Errors
    /// See [`BucketErrorKind`].
    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BucketFuture<'a, ObjectPage>;
}

/// What a store can do beyond holding objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Smallest size of a part that isn't the last, in bytes.
    pub part_size_min_bytes: u64,
    /// Largest size of a part, in bytes.
    pub part_size_max_bytes: u64,
    /// Most parts of one upload.
    pub parts_max: u32,
    /// Longest key, in bytes.
    pub key_bytes_max: usize,
}

impl Abilities {
    /// Amazon S3's: parts of 5 MiB to 5 GiB, 10,000 of them, keys of 1,024 bytes
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>).
    pub const S3: Self = Self {
        part_size_min_bytes: 5 << 20,
        part_size_max_bytes: 5 << 30,
        parts_max: 10_000,
        key_bytes_max: 1_024,
    };
}

/// A whole object to write.
#[derive(Debug, Clone)]
pub struct Put<'a> {
    /// The full key.
    pub key: &'a str,
    /// The object's bytes.
    pub body: Bytes,
    /// CRC-64/NVME of the bytes.
    pub crc64nvme: u64,
    /// User metadata.
    pub metadata: &'a Metadata,
    /// Refuse when the key is taken (`If-None-Match: *`). Off only for stores that can't, after a [`Bucket::head`].
    pub create_only: bool,
}

/// One part to send.
#[derive(Debug, Clone)]
pub struct UploadPart<'a> {
    /// The full key.
    pub key: &'a str,
    /// Whose part.
    pub upload_id: &'a str,
    /// From 1.
    pub number: u32,
    /// The part's bytes.
    pub body: Bytes,
    /// CRC-64/NVME of the bytes.
    pub crc64nvme: u64,
}

/// The end of an upload in parts.
#[derive(Debug, Clone)]
pub struct Complete<'a> {
    /// The full key.
    pub key: &'a str,
    /// Which upload.
    pub upload_id: &'a str,
    /// The parts, by number from 1 without a gap.
    pub parts: &'a [Part],
    /// Length of the whole object in bytes.
    pub len_bytes: u64,
    /// CRC-64/NVME of the whole object. `None` where it isn't known, which is only when somebody else sent the parts.
    pub crc64nvme: Option<u64>,
    /// Refuse when the key is taken (`If-None-Match: *`).
    pub create_only: bool,
}

/// A part as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u32,
    /// The store's entity tag.
    pub etag: String,
    /// Length in bytes.
    pub len_bytes: u64,
    /// CRC-64/NVME of the bytes, where the store tells it.
    pub crc64nvme: Option<u64>,
}

/// An object as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Length in bytes.
    pub len_bytes: u64,
    /// CRC-64/NVME of the whole object, where the store tells it.
    pub crc64nvme: Option<u64>,
    /// User metadata.
    pub metadata: Metadata,
    /// When it was last written, where the store tells it.
    pub modified: Option<SystemTime>,
}

/// One name in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectEntry {
    /// The full key.
    pub key: String,
    /// Length in bytes.
    pub len_bytes: u64,
    /// When it was last written, where the store tells it.
    pub modified: Option<SystemTime>,
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectPage {
    /// The objects, by key.
    pub objects: Vec<ObjectEntry>,
    /// Where the next page goes on; `None` at the end.
    pub next: Option<String>,
}

/// One open upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenUpload {
    /// The full key.
    pub key: String,
    /// The store's id of the upload.
    pub upload_id: String,
    /// When it was created, where the store tells it.
    pub initiated: Option<SystemTime>,
}

/// Where a listing of uploads goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadMarker {
    /// The last key seen.
    pub key: String,
    /// The last upload of that key seen; some stores page by key alone.
    pub upload_id: Option<String>,
}

/// One page of open uploads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UploadPage {
    /// The uploads.
    pub uploads: Vec<OpenUpload>,
    /// Where the next page goes on; `None` at the end.
    pub next: Option<UploadMarker>,
}
