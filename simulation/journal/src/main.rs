//! Lives many lives, and tells of those in which something didn't hold.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use journal_simulation::run::{run_seeds, shrink, trace_seed};
use journal_simulation::{Fault, Faults, Settings};

/// Simulates s3-journal in a world that a seed decides.
#[derive(Debug, Parser)]
struct Arguments {
    /// This seed alone.
    #[arg(long)]
    seed: Option<u64>,
    /// The first of the seeds.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// Steps before everything is mended and drained.
    #[arg(long, default_value_t = Settings::STEPS)]
    steps: u64,
    /// Just these faults, and all of them in each life: names with commas between.
    #[arg(long, conflicts_with = "without")]
    only: Option<Faults>,
    /// None of these faults.
    #[arg(long)]
    without: Option<Faults>,
    /// In every fourth life bytes of the queue rot, too.
    #[arg(long)]
    rot: bool,
    /// How many lives side by side [default: one for each core].
    #[arg(long)]
    jobs: Option<usize>,
    /// Go on after a failure.
    #[arg(long)]
    go_on: bool,
    /// Look for the shortest life with the fewest faults that fails like `--seed`.
    #[arg(long, requires = "seed")]
    shrink: bool,
    /// Print what happens in `--seed`.
    #[arg(long, requires = "seed")]
    trace: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut settings = Settings { steps: arguments.steps, ..Settings::new() };
    if let Some(only) = arguments.only {
        settings = Settings { faults: only, insist: true, ..settings };
    }
    if arguments.rot {
        settings.faults = settings.faults.with(Fault::BitRot);
    }
    if let Some(without) = arguments.without {
        settings.faults = without.iter().fold(settings.faults, Faults::without);
    }
    if arguments.trace
        && let Some(seed) = arguments.seed
    {
        settings.keep_trace = true;
        let (lived, trace) = trace_seed(seed, &settings);
        for line in trace {
            println!("{line}");
        }
        return match lived {
            Ok(_) => ExitCode::SUCCESS,
            Err(what) => {
                println!("{what}");
                ExitCode::FAILURE
            }
        };
    }
    let seeds =
        arguments.seed.map_or(arguments.from..arguments.from + arguments.seeds, |seed| seed..seed + 1);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let start = Instant::now();
    let (summary, failures) =
        run_seeds(seeds, &settings, arguments.jobs.unwrap_or(cores), arguments.go_on, &|failure| {
            let failure = if arguments.shrink { shrink(failure) } else { failure.clone() };
            println!("FAILED  {failure}");
            println!(
                "        repeat: cargo run --release -p journal-simulation -- {} --trace",
                failure.arguments()
            );
        });
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} lives: {} entries in {} objects, {} openings, {} operations of disks; {:.0} s, {:.0} lives an hour",
        summary.seeds,
        summary.entries,
        summary.objects,
        summary.openings,
        summary.operations,
        seconds,
        summary.seeds as f64 / seconds * 3600.0
    );
    println!("{} passed, {failures} failed", summary.seeds);
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
