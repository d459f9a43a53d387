//! When the store takes nothing: one clear line now and then, not a flood.

use std::time::{Duration, Instant};

use crate::human;

/// How long trouble must last before it is told: a single refused request is nobody's business.
const TOLD_AFTER: Duration = Duration::from_secs(2);

/// How often it is told while it lasts.
const TOLD_EVERY: Duration = Duration::from_mins(1);

/// What the journal says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Trouble<'a> {
    /// What the store answered last, and what can be done about it.
    pub message: &'a str,
    /// Whether uploading stands still until somebody does something.
    pub stopped: bool,
    /// Entries that wait.
    pub pending: u64,
    /// What keeps more from being taken, if the queue is full.
    pub full: Option<&'a str>,
    /// Where they wait.
    pub directory: &'a str,
}

/// Watches whether the store takes what it is given.
#[derive(Debug, Default)]
pub struct Watch {
    since: Option<Instant>,
    told: Option<Instant>,
    /// That the queue is full has been told, too.
    told_full: bool,
}

impl Watch {
    /// Looks at how things are; the line to tell, if one is due.
    pub fn look(&mut self, now: Instant, trouble: Option<Trouble<'_>>) -> Option<String> {
        let Some(trouble) = trouble else {
            self.since = None;
            self.told_full = false;
            return None;
        };
        let since = *self.since.get_or_insert(now);
        let lasting = now.saturating_duration_since(since) >= TOLD_AFTER;
        let is_full = trouble.full.is_some();
        let fills_up = is_full && !self.told_full;
        let due = fills_up || self.told.is_none_or(|told| now.saturating_duration_since(told) >= TOLD_EVERY);
        if !lasting || !due {
            return None;
        }
        self.told = Some(now);
        self.told_full |= is_full;
        Some(line(&trouble))
    }
}

fn line(trouble: &Trouble<'_>) -> String {
    let Trouble { message, stopped, pending, full, directory } = trouble;
    let state = if *stopped { "uploading has stopped" } else { "the store takes nothing at present" };
    let wait = human::counted(*pending, "entry waits", "entries wait");
    let full = full.map(|full| format!("; until then nothing more is taken: {full}")).unwrap_or_default();
    format!(
        "{state}: {message}. {wait} safely in {directory}; uploading goes on by itself when that is mended{full}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TROUBLE: Trouble<'static> = Trouble {
        message: "permission denied (AccessDenied); grant s3:PutObject",
        stopped: false,
        pending: 1_200,
        full: None,
        directory: "/var/lib/j",
    };

    #[test]
    fn trouble_that_lasts_is_told_once_a_minute() {
        let start = crate::clock::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut watch = Watch::default();
        assert_eq!(watch.look(at(0), Some(TROUBLE)), None, "it may pass");
        assert_eq!(watch.look(at(1), None), None);
        assert_eq!(watch.look(at(2), Some(TROUBLE)), None, "it has begun anew");
        let told = watch.look(at(4), Some(TROUBLE)).unwrap();
        assert_eq!(
            told,
            "the store takes nothing at present: permission denied (AccessDenied); grant s3:PutObject. 1,200 entries \
             wait safely in /var/lib/j; uploading goes on by itself when that is mended"
        );
        assert_eq!(watch.look(at(5), None), None);
        assert_eq!(watch.look(at(6), Some(TROUBLE)), None);
        assert_eq!(watch.look(at(63), Some(TROUBLE)), None, "not twice a minute, even if it came and went");
        assert!(watch.look(at(64), Some(TROUBLE)).is_some());
    }

    #[test]
    fn that_the_queue_has_become_full_is_told_at_once_and_with_its_bound() {
        let start = crate::clock::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let full = Trouble { full: Some("the queue holds --max-queue-size = 10 entries"), ..TROUBLE };
        let mut watch = Watch::default();
        assert_eq!(watch.look(at(0), Some(TROUBLE)), None);
        assert!(watch.look(at(3), Some(TROUBLE)).is_some());
        let told = watch.look(at(4), Some(full)).unwrap();
        assert!(
            told.ends_with(
                "; until then nothing more is taken: the queue holds --max-queue-size = 10 entries"
            )
        );
        for seconds in 5..60 {
            let trouble = if seconds % 2 == 0 { TROUBLE } else { full };
            assert_eq!(watch.look(at(seconds), Some(trouble)), None, "it comes and goes");
        }
        assert!(watch.look(at(64), Some(full)).is_some());
    }

    #[test]
    fn a_stop_is_called_a_stop() {
        let trouble = Trouble { stopped: true, pending: 1, ..TROUBLE };
        let text = line(&trouble);
        assert!(
            text.starts_with("uploading has stopped: ") && text.contains(". 1 entry waits safely"),
            "{text}"
        );
    }
}
