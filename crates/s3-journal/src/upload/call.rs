//! The requests that an uploader hands out, as values, and their answers: so that a thread, a test or a simulation can
//! carry them out. Knows only `bucket`.

use bytes::Bytes;

use crate::bucket::{
    Bucket, BucketError, BucketErrorKind, Complete, Head, Metadata, Part, Put, UploadMarker, UploadPage,
    UploadPart,
};

/// Which call an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// One request. Each is made once: repeating it is the protocol's decision.
#[cfg_attr(
    feature = "simulation",
    allow(missing_docs, reason = "public for a simulation only; the names are the S3 API's")
)]
#[derive(Debug, Clone)]
pub enum Call {
    Put {
        key: String,
        body: Bytes,
        crc64nvme: u64,
        metadata: Metadata,
        create_only: bool,
    },
    CreateUpload {
        key: String,
        metadata: Metadata,
    },
    UploadPart {
        key: String,
        upload_id: String,
        number: u32,
        body: Bytes,
        crc64nvme: u64,
    },
    Complete {
        key: String,
        upload_id: String,
        parts: Vec<Part>,
        len_bytes: u64,
        crc64nvme: u64,
        create_only: bool,
    },
    Abort {
        key: String,
        upload_id: String,
    },
    ListParts {
        key: String,
        upload_id: String,
    },
    ListUploads {
        prefix: String,
        after: Option<UploadMarker>,
    },
    Head {
        key: String,
    },
}

/// What came of a call.
#[cfg_attr(
    feature = "simulation",
    allow(missing_docs, reason = "public for a simulation only; the names are the S3 API's")
)]
#[derive(Debug)]
pub enum Answer {
    Put(Result<(), BucketError>),
    CreateUpload(Result<String, BucketError>),
    UploadPart(Result<String, BucketError>),
    Complete(Result<(), BucketError>),
    Abort(Result<(), BucketError>),
    ListParts(Result<Vec<Part>, BucketError>),
    ListUploads(Result<UploadPage, BucketError>),
    Head(Result<Option<Head>, BucketError>),
}

impl Answer {
    /// The error, if it is one.
    pub fn error(&self) -> Option<&BucketError> {
        match self {
            Self::Put(answer) | Self::Complete(answer) | Self::Abort(answer) => answer.as_ref().err(),
            Self::CreateUpload(answer) | Self::UploadPart(answer) => answer.as_ref().err(),
            Self::ListParts(answer) => answer.as_ref().err(),
            Self::ListUploads(answer) => answer.as_ref().err(),
            Self::Head(answer) => answer.as_ref().err(),
        }
    }
}

impl Call {
    /// What to take for the answer when none will come.
    pub fn without_answer(&self) -> Answer {
        let error = || BucketError::new(BucketErrorKind::NoAnswer, "Interrupted", "the request was cut off");
        match self {
            Self::Put { .. } => Answer::Put(Err(error())),
            Self::CreateUpload { .. } => Answer::CreateUpload(Err(error())),
            Self::UploadPart { .. } => Answer::UploadPart(Err(error())),
            Self::Complete { .. } => Answer::Complete(Err(error())),
            Self::Abort { .. } => Answer::Abort(Err(error())),
            Self::ListParts { .. } => Answer::ListParts(Err(error())),
            Self::ListUploads { .. } => Answer::ListUploads(Err(error())),
            Self::Head { .. } => Answer::Head(Err(error())),
        }
    }

    /// Makes the request.
    pub async fn perform(&self, bucket: &dyn Bucket) -> Answer {
        match self {
            Self::Put { key, body, crc64nvme, metadata, create_only } => {
                let (body, crc64nvme, create_only) = (body.clone(), *crc64nvme, *create_only);
                Answer::Put(bucket.put(Put { key, body, crc64nvme, metadata, create_only }).await)
            }
            Self::CreateUpload { key, metadata } => {
                Answer::CreateUpload(bucket.create_upload(key, metadata).await)
            }
            Self::UploadPart { key, upload_id, number, body, crc64nvme } => {
                let (number, body, crc64nvme) = (*number, body.clone(), *crc64nvme);
                Answer::UploadPart(
                    bucket.upload_part(UploadPart { key, upload_id, number, body, crc64nvme }).await,
                )
            }
            Self::Complete { key, upload_id, parts, len_bytes, crc64nvme, create_only } => {
                let (len_bytes, crc64nvme, create_only) = (*len_bytes, Some(*crc64nvme), *create_only);
                let complete = Complete { key, upload_id, parts, len_bytes, crc64nvme, create_only };
                Answer::Complete(bucket.complete_upload(complete).await)
            }
            Self::Abort { key, upload_id } => Answer::Abort(bucket.abort_upload(key, upload_id).await),
            Self::ListParts { key, upload_id } => Answer::ListParts(bucket.list_parts(key, upload_id).await),
            Self::ListUploads { prefix, after } => {
                Answer::ListUploads(bucket.list_uploads(prefix, after.as_ref()).await)
            }
            Self::Head { key } => Answer::Head(bucket.head(key).await),
        }
    }
}
