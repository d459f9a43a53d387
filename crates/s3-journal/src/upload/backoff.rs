//! How long to wait before trying again. Pure.

use std::time::Duration;

/// The first wait is up to this long.
pub const BACKOFF_MIN: Duration = Duration::from_millis(200);

/// No wait is longer than this.
pub const BACKOFF_MAX: Duration = Duration::from_mins(1);

/// Exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
#[derive(Debug, Clone, Copy, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It worked: the next failure starts again from the shortest wait.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// It failed: how long to wait, given a random number. Between half a millisecond and the bound that doubles from
    /// [`BACKOFF_MIN`] to [`BACKOFF_MAX`].
    pub fn failed(&mut self, random: u64) -> Duration {
        let doubled = BACKOFF_MIN.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1).min(30);
        let bound_micros = u64::try_from(doubled.min(BACKOFF_MAX).as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(500 + random % bound_micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_longest_wait_and_falls_back_after_success() {
        let mut backoff = Backoff::default();
        let bounds: Vec<_> = (0..12)
            .map(|_| {
                let before = backoff;
                let longest = (0..2_000_u64)
                    .map(|i| before.clone().failed(i.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
                    .max()
                    .unwrap();
                backoff.failed(0);
                longest
            })
            .collect();
        assert!(bounds[0] <= BACKOFF_MIN + Duration::from_millis(1));
        assert!(bounds[1] > BACKOFF_MIN && bounds[1] <= BACKOFF_MIN * 2 + Duration::from_millis(1));
        assert!(bounds.iter().all(|bound| *bound <= BACKOFF_MAX + Duration::from_millis(1)));
        assert!(bounds[11] > BACKOFF_MAX / 2);
        backoff.succeeded();
        assert!(backoff.failed(u64::MAX) <= BACKOFF_MIN + Duration::from_millis(1));
    }
}
