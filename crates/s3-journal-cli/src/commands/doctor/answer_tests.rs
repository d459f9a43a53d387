use super::*;

use BucketErrorKind as Kind;
use Outcome::{Failed, Missing, Ok as Good, Unknown};
use Question as Q;

fn refusal(kind: BucketErrorKind, code: &str) -> Answer {
    Answer::from(&BucketError::new(kind, code, "no"))
}

fn done() -> Answer {
    Answer::Done("so it is".to_owned())
}

#[test]
fn each_answer_has_its_outcome_its_status_and_words_on_what_follows() {
    let table: &[(Q, Answer, Outcome, Option<Exit>, &str)] = &[
        (Q::Put, done(), Good, None, "so it is"),
        (Q::Put, refusal(Kind::Forbidden, "AccessDenied"), Missing, Some(Exit::Denied), "s3:PutObject"),
        (Q::CreateUpload, refusal(Kind::Forbidden, ""), Missing, Some(Exit::Denied), "s3:PutObject"),
        (Q::UploadPart, refusal(Kind::Unavailable, ""), Failed, Some(Exit::Unreachable), "parts"),
        (Q::UploadPart, refusal(Kind::Unsupported, ""), Missing, Some(Exit::Unexpected), "can't do this"),
        (
            Q::AbortUpload,
            refusal(Kind::Forbidden, ""),
            Missing,
            Some(Exit::Denied),
            "s3:AbortMultipartUpload",
        ),
        (Q::Reach, refusal(Kind::NotSent, "NotConnected"), Failed, Some(Exit::Unreachable), "endpoint"),
        (Q::Reach, refusal(Kind::NoSuchBucket, ""), Failed, Some(Exit::Unreachable), "create the bucket"),
        (Q::Credentials, refusal(Kind::Forbidden, "ExpiredToken"), Failed, Some(Exit::Denied), "renew"),
        (
            Q::Credentials,
            refusal(Kind::Forbidden, "RequestTimeTooSkewed"),
            Failed,
            Some(Exit::Denied),
            "clock",
        ),
        (Q::Clock, Answer::Wrong("off".to_owned()), Failed, None, "set this machine's clock"),
        (Q::CreateOnlyPut, done(), Missing, None, "ignores If-None-Match"),
        (Q::CreateOnlyPut, refusal(Kind::PreconditionFailed, ""), Good, None, "nothing is overwritten"),
        (Q::CreateOnlyPut, refusal(Kind::Unsupported, ""), Missing, None, "refuses conditional writes"),
        (Q::CreateOnlyPut, refusal(Kind::Forbidden, ""), Missing, Some(Exit::Denied), "s3:PutObject"),
        (Q::CreateOnlyComplete, done(), Missing, None, "ignores If-None-Match"),
        (Q::CreateOnlyComplete, refusal(Kind::PreconditionFailed, ""), Good, None, "as it must be"),
        (
            Q::CreateOnlyComplete,
            refusal(Kind::InvalidPart, ""),
            Failed,
            Some(Exit::Unexpected),
            "other parts",
        ),
        (Q::WrongChecksum, done(), Missing, None, "doesn't check"),
        (Q::WrongChecksum, refusal(Kind::BadDigest, "BadDigest"), Good, None, "BadDigest"),
        (Q::WrongChecksum, refusal(Kind::Other, "InvalidRequest"), Good, None, "InvalidRequest"),
        (Q::WrongChecksum, refusal(Kind::Unavailable, ""), Failed, None, "verify"),
        (Q::Head, refusal(Kind::Forbidden, ""), Missing, None, "s3:GetObject"),
        (Q::HeadAbsent, refusal(Kind::Forbidden, ""), Missing, None, "s3:ListBucket"),
        (Q::HeadChecksum, Answer::Wrong("none".to_owned()), Missing, None, "length and metadata"),
        (Q::HeadMetadata, Answer::Wrong("none".to_owned()), Failed, None, "x-amz-meta-"),
        (Q::Get, refusal(Kind::Forbidden, ""), Missing, None, "optional: without it `cat`"),
        (Q::List, refusal(Kind::Forbidden, ""), Missing, None, "s3:ListBucket"),
        (Q::ListParts, refusal(Kind::Forbidden, ""), Missing, None, "s3:ListMultipartUploadParts"),
        (Q::ListUploads, refusal(Kind::Unsupported, ""), Missing, None, "aren't swept"),
        (Q::Delete, refusal(Kind::Forbidden, ""), Missing, None, "s3:DeleteObject"),
        (Q::Put, Answer::NotAsked("not tried"), Unknown, None, "not tried"),
    ];
    for (question, answer, outcome, exit, words) in table {
        let check = judge(*question, answer);
        assert_eq!((check.outcome, check.exit), (*outcome, *exit), "{check:?}");
        let told = format!("{}; {}", check.detail, check.remedy);
        assert!(told.contains(words), "{question:?} should tell {words}: {told}");
        assert_eq!(check.name, question.name());
        assert!(check.exit.is_none() || check.needed_for == [Need::Write], "{check:?}");
    }
}

#[test]
fn only_what_every_write_asks_for_keeps_one_from_running() {
    for question in Q::ALL {
        let check = judge(question, &refusal(Kind::Forbidden, "AccessDenied"));
        assert_eq!(check.exit.is_some(), question.is_of_writing(), "{check:?}");
        assert!(check.exit.is_some() || !check.needed_for.contains(&Need::Write), "{check:?}");
    }
}

#[test]
fn where_a_directory_or_a_key_service_refuses_no_permission_of_s3_is_named() {
    for (code, remedy) in
        [("PermissionDenied", "directory"), ("ReadOnlyFilesystem", "mount"), ("KMS.Disabled", "kms:")]
    {
        let check = judge(Q::Put, &refusal(Kind::Forbidden, code));
        assert_eq!((check.outcome, check.exit), (Missing, Some(Exit::Denied)));
        assert!(check.remedy.contains(remedy) && !check.remedy.contains("s3:PutObject"), "{check:?}");
    }
}

#[test]
fn every_name_is_there_once() {
    let names: std::collections::BTreeSet<&str> = Q::ALL.iter().map(|question| question.name()).collect();
    assert_eq!(names.len(), Q::ALL.len());
}
