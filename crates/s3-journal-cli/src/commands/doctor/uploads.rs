//! The questions about uploads in parts. Knows the library's buckets.

use bytes::Bytes;
use s3_journal::bucket::{BucketError, BucketErrorKind, Complete, Metadata, Part, UploadPart};
use s3_journal::durable_queue::checksum;

use super::answer::Answer;
use super::question::Question;
use super::store::Asking;
use crate::clock;
use crate::commands::bench::sample;

/// The least that S3 takes for a part that another one follows.
const PART_BYTES: usize = 5 << 20;

impl Asking<'_> {
    async fn begin(&mut self) -> Result<String, BucketError> {
        let begun = self.bucket.create_upload(self.key, &Metadata::new()).await;
        self.traces.begun(self.key, &begun);
        begun
    }

    /// One upload from its beginning to its end, at our object's key, so that completing must be refused.
    pub async fn upload(&mut self) {
        if self.is_over() {
            return;
        }
        let upload_id = match self.begin().await {
            Ok(upload_id) => upload_id,
            Err(error) => return self.note(Question::CreateUpload, &error),
        };
        self.permitted(Question::CreateUpload);
        if let Some(part) = self.send(&upload_id).await {
            self.list_parts(&upload_id, &part).await;
            self.complete(&upload_id, part).await;
        }
        self.abort(&upload_id).await;
    }

    async fn send(&mut self, upload_id: &str) -> Option<Part> {
        if self.is_over() {
            return None;
        }
        let body = Bytes::from(sample::incompressible(PART_BYTES));
        let (len_bytes, crc64nvme) = (body.len() as u64, checksum(&body));
        let begun = clock::now();
        let sent =
            self.bucket.upload_part(UploadPart { key: self.key, upload_id, number: 1, body, crc64nvme });
        match sent.await {
            Ok(etag) => {
                self.part = Some((PART_BYTES, begun.elapsed().as_secs_f64()));
                self.permitted(Question::UploadPart);
                Some(Part { number: 1, etag, len_bytes, crc64nvme: Some(crc64nvme) })
            }
            Err(error) => {
                self.note(Question::UploadPart, &error);
                None
            }
        }
    }

    async fn list_parts(&mut self, upload_id: &str, sent: &Part) {
        if self.is_over() {
            return;
        }
        match self.bucket.list_parts(self.key, upload_id).await {
            Ok(parts) => match parts.as_slice() {
                [part] if (part.number, part.len_bytes) == (sent.number, sent.len_bytes) => {
                    self.permitted(Question::ListParts);
                }
                _ => {
                    let words = "other parts are listed than were sent".to_owned();
                    self.note(Question::ListParts, Answer::Wrong(words));
                }
            },
            Err(error) => self.note(Question::ListParts, &error),
        }
    }

    /// Where our object already is; only then can it be refused.
    async fn complete(&mut self, upload_id: &str, part: Part) {
        if !self.is_done(Question::Put) || self.is_over() {
            return;
        }
        let complete = Complete {
            key: self.key,
            upload_id,
            len_bytes: part.len_bytes,
            crc64nvme: part.crc64nvme,
            parts: &[part],
            create_only: true,
        };
        let completed = self.bucket.complete_upload(complete).await;
        self.traces.written(self.key, &completed);
        match completed {
            Ok(()) => {
                self.traces.ended(self.key, upload_id);
                self.note(Question::CreateOnlyComplete, Answer::Done(String::new()));
            }
            Err(error) => self.note(Question::CreateOnlyComplete, &error),
        }
    }

    /// Gives the upload up; where completing has ended it, another one.
    async fn abort(&mut self, upload_id: &str) {
        let mut aborted = self.abort_one(upload_id).await;
        if let Err(error) = &aborted
            && error.kind() == BucketErrorKind::NoSuchUpload
            && let Ok(another) = self.begin().await
        {
            self.traces.ended(self.key, upload_id);
            aborted = self.abort_one(&another).await;
        }
        match aborted {
            Ok(()) => self.permitted(Question::AbortUpload),
            Err(error) => self.note(Question::AbortUpload, &error),
        }
    }

    async fn abort_one(&mut self, upload_id: &str) -> Result<(), BucketError> {
        self.bucket.abort_upload(self.key, upload_id).await?;
        self.traces.ended(self.key, upload_id);
        Ok(())
    }

    /// Open uploads under our key, of which none is left by now: the permission is what is asked for.
    pub async fn list_uploads(&mut self) {
        if self.is_over() {
            return;
        }
        match self.bucket.list_uploads(self.key, None).await {
            Ok(_) => self.permitted(Question::ListUploads),
            Err(error) => self.note(Question::ListUploads, &error),
        }
    }
}
