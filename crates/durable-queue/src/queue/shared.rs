//! What all handles, tasks and threads of one directory's queues share: the ledger under one lock, the log, and who waits for
//! what. The calls themselves are in `putting`, `taking`, `settling`, `moving` and `closing`.
//!
//! The lock is held over an append, which only copies into memory, never over I/O; so the order of numbers is the order of
//! the log. Lock order: this lock, then the log's own. The log calls [`Shared::progress`] with none of its locks held.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::SetAside;
use super::ledger::Ledger;
use super::options::Rules;
use super::readers::Readers;
use super::record;
use crate::commit::{Appended, Class};
use crate::environment::Environment;
use crate::error::{AppendError, FullReason, LogFailure};
use crate::frame::Frame;
use crate::log::Log;
use crate::position::Position;

/// How many damaged tasks are remembered for [`Queues::set_aside`](super::Queues::set_aside): the newest.
const SET_ASIDE_MAX: usize = 1000;

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

/// What the lock guards.
pub(super) struct State {
    pub ledger: Ledger,
    pub is_open: bool,
    waits: BTreeMap<Arc<str>, Waits>,
    /// End of the last settling record.
    pub settled_through: Position,
    /// Actions since the last sync by number.
    actions: u64,
    /// The oldest slab that the log was told is needed.
    released: u64,
    /// Bytes of tasks done with since slabs were looked at.
    freed_bytes: u64,
    /// A put was refused for want of room since the last one that wasn't.
    pub is_pressed: bool,
    pub chores: Chores,
    pub set_aside: VecDeque<SetAside>,
}

/// What the keeper has to do.
pub(super) struct Chores {
    /// Something was appended or settled since it last began to sync.
    pub is_dirty: bool,
    /// There are tasks to move.
    pub is_move_due: bool,
}

/// Who waits at one queue.
#[derive(Default)]
struct Waits {
    takers: usize,
    putters: usize,
    arrived: Arc<Condvar>,
    left: Arc<Condvar>,
}

/// What a thread waits for at a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// A task to take.
    Taker,
    /// Room for a task.
    Putter,
}

/// An append that wasn't.
#[derive(Debug)]
pub(super) enum Refusal {
    Busy,
    Full(FullReason),
    Failed(Arc<LogFailure>),
    TooLarge { bytes: u64, limit_bytes: u64 },
    Closed,
}

impl From<AppendError> for Refusal {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Busy => Self::Busy,
            AppendError::Full { reason, .. } => Self::Full(reason),
            AppendError::Failed(failure) => Self::Failed(failure),
            AppendError::TooLarge { bytes, limit_bytes, .. } => Self::TooLarge { bytes, limit_bytes },
            // The kinds used here are constants that a client may use.
            AppendError::Closed | AppendError::ReservedKind { .. } => Self::Closed,
        }
    }
}

/// Until when a call may wait.
#[derive(Debug, Clone, Copy)]
pub(super) enum Deadline {
    Never,
    At(Duration),
}

/// How long that is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Left {
    Forever,
    For(Duration),
    Nothing,
}

impl Left {
    /// As the log counts it, where there is any.
    pub fn timeout(self) -> Option<Duration> {
        match self {
            Self::Forever => None,
            Self::For(time) => Some(time),
            Self::Nothing => Some(Duration::ZERO),
        }
    }
}

impl State {
    pub fn new(ledger: Ledger) -> Self {
        Self {
            ledger,
            is_open: true,
            waits: BTreeMap::new(),
            settled_through: Position::ZERO,
            actions: 0,
            released: 0,
            freed_bytes: 0,
            is_pressed: false,
            chores: Chores { is_dirty: true, is_move_due: false },
            set_aside: VecDeque::new(),
        }
    }

    /// One more thread waits at `name`.
    pub fn join(&mut self, name: &str, side: Side) -> Arc<Condvar> {
        if !self.waits.contains_key(name) {
            self.waits.insert(Arc::from(name), Waits::default());
        }
        let waits = self.waits.entry(Arc::from(name)).or_default();
        match side {
            Side::Taker => {
                waits.takers += 1;
                Arc::clone(&waits.arrived)
            }
            Side::Putter => {
                waits.putters += 1;
                Arc::clone(&waits.left)
            }
        }
    }

    /// One thread less.
    pub fn leave(&mut self, name: &str, side: Side) {
        let Some(waits) = self.waits.get_mut(name) else { return };
        match side {
            Side::Taker => waits.takers = waits.takers.saturating_sub(1),
            Side::Putter => waits.putters = waits.putters.saturating_sub(1),
        }
        if waits.takers + waits.putters == 0 {
            self.waits.remove(name);
        }
    }

    /// Wakes one thread that waits at `name`, if there is one.
    pub fn wake_one(&self, name: &str, side: Side) {
        let Some(waits) = self.waits.get(name) else { return };
        match side {
            Side::Taker => waits.arrived.notify_one(),
            Side::Putter => waits.left.notify_one(),
        }
    }

    /// Wakes as many takers of each queue as there are tasks for.
    fn wake_takers(&self, visible: Position) {
        for (name, waits) in &self.waits {
            for _ in 0..self.ledger.takeable(name, visible, waits.takers) {
                waits.arrived.notify_one();
            }
        }
    }

    /// Remembers a damaged task.
    pub fn remember(&mut self, aside: SetAside) {
        if self.set_aside.len() >= SET_ASIDE_MAX {
            self.set_aside.pop_front();
        }
        self.set_aside.push_back(aside);
    }

    /// Wakes everybody.
    pub fn wake_all(&self) {
        for waits in self.waits.values() {
            waits.arrived.notify_all();
            waits.left.notify_all();
        }
    }
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
