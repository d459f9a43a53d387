//! The state across damage: records are missing, and those that follow say what they amounted to. Pure.
//!
//! What may not go wrong whatever is missing: a sequence number or an object's number that was used is never used again. Every
//! frame's header says how far the sequence has come with it (the log's own frames repeat that), and frames are numbered densely. So
//! the next sequence number is known as soon as any frame follows the damage; the next object's number is known with the next
//! batch or seal, and till then taken to be as high as the missing frames could have made it.
//!
//! What is lost with missing records: positions of sources (the ones before count, so a source goes on too early rather than too late), the
//! key and age of an open object (it is ended, and never uploaded as it is), that an object was sent or uploaded (it is looked for in
//! the bucket).

use super::kinds::{Batch, Record, Sent, Uploaded};
use super::state::{OpenObject, SendingState, State, StateError};
use crate::sabotage;

/// How far numbers jump where nothing says how many were used: more entries than a slab can hold, at the highest compression.
const SEQUENCE_JUMP: u64 = 1 << 44;
/// Objects likewise.
const NUMBER_JUMP: u64 = 1 << 20;

/// Follows records of which some may be missing.
#[derive(Debug, Default)]
pub struct Resync {
    /// Records were missing at all.
    has_gaps: bool,
    /// Records are missing, and nothing has followed yet.
    is_open: bool,
    last_index: Option<u64>,
    /// How many frames are missing since the next object's number was last known.
    missing: u64,
    unsure: Option<Unsure>,
}

/// The next object's number isn't known. The state has it as high as the missing frames could have made it.
#[derive(Debug, Clone, Copy)]
struct Unsure {
    /// What it was when it was known.
    known: u64,
    /// An object was open then.
    was_open: bool,
    /// How many numbers are known to be used by now.
    used: u64,
}

impl Resync {
    /// Records are missing here. Note and index, if known, are those of the last of them.
    pub fn gap(&mut self, state: &mut State, last: Option<(u64, u64)>) {
        self.has_gaps = true;
        self.is_open = true;
        let Some((note, index)) = last else { return };
        self.count_before(index);
        self.missing = self.missing.saturating_add(1);
        if note > 0 {
            self.reach(state, note);
        }
    }

    /// A frame with this note and this index follows, which isn't a record.
    pub fn noted(&mut self, state: &mut State, note: u64, index: u64) {
        self.count_before(index);
        if self.is_open && note > 0 {
            self.reach(state, note);
        }
    }

    /// Whether nothing says how far the sequence had come.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Nothing says how far the sequence had come: it goes on where it can't have been.
    pub fn jump(&mut self, state: &mut State) {
        self.is_open = false;
        state.next_sequence += SEQUENCE_JUMP;
        state.next_number += NUMBER_JUMP;
        state.open = None;
    }

    /// Follows a record.
    ///
    /// # Errors
    /// A record that contradicts the ones before it, and not because some are missing between.
    pub fn follow(
        &mut self,
        state: &mut State,
        record: &Record,
        note: u64,
        index: u64,
    ) -> Result<(), StateError> {
        self.count_before(index);
        if !self.has_gaps {
            return state.apply(record);
        }
        if self.is_open && note > 0 && !matches!(record, Record::Batch(_)) {
            self.reach(state, note);
        }
        match record {
            Record::Batch(batch) => {
                make_way(state, batch);
                self.is_open = false;
                self.number_is_known();
            }
            Record::Seal(seal) => {
                let is_it = state.open.as_ref().is_some_and(|open| open.number == seal.number);
                if seal.number + 1 >= state.uploaded_number {
                    if !is_it {
                        state.open = Some(unknown(seal.number, state.next_sequence));
                    }
                    // What is sealed was opened last.
                    state.next_number = seal.number + 1;
                    self.number_is_known();
                }
            }
            Record::UploadStarted(started) => {
                self.used(started.number + 1);
                catch_up(state, started.number);
            }
            Record::Sent(sent) => {
                self.used(sent.number + 1);
                catch_up(state, sent.number);
            }
            Record::Uploaded(uploaded) => {
                self.used(uploaded.number + 1);
                self.uploaded(state, uploaded);
                catch_up(state, uploaded.number);
            }
            Record::Quarantined(quarantined) => {
                self.used(quarantined.next_number);
                catch_up(state, quarantined.number);
                state.next_number = state.next_number.max(quarantined.next_number);
                // What it left out was sealed.
                state.open = state.open.take().filter(|open| open.number >= quarantined.next_number);
            }
            Record::Unknown => {}
        }
        if let Record::Uploaded(Uploaded { number, .. }) | Record::Sent(Sent { number, .. }) = record {
            // What was sent was sealed.
            state.open = state.open.take().filter(|open| open.number > *number);
        }
        state.apply(record)
    }

    /// So many numbers of objects are used.
    fn used(&mut self, numbers: u64) {
        if let Some(unsure) = &mut self.unsure {
            unsure.used = numbers.max(unsure.used);
        }
    }

    /// An object was uploaded. If it is the end of all entries no object was begun after it, whatever is missing: there are no empty ones.
    fn uploaded(&mut self, state: &mut State, uploaded: &Uploaded) {
        let is_last = uploaded.next_sequence >= state.next_sequence;
        if let Some(unsure) = self.unsure.filter(|_| is_last) {
            state.next_number = unsure.used;
            state.open = None;
            self.number_is_known();
        }
    }

    fn number_is_known(&mut self) {
        self.unsure = None;
        self.missing = 0;
    }

    /// Indices are dense: the ones between are missing.
    fn count_before(&mut self, index: u64) {
        let last = self.last_index.replace(index);
        let missing = last.map_or(1, |last| index.saturating_sub(last.saturating_add(1)));
        if self.has_gaps {
            self.missing = self.missing.saturating_add(missing);
        }
    }

    /// The sequence has come as far as `note` says, by the missing frames.
    fn reach(&mut self, state: &mut State, note: u64) {
        let next_sequence = note - 1;
        if next_sequence > state.next_sequence && sabotage::NUMBERS_GO_ON.is_on() {
            state.next_sequence = next_sequence;
            let (known, was_open) = (state.next_number, state.open.is_some());
            let unsure = self.unsure.get_or_insert(Unsure { known, was_open, used: known });
            // An object that was opened after another took two frames at least, the other's seal and its own first batch. The one
            // that was open is ended once more, if it was sealed, and that end is never used.
            let begun = u64::midpoint(self.missing.max(1), u64::from(!unsure.was_open));
            state.next_number = unsure.used.max(unsure.known.saturating_add(begun));
        }
        self.is_open = false;
    }
}

/// Brings the state to where `batch` may follow.
fn make_way(state: &mut State, batch: &Batch) {
    if batch.first < state.next_sequence {
        return;
    }
    if batch.opening.is_some() {
        state.open = None;
        state.next_number = batch.number;
    } else {
        let skipped = batch.first - state.next_sequence;
        match &mut state.open {
            // It was open all the time: what is missing went into it.
            Some(open) if open.number == batch.number => open.entries += skipped,
            open => *open = Some(unknown(batch.number, batch.first)),
        }
        state.next_number = batch.number + 1;
    }
    state.next_sequence = batch.first;
}

/// All objects before `number` were uploaded: what says so is missing.
fn catch_up(state: &mut State, number: u64) {
    if number > state.uploaded_number {
        state.uploaded_number = number;
        state.sending = SendingState::default();
        state.cut = None;
    }
    state.next_number = state.next_number.max(number + 1);
}

/// An open object whose opening is missing: it is never uploaded as it is.
fn unknown(number: u64, first: u64) -> OpenObject {
    OpenObject {
        number,
        key: String::new(),
        directory: String::new(),
        first,
        entries: 0,
        opened_unix_ms: 0,
        raw_len_bytes: 0,
        len_bytes: 0,
        stream_checksum: 0,
        crc64nvme: 0,
        part_crc64nvme: 0,
        part_size_bytes: 8 << 20,
        compressor: "none".to_owned(),
    }
}
