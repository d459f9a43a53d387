//! The tables. Knows nothing of how it was measured.

use s3_journal_benchmarks::measure::median;

use crate::Run;
use crate::case::Case;
use crate::rival::{ALL, About};

/// What one of them came to, a value for each round.
#[derive(Debug)]
pub struct Row {
    about: &'static About,
    runs: Vec<Run>,
    failures: Vec<String>,
}

impl Row {
    /// Nothing yet.
    pub fn new(about: &'static About) -> Self {
        Self { about, runs: Vec::new(), failures: Vec::new() }
    }

    /// A round.
    pub fn add(&mut self, run: Run) {
        self.runs.push(run);
    }

    /// A round that failed.
    pub fn fail(&mut self, error: String) {
        self.failures.push(error);
    }

    fn rates(&self) -> Vec<f64> {
        self.runs.iter().map(|run| run.outcome.sample.rate()).collect()
    }

    /// Seconds of processor time for each task.
    fn cpu(&self) -> Vec<f64> {
        let of = |run: &Run| run.outcome.sample.cpu.as_secs_f64() / run.outcome.sample.amount;
        self.runs.iter().map(of).collect()
    }
}

/// Who takes part.
pub fn print_abouts() {
    println!(
        "| crate | version | what a put with fsync promises | without, a kill loses | how it is set up |"
    );
    println!("|---|---|---|---|---|");
    for About { name, version, durable, lost_by_kill, setup, .. } in ALL {
        println!("| {name} | {version} | {durable} | {lost_by_kill} | {setup} |");
    }
}

/// The head of the figures.
pub fn print_head() {
    println!(
        "| what | crate | rate | from - to | CPU of a task | rate: durable-queue / it | CPU: it / durable-queue |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|");
}

/// A row for each that took part in a case.
pub fn print_case(case: Case, rows: &[Row]) {
    let ours = rows.first().map(Row::rates).unwrap_or_default();
    let our_cpu = rows.first().map(Row::cpu).unwrap_or_default();
    for row in rows {
        let (rates, name) = (row.rates(), row.about.name);
        if let Some(failure) = row.failures.first() {
            println!(
                "| {case} | {name} | failed {} of {} times: {failure} | | | | |",
                row.failures.len(),
                row.failures.len() + rates.len()
            );
            continue;
        }
        let cpu = row.cpu();
        // Both of a round: what disturbs it for long disturbs both.
        let ratios: Vec<f64> = ours.iter().zip(&rates).map(|(ours, its)| ours / its).collect();
        let of_cpu: Vec<f64> = cpu.iter().zip(&our_cpu).map(|(its, ours)| its / ours).collect();
        println!(
            "| {case} | {name} | {} | {} | {} | {:.2} | {:.2} |",
            rate(case, median(&rates)),
            spread(case, &rates),
            time(median(&cpu)),
            median(&ratios),
            median(&of_cpu),
        );
    }
    if let Case::Open { mib } = case {
        print_disk(mib, rows);
    }
}

fn print_disk(mib: usize, rows: &[Row]) {
    let payload = (mib << 20) as f64;
    for row in rows.iter().filter(|row| row.failures.is_empty()) {
        let filled: Vec<_> = row.runs.iter().filter_map(|run| run.fill).collect();
        let each = |value: fn(&crate::Outcome) -> f64| median(&filled.iter().map(value).collect::<Vec<_>>());
        let memory = median(&row.runs.iter().map(|run| run.outcome.memory_bytes).collect::<Vec<_>>());
        println!(
            "| {mib} MiB waiting: disk room, bytes written, memory | {} | {:.3} B of disk per byte | {:.3} B written per byte | {:.0} MB filling, {:.0} MB after opening | | |",
            row.about.name,
            each(|fill| fill.disk_bytes) / payload,
            each(|fill| fill.written_bytes) / payload,
            each(|fill| fill.memory_bytes) / 1e6,
            memory / 1e6,
        );
    }
}

fn rate(case: Case, per_second: f64) -> String {
    match case {
        Case::Open { .. } => time(1.0 / per_second),
        _ if per_second >= 1e6 => format!("{:.2} M/s", per_second / 1e6),
        _ if per_second >= 1e4 => format!("{:.0} k/s", per_second / 1e3),
        _ => format!("{per_second:.0} /s"),
    }
}

fn spread(case: Case, rates: &[f64]) -> String {
    let lowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = rates.iter().copied().fold(0.0, f64::max);
    match case {
        Case::Open { .. } => format!("{} to {}", rate(case, highest), rate(case, lowest)),
        _ => format!("{} to {}", rate(case, lowest), rate(case, highest)),
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        ..1e-6 => format!("{:.0} ns", seconds * 1e9),
        ..1e-3 => format!("{:.1} µs", seconds * 1e6),
        ..1.0 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}
