//! What the task queue writes into the log, as bytes and back. Pure.
//!
//! | kind | meta (CBOR) | payload |
//! |---|---|---|
//! | 16, a task | [`TaskMeta`]: number, name, and if it was moved its place in the order and its attempts | its bytes |
//! | 17, settled | [`Settled`]: numbers of completed tasks in runs, retried tasks with their new place in the order | none |
//!
//! A task is told of by the record that is last in the log with its number: a later kind 16 with the same number is the same
//! task, moved. The checkpoint of a slab is [`Checkpoint`]: the next number. Nothing else need be known at the start of a
//! slab, since slabs are freed oldest first: a record that settles a task is freed after every record that tells of it.

use minicbor::{Decode, Encode};

use super::name::check_name;
use crate::error::RecordError;

/// A task.
pub(super) const KIND_TASK: u16 = 16;
/// Tasks that were completed or retried.
pub(super) const KIND_SETTLED: u16 = 17;

/// Says whose log this is, so that another program's isn't taken for one of queues.
const CLIENT: &str = "task queue";
/// Version of the records told of here.
const RECORDS_VERSION: u32 = 1;

/// The most tasks that one record settles: at most 10 bytes each, it stays far below the room that each slab keeps for
/// control records.
pub(super) const SETTLED_TASKS_MAX: usize = 512;

/// Beginning of a slab.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
struct Checkpoint<'a> {
    #[b(0)]
    client: &'a str,
    #[n(1)]
    version: u32,
    #[n(2)]
    next: u64,
}

/// Meta of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(super) struct TaskMeta<'a> {
    /// Its number: dense and rising as tasks were put, over all names.
    #[n(0)]
    pub id: u64,
    /// The queue's name.
    #[b(1)]
    pub name: &'a str,
    /// Its place among the waiting, when that isn't its number.
    #[n(2)]
    pub order: Option<u64>,
    /// How often it was retried, when it was.
    #[n(3)]
    pub attempts: Option<u32>,
}

/// One retried task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(super) struct Retried {
    #[n(0)]
    pub id: u64,
    /// Its new place among the waiting.
    #[n(1)]
    pub order: u64,
    /// How often it was retried, this time included.
    #[n(2)]
    pub attempts: u32,
}

/// What became of tasks. Retried ones come first: one that was retried and then completed is completed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct Settled {
    /// Pairs: how far the run begins after the last one's end, and its length.
    #[n(0)]
    runs: Vec<u64>,
    /// In the order of the calls.
    #[n(1)]
    pub retried: Vec<Retried>,
}

impl Settled {
    /// Of any completed tasks, in any order.
    pub fn new(mut completed: Vec<u64>, retried: Vec<Retried>) -> Self {
        completed.sort_unstable();
        completed.dedup();
        let mut runs: Vec<u64> = Vec::new();
        let mut end = 0;
        for id in completed {
            match runs.last_mut() {
                Some(len) if id == end => *len += 1,
                _ => runs.extend([id - end, 1]),
            }
            end = id + 1;
        }
        Self { runs, retried }
    }

    /// The runs of completed numbers, first to last inclusive.
    pub fn completed(&self) -> Result<Vec<std::ops::RangeInclusive<u64>>, RecordError> {
        let mut end = 0_u64;
        let mut ranges = Vec::with_capacity(self.runs.len() / 2);
        let (pairs, rest) = self.runs.as_chunks::<2>();
        let overflow = || RecordError::new("a record of completed tasks has impossible numbers");
        if !rest.is_empty() {
            return Err(overflow());
        }
        for [gap, len] in pairs {
            let first = end.checked_add(*gap).ok_or_else(overflow)?;
            let last = len.checked_sub(1).and_then(|more| first.checked_add(more)).ok_or_else(overflow)?;
            end = last.checked_add(1).ok_or_else(overflow)?;
            ranges.push(first..=last);
        }
        Ok(ranges)
    }
}

/// Adds the CBOR of `value` to `out`. Writing to memory can't fail, and these types have no failing parts.
fn put<T: Encode<()>>(value: &T, out: &mut Vec<u8>) {
    let written: Result<(), minicbor::encode::Error<std::convert::Infallible>> = minicbor::encode(value, out);
    debug_assert!(written.is_ok(), "encoding into memory failed");
}

/// A checkpoint that says which number the next task gets.
pub(super) fn put_checkpoint(next: u64, out: &mut Vec<u8>) {
    put(&Checkpoint { client: CLIENT, version: RECORDS_VERSION, next }, out);
}

/// The next number.
pub(super) fn checkpoint(payload: &[u8]) -> Result<u64, RecordError> {
    let Ok(checkpoint) = minicbor::decode::<Checkpoint<'_>>(payload) else {
        return Err(RecordError::new(
            "the log in this directory isn't one of task queues: use another directory",
        ));
    };
    if checkpoint.client != CLIENT {
        return Err(RecordError::new(format!(
            "the log in this directory belongs to another program ({:?}): use another directory",
            checkpoint.client
        )));
    }
    if checkpoint.version > RECORDS_VERSION {
        return Err(RecordError::new(format!(
            "the queues were written by a newer version (records {}, known here {RECORDS_VERSION}): use that one",
            checkpoint.version
        )));
    }
    Ok(checkpoint.next)
}

impl TaskMeta<'_> {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + self.name.len());
        put(self, &mut out);
        out
    }
}

/// A task's meta.
pub(super) fn task(meta: &[u8]) -> Result<TaskMeta<'_>, RecordError> {
    let task: TaskMeta<'_> = minicbor::decode(meta)
        .map_err(|error| RecordError::new(format!("a task's record can't be understood: {error}")))?;
    check_name(task.name).map_err(|error| RecordError::new(error.to_string()))?;
    Ok(task)
}

impl Settled {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(8 + 4 * self.runs.len() + 16 * self.retried.len());
        put(self, &mut out);
        out
    }
}

/// A settling record's meta.
pub(super) fn settled(meta: &[u8]) -> Result<Settled, RecordError> {
    minicbor::decode(meta).map_err(|error| {
        RecordError::new(format!("a record of completed tasks can't be understood: {error}"))
    })
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
