//! Switches each safeguard of the product off in turn (an fsync, a checksum, a rule, a precondition: see
//! `durable_queue::sabotage`) and expects a test to notice. A safeguard that can go without any test going red is either not
//! tested or not needed.
//!
//! The tests are the product's own, built once with the feature `sabotage`; which ones have to notice what is in `list`.
//! Before anything is switched off they must all pass in that same build: a test that is red anyway notices nothing.

mod list;
mod runner;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Parser;

use list::{LIST, Proof};
use runner::{Outcome, Runner};

/// Switches each safeguard off in turn and expects the tests to notice.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only these safeguards, by name.
    names: Vec<String>,
    /// Name the safeguards and what they guard, and do nothing.
    #[arg(long)]
    list: bool,
    /// Live the lives of so many seeds, and say what is noticed: what a proof is made of.
    #[arg(long, hide = true)]
    lives: Option<u64>,
    /// Run so many schedules of the scenario, and say what is noticed.
    #[arg(long, hide = true, num_args = 2, value_names = ["SCENARIO", "SCHEDULES"])]
    schedules: Option<Vec<String>>,
    /// How many tests run side by side.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
}

/// Every safeguard of both crates: its name, and what it guards.
fn safeguards() -> BTreeMap<&'static str, &'static str> {
    let all = durable_queue::sabotage::ALL.iter().chain(s3_journal::sabotage::ALL);
    all.map(|safeguard| (safeguard.name(), safeguard.guards())).collect()
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(seeds) = arguments.lives {
        return live(seeds);
    }
    if let Some([scenario, executions]) = arguments.schedules.as_deref() {
        return schedule(scenario, executions);
    }
    let safeguards = safeguards();
    if arguments.list {
        for (name, guards) in &safeguards {
            println!("{name:28} {guards}");
        }
        return ExitCode::SUCCESS;
    }
    let mut count = Count::default();
    check_the_list(&safeguards, &mut count);
    let runner = match Runner::build() {
        Ok(runner) => runner,
        Err(error) => {
            eprintln!("the tests can't be built: {error}");
            return ExitCode::FAILURE;
        }
    };
    let wanted: Vec<_> = LIST
        .iter()
        .filter(|(name, _)| arguments.names.is_empty() || arguments.names.iter().any(|wanted| wanted == name))
        .collect();
    // Green first, then red.
    let proofs: BTreeSet<Proof> = wanted.iter().flat_map(|(_, proofs)| proofs.iter().copied()).collect();
    let proofs: Vec<Proof> = proofs.into_iter().collect();
    for (proof, outcome) in
        proofs.iter().zip(side_by_side(arguments.jobs, &proofs, |proof| runner.run(*proof, None)))
    {
        count.check(
            matches!(outcome, Outcome::Green(_)),
            &format!("with every safeguard, {proof} is green: {outcome}"),
        );
    }
    let found = side_by_side(arguments.jobs, &wanted, |(name, proofs)| {
        let mut said = String::new();
        for proof in *proofs {
            let outcome = runner.run(*proof, Some(name));
            if matches!(outcome, Outcome::Red(_)) {
                return (true, format!("{proof} notices: {outcome}"));
            }
            said = format!("{said}; {proof}: {outcome}");
        }
        (false, format!("nobody notices{said}"))
    });
    for ((name, _), (noticed, said)) in wanted.iter().zip(found) {
        count.check(noticed, &format!("without {name} ({}), {said}", safeguards.get(name).unwrap_or(&"?")));
    }
    println!("{} passed, {} failed", count.passed, count.failed);
    if count.failed == 0 && count.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The lives of so many seeds, until one fails.
fn live(seeds: u64) -> ExitCode {
    for seed in 0..seeds {
        if let Err(failure) = journal_simulation::run_seed(seed, &journal_simulation::Settings::new()) {
            println!("noticed: {failure}");
            return ExitCode::FAILURE;
        }
    }
    println!("nothing noticed");
    ExitCode::SUCCESS
}

/// So many schedules of a scenario under each scheduler.
fn schedule(name: &str, executions: &str) -> ExitCode {
    let scenario = schedules::SCENARIOS.iter().find(|scenario| scenario.name == name);
    let (Some(scenario), Ok(executions)) = (scenario, executions.parse()) else {
        println!("there is no scenario {name}");
        return ExitCode::FAILURE;
    };
    for scheduler in [schedules::Scheduler::Random, schedules::Scheduler::Pct] {
        if let Err(failure) = schedules::run(scenario, scheduler, executions, 1) {
            println!("noticed: {failure}");
            return ExitCode::FAILURE;
        }
    }
    println!("nothing noticed");
    ExitCode::SUCCESS
}

/// Every safeguard is in the list, and nothing else.
fn check_the_list(safeguards: &BTreeMap<&'static str, &'static str>, count: &mut Count) {
    let listed: BTreeSet<&str> = LIST.iter().map(|(name, _)| *name).collect();
    let known: BTreeSet<&str> = safeguards.keys().copied().collect();
    let unlisted: Vec<_> = known.difference(&listed).collect();
    let unknown: Vec<_> = listed.difference(&known).collect();
    count.check(
        unlisted.is_empty() && unknown.is_empty() && listed.len() == LIST.len(),
        &format!(
            "each of the {} safeguards is listed once; not listed: {unlisted:?}; unknown: {unknown:?}",
            known.len()
        ),
    );
}

#[derive(Debug, Default)]
struct Count {
    passed: usize,
    failed: usize,
}

impl Count {
    fn check(&mut self, holds: bool, what: &str) {
        if holds {
            self.passed += 1;
            println!("ok      {what}");
        } else {
            self.failed += 1;
            println!("FAILED  {what}");
        }
    }
}

/// `work` on each of `items`, `jobs` at a time; the results in the order of the items.
fn side_by_side<T: Sync, R: Send>(jobs: usize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while let Some((at, item)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    items.get(at).map(|item| (at, item))
                } {
                    let result = work(item);
                    if let Ok(mut results) = results.lock() {
                        results.push((at, result));
                    }
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_default();
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}
