//! Wall time and the process's own time, and what is made of several runs. Knows nothing of what is measured.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// One run.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// How much was done: bytes, entries, commits.
    pub amount: f64,
    /// Wall time.
    pub wall: Duration,
    /// Processor time of all threads that took part.
    pub cpu: Duration,
}

impl Sample {
    /// Amount per second.
    pub fn rate(&self) -> f64 {
        self.amount / self.wall.as_secs_f64()
    }
}

/// Times what lies between `start` and `stop`, as often as they are called.
#[derive(Debug, Default)]
pub struct Stopwatch {
    wall: Duration,
    cpu: Duration,
    since: Option<(Instant, Duration)>,
}

impl Stopwatch {
    /// Goes on.
    pub fn start(&mut self) {
        self.since = Some((Instant::now(), cpu_time()));
    }

    /// Holds.
    pub fn stop(&mut self) {
        if let Some((wall, cpu)) = self.since.take() {
            self.wall += wall.elapsed();
            self.cpu += cpu_time().saturating_sub(cpu);
        }
    }

    /// Wall time so far, without what runs.
    pub fn wall(&self) -> Duration {
        self.wall
    }

    /// A run in which `amount` was done.
    pub fn sample(mut self, amount: f64) -> Sample {
        self.stop();
        Sample { amount, wall: self.wall, cpu: self.cpu }
    }
}

/// Processor time of all threads of this process.
fn cpu_time() -> Duration {
    cpu_clock(ClockId::ProcessCPUTime)
}

/// Processor time of the calling thread.
pub fn thread_cpu_time() -> Duration {
    cpu_clock(ClockId::ThreadCPUTime)
}

fn cpu_clock(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Times one piece of work.
pub fn time(amount: f64, work: impl FnOnce()) -> Sample {
    let mut watch = Stopwatch::default();
    watch.start();
    work();
    watch.stop();
    watch.sample(amount)
}

/// Does a piece of work, which says how much it did, over and over for about `least`; times all of it.
pub fn repeat(least: Duration, mut work: impl FnMut() -> f64) -> Sample {
    let (mut watch, begun) = (Stopwatch::default(), Instant::now());
    let mut amount = 0.0;
    watch.start();
    while begun.elapsed() < least {
        amount += work();
    }
    watch.stop();
    watch.sample(amount)
}

/// The middle one; of an even number, the lower of the two.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get((sorted.len().max(1) - 1) / 2).copied().unwrap_or(f64::NAN)
}
