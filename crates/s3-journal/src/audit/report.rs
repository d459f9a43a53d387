//! What a queue directory holds, and what is wrong with it, as data. Pure.

use std::path::PathBuf;

use serde::{Serialize, Serializer};

use super::findings::LocalFinding;

/// Where an object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ObjectState {
    /// Entries go into it.
    Open,
    /// It has ended, and waits for its upload.
    Sealed,
    /// It was acknowledged as uploaded. What is left of it here isn't needed.
    Uploaded,
}

/// An object of which something is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LocalObject {
    /// Its number.
    pub number: u64,
    /// Its key; `None` where the record that says it is gone.
    pub key: Option<String>,
    /// Where it stands.
    pub state: ObjectState,
    /// Sequence number of its first entry.
    pub first_sequence: u64,
    /// Sequence number after its last entry so far.
    pub next_sequence: u64,
    /// Its length so far in bytes, as stored.
    pub stored_bytes: u64,
    /// CRC-64/NVME of its bytes so far, as sixteen hex digits.
    #[serde(serialize_with = "hex")]
    pub crc64nvme: u64,
    /// Whether all of its bytes are here and were read.
    pub complete: bool,
    /// Whether length and sum are those of the whole object.
    #[serde(skip)]
    pub(super) is_sealed: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
fn hex<S: Serializer>(sum: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{sum:016x}"))
}

/// A slab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LocalSlab {
    /// Its number.
    pub number: u64,
    /// Its file.
    pub file: PathBuf,
    /// Length of the file.
    pub bytes: u64,
    /// Where its last good frame ends.
    pub end_bytes: u64,
    /// How far it is known to be synced.
    pub synced_bytes: u64,
    /// Good frames.
    pub frames: u64,
}

/// Bytes after the last good frame, which were never acknowledged: opening the journal cuts them off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TornBytes {
    /// The file.
    pub file: PathBuf,
    /// Where in it.
    pub offset_bytes: u64,
    /// How many.
    pub len_bytes: u64,
    /// What they are.
    pub reason: String,
}

/// What a queue directory holds, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LocalReport {
    /// The directory.
    pub local_directory: PathBuf,
    /// The process that has it open just now, as it names itself. What it does meanwhile may or may not be seen here.
    pub held_by: Option<String>,
    /// The journal's id; empty when no checkpoint can be read.
    pub id: String,
    /// Which life of the directory.
    pub incarnation: String,
    /// The store its entries go to.
    pub store: String,
    /// The prefix in it.
    pub prefix: String,
    /// Whether the last journal here was closed in order. Not so while one is running.
    pub was_clean: bool,
    /// Sequence number of the oldest entry that is here.
    pub first_sequence: Option<u64>,
    /// Sequence number of the next entry: how many were written here.
    pub next_sequence: u64,
    /// How many entries were acknowledged as uploaded.
    pub uploaded_sequence: u64,
    /// Number of the next object.
    pub next_number: u64,
    /// How many objects were acknowledged as uploaded.
    pub uploaded_number: u64,
    /// Records read.
    pub records: u64,
    /// The slabs, oldest first.
    pub slabs: Vec<LocalSlab>,
    /// The objects of which something is here, by number.
    pub objects: Vec<LocalObject>,
    /// Objects that were held against the bucket.
    pub compared_objects: u64,
    /// Bytes that were never acknowledged. Beside a running journal: a write under way.
    pub torn: Vec<TornBytes>,
    /// What is wrong.
    pub findings: Vec<LocalFinding>,
    /// Findings beyond [`FINDINGS_MAX`](crate::read::FINDINGS_MAX).
    pub findings_left_out: u64,
}

impl LocalReport {
    /// Whether nothing is missing, doubled or damaged.
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty() && self.findings_left_out == 0
    }
}
