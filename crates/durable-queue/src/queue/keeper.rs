//! The queues' own thread: moves tasks out of old slabs, and syncs at intervals. A loop around two steps; only it waits.

use std::time::Duration;

use super::shared::Shared;
use super::state::{Deadline, Left};

impl Shared {
    /// Runs until the queues are closed.
    pub fn run_keeper(&self) {
        let mut sync_at = None;
        let mut state = self.lock();
        while state.is_open {
            if state.chores.is_move_due {
                drop(state);
                self.move_step();
                state = self.lock();
                continue;
            }
            // With nothing to sync there is nothing to wake for.
            if state.chores.is_dirty && sync_at.is_none() {
                sync_at = self.rules.sync_interval.map(|interval| self.after(interval));
            }
            let left = sync_at.map_or(Left::Forever, |at| self.left(Deadline::At(at)));
            if matches!(left, Left::Nothing) {
                sync_at = None;
                state.chores.is_dirty = false;
                drop(state);
                self.sync_step();
                state = self.lock();
                continue;
            }
            state = Self::wait(&self.keeper, state, left);
        }
    }

    /// Makes durable what isn't.
    ///
    /// # Durability
    /// A failure is the log's latch: everybody else learns of it, and the log reported it.
    pub fn sync_step(&self) {
        let is_recorded = self.lock().ledger.settlement.is_empty();
        if !is_recorded || self.log.durable() < self.log.appended() {
            let _ = self.sync();
        }
    }

    fn after(&self, time: Duration) -> Duration {
        self.environment.clock.monotonic().saturating_add(time)
    }
}
