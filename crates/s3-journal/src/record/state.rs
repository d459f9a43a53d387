//! What follows from all records so far: the content of the checkpoint that every slab begins with, so that nothing is
//! forgotten when slabs are freed and opening reads only the newest one.

use std::collections::{BTreeMap, VecDeque};

use durable_queue::Position;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use thiserror::Error;

use super::kinds::{Batch, Opening, PositionUpdate, Quarantined, Record, Uploaded};
use crate::object::Predecessor;
use crate::stream::Tail;

/// The version of the journal's records.
pub const FORMAT: u32 = 1;

/// The most bytes of positions that a journal remembers, all sources together: they are part of each checkpoint.
pub const POSITIONS_BYTES_MAX: usize = 1 << 20;

/// Runs remembered: whose uploads may be swept as ours.
const RUNS_MAX: usize = 64;

/// Gaps remembered one by one.
const GAPS_MAX: usize = 32;

/// Who writes here, and where to. Fixed when the directory is made.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Identity {
    /// The journal's id.
    #[n(0)]
    pub id: String,
    /// When the directory was made (or last taken over by other options while empty), and 8 random digits.
    #[n(1)]
    pub incarnation: String,
    /// The store: `s3://bucket`, `file:///path`.
    #[n(2)]
    pub store: String,
    /// The prefix in it.
    #[n(3)]
    pub prefix: String,
}

/// The object that entries go into.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OpenObject {
    /// Its number.
    #[n(0)]
    pub number: u64,
    /// Its key.
    #[n(1)]
    pub key: String,
    /// Its directory.
    #[n(2)]
    pub directory: String,
    /// Sequence number of its first entry.
    #[n(3)]
    pub first: u64,
    /// Entries so far.
    #[n(4)]
    pub entries: u64,
    /// When it was opened: milliseconds since 1970.
    #[n(5)]
    pub opened_unix_ms: i64,
    /// Raw bytes so far.
    #[n(6)]
    pub raw_len_bytes: u64,
    /// Stored bytes so far.
    #[n(7)]
    pub len_bytes: u64,
    /// The compressed format's own checksum so far.
    #[n(8)]
    pub stream_checksum: u64,
    /// CRC-64/NVME of the stored bytes so far.
    #[n(9)]
    pub crc64nvme: u64,
    /// CRC-64/NVME of the part that isn't full.
    #[n(10)]
    pub part_crc64nvme: u64,
    /// Size of its parts in bytes.
    #[n(11)]
    pub part_size_bytes: u64,
    /// Name of the compressor.
    #[n(12)]
    pub compressor: String,
}

impl OpenObject {
    /// What closes its stream.
    pub fn tail(&self) -> Tail {
        Tail { raw_len: self.raw_len_bytes, stored_len: self.len_bytes, checksum: self.stream_checksum }
    }

    /// A batch goes into it.
    pub fn follow(&mut self, batch: &Batch) {
        self.entries += batch.entries;
        self.raw_len_bytes = batch.raw_len_bytes;
        self.len_bytes = batch.len_bytes;
        self.stream_checksum = batch.stream_checksum;
        self.crc64nvme = batch.crc64nvme;
        self.part_crc64nvme = batch.part_crc64nvme;
    }

    /// The object that a batch with this opening begins, without the batch.
    pub fn opened(batch: &Batch, opening: &Opening) -> Self {
        Self {
            number: batch.number,
            key: opening.key.clone(),
            directory: opening.directory.clone(),
            first: batch.first,
            entries: 0,
            opened_unix_ms: batch.time_unix_ms,
            raw_len_bytes: 0,
            len_bytes: 0,
            stream_checksum: 0,
            crc64nvme: 0,
            part_crc64nvme: 0,
            part_size_bytes: opening.part_size_bytes,
            compressor: opening.compressor.clone(),
        }
    }
}

/// What is known of the object that is next to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct SendingState {
    /// An upload in parts that was created for it.
    #[n(0)]
    pub upload_id: Option<String>,
    /// Whether a request that can make it visible may have been sent.
    #[n(1)]
    pub sent: bool,
}

/// Entries that were left out of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Gap {
    /// The object that ended early, or wasn't written.
    #[n(0)]
    pub number: u64,
    /// Sequence number of the first entry that is left out.
    #[n(1)]
    pub first: u64,
    /// Sequence number after the last.
    #[n(2)]
    pub next_sequence: u64,
    /// Where what was left out is kept, below the local directory.
    #[n(3)]
    pub kept_as: String,
    /// How many of them are in batches that are whole.
    #[n(4)]
    pub good_entries: u64,
    /// Nothing of the object is written.
    #[n(5)]
    #[cbor(default)]
    pub whole_object: bool,
}

/// What an object says of the one before it, where that isn't what was recorded when it was opened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Chain {
    /// The object that says it.
    #[n(0)]
    pub number: u64,
    /// What it says.
    #[n(1)]
    pub previous: Predecessor,
}

/// Everything that follows from the records so far.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct State {
    /// [`FORMAT`] of the program that wrote it.
    #[n(0)]
    pub format: u32,
    /// Who writes here.
    #[n(1)]
    pub identity: Identity,
    /// This run's number, and the ones before it, newest last.
    #[n(2)]
    pub runs: VecDeque<u32>,
    /// Sequence number of the next entry.
    #[n(3)]
    pub next_sequence: u64,
    /// Number of the next object to be opened.
    #[n(4)]
    pub next_number: u64,
    /// The last time that a directory was made for: milliseconds since 1970.
    #[n(5)]
    pub time_unix_ms: i64,
    /// The last position of each source.
    #[n(6)]
    pub positions: BTreeMap<u64, ByteVec>,
    /// The object that entries go into.
    #[n(7)]
    pub open: Option<OpenObject>,
    /// What the next object will say of the last sealed one.
    #[n(8)]
    pub previous: Option<Predecessor>,
    /// Sequence number after the last entry that is in the bucket.
    #[n(9)]
    pub uploaded_sequence: u64,
    /// Number of the next object to be uploaded.
    #[n(10)]
    pub uploaded_number: u64,
    /// Where its first record is, or will be.
    #[n(11)]
    pub cursor: Position,
    /// What is known of it.
    #[n(12)]
    pub sending: SendingState,
    /// How it ends, if it ends before a damaged part.
    #[n(13)]
    pub cut: Option<Quarantined>,
    /// What it says of its predecessor, if that ended early.
    #[n(14)]
    pub chain: Option<Chain>,
    /// The last entries that were left out, oldest first, and how many in all.
    #[n(15)]
    #[cbor(default)]
    pub gaps: VecDeque<Gap>,
    #[n(16)]
    #[cbor(default)]
    pub left_out_entries: u64,
    /// As `chain`, for an object that itself ends early and whose successor has the other.
    #[n(17)]
    pub cut_chain: Option<Chain>,
    /// The sum of the buffers of the journal that wrote it, at the most; nothing where it didn't say so.
    #[n(18)]
    pub buffers_bytes_max: Option<u64>,
}

/// Records that contradict each other: a fault of the program that wrote them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct StateError {
    reason: String,
}

impl State {
    /// The state of a directory that is new.
    pub fn new(identity: Identity) -> Self {
        Self {
            format: FORMAT,
            identity,
            runs: VecDeque::new(),
            next_sequence: 0,
            next_number: 0,
            time_unix_ms: i64::MIN,
            positions: BTreeMap::new(),
            open: None,
            previous: None,
            uploaded_sequence: 0,
            uploaded_number: 0,
            cursor: Position::ZERO,
            sending: SendingState::default(),
            cut: None,
            chain: None,
            gaps: VecDeque::new(),
            left_out_entries: 0,
            cut_chain: None,
            buffers_bytes_max: None,
        }
    }

    /// What stands in the header of each frame: how far the sequence has come with it, plus one, since 0 says nothing.
    pub fn note(&self, record: &Record) -> u64 {
        let next_sequence = match record {
            Record::Batch(batch) => batch.first + batch.entries,
            _ => self.next_sequence,
        };
        next_sequence.saturating_add(1)
    }

    /// The journal is opened once more, as `run`.
    pub fn begin_run(&mut self, run: u32) {
        self.runs.push_back(run);
        while self.runs.len() > RUNS_MAX {
            self.runs.pop_front();
        }
    }

    /// Whether no entry waits here.
    pub fn is_drained(&self) -> bool {
        self.open.is_none() && self.uploaded_number == self.next_number
    }

    /// Appends the state's bytes.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        // Writing to a Vec can't fail (its error type has no values).
        let _ = minicbor::encode(self, out);
    }

    /// Reads a state's bytes.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        let state: Self = minicbor::decode(bytes)
            .map_err(|error| StateError { reason: format!("the checkpoint can't be read: {error}") })?;
        if state.format > FORMAT {
            return Err(StateError {
                reason: format!(
                    "the journal's records have format {} and this program knows up to {FORMAT}; use a newer one",
                    state.format
                ),
            });
        }
        Ok(state)
    }

    /// Whether a record may come next.
    ///
    /// # Errors
    /// A record that contradicts the ones before it.
    pub fn check(&self, record: &Record) -> Result<(), StateError> {
        let open = self.open.as_ref().map(|open| open.number);
        match record {
            Record::Batch(batch) if batch.first != self.next_sequence => {
                contradiction(format!("a batch begins at {} after {}", batch.first, self.next_sequence))
            }
            Record::Batch(Batch { number, opening: Some(_), .. })
                if open.is_some() || *number != self.next_number =>
            {
                contradiction(format!("object {number} is opened out of turn"))
            }
            Record::Batch(Batch { number, opening: None, .. }) if open != Some(*number) => {
                contradiction(format!("a batch belongs to object {number}, which isn't open"))
            }
            Record::Seal(seal) if open != Some(seal.number) => {
                contradiction(format!("object {} is sealed but {open:?} is open", seal.number))
            }
            Record::Sent(sent) if sent.number != self.uploaded_number => contradiction(format!(
                "object {} is sent while {} is next",
                sent.number, self.uploaded_number
            )),
            Record::Uploaded(uploaded)
                if uploaded.number != self.uploaded_number
                    || uploaded.number >= self.next_number
                    || open == Some(uploaded.number) =>
            {
                contradiction(format!(
                    "object {} is uploaded while {} is next",
                    uploaded.number, self.uploaded_number
                ))
            }
            Record::Quarantined(quarantined)
                if quarantined.number != self.uploaded_number
                    || quarantined.next_number <= quarantined.number
                    || quarantined.next_number > self.next_number
                    || open.is_some_and(|open| open < quarantined.next_number)
                    || quarantined.first > quarantined.next_sequence =>
            {
                contradiction(format!(
                    "objects from {} to {} are left out while {} is next and {open:?} is open",
                    quarantined.number, quarantined.next_number, self.uploaded_number
                ))
            }
            _ => Ok(()),
        }
    }

    /// Follows a record.
    ///
    /// # Errors
    /// As [`State::check`]; nothing has changed then.
    pub fn apply(&mut self, record: &Record) -> Result<(), StateError> {
        self.check(record)?;
        match record {
            Record::Batch(batch) => self.apply_batch(batch),
            Record::Seal(seal) => {
                self.open = None;
                self.previous = Some(seal.as_predecessor());
            }
            Record::UploadStarted(started) => {
                if started.number == self.uploaded_number {
                    self.sending.upload_id = Some(started.upload_id.clone());
                }
            }
            Record::Sent(sent) => self.sending.sent = !sent.refused,
            Record::Uploaded(uploaded) => self.apply_uploaded(uploaded),
            Record::Quarantined(quarantined) => self.apply_quarantined(quarantined),
            Record::Unknown => {}
        }
        Ok(())
    }

    fn apply_uploaded(&mut self, uploaded: &Uploaded) {
        let cut = self.cut.take();
        self.cut_chain = None;
        let chain = self.chain.take_if(|chain| chain.number > uploaded.number);
        if let Some(whole) = cut.as_ref().filter(|_| uploaded.whole).and_then(|cut| cut.cut.as_ref()?.whole) {
            // It had arrived before it was damaged: so much less is missing.
            if cut.as_ref().is_some_and(|cut| cut.next_number == self.next_number) {
                self.previous = Some(whole);
            }
            let arrived = whole
                .entries
                .saturating_sub(cut.as_ref().and_then(|cut| cut.cut.as_ref()).map_or(0, |cut| cut.entries));
            if let Some(gap) = self.gaps.back_mut().filter(|gap| gap.number == uploaded.number) {
                gap.first = gap.first.saturating_add(arrived).min(gap.next_sequence);
                gap.good_entries = gap.good_entries.min(gap.next_sequence - gap.first);
                self.left_out_entries = self.left_out_entries.saturating_sub(arrived);
            }
            self.gaps.retain(|gap| gap.first < gap.next_sequence);
        } else {
            self.chain = chain;
        }
        self.uploaded_number = cut.map_or(uploaded.number, |cut| cut.next_number - 1) + 1;
        self.uploaded_sequence = uploaded.next_sequence;
        self.cursor = uploaded.cursor;
        self.sending = SendingState::default();
    }

    fn apply_quarantined(&mut self, quarantined: &Quarantined) {
        // More of the same object may turn out to be damaged.
        if let Some(gap) = self.gaps.pop_back_if(|gap| gap.number == quarantined.number) {
            self.left_out_entries = self.left_out_entries.saturating_sub(gap.next_sequence - gap.first);
        }
        if quarantined.first < quarantined.next_sequence {
            self.gaps.push_back(Gap {
                number: quarantined.number,
                first: quarantined.first,
                next_sequence: quarantined.next_sequence,
                kept_as: quarantined.kept_as.clone(),
                good_entries: quarantined.good_entries,
                whole_object: quarantined.cut.is_none(),
            });
            self.left_out_entries += quarantined.next_sequence - quarantined.first;
        }
        while self.gaps.len() > GAPS_MAX {
            self.gaps.pop_front();
        }
        let is_newest = quarantined.next_number == self.next_number;
        match &quarantined.cut {
            Some(cut) => {
                let previous = cut.as_predecessor();
                if is_newest {
                    self.previous = Some(previous);
                }
                self.cut = Some(quarantined.clone());
                // An object that is missing altogether is told of by its number.
                let number = quarantined.next_number;
                if let Some(own) = self.chain.take_if(|chain| chain.number == quarantined.number) {
                    self.cut_chain = Some(own);
                }
                self.chain = (number == quarantined.number + 1).then_some(Chain { number, previous });
            }
            None => {
                self.cut = None;
                self.chain = None;
                self.cut_chain = None;
                self.uploaded_number = quarantined.next_number;
                self.uploaded_sequence = quarantined.next_sequence;
                self.cursor = quarantined.cursor;
                self.sending = SendingState::default();
            }
        }
    }

    /// What the object `number`, which is next to be uploaded, says of its predecessor, if that isn't what was recorded.
    pub fn chain_of(&self, number: u64) -> Option<Predecessor> {
        self.cut_chain
            .iter()
            .chain(&self.chain)
            .find(|chain| chain.number == number)
            .map(|chain| chain.previous)
    }

    fn apply_batch(&mut self, batch: &Batch) {
        if let Some(opening) = &batch.opening {
            self.next_number += 1;
            self.open = Some(OpenObject::opened(batch, opening));
        }
        if let Some(open) = &mut self.open {
            open.follow(batch);
        }
        self.next_sequence += batch.entries;
        self.time_unix_ms = batch.time_unix_ms;
        for PositionUpdate { source, position } in &batch.positions {
            // An empty position is the way to forget a source.
            if position.is_empty() {
                self.positions.remove(source);
            } else {
                self.positions.insert(*source, position.clone());
            }
        }
    }
}

fn contradiction<T>(reason: impl std::fmt::Display) -> Result<T, StateError> {
    Err(StateError { reason: format!("records contradict each other: {reason}") })
}
