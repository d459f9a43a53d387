//! Waiting for room and for durability. Nobody misses a wake: what is waited for is looked at under the lock that the waker
//! changed it under. Knows the shared state.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::state::{Phase, State};
use super::{Commit, Room};
use crate::error::LogFailure;
use crate::position::Position;
use crate::sync::{Condvar, MutexGuard};

impl Commit {
    pub(crate) fn wait_for_room(&self, timeout: Option<Duration>) -> Room {
        let deadline = timeout.map(|timeout| self.environment.clock.monotonic().saturating_add(timeout));
        let mut has_timed_out = false;
        let mut state = self.state();
        loop {
            if let Some(failure) = &state.failure {
                return Room::Failed(Arc::clone(failure));
            }
            if state.phase != Phase::Open {
                return Room::Closed;
            }
            if state.has_room() {
                return Room::Room;
            }
            let Some(left) = self.left(deadline).filter(|_| !has_timed_out) else { return Room::TimedOut };
            state.room_waiters += 1;
            (state, has_timed_out) = wait(&self.room_wakes, state, left);
            state.room_waiters -= 1;
        }
    }

    pub(crate) fn wait_durable(
        &self,
        through: Position,
        timeout: Option<Duration>,
    ) -> Result<bool, Arc<LogFailure>> {
        let deadline = timeout.map(|timeout| self.environment.clock.monotonic().saturating_add(timeout));
        let mut has_timed_out = false;
        let mut state = self.state();
        loop {
            if state.durable >= through {
                return Ok(true);
            }
            if let Some(failure) = &state.failure {
                return Err(Arc::clone(failure));
            }
            if state.phase == Phase::Closed {
                return Ok(false);
            }
            if state.promised.take_if(|promised| *promised <= through).is_some() {
                // The disk may take longer than the caller has time.
                state = if timeout.is_none() { self.keep_promise(state) } else { self.hand_over(state) };
                continue;
            }
            let Some(left) = self.left(deadline).filter(|_| !has_timed_out) else { return Ok(false) };
            state.durable_waiters += 1;
            (state, has_timed_out) = wait(&self.durable_wakes, state, left);
            state.durable_waiters -= 1;
        }
    }

    /// Time left until `deadline`: nothing once it has passed, for ever without one.
    #[expect(clippy::option_option, reason = "no deadline and a passed one are different things")]
    fn left(&self, deadline: Option<Duration>) -> Option<Option<Duration>> {
        let Some(deadline) = deadline else { return Some(None) };
        let left = deadline.saturating_sub(self.environment.clock.monotonic());
        (!left.is_zero()).then_some(Some(left))
    }
}

/// Waits for a wake, at most as long as `left`, and says whether that time is over. May return early: callers look again.
pub(super) fn wait<'a>(
    condvar: &Condvar,
    state: MutexGuard<'a, State>,
    left: Option<Duration>,
) -> (MutexGuard<'a, State>, bool) {
    match left {
        None => (condvar.wait(state).unwrap_or_else(PoisonError::into_inner), false),
        Some(left) => {
            let (state, result) = condvar.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
            (state, result.timed_out())
        }
    }
}
