//! Which checksum goes with the bytes: found out by what the store answers, where nobody chose one. Knows answers, sends nothing.
//!
//! Stores differ: Amazon knows all and says so; some pass over what they don't know, in silence; some refuse it by a header's
//! name (Cloudflare R2 and Backblaze B2 did so to clients that began to send them). An upload in parts stays with what it was
//! begun with, since Amazon refuses a part whose checksum is of another kind.

use std::collections::HashMap;

use super::ChecksumSent;
use crate::bucket::{BucketError, BucketErrorKind};

/// What goes with the bytes, from the strongest to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sum {
    /// CRC-64/NVME, of each part and of the whole.
    Crc64Nvme,
    /// CRC-32C of an object in one piece, and `Content-MD5` of parts: the whole can't be told by CRC-32C in the stores that
    /// don't know the other.
    Crc32c,
    /// `Content-MD5`.
    Md5,
    /// None.
    None,
}

impl Sum {
    fn weaker(self) -> Self {
        match self {
            Self::Crc64Nvme => Self::Crc32c,
            Self::Crc32c => Self::Md5,
            Self::Md5 | Self::None => Self::None,
        }
    }

    /// Whether the store tells it back if it knows it. (`Content-MD5` is as old as S3, and never told back.)
    fn is_told_back(self) -> bool {
        matches!(self, Self::Crc64Nvme | Self::Crc32c)
    }

    /// Its name for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Crc64Nvme => "CRC-64/NVME checksums",
            Self::Crc32c => "CRC-32C checksums",
            Self::Md5 => "Content-MD5",
            Self::None => "checksums",
        }
    }

    /// What guards bytes on their way with it.
    pub(super) fn guard(self) -> &'static str {
        match self {
            Self::Crc64Nvme => "CRC-64/NVME guards bytes on their way",
            Self::Crc32c => "CRC-32C guards objects on their way, and Content-MD5 parts",
            Self::Md5 => "Content-MD5 guards bytes on their way",
            Self::None => "TLS or the signature alone guards bytes on their way",
        }
    }
}

/// What was learned of a store: it doesn't know what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unknown {
    pub sent: Sum,
    /// What guards the bytes from now on.
    pub instead: Sum,
}

/// Which checksum goes with which request.
#[derive(Debug)]
pub(super) struct Sums {
    may_change: bool,
    first: Sum,
    now: Sum,
    /// It is sent because it was asked for, and the store passes it over.
    is_ignored: bool,
    /// Of each upload that was begun here and isn't over.
    uploads: HashMap<String, Sum>,
    news: Option<Unknown>,
}

impl Sums {
    pub(super) fn new(asked: ChecksumSent) -> Self {
        let now = match asked {
            ChecksumSent::Auto | ChecksumSent::Crc64Nvme => Sum::Crc64Nvme,
            ChecksumSent::Crc32c => Sum::Crc32c,
            ChecksumSent::Md5 => Sum::Md5,
            ChecksumSent::None => Sum::None,
        };
        let may_change = asked == ChecksumSent::Auto;
        Self { may_change, first: now, now, is_ignored: false, uploads: HashMap::new(), news: None }
    }

    /// Of an object in one piece, or of an upload to begin.
    pub(super) fn now(&self) -> Sum {
        self.now
    }

    /// Of an upload's parts and completion. One of an earlier run was begun with what each run begins with, or its store took
    /// less, and says so again.
    pub(super) fn of_upload(&self, upload_id: &str) -> Sum {
        self.uploads.get(upload_id).copied().unwrap_or(self.first)
    }

    /// Whether the store knows the checksums of parts, so that a completion may list them.
    pub(super) fn are_listed(&self, of_upload: Sum) -> bool {
        of_upload == Sum::Crc64Nvme && self.now == Sum::Crc64Nvme && !self.is_ignored
    }

    pub(super) fn upload_began(&mut self, upload_id: &str, with: Sum) {
        self.uploads.insert(upload_id.to_owned(), with);
    }

    pub(super) fn upload_ended(&mut self, upload_id: &str) {
        self.uploads.remove(upload_id);
    }

    /// What was learned since the last time, to be told.
    pub(super) fn news(&mut self) -> Option<Unknown> {
        self.news.take()
    }

    /// Bytes arrived with it, and the answer told it back, or not.
    pub(super) fn taken(&mut self, sent: Sum, is_told_back: bool) {
        if is_told_back || !sent.is_told_back() || sent != self.now || self.is_ignored {
            return;
        }
        if self.may_change {
            self.now = sent.weaker();
            self.news = Some(Unknown { sent, instead: self.now });
        } else {
            self.is_ignored = true;
            // What goes along because it was asked for guards nothing.
            self.news = Some(Unknown { sent, instead: Sum::None });
        }
    }

    /// A request with it was refused. Whether the same goes again with a weaker one, since that is why; nothing came of it.
    pub(super) fn refused(&mut self, sent: Sum, upload_id: Option<&str>, error: &BucketError) -> bool {
        if !self.may_change || sent == Sum::None || !is_about(sent, error) {
            return false;
        }
        let instead = sent.weaker();
        if let Some(upload_id) = upload_id {
            self.upload_began(upload_id, instead);
        }
        if self.now == sent {
            self.now = instead;
            self.news = Some(Unknown { sent, instead });
        }
        true
    }
}

/// Whether a refusal is one of the checksum's headers: every store has its own code for it, but names the header.
fn is_about(sent: Sum, error: &BucketError) -> bool {
    let may_be = matches!(error.kind(), BucketErrorKind::Other | BucketErrorKind::Unsupported);
    let words = error.words().to_ascii_lowercase();
    let names: &[&str] = match sent {
        Sum::Crc64Nvme | Sum::Crc32c => &["checksum", "crc64", "crc32"],
        // Where the bucket requires a checksum, leaving out the last one mends nothing.
        Sum::Md5 if !words.contains("required") => &["content-md5"],
        Sum::Md5 | Sum::None => &[],
    };
    may_be && names.iter().any(|name| words.contains(name))
}

#[cfg(test)]
#[path = "sums_tests.rs"]
mod tests;
