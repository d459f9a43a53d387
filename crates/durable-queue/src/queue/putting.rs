//! Putting a task: into the log's memory, into the ledger, and out when it is as durable as asked for. Blocks only here and in
//! the log's own waits.

use super::error::{PutError, SyncError};
use super::name::check_name;
use super::record::{KIND_TASK, TaskMeta};
use super::shared::Shared;
use super::state::{Deadline, Left, Refusal, Side, State};
use crate::commit::Class;
use crate::frame::{self, Frame};
use crate::position::Position;
use crate::sabotage;
use crate::sync::MutexGuard;

/// A task that was appended.
struct Put {
    end: Position,
    /// Everything is to be synced before the call returns.
    is_sync_due: bool,
}

impl Shared {
    /// Puts a task. False: there was no room in the queue until `deadline`.
    pub fn put(&self, name: &str, payload: &[u8], deadline: Deadline) -> Result<bool, PutError> {
        check_name(name)?;
        let Some(put) = self.append_task(name, payload, deadline)? else { return Ok(false) };
        let is_synced = if self.rules.fsync_put && sabotage::TASK_DURABLE.is_on() {
            false
        } else if put.is_sync_due {
            match self.sync() {
                Ok(()) => true,
                Err(SyncError::Failed(failure)) => return Err(PutError::Failed(failure)),
                // Since it was put. Refused it isn't any more: somebody may have it already.
                Err(SyncError::Closed) => false,
            }
        } else {
            true
        };
        if !is_synced {
            self.log.request_sync(put.end);
            // False only if the log was closed first, which makes everything durable that it can.
            self.log.wait_durable(put.end, None).map_err(PutError::Failed)?;
        }
        Ok(true)
    }

    fn append_task(&self, name: &str, payload: &[u8], deadline: Deadline) -> Result<Option<Put>, PutError> {
        // Outside the lock: it is the only part that takes long for a large task.
        let payload_crc = frame::checksum(payload);
        let mut state = self.lock();
        loop {
            let refusal = if !state.is_open {
                Refusal::Closed
            } else if state.ledger.waiting(name) >= self.rules.max_queue_size {
                // Nobody need come any more to take what is there, and no put will succeed if somebody does.
                if let Some(failure) = self.log.failure() {
                    return Err(PutError::Failed(failure));
                }
                let left = self.left(deadline);
                if matches!(left, Left::Nothing) {
                    // Somebody else's wake may have come here for nothing.
                    state.wake_one(name, Side::Putter);
                    return Ok(None);
                }
                let condvar = state.join(name, Side::Putter);
                state = Self::wait(&condvar, state, left);
                state.leave(name, Side::Putter);
                continue;
            } else {
                match self.try_append(&mut state, name, payload, payload_crc) {
                    Ok(put) => return Ok(Some(put)),
                    Err(refusal) => refusal,
                }
            };
            let left = self.left(deadline);
            let is_over = matches!(left, Left::Nothing);
            let outcome = match refusal {
                Refusal::Busy if is_over => Ok(None),
                Refusal::Full(reason) if is_over => Err(PutError::Full { reason }),
                Refusal::Busy | Refusal::Full(_) => {
                    state = self.wait_for_room(state, left);
                    continue;
                }
                Refusal::Failed(failure) => Err(PutError::Failed(failure)),
                Refusal::TooLarge { bytes, limit_bytes } => Err(PutError::TooLarge { bytes, limit_bytes }),
                Refusal::Closed => Err(PutError::Closed),
            };
            state.wake_one(name, Side::Putter);
            return outcome;
        }
    }

    fn try_append(
        &self,
        state: &mut State,
        name: &str,
        payload: &[u8],
        payload_crc: u64,
    ) -> Result<Put, Refusal> {
        let meta = TaskMeta { id: state.ledger.next(), name, order: None, attempts: None }.encode();
        let frame = Frame::with_payload_checksum(KIND_TASK, true, &meta, payload, payload_crc);
        let slab = self.log.appended().slab;
        let appended = if self.rules.fsync_put {
            self.append_awaited(state, &frame, Class::Data)
        } else {
            self.append(state, &frame, Class::Data)
        };
        let appended = match appended {
            Ok(appended) => appended,
            Err(Refusal::Full(reason)) => {
                state.is_pressed = true;
                self.look(state);
                return Err(Refusal::Full(reason));
            }
            Err(refusal) => return Err(refusal),
        };
        state.is_pressed = false;
        self.dirtied(state);
        // At most a payload, a meta and a header, all far below 4 GiB.
        let frame_bytes = u32::try_from(frame.bytes_on_disk()).unwrap_or(u32::MAX);
        state.ledger.put(name, appended.position, frame_bytes);
        if appended.position.slab > slab {
            self.release(state);
            self.look(state);
        }
        Ok(Put { end: appended.end, is_sync_due: self.count(state) })
    }

    fn wait_for_room<'a>(&'a self, state: MutexGuard<'a, State>, left: Left) -> MutexGuard<'a, State> {
        drop(state);
        // However it ends, the next append tells.
        let _ = self.log.wait_for_room(left.timeout());
        self.lock()
    }
}
