//! The log with the state that follows from it, kept in step: each record is appended and applied under one lock, so
//! that a checkpoint written at any moment is the state of everything before it. Does no I/O while locked.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use durable_queue::{
    AppendError, Appended, Class, Damage, Frame, FullReason, Log, Position, RecordError, Visitor, checksum,
};

use crate::error::JournalFailure;
use crate::record::{Kind, Record, Resync, State};
use crate::sync::lock;

/// Why a record isn't appended.
#[derive(Debug)]
pub enum LedgerError {
    /// The log is busy: wait for room.
    Busy,
    /// There is no room on disk.
    Full(FullReason),
    /// The log was closed.
    Closed,
    /// Nothing can be appended any more.
    Failed(Arc<JournalFailure>),
}

/// The log and its state.
#[derive(Debug)]
pub struct Ledger {
    log: Log,
    state: Mutex<State>,
    /// What a record is encoded into, kept to save the allocation.
    scratch: Mutex<Vec<u8>>,
    /// Number of the object into which nothing more is to go, plus one; 0 for none.
    condemned: AtomicU64,
}

/// Where the log and the objects in it end, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The end of what was appended.
    pub appended: Position,
    /// The object that is open.
    pub open: Option<u64>,
    /// Number of the next object.
    pub next_number: u64,
    /// Sequence number of the next entry.
    pub next_sequence: u64,
}

impl Ledger {
    /// A log whose records so far give `state`.
    pub fn new(log: Log, state: State) -> Self {
        Self { log, state: Mutex::new(state), scratch: Mutex::new(Vec::new()), condemned: AtomicU64::new(0) }
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Looks at the state. `look` must be short: every append waits for it.
    pub fn state<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.state))
    }

    /// Where everything ends at this moment.
    pub fn ends(&self) -> Ends {
        let state = lock(&self.state);
        Ends {
            appended: self.log.appended(),
            open: state.open.as_ref().map(|open| open.number),
            next_number: state.next_number,
            next_sequence: state.next_sequence,
        }
    }

    /// Nothing more is to go into that object: it is damaged here.
    pub fn condemn(&self, number: u64) {
        self.condemned.store(number.saturating_add(1), Ordering::Release);
    }

    /// The object into which nothing more is to go.
    pub fn condemned(&self) -> Option<u64> {
        self.condemned.load(Ordering::Acquire).checked_sub(1)
    }

    /// With nothing waiting, everything in the log so far may go.
    pub fn forget_what_is_drained(&self) {
        let appended = self.log.appended();
        let mut state = lock(&self.state);
        if state.is_drained() {
            state.cursor = state.cursor.max(appended);
        }
        self.log.release_before(state.cursor);
    }

    /// Appends a record with its payload and applies it.
    ///
    /// # Durability
    /// The record is in memory only; [`Log::durable`] says when it is on the medium.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing has changed then.
    pub fn append(&self, record: &Record, payload: &[u8]) -> Result<Appended, LedgerError> {
        // Outside the state's lock.
        self.append_summed(record, payload, checksum(payload))
    }

    /// The same, of a payload whose checksum is known.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub fn append_summed(
        &self,
        record: &Record,
        payload: &[u8],
        payload_crc: u64,
    ) -> Result<Appended, LedgerError> {
        let kind = record.kind();
        let mut meta = lock(&self.scratch);
        record.encode_into(&mut meta);
        let number = kind.map_or(0, |kind| kind as u16);
        let frame =
            Frame::with_payload_checksum(number, record.must_understand(), &meta, payload, payload_crc);
        let class = if kind == Some(Kind::Batch) { Class::Data } else { Class::Control };
        let mut state = lock(&self.state);
        // Once it is in the log it is read at each opening: one that contradicts the others must not get there.
        state.check(record).map_err(|error| internal(error.to_string()))?;
        let frame = frame.noted(state.note(record));
        let appended = self.log.append(&frame, class, &mut |out| state.encode_into(out));
        let appended = appended.map_err(|error| match error {
            AppendError::Busy => LedgerError::Busy,
            AppendError::Full { reason, .. } => LedgerError::Full(reason),
            AppendError::Closed => LedgerError::Closed,
            AppendError::Failed(failure) => LedgerError::Failed(Arc::new(JournalFailure::Log(failure))),
            other => internal(other.to_string()),
        })?;
        state.apply(record).map_err(|error| internal(error.to_string()))?;
        Ok(appended)
    }
}

fn internal(reason: String) -> LedgerError {
    LedgerError::Failed(Arc::new(JournalFailure::Internal { reason }))
}

/// Damage that was found when the log was opened, with the entries it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DamagedEntries {
    pub(crate) damage: Damage,
    /// Sequence number of the first entry that may be damaged. Not known in slabs that opening doesn't read through.
    pub(crate) first: Option<u64>,
    /// Sequence number after the last. Not known there, nor where nothing follows that would tell.
    pub(crate) next: Option<u64>,
}

/// Collects the state while the log is opened, across damage.
#[derive(Debug, Default)]
pub(crate) struct StateVisitor {
    pub(crate) state: Option<State>,
    pub(crate) resync: Resync,
    pub(crate) damage: Vec<DamagedEntries>,
}

impl StateVisitor {
    /// What follows the damage tells how far it goes: the entry before which it ends.
    fn close(&mut self, next: u64) {
        for found in self.damage.iter_mut().rev().take_while(|found| found.next.is_none()) {
            found.next = found.first.map(|first| first.max(next));
        }
    }
}

impl Visitor for StateVisitor {
    fn checkpoint(&mut self, payload: &[u8]) -> Result<(), RecordError> {
        self.state = Some(State::decode(payload).map_err(|error| RecordError::new(error.to_string()))?);
        Ok(())
    }

    fn record(&mut self, record: &durable_queue::Record, _payload: &[u8]) -> Result<(), RecordError> {
        let decoded = Record::decode(record.kind, record.must_understand, &record.meta)
            .map_err(|error| RecordError::new(crate::upload::chain(&error)))?;
        let Some(state) = &mut self.state else {
            return Err(RecordError::new("a record comes before the first checkpoint"));
        };
        self.resync
            .follow(state, &decoded, record.note, record.index)
            .map_err(|error| RecordError::new(error.to_string()))?;
        if !self.resync.is_open() {
            let next = match &decoded {
                Record::Batch(batch) => batch.first,
                _ => state.next_sequence,
            };
            self.close(next);
        }
        Ok(())
    }

    /// Submitting goes on whatever is damaged: the upload stops there, or passes it by.
    fn damaged(&mut self, damage: &Damage) -> Result<(), RecordError> {
        let first = self.state.as_ref().map(|state| state.next_sequence);
        let mut found = DamagedEntries { damage: damage.clone(), first, next: None };
        match (&damage.record, &mut self.state) {
            (Some(record), Some(_)) => {
                // Only its payload is damaged: what it means is known.
                self.record(record, &[])?;
                found.next = self.state.as_ref().map(|state| state.next_sequence);
            }
            (None, Some(state)) if damage.has_frames => self.resync.gap(state, damage.note.zip(damage.index)),
            // A slab's own header: no entry is concerned.
            (_, Some(state)) => found.next = Some(state.next_sequence),
            (_, None) => {}
        }
        if !self.resync.is_open() {
            found.next = found.next.or_else(|| self.state.as_ref().map(|state| state.next_sequence));
        }
        self.damage.push(found);
        Ok(())
    }

    fn noted(&mut self, note: u64, index: u64) {
        let Some(state) = &mut self.state else { return };
        self.resync.noted(state, note, index);
        let next = state.next_sequence;
        if !self.resync.is_open() {
            self.close(next);
        }
    }
}
