//! A stream into the bucket, in memory of one part: a small object as one request, a larger one as an upload in parts.
//! Create-only. Knows the store.

use bytes::Bytes;

use crate::bucket::{Abilities, BucketError, BucketErrorKind, Complete, Metadata, Part, Put, UploadPart};
use crate::checksum::{CRC64_EMPTY, crc64_of};
use crate::read::Store;

/// Size of a part, unless the object would have too many.
const PART_BYTES: u64 = 8 << 20;

/// Writes one object.
#[derive(Debug)]
pub(super) struct Sink<'s> {
    store: &'s Store,
    key: &'s str,
    metadata: &'s Metadata,
    part_bytes: usize,
    /// What goes into the next part.
    buffer: Vec<u8>,
    upload_id: Option<String>,
    parts: Vec<Part>,
    len_bytes: u64,
    crc64nvme: u64,
}

impl<'s> Sink<'s> {
    /// For an object of about that length.
    pub(super) fn new(store: &'s Store, key: &'s str, metadata: &'s Metadata, about_bytes: u64) -> Self {
        let Abilities { parts_max, part_size_min_bytes, .. } = store.bucket().abilities();
        // Half as many parts as there may be: it may come out longer than the torn one.
        let needed = about_bytes / u64::from((parts_max / 2).max(1)) + 1;
        let part_bytes = PART_BYTES.max(part_size_min_bytes).max(needed);
        Self {
            store,
            key,
            metadata,
            part_bytes: usize::try_from(part_bytes).unwrap_or(usize::MAX),
            buffer: Vec::new(),
            upload_id: None,
            parts: Vec::new(),
            len_bytes: 0,
            crc64nvme: CRC64_EMPTY,
        }
    }

    /// Where the next bytes go; [`Sink::flush`] sends what has come together.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Sends full parts, once there is more than one.
    ///
    /// # Errors
    /// The store's answer.
    pub(super) fn flush(&mut self) -> Result<(), BucketError> {
        while self.buffer.len() >= self.part_bytes.saturating_mul(2) {
            let rest = self.buffer.split_off(self.part_bytes);
            let part = std::mem::replace(&mut self.buffer, rest);
            self.send(part)?;
        }
        Ok(())
    }

    fn send(&mut self, part: Vec<u8>) -> Result<(), BucketError> {
        let upload_id = match &self.upload_id {
            Some(upload_id) => upload_id.clone(),
            None => {
                let (key, metadata) = (self.key.to_owned(), self.metadata.clone());
                let created = self
                    .store
                    .once(move |bucket| Box::pin(async move { bucket.create_upload(&key, &metadata).await }));
                self.upload_id.insert(created.wait()?).clone()
            }
        };
        let number = u32::try_from(self.parts.len()).unwrap_or(u32::MAX).saturating_add(1);
        let (len_bytes, crc64nvme) = (part.len() as u64, crc64_of(CRC64_EMPTY, &part));
        self.len_bytes += len_bytes;
        self.crc64nvme = crc64_of(self.crc64nvme, &part);
        let (key, body) = (self.key.to_owned(), Bytes::from(part));
        // The same number again replaces the part, so it may be asked again.
        let sent = self.store.again(move |bucket| {
            let (key, upload_id, body) = (key.clone(), upload_id.clone(), body.clone());
            Box::pin(async move {
                let (key, upload_id) = (key.as_str(), upload_id.as_str());
                bucket.upload_part(UploadPart { key, upload_id, number, body, crc64nvme }).await
            })
        });
        let etag = sent.wait()?;
        self.parts.push(Part { number, etag, len_bytes, crc64nvme: Some(crc64nvme) });
        Ok(())
    }

    /// Makes it an object.
    ///
    /// # Errors
    /// The store's answer: a key that is taken is [`BucketErrorKind::PreconditionFailed`].
    pub(super) fn finish(mut self) -> Result<(), BucketError> {
        let last = std::mem::take(&mut self.buffer);
        if self.upload_id.is_none() {
            return put(self.store, self.key, last, self.metadata);
        }
        if !last.is_empty() {
            self.send(last)?;
        }
        let upload_id = self.upload_id.unwrap_or_default();
        complete(self.store, self.key, &upload_id, &self.parts, self.len_bytes, Some(self.crc64nvme))
    }
}

/// Writes a small object, if the key is free.
///
/// # Errors
/// The store's answer.
pub(super) fn put(store: &Store, key: &str, body: Vec<u8>, metadata: &Metadata) -> Result<(), BucketError> {
    let (body, metadata) = (Bytes::from(body), metadata.clone());
    let crc64nvme = crc64_of(CRC64_EMPTY, &body);
    if_free(store, key, |create_only| {
        let (key, body, metadata) = (key.to_owned(), body.clone(), metadata.clone());
        let sent = store.once(move |bucket| {
            Box::pin(async move {
                let put = Put { key: &key, body, crc64nvme, metadata: &metadata, create_only };
                bucket.put(put).await
            })
        });
        sent.wait()
    })
}

/// Completes an upload, if the key is free.
///
/// # Errors
/// The store's answer.
pub(super) fn complete(
    store: &Store,
    key: &str,
    upload_id: &str,
    parts: &[Part],
    len_bytes: u64,
    crc64nvme: Option<u64>,
) -> Result<(), BucketError> {
    if_free(store, key, |create_only| {
        let (key, upload_id, parts) = (key.to_owned(), upload_id.to_owned(), parts.to_vec());
        let sent = store.once(move |bucket| {
            Box::pin(async move {
                let (key, upload_id, parts) = (key.as_str(), upload_id.as_str(), parts.as_slice());
                let complete = Complete { key, upload_id, parts, len_bytes, crc64nvme, create_only };
                bucket.complete_upload(complete).await
            })
        });
        sent.wait()
    })
}

/// A create-only write; where the store can't do that, a look and then a plain one.
fn if_free(
    store: &Store,
    key: &str,
    write: impl Fn(bool) -> Result<(), BucketError>,
) -> Result<(), BucketError> {
    match write(true) {
        Err(error) if error.kind() == BucketErrorKind::Unsupported => {
            if store.head(key.to_owned()).wait()?.is_some() {
                return Err(BucketError::new(BucketErrorKind::PreconditionFailed, "PreconditionFailed", key));
            }
            write(false)
        }
        answer => answer,
    }
}
