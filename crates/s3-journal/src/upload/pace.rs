//! How many parts go up side by side: fewer when the store asks to slow down, more again as time passes. Pure.
//!
//! Additive increase, multiplicative decrease (Chiu and Jain, 1989), as the AWS clients' adaptive mode has it for rates: a
//! store that throttles is to be left in peace by all its clients alike, and each finds its fair share by itself.

use std::time::Duration;

/// One part more may go up side by side, at the earliest, this long after the last change.
pub const RAISE_INTERVAL: Duration = Duration::from_secs(2);

/// How many parts may go up side by side now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    /// `None`: as many as the options allow.
    lowered_to: Option<usize>,
    changed_at: Duration,
    /// Requests sent before the last decrease whose answers are still to come: they tell nothing of the new pace.
    sent_before: usize,
}

impl Pace {
    /// Parts that may be under way at once, of at most `parallel_max`; always one or more.
    pub fn allowed(&self, parallel_max: usize) -> usize {
        self.lowered_to.map_or(parallel_max, |lowered_to| lowered_to.min(parallel_max)).max(1)
    }

    /// The store asked to slow down; `flying` further requests are under way. Halves the pace, once for all the requests
    /// that were sent at the old one.
    pub fn throttled(&mut self, parallel_max: usize, flying: usize, now: Duration) {
        if self.sent_before > 0 {
            self.sent_before -= 1;
            // However the answers to the old pace end, time counts from the last of them.
            self.changed_at = now;
            return;
        }
        self.lowered_to = Some((self.allowed(parallel_max) / 2).max(1));
        self.changed_at = now;
        self.sent_before = flying;
    }

    /// A request was carried out.
    pub fn succeeded(&mut self, parallel_max: usize, now: Duration) {
        self.sent_before = self.sent_before.saturating_sub(1);
        let Some(lowered_to) = self.lowered_to else { return };
        if now.saturating_sub(self.changed_at) < RAISE_INTERVAL {
            return;
        }
        let raised_to = lowered_to + 1;
        self.lowered_to = (raised_to < parallel_max).then_some(raised_to);
        self.changed_at = now;
    }

    /// Requests that were under way are under way no more: a new attempt knows nothing of them.
    pub fn begun_anew(&mut self) {
        self.sent_before = 0;
    }
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
