//! A bucket in memory that is as strict as Amazon S3, for tests and for looking at what was written.
//! Knows only the trait and S3's rules.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use durable_queue::clock::Clock;

use super::rules::{self, PAGE_ENTRIES};
use super::{
    Abilities, Bucket, BucketError, BucketFuture, Complete, Head, Metadata, ObjectEntry, ObjectPage,
    OpenUpload, Part, Put, UploadMarker, UploadPage, UploadPart,
};

/// A bucket in memory. A clone shares the content.
///
/// It demands what S3 demands: parts of at least 5 MiB but the last, numbered from 1 without a gap, with the tags and
/// checksums it gave; whatever was completed or aborted is gone. The settings (`with_...`) make it laxer.
///
/// ```
/// use s3_journal::bucket::{Bucket, MemoryBucket};
///
/// let bucket = MemoryBucket::new().with_part_size_min(1);
/// assert_eq!(bucket.name(), "memory");
/// assert!(bucket.objects().is_empty());
/// ```
#[derive(Debug, Clone)]
pub struct MemoryBucket {
    state: Arc<Mutex<State>>,
    clock: Option<Arc<dyn Clock>>,
    page_entries: usize,
    part_size_min_bytes: u64,
    repeats_complete: bool,
}

/// An object of a [`MemoryBucket`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredObject {
    /// Its bytes.
    pub body: Bytes,
    /// Its user metadata.
    pub metadata: Metadata,
    /// CRC-64/NVME of the bytes.
    pub crc64nvme: u64,
    /// When it was written, if the bucket has a clock.
    pub modified: Option<SystemTime>,
}

#[derive(Debug, Clone, Default)]
struct State {
    objects: BTreeMap<String, StoredObject>,
    /// By key and id, as listings go.
    uploads: BTreeMap<(String, String), Upload>,
    /// What completed uploads were made of, for [`MemoryBucket::with_repeated_complete`].
    completed: BTreeMap<(String, String), Vec<Part>>,
    uploads_made: u64,
}

#[derive(Debug, Clone)]
struct Upload {
    metadata: Metadata,
    initiated: Option<SystemTime>,
    parts: BTreeMap<u32, (Part, Bytes)>,
}

impl Default for MemoryBucket {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryBucket {
    /// An empty bucket, with Amazon's limits and without a clock.
    pub fn new() -> Self {
        Self {
            state: Arc::default(),
            clock: None,
            page_entries: PAGE_ENTRIES,
            part_size_min_bytes: Abilities::S3.part_size_min_bytes,
            repeats_complete: false,
        }
    }

    /// The smallest size of a part that isn't the last, in bytes (default 5 MiB).
    pub fn with_part_size_min(mut self, bytes: u64) -> Self {
        self.part_size_min_bytes = bytes;
        self
    }

    /// How many names a page of a listing holds (default 1,000; at least one).
    pub fn with_page_entries(mut self, entries: usize) -> Self {
        self.page_entries = entries.max(1);
        self
    }

    /// Where the times of writing come from; without a clock there are none.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Answers a repeated Complete of the same upload and parts with success, as Amazon does; otherwise it is
    /// [`NoSuchUpload`](super::BucketErrorKind::NoSuchUpload), as MinIO and others say.
    pub fn with_repeated_complete(mut self, repeats: bool) -> Self {
        self.repeats_complete = repeats;
        self
    }

    /// All objects, by key.
    pub fn objects(&self) -> BTreeMap<String, StoredObject> {
        self.state().objects.clone()
    }

    /// All open uploads, by key and id.
    pub fn open_uploads(&self) -> Vec<OpenUpload> {
        self.state().uploads.iter().map(|(id, upload)| open_upload(id, upload)).collect()
    }

    /// A copy of the bucket as it is now that goes its own way, for a test that looks at several continuations. (A clone
    /// shares the content.)
    pub fn fork(&self) -> Self {
        Self { state: Arc::new(Mutex::new(self.state().clone())), ..self.clone() }
    }

    /// Removes an object, as somebody else might; says whether there was one.
    pub fn delete(&self, key: &str) -> bool {
        self.state().objects.remove(key).is_some()
    }

    /// Aborts every open upload, as a lifecycle rule might; says how many.
    pub fn abort_all(&self) -> usize {
        std::mem::take(&mut self.state().uploads).len()
    }

    /// Puts an object there without metadata, whatever was at the key, as somebody else might.
    pub fn put_foreign(&self, key: &str, body: impl Into<Bytes>) {
        let body = body.into();
        let object = self.stored(body, Metadata::new());
        self.state().objects.insert(key.to_owned(), object);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is made in one step, after all checks: what a panicking holder leaves behind is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Option<SystemTime> {
        self.clock.as_ref().map(|clock| clock.wall())
    }

    fn stored(&self, body: Bytes, metadata: Metadata) -> StoredObject {
        let crc64nvme = rules::crc64nvme(&body);
        StoredObject { body, metadata, crc64nvme, modified: self.now() }
    }

    fn put_now(&self, put: Put<'_>) -> Result<(), BucketError> {
        rules::check_key_length(put.key)?;
        rules::check_metadata(put.metadata)?;
        rules::check_digest(&put.body, put.crc64nvme)?;
        let object = self.stored(put.body, put.metadata.clone());
        let mut state = self.state();
        if put.create_only && state.objects.contains_key(put.key) {
            return Err(rules::key_taken(put.key));
        }
        state.objects.insert(put.key.to_owned(), object);
        Ok(())
    }

    fn create_upload_now(&self, key: &str, metadata: &Metadata) -> Result<String, BucketError> {
        rules::check_key_length(key)?;
        rules::check_metadata(metadata)?;
        let initiated = self.now();
        let mut state = self.state();
        state.uploads_made += 1;
        let upload_id = format!("upload-{:08}", state.uploads_made);
        let upload = Upload { metadata: metadata.clone(), initiated, parts: BTreeMap::new() };
        state.uploads.insert((key.to_owned(), upload_id.clone()), upload);
        Ok(upload_id)
    }

    fn upload_part_now(&self, part: UploadPart<'_>) -> Result<String, BucketError> {
        rules::check_part_number(part.number)?;
        rules::check_digest(&part.body, part.crc64nvme)?;
        let (number, len_bytes) = (part.number, part.body.len() as u64);
        let etag = rules::etag(part.crc64nvme, len_bytes);
        let held = Part { number, etag: etag.clone(), len_bytes, crc64nvme: Some(part.crc64nvme) };
        let mut state = self.state();
        let upload = state.uploads.get_mut(&(part.key.to_owned(), part.upload_id.to_owned()));
        let upload = upload.ok_or_else(|| rules::no_such_upload(part.upload_id))?;
        upload.parts.insert(number, (held, part.body));
        Ok(etag)
    }

    fn complete_upload_now(&self, complete: &Complete<'_>) -> Result<(), BucketError> {
        let id = (complete.key.to_owned(), complete.upload_id.to_owned());
        let modified = self.now();
        let mut state = self.state();
        let Some(upload) = state.uploads.get(&id) else {
            let done_before = state.completed.get(&id).is_some_and(|parts| parts == complete.parts);
            let still_there = state.objects.get(complete.key).is_some_and(|object| {
                complete.crc64nvme.is_none_or(|crc64nvme| crc64nvme == object.crc64nvme)
            });
            if self.repeats_complete && done_before && still_there {
                return Ok(());
            }
            return Err(rules::no_such_upload(complete.upload_id));
        };
        if complete.create_only && state.objects.contains_key(complete.key) {
            return Err(rules::key_taken(complete.key));
        }
        rules::check_parts(complete, self.part_size_min_bytes, |number| {
            upload.parts.get(&number).map(|(part, _)| part)
        })?;
        let mut body = BytesMut::new();
        for part in complete.parts {
            if let Some((_, bytes)) = upload.parts.get(&part.number) {
                body.extend_from_slice(bytes);
            }
        }
        let crc64nvme = rules::crc64nvme(&body);
        rules::check_sum(crc64nvme, complete.crc64nvme.unwrap_or(crc64nvme))?;
        let metadata = upload.metadata.clone();
        let object = StoredObject { body: body.freeze(), metadata, crc64nvme, modified };
        state.objects.insert(complete.key.to_owned(), object);
        state.uploads.remove(&id);
        state.completed.insert(id, complete.parts.to_vec());
        Ok(())
    }

    fn abort_upload_now(&self, key: &str, upload_id: &str) -> Result<(), BucketError> {
        let removed = self.state().uploads.remove(&(key.to_owned(), upload_id.to_owned()));
        removed.map(|_| ()).ok_or_else(|| rules::no_such_upload(upload_id))
    }

    fn list_parts_now(&self, key: &str, upload_id: &str) -> Result<Vec<Part>, BucketError> {
        let state = self.state();
        let upload = state.uploads.get(&(key.to_owned(), upload_id.to_owned()));
        let upload = upload.ok_or_else(|| rules::no_such_upload(upload_id))?;
        Ok(upload.parts.values().map(|(part, _)| part.clone()).collect())
    }

    fn list_uploads_now(&self, prefix: &str, after: Option<&UploadMarker>) -> UploadPage {
        let state = self.state();
        let matching = state.uploads.iter().filter(|((key, upload_id), _)| {
            let is_later = after.is_none_or(|after| match &after.upload_id {
                Some(seen) => (key, upload_id) > (&after.key, seen),
                None => *key > after.key,
            });
            key.starts_with(prefix) && is_later
        });
        let mut uploads: Vec<_> =
            matching.take(self.page_entries + 1).map(|(id, upload)| open_upload(id, upload)).collect();
        let is_truncated = uploads.len() > self.page_entries;
        uploads.truncate(self.page_entries);
        let last = uploads.last().filter(|_| is_truncated);
        let next =
            last.map(|last| UploadMarker { key: last.key.clone(), upload_id: Some(last.upload_id.clone()) });
        UploadPage { uploads, next }
    }

    fn head_now(&self, key: &str) -> Option<Head> {
        self.state().objects.get(key).map(|object| Head {
            len_bytes: object.body.len() as u64,
            crc64nvme: Some(object.crc64nvme),
            metadata: object.metadata.clone(),
            modified: object.modified,
        })
    }

    fn get_range_now(&self, key: &str, offset_bytes: u64, len_bytes: u64) -> Result<Bytes, BucketError> {
        let state = self.state();
        let object = state.objects.get(key).ok_or_else(|| rules::not_found(key))?;
        let clamp = |position: u64| usize::try_from(position).unwrap_or(usize::MAX).min(object.body.len());
        Ok(object.body.slice(clamp(offset_bytes)..clamp(offset_bytes.saturating_add(len_bytes))))
    }

    fn list_now(&self, prefix: &str, after: Option<&str>) -> ObjectPage {
        let state = self.state();
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let matching = state
            .objects
            .range::<str, _>((start, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix));
        let mut objects: Vec<_> = matching
            .take(self.page_entries + 1)
            .map(|(key, object)| ObjectEntry {
                key: key.clone(),
                len_bytes: object.body.len() as u64,
                modified: object.modified,
            })
            .collect();
        let is_truncated = objects.len() > self.page_entries;
        objects.truncate(self.page_entries);
        let next = objects.last().filter(|_| is_truncated).map(|last| last.key.clone());
        ObjectPage { objects, next }
    }
}

fn open_upload((key, upload_id): &(String, String), upload: &Upload) -> OpenUpload {
    OpenUpload { key: key.clone(), upload_id: upload_id.clone(), initiated: upload.initiated }
}

impl Bucket for MemoryBucket {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn abilities(&self) -> Abilities {
        Abilities { part_size_min_bytes: self.part_size_min_bytes, ..Abilities::S3 }
    }

    fn put<'a>(&'a self, put: Put<'a>) -> BucketFuture<'a, ()> {
        Box::pin(async move { self.put_now(put) })
    }

    fn create_upload<'a>(&'a self, key: &'a str, metadata: &'a Metadata) -> BucketFuture<'a, String> {
        Box::pin(async move { self.create_upload_now(key, metadata) })
    }

    fn upload_part<'a>(&'a self, part: UploadPart<'a>) -> BucketFuture<'a, String> {
        Box::pin(async move { self.upload_part_now(part) })
    }

    fn complete_upload<'a>(&'a self, complete: Complete<'a>) -> BucketFuture<'a, ()> {
        Box::pin(async move { self.complete_upload_now(&complete) })
    }

    fn abort_upload<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, ()> {
        Box::pin(async move { self.abort_upload_now(key, upload_id) })
    }

    fn list_parts<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, Vec<Part>> {
        Box::pin(async move { self.list_parts_now(key, upload_id) })
    }

    fn list_uploads<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a UploadMarker>,
    ) -> BucketFuture<'a, UploadPage> {
        Box::pin(async move { Ok(self.list_uploads_now(prefix, after)) })
    }

    fn delete<'a>(&'a self, key: &'a str) -> BucketFuture<'a, ()> {
        Box::pin(async move {
            // The one without a future of the same name.
            MemoryBucket::delete(self, key);
            Ok(())
        })
    }

    fn head<'a>(&'a self, key: &'a str) -> BucketFuture<'a, Option<Head>> {
        Box::pin(async move { Ok(self.head_now(key)) })
    }

    fn get_range<'a>(&'a self, key: &'a str, offset_bytes: u64, len_bytes: u64) -> BucketFuture<'a, Bytes> {
        Box::pin(async move { self.get_range_now(key, offset_bytes, len_bytes) })
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BucketFuture<'a, ObjectPage> {
        Box::pin(async move { Ok(self.list_now(prefix, after)) })
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
