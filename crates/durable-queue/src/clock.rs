//! Time, passed in: everything above asks a [`Clock`], so that a test or a simulation decides what time it is.
//! Knows nothing.

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

/// Where the time comes from.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Time since some fixed moment; never goes back. For deadlines and ages.
    fn monotonic(&self) -> Duration;

    /// The time of day, which may jump either way. For dates that people read.
    fn wall(&self) -> SystemTime;

    /// A clock that isn't real may let `duration` pass by itself instead of being waited for: whether it did. Asked only
    /// where nothing but time is waited for.
    fn skip(&self, duration: Duration) -> bool {
        let _ = duration;
        false
    }
}

/// The computer's own clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose [`Clock::monotonic`] starts at zero now.
    #[expect(clippy::disallowed_methods, reason = "this is the shim that the ban points to")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the shim that the ban points to")]
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}
