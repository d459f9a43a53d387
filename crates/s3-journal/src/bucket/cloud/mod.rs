//! Google Cloud Storage and Azure Blob Storage, natively, through the crate `object_store`. Knows the trait, that crate, and
//! how the stores differ; neither retries nor logs.
//!
//! Single puts are create-only at the store. An object in parts is completed only after a HEAD has shown that its key is free;
//! Azure is told the condition with the completion besides. What an open upload holds is known to the process that opened it and
//! to no other: parts can't be listed, so whoever comes after a crash begins anew.

#[cfg(any(feature = "gcs", feature = "azure"))]
mod connect;
mod errors;
mod limits;
mod names;
mod open;
mod options;
mod pages;
#[cfg_attr(
    not(any(feature = "gcs", feature = "azure")),
    allow(dead_code, reason = "a store that a program made has its own way to the network")
)]
mod wire;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use durable_queue::random::{Random, SystemRandom};
use http::header::{HeaderName, HeaderValue};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, GetResult, ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions,
    PutPayload,
};

use super::{
    Abilities, Bucket, BucketError, BucketErrorKind, BucketFuture, Complete, Head, Limit, Metadata,
    ObjectPage, Part, Put, UploadMarker, UploadPage, UploadPart, rules,
};
use errors::About;
use open::OpenUploads;
pub use options::{CloudOptions, CloudOptionsError};

/// A store of the crate `object_store` that also has uploads in parts.
pub trait CloudStore: ObjectStore + MultipartStore {}

impl<T: ObjectStore + MultipartStore> CloudStore for T {}

/// In what the stores differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "a build without a client for a store makes none of its dialect")]
enum Dialect {
    Gcs,
    Azure,
    Other,
}

impl Dialect {
    /// What stands before the store's codes of errors.
    fn code_prefix(self) -> &'static str {
        match self {
            Self::Gcs => "gcs:",
            Self::Azure => "azure:",
            Self::Other => "",
        }
    }

    fn limits(self) -> &'static [Limit] {
        match self {
            Self::Gcs => limits::GCS,
            Self::Azure => limits::AZURE,
            Self::Other => limits::OTHER,
        }
    }

    /// Azure's blocks: <https://learn.microsoft.com/en-us/rest/api/storageservices/put-block>; Google's parts are as S3's:
    /// <https://docs.cloud.google.com/storage/quotas#requests>.
    fn abilities(self) -> Abilities {
        match self {
            Self::Azure => Abilities {
                part_size_min_bytes: 1,
                part_size_max_bytes: 4_000 << 20,
                parts_max: 50_000,
                key_bytes_max: 1_024,
            },
            Self::Gcs | Self::Other => Abilities::S3,
        }
    }
}

/// A bucket of Google Cloud Storage, a container of Azure Blob Storage, or any store of the crate `object_store` that has
/// uploads in parts.
///
/// What it can't do, [`Bucket::limits`] says.
pub struct CloudBucket {
    name: String,
    dialect: Dialect,
    store: Arc<dyn CloudStore>,
    /// Its requests go through [`wire`], which notes what becomes of them.
    is_wired: bool,
    options: CloudOptions,
    open: OpenUploads,
    part_size_min_bytes: u64,
}

/// Without the store: some print their keys.
impl fmt::Debug for CloudBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudBucket").field("name", &self.name).finish_non_exhaustive()
    }
}

impl CloudBucket {
    /// A store that a program made itself, under a name for messages. It must make one attempt for each call, refuse a put
    /// with `PutMode::Create` where the key is taken, and answer [`NotFound`](object_store::Error::NotFound) for an upload it
    /// doesn't know.
    pub fn over(name: impl Into<String>, store: Arc<dyn CloudStore>) -> Self {
        Self::new(name.into(), Dialect::Other, store, false, CloudOptions::default())
    }

    /// The smallest size of a part that isn't the last, in bytes, for stores that take smaller ones than S3 does.
    pub fn with_part_size_min(mut self, bytes: u64) -> Self {
        self.part_size_min_bytes = bytes;
        self
    }

    fn new(
        name: String,
        dialect: Dialect,
        store: Arc<dyn CloudStore>,
        is_wired: bool,
        options: CloudOptions,
    ) -> Self {
        let part_size_min_bytes = dialect.abilities().part_size_min_bytes;
        Self { name, dialect, store, is_wired, options, open: OpenUploads::default(), part_size_min_bytes }
    }

    /// Makes one call, with a limit for its time, and its error ours.
    async fn call<T>(
        &self,
        about: About,
        bytes: u64,
        on_commit: Vec<(HeaderName, HeaderValue)>,
        work: impl Future<Output = object_store::Result<T>> + Send,
    ) -> Result<T, BucketError> {
        let limit = self.options.limit(bytes);
        let (result, seen) = wire::watched(on_commit, tokio::time::timeout(limit, work)).await;
        match result {
            Ok(result) => result
                .map_err(|error| errors::bucket_error(self.dialect, self.is_wired, about, &error, &seen)),
            Err(_) => {
                let message = format!("no answer within {limit:?}");
                Err(errors::answer(self.dialect, BucketErrorKind::NoAnswer, "TimedOut", &message))
            }
        }
    }

    async fn ask<T>(
        &self,
        bytes: u64,
        work: impl Future<Output = object_store::Result<T>> + Send,
    ) -> Result<T, BucketError> {
        self.call(About::Object, bytes, Vec::new(), work).await
    }

    async fn put_now(&self, put: Put<'_>) -> Result<(), BucketError> {
        let path = names::path(put.key)?;
        rules::check_metadata(put.metadata)?;
        rules::check_digest(&put.body, put.crc64nvme)?;
        let mode = if put.create_only { PutMode::Create } else { PutMode::Overwrite };
        let options = PutOptions {
            mode,
            attributes: names::attributes(self.dialect, put.metadata)?,
            ..PutOptions::default()
        };
        let len = put.body.len() as u64;
        self.ask(len, self.store.put_opts(&path, PutPayload::from(put.body), options)).await?;
        Ok(())
    }

    async fn create_upload_now(&self, key: &str, metadata: &Metadata) -> Result<String, BucketError> {
        let path = names::path(key)?;
        rules::check_metadata(metadata)?;
        let attributes = names::attributes(self.dialect, metadata)?;
        let upload_id = if self.dialect == Dialect::Azure {
            // There a blob's blocks are all of one upload, which has no name of its own; ours tells one attempt from another.
            let random = SystemRandom.next_u64().map_err(|error| {
                errors::answer(self.dialect, BucketErrorKind::NotSent, "NoRandomNumbers", &error.to_string())
            })?;
            format!("blocks-{random:016x}")
        } else {
            let options =
                PutMultipartOptions { attributes: attributes.clone(), ..PutMultipartOptions::default() };
            self.ask(0, self.store.create_multipart_opts(&path, options)).await?
        };
        self.open.opened(key, &upload_id, attributes);
        Ok(upload_id)
    }

    async fn upload_part_now(&self, part: UploadPart<'_>) -> Result<String, BucketError> {
        let path = names::path(part.key)?;
        let index = part.number.checked_sub(1).filter(|_| part.number <= self.abilities().parts_max);
        let index = index.and_then(|index| usize::try_from(index).ok());
        let index =
            index.ok_or_else(|| rules::other("InvalidArgument", "there is no part of that number"))?;
        rules::check_digest(&part.body, part.crc64nvme)?;
        if !self.open.holds(part.key, part.upload_id) {
            return Err(rules::no_such_upload(part.upload_id));
        }
        let len_bytes = part.body.len() as u64;
        let (upload_id, payload) = (part.upload_id.to_owned(), PutPayload::from(part.body));
        let sent = self.store.put_part(&path, &upload_id, index, payload);
        let etag = self.call(About::Upload, len_bytes, Vec::new(), sent).await?.content_id;
        let held =
            Part { number: part.number, etag: etag.clone(), len_bytes, crc64nvme: Some(part.crc64nvme) };
        self.open.sent(part.key, part.upload_id, held);
        Ok(etag)
    }

    async fn complete_upload_now(&self, complete: &Complete<'_>) -> Result<(), BucketError> {
        let path = names::path(complete.key)?;
        let Some(open) = self.open.of(complete.key, complete.upload_id) else {
            return Err(rules::no_such_upload(complete.upload_id));
        };
        rules::check_parts(complete, self.part_size_min_bytes, |number| open.parts.get(&number))?;
        if complete.create_only && self.look_before_completing(complete.key).await? {
            return Err(rules::key_taken(complete.key));
        }
        let parts = complete.parts.iter().map(|part| PartId { content_id: part.etag.clone() }).collect();
        let on_commit = match self.dialect {
            Dialect::Azure => names::commit_headers(&open.attributes, complete.create_only)?,
            Dialect::Gcs | Dialect::Other => Vec::new(),
        };
        let upload_id = complete.upload_id.to_owned();
        let completed = self.store.complete_multipart(&path, &upload_id, parts);
        // The store puts the parts together before it answers.
        self.call(About::Upload, complete.len_bytes, on_commit, completed).await?;
        self.open.closed(complete.key, complete.upload_id);
        Ok(())
    }

    /// Whether the key is taken.
    async fn look_before_completing(&self, key: &str) -> Result<bool, BucketError> {
        match self.head_now(key).await {
            Ok(head) => Ok(head.is_some()),
            Err(error) if error.kind() == BucketErrorKind::Forbidden => Err(errors::answer(
                self.dialect,
                BucketErrorKind::Forbidden,
                error.code().strip_prefix(self.dialect.code_prefix()).unwrap_or_default(),
                "an object in parts is completed only after its key was looked at, and looking isn't permitted",
            )),
            // Nothing was written, whatever became of the question.
            Err(error) if !error.has_no_side_effects() => {
                let code = error.code().strip_prefix(self.dialect.code_prefix()).unwrap_or_default();
                Err(errors::answer(self.dialect, BucketErrorKind::NotSent, code, &error.words()))
            }
            Err(error) => Err(error),
        }
    }

    async fn abort_upload_now(&self, key: &str, upload_id: &str) -> Result<(), BucketError> {
        let path = names::path(key)?;
        let was_open = self.open.closed(key, upload_id);
        if self.dialect == Dialect::Azure {
            return if was_open { Ok(()) } else { Err(rules::no_such_upload(upload_id)) };
        }
        let upload_id = upload_id.to_owned();
        self.call(About::Upload, 0, Vec::new(), self.store.abort_multipart(&path, &upload_id)).await
    }

    fn list_parts_now(&self, key: &str, upload_id: &str) -> Result<Vec<Part>, BucketError> {
        match self.open.of(key, upload_id) {
            Some(open) => Ok(open.parts.into_values().collect()),
            None => Err(errors::answer(
                self.dialect,
                BucketErrorKind::Unsupported,
                "NoListParts",
                "only the process that sent parts knows them",
            )),
        }
    }

    async fn delete_now(&self, key: &str) -> Result<(), BucketError> {
        let path = names::path(key)?;
        match self.ask(0, self.store.delete(&path)).await {
            Err(error) if error.kind() == BucketErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    async fn get(&self, path: &Path, bytes: u64, options: GetOptions) -> Result<GetResult, BucketError> {
        self.ask(bytes, self.store.get_opts(path, options)).await
    }

    async fn head_now(&self, key: &str) -> Result<Option<Head>, BucketError> {
        let path = names::path(key)?;
        match self.get(&path, 0, GetOptions { head: true, ..GetOptions::default() }).await {
            Ok(found) => Ok(Some(Head {
                len_bytes: found.meta.size,
                crc64nvme: None,
                metadata: names::metadata(self.dialect, &found.attributes),
                modified: Some(found.meta.last_modified.into()),
            })),
            Err(error) if error.kind() == BucketErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn get_range_now(&self, key: &str, offset: u64, len_bytes: u64) -> Result<Bytes, BucketError> {
        let path = names::path(key)?;
        if len_bytes > 0 {
            let range = Some(GetRange::Bounded(offset..offset.saturating_add(len_bytes)));
            let options = GetOptions { range, ..GetOptions::default() };
            let got =
                self.ask(len_bytes, async { self.store.get_opts(&path, options).await?.bytes().await }).await;
            match got {
                Ok(bytes) => return Ok(bytes),
                // A range that begins behind the end is an error there, told in the store's own way.
                Err(error) if error.kind() != BucketErrorKind::Other => return Err(error),
                Err(error) => {
                    let head = self.head_now(key).await?.ok_or_else(|| rules::not_found(key))?;
                    return if offset >= head.len_bytes { Ok(Bytes::new()) } else { Err(error) };
                }
            }
        }
        self.head_now(key).await?.ok_or_else(|| rules::not_found(key))?;
        Ok(Bytes::new())
    }

    async fn list_now(&self, prefix: &str, after: Option<&str>) -> Result<ObjectPage, BucketError> {
        let page = pages::page(&*self.store, self.dialect, prefix, after);
        self.ask(0, page).await
    }
}

impl Bucket for CloudBucket {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn abilities(&self) -> Abilities {
        Abilities { part_size_min_bytes: self.part_size_min_bytes, ..self.dialect.abilities() }
    }

    fn limits(&self) -> Vec<Limit> {
        self.dialect.limits().to_vec()
    }

    fn put<'a>(&'a self, put: Put<'a>) -> BucketFuture<'a, ()> {
        Box::pin(self.put_now(put))
    }

    fn create_upload<'a>(&'a self, key: &'a str, metadata: &'a Metadata) -> BucketFuture<'a, String> {
        Box::pin(self.create_upload_now(key, metadata))
    }

    fn upload_part<'a>(&'a self, part: UploadPart<'a>) -> BucketFuture<'a, String> {
        Box::pin(self.upload_part_now(part))
    }

    fn complete_upload<'a>(&'a self, complete: Complete<'a>) -> BucketFuture<'a, ()> {
        Box::pin(async move { self.complete_upload_now(&complete).await })
    }

    fn abort_upload<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, ()> {
        Box::pin(self.abort_upload_now(key, upload_id))
    }

    fn list_parts<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, Vec<Part>> {
        Box::pin(async move { self.list_parts_now(key, upload_id) })
    }

    fn list_uploads<'a>(&'a self, _: &'a str, _: Option<&'a UploadMarker>) -> BucketFuture<'a, UploadPage> {
        Box::pin(async move {
            let message = "open uploads can't be listed";
            Err(errors::answer(self.dialect, BucketErrorKind::Unsupported, "NoListUploads", message))
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> BucketFuture<'a, ()> {
        Box::pin(self.delete_now(key))
    }

    fn head<'a>(&'a self, key: &'a str) -> BucketFuture<'a, Option<Head>> {
        Box::pin(self.head_now(key))
    }

    fn get_range<'a>(&'a self, key: &'a str, offset_bytes: u64, len_bytes: u64) -> BucketFuture<'a, Bytes> {
        Box::pin(self.get_range_now(key, offset_bytes, len_bytes))
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BucketFuture<'a, ObjectPage> {
        Box::pin(self.list_now(prefix, after))
    }
}

#[cfg(test)]
mod tests;
