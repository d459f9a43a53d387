//! Leaves out one kind of sync at a time, on a disk that then lies about it, and expects that power losses bring it to light.
//! What this proves is that the tests of power loss bite; and that no sync is there for nothing, but for those named below.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

mod support;

use std::sync::{Arc, Mutex};

use durable_queue::fake::Dice;
use durable_queue::fake::Loss;
use support::Texts;
use support::world::{World, script};

/// What the operations before a sync were, which tells syncs apart.
fn kind_of_sync(before: &[String], sync: &str) -> Option<&'static str> {
    let word = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
    let last = before.last().map(|last| word(last)).unwrap_or_default();
    let is_next = sync.ends_with("next.tmp");
    Some(match (sync, last.as_str()) {
        ("sync directory", "rename") if before.last()?.starts_with("rename next.tmp") => {
            "directory after publishing a slab"
        }
        ("sync directory", "rename") => "directory after putting a slab aside",
        ("sync directory", "remove") => "directory after removing a slab",
        ("sync directory", "sync") if before.last()?.contains(".torn") => {
            "directory after keeping bytes aside"
        }
        ("sync directory", "sync") if before.last()?.ends_with("next.tmp") => {
            "directory after preparing a slab"
        }
        ("sync directory", _) => "directory at opening",
        (sync, _) if sync.contains(".torn") => "bytes kept aside",
        (_, "write") if is_next => "a prepared slab",
        (_, "truncate") => "a slab after it was cut",
        (_, "write") => "what was written",
        (_, "sync") if !is_next => "a slab at opening, or again",
        _ => "another",
    })
}

fn loss(dice: &mut Dice) -> Loss {
    if dice.one_in(2) { Loss::Lost } else { Loss::Random(dice.next()) }
}

/// Lives a few random lives with a kind of sync left out; what came to light, if anything.
fn live(seed: u64, left_out: &'static str, kinds: &Arc<Mutex<Vec<&'static str>>>) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    let mut world = World::new(seed);
    if seed % 2 == 1 {
        world.disk.refuse_preallocation();
    }
    let before = Arc::new(Mutex::new(Vec::<String>::new()));
    let note = Arc::clone(&before);
    // The matcher is asked at each operation, to remember it, and at each sync.
    world.disk.watch_texts(move |operation| note.lock().unwrap().push(operation.to_owned()));
    let kinds = Arc::clone(kinds);
    world.disk.skip_when(move |sync| {
        let before = before.lock().unwrap();
        let kind =
            before.split_last().and_then(|(_, before)| kind_of_sync(before, sync)).unwrap_or("another");
        kinds.lock().unwrap().push(kind);
        kind == left_out
    });
    for _ in 0..6 {
        world.disk.stop_after(dice.below(100));
        if let Some(log) = world.open()? {
            world.run(&log, &script(&mut dice, 60));
        }
        if dice.one_in(3) {
            world.disk.kill();
        } else {
            world.disk.lose_power(loss(&mut dice));
        }
        // Recovery is cut short, too.
        if dice.one_in(2) {
            world.disk.stop_after(dice.below(30));
            drop(world.open()?);
            world.disk.lose_power(loss(&mut dice));
            world.check_kept()?;
        }
        drop(world.open_and_read()?);
        if dice.one_in(2) {
            world.disk.lose_power(loss(&mut dice));
            world.check_kept()?;
        }
    }
    Ok(())
}

/// Kinds whose loss no power loss can show on this disk, and why they are there all the same.
const BELT_AND_BRACES: [&str; 3] = [
    // The name is synced again when the slab is published. Here it shows early that the directory can't be written.
    "directory after preparing a slab",
    // The next slab's publication syncs it again, before anything depends on it. Until then the client is told of a cut.
    "directory after putting a slab aside",
    // No frame is ever written into a slab whose name isn't durable, unless the directory was changed by somebody else.
    "directory at opening",
];

/// Kinds that a power loss brings to light.
const NEEDED: [&str; 8] = [
    "a prepared slab",
    "a slab after it was cut",
    "a slab at opening, or again",
    "bytes kept aside",
    "directory after keeping bytes aside",
    "directory after publishing a slab",
    "directory after removing a slab",
    "what was written",
];

#[test]
fn each_kind_of_sync() {
    let kinds = Arc::new(Mutex::new(Vec::new()));
    for seed in 0..150 {
        live(seed, "none", &kinds).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    let mut found = std::mem::take(&mut *kinds.lock().unwrap());
    found.sort_unstable();
    found.dedup();
    let mut expected = [&NEEDED[..], &BELT_AND_BRACES].concat();
    expected.sort_unstable();
    assert_eq!(found, expected);
    for kind in NEEDED {
        let found = (0..400).find_map(|seed| live(seed, kind, &kinds).err().map(|error| (seed, error)));
        println!("{kind}: {found:?}");
        assert!(found.is_some(), "nothing shows when this is left out: {kind}");
    }
}
