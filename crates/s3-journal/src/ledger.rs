//! The log with the state that follows from it, kept in step: each record is appended and applied under one lock, so
//! that a checkpoint written at any moment is the state of everything before it. Does no I/O while locked.

use std::sync::{Arc, Mutex};

use durable_queue::{AppendError, Appended, Class, Frame, Log, RecordError, Visitor};

use crate::error::JournalFailure;
use crate::record::{Kind, Record, State};
use crate::sync::lock;

/// Why a record isn't appended.
#[derive(Debug)]
pub enum LedgerError {
    /// The log is busy: wait for room.
    Busy,
    /// There is no room on disk.
    Full,
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
}

impl Ledger {
    /// A log whose records so far give `state`.
    pub fn new(log: Log, state: State) -> Self {
        Self { log, state: Mutex::new(state), scratch: Mutex::new(Vec::new()) }
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Looks at the state. `look` must be short: every append waits for it.
    pub fn state<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.state))
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
        let kind = record.kind();
        let mut meta = lock(&self.scratch);
        record.encode_into(&mut meta);
        // The checksums are computed here, outside the state's lock.
        let frame = Frame::new(kind.map_or(0, |kind| kind as u16), record.must_understand(), &meta, payload);
        let class = if kind == Some(Kind::Batch) { Class::Data } else { Class::Control };
        let mut state = lock(&self.state);
        // Once it is in the log it is read at each opening: one that contradicts the others must not get there.
        state.check(record).map_err(|error| internal(error.to_string()))?;
        let appended = self.log.append(&frame, class, &mut |out| state.encode_into(out));
        let appended = appended.map_err(|error| match error {
            AppendError::Busy => LedgerError::Busy,
            AppendError::Full { .. } => LedgerError::Full,
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

/// Collects the state while the log is opened.
#[derive(Debug, Default)]
pub(crate) struct StateVisitor {
    pub(crate) state: Option<State>,
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
        state.apply(&decoded).map_err(|error| RecordError::new(error.to_string()))
    }
}
