use super::*;

fn source() -> Box<dyn std::error::Error + Send + Sync> {
    "words of the crate".into()
}

fn generic() -> Error {
    Error::Generic { store: "test", source: source() }
}

fn answered(status: u16, code: &str) -> Seen {
    Seen::Answered { status, code: code.to_owned(), message: "words of the store".to_owned() }
}

fn kind(dialect: Dialect, about: About, error: &Error, seen: &Seen) -> Kind {
    bucket_error(dialect, true, about, error, seen).kind()
}

#[test]
fn each_error_of_the_crate_is_what_the_protocol_knows() {
    let path = || "a/key".to_owned();
    let table = [
        (Error::NotFound { path: path(), source: source() }, About::Object, Kind::NotFound),
        (Error::NotFound { path: path(), source: source() }, About::Upload, Kind::NoSuchUpload),
        (Error::AlreadyExists { path: path(), source: source() }, About::Object, Kind::PreconditionFailed),
        (Error::Precondition { path: path(), source: source() }, About::Object, Kind::PreconditionFailed),
        (Error::PermissionDenied { path: path(), source: source() }, About::Object, Kind::Forbidden),
        (Error::Unauthenticated { path: path(), source: source() }, About::Object, Kind::Forbidden),
        (Error::NotSupported { source: source() }, About::Object, Kind::Unsupported),
        (generic(), About::Object, Kind::Other),
    ];
    for (error, about, wanted) in table {
        let found = bucket_error(Dialect::Other, false, about, &error, &Seen::Nothing);
        assert_eq!(found.kind(), wanted, "{error}");
        assert!(found.to_string().contains("words of the crate"), "{found}");
    }
}

#[test]
fn what_the_crate_leaves_open_is_decided_by_what_was_seen_of_the_request() {
    use Dialect::{Azure, Gcs};
    let object = [
        (Gcs, answered(400, "InvalidPart"), Kind::InvalidPart),
        (Azure, answered(400, "InvalidBlockList"), Kind::InvalidPart),
        (Azure, answered(400, "InvalidHeaderValue"), Kind::Other),
        (Gcs, answered(400, "invalid_grant"), Kind::Forbidden),
        (Gcs, answered(401, ""), Kind::Forbidden),
        (Azure, answered(403, "AuthorizationFailure"), Kind::Forbidden),
        (Azure, answered(403, "UnauthorizedBlobOverwrite"), Kind::PreconditionFailed),
        (Gcs, answered(404, "NoSuchBucket"), Kind::NoSuchBucket),
        (Azure, answered(404, "ContainerNotFound"), Kind::NoSuchBucket),
        (Azure, answered(408, ""), Kind::NoAnswer),
        (Azure, answered(409, "BlobAlreadyExists"), Kind::PreconditionFailed),
        (Azure, answered(409, "LeaseIdMissing"), Kind::Conflict),
        (Gcs, answered(409, ""), Kind::Conflict),
        (Gcs, answered(412, "PreconditionFailed"), Kind::PreconditionFailed),
        (Gcs, answered(429, "SlowDown"), Kind::Throttled),
        (Gcs, answered(500, "InternalError"), Kind::Unavailable),
        (Gcs, answered(501, "NotImplemented"), Kind::Unsupported),
        (Azure, answered(503, "ServerBusy"), Kind::Throttled),
        (Gcs, answered(503, "ServiceUnavailable"), Kind::Unavailable),
        (Gcs, answered(200, ""), Kind::NoAnswer),
        (Gcs, Seen::NotSent { why: "refused".to_owned() }, Kind::NotSent),
        (Gcs, Seen::Lost { why: "reset".to_owned() }, Kind::NoAnswer),
        (Gcs, Seen::Nothing, Kind::NotSent),
    ];
    for (dialect, seen, wanted) in object {
        assert_eq!(kind(dialect, About::Object, &generic(), &seen), wanted, "{seen:?}");
    }
    assert_eq!(kind(Gcs, About::Upload, &generic(), &answered(404, "NoSuchUpload")), Kind::NoSuchUpload);
    // The crate calls every 409 a key that is taken; Azure has more of them.
    let taken = Error::AlreadyExists { path: "a/key".to_owned(), source: source() };
    assert_eq!(kind(Azure, About::Object, &taken, &answered(409, "LeaseIdMissing")), Kind::Conflict);
    assert_eq!(
        kind(Azure, About::Object, &taken, &answered(409, "BlobAlreadyExists")),
        Kind::PreconditionFailed
    );
    assert_eq!(
        kind(Gcs, About::Object, &taken, &answered(412, "PreconditionFailed")),
        Kind::PreconditionFailed
    );
}

#[test]
fn what_to_do_is_said_in_the_words_of_that_store() {
    let denied = Error::PermissionDenied { path: "a/key".to_owned(), source: source() };
    let words =
        |dialect, code| bucket_error(dialect, true, About::Object, &denied, &answered(403, code)).to_string();
    let gcs = words(Dialect::Gcs, "AccessDenied");
    assert!(gcs.contains("storage.objects.create") && gcs.contains("gcs:AccessDenied"), "{gcs}");
    let azure = words(Dialect::Azure, "AuthorizationFailure");
    assert!(azure.contains("Storage Blob Data Contributor"), "{azure}");
    assert!(!gcs.contains("s3:PutObject") && !azure.contains("s3:PutObject"), "{gcs} {azure}");
}
