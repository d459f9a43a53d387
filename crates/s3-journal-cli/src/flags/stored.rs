//! Options that say what a bucket of S3 does with the objects that are written: class, encryption, access, tags, lock.

use std::str::FromStr;

use clap::{Args, ValueEnum};

use crate::human::{Moment, Time};

/// What objects are written with.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Objects in the bucket")]
pub struct StoredFlags {
    /// The storage class, such as STANDARD_IA, INTELLIGENT_TIERING or GLACIER_IR [default: the bucket's]
    #[arg(long, value_name = "NAME", env = "S3_JOURNAL_STORAGE_CLASS")]
    pub storage_class: Option<String>,

    /// How the store encrypts: AES256 (its own keys), aws:kms, or aws:kms:dsse (twice) [default: as the bucket says]
    #[arg(long, value_name = "NAME", env = "S3_JOURNAL_SSE")]
    pub sse: Option<Sse>,

    /// The key of KMS: id, ARN or alias [default: the account's own for S3]
    #[arg(long, value_name = "KEY", env = "S3_JOURNAL_SSE_KMS_KEY_ID", requires = "sse")]
    pub sse_kms_key_id: Option<String>,

    /// What the use of the key of KMS is bound to; may be given several times
    #[arg(
        long,
        value_name = "NAME=VALUE",
        env = "S3_JOURNAL_SSE_KMS_CONTEXT",
        requires = "sse",
        value_delimiter = ','
    )]
    pub sse_kms_context: Vec<Pair>,

    /// Whether S3 makes do with one key of KMS for many objects, which costs fewer requests [default: as the bucket says]
    #[arg(long, value_name = "BOOL", env = "S3_JOURNAL_SSE_BUCKET_KEY", requires = "sse", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = clap::builder::BoolishValueParser::new())]
    pub sse_bucket_key: Option<bool>,

    /// A canned ACL, such as bucket-owner-full-control
    #[arg(long, value_name = "NAME", env = "S3_JOURNAL_ACL")]
    pub acl: Option<String>,

    /// Who may do everything with the objects, as S3 writes it: id="...", uri="..."
    #[arg(long, value_name = "GRANTEES", env = "S3_JOURNAL_GRANT_FULL_CONTROL", conflicts_with = "acl")]
    pub grant_full_control: Option<String>,

    /// Who may read them
    #[arg(long, value_name = "GRANTEES", env = "S3_JOURNAL_GRANT_READ", conflicts_with = "acl")]
    pub grant_read: Option<String>,

    /// Who may read who may do what
    #[arg(long, value_name = "GRANTEES", env = "S3_JOURNAL_GRANT_READ_ACP", conflicts_with = "acl")]
    pub grant_read_acp: Option<String>,

    /// Who may change who may do what
    #[arg(long, value_name = "GRANTEES", env = "S3_JOURNAL_GRANT_WRITE_ACP", conflicts_with = "acl")]
    pub grant_write_acp: Option<String>,

    /// A tag of each object, up to 10; may be given several times. Needs s3:PutObjectTagging
    #[arg(long, value_name = "NAME=VALUE", env = "S3_JOURNAL_TAG", value_delimiter = ',')]
    pub tag: Vec<Pair>,

    /// User metadata of each object beside the journal's own; may be given several times
    #[arg(long, value_name = "NAME=VALUE", env = "S3_JOURNAL_METADATA", value_delimiter = ',')]
    pub metadata: Vec<Pair>,

    /// The media type of each object
    #[arg(long, value_name = "TYPE", env = "S3_JOURNAL_CONTENT_TYPE")]
    pub content_type: Option<String>,

    /// The content coding of each object; with gzip many clients decompress what they read by themselves
    #[arg(long, value_name = "CODING", env = "S3_JOURNAL_CONTENT_ENCODING")]
    pub content_encoding: Option<String>,

    /// Keep objects from being deleted or overwritten: GOVERNANCE, or COMPLIANCE, which nobody can lift. The bucket must have
    /// been made for it. Needs s3:PutObjectRetention
    #[arg(long, value_name = "MODE", env = "S3_JOURNAL_OBJECT_LOCK")]
    pub object_lock: Option<Lock>,

    /// Keep them for so long from when their upload begins
    #[arg(
        long,
        value_name = "TIME",
        env = "S3_JOURNAL_OBJECT_LOCK_FOR",
        requires = "object_lock",
        conflicts_with = "object_lock_until"
    )]
    pub object_lock_for: Option<Time>,

    /// Keep them to this moment: 2026-11-22T09:34:07Z, or a date
    #[arg(long, value_name = "TIME", env = "S3_JOURNAL_OBJECT_LOCK_UNTIL", requires = "object_lock")]
    pub object_lock_until: Option<Moment>,

    /// Hold objects until somebody lifts that. Needs s3:PutObjectLegalHold
    #[arg(long, env = "S3_JOURNAL_LEGAL_HOLD", value_parser = clap::builder::BoolishValueParser::new())]
    pub legal_hold: bool,

    /// What guards the bytes on their way [default: auto]
    #[arg(long, value_name = "NAME", env = "S3_JOURNAL_CHECKSUM")]
    pub checksum: Option<Checksum>,
}

impl StoredFlags {
    /// The same without what would keep objects from being removed again, and the name of a flag that is left out.
    pub fn removable(&self) -> (Self, Option<&'static str>) {
        let left_out = if self.object_lock.is_some() {
            Some("--object-lock")
        } else {
            self.legal_hold.then_some("--legal-hold")
        };
        let removable = Self {
            object_lock: None,
            object_lock_for: None,
            object_lock_until: None,
            legal_hold: false,
            ..self.clone()
        };
        (removable, left_out)
    }
}

/// How the store encrypts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sse {
    /// With its own keys.
    #[value(name = "AES256")]
    Aes256,
    /// With a key of KMS.
    #[value(name = "aws:kms")]
    Kms,
    /// With a key of KMS, twice.
    #[value(name = "aws:kms:dsse")]
    KmsTwice,
}

/// Who may lift a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lock {
    /// Whoever has a permission for that.
    #[value(name = "GOVERNANCE", alias = "governance")]
    Governance,
    /// Nobody.
    #[value(name = "COMPLIANCE", alias = "compliance")]
    Compliance,
}

/// What guards the bytes on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Checksum {
    /// The strongest of these that the store knows.
    Auto,
    /// CRC-64/NVME, kept with the object.
    Crc64nvme,
    /// CRC-32C of objects in one piece, Content-MD5 of parts.
    Crc32c,
    /// Content-MD5.
    Md5,
    /// Nothing but TLS or the signature.
    None,
}

/// `NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Before the first `=`.
    pub name: String,
    /// After it.
    pub value: String,
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok(Self { name: name.to_owned(), value: value.to_owned() })
            }
            _ => Err("give NAME=VALUE".to_owned()),
        }
    }
}
