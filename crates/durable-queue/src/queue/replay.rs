//! What the records of the log say, from the oldest slab to the end: a ledger. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ledger::{Entry, Ledger};
use super::record::{self, KIND_SETTLED, KIND_TASK};
use super::slabs::Slabs;
use crate::error::RecordError;
use crate::position::Position;
use crate::recovery::Record;

/// The tasks that aren't completed, as far as the records were read.
#[derive(Debug, Default)]
pub(super) struct Replay {
    names: BTreeSet<Arc<str>>,
    tasks: BTreeMap<u64, (Arc<str>, Entry)>,
    slabs: Slabs,
    next: u64,
    already_completed: Vec<u64>,
}

impl Replay {
    /// Nothing read yet; numbers below `next` were given out.
    pub fn new(next: u64) -> Self {
        Self { next, ..Self::default() }
    }

    /// The next record.
    pub fn record(&mut self, record: &Record) -> Result<(), RecordError> {
        self.slabs.reaches(record.end.slab, record.end.offset_bytes);
        self.next = self.next.max(next_after(record)?);
        match record.kind {
            KIND_TASK => self.task(record),
            KIND_SETTLED => self.settled(&record.meta),
            _ => Ok(()),
        }
    }

    fn task(&mut self, record: &Record) -> Result<(), RecordError> {
        let task = record::task(&record.meta)?;
        let order = task.order.unwrap_or(task.id);
        let frame_bytes = record.end.offset_bytes.saturating_sub(record.position.offset_bytes);
        let entry = Entry {
            order,
            id: task.id,
            place: record.position,
            frame_bytes: u32::try_from(frame_bytes)
                .map_err(|_| RecordError::new("a task's record is longer than the format allows"))?,
            attempts: task.attempts.unwrap_or(0),
        };
        let known = self.names.get(task.name).map(Arc::clone);
        let name = known.unwrap_or_else(|| {
            let name: Arc<str> = Arc::from(task.name);
            self.names.insert(Arc::clone(&name));
            name
        });
        self.tasks.insert(task.id, (name, entry));
        Ok(())
    }

    fn settled(&mut self, meta: &[u8]) -> Result<(), RecordError> {
        let settled = record::settled(meta)?;
        for retried in &settled.retried {
            if let Some((_, entry)) = self.tasks.get_mut(&retried.id) {
                entry.order = retried.order;
                entry.attempts = retried.attempts;
            }
        }
        // Of numbers that aren't here any more the slab was freed, which is only done when they are completed.
        for run in settled.completed()? {
            let ids: Vec<u64> = self.tasks.range(run).map(|(id, _)| *id).collect();
            for id in ids {
                self.tasks.remove(&id);
            }
        }
        Ok(())
    }

    /// Numbers and places of all tasks, in the order of the log.
    pub fn places(&self) -> Vec<(u64, Position)> {
        let mut places: Vec<_> = self.tasks.values().map(|(_, entry)| (entry.id, entry.place)).collect();
        places.sort_unstable_by_key(|(_, place)| *place);
        places
    }

    /// The task `id` turns out to be completed, although no record says so.
    pub fn is_completed(&mut self, id: u64) {
        if self.tasks.remove(&id).is_some() {
            self.already_completed.push(id);
        }
    }

    /// The ledger that these records come to.
    pub fn into_ledger(self) -> Ledger {
        let mut tasks: Vec<_> = self.tasks.into_values().collect();
        tasks.sort_unstable_by_key(|(_, entry)| entry.order);
        let mut ledger = Ledger::new(self.next, self.slabs);
        for (name, entry) in tasks {
            ledger.restore(&name, entry);
        }
        for id in self.already_completed {
            ledger.settlement.completed(id);
        }
        ledger
    }
}

/// The number after `number`. Only a forged record can hold the last one there is.
fn after(number: u64) -> Result<u64, RecordError> {
    number.checked_add(1).ok_or_else(|| RecordError::new("a record has an impossible number"))
}

/// The number after all that a record tells of; 0 if it tells of none.
pub(super) fn next_after(record: &Record) -> Result<u64, RecordError> {
    match record.kind {
        KIND_TASK => {
            let task = record::task(&record.meta)?;
            after(task.order.unwrap_or(0).max(task.id))
        }
        KIND_SETTLED => {
            let settled = record::settled(&record.meta)?;
            settled.retried.iter().try_fold(0, |next, retried| Ok(after(retried.order)?.max(next)))
        }
        _ => check_unknown(record).map(|()| 0),
    }
}

/// Passes over a record of a later version, unless that says it must be understood.
fn check_unknown(record: &Record) -> Result<(), RecordError> {
    if record.must_understand {
        let kind = record.kind;
        return Err(RecordError::new(format!(
            "a record of the unknown kind {kind} must be understood: use a newer version of this program"
        )));
    }
    Ok(())
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
