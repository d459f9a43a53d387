//! Lives of many seeds, side by side, and what to tell of one that failed. Knows the world.

use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::faults::Fault;
use crate::settings::Settings;
use crate::world::{Lived, World};

/// What lives came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lives.
    pub seeds: u64,
    /// Entries that arrived.
    pub entries: u64,
    /// Objects that they arrived in.
    pub objects: u64,
    /// Times that a journal was opened.
    pub openings: u64,
    /// Operations of disks.
    pub operations: u64,
}

impl Summary {
    fn add(&mut self, lived: Lived) {
        self.seeds += 1;
        self.entries += lived.entries;
        self.objects += lived.objects;
        self.openings += lived.openings;
        self.operations += lived.operations;
    }

    fn join(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.entries += other.entries;
        self.objects += other.objects;
        self.openings += other.openings;
        self.operations += other.operations;
    }
}

/// A life in which something didn't hold.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// How it was led.
    pub settings: Settings,
    /// What didn't hold.
    pub what: String,
    /// What happened, if that was kept.
    pub trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: {}", self.seed, self.what)
    }
}

impl Failure {
    /// The options of the command line that repeat it.
    pub fn arguments(&self) -> String {
        let Settings { steps, faults, insist, .. } = self.settings;
        let mut text = format!("--seed {} --steps {steps}", self.seed);
        let is_missing = |fault: &&Fault| **fault != Fault::BitRot && !faults.has(**fault);
        let missing: Vec<&str> = Fault::ALL.iter().filter(is_missing).map(|fault| fault.name()).collect();
        if faults.has(Fault::BitRot) && !insist {
            text.push_str(" --rot");
        }
        if insist {
            text = format!("{text} --only {faults:?}");
        } else if !missing.is_empty() {
            text = format!("{text} --without {}", missing.join(","));
        }
        text
    }
}

/// One life, and what happened in it.
pub fn trace_seed(seed: u64, settings: &Settings) -> (Result<Summary, String>, Vec<String>) {
    let lived = catch_unwind(AssertUnwindSafe(|| World::new(seed, settings).live(settings.steps)));
    match lived {
        Ok((Ok(lived), trace)) => {
            let mut summary = Summary::default();
            summary.add(lived);
            (Ok(summary), trace)
        }
        Ok((Err(what), trace)) => (Err(what), trace),
        Err(panic) => {
            let what = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
            (Err(format!("it panics: {}", what.unwrap_or_default())), Vec::new())
        }
    }
}

/// One life.
pub fn run_seed(seed: u64, settings: &Settings) -> Result<Summary, Failure> {
    let (lived, trace) = trace_seed(seed, settings);
    lived.map_err(|what| Failure { seed, settings: *settings, what, trace })
}

/// The lives of all `seeds`, `jobs` at a time; ends at the first failure unless it is to `go_on`.
pub fn run_seeds(
    seeds: Range<u64>,
    settings: &Settings,
    jobs: usize,
    go_on: bool,
    told: &(dyn Fn(&Failure) + Sync),
) -> (Summary, u64) {
    let next = AtomicU64::new(seeds.start);
    let failures = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let total = Mutex::new(Summary::default());
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                let mut summary = Summary::default();
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    match run_seed(seed, settings) {
                        Ok(lived) => summary.join(lived),
                        Err(failure) => {
                            failures.fetch_add(1, Ordering::Relaxed);
                            told(&failure);
                            stop.fetch_or(!go_on, Ordering::Relaxed);
                        }
                    }
                }
                if let Ok(mut total) = total.lock() {
                    total.join(summary);
                }
            });
        }
    });
    (total.into_inner().unwrap_or_default(), failures.into_inner())
}

/// The shortest life with the fewest kinds of fault that still fails.
pub fn shrink(failure: &Failure) -> Failure {
    let mut least = failure.clone();
    let fails = |settings: Settings| run_seed(failure.seed, &settings).err();
    for fault in Fault::ALL {
        let faults = least.settings.faults.without(*fault);
        if let Some(found) = fails(Settings { faults, ..least.settings }) {
            least = found;
        }
    }
    // Each step is drawn from the same dice, however many there are: a shorter life is a beginning of the longer one.
    let (mut passes, mut fails_at) = (0, least.settings.steps);
    while passes + 1 < fails_at {
        let steps = u64::midpoint(passes, fails_at);
        match fails(Settings { steps, ..least.settings }) {
            Some(found) => {
                least = found;
                fails_at = steps;
            }
            None => passes = steps,
        }
    }
    least
}
