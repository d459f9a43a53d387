//! The sync thread's step: makes what was written durable. Knows the shared state.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::state::Phase;
use super::{Commit, Step, lock};
use crate::sabotage;
use crate::slab::SlabFile;

/// A sync that takes longer is worth a warning: the disk is failing or overloaded. etcd draws the same line (`wal.go`).
const SLOW_SYNC: Duration = Duration::from_secs(1);
/// The least time between two such warnings.
const WARN_EVERY: Duration = Duration::from_mins(1);

impl Commit {
    /// Syncs what was written, if somebody wants that. Writers go on meanwhile: what they write then is the next step's.
    ///
    /// # Durability
    /// Moves the durable end, and never again after a sync has failed.
    pub(crate) fn sync_step(&self) -> Step {
        let turn = sabotage::SYNC_TURN.is_on().then(|| lock(&self.sync_turn));
        let (slab, target) = {
            let state = self.state();
            let has_failed = state.failure.is_some() && sabotage::LATCH.is_on();
            if has_failed || state.phase == Phase::Closed {
                return Step::Finished;
            }
            let Some(target) = state.sync_target(self.options.fsync) else { return Step::Idle };
            (Arc::clone(&state.written_slab), target)
        };
        let step = match sabotage::SYNC_WRITTEN.guard(|| self.timed_sync(&slab)) {
            Ok(()) => {
                let target = if sabotage::PUBLISH_AFTER_SYNC.is_off() { self.written() } else { target };
                self.publish(None, Some(target));
                Step::Worked
            }
            Err(error) => {
                self.fail("sync", &slab.path, error);
                Step::Finished
            }
        };
        // Only now may another sync of these files begin: see the module `commit`.
        drop(turn);
        self.tell();
        step
    }

    /// Syncs a slab and counts it. The caller has the turn.
    pub(super) fn timed_sync(&self, slab: &SlabFile) -> io::Result<()> {
        let clock = &self.environment.clock;
        let start = clock.monotonic();
        let result = slab.file.sync();
        let now = clock.monotonic();
        let took = now.saturating_sub(start);
        let mut state = self.state();
        state.stats.syncs += 1;
        state.stats.sync_time += took;
        state.stats.sync_time_max = state.stats.sync_time_max.max(took);
        let warns = took >= SLOW_SYNC
            && state.slow_sync_warned_at.is_none_or(|at| now.saturating_sub(at) >= WARN_EVERY);
        if warns {
            state.slow_sync_warned_at = Some(now);
        }
        drop(state);
        if warns {
            let file = slab.path.display();
            tracing::warn!(%file, seconds = took.as_secs_f64(), "the disk is slow to sync: check its health and load");
        }
        result
    }
}
