//! A schedule repeats an execution to the last step: nothing but shuttle decides what happens.

#![allow(missing_docs, reason = "a test")]

use schedules::{SCENARIOS, run_twice};

#[test]
fn of_every_scenario() {
    for scenario in SCENARIOS {
        run_twice(scenario, 20, 7).unwrap();
    }
}
