//! What all handles, tasks and threads of one directory's queues share: the ledger under one lock, the log, and who waits for
//! what. The calls themselves are in `putting`, `taking`, `settling`, `moving` and `closing`.
//!
//! The lock is held over an append, which only copies into memory, never over I/O; so the order of numbers is the order of
//! the log. Lock order: this lock, then the log's own. The log calls [`Shared::progress`] with none of its locks held.

use std::fmt;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::time::Duration;

use super::ledger::Ledger;
use super::options::Rules;
use super::readers::Readers;
use super::record;
use super::state::{Deadline, Left, Refusal, State};
use crate::commit::{Appended, Class};
use crate::environment::Environment;
use crate::frame::Frame;
use crate::log::Log;
use crate::position::Position;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// Which slabs are worth emptying is looked at again when tasks of this share of a slab were completed.
const LOOK_SLAB_SHARE: u64 = 32;

/// See the module.
pub(super) struct Shared {
    pub environment: Environment,
    pub directory: PathBuf,
    pub rules: Rules,
    pub log: Log,
    pub readers: Readers,
    pub state: Mutex<State>,
    /// Wakes the keeper's thread.
    pub keeper: Condvar,
    /// How many threads wait for a task to become visible, so that the log's threads needn't take the lock to find none.
    pub takers_waiting: AtomicUsize,
    /// Whether completions or retries wait for their record.
    settling: AtomicBool,
}

impl Shared {
    pub fn new(
        environment: Environment,
        directory: PathBuf,
        rules: Rules,
        log: Log,
        readers: Readers,
        ledger: Ledger,
    ) -> Self {
        Self {
            environment,
            directory,
            rules,
            log,
            readers,
            state: Mutex::new(State::new(ledger)),
            keeper: Condvar::new(),
            takers_waiting: AtomicUsize::new(0),
            settling: AtomicBool::new(false),
        }
    }

    /// Takes the lock. What a thread that panicked left behind is whole: no change is left half done where a panic could be.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of the tasks that may be taken: where puts are synced, what isn't durable was promised to nobody yet.
    pub fn visible(&self) -> Position {
        if self.rules.fsync_put { self.log.durable() } else { self.log.written() }
    }

    pub fn deadline_after(&self, time: Duration) -> Deadline {
        Deadline::At(self.environment.clock.monotonic().saturating_add(time))
    }

    pub fn left(&self, deadline: Deadline) -> Left {
        match deadline {
            Deadline::Never => Left::Forever,
            Deadline::At(at) => match at.saturating_sub(self.environment.clock.monotonic()) {
                Duration::ZERO => Left::Nothing,
                time => Left::For(time),
            },
        }
    }

    /// Waits for a wake, at most so long. May return early: callers look again.
    pub fn wait<'a>(condvar: &Condvar, state: MutexGuard<'a, State>, left: Left) -> MutexGuard<'a, State> {
        match left.timeout() {
            None => condvar.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(time) => condvar.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0,
        }
    }

    /// Appends a frame. Whoever has the lock has the numbers: where the frame begins a slab, the checkpoint is of this state.
    pub fn append(&self, state: &State, frame: &Frame<'_>, class: Class) -> Result<Appended, Refusal> {
        let next = state.ledger.next();
        let mut checkpoint = |out: &mut Vec<u8>| record::put_checkpoint(next, out);
        Ok(self.log.append(frame, class, &mut checkpoint)?)
    }

    /// As [`Shared::append`], by a caller that waits until the frame is durable.
    pub fn append_awaited(
        &self,
        state: &State,
        frame: &Frame<'_>,
        class: Class,
    ) -> Result<Appended, Refusal> {
        let next = state.ledger.next();
        let mut checkpoint = |out: &mut Vec<u8>| record::put_checkpoint(next, out);
        Ok(self.log.append_awaited(frame, class, &mut checkpoint)?)
    }

    /// Puts the next record of completions and retries into the log. False if there was nothing to record.
    pub fn settle_once(&self, state: &mut State) -> Result<bool, Refusal> {
        let Some(batch) = state.ledger.settlement.batch() else { return Ok(false) };
        let meta = batch.record.encode();
        let appended =
            self.append(state, &Frame::new(record::KIND_SETTLED, true, &meta, &[]), Class::Control)?;
        state.ledger.settlement.recorded(&batch);
        state.ledger.slabs.reaches(appended.end.slab, appended.end.offset_bytes);
        state.settled_through = appended.end;
        Ok(true)
    }

    /// Records completions and retries if the last such record is written; else they gather until [`Shared::progress`]. So
    /// under load one record tells of many, and an idle queue's are written at once.
    pub fn settle(&self, state: &mut State) {
        // Set before looking at what is written: the log's thread looks at it after writing.
        self.settling.store(true, Ordering::SeqCst);
        while state.settled_through <= self.log.written() {
            match self.settle_once(state) {
                Ok(true) => {}
                // What is refused for want of room is tried again when there is some, which is progress too.
                Ok(false) | Err(_) => break,
            }
        }
        self.settling.store(!state.ledger.settlement.is_empty(), Ordering::SeqCst);
    }

    /// The log wrote, synced, found room or failed.
    pub fn progress(&self) {
        let has_failed = self.log.failure().is_some();
        if !has_failed
            && !self.settling.load(Ordering::SeqCst)
            && self.takers_waiting.load(Ordering::SeqCst) == 0
        {
            return;
        }
        let mut state = self.lock();
        if self.settling.load(Ordering::SeqCst) {
            self.settle(&mut state);
        }
        if has_failed { state.wake_all() } else { state.wake_takers(self.visible()) }
    }

    /// Counts one put, take, retry or completion; says whether it makes the number full after which everything is synced.
    pub fn count(&self, state: &mut State) -> bool {
        let Some(threshold) = self.rules.fsync_threshold else { return false };
        state.actions += 1;
        let is_full = state.actions >= threshold;
        if is_full {
            state.actions = 0;
        }
        is_full
    }

    /// Something isn't durable: wakes the keeper if it rests and has an interval to keep.
    pub fn dirtied(&self, state: &mut State) {
        let was_dirty = std::mem::replace(&mut state.chores.is_dirty, true);
        if !was_dirty && self.rules.sync_interval.is_some() {
            self.keeper.notify_one();
        }
    }

    /// Tasks of so many bytes are done with: looks, now and then, what that frees.
    pub fn freed(&self, state: &mut State, frame_bytes: u64) {
        state.freed_bytes += frame_bytes;
        self.release(state);
        if state.freed_bytes >= self.rules.slab_size_bytes / LOOK_SLAB_SHARE {
            self.look(state);
        }
    }

    /// Tells the log which slabs may go.
    pub fn release(&self, state: &mut State) {
        let oldest = state.ledger.slabs.release(self.log.appended().slab);
        if oldest > state.released {
            state.released = oldest;
            self.log.release_before(Position::new(oldest, 0));
        }
    }

    /// Has the keeper move tasks if that is worth it.
    pub fn look(&self, state: &mut State) {
        state.freed_bytes = 0;
        if !state.chores.is_move_due && self.slab_to_empty(state).is_some() {
            state.chores.is_move_due = true;
            self.keeper.notify_one();
        }
    }

    pub fn slab_to_empty(&self, state: &State) -> Option<u64> {
        state.ledger.slabs.to_empty(self.log.appended().slab, state.is_pressed)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queues").field("directory", &self.directory).finish_non_exhaustive()
    }
}
