//! Every script of up to three calls on a journal is cut short before every operation of the disk and every step of a call to the
//! store; so is the recovery after that, and the one after that. `SHORT_DEPTH` (2) is how many recoveries in a row are cut short,
//! `SHORT_CALLS` (3) how many calls a script has at most.

#![allow(clippy::pedantic, missing_docs, reason = "a test")]

use journal_simulation::short::{Explorer, Kind, Limits, scripts};

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn wherever_it_is_cut_short() {
    let all: Vec<_> = (0..=number("SHORT_CALLS", 3)).flat_map(scripts).collect();
    let depth = number("SHORT_DEPTH", 2);
    // The second store differs in what it answers, not in when: one recovery less.
    for (kind, depth) in [(Kind::Plain, depth), (Kind::Compressed, depth.saturating_sub(1))] {
        let explorer = Explorer::new(Limits { depth, losses: 2 });
        crash_points::side_by_side(&all, |script| explorer.script(kind, script));
        println!(
            "{kind:?}: {} scripts, {} recoveries cut short in a row, {} states",
            all.len(),
            depth,
            explorer.states()
        );
    }
}
