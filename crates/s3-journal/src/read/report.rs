//! What a verification looked at and found, as data. Pure.

use serde::Serialize;

use super::findings::Finding;

/// What was found of one incarnation of one journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StreamTotals {
    /// Whose stream.
    pub id: String,
    /// Which incarnation.
    pub incarnation: String,
    /// Objects selected.
    pub objects: u64,
    /// Their bytes, as stored.
    pub stored_bytes: u64,
    /// Number of the first object.
    pub first_number: u64,
    /// Number of the last object.
    pub last_number: u64,
    /// Sequence number of the first object's first entry.
    pub first_sequence: u64,
    /// The sequence number after the last entry, where it is known: for the last object its entries must be counted.
    pub next_sequence: Option<u64>,
    /// Entries counted; `None` where nothing was decoded or there is no delimiter.
    pub entries: Option<u64>,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Checked {
    /// Objects.
    pub objects: u64,
    /// Entries counted.
    pub entries: u64,
    /// Stored bytes read.
    pub bytes: u64,
}

/// The result of a verification.
///
/// What no reader can see is the end: that the last objects of a stream are missing shows only beside the local directory
/// that wrote them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// What was found, by id and incarnation.
    pub streams: Vec<StreamTotals>,
    /// What is wrong, in the same order, by object number.
    pub findings: Vec<Finding>,
    /// Findings beyond [`super::FINDINGS_MAX`].
    pub findings_left_out: u64,
    /// How much was looked at.
    pub checked: Checked,
    /// Keys under the prefix that aren't a journal's objects.
    pub foreign: u64,
}

impl Report {
    /// Whether nothing is missing, doubled or damaged in what was looked at. True, too, when there was nothing: see
    /// [`Report::streams`].
    pub fn is_whole(&self) -> bool {
        self.findings_left_out == 0 && !self.findings.iter().any(|finding| finding.kind.breaks_the_stream())
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct CatSummary {
    /// Objects of which something was written.
    pub objects: u64,
    /// Entries written; those of a last object without a delimiter aren't known and aren't counted.
    pub entries: u64,
    /// Bytes written.
    pub bytes: u64,
    /// What was left out, with [`CatOptions::go_on`](super::CatOptions::go_on).
    pub findings: Vec<Finding>,
    /// Findings beyond [`FINDINGS_MAX`](super::FINDINGS_MAX).
    pub findings_left_out: u64,
}
