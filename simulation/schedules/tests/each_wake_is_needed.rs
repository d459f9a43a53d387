//! What the scenarios rest on is switched off in turn, one at a time: each time one of them must notice.

#![allow(missing_docs, reason = "a test")]
#![cfg(feature = "sabotage")]

use durable_queue::sabotage::{
    BELL_COUNTED, LOOK_AGAIN, PUBLISH_AFTER_SYNC, ROTATION_LATCH, ROTATION_OUTCOME, SYNC_TURN, Safeguard,
    WAKE_DURABLE,
};
use schedules::{SCENARIOS, Scheduler, run};

const EXECUTIONS: usize = 1000;

#[test]
fn each_is_noticed_by_one_of_the_schedulers() {
    let safeguards: [(&Safeguard, &str); 7] = [
        (&WAKE_DURABLE, "log-group-commit"),
        (&BELL_COUNTED, "log-group-commit"),
        (&LOOK_AGAIN, "queue-deleting"),
        (&PUBLISH_AFTER_SYNC, "log-group-commit"),
        (&SYNC_TURN, "log-latch"),
        (&ROTATION_OUTCOME, "log-rotation-latch"),
        (&ROTATION_LATCH, "log-latch"),
    ];
    for (safeguard, name) in safeguards {
        let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name).unwrap();
        run(scenario, Scheduler::Random, EXECUTIONS, 1).unwrap();
        safeguard.switch(true);
        let found = [Scheduler::Random, Scheduler::Pct].map(|scheduler| {
            run(scenario, scheduler, EXECUTIONS, 1).err().map(|failure| failure.to_string())
        });
        safeguard.switch(false);
        println!("without {}: {found:?}", safeguard.name());
        assert!(found.iter().any(Option::is_some), "nobody notices without {}", safeguard.name());
    }
}
