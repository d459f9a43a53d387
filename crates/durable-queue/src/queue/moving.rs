//! Empties old slabs that are mostly dead, by appending their last tasks again: one step of the keeper's. The tasks keep
//! number and order, and stay where they were until the copies are durable.

use std::time::Duration;

use super::record::{self, KIND_TASK, TaskMeta};
use super::shared::Shared;
use super::state::Refusal;
use crate::commit::Class;
use crate::error::ReadError;
use crate::frame::Frame;
use crate::log::{Reader, Through};
use crate::position::Position;
use crate::recovery::Record;
use crate::slab::FIRST_FRAME;

/// Where room is wanting a small task may be moved into the room that slabs keep for control records: at most this share of
/// it, so that completions still fit.
const RESERVE_SHARE: u64 = 4;
/// How long to wait for a busy log before looking whether this is still wanted.
const BUSY_WAIT: Duration = Duration::from_secs(1);

/// A task that has a copy.
struct Moved {
    name: String,
    id: u64,
    from: Position,
    to: Position,
    end: Position,
    frame_bytes: u32,
}

/// Why the rest of a slab can't be moved now.
struct Stopped;

impl Shared {
    /// Empties one slab, if there is one worth it.
    ///
    /// # Durability
    /// The copies are durable before the ledger knows of them, and so before the log may remove what they were copied from.
    pub fn move_step(&self) {
        let slab = {
            let mut state = self.lock();
            state.chores.is_move_due = false;
            self.slab_to_empty(&state)
        };
        let Some(slab) = slab else { return };
        let mut moved = Vec::new();
        let copied = self.copy_tasks(slab, &mut moved);
        if let Some(last) = moved.last() {
            self.log.request_sync(last.end);
            if !matches!(self.log.wait_durable(last.end, None), Ok(true)) {
                return;
            }
        }
        let mut state = self.lock();
        for task in &moved {
            state.ledger.moved(&task.name, task.id, task.from, task.to, task.frame_bytes);
        }
        tracing::debug!(slab, tasks = moved.len(), "moved the last tasks of an old slab");
        self.release(&mut state);
        if copied.is_ok() {
            self.look(&mut state);
        }
    }

    fn copy_tasks(&self, slab: u64, moved: &mut Vec<Moved>) -> Result<(), Stopped> {
        let mut reader = self.log.reader(Position::new(slab, FIRST_FRAME), Through::Written);
        let mut payload = Vec::new();
        loop {
            let record = match reader.next() {
                Ok(Some(record)) if record.position.slab == slab => record,
                Ok(_) => return Ok(()),
                Err(error) => {
                    tracing::warn!(slab, %error, "an old slab can't be read through and stays until its tasks are completed");
                    if matches!(error, ReadError::Corrupt { .. }) {
                        self.lock().ledger.slabs.unreadable(slab);
                    }
                    return Err(Stopped);
                }
            };
            if record.kind == KIND_TASK
                && let Ok(task) = record::task(&record.meta)
            {
                self.copy_task(&mut reader, &record, &task, &mut payload, moved)?;
            }
        }
    }

    fn copy_task(
        &self,
        reader: &mut Reader,
        record: &Record,
        task: &TaskMeta<'_>,
        payload: &mut Vec<u8>,
        moved: &mut Vec<Moved>,
    ) -> Result<(), Stopped> {
        let TaskMeta { id, name, .. } = *task;
        if self.lock().ledger.at(name, id, record.position).is_none() {
            return Ok(());
        }
        match reader.read_checked(record, payload) {
            Ok(()) => {}
            Err(ReadError::Corrupt { .. }) => {
                // Whoever takes it will be told. Until then its slab stays.
                self.lock().ledger.unreadable(name, id, record.position);
                return Ok(());
            }
            Err(error) => {
                tracing::warn!(task = id, %error, "an old task can't be read to be moved");
                return Err(Stopped);
            }
        }
        let mut class = Class::Data;
        loop {
            let mut state = self.lock();
            if !state.is_open {
                return Err(Stopped);
            }
            // Again: it may have been completed, or retried, meanwhile.
            let Some(entry) = state.ledger.at(name, id, record.position) else { return Ok(()) };
            let order = (entry.order != id).then_some(entry.order);
            let attempts = (entry.attempts > 0).then_some(entry.attempts);
            let meta = TaskMeta { id, name, order, attempts }.encode();
            let frame = Frame::with_payload_checksum(KIND_TASK, true, &meta, payload, record.payload_crc);
            let bytes = frame.bytes_on_disk();
            match self.append(&state, &frame, class) {
                Ok(appended) => {
                    state.ledger.slabs.reaches(appended.end.slab, appended.end.offset_bytes);
                    moved.push(Moved {
                        name: name.to_owned(),
                        id,
                        from: record.position,
                        to: appended.position,
                        end: appended.end,
                        frame_bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
                    });
                    return Ok(());
                }
                Err(Refusal::Busy) => {
                    drop(state);
                    let _ = self.log.wait_for_room(Some(BUSY_WAIT));
                }
                Err(Refusal::Full(_))
                    if class == Class::Data
                        && bytes <= self.log.options().control_reserve_bytes / RESERVE_SHARE =>
                {
                    class = Class::Control;
                }
                Err(_) => return Err(Stopped),
            }
        }
    }
}
