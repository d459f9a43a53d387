//! What the queues' lock guards: the ledger, who waits for what, and what the keeper has to do; and the words for waiting and
//! being refused. Pure but for waking.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::error::SetAside;
use super::ledger::Ledger;
use crate::error::{AppendError, FullReason, LogFailure};
use crate::position::Position;
use crate::sync::Condvar;

/// How many damaged tasks are remembered for [`Queues::set_aside`](super::Queues::set_aside): the newest.
const SET_ASIDE_MAX: usize = 1000;

/// What the lock guards.
pub(super) struct State {
    pub ledger: Ledger,
    pub is_open: bool,
    waits: BTreeMap<Arc<str>, Waits>,
    /// End of the last settling record.
    pub settled_through: Position,
    /// Actions since the last sync by number.
    pub actions: u64,
    /// The oldest slab that the log was told is needed.
    pub released: u64,
    /// Bytes of tasks done with since slabs were looked at.
    pub freed_bytes: u64,
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
    pub fn wake_takers(&self, visible: Position) {
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
