//! Why reading stopped, told apart as far as a program's exit status needs it.

use std::io;

use thiserror::Error;

use super::findings::Finding;
use super::report::CatSummary;
use crate::bucket::{BucketError, BucketErrorKind};

/// Why reading stopped.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The stream is not whole: a gap, a fork or damage. Nothing past it was written.
    #[error("{finding}; {} entries before it were written", written.entries)]
    NotWhole {
        /// What is wrong.
        finding: Box<Finding>,
        /// What was written before.
        written: Box<CatSummary>,
    },
    /// The store didn't do what it was asked, after retries.
    #[error("{doing} failed{}", remedy(source))]
    Store {
        /// What was being done, safe for a terminal.
        doing: String,
        /// Its answer.
        source: BucketError,
    },
    /// What was read couldn't be written.
    #[error("writing the entries failed")]
    Output(#[source] io::Error),
    /// Entries of several journals can't be one stream.
    #[error("there are journals of {} ids here; choose one: {}", ids.len(), some_of(ids))]
    SeveralIds {
        /// Their ids.
        ids: Vec<String>,
    },
    /// A custom compressor whose inverse isn't known.
    #[error(
        "object {key} was compressed by {compressor:?}, which this program can't undo; give a decompressor of that name"
    )]
    NoInverse {
        /// The compressor's name.
        compressor: String,
        /// The first such object, safe for a terminal.
        key: String,
    },
    /// A range of entries was asked for that begins or ends inside an object whose entries have no delimiter.
    #[error("object {key} has no delimiter, so a range can't begin or end inside it; ask for whole objects")]
    NoDelimiter {
        /// The object, safe for a terminal.
        key: String,
    },
    /// An object is larger than what may be held in memory for a custom decompressor.
    #[error(
        "object {key} has {len_bytes} bytes, and a custom decompressor is given {max_bytes} at most; fetch it by hand"
    )]
    TooLargeToHold {
        /// The object, safe for a terminal.
        key: String,
        /// Its length in bytes.
        len_bytes: u64,
        /// The limit, [`super::CUSTOM_OBJECT_BYTES_MAX`].
        max_bytes: u64,
    },
    /// The listing is larger than what may be held in memory.
    #[error(
        "there are too many objects to list at once ({objects} so far); give an id, an incarnation or a longer prefix"
    )]
    TooManyObjects {
        /// How many were listed.
        objects: u64,
    },
    /// The store's pages come again and again.
    #[error("the store's listing doesn't get past {key}; the store doesn't list as S3 does")]
    ListingStuck {
        /// Where, safe for a terminal.
        key: String,
    },
}

/// What a caller tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// A gap, a fork or damage.
    NotWhole,
    /// The store can't be reached, or fails.
    Unreachable,
    /// The credentials don't permit it.
    Forbidden,
    /// Who was reading the output has gone.
    BrokenPipe,
    /// The output couldn't be written.
    Output,
    /// Another question must be asked.
    Usage,
}

impl ReadError {
    /// What kind it is.
    pub fn kind(&self) -> ReadErrorKind {
        match self {
            Self::NotWhole { .. } => ReadErrorKind::NotWhole,
            Self::Store { source, .. } if source.kind() == BucketErrorKind::Forbidden => {
                ReadErrorKind::Forbidden
            }
            Self::Store { .. } | Self::ListingStuck { .. } => ReadErrorKind::Unreachable,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => ReadErrorKind::BrokenPipe,
            Self::Output(_) => ReadErrorKind::Output,
            Self::SeveralIds { .. }
            | Self::NoInverse { .. }
            | Self::NoDelimiter { .. }
            | Self::TooLargeToHold { .. }
            | Self::TooManyObjects { .. } => ReadErrorKind::Usage,
        }
    }
}

fn remedy(source: &BucketError) -> &'static str {
    // The store's own error speaks of writing.
    if source.kind() == BucketErrorKind::Forbidden {
        "; reading needs s3:ListBucket and s3:GetObject"
    } else {
        ""
    }
}

fn some_of(ids: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown = ids.get(..SHOWN).unwrap_or(ids).join(", ");
    if ids.len() > SHOWN { format!("{shown}, ...") } else { shown }
}
