//! How the reading is stopped: a thread may be caught in a read that never returns, and then nothing it reads later may
//! count; but what it had read before must be taken.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Between the thread that reads and the one that stops it.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<State>,
    stopped: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    reading: bool,
}

impl Gate {
    /// A read begins: everything read before has been taken. `false`: it must not begin.
    #[must_use]
    pub fn begin_read(&self) -> bool {
        let mut state = self.lock();
        state.reading = !state.stopped;
        state.reading
    }

    /// A read has ended. `false`: the reading was stopped meanwhile, and what it brought doesn't count.
    #[must_use]
    pub fn end_read(&self) -> bool {
        let mut state = self.lock();
        state.reading = false;
        !state.stopped
    }

    /// Stops the reading. `true`: it rests in a read, and nothing more will come of it; `false`: it is at work and
    /// will end by itself.
    pub fn stop(&self) -> bool {
        let mut state = self.lock();
        state.stopped = true;
        self.stopped.store(true, Ordering::Relaxed);
        state.reading
    }

    /// Whether the reading was stopped; cheap enough to ask for each entry.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Two flags can't be left half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_that_is_under_way_is_cut_off() {
        let gate = Gate::default();
        assert!(gate.begin_read());
        assert!(gate.stop(), "nothing more comes of it");
        assert!(!gate.end_read(), "what it brought doesn't count");
        assert!(!gate.begin_read());
    }

    #[test]
    fn work_that_is_under_way_is_waited_for() {
        let gate = Gate::default();
        assert!(gate.begin_read());
        assert!(gate.end_read());
        assert!(!gate.is_stopped());
        assert!(!gate.stop(), "entries are still being taken");
        assert!(gate.is_stopped());
        assert!(!gate.begin_read(), "then it ends");
    }
}
