//! Every script of up to three calls on a journal is cut short before every operation of the disk and every step of a call to the
//! store; so is the recovery after that, and the one after that. `SHORT_DEPTH` (2) is how many recoveries in a row are cut short,
//! `SHORT_CALLS` (3) how many calls a script has at most.

#![allow(clippy::pedantic, missing_docs, reason = "a test")]

use journal_simulation::rot::Part;
use journal_simulation::short::{Explorer, Kind, Limits, scripts};

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn wherever_it_is_cut_short() {
    let all: Vec<_> = (0..=number("SHORT_CALLS", 3)).flat_map(scripts).collect();
    let depth = number("SHORT_DEPTH", 2);
    for kind in [Kind::Plain, Kind::Compressed] {
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

/// What is damaged is kept aside and passed by: as if it had happened at once, wherever that is cut short. The recovery is what is
/// cut short first here: so many as elsewhere, with those after it.
#[test]
fn and_wherever_damage_is_passed_by() {
    let depth = number("SHORT_DEPTH", 2).saturating_sub(1);
    let all: Vec<_> = [Kind::Plain, Kind::Compressed]
        .into_iter()
        .flat_map(|kind| [Part::Header, Part::Content].map(|part| (kind, part)))
        .collect();
    let explorer = Explorer::new(Limits { depth, losses: 2 });
    crash_points::side_by_side(&all, |(kind, part)| explorer.rotten(*kind, *part));
    println!("damage: {} recoveries cut short in a row, {} states", depth + 1, explorer.states());
}
