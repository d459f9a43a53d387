//! Every short script is cut short at every operation, with every part of what wasn't synced left, and each recovery at each of its
//! operations. `simulation/crash-points` goes further: three calls, and crashes within the second recovery.

#![allow(clippy::panic, reason = "a test may stop")]

mod support;

use support::crash_points::{Explorer, Limits, STARTS, scripts};

fn explore(limits: Limits, calls: usize, starts: &[support::crash_points::Start]) {
    let explorer = Explorer::new(limits);
    for start in starts {
        for script in scripts(calls) {
            explorer.script(start, &script).unwrap_or_else(|error| panic!("{error}"));
        }
    }
    let figures = explorer.figures();
    println!("{figures:?}");
    assert!(figures.crashes > 500 && figures.states > 100, "{figures:?}");
}

#[test]
fn of_one_call_and_again_at_every_point_of_the_recovery() {
    explore(
        Limits { depth: 1, subsets_of: 2, samples: 2, subsets_of_again: 2, samples_again: 2, faults_from: 2 },
        1,
        &STARTS[1..3],
    );
}

#[test]
fn of_one_call_and_errors_and_a_full_disk_in_the_recovery() {
    explore(
        Limits { depth: 0, subsets_of: 2, samples: 2, subsets_of_again: 2, samples_again: 2, faults_from: 0 },
        1,
        &STARTS[1..2],
    );
}

#[test]
fn of_two_calls() {
    explore(
        Limits { depth: 0, subsets_of: 3, samples: 4, subsets_of_again: 3, samples_again: 4, faults_from: 1 },
        2,
        &STARTS[1..3],
    );
}
