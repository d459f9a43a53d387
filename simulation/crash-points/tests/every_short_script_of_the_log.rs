//! Every script of up to three calls on the log is cut short at every operation, by death and by power loss, with every part of
//! the unsynced left; the recovery at each of its operations; and the recovery after that. `CRASH_DEPTH` (2) is how many
//! recoveries in a row are cut short, `CRASH_CALLS` (3) how many calls a script has at most.

#![allow(clippy::pedantic, missing_docs, reason = "a test")]

#[path = "../../../crates/durable-queue/tests/support/mod.rs"]
mod support;

use support::crash_points::{Explorer, Limits, STARTS, scripts};

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn survives_a_crash_at_every_point() {
    let depth = number("CRASH_DEPTH", 2);
    let all = (0..=number("CRASH_CALLS", 3)).flat_map(scripts);
    let all: Vec<_> =
        all.flat_map(|script| STARTS.iter().map(move |start| (start, script.clone()))).collect();
    let limits = Limits {
        depth,
        subsets_of: number("CRASH_SUBSETS", 3),
        samples: 6,
        subsets_of_again: number("CRASH_SUBSETS_AGAIN", 1),
        samples_again: 1,
        faults_from: depth,
    };
    let explorer = Explorer::new(limits);
    crash_points::side_by_side(&all, |(start, script)| explorer.script(start, script));
    println!("{:?}", explorer.figures());
}
