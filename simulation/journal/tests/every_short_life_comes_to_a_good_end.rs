//! Every script of up to three calls on a journal is cut short before every operation of the disk and every step of a call to the
//! store; so is the recovery after that, and the one after that. `SHORT_DEPTH` (2) is how many recoveries in a row are cut short,
//! `SHORT_CALLS` (3) how many calls a script has at most.

#![allow(clippy::pedantic, missing_docs, reason = "a test")]

use journal_simulation::short::{Explorer, KINDS, Limits, scripts};

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn wherever_it_is_cut_short() {
    let all: Vec<_> = (0..=number("SHORT_CALLS", 3))
        .flat_map(scripts)
        .flat_map(|script| KINDS.map(|kind| (kind, script.clone())))
        .collect();
    let explorer = Explorer::new(Limits { depth: number("SHORT_DEPTH", 2), losses: [2, 0] });
    crash_points::side_by_side(&all, |(kind, script)| explorer.script(*kind, script));
    println!("{} scripts, {} states", all.len(), explorer.states());
}
