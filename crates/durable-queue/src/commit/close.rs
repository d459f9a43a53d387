//! Closing: what was appended becomes durable, a last frame says that the end was in order, the directory is given up. Knows
//! the steps.

use std::io;
use std::sync::Arc;

use super::prepare::remove_next;
use super::state::Phase;
use super::{Commit, Step, lock};
use crate::error::LogFailure;

impl Commit {
    /// Closes the log. Again: the same answer.
    pub(crate) fn close(&self) -> Result<(), Arc<LogFailure>> {
        {
            let mut state = self.state();
            if state.phase == Phase::Open {
                state.phase = Phase::Closing;
            }
            self.ring_all(&mut state);
        }
        // Kept to the end: who ends the threads writes and syncs what is left too, and nobody may do so any more once the
        // directory is given up.
        let mut threads = lock(&self.threads);
        self.stop(&mut threads);
        let mut directory_lock = lock(&self.directory_lock);
        if let Some(held) = directory_lock.take() {
            self.finish();
            let mut state = self.state();
            state.phase = Phase::Closed;
            self.ring_all(&mut state);
            drop(state);
            drop(held);
        }
        drop(directory_lock);
        drop(threads);
        self.tell();
        self.forget_progress();
        self.failure().map_or(Ok(()), Err)
    }

    /// Writes and syncs what is left. A failure is the latch.
    fn finish(&self) {
        while !self.is_drained() {
            match self.write_step() {
                Step::Worked => {}
                Step::Finished => return,
                Step::Idle => {
                    // The writer found the disk full, and nobody is left to wait for room.
                    let slab = Arc::clone(&self.state().slab);
                    self.fail("write", &slab.path, io::ErrorKind::StorageFull.into());
                    return;
                }
            }
        }
        self.request_sync(self.appended());
        while self.sync_step() == Step::Worked {}
        if self.failure().is_some() {
            return;
        }
        self.state().push_closed();
        // Whoever else calls the step may have written it.
        if self.write_step() != Step::Worked && !(self.is_drained() && self.failure().is_none()) {
            return;
        }
        let (slab, end) = {
            let state = self.state();
            (Arc::clone(&state.slab), state.offset)
        };
        let turn = lock(&self.sync_turn);
        let closed = slab
            .file
            .sync()
            .map_err(|error| ("sync", error))
            // Not synced again: only room on disk depends on it, and opening cuts it too.
            .and_then(|()| slab.file.set_len(end).map_err(|error| ("truncate", error)));
        if let Err((operation, error)) = closed {
            self.fail(operation, &slab.path, error);
        }
        drop(turn);
        // Opening removes it too.
        let _ = remove_next(&self.environment, &self.options);
    }
}
