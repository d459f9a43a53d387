//! Runs scenarios under a scheduler. Knows shuttle.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};

use shuttle::scheduler::{
    PctScheduler, RandomScheduler, ReplayScheduler, UncontrolledNondeterminismCheckScheduler,
};
use shuttle::{Config, MaxSteps, Runner};

use crate::Scenario;
use crate::world::IS_TOLD;

/// How many changes of priority PCT places in an execution, and one.
const PCT_DEPTH: usize = 4;
/// An execution takes some thousands of steps. One that takes more goes round and round.
const STEPS_MAX: usize = 200_000;
/// Of a thread in an execution, in bytes: opening a log needs more than shuttle gives.
const STACK_BYTES: usize = 256 << 10;

/// Who decides which thread goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheduler {
    /// Any of them, evenly.
    Random,
    /// The one with the highest priority, which changes at few places.
    Pct,
}

impl fmt::Display for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Random => "random",
            Self::Pct => "pct",
        })
    }
}

/// An execution in which something didn't hold.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The scenario.
    pub scenario: &'static str,
    /// Which execution it was, from 1 on.
    pub execution: usize,
    /// What didn't hold.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, execution, what } = self;
        write!(f, "{scenario}, execution {execution}: {what}")
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    // What a panic unwinds isn't scheduled any more: it would only hide what went wrong first.
    config.ungraceful_shutdown_config.immediately_return_on_panic = true;
    config
}

/// Runs a scenario so many times.
///
/// # Errors
/// The first execution in which something didn't hold. Shuttle has printed its schedule by then.
pub fn run(scenario: &Scenario, scheduler: Scheduler, executions: usize, seed: u64) -> Result<(), Failure> {
    match scheduler {
        Scheduler::Random => run_by(scenario, RandomScheduler::new_from_seed(seed, executions)),
        Scheduler::Pct => run_by(scenario, PctScheduler::new_from_seed(seed, PCT_DEPTH, executions)),
    }
}

/// Runs a scenario once more, as `schedule` says, and tells on standard error what happens to the disk.
///
/// # Errors
/// As [`run`].
pub fn run_again(scenario: &Scenario, schedule: &str) -> Result<(), Failure> {
    IS_TOLD.store(true, Ordering::Relaxed);
    run_by(scenario, ReplayScheduler::new_from_encoded(schedule.trim()))
}

/// Runs a scenario so many times, and each time once more by the same schedule: to see that the schedule decides everything.
///
/// # Errors
/// As [`run`], and when the second run isn't the first over again.
pub fn run_twice(scenario: &Scenario, executions: usize, seed: u64) -> Result<(), Failure> {
    let scheduler = RandomScheduler::new_from_seed(seed, executions);
    run_by(scenario, UncontrolledNondeterminismCheckScheduler::new(scheduler))
}

/// Runs a scenario as `scheduler` says, on a thread of its own: a failed execution leaves it in the middle of a panic.
fn run_by(
    scenario: &Scenario,
    scheduler: impl shuttle::scheduler::Scheduler + Send + 'static,
) -> Result<(), Failure> {
    keep_messages();
    let begun = Arc::new(AtomicUsize::new(0));
    let (counting, once) = (Arc::clone(&begun), scenario.once);
    let runner = move || {
        let ran = catch_unwind(AssertUnwindSafe(|| {
            Runner::new(scheduler, config()).run(move || {
                counting.fetch_add(1, Ordering::Relaxed);
                once();
            })
        }));
        // What went wrong first; nothing panicked where shuttle found that nobody can go on.
        ran.map(|_| ()).map_err(|panic| FIRST_MESSAGE.take().unwrap_or_else(|| message(&*panic)))
    };
    let ran = std::thread::spawn(runner).join().unwrap_or_else(|panic| Err(message(&*panic)));
    ran.map_err(|what| Failure { scenario: scenario.name, execution: begun.load(Ordering::Relaxed), what })
}

thread_local! {
    static FIRST_MESSAGE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps what the first panic of a thread says.
fn keep_messages() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            FIRST_MESSAGE.with_borrow_mut(|first| {
                let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line()));
                first.get_or_insert_with(|| message(info.payload()) + &place.unwrap_or_default());
            });
            before(info);
        }));
    });
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
