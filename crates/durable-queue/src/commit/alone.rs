//! A single appender's own way: where nobody else appends or waits, waking the writer, which wakes the sync thread, which wakes
//! the appender, costs more than the work. So the appender, who waits anyway, calls their steps. Knows the steps.
//!
//! Whoever appends like that has promised the work: no thread was told of the frame. The promise is kept by whoever first waits
//! for it, this appender or another; any other append, and closing, tells the threads of everything. As soon as two append or
//! wait at a time the threads do the work, since then each sync serves several.

use super::threads::Dart;
use super::{Appended, Class, Commit, State};
use crate::sabotage;
use crate::sync::{MutexGuard, thread};

impl Commit {
    /// As [`Commit::append`], for somebody who waits for the frame at once.
    pub(crate) fn append_awaited(
        &self,
        frame: &crate::Frame<'_>,
        class: Class,
        checkpoint: &mut dyn FnMut(&mut Vec<u8>),
    ) -> Result<Appended, crate::AppendError> {
        self.append_then(frame, class, checkpoint, true)
    }

    /// Does what was promised, and tells the threads of what is left.
    pub(super) fn keep_promise<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.is_keeping = true;
        drop(state);
        // Where the caller is panicking already, that isn't the log's failure.
        let dart = (!thread::panicking()).then(|| Dart(self));
        // However they end, the threads and whoever waits look for themselves.
        let _ = self.write_step();
        let _ = self.sync_step();
        drop(dart);
        let mut state = self.state();
        state.is_keeping = false;
        self.hand_over(state)
    }

    /// Tells the threads of what is to be written or synced, if anything is.
    pub(super) fn hand_over<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if sabotage::HAND_OVER.is_off() {
            return state;
        }
        // Not told of a frame, the writer doesn't know either that it may have to bring the claim up to date later.
        let is_for_writer = state.pending_bytes() > 0 || state.write_bell.is_fast_asleep;
        if is_for_writer && state.write_bell.ring() {
            self.write_wakes.notify_one();
        }
        if state.sync_target(self.options.fsync).is_some() && state.sync_bell.ring() {
            self.sync_wakes.notify_one();
        }
        state
    }
}
