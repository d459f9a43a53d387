//! What is said of failures: every cause once a minute at most, with what to do, and what the last one was. Knows the
//! time it is told, and `tracing`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::bucket::BucketError;

/// The same cause is reported at most this often.
pub const REPORT_INTERVAL: Duration = Duration::from_mins(1);

/// Causes remembered; beyond them the oldest is forgotten.
const CAUSES_MAX: usize = 64;

/// The store took a plain write where it had refused a create-only one: a safeguard is missing, for as long as this process
/// writes to it.
pub fn overwrites(store: &str, may_look: bool) {
    if may_look {
        tracing::warn!(
            store,
            "the store can't write only where nothing is (If-None-Match: 501): each key is looked at before it is written \
             instead, so somebody else's write to it at that moment isn't noticed"
        );
    } else {
        tracing::warn!(
            store,
            "the store can't write only where nothing is (If-None-Match: 501), and its keys may not be looked at: only the \
             random number in each key keeps objects apart; grant s3:GetObject"
        );
    }
}

/// Which causes were reported when.
#[derive(Debug, Default)]
pub struct Reporter {
    reported: BTreeMap<String, (Duration, u64)>,
}

impl Reporter {
    /// A call failed and will be made again.
    pub fn call_failed(&mut self, what: &'static str, store: &str, error: &BucketError, now: Duration) {
        let cause = format!("{:?} {}", error.kind(), error.code());
        if let Some(suppressed) = self.is_due(cause, now) {
            tracing::info!(
                what,
                store,
                suppressed,
                "{error}; entries wait on the local disk and the upload is tried again"
            );
        }
    }

    /// Something keeps the upload from going on until somebody acts.
    pub fn stopped(&mut self, key: &str, reason: &str, now: Duration) {
        if let Some(suppressed) = self.is_due(format!("stopped {key} {reason}"), now) {
            tracing::warn!(key, suppressed, "the upload has stopped: {reason}");
        }
    }

    /// Whether the cause is to be reported now, and how many times it wasn't since.
    fn is_due(&mut self, cause: String, now: Duration) -> Option<u64> {
        match self.reported.get_mut(&cause) {
            Some((last, suppressed)) if now.saturating_sub(*last) < REPORT_INTERVAL => {
                *suppressed += 1;
                None
            }
            Some(entry) => Some(std::mem::replace(entry, (now, 0)).1),
            None => {
                if self.reported.len() >= CAUSES_MAX {
                    let oldest = self.reported.iter().min_by_key(|(_, (last, _))| *last);
                    if let Some(oldest) = oldest.map(|(cause, _)| cause.clone()) {
                        self.reported.remove(&oldest);
                    }
                }
                self.reported.insert(cause, (now, 0));
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_cause_is_reported_once_a_minute_and_others_at_once() {
        let mut reporter = Reporter::default();
        let second = Duration::from_secs(1);
        assert_eq!(reporter.is_due("a".into(), second), Some(0));
        assert_eq!(reporter.is_due("a".into(), 2 * second), None);
        assert_eq!(reporter.is_due("b".into(), 2 * second), Some(0));
        assert_eq!(reporter.is_due("a".into(), 61 * second), Some(1));
        for cause in 0..1_000 {
            reporter.is_due(cause.to_string(), 62 * second);
        }
        assert!(reporter.reported.len() <= CAUSES_MAX);
    }
}
