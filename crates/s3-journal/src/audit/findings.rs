//! What is wrong with a queue directory, as data. Pure.

use std::fmt;
use std::path::PathBuf;

use durable_queue::Position;
use serde::Serialize;

use crate::read::Sequences;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LocalFindingKind {
    /// Bytes that were acknowledged aren't the ones that were written, or a slab is missing.
    Damaged,
    /// Entries between others are not there, though nothing is damaged.
    MissingEntries,
    /// Entries are there twice.
    DuplicateEntries,
    /// A record contradicts those before it, or can't be understood.
    Contradiction,
    /// The bytes of an object aren't those that its records sum up, though each record is good by itself.
    WrongSum,
    /// An object was acknowledged as uploaded and isn't in the bucket.
    NotInBucket,
    /// An object in the bucket isn't the one that is here.
    DiffersFromBucket,
    /// The bucket has an object of this incarnation that this directory never wrote: one of the two directories is a copy, or
    /// was restored from a backup.
    UnknownHere,
}

impl LocalFindingKind {
    /// The name that it has in reports: `missing_entries`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::MissingEntries => "missing_entries",
            Self::DuplicateEntries => "duplicate_entries",
            Self::Contradiction => "contradiction",
            Self::WrongSum => "wrong_sum",
            Self::NotInBucket => "not_in_bucket",
            Self::DiffersFromBucket => "differs_from_bucket",
            Self::UnknownHere => "unknown_here",
        }
    }
}

impl fmt::Display for LocalFindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One thing found wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LocalFinding {
    /// What.
    pub kind: LocalFindingKind,
    /// The file concerned, where it is one.
    pub file: Option<PathBuf>,
    /// Where in it.
    pub offset_bytes: Option<u64>,
    /// How many bytes.
    pub len_bytes: Option<u64>,
    /// The object concerned, where it is known.
    pub number: Option<u64>,
    /// Its key.
    pub key: Option<String>,
    /// The entries that are missing, doubled, damaged; `None` when no entry is.
    pub sequences: Option<Sequences>,
    /// Whether those are exactly the entries concerned; else those lie among them.
    pub exact: bool,
    /// Whether one of these entries is wanted from here: it was not acknowledged as uploaded.
    pub needed: bool,
    /// What is wrong, for people; safe for a terminal.
    pub text: String,
    /// Where it is in the log.
    #[serde(skip)]
    pub(super) position: Option<Position>,
}

impl LocalFinding {
    pub(super) fn new(kind: LocalFindingKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            file: None,
            offset_bytes: None,
            len_bytes: None,
            number: None,
            key: None,
            sequences: None,
            exact: true,
            needed: false,
            text: text.into(),
            position: None,
        }
    }

    pub(super) fn at(mut self, file: impl Into<PathBuf>, position: Position, len_bytes: Option<u64>) -> Self {
        self.file = Some(file.into());
        self.offset_bytes = Some(position.offset_bytes);
        self.position = Some(position);
        self.len_bytes = len_bytes;
        self
    }

    pub(super) fn of_object(mut self, number: u64, key: Option<String>) -> Self {
        self.number = Some(number);
        self.key = key;
        self
    }

    pub(super) fn exactly(mut self, sequences: Sequences) -> Self {
        self.sequences = Some(sequences);
        self.exact = true;
        self
    }

    pub(super) fn within(mut self, sequences: Sequences) -> Self {
        self.sequences = Some(sequences);
        self.exact = false;
        self
    }
}

impl fmt::Display for LocalFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(file), Some(offset)) = (&self.file, self.offset_bytes) {
            write!(f, "{} at offset {offset}: ", file.display())?;
        }
        f.write_str(&self.text)?;
        match self.sequences {
            None => Ok(()),
            Some(sequences) => {
                let among = if self.exact { "" } else { "some of " };
                let wanted = if self.needed { "" } else { ", which are in the bucket already" };
                write!(f, "; it concerns {among}{sequences}{wanted}")
            }
        }
    }
}
