//! Where there is no room, data is refused with the reason, control frames still fit, nothing is torn, and when space returns
//! the log goes on.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

mod support;

use std::io::ErrorKind;
use std::time::Duration;

use durable_queue::fake::{Fault, OperationKind};
use durable_queue::{AppendError, Class, FreeSpace, FullReason, Log, OpenError, Room, Step};
use support::Texts;
use support::client::append;
use support::world::{Act, World};

fn world() -> World {
    let mut world = World::new(1);
    world.options.slab_size_bytes = 4 << 20;
    world.options.control_reserve_bytes = 64 << 10;
    world
}

/// Fills the log with data until it is refused.
fn fill(world: &mut World, log: &Log) -> AppendError {
    loop {
        log.prepare_step();
        match append(log, world.appended, 100 << 10, Class::Data) {
            Ok(_) => world.appended += 1,
            Err(AppendError::Busy) if log.stats().pending_bytes > 0 || log.stats().full.is_none() => {}
            Err(error) => return error,
        }
        log.write_step();
        log.sync_step();
        world.note_durable(log);
    }
}

fn reason(error: &AppendError) -> FullReason {
    match error {
        AppendError::Full { reason, .. } => *reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn data_is_refused_control_fits_and_space_that_returns_is_used() {
    let mut world = world();
    world.disk.set_capacity(Some(10 << 20));
    let log = world.open().unwrap().unwrap();
    assert_eq!(reason(&fill(&mut world, &log)), FullReason::Disk);
    assert!(log.stats().slabs >= 3, "smaller slabs were tried: {:?}", log.stats());
    assert!(world.disk.left() < 2 << 20);
    assert_eq!(log.prepare_step(), Step::Idle);
    assert_eq!(reason(&append(&log, 0, 100 << 10, Class::Data).unwrap_err()), FullReason::Disk);
    assert!(matches!(log.wait_for_room(Some(Duration::ZERO)), Room::TimedOut));
    // Acknowledgements, many times what a slab's end usually has left.
    for _ in 0..300 {
        world.append(&log, 64, Class::Control);
        log.write_step();
        log.sync_step();
    }
    assert_eq!(log.durable(), log.appended());
    world.durable = world.appended;
    assert_eq!(reason(&append(&log, 0, 100 << 10, Class::Data).unwrap_err()), FullReason::Disk);
    // They free the oldest slabs.
    let oldest = log.oldest();
    log.release_before(durable_queue::Position { slab: oldest.slab + 1, offset_bytes: 4096 });
    world.released = world.appended;
    assert_eq!(log.prepare_step(), Step::Worked);
    assert_eq!(log.oldest().slab, oldest.slab + 1);
    assert_eq!(log.prepare_step(), Step::Worked);
    assert!(matches!(log.wait_for_room(None), Room::Room));
    world.run(&log, &[Act::Append(100 << 10), Act::Write, Act::Sync]);
    assert_eq!(log.durable(), log.appended());
    assert!(log.failure().is_none());
    log.close().unwrap();
    drop(log);
    world.note_closed();
    world.open_and_read().unwrap();
    assert!(world.was_clean);
}

#[test]
fn a_size_limit_and_kept_space_are_named_as_such() {
    let mut limited = world();
    limited.options.bytes_max = Some(9 << 20);
    let log = limited.open().unwrap().unwrap();
    assert_eq!(reason(&fill(&mut limited, &log)), FullReason::Limit);
    let used = log.stats().bytes_on_disk;
    assert!(used <= 9 << 20 && used > 7 << 20, "{used}");

    let mut kept = world();
    kept.disk.set_capacity(Some(20 << 20));
    kept.options.free_space_kept = FreeSpace::Percent(50);
    let log = kept.open().unwrap().unwrap();
    assert_eq!(reason(&fill(&mut kept, &log)), FullReason::FreeSpaceKept);
    assert!(kept.disk.left() >= 10 << 20);
}

#[test]
fn a_log_of_a_single_slab_is_never_stuck_behind_its_limit() {
    let mut world = world();
    world.options.bytes_max = Some(4 << 20);
    let log = world.open().unwrap().unwrap();
    let error = fill(&mut world, &log);
    assert_eq!(reason(&error), FullReason::Limit);
    log.release_before(log.durable());
    while log.prepare_step() == Step::Worked {}
    assert_eq!(log.stats().slabs, 1, "the first slab could go once it had a small successor");
    // And so on, round after round.
    for _ in 0..3 {
        let before = world.appended;
        fill(&mut world, &log);
        assert!(world.appended > before);
        log.release_before(log.durable());
        while log.prepare_step() == Step::Worked {}
    }
}

#[test]
fn a_full_disk_can_be_opened_into_a_small_slab_to_be_emptied() {
    let mut world = world();
    world.disk.set_capacity(Some(10 << 20));
    let log = world.open().unwrap().unwrap();
    fill(&mut world, &log);
    world.disk.kill();
    drop(log);
    let left = world.disk.left();
    world.disk.set_capacity(Some((10 << 20) - left + (300 << 10)));
    world.options.free_space_kept = FreeSpace::Percent(50);
    let log = world.open_and_read().unwrap();
    assert!(world.disk.left() < 200 << 10);
    world.append(&log, 64, Class::Control);
    log.write_step();
    log.sync_step();
    assert_eq!(log.durable(), log.appended());
    // And when even that doesn't fit, opening says so.
    world.disk.kill();
    let left = world.disk.left();
    world.disk.set_capacity(Some((10 << 20).min((10 << 20) - left)));
    world.disk.set_capacity(Some(1 << 20));
    let mut count = support::client::Count::default();
    let opening = Log::open(world.environment.clone(), world.options.clone(), &mut count).unwrap();
    let error = opening.begin(b"12345678").unwrap_err();
    assert!(matches!(error, OpenError::NoSpace { .. }), "{error:?}");
    assert!(!world.disk.names().contains(&"next.tmp".to_owned()));
}

#[test]
fn without_preallocation_a_write_that_finds_no_room_waits_and_goes_on() {
    let mut world = world();
    world.disk.refuse_preallocation();
    let log = world.open().unwrap().unwrap();
    assert!(!log.stats().is_preallocated);
    world.run(&log, &[Act::Append(1000), Act::Write, Act::Sync]);
    let durable = log.durable();
    world.disk.set_capacity(Some(8 << 10));
    world.append(&log, 100 << 10, Class::Data);
    assert_eq!(log.write_step(), Step::Idle);
    assert_eq!((log.write_step(), log.durable()), (Step::Idle, durable));
    assert_eq!(log.written(), durable);
    assert!(log.failure().is_none());
    assert_eq!(reason(&append(&log, 0, 10, Class::Data).unwrap_err()), FullReason::Disk);
    // A crash now leaves nothing torn that was ever acknowledged.
    let mut dead = world.fork();
    dead.disk.kill();
    dead.disk.set_capacity(None);
    dead.open_and_read().unwrap();
    // Space returns.
    world.disk.set_capacity(None);
    assert_eq!((log.write_step(), log.sync_step()), (Step::Worked, Step::Worked));
    assert_eq!(log.durable(), log.appended());
    assert!(matches!(log.wait_for_room(None), Room::Room));
    world.run(&log, &[Act::Append(1000)]);
    log.close().unwrap();
    drop(log);
    world.note_closed();
    world.open_and_read().unwrap();
}

#[test]
fn a_waiter_learns_that_a_busy_log_has_become_full() {
    let mut world = world();
    world.disk.set_capacity(Some(5 << 20));
    let log = world.open().unwrap().unwrap();
    let error = loop {
        match append(&log, world.appended, 100 << 10, Class::Data) {
            Ok(_) => world.appended += 1,
            Err(error) => break error,
        }
        log.write_step();
    };
    assert!(matches!(error, AppendError::Busy), "{error:?}");
    world.disk.set_capacity(Some(4 << 20));
    let waiting = log.clone();
    let waiter = std::thread::spawn(move || waiting.wait_for_room(None));
    log.prepare_step();
    assert!(matches!(waiter.join().unwrap(), Room::Room));
    assert_eq!(reason(&append(&log, 0, 100 << 10, Class::Data).unwrap_err()), FullReason::Disk);
}

#[test]
fn a_next_slab_that_cannot_be_made_is_tried_again() {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    world.disk.fail_when(ErrorKind::PermissionDenied, |operation| operation == "create next.tmp");
    assert_eq!(log.prepare_step(), Step::Idle);
    assert_eq!(log.stats().full, Some(FullReason::Error));
    assert!(log.failure().is_none());
    world.disk.mend();
    assert_eq!(log.prepare_step(), Step::Worked);
    assert_eq!(log.stats().full, None);
}

#[test]
fn a_disk_without_room_for_the_lock_or_the_directory_is_full_not_forbidden() {
    for (kind, error) in [
        (OperationKind::Lock, ErrorKind::StorageFull),
        (OperationKind::CreateDirectory, ErrorKind::QuotaExceeded),
    ] {
        let mut world = world();
        world.disk.inject_times(Fault::Fails(error), 1, move |operation| operation.kind == kind);
        let mut count = support::client::Count::default();
        let refused = Log::open(world.environment.clone(), world.options.clone(), &mut count).unwrap_err();
        assert!(matches!(refused, OpenError::NoSpace { .. }), "{kind:?}: {refused:?}");
        assert!(refused.to_string().contains("free some space"), "{refused}");
        world.open().unwrap().unwrap();
    }
}
