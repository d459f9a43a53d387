//! The threads of `durable-queue` in many orders, each decided by a scheduler: shuttle's random one, and its PCT ("A Randomized
//! Scheduler with Probabilistic Guarantees of Finding Bugs", Burckhardt et al., ASPLOS 2010), which finds with some certainty
//! what takes few changes of threads at the wrong places.
//!
//! The product's own sources are compiled a second time (`durable-queue-scheduled`), with what threads meet in taken from
//! `schedules-sync`. An execution is one of the [`SCENARIOS`] once through, in a world of its own; all its decisions, those of
//! chance too, follow from its schedule, so that a schedule repeats it. Each operation of the fake disk is a step at which
//! others may go on, as is each lock, wake, atomic and reading of the clock.
//!
//! What must hold in each, besides what the scenarios say themselves: nobody waits for ever (shuttle finds that nobody can go on);
//! what somebody was told is durable is there after a power loss, in order, once, wherever the power was lost; a failure is
//! told to everybody, and it is the first one; no thread outlives closing.

#[path = "../../../crates/durable-queue/tests/support/client.rs"]
mod client;
mod log_client;
mod logs;
mod queue_client;
mod queues;
mod run;
mod world;

pub use run::{Failure, Scheduler, run, run_again, run_twice};

/// Something that threads do together.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What happens in it.
    pub about: &'static str,
    once: fn(),
}

impl Scenario {
    /// A scenario that `once` goes through once.
    pub const fn new(name: &'static str, about: &'static str, once: fn()) -> Self {
        Self { name, about, once }
    }
}

macro_rules! scenarios {
    ($($name:literal $once:path: $about:literal;)*) => {
        /// All of them.
        pub const SCENARIOS: &[Scenario] = &[$(Scenario::new($name, $about, $once)),*];
    };
}

scenarios! {
    "log-group-commit" logs::group_commit: "threads append and wait for their records";
    "log-room" logs::room: "more is appended than slabs and memory hold; a reader follows and releases";
    "log-closing" logs::closing: "two close while others append and wait";
    "log-latch" logs::latch: "a write or a sync fails while others append, wait and close";
    "log-rotation-latch" logs::rotation_latch: "a sync fails while a slab is ended and the next one begun";
    "log-restart" logs::restart: "the log's threads are ended and started again";
    "queue-handing-over" queues::handing_over: "producers put, consumers take, complete, retry and give back";
    "queue-closing" queues::closing: "two close while others wait for a task and for room";
    "queue-latch" queues::latch: "a write or a sync fails while others put, take and complete";
    "queue-moving" queues::moving: "old slabs are emptied while the task in them changes hands";
    "queue-deleting" queues::deleting: "a queue is deleted while others put, take and wait there";
}
