//! What a local directory holds and waits for, read without lock beside a running journal or after its death.

use std::path::{Path, PathBuf};

use durable_queue::disk::{Disk, RealDisk};
use durable_queue::inspect;
use serde::Serialize;

use crate::ledger::{DamagedEntries, StateVisitor};
use crate::record::Gap;

/// What a local directory holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// The directory.
    pub local_directory: PathBuf,
    /// The journal's id.
    pub id: String,
    /// Which life of the directory.
    pub incarnation: String,
    /// The store its entries go to.
    pub store: String,
    /// The prefix in it.
    pub prefix: String,
    /// Sequence number of the next entry: how many are written here.
    pub next_sequence: u64,
    /// How many entries are in the bucket.
    pub uploaded_sequence: u64,
    /// Entries here that are not in the bucket.
    pub pending_entries: u64,
    /// Objects here that are not in the bucket, the open one included.
    pub pending_objects: u64,
    /// Key of the object that entries go into.
    pub open_object: Option<String>,
    /// How many entries it holds.
    pub open_object_entries: u64,
    /// Its length so far in bytes, as stored.
    pub open_object_bytes: u64,
    /// Sources whose positions are remembered.
    pub sources: u64,
    /// Slab files.
    pub slabs: u64,
    /// Their bytes on disk, as far as they are filled.
    pub bytes: u64,
    /// What all buffers of the last journal here come to at the most, in bytes: see [`Stats::buffers_bytes_max`](crate::Stats::buffers_bytes_max).
    /// Nothing if it was of a version that didn't say so.
    pub buffers_bytes_max: Option<u64>,
    /// Whether the last journal here was closed in order. Not so while one is running.
    pub was_clean: bool,
    /// Bytes after the last good record, which were never acknowledged.
    pub torn_bytes: u64,
    /// Damage to what was acknowledged, as far as opening the journal would find it: payloads in slabs that opening doesn't read
    /// through are looked at before they are uploaded.
    pub damage: Vec<DamageStatus>,
    /// Entries that were left out of the stream because of damage, over the life of the local directory.
    pub left_out_entries: u64,
    /// The last of them, oldest first.
    pub left_out: Vec<LeftOut>,
}

/// A damaged place of the local queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DamageStatus {
    /// The slab.
    pub file: PathBuf,
    /// Where it begins.
    pub offset_bytes: u64,
    /// What is wrong.
    pub reason: String,
    /// Sequence number of the first entry that is damaged; not known in slabs that opening doesn't read through.
    pub first: Option<u64>,
    /// Sequence number after the last; not known there, nor where nothing follows that would tell.
    pub next: Option<u64>,
}

/// Entries that were left out of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// The object that ended early, or wasn't written.
    pub number: u64,
    /// Sequence number of the first entry that was left out.
    pub first: u64,
    /// Sequence number after the last.
    pub next: u64,
    /// How many of them are whole, in files below the local directory.
    pub good_entries: u64,
    /// The description of those files.
    pub kept_as: PathBuf,
}

impl From<DamagedEntries> for DamageStatus {
    fn from(found: DamagedEntries) -> Self {
        let DamagedEntries { damage, first, next } = found;
        Self { file: damage.file, offset_bytes: damage.from.offset_bytes, reason: damage.reason, first, next }
    }
}

impl From<&Gap> for LeftOut {
    fn from(gap: &Gap) -> Self {
        Self {
            number: gap.number,
            first: gap.first,
            next: gap.next_sequence,
            good_entries: gap.good_entries,
            kept_as: PathBuf::from(&gap.kept_as),
        }
    }
}

/// Why a local directory can't be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatusError {
    /// There is no journal.
    #[error("{} holds no journal", directory.display())]
    Empty {
        /// The directory.
        directory: PathBuf,
    },
    /// It can't be read, or is damaged.
    #[error(transparent)]
    Queue(#[from] durable_queue::OpenError),
}

/// Looks at a local directory; changes nothing, needs no lock and no bucket.
///
/// # Durability
/// What it tells of the newest batches may not be on the medium yet.
///
/// # Errors
/// [`StatusError`].
pub fn status(local_directory: impl AsRef<Path>) -> Result<Status, StatusError> {
    status_on(&RealDisk, local_directory.as_ref())
}

pub(crate) fn status_on(disk: &dyn Disk, directory: &Path) -> Result<Status, StatusError> {
    let mut visitor = StateVisitor::default();
    let inspected = inspect(disk, directory, &mut visitor)?;
    let Some(state) = visitor.state else {
        return Err(StatusError::Empty { directory: directory.to_owned() });
    };
    let open = state.open.as_ref();
    Ok(Status {
        local_directory: directory.to_owned(),
        next_sequence: state.next_sequence,
        uploaded_sequence: state.uploaded_sequence,
        pending_entries: state.next_sequence.saturating_sub(state.uploaded_sequence),
        pending_objects: state.next_number.saturating_sub(state.uploaded_number),
        open_object: open.map(|open| open.key.clone()),
        open_object_entries: open.map_or(0, |open| open.entries),
        open_object_bytes: open.map_or(0, |open| open.len_bytes),
        sources: state.positions.len() as u64,
        slabs: inspected.slabs.len() as u64,
        bytes: inspected.slabs.iter().map(|slab| slab.end_bytes).sum(),
        buffers_bytes_max: state.buffers_bytes_max,
        was_clean: inspected.was_clean,
        torn_bytes: inspected.torn.map_or(0, |torn| torn.len_bytes),
        damage: visitor.damage.into_iter().map(DamageStatus::from).collect(),
        left_out_entries: state.left_out_entries,
        left_out: state.gaps.iter().map(LeftOut::from).collect(),
        id: state.identity.id,
        incarnation: state.identity.incarnation,
        store: state.identity.store,
        prefix: state.identity.prefix,
    })
}
