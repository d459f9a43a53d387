//! Power is lost at each operation of a short trace, and again at each operation of the recovery that follows. What was durable
//! is there, what is there was appended, and both are prefixes.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test may stop")]

mod support;

use durable_queue::fake::Dice;
use durable_queue::fake::Loss;
use support::world::{Act, World, script};

/// Rotation, release and idling in few operations.
fn short_trace() -> Vec<Act> {
    use Act::{Append, Control, Prepare, Release, Sync, Wait, Write};
    vec![
        Prepare,
        Append(700),
        Write,
        Append(2500),
        Sync,
        Write,
        Sync,
        Wait,
        Write,
        Append(6000),
        Write,
        Append(5000),
        Sync,
        Append(100),
        Write,
        Append(40),
        Prepare,
        Sync,
        Release(1),
        Prepare,
        Append(7000),
        Write,
        Sync,
        Control(50),
        Append(8000),
        Append(10),
        Write,
        Release(1),
        Prepare,
        Prepare,
        Sync,
        Prepare,
        Append(300),
        Write,
        Release(0),
        Prepare,
        Wait,
        Write,
        Sync,
    ]
}

fn losses(seed: u64) -> [Loss; 4] {
    [Loss::Lost, Loss::Kept, Loss::Random(seed), Loss::Random(seed + 1)]
}

/// A world in which the trace ran until power failed before operation `at`; nothing: it ran to its end.
fn run_until(seed: u64, at: u64, acts: &[Act]) -> (World, bool) {
    let mut world = World::new(seed);
    if seed % 2 == 1 {
        world.disk.refuse_preallocation();
    }
    world.disk.stop_after(at);
    if let Some(log) = world.open().unwrap() {
        world.run(&log, acts);
    }
    let was_cut_short = world.disk.is_off();
    (world, was_cut_short)
}

#[test]
fn at_every_operation_of_a_short_trace() {
    let mut at = 0;
    loop {
        for (n, loss) in losses(at * 100).into_iter().enumerate() {
            let (mut world, was_cut_short) = run_until(at, at, &short_trace());
            world.disk.lose_power(loss);
            let log =
                world.open_and_read().unwrap_or_else(|error| panic!("at {at}, {loss:?} ({n}): {error}"));
            world.append(&log, 10, durable_queue::Class::Data);
            log.close().unwrap();
            drop(log);
            world.note_closed();
            world.open_and_read().unwrap_or_else(|error| panic!("at {at}, {loss:?} ({n}), again: {error}"));
            assert!(world.was_clean);
            if n == 3 && !was_cut_short {
                assert!(at > 50, "the trace has only {at} operations");
                return;
            }
        }
        at += 1;
    }
}

#[test]
fn and_again_at_every_operation_of_the_recovery() {
    let mut at = 0;
    loop {
        let mut was_cut_short = false;
        for loss in losses(at * 100) {
            let mut again_at = 0;
            loop {
                let (mut world, was_first_cut) = run_until(at, at, &short_trace());
                was_cut_short = was_first_cut;
                world.disk.lose_power(loss);
                world.disk.stop_after(again_at);
                let opened =
                    world.open().unwrap_or_else(|error| panic!("at {at}, {loss:?}, {again_at}: {error}"));
                let is_whole = opened.is_some();
                drop(opened);
                for second in [Loss::Lost, Loss::Random(at * 1000 + again_at)] {
                    let mut world = world.fork();
                    world.disk.lose_power(second);
                    world.open_and_read().unwrap_or_else(|error| {
                        panic!("at {at}, {loss:?}, then {again_at}, {second:?}: {error}")
                    });
                }
                if is_whole {
                    break;
                }
                again_at += 1;
            }
        }
        if !was_cut_short {
            return;
        }
        at += 1;
    }
}

#[test]
fn when_the_process_dies_first_and_power_is_lost_later() {
    // What a dead process wrote can be read and isn't on the medium: recovery must put it there before it tells of it.
    let mut at = 0;
    loop {
        let mut was_cut_short = false;
        for seed in [0, 1] {
            let (mut world, was_cut) = run_until(seed, at, &short_trace());
            was_cut_short = was_cut;
            world.disk.kill();
            let log = world.open().unwrap().unwrap();
            drop(log);
            world.disk.lose_power(Loss::Lost);
            world.open_and_read().unwrap_or_else(|error| panic!("at {at}, seed {seed}: {error}"));
        }
        if !was_cut_short {
            return;
        }
        at += 1;
    }
}

#[test]
fn of_the_very_first_commit_before_anything_else_happened() {
    let mut world = World::new(1);
    for round in 1..4 {
        let log = world.open_and_read().unwrap();
        world.run(&log, &[Act::Append(100), Act::Write, Act::Sync]);
        assert_eq!(world.durable, round);
        world.disk.lose_power(Loss::Lost);
    }
    world.open_and_read().unwrap();
}

#[test]
fn in_random_lives_of_a_log() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    for seed in seed..seed + 100 {
        println!("SEED={seed}");
        let mut dice = Dice::new(seed);
        let mut world = World::new(seed);
        if seed % 2 == 1 {
            world.disk.refuse_preallocation();
        }
        for _ in 0..6 {
            world.disk.stop_after(dice.below(120));
            if let Some(log) = world.open().unwrap_or_else(|error| panic!("seed {seed}: {error}")) {
                world.run(&log, &script(&mut dice, 80));
            }
            if dice.one_in(3) {
                world.disk.kill();
            } else {
                world.disk.lose_power(Loss::Random(dice.next()));
            }
        }
        let log = world.open_and_read().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        world.run(&log, &script(&mut dice, 40));
        log.close().unwrap();
        world.note_closed();
        drop(log);
        world.disk.lose_power(Loss::Random(dice.next()));
        world.open_and_read().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert!(world.was_clean && world.cut.is_none(), "seed {seed}");
    }
}
