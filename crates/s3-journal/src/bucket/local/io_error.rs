//! What the operating system says, as a bucket's answer. Knows only the error types.

use std::io;
use std::path::Path;

use crate::bucket::{BucketError, BucketErrorKind};

/// An answer for a file operation that failed: what was being done, and where.
pub(super) fn failed<'a>(what: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> BucketError + 'a {
    move |error| {
        let (kind, code) = match error.kind() {
            io::ErrorKind::PermissionDenied => (BucketErrorKind::Forbidden, "PermissionDenied"),
            io::ErrorKind::ReadOnlyFilesystem => (BucketErrorKind::Forbidden, "ReadOnlyFilesystem"),
            io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory | io::ErrorKind::AlreadyExists => {
                (BucketErrorKind::Other, "InTheWay")
            }
            io::ErrorKind::InvalidFilename => (BucketErrorKind::Other, "InvalidFilename"),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                (BucketErrorKind::Unavailable, "StorageFull")
            }
            _ => (BucketErrorKind::Unavailable, "InputOutput"),
        };
        BucketError::new(kind, code, format!("{what} {}: {error}", path.display())).with_source(error)
    }
}

/// Whether the error says that nothing is at the path.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// A removal that is content when there is nothing to remove.
pub(super) fn ignore_absent(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if is_absent(&error) { Ok(()) } else { Err(error) })
}
