//! A clock that stands still until it is told. Knows only the trait.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::Clock;
use crate::sync::{Mutex, MutexGuard};

/// Where [`FakeClock::default`] stands: 2026-11-22 09:34:07 UTC, in seconds since 1970.
const DEFAULT_UNIX_SECONDS: u64 = 1_795_340_047;

/// A clock that a test moves. A clone shows the same time.
///
/// ```
/// use std::time::Duration;
/// use durable_queue::clock::Clock;
/// use durable_queue::fake::FakeClock;
///
/// let clock = FakeClock::default();
/// let before = clock.wall();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.monotonic(), Duration::from_secs(60));
/// assert_eq!(clock.wall(), before + Duration::from_secs(60));
/// ```
#[derive(Debug, Clone)]
pub struct FakeClock {
    time: Arc<Mutex<Time>>,
}

#[derive(Debug, Clone, Copy)]
struct Time {
    monotonic: Duration,
    wall: SystemTime,
}

impl FakeClock {
    /// A clock whose monotonic time is zero and whose time of day is `wall`.
    pub fn new(wall: SystemTime) -> Self {
        Self { time: Arc::new(Mutex::new(Time { monotonic: Duration::ZERO, wall })) }
    }

    /// Lets time pass, for both times. Past the end of what a [`SystemTime`] can hold the time of day stands still.
    pub fn advance(&self, duration: Duration) {
        let mut time = self.time();
        time.monotonic = time.monotonic.saturating_add(duration);
        time.wall = time.wall.checked_add(duration).unwrap_or(time.wall);
    }

    /// Sets the time of day, forwards or back; the monotonic time goes on as it was.
    pub fn set_wall(&self, wall: SystemTime) {
        self.time().wall = wall;
    }

    fn time(&self) -> MutexGuard<'_, Time> {
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for FakeClock {
    fn default() -> Self {
        Self::new(UNIX_EPOCH + Duration::from_secs(DEFAULT_UNIX_SECONDS))
    }
}

impl Clock for FakeClock {
    fn monotonic(&self) -> Duration {
        self.time().monotonic
    }

    fn wall(&self) -> SystemTime {
        self.time().wall
    }

    /// Time passes at once where nothing else is waited for, so that no test waits for a backoff.
    fn skip(&self, duration: Duration) -> bool {
        self.advance(duration);
        true
    }
}
