//! How far one measurement may go: a time, bytes, and until somebody wants it to end. Knows the program's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::exit::Failure;
use crate::flags::bench::BenchFlags;
use crate::human::Size;

/// The bounds of each measurement.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Nothing new is begun after it.
    pub time: Duration,
    /// The most that is written, or sent.
    pub bytes: u64,
    stop: Arc<AtomicBool>,
}

impl Limits {
    /// As the options say.
    ///
    /// # Errors
    /// None at all.
    pub fn of(flags: &BenchFlags) -> Result<Self, Failure> {
        if flags.max_time.0.is_zero() {
            return Err(Failure::usage(
                "option --max-time is 0: nothing could be measured; give a time such as 5s",
            ));
        }
        if flags.max_bytes.0 == 0 {
            return Err(Failure::usage(
                "option --max-bytes is 0: nothing could be measured; give a size such as 256MiB",
            ));
        }
        Ok(Self::new(flags.max_time.0, flags.max_bytes))
    }

    /// These.
    pub fn new(time: Duration, bytes: Size) -> Self {
        Self { time, bytes: bytes.0, stop: Arc::default() }
    }

    /// Wants it to end; whether it is the first who does.
    pub fn stop(&self) -> bool {
        !self.stop.swap(true, Ordering::Relaxed)
    }

    /// Whether somebody wants it to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether a measurement that began then must begin nothing new.
    pub fn is_over(&self, begun: Instant) -> bool {
        self.is_stopped() || begun.elapsed() >= self.time
    }
}
