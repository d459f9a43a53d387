//! Amazon S3, and stores that speak its protocol, through the official client. Knows the trait and the AWS crates.
//!
//! One call is one request (a list of parts: one per page), never repeated here, but for one that a store refused for its
//! checksum's header. Every byte that is written is guarded by the caller's CRC-64/NVME, sent as a header: the store refuses
//! what doesn't fit. What goes along where a store doesn't know it is decided in `sums`.

mod connect;
mod convert;
mod directory;
mod doubled;
mod objects;
mod options;
mod sums;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
};
use bytes::Bytes;
use durable_queue::clock::{Clock, SystemClock};
use tokio::sync::Mutex;

use super::{
    Abilities, Bucket, BucketError, BucketErrorKind, BucketFuture, Complete, Head, Metadata, ObjectEntry,
    ObjectPage, OpenUpload, Part, Put, UploadMarker, UploadPage, UploadPart,
};
use connect::{CREDENTIALS_TIMEOUT, Connected};
use convert::About;
use doubled::DoubledKeyDigest;
pub use objects::{
    ChecksumSent, CustomerKey, Encryption, Grants, LockMode, LockUntil, ObjectLock, ObjectOptions,
    ObjectOptionsError,
};
pub use options::{AssumeRole, S3Options, S3OptionsError};
use sums::{Sum, Sums, Unknown};

/// Puts what every object is written with on the request that makes one.
macro_rules! made_with {
    ($request:expr, $options:expr, $own:expr, $now:expr) => {{
        let objects = &$options.objects;
        let metadata = objects.metadata.iter().chain($own);
        let lock_until = objects.lock_until($now).map(aws_sdk_s3::primitives::DateTime::from);
        with_customer_key!(asked_by!($request, objects), objects)
            .set_metadata(Some(metadata.map(|(name, value)| (name.clone(), value.clone())).collect()))
            .set_storage_class(objects.class())
            .set_server_side_encryption(objects.server_side_encryption())
            .set_ssekms_key_id(objects.kms_key())
            .set_ssekms_encryption_context(objects.kms_context())
            .set_bucket_key_enabled(objects.bucket_key())
            .set_acl(objects.canned_acl())
            .set_grant_full_control(objects.grants.full_control.clone())
            .set_grant_read(objects.grants.read.clone())
            .set_grant_read_acp(objects.grants.read_acp.clone())
            .set_grant_write_acp(objects.grants.write_acp.clone())
            .set_tagging(objects.tagging())
            .set_content_type(objects.content_type.clone())
            .set_content_encoding(objects.content_encoding.clone())
            .set_object_lock_mode(objects.lock_mode())
            .set_object_lock_retain_until_date(lock_until)
            .set_object_lock_legal_hold_status(objects.hold())
    }};
}

/// Says whose the bucket must be, and who pays.
macro_rules! asked_by {
    ($request:expr, $objects:expr) => {
        $request
            .set_expected_bucket_owner($objects.expected_bucket_owner.clone())
            .set_request_payer($objects.payer())
    };
}

/// Sends the key along with which the store encrypts and decrypts, if there is one.
macro_rules! with_customer_key {
    ($request:expr, $objects:expr) => {{
        let key = $objects.customer_key();
        $request
            .set_sse_customer_algorithm(key.map(|_| CUSTOMER_ALGORITHM.to_owned()))
            .set_sse_customer_key(key.map(CustomerKey::text))
            .set_sse_customer_key_md5(key.map(CustomerKey::digest_text))
    }};
}

/// The only one that S3 knows for keys of its customers.
const CUSTOMER_ALGORITHM: &str = "AES256";

/// Completing an upload may take longer than other calls, by this factor.
const COMPLETE_TIMEOUT_FACTOR: u32 = 3;

/// A bucket of S3.
///
/// Credentials, region and connections are looked for at the first call, not before; if that fails, the next call tries
/// again.
#[derive(Debug)]
pub struct S3Bucket {
    options: S3Options,
    clock: SystemClock,
    /// Made at the first call, and anew after the store said that it doesn't take the keys.
    connected: Mutex<Option<Arc<Connected>>>,
    sums: std::sync::Mutex<Sums>,
}

impl S3Bucket {
    /// The bucket that the options describe. Sends nothing and asks nobody.
    ///
    /// # Errors
    /// [`S3OptionsError`] names what to change.
    pub fn new(options: S3Options) -> Result<Self, S3OptionsError> {
        options.check()?;
        let sums = std::sync::Mutex::new(Sums::new(options.objects.checksum));
        Ok(Self { options, clock: SystemClock::new(), connected: Mutex::default(), sums })
    }

    async fn connected(&self) -> Result<Arc<Connected>, BucketError> {
        // Held meanwhile: who comes later waits for the same connection.
        let mut held = self.connected.lock().await;
        let connected = if let Some(connected) = &*held {
            Arc::clone(connected)
        } else {
            let connecting = Box::pin(connect::connect(&self.options));
            let connected =
                tokio::time::timeout(CREDENTIALS_TIMEOUT, connecting).await.unwrap_or_else(|_| {
                    let message = format!(
                        "neither profile nor metadata service answered within {CREDENTIALS_TIMEOUT:?}"
                    );
                    Err(BucketError::new(BucketErrorKind::NotSent, "NotReady", message))
                })?;
            Arc::clone(held.insert(Arc::new(connected)))
        };
        drop(held);
        // An endpoint of the options was checked before; this one is the environment's, or the profile's.
        if !connected.is_encrypted && self.options.objects.customer_key().is_some() {
            let message = "a key for SSE-C goes with each request: use an endpoint with https://";
            return Err(BucketError::new(BucketErrorKind::NotSent, "KeyNotProtected", message));
        }
        Ok(connected)
    }

    /// Waits for a call. Keys that the store doesn't take are looked for again before the next one: a profile's file may have
    /// been written anew, which nothing else would notice.
    async fn with_keys<T>(
        &self,
        call: impl Future<Output = Result<T, BucketError>>,
    ) -> Result<T, BucketError> {
        let result = call.await;
        if result.as_ref().is_err_and(convert::are_keys_refused) {
            *self.connected.lock().await = None;
        }
        result
    }

    /// What is known of the checksums that the store takes.
    fn sums(&self) -> std::sync::MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what the store was found not to know, once.
    fn tell_news(&self) {
        let Some(Unknown { sent, instead }) = self.sums().news() else { return };
        let bucket = &self.options.bucket;
        let recognised =
            if sent == Sum::Crc64Nvme { ", and objects are recognised by length and metadata" } else { "" };
        tracing::warn!(bucket, "the store doesn't know {}: {}{recognised}", sent.name(), instead.guard());
    }

    /// Whether a request that was refused goes again with a weaker checksum. Nothing came of it, so that is no second one.
    fn goes_again(&self, sent: Sum, upload_id: Option<&str>, error: &BucketError) -> bool {
        let goes_again = self.sums().refused(sent, upload_id, error);
        self.tell_news();
        goes_again
    }

    /// An error with what the object was asked to have: it may be what the store doesn't take.
    fn with_options(&self, error: BucketError) -> BucketError {
        use BucketErrorKind as Kind;
        let may_be_why =
            matches!(error.kind(), Kind::Other | Kind::Unsupported | Kind::Forbidden | Kind::Unavailable);
        let given = self.options.objects.given().join(", ");
        if given.is_empty() || !may_be_why {
            return error;
        }
        error.with_more(&format!("the object was asked for with {given}"))
    }

    fn now(&self) -> SystemTime {
        self.clock.wall()
    }

    /// How long a call may take that moves this many bytes.
    fn limit(&self, bytes: u64) -> Duration {
        let for_bytes = Duration::from_secs(bytes / self.options.slowest_bytes_per_second.max(1));
        self.options.operation_timeout.saturating_add(for_bytes)
    }

    async fn put_now(&self, put: Put<'_>) -> Result<(), BucketError> {
        loop {
            let sum = self.sums().now();
            match self.put_with(sum, &put).await {
                Err(error) if self.goes_again(sum, None, &error) => {}
                other => return other.map_err(|error| self.with_options(error)),
            }
        }
    }

    async fn put_with(&self, sum: Sum, put: &Put<'_>) -> Result<(), BucketError> {
        let connected = self.connected().await?;
        let Connected { client, is_encrypted } = &*connected;
        let limit = self.limit(put.body.len() as u64);
        let algorithm = match sum {
            Sum::Crc64Nvme => Some(ChecksumAlgorithm::Crc64Nvme),
            Sum::Crc32c => Some(ChecksumAlgorithm::Crc32C),
            Sum::Md5 | Sum::None => None,
        };
        let request = made_with!(client.put_object(), self.options, put.metadata, self.now())
            .bucket(&self.options.bucket)
            .key(put.key)
            .set_checksum_crc64_nvme((sum == Sum::Crc64Nvme).then(|| convert::checksum_text(put.crc64nvme)))
            .set_checksum_crc32_c((sum == Sum::Crc32c).then(|| convert::crc32c_text(&put.body)))
            // Demanded by name for objects that are locked, and sent by Amazon's own clients each time.
            .set_checksum_algorithm(algorithm)
            .set_content_md5((sum == Sum::Md5).then(|| convert::md5_text(&put.body)))
            .set_if_none_match(if_none_match(put.create_only))
            .body(ByteStream::from(put.body.clone()))
            .customize();
        let request = if *is_encrypted { request.disable_payload_signing() } else { request };
        let answer = answer(About::Object, limit, request.send()).await?;
        let told = if sum == Sum::Crc32c { answer.checksum_crc32_c() } else { answer.checksum_crc64_nvme() };
        self.sums().taken(sum, told.is_some());
        self.tell_news();
        Ok(())
    }

    async fn create_upload_now(&self, key: &str, metadata: &Metadata) -> Result<String, BucketError> {
        loop {
            let sum = self.sums().now();
            let is_summed = sum == Sum::Crc64Nvme;
            let request = self.connected().await?.client.create_multipart_upload();
            let request = made_with!(request, self.options, metadata, self.now())
                .bucket(&self.options.bucket)
                .key(key)
                .set_checksum_algorithm(is_summed.then_some(ChecksumAlgorithm::Crc64Nvme))
                .set_checksum_type(is_summed.then_some(ChecksumType::FullObject));
            let answer = match answer(About::Object, self.limit(0), request.send()).await {
                Err(error) if self.goes_again(sum, None, &error) => continue,
                other => other.map_err(|error| self.with_options(error))?,
            };
            let upload_id = answer.upload_id.filter(|upload_id| !upload_id.is_empty());
            let upload_id = upload_id.ok_or_else(|| convert::malformed("the new upload has no id"))?;
            self.sums().upload_began(&upload_id, sum);
            return Ok(upload_id);
        }
    }

    async fn upload_part_now(&self, part: UploadPart<'_>) -> Result<String, BucketError> {
        loop {
            let sum = self.sums().of_upload(part.upload_id);
            match self.upload_part_with(sum, &part).await {
                Err(error) if self.goes_again(sum, Some(part.upload_id), &error) => {}
                other => return other,
            }
        }
    }

    async fn upload_part_with(&self, sum: Sum, part: &UploadPart<'_>) -> Result<String, BucketError> {
        let connected = self.connected().await?;
        let Connected { client, is_encrypted } = &*connected;
        let limit = self.limit(part.body.len() as u64);
        let objects = &self.options.objects;
        let is_md5 = matches!(sum, Sum::Crc32c | Sum::Md5);
        let request = with_customer_key!(asked_by!(client.upload_part(), objects), objects)
            .bucket(&self.options.bucket)
            .key(part.key)
            .upload_id(part.upload_id)
            .part_number(part_number(part.number))
            .set_checksum_crc64_nvme((sum == Sum::Crc64Nvme).then(|| convert::checksum_text(part.crc64nvme)))
            .set_content_md5(is_md5.then(|| convert::md5_text(&part.body)))
            .body(ByteStream::from(part.body.clone()))
            .customize();
        let request = if *is_encrypted { request.disable_payload_signing() } else { request };
        let answer = answer(About::Upload, limit, request.send()).await?;
        // A part tells nothing of CRC-32C, since none went with it.
        if sum == Sum::Crc64Nvme {
            self.sums().taken(sum, answer.checksum_crc64_nvme().is_some());
            self.tell_news();
        }
        answer.e_tag.ok_or_else(|| convert::malformed("the part has no entity tag"))
    }

    async fn complete_upload_now(&self, complete: Complete<'_>) -> Result<(), BucketError> {
        // A store that doesn't know them may refuse the list for them (Swift does). The whole object's is a header, which it
        // passes over.
        let (sum, are_listed) = {
            let sums = self.sums();
            let sum = sums.of_upload(complete.upload_id);
            (sum, sums.are_listed(sum))
        };
        let is_summed = sum == Sum::Crc64Nvme;
        let parts = complete.parts.iter().map(|part| {
            let listed = part.crc64nvme.filter(|_| are_listed);
            CompletedPart::builder()
                .part_number(part_number(part.number))
                .e_tag(&part.etag)
                .set_checksum_crc64_nvme(listed.map(convert::checksum_text))
                .build()
        });
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let objects = &self.options.objects;
        let request = self.connected().await?.client.complete_multipart_upload();
        let request = with_customer_key!(asked_by!(request, objects), objects)
            .bucket(&self.options.bucket)
            .key(complete.key)
            .upload_id(complete.upload_id)
            .set_checksum_crc64_nvme(complete.crc64nvme.filter(|_| is_summed).map(convert::checksum_text))
            .set_checksum_type(is_summed.then_some(ChecksumType::FullObject))
            .mpu_object_size(i64::try_from(complete.len_bytes).unwrap_or(i64::MAX))
            .set_if_none_match(if_none_match(complete.create_only))
            .multipart_upload(parts);
        let limit = self.limit(0).saturating_mul(COMPLETE_TIMEOUT_FACTOR);
        let answer = answer(About::Upload, limit, request.send()).await?;
        // S3 sends the status before the work is done: only what follows is the answer, and a whole one has a tag.
        let is_whole = answer.e_tag().is_some_and(|etag| !etag.is_empty());
        if is_whole {
            self.sums().upload_ended(complete.upload_id);
            Ok(())
        } else {
            Err(convert::malformed("the object that was completed has no entity tag"))
        }
    }

    async fn abort_upload_now(&self, key: &str, upload_id: &str) -> Result<(), BucketError> {
        let client = self.connected().await?.client.clone();
        let request = asked_by!(client.abort_multipart_upload(), self.options.objects)
            .bucket(&self.options.bucket)
            .key(key)
            .upload_id(upload_id);
        let answer = answer(About::Upload, self.limit(0), request.send()).await;
        // Whatever came of it, nobody adds to the upload any more.
        self.sums().upload_ended(upload_id);
        answer.map(|_| ())
    }

    async fn delete_now(&self, key: &str) -> Result<(), BucketError> {
        let client = self.connected().await?.client.clone();
        let request =
            asked_by!(client.delete_object(), self.options.objects).bucket(&self.options.bucket).key(key);
        match answer(About::Object, self.limit(0), request.send()).await {
            // Amazon says nothing then; some stores do.
            Err(error) if error.kind() == BucketErrorKind::NotFound => Ok(()),
            other => other.map(|_| ()),
        }
    }

    async fn list_parts_now(&self, key: &str, upload_id: &str) -> Result<Vec<Part>, BucketError> {
        let client = self.connected().await?.client.clone();
        // By number: a store may list a part that was sent again twice (SeaweedFS does), the newer one counts.
        let mut parts: BTreeMap<u32, (Option<SystemTime>, Part)> = BTreeMap::new();
        loop {
            let marker = parts.last_key_value().map_or(0, |(number, _)| *number);
            let objects = &self.options.objects;
            let request = with_customer_key!(asked_by!(client.list_parts(), objects), objects)
                .bucket(&self.options.bucket)
                .key(key)
                .upload_id(upload_id)
                .set_part_number_marker((marker > 0).then(|| marker.to_string()));
            let page = answer(About::Upload, self.limit(0), request.send()).await?;
            for part in page.parts() {
                let number = part.part_number().and_then(|number| u32::try_from(number).ok());
                let (len_bytes, modified) =
                    (convert::length(part.size()), convert::time(part.last_modified()));
                let (Some(number), Some(len_bytes), Some(etag)) = (number, len_bytes, part.e_tag()) else {
                    continue;
                };
                if parts.get(&number).is_none_or(|(known, _)| *known <= modified) {
                    let crc64nvme = convert::checksum(part.checksum_crc64_nvme());
                    let part = Part { number, etag: etag.to_owned(), len_bytes, crc64nvme };
                    parts.insert(number, (modified, part));
                }
            }
            if page.is_truncated() != Some(true) {
                return Ok(parts.into_values().map(|(_, part)| part).collect());
            }
            if parts.last_key_value().is_none_or(|(number, _)| *number <= marker) {
                return Err(convert::malformed("the list of parts goes on without an end"));
            }
        }
    }

    async fn list_uploads_now(
        &self,
        prefix: &str,
        after: Option<&UploadMarker>,
    ) -> Result<UploadPage, BucketError> {
        let request = self.connected().await?.client.list_multipart_uploads();
        let is_directory = directory::is_directory(&self.options.bucket);
        let asked = if is_directory { directory::askable(prefix) } else { prefix };
        let request = asked_by!(request, self.options.objects)
            .bucket(&self.options.bucket)
            .prefix(asked)
            .set_key_marker(after.map(|after| after.key.clone()))
            .set_upload_id_marker(after.and_then(|after| after.upload_id.clone()));
        let page = answer(About::Object, self.limit(0), request.send()).await?;
        let uploads: Vec<_> = page
            .uploads()
            .iter()
            .filter_map(|upload| {
                let (key, upload_id) = (upload.key()?.to_owned(), upload.upload_id()?.to_owned());
                Some(OpenUpload { key, upload_id, initiated: convert::time(upload.initiated()) })
            })
            .collect();
        // Some stores say that there is more, but not from where: then it goes on after the last entry.
        let last = uploads
            .last()
            .map(|last| UploadMarker { key: last.key.clone(), upload_id: Some(last.upload_id.clone()) });
        let said = |marker: Option<&str>| marker.filter(|marker| !marker.is_empty()).map(ToOwned::to_owned);
        let marker = match said(page.next_key_marker()) {
            Some(key) => Some(UploadMarker { key, upload_id: said(page.next_upload_id_marker()) }),
            None => last,
        };
        // A store that ignores the marker would give the same page for ever.
        let next = marker.filter(|next| page.is_truncated() == Some(true) && Some(next) != after);
        let uploads = uploads.into_iter().filter(|upload| upload.key.starts_with(prefix)).collect();
        Ok(UploadPage { uploads, next })
    }

    async fn head_now(&self, key: &str) -> Result<Option<Head>, BucketError> {
        let client = self.connected().await?.client.clone();
        let objects = &self.options.objects;
        let request = with_customer_key!(asked_by!(client.head_object(), objects), objects)
            .bucket(&self.options.bucket)
            .key(key)
            .checksum_mode(ChecksumMode::Enabled)
            .customize()
            .interceptor(DoubledKeyDigest);
        let answer = match answer(About::Head, self.limit(0), request.send()).await {
            Err(error) if error.kind() == BucketErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let len_bytes = convert::length(answer.content_length());
        Ok(Some(Head {
            len_bytes: len_bytes.ok_or_else(|| convert::malformed("the object has no length"))?,
            crc64nvme: convert::checksum(answer.checksum_crc64_nvme()),
            modified: convert::time(answer.last_modified()),
            metadata: answer.metadata.unwrap_or_default().into_iter().collect(),
        }))
    }

    async fn get_range_now(
        &self,
        key: &str,
        offset_bytes: u64,
        len_bytes: u64,
    ) -> Result<Bytes, BucketError> {
        let Some(last) = len_bytes.checked_sub(1).map(|more| offset_bytes.saturating_add(more)) else {
            let found = self.head(key).await?;
            return found.map(|_| Bytes::new()).ok_or_else(|| super::rules::not_found(key));
        };
        let client = self.connected().await?.client.clone();
        let objects = &self.options.objects;
        let request = with_customer_key!(asked_by!(client.get_object(), objects), objects)
            .bucket(&self.options.bucket)
            .key(key)
            .range(format!("bytes={offset_bytes}-{last}"))
            .customize()
            .interceptor(DoubledKeyDigest);
        let reading = Box::pin(async {
            let answer = match request.send().await {
                Ok(answer) => answer,
                Err(error) if error.raw_response().is_some_and(|raw| raw.status().as_u16() == 416) => {
                    return Ok(Bytes::new());
                }
                Err(error) => return Err(convert::error(&error, About::Object)),
            };
            let told = convert::length(answer.content_length()).unwrap_or(0);
            let is_whole = answer.content_range().is_none();
            if told > len_bytes || (is_whole && offset_bytes > 0) {
                let message = "a range was asked for and another one answered";
                return Err(BucketError::new(BucketErrorKind::Unsupported, "RangeIgnored", message));
            }
            let body = answer.body.collect().await.map_err(|error| {
                let message = format!("the answer broke off: {error}");
                BucketError::new(BucketErrorKind::NoAnswer, "ConnectionBroken", message)
            })?;
            Ok(body.into_bytes())
        });
        within(self.limit(len_bytes), reading).await?
    }

    async fn list_now(&self, prefix: &str, after: Option<&str>) -> Result<ObjectPage, BucketError> {
        if directory::is_directory(&self.options.bucket) {
            let objects = self.list_directory(directory::askable(prefix)).await?;
            return Ok(directory::in_order(objects, prefix, after));
        }
        let request = self.connected().await?.client.list_objects_v2();
        let request = asked_by!(request, self.options.objects)
            .bucket(&self.options.bucket)
            .prefix(prefix)
            .set_start_after(after.map(ToOwned::to_owned));
        let page = answer(About::Object, self.limit(0), request.send()).await?;
        let objects: Vec<_> = page.contents().iter().filter_map(convert::entry).collect();
        let next = match objects.last() {
            Some(last) if page.is_truncated() == Some(true) => Some(last.key.clone()),
            None if page.is_truncated() == Some(true) => {
                return Err(convert::malformed("an empty page says that there is more"));
            }
            _ => None,
        };
        if next.is_some() && next.as_deref() == after {
            return Err(convert::malformed("the list of objects goes on without an end"));
        }
        Ok(ObjectPage { objects, next })
    }

    /// All objects under a prefix that ends in `/`, in no order.
    async fn list_directory(&self, prefix: &str) -> Result<Vec<ObjectEntry>, BucketError> {
        let (mut objects, mut token) = (Vec::new(), None);
        loop {
            let request = self.connected().await?.client.list_objects_v2();
            let request = asked_by!(request, self.options.objects)
                .bucket(&self.options.bucket)
                .set_prefix((!prefix.is_empty()).then(|| prefix.to_owned()))
                .set_continuation_token(token.clone());
            let page = answer(About::Object, self.limit(0), request.send()).await?;
            objects.extend(page.contents().iter().filter_map(convert::entry));
            if page.is_truncated() != Some(true) {
                return Ok(objects);
            }
            let next = page.next_continuation_token.filter(|next| Some(next) != token.as_ref());
            token =
                Some(next.ok_or_else(|| convert::malformed("the list of objects goes on without an end"))?);
        }
    }
}

/// Waits for an answer, but not for ever.
fn answer<'a, T, E>(
    about: About,
    limit: Duration,
    sending: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'a,
) -> BucketFuture<'a, T>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    // The client's futures are large: on the heap they don't make every future above them large, too.
    let sending = Box::pin(sending);
    Box::pin(async move { within(limit, sending).await?.map_err(|error| convert::error(&error, about)) })
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, BucketError> {
    tokio::time::timeout(limit, work).await.map_err(|_| {
        let message = format!("no answer within {limit:?}");
        BucketError::new(BucketErrorKind::NoAnswer, "Timeout", message)
    })
}

fn if_none_match(create_only: bool) -> Option<String> {
    create_only.then(|| "*".to_owned())
}

fn part_number(number: u32) -> i32 {
    // Above 10,000 the store refuses.
    i32::try_from(number).unwrap_or(i32::MAX)
}

impl Bucket for S3Bucket {
    fn name(&self) -> String {
        format!("s3://{}", self.options.bucket)
    }

    fn abilities(&self) -> Abilities {
        Abilities::S3
    }

    fn put<'a>(&'a self, put: Put<'a>) -> BucketFuture<'a, ()> {
        Box::pin(self.with_keys(self.put_now(put)))
    }

    fn create_upload<'a>(&'a self, key: &'a str, metadata: &'a Metadata) -> BucketFuture<'a, String> {
        Box::pin(self.with_keys(self.create_upload_now(key, metadata)))
    }

    fn upload_part<'a>(&'a self, part: UploadPart<'a>) -> BucketFuture<'a, String> {
        Box::pin(self.with_keys(self.upload_part_now(part)))
    }

    fn complete_upload<'a>(&'a self, complete: Complete<'a>) -> BucketFuture<'a, ()> {
        Box::pin(self.with_keys(self.complete_upload_now(complete)))
    }

    fn abort_upload<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, ()> {
        Box::pin(self.with_keys(self.abort_upload_now(key, upload_id)))
    }

    fn list_parts<'a>(&'a self, key: &'a str, upload_id: &'a str) -> BucketFuture<'a, Vec<Part>> {
        Box::pin(self.with_keys(self.list_parts_now(key, upload_id)))
    }

    fn list_uploads<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a UploadMarker>,
    ) -> BucketFuture<'a, UploadPage> {
        Box::pin(self.with_keys(self.list_uploads_now(prefix, after)))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BucketFuture<'a, ()> {
        Box::pin(self.with_keys(self.delete_now(key)))
    }

    fn head<'a>(&'a self, key: &'a str) -> BucketFuture<'a, Option<Head>> {
        Box::pin(self.with_keys(self.head_now(key)))
    }

    fn get_range<'a>(&'a self, key: &'a str, offset_bytes: u64, len_bytes: u64) -> BucketFuture<'a, Bytes> {
        Box::pin(self.with_keys(self.get_range_now(key, offset_bytes, len_bytes)))
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BucketFuture<'a, ObjectPage> {
        Box::pin(self.with_keys(self.list_now(prefix, after)))
    }
}
