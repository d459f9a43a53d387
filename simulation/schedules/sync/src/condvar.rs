//! Shuttle's condition variable, of which some waits end by time or for no reason.

use std::sync::{LockResult, PoisonError};
use std::time::Duration;

use crate::mutex::MutexGuard;
use crate::surprises::{self, Surprise};

/// See [`std::sync::Condvar`].
#[derive(Debug, Default)]
pub struct Condvar {
    inner: shuttle::sync::Condvar,
}

/// See [`std::sync::WaitTimeoutResult`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// See [`std::sync::WaitTimeoutResult::timed_out`].
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    /// See [`std::sync::Condvar::new`].
    #[track_caller]
    pub const fn new() -> Self {
        Self { inner: shuttle::sync::Condvar::new() }
    }

    /// See [`std::sync::Condvar::wait`].
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        if surprises::happens(Surprise::Wake) { again(guard, None) } else { self.wait_for_wake(guard) }
    }

    /// See [`std::sync::Condvar::wait_timeout`]: but the time counts for nothing, only chance does.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        time: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let (locked, timed_out) = if surprises::happens(Surprise::Timeout) {
            (again(guard, Some(time)), true)
        } else {
            (self.wait(guard), false)
        };
        match locked {
            Ok(guard) => Ok((guard, WaitTimeoutResult(timed_out))),
            Err(poisoned) => Err(PoisonError::new((poisoned.into_inner(), WaitTimeoutResult(timed_out)))),
        }
    }

    /// See [`std::sync::Condvar::notify_one`]: any of those who wait, as the scheduler likes.
    pub fn notify_one(&self) {
        self.inner.notify_one();
    }

    /// See [`std::sync::Condvar::notify_all`].
    pub fn notify_all(&self) {
        self.inner.notify_all();
    }

    fn wait_for_wake<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let MutexGuard { inner, mutex } = guard;
        mutex.guarded(self.inner.wait(inner))
    }
}

/// Lets go of the lock and takes it again, without having waited for a wake: nobody's wake is used up by this.
fn again<T>(guard: MutexGuard<'_, T>, time: Option<Duration>) -> LockResult<MutexGuard<'_, T>> {
    let mutex = guard.mutex;
    drop(guard);
    // Some schedulers take this as a hint that others should go on first.
    shuttle::thread::yield_now();
    if let Some(time) = time {
        surprises::pass(time);
    }
    mutex.lock()
}
