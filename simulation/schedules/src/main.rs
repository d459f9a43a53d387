//! Runs every scenario in many schedules, and tells of those in which something didn't hold.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use schedules::{Failure, SCENARIOS, Scenario, Scheduler, run, run_again};

/// Runs the threads of durable-queue in many orders.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only these scenarios, by name.
    names: Vec<String>,
    /// Name the scenarios, and do nothing.
    #[arg(long)]
    list: bool,
    /// How many schedules of each kind, random and PCT: the scenarios share them evenly.
    #[arg(long, env = "SCHEDULES", default_value_t = 10_000)]
    schedules: usize,
    /// What they follow from.
    #[arg(long, env = "SCHEDULES_SEED", default_value_t = 1)]
    seed: u64,
    /// How many side by side [default: one for each core].
    #[arg(long)]
    jobs: Option<usize>,
    /// Run one scenario in one schedule: what a failure printed.
    #[arg(long, requires = "names")]
    replay: Option<String>,
}

struct Ran {
    scenario: &'static Scenario,
    scheduler: Scheduler,
    executions: usize,
    took: Duration,
    failure: Option<Failure>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let named = |scenario: &&Scenario| {
        arguments.names.is_empty() || arguments.names.iter().any(|name| name == scenario.name)
    };
    let scenarios: Vec<_> = SCENARIOS.iter().filter(named).collect();
    if arguments.list {
        for scenario in &scenarios {
            println!("{:20} {}", scenario.name, scenario.about);
        }
        return ExitCode::SUCCESS;
    }
    if scenarios.is_empty() || scenarios.len() < arguments.names.len() {
        eprintln!("there is no such scenario: see --list");
        return ExitCode::FAILURE;
    }
    if let (Some(schedule), [scenario]) = (&arguments.replay, &*scenarios) {
        return match run_again(scenario, schedule) {
            Ok(()) => {
                println!("nothing fails");
                ExitCode::SUCCESS
            }
            Err(failure) => {
                println!("FAILED  {failure}");
                ExitCode::FAILURE
            }
        };
    }
    let start = Instant::now();
    let ran = run_all(&arguments, &scenarios);
    let failed = ran.iter().filter(|ran| ran.failure.is_some()).count();
    let passed: usize = ran.iter().filter(|ran| ran.failure.is_none()).map(|ran| ran.executions).sum();
    println!("{passed} schedules passed, {failed} failed; {:.0} s", start.elapsed().as_secs_f64());
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Each scenario under each scheduler, side by side.
fn run_all(arguments: &Arguments, scenarios: &[&'static Scenario]) -> Vec<Ran> {
    let executions = arguments.schedules.div_ceil(scenarios.len());
    let work: Vec<_> = scenarios
        .iter()
        .flat_map(|scenario| [Scheduler::Random, Scheduler::Pct].map(|scheduler| (*scenario, scheduler)))
        .collect();
    let next = AtomicUsize::new(0);
    let ran = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.unwrap_or(cores) {
            scope.spawn(|| {
                while let Some((scenario, scheduler)) =
                    work.get(next.fetch_add(1, Ordering::Relaxed)).copied()
                {
                    let start = Instant::now();
                    let failure = run(scenario, scheduler, executions, arguments.seed).err();
                    let ran_now = Ran { scenario, scheduler, executions, took: start.elapsed(), failure };
                    tell(&ran_now, arguments);
                    if let Ok(mut ran) = ran.lock() {
                        ran.push(ran_now);
                    }
                }
            });
        }
    });
    ran.into_inner().unwrap_or_default()
}

fn tell(ran: &Ran, arguments: &Arguments) {
    let Ran { scenario: Scenario { name, .. }, scheduler, executions, took, failure } = ran;
    match failure {
        None => println!("ok      {name:20} {executions} {scheduler}, {:.1} s", took.as_secs_f64()),
        Some(failure) => {
            println!("FAILED  {failure}");
            println!("        under the {scheduler} scheduler, seed {}", arguments.seed);
            println!("        repeat: cargo run --release -p schedules -- {name} --replay SCHEDULE");
            println!("        SCHEDULE is what stands above between the quotes after \"failing schedule\"");
        }
    }
}
