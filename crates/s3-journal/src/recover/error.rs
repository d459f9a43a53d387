//! Why a recovery stopped.

use std::io;

use thiserror::Error;

use crate::bucket::{BucketError, BucketErrorKind};
use crate::read::ReadErrorKind;

/// Why a recovery stopped. What was done until then stands; running it again goes on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// The store didn't do what it was asked.
    #[error("{doing} failed{}: {}", needed(permission, source), source.words())]
    Store {
        /// What was being done, safe for a terminal.
        doing: String,
        /// The permission that it needs, such as `s3:ListBucketMultipartUploads`.
        permission: &'static str,
        /// Its answer.
        source: BucketError,
    },
    /// Decoding or compressing failed, in practice for want of memory.
    #[error("{doing} failed")]
    Stream {
        /// What was being done, safe for a terminal.
        doing: String,
        /// What the library said.
        source: io::Error,
    },
    /// What the bucket shows changed at each look.
    #[error("{key} doesn't come to rest: somebody else works on it; run it again when that is over")]
    Restless {
        /// The object, safe for a terminal.
        key: String,
    },
}

impl RecoverError {
    /// What kind it is.
    pub fn kind(&self) -> ReadErrorKind {
        match self {
            Self::Store { source, .. } if source.kind() == BucketErrorKind::Forbidden => {
                ReadErrorKind::Forbidden
            }
            Self::Store { .. } | Self::Restless { .. } => ReadErrorKind::Unreachable,
            Self::Stream { .. } => ReadErrorKind::Output,
        }
    }
}

fn needed(permission: &str, source: &BucketError) -> String {
    match source.kind() {
        BucketErrorKind::Forbidden => format!("; it needs {permission}"),
        BucketErrorKind::Unsupported => format!("; the store can't do it ({permission})"),
        _ => String::new(),
    }
}
