//! Every script of up to three calls on the task queues is cut short at every operation, by death and by power loss, and the
//! opening after it at each of its operations. `QUEUE_CRASH_DEPTH` (2) is how many openings in a row are cut short,
//! `QUEUE_CRASH_CALLS` (3) how many calls a script has at most.

#![allow(clippy::pedantic, missing_docs, reason = "a test")]

#[path = "../../../crates/durable-queue/tests/queue_support/mod.rs"]
mod queue_support;
#[path = "../../../crates/durable-queue/tests/support/mod.rs"]
mod support;

use queue_support::crash_points::{Explorer, Limits, scripts};

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn survives_a_crash_at_every_point() {
    let all: Vec<_> = (0..=number("QUEUE_CRASH_CALLS", 3)).flat_map(scripts).collect();
    let explorer = Explorer::new(Limits { depth: number("QUEUE_CRASH_DEPTH", 2), subsets_of: 3, samples: 4 });
    crash_points::side_by_side(&all, |script| explorer.script(script));
    println!("{} states", explorer.states());
}
