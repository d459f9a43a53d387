//! Locks that a panic elsewhere can't spoil, and the bell that wakes a thread's loop. Knows nothing.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

/// Locks, whatever a panicking holder left: each holder of this crate's locks leaves its data whole at every step.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Pauses before the first and the last look at a lock that somebody else has, and so how often it is looked at.
const PAUSES: std::ops::RangeInclusive<u32> = 5..=12;

/// The same, of a lock that several threads take and give back within nanoseconds, again and again. Who finds it taken stays away for a while,
/// longer and longer up to some microseconds, before going to sleep: the other one takes it many times in a row meanwhile, which
/// is quicker than handing lock and data from core to core each time.
pub fn lock_hot<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    for pauses in PAUSES {
        match mutex.try_lock() {
            Ok(guard) => return guard,
            Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {}
        }
        for _ in 0..1_u32 << pauses {
            std::hint::spin_loop();
        }
    }
    lock(mutex)
}

/// Waits for a condition, for `timeout` at most.
pub fn wait_timeout<'a, T>(
    condition: &Condvar,
    guard: MutexGuard<'a, T>,
    timeout: Option<Duration>,
) -> MutexGuard<'a, T> {
    match timeout {
        None => condition.wait(guard).unwrap_or_else(PoisonError::into_inner),
        Some(timeout) => condition.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner).0,
    }
}

/// Wakes one thread's loop. A ring is never lost: one that comes while the thread works is heard when it next waits.
#[derive(Debug, Default)]
pub struct Doorbell {
    rung: Mutex<bool>,
    heard: Condvar,
}

impl Doorbell {
    /// Wakes the loop, now or when it next waits.
    pub fn ring(&self) {
        let mut rung = lock(&self.rung);
        if !*rung {
            *rung = true;
            self.heard.notify_one();
        }
    }

    /// Waits for a ring, for `timeout` at most.
    pub fn wait(&self, timeout: Option<Duration>) {
        let mut rung = lock(&self.rung);
        if !*rung {
            rung = wait_timeout(&self.heard, rung, timeout);
        }
        *rung = false;
    }
}
