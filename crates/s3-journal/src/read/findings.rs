//! What a reader found wrong, as data. Knows names, not buckets.

use std::fmt;

use serde::Serialize;

use super::listing::{Entry, Stream};
use super::{Sequences, escaped, shards};

/// The most keys that one finding names.
pub const FINDING_KEYS_MAX: usize = 16;

/// The most findings that one report holds; more are counted. It bounds the memory that a ruined bucket can cost.
pub const FINDINGS_MAX: usize = 10_000;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// The first objects of the incarnation are not there: expired, deleted, or never uploaded.
    MissingStart,
    /// Objects between others are not there.
    MissingObjects,
    /// Objects follow each other without a gap and entries between them are not there: the journal left them out, as it
    /// does when damage in its local directory is quarantined.
    MissingEntries,
    /// Two openings wrote objects of the same number: a local directory was copied or restored from a backup.
    Fork,
    /// The same object lies under several keys.
    DuplicateObject,
    /// An object begins before the one before it ends.
    DuplicateEntries,
    /// An object's first entry doesn't fit its number.
    OutOfOrder,
    /// An object lies in another shard's directory. Nothing is missing.
    WrongShard,
    /// An object of no bytes; a journal writes none.
    EmptyObject,
    /// An object's length isn't the one listed: it was written again while it was read.
    Changed,
    /// An object was listed and is gone: deleted or expired while it was read.
    Vanished,
    /// An object's metadata is missing, unreadable, newer than this program, or another object's.
    Metadata,
    /// An object names no predecessor, or another than the one that is there.
    BrokenChain,
    /// An object's bytes aren't the ones that were uploaded, or can't be decoded.
    Damaged,
    /// An object's entries are not as many as the next object, or a recovered one's name, says.
    EntryCount,
    /// An object was completed by a recovery that hasn't come to its end: what can be read of it is still to be written.
    Torn,
}

impl FindingKind {
    /// Whether the stream isn't whole because of it.
    pub fn breaks_the_stream(self) -> bool {
        !matches!(self, Self::WrongShard)
    }

    /// The name that it has in reports: `missing_objects`.
    pub fn name(self) -> &'static str {
        match self {
            Self::MissingStart => "missing_start",
            Self::MissingObjects => "missing_objects",
            Self::MissingEntries => "missing_entries",
            Self::Fork => "fork",
            Self::DuplicateObject => "duplicate_object",
            Self::DuplicateEntries => "duplicate_entries",
            Self::OutOfOrder => "out_of_order",
            Self::WrongShard => "wrong_shard",
            Self::EmptyObject => "empty_object",
            Self::Changed => "changed",
            Self::Vanished => "vanished",
            Self::Metadata => "metadata",
            Self::BrokenChain => "broken_chain",
            Self::Damaged => "damaged",
            Self::EntryCount => "entry_count",
            Self::Torn => "torn",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Object numbers, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Numbers {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "object {}", self.first)
        } else {
            write!(f, "the objects {} to {}", self.first, self.last)
        }
    }
}

/// One thing found wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// Whose stream.
    pub id: String,
    /// Which incarnation.
    pub incarnation: String,
    /// The objects that are missing, doubled, damaged.
    pub numbers: Numbers,
    /// The keys concerned that are there, [`FINDING_KEYS_MAX`] at most; as the store has them, so see [`escaped`].
    pub keys: Vec<String>,
    /// The entries that are missing, doubled, damaged; `None` when no entry is.
    pub sequences: Option<Sequences>,
    /// Whether those are exactly the entries concerned; else those lie among them.
    pub exact: bool,
    /// One sentence for people, safe for a terminal.
    pub text: String,
}

impl Finding {
    /// A finding on an object that is there, by its entry.
    pub(super) fn on(kind: FindingKind, stream: &Stream, entry: &Entry, text: impl fmt::Display) -> Self {
        let sequences = Sequences { from: entry.first, to: stream.first_after(entry.number) };
        let key = stream.key(entry);
        let text = format!("object {} ({}) {text}", entry.number, escaped(&key));
        Self::about(kind, stream, Numbers { first: entry.number, last: entry.number }, text)
            .keys([key])
            .within(sequences)
    }

    pub(super) fn about(kind: FindingKind, stream: &Stream, numbers: Numbers, text: String) -> Self {
        Self {
            kind,
            id: stream.id().to_string(),
            incarnation: stream.incarnation().to_string(),
            numbers,
            keys: Vec::new(),
            sequences: None,
            exact: false,
            text,
        }
    }

    pub(super) fn keys(mut self, keys: impl IntoIterator<Item = String>) -> Self {
        self.keys = keys.into_iter().take(FINDING_KEYS_MAX).collect();
        self
    }

    /// The entries concerned lie among these.
    pub(super) fn within(mut self, sequences: Sequences) -> Self {
        self.sequences = Some(sequences);
        self.exact = false;
        self
    }

    /// The entries concerned are exactly these.
    pub(super) fn exactly(mut self, sequences: Sequences) -> Self {
        self.sequences = Some(sequences);
        self.exact = true;
        self
    }

    /// The entries concerned are exactly those it has, if their end is known.
    pub(super) fn certain(mut self) -> Self {
        self.exact = self.sequences.is_some_and(|sequences| sequences.to.is_some());
        self
    }

    pub(super) fn of_no_entries(mut self) -> Self {
        self.sequences = None;
        self.exact = true;
        self
    }

    /// Whether it concerns any of those entries, or, when it concerns none at all, any of those objects.
    pub(super) fn concerns(&self, sequences: Sequences, numbers: Numbers) -> bool {
        match self.sequences {
            Some(own) => !own.and(sequences).is_empty(),
            None => self.numbers.first <= numbers.last && numbers.first <= self.numbers.last,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.id, self.incarnation, self.text)
    }
}

/// Collects findings of one stream that concern what was asked for, up to a bound.
#[derive(Debug)]
pub(super) struct Findings {
    list: Vec<Finding>,
    left_out: u64,
    room: usize,
    sequences: Sequences,
    numbers: Numbers,
    shard: Option<Shard>,
}

/// The only shard that is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shard {
    /// Its digit.
    pub(super) digit: u8,
    /// How many shards there may be: see [`shards::fitting`].
    pub(super) fitting: u64,
    /// Bytes of the reader's prefix in each key.
    pub(super) prefix_len: usize,
}

impl Shard {
    /// Whether a finding is about one of its objects.
    fn holds(&self, finding: &Finding) -> bool {
        match finding.kind {
            // What is missing has no key: the one that is named comes after it.
            FindingKind::MissingStart | FindingKind::MissingObjects => {
                let Numbers { first, last } = finding.numbers;
                shards::may_lie_in(first, last, self.digit, self.fitting)
            }
            _ => {
                let digit = |key: &String| key.get(self.prefix_len..).and_then(shards::digit_of);
                finding.keys.iter().any(|key| digit(key) == Some(self.digit))
            }
        }
    }
}

impl Findings {
    /// Keeps those on these entries or, where no entry is concerned, on these objects; of one shard, if it is given.
    pub(super) fn new(room: usize, sequences: Sequences, numbers: Numbers, shard: Option<Shard>) -> Self {
        Self { list: Vec::new(), left_out: 0, room, sequences, numbers, shard }
    }

    pub(super) fn push(&mut self, finding: Finding) {
        let is_wanted = self.shard.is_none_or(|shard| shard.holds(&finding));
        if !is_wanted || !finding.concerns(self.sequences, self.numbers) {
            return;
        }
        if self.list.len() < self.room {
            self.list.push(finding);
        } else {
            self.left_out += 1;
        }
    }

    /// The last one of a kind whose last object has that number.
    pub(super) fn ending_at(&mut self, kind: FindingKind, number: u64) -> Option<&mut Finding> {
        self.list.iter_mut().rev().find(|finding| finding.kind == kind && finding.numbers.last == number)
    }

    /// Forgets those that turned out not to concern what was asked for.
    pub(super) fn finish(mut self) -> (Vec<Finding>, u64) {
        let Self { sequences, numbers, .. } = self;
        self.list.retain(|finding| finding.concerns(sequences, numbers));
        self.list.sort_by_key(|finding| finding.numbers);
        (self.list, self.left_out)
    }
}
