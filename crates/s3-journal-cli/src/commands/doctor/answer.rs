//! What a store's answer to a question means, and what to do about it. Knows the library's kinds of answers. Pure.

use s3_journal::bucket::{BucketError, BucketErrorKind};

use super::check::{Check, Need, Outcome};
use super::question::Question;
use crate::exit::Exit;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was done; in words, what was seen.
    Done(String),
    /// It was answered, and isn't as it should be.
    Wrong(String),
    /// It wasn't done.
    Refused(Refusal),
    /// Nobody was asked.
    NotAsked(&'static str),
}

/// Why it wasn't done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of answer.
    pub kind: BucketErrorKind,
    /// The store's own code.
    pub code: String,
    words: String,
    remedy: &'static str,
}

impl From<&BucketError> for Refusal {
    fn from(error: &BucketError) -> Self {
        let (code, words) = (error.code().to_owned(), error.words());
        Self { kind: error.kind(), code, words, remedy: error.remedy() }
    }
}

impl From<&BucketError> for Answer {
    fn from(error: &BucketError) -> Self {
        Self::Refused(error.into())
    }
}

impl Refusal {
    /// Whether the store as a whole can't be had: what else is asked would wait for the same.
    pub fn is_of_reach(&self) -> bool {
        use BucketErrorKind as Kind;
        matches!(
            self.kind,
            Kind::NotSent | Kind::NoAnswer | Kind::Unavailable | Kind::Throttled | Kind::NoSuchBucket
        )
    }

    /// Whether it is about who asks, or when, and not about what is asked.
    pub fn is_of_credentials(&self) -> bool {
        self.kind == BucketErrorKind::Forbidden
            && (self.is_of_clock()
                || matches!(
                    self.code.as_str(),
                    "ExpiredToken"
                        | "ExpiredTokenException"
                        | "InvalidToken"
                        | "TokenRefreshRequired"
                        | "InvalidAccessKeyId"
                        | "SignatureDoesNotMatch"
                        | "NotSignedUp"
                        | "AccountProblem"
                ))
    }

    /// Whether the store refuses our clock.
    pub fn is_of_clock(&self) -> bool {
        matches!(self.code.as_str(), "RequestTimeTooSkewed" | "RequestExpired")
    }

    fn exit(&self) -> Exit {
        match self.kind {
            BucketErrorKind::Forbidden => Exit::Denied,
            _ if self.is_of_reach() => Exit::Unreachable,
            _ => Exit::Unexpected,
        }
    }
}

/// What it means.
pub fn judge(question: Question, answer: &Answer) -> Check {
    use Question as Q;
    let (name, needed_for) = (question.name(), question.needed_for());
    let told = |outcome, detail: String, remedy: &str| Check::new(name, outcome, needed_for, detail, remedy);
    let means = |what: &str| format!("{what}: {}", question.without());
    match (question, answer) {
        (_, Answer::NotAsked(why)) => told(Outcome::Unknown, (*why).to_owned(), ""),
        (Q::CreateOnlyPut | Q::CreateOnlyComplete, Answer::Done(_)) => told(
            Outcome::Missing,
            means("the store ignores If-None-Match"),
            "let nobody but the journal write under this prefix",
        ),
        (Q::CreateOnlyPut | Q::CreateOnlyComplete, Answer::Refused(refusal))
            if refusal.kind == BucketErrorKind::PreconditionFailed =>
        {
            told(Outcome::Ok, "refused, as it must be: nothing is overwritten".to_owned(), "")
        }
        (Q::CreateOnlyPut | Q::CreateOnlyComplete, Answer::Refused(refusal))
            if refusal.kind == BucketErrorKind::Unsupported =>
        {
            told(
                Outcome::Missing,
                "the store refuses conditional writes: a `write` looks before each write instead".to_owned(),
                "grant s3:GetObject, and let nobody but the journal write under this prefix",
            )
        }
        (Q::WrongChecksum, Answer::Done(_)) => {
            told(Outcome::Missing, means("the store doesn't check CRC-64/NVME"), "")
        }
        (Q::WrongChecksum, Answer::Refused(refusal))
            if matches!(refusal.kind, BucketErrorKind::BadDigest | BucketErrorKind::Other) =>
        {
            told(Outcome::Ok, format!("refused, as it must be ({})", refusal.code), "")
        }
        (_, Answer::Done(words)) => told(Outcome::Ok, words.clone(), ""),
        (Q::HeadChecksum, Answer::Wrong(what)) => told(Outcome::Missing, means(what), ""),
        (Q::Clock, Answer::Wrong(what)) => told(Outcome::Failed, means(what), "set this machine's clock"),
        (Q::HeadMetadata, Answer::Wrong(what)) => {
            told(Outcome::Failed, means(what), "use a store that keeps user metadata (x-amz-meta-)")
        }
        (_, Answer::Wrong(what)) => told(Outcome::Failed, means(what), ""),
        (_, Answer::Refused(refusal)) => refused(question, refusal),
    }
}

fn refused(question: Question, refusal: &Refusal) -> Check {
    let is_permission =
        refusal.kind == BucketErrorKind::Forbidden && !refusal.is_of_credentials() && !refusal.is_of_clock();
    let outcome = match refusal.kind {
        BucketErrorKind::Unsupported => Outcome::Missing,
        _ if is_permission => Outcome::Missing,
        _ => Outcome::Failed,
    };
    let remedy = match question.permission() {
        // What a directory or a key service has to say of itself is nearer than a permission's name.
        Some(permission) if is_permission && !is_elsewhere(&refusal.code) => format!("grant {permission}"),
        _ => refusal.remedy.to_owned(),
    };
    let detail = format!("{}: {}", refusal.words, question.without());
    if !question.is_of_writing() {
        return Check::new(question.name(), outcome, question.needed_for(), detail, remedy);
    }
    Check::new(question.name(), outcome, &[Need::Write], detail, remedy).ends(refusal.exit())
}

/// Whether the refusal isn't one of S3's permissions.
fn is_elsewhere(code: &str) -> bool {
    code.starts_with("KMS.") || matches!(code, "PermissionDenied" | "ReadOnlyFilesystem")
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
