//! What can go wrong, one type for each operation; every message says what to do next.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use durable_queue::FreeSpace;
use thiserror::Error;

use crate::write::Refusal;

/// What stopped a journal for good: only a reopened one can go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JournalFailure {
    /// A write or a sync of the local disk failed. What was durable before is still uploaded.
    #[error("the local queue failed; check the disk and reopen the journal")]
    Log(#[source] Arc<durable_queue::LogFailure>),
    /// The compressor failed on a batch.
    #[error("compressing a batch failed; entries that weren't durable are lost; reopen the journal")]
    Compress(#[source] std::io::Error),
    /// A thread of the journal panicked, or a record contradicted the ones before it.
    #[error("the journal stopped by a fault of its own ({reason}); please report it; reopen the journal")]
    Internal {
        /// What happened.
        reason: String,
    },
}

/// Why a milestone will never be reached by this journal.
#[derive(Debug, Clone)]
pub(crate) enum Stopped {
    /// A failure that only a reopened journal can go on from.
    Failed(Arc<JournalFailure>),
    /// The journal was closed before.
    Closed,
    /// The upload doesn't get past damage in the local queue.
    Damaged(Arc<str>),
    /// These entries are left out because of damage.
    LeftOut(Range<u64>),
}

/// Why an entry wasn't taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The queue is full, and the journal refuses rather than blocks.
    #[error("{what}; {}", what.remedy())]
    Full {
        /// Which limit.
        what: FullCause,
    },
    /// The entry itself can't be taken.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
    /// The journal stopped.
    #[error("the journal has stopped")]
    Failed(#[source] Arc<JournalFailure>),
}

/// Which limit an entry met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FullCause {
    /// `max_queue_size`.
    #[error("the queue holds max_queue_size = {max_entries} entries")]
    Entries {
        /// The limit.
        max_entries: u64,
    },
    /// `max_queue_bytes`.
    #[error("the queue takes as much of the local disk as max_queue_bytes = {max_bytes} lets it")]
    Bytes {
        /// The limit.
        max_bytes: u64,
    },
    /// `free_space_kept`; that counts whatever fills the file system, the queue or others.
    #[error("the local disk has no more free space than free_space_kept = {kept} leaves to others")]
    FreeSpaceKept {
        /// The limit.
        kept: FreeSpace,
    },
    /// The local disk, or a quota on it, is full.
    #[error("the local disk is full")]
    Disk,
    /// The disk refuses room for another reason, which is in the log.
    #[error("the queue on the local disk can't be enlarged")]
    Unusable,
    /// Batches come faster than they are compressed and written.
    #[error("the disk or the compressor is slower than what is submitted")]
    Busy,
}

impl FullCause {
    /// What can be done about it.
    fn remedy(self) -> &'static str {
        match self {
            Self::Entries { .. } | Self::Bytes { .. } => "wait until more is uploaded, or raise the limit",
            Self::FreeSpaceKept { .. } => "wait until more is uploaded, free some space, or lower the limit",
            Self::Disk => "wait until more is uploaded, or free some space",
            Self::Unusable => "mend what the log tells, then try again",
            Self::Busy => "wait a moment",
        }
    }

    /// Whether it is the disk that has no room.
    pub(crate) fn is_of_disk(self) -> bool {
        !matches!(self, Self::Entries { .. } | Self::Busy)
    }
}

impl SubmitError {
    /// Whether the same entry may be taken later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Full { .. })
    }
}

/// Why a stage won't be reached by this journal.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The journal stopped; the entry may or may not be found durable when it is reopened.
    #[error("the journal has stopped")]
    Failed(#[source] Arc<JournalFailure>),
    /// The journal was closed before; what was durable is uploaded by the next one opened here.
    #[error("the journal was closed before that")]
    Closed,
    /// Damage in the local queue keeps this and all later entries from being uploaded by this journal.
    #[error("the upload has stopped: {reason}; open the journal with quarantine to leave it out")]
    Damaged {
        /// What is damaged: file, offset, entries.
        reason: Arc<str>,
    },
    /// The entry is left out: the local queue was damaged there. Later ones are uploaded.
    #[error("the entries {} to {} are left out because of damage in the local queue: see its directory quarantine", entries.start, entries.end - 1)]
    LeftOut {
        /// Sequence numbers of the entries that are left out, this one among them.
        entries: Range<u64>,
    },
}

impl From<Stopped> for WaitError {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Failed(failure) => Self::Failed(failure),
            Stopped::Closed => Self::Closed,
            Stopped::Damaged(reason) => Self::Damaged { reason },
            Stopped::LeftOut(entries) => Self::LeftOut { entries },
        }
    }
}

/// Why a journal can't be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// An option can't be used.
    #[error("option {option} is {value}: {remedy}")]
    Option {
        /// Its name.
        option: &'static str,
        /// What it was.
        value: String,
        /// What is wrong with it, and what to do.
        remedy: String,
    },
    /// The local directory belongs to a journal with another id, bucket or prefix, and entries wait in it.
    #[error(
        "the directory {} holds {pending_entries} entries for {found}, and the options say {wanted}; open it with those options until it is drained, or use another local_directory",
        directory.display()
    )]
    OtherJournal {
        /// The local directory.
        directory: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
        /// How many entries wait.
        pending_entries: u64,
    },
    /// The local queue can't be opened: it is locked, unusable, damaged or of a newer version.
    #[error(transparent)]
    Queue(#[from] durable_queue::OpenError),
    /// The host has no random numbers or no threads to give.
    #[error("the operating system refused {what}")]
    System {
        /// What.
        what: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// The journal stopped before it was open.
    #[error("the journal stopped while it was being opened")]
    Failed(#[source] Arc<JournalFailure>),
}

/// Why a flush or a close didn't bring everything to the bucket.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum FlushError {
    /// The journal stopped.
    #[error(
        "the journal has stopped; what is durable here is uploaded by the next one opened on this directory"
    )]
    Failed(#[source] Arc<JournalFailure>),
    /// It was closed meanwhile.
    #[error("the journal was closed before everything was uploaded")]
    Closed,
    /// Damage in the local queue keeps what follows it from being uploaded by this journal.
    #[error("the upload has stopped: {reason}; open the journal with quarantine to leave it out")]
    Damaged {
        /// What is damaged: file, offset, entries.
        reason: Arc<str>,
    },
    /// Everything is in the bucket but for entries that are left out because of damage in the local queue.
    #[error("the entries {} to {} are left out because of damage in the local queue: see its directory quarantine", entries.start, entries.end - 1)]
    LeftOut {
        /// Sequence numbers of those entries; there may be more.
        entries: Range<u64>,
    },
}

impl From<Stopped> for FlushError {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Failed(failure) => Self::Failed(failure),
            Stopped::Closed => Self::Closed,
            Stopped::Damaged(reason) => Self::Damaged { reason },
            Stopped::LeftOut(entries) => Self::LeftOut { entries },
        }
    }
}

impl From<WaitError> for FlushError {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::Failed(failure) => Self::Failed(failure),
            WaitError::Closed => Self::Closed,
            WaitError::Damaged { reason } => Self::Damaged { reason },
            WaitError::LeftOut { entries } => Self::LeftOut { entries },
        }
    }
}
