//! What is asked of a store: under which name it is told, who needs it, which permission grants it, and what follows where
//! the answer is no. Pure.

use super::check::Need;

/// One of the questions, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Does anybody answer?
    Reach,
    /// Does the store know who asks?
    Credentials,
    /// Do its clock and ours agree?
    Clock,
    /// May an object be written?
    Put,
    /// Is a put refused where something is?
    CreateOnlyPut,
    /// Are bytes refused that don't fit their sum?
    WrongChecksum,
    /// May an upload in parts be begun?
    CreateUpload,
    /// May a part be sent?
    UploadPart,
    /// Is completing refused where something is?
    CreateOnlyComplete,
    /// May an upload be given up?
    AbortUpload,
    /// May an object be looked at?
    Head,
    /// Can nothing be told from forbidden?
    HeadAbsent,
    /// Is the sum told?
    HeadChecksum,
    /// Is the metadata told?
    HeadMetadata,
    /// May an object's bytes be read?
    Get,
    /// May objects be listed?
    List,
    /// May an upload's parts be listed?
    ListParts,
    /// May open uploads be listed?
    ListUploads,
    /// May an object be deleted?
    Delete,
}

impl Question {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Reach,
        Self::Credentials,
        Self::Clock,
        Self::Put,
        Self::CreateOnlyPut,
        Self::WrongChecksum,
        Self::CreateUpload,
        Self::UploadPart,
        Self::CreateOnlyComplete,
        Self::AbortUpload,
        Self::Head,
        Self::HeadAbsent,
        Self::HeadChecksum,
        Self::HeadMetadata,
        Self::Get,
        Self::List,
        Self::ListParts,
        Self::ListUploads,
        Self::Delete,
    ];

    /// As it is told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reach => "reach",
            Self::Credentials => "credentials",
            Self::Clock => "clock",
            Self::Put => "put",
            Self::CreateOnlyPut => "create_only_put",
            Self::WrongChecksum => "wrong_checksum",
            Self::CreateUpload => "create_upload",
            Self::UploadPart => "upload_part",
            Self::CreateOnlyComplete => "create_only_complete",
            Self::AbortUpload => "abort_upload",
            Self::Head => "head",
            Self::HeadAbsent => "head_absent",
            Self::HeadChecksum => "head_checksum",
            Self::HeadMetadata => "head_metadata",
            Self::Get => "get",
            Self::List => "list",
            Self::ListParts => "list_parts",
            Self::ListUploads => "list_uploads",
            Self::Delete => "delete",
        }
    }

    /// Who wants it.
    pub fn needed_for(self) -> &'static [Need] {
        match self {
            Self::Reach
            | Self::Credentials
            | Self::Put
            | Self::CreateUpload
            | Self::UploadPart
            | Self::AbortUpload => &[Need::Write],
            Self::Clock
            | Self::CreateOnlyPut
            | Self::WrongChecksum
            | Self::CreateOnlyComplete
            | Self::HeadAbsent
            | Self::HeadChecksum
            | Self::ListParts => &[Need::Stricter],
            Self::Head | Self::HeadMetadata => &[Need::Stricter, Need::Read],
            Self::Get | Self::List => &[Need::Read, Need::Recover],
            Self::ListUploads => &[Need::Stricter, Need::Recover],
            Self::Delete => &[Need::Recover],
        }
    }

    /// Whether it is one of the requests without which a `write` delivers nothing, however it fails.
    pub fn is_of_writing(self) -> bool {
        matches!(self, Self::CreateOnlyPut | Self::CreateOnlyComplete)
            || self.needed_for().contains(&Need::Write)
    }

    /// What grants it; none where it isn't a matter of permission.
    pub fn permission(self) -> Option<&'static str> {
        match self {
            Self::Put
            | Self::CreateOnlyPut
            | Self::CreateUpload
            | Self::UploadPart
            | Self::CreateOnlyComplete => Some("s3:PutObject"),
            Self::AbortUpload => Some("s3:AbortMultipartUpload"),
            Self::Head | Self::Get => Some("s3:GetObject"),
            Self::HeadAbsent => {
                // A condition on the prefix keeps it from HEAD, which has none.
                Some("s3:GetObject and, without a condition on s3:prefix, s3:ListBucket")
            }
            Self::List => Some("s3:ListBucket"),
            Self::ListParts => Some("s3:ListMultipartUploadParts"),
            Self::ListUploads => Some("s3:ListBucketMultipartUploads"),
            Self::Delete => Some("s3:DeleteObject"),
            Self::Reach
            | Self::Credentials
            | Self::Clock
            | Self::WrongChecksum
            | Self::HeadChecksum
            | Self::HeadMetadata => None,
        }
    }

    /// What follows where it isn't so, in words that go on after a colon.
    pub fn without(self) -> &'static str {
        match self {
            Self::Reach | Self::Credentials | Self::Put => "a `write` only waits",
            Self::Clock => {
                "names and dates of objects are as wrong as the clock, and far off the store refuses everything"
            }
            Self::CreateOnlyPut => {
                "somebody else who writes to a journal's keys could replace its objects; they are random enough that nobody \
                 does by accident"
            }
            Self::CreateOnlyComplete => {
                "somebody else who writes to a journal's keys could replace its large objects; they are random enough that \
                 nobody does by accident"
            }
            Self::WrongChecksum => {
                "a `write` sends CRC-32C or MD5 instead; if the store checks neither, only `verify` finds damage done on the way"
            }
            Self::CreateUpload | Self::UploadPart => "no object of two parts or more arrives",
            Self::AbortUpload => "uploads that were begun anew stay open, and their parts are paid for",
            Self::Head => {
                "optional: without it a lost answer isn't settled by looking; the request is made again, and a taken key at \
                 which the journal may have written counts as written by it"
            }
            Self::HeadAbsent => {
                "optional: without it an absent object can't be told from a forbidden one; after a lost answer the request \
                 is made again, and that answer decides"
            }
            Self::HeadChecksum => "optional: without it an object is recognised by length and metadata alone",
            Self::HeadMetadata => {
                "after a lost answer the journal's own object looks like somebody else's and the upload stops there; \
                 `verify` can't follow the chain"
            }
            Self::Get => {
                "optional: without it `cat`, `verify --deep` and `recover` can't read, with these credentials"
            }
            Self::List => {
                "optional: without it `cat`, `ls`, `verify` and `recover` find nothing, with these credentials"
            }
            Self::ListParts => {
                "optional: without it all parts of an open upload are sent again after a restart"
            }
            Self::ListUploads => {
                "optional: without it left-over uploads aren't swept, and `recover` finds none"
            }
            Self::Delete => {
                "optional: without it `recover --complete` can't finish, and `bench` and `doctor` leave an object behind"
            }
        }
    }
}
