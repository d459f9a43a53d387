//! The table: runs both sides of a row in turns and prints what they came to. Knows nothing of what is measured.

use s3_journal_benchmarks::measure::{Sample, median};

/// What is counted.
#[derive(Clone, Copy)]
pub enum Unit {
    /// Bytes; what they cost is told for a thousand million.
    Bytes,
    /// What is done so often that it costs nanoseconds.
    Entries,
    /// What costs microseconds.
    Commits,
}

impl Unit {
    fn rate(self, per_second: f64) -> String {
        match self {
            Self::Bytes => format!("{:.0} MB/s", per_second / 1e6),
            Self::Entries | Self::Commits if per_second >= 1e6 => format!("{:.1} M/s", per_second / 1e6),
            Self::Entries | Self::Commits if per_second >= 1e4 => format!("{:.0} k/s", per_second / 1e3),
            Self::Entries | Self::Commits => format!("{per_second:.0} /s"),
        }
    }

    fn cpu(self, seconds: f64) -> String {
        match self {
            Self::Bytes => format!("{:.2} s/GB", seconds * 1e9),
            Self::Entries => format!("{:.1} ns", seconds * 1e9),
            Self::Commits => format!("{:.1} µs", seconds * 1e6),
        }
    }

    fn spread(self, rates: &[f64]) -> String {
        let lowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = rates.iter().copied().fold(0.0, f64::max);
        format!("{} to {}", self.rate(lowest), self.rate(highest))
    }
}

/// Prints its rows as they are measured.
pub struct Table {
    rounds: usize,
    only: String,
}

impl Table {
    /// Measures each row `rounds` times, if its name has `only` in it.
    pub fn new(rounds: usize, only: String) -> Self {
        println!(
            "| what | rate | from - to | CPU | alone | rate | from - to | CPU | rate / alone | CPU / alone |"
        );
        println!("|---|--:|--:|--:|---|--:|--:|--:|--:|--:|");
        Self { rounds, only }
    }

    /// Whether a row of that name would be measured.
    pub fn wants(&self, what: &str) -> bool {
        what.contains(&self.only)
    }

    /// One row: what the product does, and what is done without it.
    pub fn row(
        &mut self,
        what: &str,
        unit: Unit,
        mut ours: impl FnMut() -> Sample,
        alone: &str,
        mut other: impl FnMut() -> Sample,
    ) {
        if !self.wants(what) {
            return;
        }
        let pairs = (0..self.rounds).map(|_| (ours(), other()));
        let (ours, other): (Vec<Sample>, Vec<Sample>) = pairs.unzip();
        let (ours, other) = (Side::of(&ours), Side::of(&other));
        println!(
            "| {what} | {} | {} | {} | {alone} | {} | {} | {} | {:.2} | {:.2} |",
            unit.rate(median(&ours.rates)),
            unit.spread(&ours.rates),
            unit.cpu(median(&ours.cpu)),
            unit.rate(median(&other.rates)),
            unit.spread(&other.rates),
            unit.cpu(median(&other.cpu)),
            ratio(&ours.rates, &other.rates),
            ratio(&ours.cpu, &other.cpu),
        );
    }
}

/// One side of a row, a value for each round.
struct Side {
    rates: Vec<f64>,
    /// Processor seconds for each of what is counted.
    cpu: Vec<f64>,
}

impl Side {
    fn of(samples: &[Sample]) -> Self {
        let cpu = samples.iter().map(|sample| sample.cpu.as_secs_f64() / sample.amount).collect();
        Self { rates: samples.iter().map(Sample::rate).collect(), cpu }
    }
}

/// The median of the rounds' own ratios: what disturbs a round for long disturbs both sides of it.
fn ratio(ours: &[f64], other: &[f64]) -> f64 {
    let ratios: Vec<f64> = ours.iter().zip(other).map(|(ours, other)| ours / other).collect();
    median(&ratios)
}
