//! What every object of a bucket is written with besides its bytes: class, encryption, access, tags, lock. Knows what is
//! well-formed and what S3 calls it, not what a bucket permits.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::types::{
    ObjectCannedAcl, ObjectLockLegalHoldStatus, ObjectLockMode, RequestPayer, ServerSideEncryption,
    StorageClass,
};
use aws_smithy_types::base64;
use md5::{Digest, Md5};

use crate::bucket::Metadata;

/// Most tags of an object (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html>), and the longest name
/// and value, in characters.
const TAGS_MAX: usize = 10;
const TAG_NAME_CHARS_MAX: usize = 128;
const TAG_VALUE_CHARS_MAX: usize = 256;

/// S3 takes 2 KB of user metadata (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>); a journal's own
/// takes up to half of it.
const METADATA_BYTES_MAX: usize = 1_024;

/// What the journal's own user metadata begins with.
const OWN_METADATA: &str = "journal-";

/// What every object is written with. By default nothing of this is sent, and the bucket's own defaults hold.
///
/// The same options are to be given to a recovery: what it writes is written with them, too.
///
/// ```
/// use s3_journal::bucket::{Encryption, ObjectOptions, S3Bucket, S3Options};
///
/// let mut objects = ObjectOptions::default();
/// objects.storage_class = Some("STANDARD_IA".to_owned());
/// objects.encryption = Some(Encryption::kms("alias/journal"));
/// objects.tags.insert("team".to_owned(), "billing".to_owned());
/// let mut options = S3Options::new("my-bucket");
/// options.objects = objects;
/// let bucket = S3Bucket::new(options)?;
/// # Ok::<(), s3_journal::bucket::S3OptionsError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectOptions {
    /// The storage class, as S3 names it: `STANDARD_IA`, `INTELLIGENT_TIERING`, `GLACIER_IR` and so on.
    pub storage_class: Option<String>,
    /// How the store encrypts objects.
    pub encryption: Option<Encryption>,
    /// A canned ACL, as S3 names it: `bucket-owner-full-control` and so on.
    pub acl: Option<String>,
    /// Grants, each a list as S3 has it: `id="...", uri="..."`. Not together with [`ObjectOptions::acl`].
    pub grants: Grants,
    /// Tags. Needs the permission `s3:PutObjectTagging`.
    pub tags: BTreeMap<String, String>,
    /// User metadata beside the journal's own, whose names begin with `journal-`.
    pub metadata: Metadata,
    /// The media type. Default: none is sent, and S3 takes `application/octet-stream`.
    pub content_type: Option<String>,
    /// The content coding. With `gzip` many clients decompress what they read by themselves. Default: none.
    pub content_encoding: Option<String>,
    /// Keeps objects from being deleted or overwritten. The bucket must have been made for it. Needs `s3:PutObjectRetention`.
    pub lock: Option<ObjectLock>,
    /// Holds objects until somebody lifts that. The bucket must have been made for it. Needs `s3:PutObjectLegalHold`.
    pub legal_hold: bool,
    /// The account that must own the bucket, 12 digits: else every request is refused.
    pub expected_bucket_owner: Option<String>,
    /// Whoever sends requests agrees to pay for them.
    pub requester_pays: bool,
    /// What guards the bytes on their way.
    pub checksum: ChecksumSent,
}

/// How the store encrypts objects.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encryption {
    /// With keys of S3 (`AES256`).
    S3,
    /// With a key of KMS (`aws:kms`). Needs `kms:GenerateDataKey`, and `kms:Decrypt` for uploads in parts.
    Kms {
        /// The key's id, ARN or alias; else the account's own for S3.
        key: Option<String>,
        /// What the key's use is bound to.
        context: BTreeMap<String, String>,
        /// Whether S3 makes do with one key of KMS for many objects, which costs fewer requests. Default: as the bucket says.
        bucket_key: Option<bool>,
        /// Encrypts twice (`aws:kms:dsse`).
        is_double: bool,
    },
    /// With a key that goes with each request (SSE-C), reading included. S3 keeps none, so objects are lost with it. Only
    /// over https.
    Customer(CustomerKey),
}

impl Encryption {
    /// With this key of KMS, everything else by default.
    pub fn kms(key: impl Into<String>) -> Self {
        Self::Kms { key: Some(key.into()), context: BTreeMap::new(), bucket_key: None, is_double: false }
    }

    fn context_text(context: &BTreeMap<String, String>) -> Option<String> {
        let text = serde_json::to_string(context).ok()?;
        (!context.is_empty()).then(|| base64::encode(text))
    }
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 => f.write_str("S3"),
            Self::Kms { key, bucket_key, is_double, .. } => f
                .debug_struct("Kms")
                .field("key", key)
                .field("bucket_key", bucket_key)
                .field("is_double", is_double)
                .finish_non_exhaustive(),
            Self::Customer(key) => key.fmt(f),
        }
    }
}

/// A key of 256 bits for SSE-C. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomerKey([u8; 32]);

impl CustomerKey {
    /// This key.
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    pub(super) fn text(&self) -> String {
        base64::encode(self.0)
    }

    /// By which the store sees that the key arrived whole.
    pub(super) fn digest_text(&self) -> String {
        base64::encode(Md5::digest(self.0))
    }
}

impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Customer(not shown)")
    }
}

/// Who may do what with an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grants {
    /// Everything.
    pub full_control: Option<String>,
    /// Read it.
    pub read: Option<String>,
    /// Read who may do what.
    pub read_acp: Option<String>,
    /// Change who may do what.
    pub write_acp: Option<String>,
}

/// Keeps an object for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectLock {
    /// Who may lift it.
    pub mode: LockMode,
    /// Until when.
    pub until: LockUntil,
}

impl ObjectLock {
    /// A lock.
    pub const fn new(mode: LockMode, until: LockUntil) -> Self {
        Self { mode, until }
    }
}

/// Who may lift a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Whoever has the permission `s3:BypassGovernanceRetention`.
    Governance,
    /// Nobody.
    Compliance,
}

/// How long a lock holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockUntil {
    /// For so long from when the object's upload begins.
    After(Duration),
    /// To this moment, the same for all objects.
    At(SystemTime),
}

/// What guards the bytes on their way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChecksumSent {
    /// The strongest that the store knows, by what it answers: CRC-64/NVME, else CRC-32C, else MD5, else none. What it doesn't
    /// know is told once.
    #[default]
    Auto,
    /// CRC-64/NVME, which S3 keeps with the object and tells: the strictest proof that an object is ours.
    Crc64Nvme,
    /// CRC-32C of objects in one piece, and `Content-MD5` of parts.
    Crc32c,
    /// `Content-MD5` of each request's body.
    Md5,
    /// None: only the entity's length, and TLS.
    None,
}

/// Why [`ObjectOptions`] can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("{what} {value:?} can't be used: {remedy}")]
pub struct ObjectOptionsError {
    /// Which option.
    pub what: &'static str,
    /// What was given.
    pub value: String,
    /// What to give instead.
    pub remedy: &'static str,
}

fn refuse(
    what: &'static str,
    value: impl Into<String>,
    remedy: &'static str,
) -> Result<(), ObjectOptionsError> {
    Err(ObjectOptionsError { what, value: value.into(), remedy })
}

fn check_word(
    what: &'static str,
    value: Option<&str>,
    good: fn(u8) -> bool,
    remedy: &'static str,
) -> Result<(), ObjectOptionsError> {
    match value {
        Some(value) if value.is_empty() || !value.bytes().all(good) => refuse(what, value, remedy),
        _ => Ok(()),
    }
}

impl ObjectOptions {
    /// Whether all of it is well-formed.
    pub(super) fn check(&self) -> Result<(), ObjectOptionsError> {
        let upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        let digit = |byte: u8| byte.is_ascii_digit();
        let printable = |byte: u8| (b' '..=b'~').contains(&byte);
        let class = self.storage_class.as_deref();
        check_word("storage_class", class, upper, "give one as S3 names it, such as STANDARD_IA")?;
        check_word(
            "acl",
            self.acl.as_deref(),
            lower,
            "give a canned one, such as bucket-owner-full-control",
        )?;
        let words = "give printable ASCII";
        check_word("content_type", self.content_type.as_deref(), printable, words)?;
        check_word("content_encoding", self.content_encoding.as_deref(), printable, words)?;
        let grants =
            [&self.grants.full_control, &self.grants.read, &self.grants.read_acp, &self.grants.write_acp];
        for grant in grants.into_iter().flatten() {
            check_word("grants", Some(grant), printable, "give a list such as id=\"...\", uri=\"...\"")?;
            if let Some(acl) = &self.acl {
                return refuse("acl", acl, "S3 takes a canned ACL or grants, not both");
            }
        }
        let owner = self.expected_bucket_owner.as_deref();
        check_word("expected_bucket_owner", owner, digit, "give the account's number, 12 digits")?;
        if let Some(owner) = owner.filter(|owner| owner.len() != 12) {
            return refuse("expected_bucket_owner", owner, "give the account's number, 12 digits");
        }
        if let Some(Encryption::Kms { key, .. }) = &self.encryption {
            check_word("sse_kms_key_id", key.as_deref(), printable, "give a key's id, ARN or alias")?;
        }
        self.check_tags()?;
        self.check_metadata()
    }

    fn check_tags(&self) -> Result<(), ObjectOptionsError> {
        if self.tags.len() > TAGS_MAX {
            return refuse("tags", self.tags.len().to_string(), "an object has 10 at most");
        }
        for (name, value) in &self.tags {
            let is_good = (1..=TAG_NAME_CHARS_MAX).contains(&name.chars().count())
                && value.chars().count() <= TAG_VALUE_CHARS_MAX
                && !name.chars().chain(value.chars()).any(char::is_control);
            if !is_good {
                let limits =
                    "a name has 1 to 128 characters, a value up to 256, none of them a control character";
                return refuse("tags", format!("{name}={value}"), limits);
            }
        }
        Ok(())
    }

    fn check_metadata(&self) -> Result<(), ObjectOptionsError> {
        let good_name =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        let good_value = |byte: u8| (b' '..=b'~').contains(&byte);
        let mut bytes = 0;
        for (name, value) in &self.metadata {
            bytes += name.len() + value.len();
            if name.starts_with(OWN_METADATA) {
                return refuse("metadata", name, "names that begin with journal- are the journal's own");
            }
            let is_trimmed = value.trim_matches(' ') == value;
            if name.is_empty()
                || !name.bytes().all(good_name)
                || !value.bytes().all(good_value)
                || !is_trimmed
            {
                let shape =
                    "names are of a-z, 0-9, - _ and ., values of printable ASCII without blanks at the ends";
                return refuse("metadata", format!("{name}={value}"), shape);
            }
        }
        if bytes > METADATA_BYTES_MAX {
            return refuse("metadata", format!("{bytes} bytes"), "1,024 bytes at most, names included");
        }
        Ok(())
    }

    /// Which of it is given, as the program's options are called.
    pub(super) fn given(&self) -> Vec<&'static str> {
        let encryption = match &self.encryption {
            Some(Encryption::Customer(_)) => "sse-customer-key-file",
            Some(Encryption::S3 | Encryption::Kms { .. }) => "sse",
            None => "",
        };
        let grants = &self.grants;
        [
            ("storage-class", self.storage_class.is_some()),
            (encryption, self.encryption.is_some()),
            ("sse-kms-key-id", self.kms_key().is_some()),
            ("sse-kms-context", self.kms_context().is_some()),
            ("sse-bucket-key", self.bucket_key().is_some()),
            ("acl", self.acl.is_some()),
            ("grant-full-control", grants.full_control.is_some()),
            ("grant-read", grants.read.is_some()),
            ("grant-read-acp", grants.read_acp.is_some()),
            ("grant-write-acp", grants.write_acp.is_some()),
            ("tag", !self.tags.is_empty()),
            ("metadata", !self.metadata.is_empty()),
            ("content-type", self.content_type.is_some()),
            ("content-encoding", self.content_encoding.is_some()),
            ("object-lock", self.lock.is_some()),
            ("legal-hold", self.legal_hold),
            ("expected-bucket-owner", self.expected_bucket_owner.is_some()),
            ("requester-pays", self.requester_pays),
        ]
        .into_iter()
        .filter_map(|(name, is_given)| is_given.then_some(name))
        .collect()
    }

    /// The key that goes with each request, if one does.
    pub(super) fn customer_key(&self) -> Option<&CustomerKey> {
        match &self.encryption {
            Some(Encryption::Customer(key)) => Some(key),
            _ => None,
        }
    }

    pub(super) fn server_side_encryption(&self) -> Option<ServerSideEncryption> {
        match &self.encryption {
            Some(Encryption::S3) => Some(ServerSideEncryption::Aes256),
            Some(Encryption::Kms { is_double: false, .. }) => Some(ServerSideEncryption::AwsKms),
            Some(Encryption::Kms { is_double: true, .. }) => Some(ServerSideEncryption::AwsKmsDsse),
            Some(Encryption::Customer(_)) | None => None,
        }
    }

    pub(super) fn kms_key(&self) -> Option<String> {
        match &self.encryption {
            Some(Encryption::Kms { key, .. }) => key.clone(),
            _ => None,
        }
    }

    pub(super) fn kms_context(&self) -> Option<String> {
        match &self.encryption {
            Some(Encryption::Kms { context, .. }) => Encryption::context_text(context),
            _ => None,
        }
    }

    pub(super) fn bucket_key(&self) -> Option<bool> {
        match &self.encryption {
            Some(Encryption::Kms { bucket_key, .. }) => *bucket_key,
            _ => None,
        }
    }

    pub(super) fn class(&self) -> Option<StorageClass> {
        self.storage_class.as_deref().map(StorageClass::from)
    }

    pub(super) fn canned_acl(&self) -> Option<ObjectCannedAcl> {
        self.acl.as_deref().map(ObjectCannedAcl::from)
    }

    /// Tags as the header has them.
    pub(super) fn tagging(&self) -> Option<String> {
        let pairs: Vec<String> = self
            .tags
            .iter()
            .map(|(name, value)| format!("{}={}", urlencoding::encode(name), urlencoding::encode(value)))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("&"))
    }

    pub(super) fn lock_mode(&self) -> Option<ObjectLockMode> {
        self.lock.as_ref().map(|lock| match lock.mode {
            LockMode::Governance => ObjectLockMode::Governance,
            LockMode::Compliance => ObjectLockMode::Compliance,
        })
    }

    /// Until when an object is kept whose upload begins `now`.
    pub(super) fn lock_until(&self, now: SystemTime) -> Option<SystemTime> {
        match self.lock.as_ref()?.until {
            LockUntil::At(time) => Some(time),
            // A time that no clock can have is refused by the store, with its own words.
            LockUntil::After(time) => Some(now.checked_add(time).unwrap_or(now)),
        }
    }

    pub(super) fn hold(&self) -> Option<ObjectLockLegalHoldStatus> {
        self.legal_hold.then_some(ObjectLockLegalHoldStatus::On)
    }

    pub(super) fn payer(&self) -> Option<RequestPayer> {
        self.requester_pays.then_some(RequestPayer::Requester)
    }
}
