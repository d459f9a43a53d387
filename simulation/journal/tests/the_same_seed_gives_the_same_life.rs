//! What a failing seed shows must be there the next time, too: in this process, in another one, and whatever runs beside it.

use std::process::Command;

use journal_simulation::run::{run_seeds, trace_seed};
use journal_simulation::{Failure, Settings};

const SEEDS: u64 = 40;

fn lives() -> String {
    let settings = Settings { keep_trace: true, ..Settings::new() };
    let mut all = String::new();
    for seed in 0..SEEDS {
        let (lived, trace) = trace_seed(seed, &settings);
        all = format!("{all}{}\n{lived:?}\n", trace.join("\n"));
    }
    all
}

#[test]
fn twice_in_one_process_and_side_by_side() {
    let once = lives();
    assert!(once.lines().count() > 10_000, "something happens: {} lines", once.lines().count());
    std::thread::scope(|scope| {
        for twice in [scope.spawn(lives), scope.spawn(lives)] {
            assert!(twice.join().unwrap() == once);
        }
    });
}

#[test]
fn in_another_process() {
    let settings = Settings { keep_trace: true, ..Settings::new() };
    for seed in 0..8_u64 {
        let (lived, trace) = trace_seed(seed, &settings);
        let output = Command::new(env!("CARGO_BIN_EXE_journal-simulation"))
            .args(["--trace", "--seed", &seed.to_string()])
            .output()
            .unwrap();
        assert_eq!(output.status.success(), lived.is_ok());
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.lines().eq(trace.iter().map(String::as_str)), "seed {seed}");
    }
}

#[test]
fn and_a_few_of_them_hold() {
    let told = |failure: &Failure| println!("{failure}; {}", failure.arguments());
    let (summary, failures) = run_seeds(0..300, &Settings::new(), 2, true, &told);
    assert_eq!((summary.seeds, failures), (300, 0));
    assert!(summary.entries > 10_000 && summary.openings > 900, "{summary:?}");
}
