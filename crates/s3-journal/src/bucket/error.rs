//! What a store can answer instead of doing what it was asked. Knows nothing of a particular store.

use std::error::Error;
use std::fmt;

/// Kinds of answers that the upload protocol tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BucketErrorKind {
    /// No object at the key.
    NotFound,
    /// The upload doesn't exist, or was aborted or completed.
    NoSuchUpload,
    /// The bucket doesn't exist.
    NoSuchBucket,
    /// Something is at the key already.
    PreconditionFailed,
    /// A conflicting request is under way (S3's 409): the upload must be begun anew.
    Conflict,
    /// The credentials don't permit it, are missing, expired or wrong, or the clock is skewed.
    Forbidden,
    /// The list of parts doesn't fit what the store has.
    InvalidPart,
    /// The bytes that arrived aren't the ones that were sent.
    BadDigest,
    /// The store can't do this (S3's 501).
    Unsupported,
    /// Slow down (S3's 503 SlowDown, 429).
    Throttled,
    /// The store failed (other 5xx); it may have done it all the same.
    Unavailable,
    /// No answer: a broken connection or a time-out; it may have been done.
    NoAnswer,
    /// The request couldn't be sent at all: no connection, no credentials, no region; nothing was done.
    NotSent,
    /// Anything else.
    Other,
}

/// Why a store didn't do what it was asked.
#[derive(Debug)]
pub struct BucketError {
    kind: BucketErrorKind,
    code: String,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl BucketError {
    /// An answer of a kind, with the store's own code (such as `NoSuchKey`) and words.
    pub fn new(kind: BucketErrorKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, code: code.into(), message: message.into(), source: None }
    }

    /// The same, with what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same, with more words behind the store's own.
    #[cfg(feature = "s3")]
    #[must_use]
    pub(crate) fn with_more(mut self, words: &str) -> Self {
        if !self.message.is_empty() {
            self.message.push_str("; ");
        }
        self.message.push_str(words);
        self
    }

    /// What kind of answer it is.
    pub fn kind(&self) -> BucketErrorKind {
        self.kind
    }

    /// The store's own code, or a word of ours where there was no answer.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether it is certain that the call changed nothing in the store.
    pub fn has_no_side_effects(&self) -> bool {
        use BucketErrorKind as Kind;
        !matches!(self.kind, Kind::Unavailable | Kind::NoAnswer | Kind::Conflict | Kind::Other)
    }

    /// What somebody who operates the program can do about it; empty when only waiting helps.
    pub fn remedy(&self) -> &'static str {
        use BucketErrorKind as Kind;
        match (self.kind, self.code.as_str()) {
            (Kind::NoSuchBucket, _) => "create the bucket, or correct its name",
            (_, "RequestTimeTooSkewed") => "set this machine's clock",
            (_, "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired") => "renew the credentials",
            (_, "SignatureDoesNotMatch" | "InvalidAccessKeyId") => "check access key and secret key",
            // A denied key is an ordinary AccessDenied whose message names the action.
            (kind, code)
                if code.starts_with("KMS.") || (kind == Kind::Forbidden && self.message.contains("kms:")) =>
            {
                "enable the KMS key, and grant kms:GenerateDataKey and kms:Decrypt on it"
            }
            (_, "PermanentRedirect" | "AuthorizationHeaderMalformed") => {
                "set the bucket's own region and endpoint"
            }
            (_, "PermissionDenied") => "let this user write to the directory",
            (_, "ReadOnlyFilesystem") => "mount the file system for writing",
            (_, "StorageFull") => "make room on the file system",
            (Kind::Forbidden, code) if code.starts_with("gcs:") => {
                "grant storage.objects.create and storage.objects.get on the bucket (roles/storage.objectUser has both), or \
                 check the credentials"
            }
            (Kind::Forbidden, code) if code.starts_with("azure:") => {
                "grant the role Storage Blob Data Contributor on the container, or check key, token and this machine's clock"
            }
            (Kind::Forbidden, _) => {
                "grant s3:PutObject and s3:AbortMultipartUpload on the bucket, or check the credentials"
            }
            (Kind::NotSent, _) => "check endpoint, region, credentials and network",
            _ => "",
        }
    }
}

impl BucketError {
    /// What happened, without [`BucketError::remedy`].
    pub fn words(&self) -> String {
        let what = match self.kind {
            BucketErrorKind::NotFound => "no such object",
            BucketErrorKind::NoSuchUpload => "no such upload",
            BucketErrorKind::NoSuchBucket => "no such bucket",
            BucketErrorKind::PreconditionFailed => "the key is taken",
            BucketErrorKind::Conflict => "a conflicting request is under way",
            BucketErrorKind::Forbidden => "permission denied",
            BucketErrorKind::InvalidPart => "the store has other parts",
            BucketErrorKind::BadDigest => "the bytes were damaged on their way",
            BucketErrorKind::Unsupported => "the store can't do this",
            BucketErrorKind::Throttled => "the store asks to slow down",
            BucketErrorKind::Unavailable => "the store failed",
            BucketErrorKind::NoAnswer => "no answer from the store",
            BucketErrorKind::NotSent => "the store can't be reached",
            BucketErrorKind::Other => "the store refused",
        };
        let code = if self.code.is_empty() { String::new() } else { format!(" ({})", self.code) };
        let message = if self.message.is_empty() { String::new() } else { format!(": {}", self.message) };
        format!("{what}{code}{message}")
    }
}

impl fmt::Display for BucketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words())?;
        let remedy = self.remedy();
        if !remedy.is_empty() {
            write!(f, "; {remedy}")?;
        }
        Ok(())
    }
}

impl Error for BucketError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
