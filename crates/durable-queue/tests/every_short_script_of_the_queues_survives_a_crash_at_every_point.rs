//! Short lives of task queues stop at every operation of the disk, and what is there afterwards is what must and may be.
//! `simulation/crash-points` goes further: three calls, and crashes within the next opening.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

mod queue_support;
mod support;

use queue_support::crash_points::{Explorer, Limits, scripts};

#[test]
fn of_up_to_two_calls() {
    let explorer = Explorer::new(Limits { depth: 0, subsets_of: 3, samples: 4 });
    for script in (0..=2).flat_map(scripts) {
        explorer.script(&script).unwrap_or_else(|error| panic!("{error}"));
    }
    println!("{} states", explorer.states());
    assert!(explorer.states() > 100);
}
