//! Between the trait's words and S3's: errors, checksums, times. Knows both, sends nothing.

use std::error::Error;
use std::time::SystemTime;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::Object;
use aws_smithy_types::base64;
use md5::{Digest as _, Md5};

use crate::bucket::{BucketError, BucketErrorKind, ObjectEntry};

/// The longest message taken over from a server, in characters.
const MESSAGE_CHARS_MAX: usize = 500;

/// How the errors of the HTTP client (`hyper-util`) begin; its type can't be reached from here.
const CLIENT_FAILED: &str = "client error (";

/// How it names a failure before a connection was there.
const NEVER_CONNECTED: &str = "client error (Connect)";

/// What a call was about, as far as the meaning of an error depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// An object, or none in particular.
    Object,
    /// An upload in parts: a bare 404 is the upload's.
    Upload,
    /// HEAD, whose errors have no body and so no code.
    Head,
}

/// A checksum as S3 writes it: base64 of the big-endian bytes
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>).
pub(super) fn checksum_text(crc64nvme: u64) -> String {
    base64::encode(crc64nvme.to_be_bytes())
}

/// CRC-32C of a body, in the same form.
pub(super) fn crc32c_text(body: &[u8]) -> String {
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, body);
    // The result is in the lower half.
    base64::encode(&crc.to_be_bytes()[4..])
}

/// `Content-MD5` of a body.
pub(super) fn md5_text(body: &[u8]) -> String {
    base64::encode(Md5::digest(body))
}

/// The checksum, if that is what the text is.
pub(super) fn checksum(text: Option<&str>) -> Option<u64> {
    let bytes = base64::decode(text?).ok()?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// A time that a store told.
pub(super) fn time(time: Option<&DateTime>) -> Option<SystemTime> {
    time.and_then(|time| SystemTime::try_from(*time).ok())
}

/// A length that a store told.
pub(super) fn length(length: Option<i64>) -> Option<u64> {
    length.and_then(|length| u64::try_from(length).ok())
}

/// An object of a list, if it has what one needs.
pub(super) fn entry(object: &Object) -> Option<ObjectEntry> {
    let (key, len_bytes) = (object.key()?.to_owned(), length(object.size())?);
    Some(ObjectEntry { key, len_bytes, modified: time(object.last_modified()) })
}

/// An answer that isn't one.
pub(super) fn malformed(message: impl Into<String>) -> BucketError {
    BucketError::new(BucketErrorKind::NoAnswer, "MalformedAnswer", message)
}

/// What the client says went wrong, in the trait's words.
///
/// The client's own error isn't kept as the source: a refused signature is answered with the request as the server saw it,
/// session token included.
pub(super) fn error<E>(error: &SdkError<E, HttpResponse>, about: About) -> BucketError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            let (status, metadata) = (answer.raw().status().as_u16(), answer.err().meta());
            let code = metadata.code().unwrap_or_default();
            if answer.raw().status().is_success() && code.is_empty() {
                return malformed(format!("HTTP status {status} with a body that isn't S3's"));
            }
            let mut words = clean(metadata.message().unwrap_or_default());
            add(&mut words, "HTTP status ", Some(&status.to_string()));
            add(&mut words, "the bucket is in ", answer.raw().headers().get("x-amz-bucket-region"));
            add(&mut words, "request id ", error.request_id());
            BucketError::new(kind(status, code, about), clean(code), words)
        }
        SdkError::ResponseError(answer) if !answer.raw().status().is_success() => {
            // Not S3's answer but, say, a proxy's: only its status can be read.
            let status = answer.raw().status().as_u16();
            let words = format!("HTTP status {status} with a body that isn't S3's");
            BucketError::new(kind(status, "", about), "", words)
        }
        SdkError::ResponseError(_) => {
            BucketError::new(BucketErrorKind::NoAnswer, "MalformedAnswer", chain(error))
        }
        SdkError::TimeoutError(_) => BucketError::new(BucketErrorKind::NoAnswer, "Timeout", chain(error)),
        SdkError::DispatchFailure(failure) => {
            let words = chain(error);
            let was_sending = words.contains(CLIENT_FAILED) || failure.is_io() || failure.is_timeout();
            if words.contains(NEVER_CONNECTED) {
                BucketError::new(BucketErrorKind::NotSent, "NotConnected", words)
            } else if was_sending || failure.is_user() || failure.as_other().is_some() {
                BucketError::new(BucketErrorKind::NoAnswer, "ConnectionBroken", words)
            } else {
                // Something before the HTTP client: no credentials, no such endpoint, nothing to sign with.
                BucketError::new(BucketErrorKind::NotSent, "NotReady", words)
            }
        }
        _ => BucketError::new(BucketErrorKind::NotSent, "InvalidRequest", chain(error)),
    }
}

/// What an HTTP status and one of S3's codes mean
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>).
pub(super) fn kind(status: u16, code: &str, about: About) -> BucketErrorKind {
    use BucketErrorKind as Kind;
    match code {
        "NoSuchUpload" => return Kind::NoSuchUpload,
        "NoSuchBucket" => return Kind::NoSuchBucket,
        "NoSuchKey" | "NotFound" if about != About::Upload => return Kind::NotFound,
        "PreconditionFailed" => return Kind::PreconditionFailed,
        "ConditionalRequestConflict" | "OperationAborted" => return Kind::Conflict,
        "InvalidPart" | "InvalidPartOrder" => return Kind::InvalidPart,
        "BadDigest"
        | "InvalidDigest"
        | "XAmzContentChecksumMismatch"
        | "XAmzContentSHA256Mismatch"
        | "IncompleteBody" => {
            return Kind::BadDigest;
        }
        "AccessDenied"
        | "AllAccessDisabled"
        | "AccountProblem"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidToken"
        | "TokenRefreshRequired"
        | "RequestTimeTooSkewed"
        | "RequestExpired"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "NotSignedUp"
        | "UnauthorizedAccess" => return Kind::Forbidden,
        _ if code.starts_with("KMS.") => return Kind::Forbidden,
        "AuthorizationHeaderMalformed"
        | "PermanentRedirect"
        | "TemporaryRedirect"
        | "Redirect"
        | "IllegalLocationConstraintException" => return Kind::NotSent,
        "NotImplemented" => return Kind::Unsupported,
        // An error inside a 200: the work was begun, so nothing is certain.
        _ if (200..300).contains(&status) => return Kind::Unavailable,
        "SlowDown"
        | "SlowDownRead"
        | "SlowDownWrite"
        | "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "TooManyRequests" => return Kind::Throttled,
        "InternalError" | "ServiceUnavailable" | "RequestTimeout" => return Kind::Unavailable,
        _ => {}
    }
    match status {
        301 | 302 | 307 | 308 => Kind::NotSent,
        401 | 403 => Kind::Forbidden,
        // Expired tokens and skewed clocks are 400, and HEAD can't say which: the next request that has a body will.
        400 if about == About::Head => Kind::Forbidden,
        404 if about == About::Upload => Kind::NoSuchUpload,
        404 => Kind::NotFound,
        409 => Kind::Conflict,
        412 => Kind::PreconditionFailed,
        429 => Kind::Throttled,
        501 => Kind::Unsupported,
        // A bare 503 may be a gateway's that lost its store half-way: not the promise that SlowDown is.
        408 | 500..=599 => Kind::Unavailable,
        _ => Kind::Other,
    }
}

/// Whether an answer means that other keys are needed. HEAD can't say so: the next write does.
pub(super) fn are_keys_refused(error: &BucketError) -> bool {
    matches!(
        error.code(),
        "ExpiredToken"
            | "ExpiredTokenException"
            | "TokenRefreshRequired"
            | "InvalidToken"
            | "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
    )
}

/// An error and its causes in one line, each said once.
fn chain(error: &dyn Error) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut cause = Some(error);
    while let Some(current) = cause {
        let said = current.to_string();
        if !words.iter().any(|before| before.contains(&said)) {
            words.push(said);
        }
        cause = current.source();
    }
    clean(&words.join(": "))
}

/// Words of others: of one line and bounded.
fn clean(words: &str) -> String {
    words
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(MESSAGE_CHARS_MAX)
        .collect()
}

fn add(words: &mut String, label: &str, value: Option<&str>) {
    if let Some(value) = value {
        if !words.is_empty() {
            words.push_str(", ");
        }
        words.push_str(label);
        words.push_str(&clean(value));
    }
}
