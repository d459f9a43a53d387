//! What the errors of `object_store`, and what was seen of the request, mean to the upload protocol. Knows the codes of the
//! stores; makes no calls.

use object_store::Error;

use super::Dialect;
use super::wire::Seen;
use crate::bucket::{BucketError, BucketErrorKind as Kind};

/// What a call is about, where "not found" has two meanings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    Object,
    Upload,
}

/// The bucket's answer for an error. Of a store without a wire (`is_wired`: one in memory) nothing is seen.
pub(super) fn bucket_error(
    dialect: Dialect,
    is_wired: bool,
    about: About,
    error: &Error,
    seen: &Seen,
) -> BucketError {
    let (status, code, message) = match seen {
        Seen::Answered { status, code, message } => (Some(*status), code.as_str(), message.as_str()),
        Seen::NotSent { why } => return answer(dialect, Kind::NotSent, "NotSent", why),
        Seen::Lost { why } => return answer(dialect, Kind::NoAnswer, "NoAnswer", why),
        Seen::Nothing if is_wired && matches!(error, Error::Generic { .. }) => {
            // No request went out at all: what is lacking is lacking here.
            return answer(dialect, Kind::NotSent, "NotReady", &error.to_string());
        }
        Seen::Nothing => (None, "", ""),
    };
    let kind = match error {
        Error::NotFound { .. } => absent(about, code),
        Error::AlreadyExists { .. } => taken(dialect, status, code),
        Error::Precondition { .. } => Kind::PreconditionFailed,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => refused(code),
        Error::NotSupported { .. } | Error::NotImplemented { .. } => Kind::Unsupported,
        Error::Generic { .. } => of_status(dialect, about, status, code),
        _ => Kind::Other,
    };
    let words = if status.is_none() { error.to_string() } else { message.to_owned() };
    let numbered = status.map(|status| format!("HTTP{status}")).unwrap_or_default();
    answer(dialect, kind, if code.is_empty() { &numbered } else { code }, &words)
}

/// An answer with the dialect before the store's own code, so that its remedy is that store's.
pub(super) fn answer(dialect: Dialect, kind: Kind, code: &str, message: &str) -> BucketError {
    BucketError::new(kind, format!("{}{code}", dialect.code_prefix()), message)
}

fn absent(about: About, code: &str) -> Kind {
    match (code, about) {
        ("NoSuchBucket" | "ContainerNotFound" | "ContainerBeingDeleted", _) => Kind::NoSuchBucket,
        (_, About::Upload) => Kind::NoSuchUpload,
        (_, About::Object) => Kind::NotFound,
    }
}

/// Azure answers a taken key with 409, and other conflicts too; Google with 412.
fn taken(dialect: Dialect, status: Option<u16>, code: &str) -> Kind {
    match (dialect, status) {
        (Dialect::Azure, Some(409)) if code == "BlobAlreadyExists" => Kind::PreconditionFailed,
        (Dialect::Azure, Some(409)) if code == "ContainerBeingDeleted" => Kind::NoSuchBucket,
        (_, Some(409)) => Kind::Conflict,
        _ => Kind::PreconditionFailed,
    }
}

fn refused(code: &str) -> Kind {
    // Where a token permits creating and nothing else, this is how a taken key is told.
    if code == "UnauthorizedBlobOverwrite" { Kind::PreconditionFailed } else { Kind::Forbidden }
}

fn of_status(dialect: Dialect, about: About, status: Option<u16>, code: &str) -> Kind {
    match status {
        Some(400) if matches!(code, "InvalidBlockList" | "InvalidPart" | "InvalidPartOrder") => {
            Kind::InvalidPart
        }
        // Answers of those who give out tokens.
        Some(400) if code.starts_with("invalid_") || code.starts_with("unauthorized_") => Kind::Forbidden,
        Some(401 | 403) => refused(code),
        Some(404) => absent(about, code),
        Some(409) => taken(dialect, status, code),
        Some(412) => Kind::PreconditionFailed,
        Some(429) => Kind::Throttled,
        Some(501) => Kind::Unsupported,
        Some(503) if matches!(code, "ServerBusy" | "SlowDown") => Kind::Throttled,
        Some(500..) => Kind::Unavailable,
        // A success that can't be read was done, as far as anybody knows; a request that came too slowly may have been.
        Some(200..300 | 408) => Kind::NoAnswer,
        _ => Kind::Other,
    }
}

#[cfg(test)]
#[path = "errors_tests.rs"]
mod tests;
