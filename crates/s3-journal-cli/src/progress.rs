//! The line that shows, on a terminal, how far things are.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::human;
use crate::terminal;

/// How often it is drawn: fast enough to look alive.
pub const DRAWN_EVERY: Duration = Duration::from_millis(100);

/// What is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Entries read in this run.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Entries made durable in this run.
    pub durable: u64,
    /// Entries uploaded in this run, earlier ones included.
    pub uploaded: u64,
    /// Bytes uploaded in this run, as stored.
    pub stored_bytes: u64,
    /// Entries that aren't in the bucket yet.
    pub pending: u64,
}

/// The line.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    read_rate: Rate,
    upload_rate: Rate,
}

impl Progress {
    /// Begins to show it.
    pub fn start(now: Instant) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        terminal::set_bar(&bar);
        Self { bar, read_rate: Rate::new(now), upload_rate: Rate::new(now) }
    }

    /// Shows where things are now.
    pub fn show(&mut self, now: Instant, figures: &Figures) {
        let read_rate = self.read_rate.update(now, figures.bytes);
        let upload_rate = self.upload_rate.update(now, figures.stored_bytes);
        self.bar.set_message(line(figures, read_rate, upload_rate));
        self.bar.tick();
    }

    /// Takes it away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn line(figures: &Figures, read_rate: u64, upload_rate: u64) -> String {
    format!(
        "read {} ({}, {}/s)  durable {}  uploaded {} ({}, {}/s)  waiting {}",
        human::count(figures.entries),
        human::bytes(figures.bytes),
        human::bytes(read_rate),
        human::count(figures.durable),
        human::count(figures.uploaded),
        human::bytes(figures.stored_bytes),
        human::bytes(upload_rate),
        human::count(figures.pending),
    )
}

/// Bytes a second, over the last moments: half of what it says is newer than [`RATE_HALF_LIFE`].
#[derive(Debug)]
struct Rate {
    at: Instant,
    bytes: u64,
    per_second: f64,
}

const RATE_HALF_LIFE: Duration = Duration::from_secs(2);

impl Rate {
    fn new(now: Instant) -> Self {
        Self { at: now, bytes: 0, per_second: 0.0 }
    }

    fn update(&mut self, now: Instant, bytes: u64) -> u64 {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        if seconds > 0.0 {
            let new = bytes.saturating_sub(self.bytes) as f64 / seconds;
            let kept = 0.5_f64.powf(seconds / RATE_HALF_LIFE.as_secs_f64());
            self.per_second = self.per_second * kept + new * (1.0 - kept);
            self.at = now;
            self.bytes = bytes;
        }
        // A rate for reading; it is never negative.
        Duration::try_from_secs_f64(self.per_second).unwrap_or_default().as_secs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_all_stages() {
        let figures = Figures {
            entries: 12_345,
            bytes: 5 << 20,
            durable: 12_000,
            uploaded: 9_000,
            stored_bytes: 1 << 20,
            pending: 3_345,
        };
        assert_eq!(
            line(&figures, 1 << 20, 0),
            "read 12,345 (5.00 MiB, 1.00 MiB/s)  durable 12,000  uploaded 9,000 (1.00 MiB, 0 B/s)  waiting 3,345"
        );
    }

    #[test]
    fn a_rate_follows_what_happens_and_falls_to_nothing() {
        let start = crate::clock::now();
        let mut rate = Rate::new(start);
        let mut last = 0;
        for second in 1..=30_u32 {
            last = rate.update(start + Duration::from_secs(1) * second, u64::from(second) * 1_000);
        }
        assert!((990..=1_000).contains(&last), "{last}");
        assert_eq!(rate.update(start + Duration::from_secs(30), 99_000), last, "no time has passed");
        for second in 31..=60_u32 {
            last = rate.update(start + Duration::from_secs(1) * second, 30_000);
        }
        assert_eq!(last, 0);
    }
}
