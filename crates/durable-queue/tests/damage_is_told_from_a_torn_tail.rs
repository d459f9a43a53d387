//! What follows the last acknowledged frame may be torn: it is cut, and kept aside. Damage to what was acknowledged is refused,
//! by file and offset, and nothing is changed.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

mod support;

use std::collections::BTreeMap;

use durable_queue::fake::Loss;
use durable_queue::{Class, Log, OpenError, Position};
use support::Texts;
use support::client::{Count, append};
use support::world::{World, directory, slab};

/// Appends a record and makes it durable.
fn commit(world: &mut World, log: &Log, len: usize) -> Position {
    let end = append(log, world.appended, len, Class::Data).unwrap().end;
    world.appended += 1;
    log.write_step();
    log.sync_step();
    assert_eq!(log.durable(), end);
    world.durable = world.appended;
    end
}

/// A log with `records` committed one by one in its first slab, dead, and where each of them ends.
fn dead_log(records: usize) -> (World, Vec<Position>) {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    let ends = (0..records).map(|_| commit(&mut world, &log, 1000)).collect();
    world.disk.kill();
    (world, ends)
}

fn files(world: &World) -> BTreeMap<String, Vec<u8>> {
    let content = |name: String| (name.clone(), world.disk.content(&directory().join(name)).unwrap());
    world.disk.names().into_iter().map(content).collect()
}

fn torn_names(world: &World) -> Vec<String> {
    world.disk.names().into_iter().filter(|name| name.contains(".torn")).collect()
}

fn open(world: &World) -> Result<u64, OpenError> {
    let mut count = Count::default();
    drop(Log::open(world.environment.clone(), world.options.clone(), &mut count)?);
    Ok(count.total())
}

/// Opening is refused for damage in `number` at `offset`, and nothing was changed.
fn assert_corrupt(world: &World, number: u64, offset: u64) {
    let before = files(world);
    match open(world) {
        Err(OpenError::Corrupt { file, offset_bytes, reason }) => {
            assert_eq!((file, offset_bytes), (slab(number), offset), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(files(world), before);
}

fn at(position: Position) -> usize {
    usize::try_from(position.offset_bytes).unwrap()
}

#[test]
fn a_torn_tail_is_cut_and_kept_aside() {
    let (mut world, ends) = dead_log(3);
    let end = at(ends[2]);
    world.disk.tamper(&slab(1), |content| content[end + 8..end + 11].copy_from_slice(b"xyz"));
    let log = world.open_and_read().unwrap();
    assert_eq!(world.appended, 3);
    let cut = world.cut.clone().unwrap();
    assert_eq!((cut.file, cut.offset_bytes, cut.len_bytes), (slab(1), end as u64, (16384 - end) as u64));
    assert_eq!(world.disk.content(&cut.kept_as.unwrap()).unwrap(), b"\0\0\0\0\0\0\0\0xyz");
    assert_eq!(world.disk.content(&slab(1)).unwrap().len(), end);
    assert!(!world.was_clean);
    drop(log);
    world.disk.lose_power(Loss::Lost);
    world.open_and_read().unwrap();
    assert!(world.cut.is_none());
}

#[test]
fn a_damaged_last_frame_that_no_other_says_was_synced_is_cut() {
    // The remainder: it was synced, and nothing was written after that to say so.
    let (mut world, ends) = dead_log(3);
    world.disk.tamper(&slab(1), |content| content[at(ends[2]) - 20] ^= 1);
    world.durable = 2;
    world.open_and_read().unwrap();
    let cut = world.cut.unwrap();
    assert_eq!((cut.offset_bytes, world.appended), (ends[1].offset_bytes, 2));
    assert!(cut.reason.contains("payload"), "{}", cut.reason);
}

#[test]
fn a_watermark_written_when_idle_closes_that_window() {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    let begin = commit(&mut world, &log, 1000);
    let end = commit(&mut world, &log, 1000);
    world.clock.advance(std::time::Duration::from_secs(1));
    log.write_step();
    world.disk.kill();
    world.disk.tamper(&slab(1), |content| content[at(end) - 20] ^= 1);
    assert_corrupt(&world, 1, begin.offset_bytes);
}

#[test]
fn any_flipped_bit_below_the_durable_end_is_refused() {
    let (world, ends) = dead_log(4);
    let first_frame = 4096;
    let checkpoint_end = at(ends[0]) - (at(ends[1]) - at(ends[0]));
    // The header of the fourth record says that three were synced.
    let starts = [first_frame, checkpoint_end, at(ends[0]), at(ends[1]), at(ends[2])];
    for frame in 0..4 {
        for byte in starts[frame]..starts[frame + 1] {
            let padding = starts[frame + 1] - 8..starts[frame + 1];
            if byte % 37 != 0 || padding.contains(&byte) {
                continue;
            }
            let world = world.fork();
            world.disk.tamper(&slab(1), |content| content[byte] ^= 1 << (byte % 8));
            assert_corrupt(&world, 1, starts[frame] as u64);
        }
    }
}

#[test]
fn zeros_where_acknowledged_frames_were_are_no_end() {
    let (world, ends) = dead_log(4);
    for from in [4096, at(ends[0]), at(ends[1])] {
        let world = world.fork();
        world.disk.tamper(&slab(1), |content| content[from..at(ends[2])].fill(0));
        assert_corrupt(&world, 1, from as u64);
    }
}

#[test]
fn a_damaged_slab_header_is_refused() {
    let (world, _) = dead_log(1);
    for byte in [0, 9, 17, 33, 41, 50, 2000, 4090] {
        let world = world.fork();
        world.disk.tamper(&slab(1), |content| content[byte] ^= 4);
        assert_corrupt(&world, 1, 0);
    }
}

#[test]
fn copied_stale_and_misplaced_frames_are_never_taken_for_records() {
    let (world, ends) = dead_log(3);
    let (from, to) = (at(ends[1]), at(ends[2]));
    let frame = world.disk.content(&slab(1)).unwrap()[from..to].to_vec();

    // Copied to where the next frame would be, and shifted.
    let mut copied = world.fork();
    copied.disk.tamper(&slab(1), |content| content[to..to + frame.len()].copy_from_slice(&frame));
    copied.open_and_read().unwrap();
    assert_eq!((copied.appended, copied.cut.unwrap().offset_bytes), (3, to as u64));

    // From another log, at its very place.
    let mut other = World::new(2);
    let log = other.open().unwrap().unwrap();
    for _ in 0..2 {
        commit(&mut other, &log, 1000);
    }
    other.disk.kill();
    other.disk.tamper(&slab(1), |content| content[from..to].copy_from_slice(&frame));
    other.open_and_read().unwrap();
    assert_eq!((other.appended, other.cut.unwrap().offset_bytes), (2, from as u64));
}

#[test]
fn a_payload_that_holds_copies_of_frames_is_only_a_payload() {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    commit(&mut world, &log, 500);
    let own = world.disk.content(&slab(1)).unwrap()[..5000].to_vec();
    let frame = durable_queue::Frame::new(16, false, &[], &own);
    let position = log.append(&frame, Class::Data, &mut |_| {}).unwrap().position;
    log.write_step();
    world.disk.kill();
    // Torn: the scan walks through the payload, and must find nothing that claims anything.
    world.disk.tamper(&slab(1), |content| content[at(position)] ^= 1);
    world.open_and_read().unwrap();
    assert_eq!(world.cut.unwrap().offset_bytes, position.offset_bytes);
}

/// A dead log of several slabs.
fn dead_log_of_slabs() -> World {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    while log.stats().slabs < 4 {
        log.prepare_step();
        commit(&mut world, &log, 5000);
    }
    world.disk.kill();
    world
}

#[test]
fn a_missing_slab_is_refused_by_name() {
    let world = dead_log_of_slabs();
    world.disk.lose_file(&slab(2));
    assert_corrupt(&world, 2, 0);
}

#[test]
fn a_slab_of_another_log_or_under_another_name_is_refused() {
    let world = dead_log_of_slabs();
    let foreign = {
        let mut other = World::new(9);
        drop(other.open().unwrap());
        other.disk.content(&slab(1)).unwrap()
    };
    let renamed = world.disk.content(&slab(2)).unwrap();
    for content in [foreign, renamed] {
        let world = world.fork();
        world.disk.plant(&slab(5), &content);
        assert_corrupt(&world, 5, 0);
    }
}

#[test]
fn an_older_slab_that_lost_its_end_or_its_checkpoint_is_refused() {
    let world = dead_log_of_slabs();
    let len = world.disk.content(&slab(2)).unwrap().len();
    let shorter = world.fork();
    shorter.disk.tamper(&slab(2), |content| content.truncate(len - 8));
    assert_corrupt(&shorter, 2, (len - 8) as u64);
    let damaged = world.fork();
    damaged.disk.tamper(&slab(2), |content| content[4100] ^= 1);
    assert_corrupt(&damaged, 2, 4096);
}

#[test]
fn damage_in_an_older_slab_is_found_when_it_is_read() {
    // A payload; the header and the meta of the first frame behind the checkpoint, which has 64 + 16 + 8 bytes.
    for (at, reason) in [(9000, "payload"), (4096 + 88, "header"), (4096 + 88 + 64, "meta")] {
        let mut world = dead_log_of_slabs();
        world.disk.tamper(&slab(2), |content| content[at] ^= 1);
        let log = world.open().unwrap().unwrap();
        let error = support::client::read_all(&log, durable_queue::Through::Durable).unwrap_err();
        assert!(
            error.contains("0000000000000002.slab is damaged at offset") && error.contains(reason),
            "{error}"
        );
    }
}

#[test]
fn a_newest_slab_without_an_acknowledged_frame_gives_way_to_its_predecessor() {
    let mut world = dead_log_of_slabs();
    drop(world.open().unwrap());
    world.disk.kill();
    // The new slab's checkpoint never reached the disk whole.
    world.disk.tamper(&slab(5), |content| content[4100] ^= 1);
    let damaged_before = world.fork();
    world.open_and_read().unwrap();
    assert!(torn_names(&world).iter().any(|name| name.starts_with("0000000000000005-")));
    // Its being there says that all of the one before had been synced.
    let len = damaged_before.disk.content(&slab(4)).unwrap().len();
    let changes: [fn(&mut [u8]); 2] = [|end| end[0] ^= 1, |end| end.fill(0)];
    for change in changes {
        let damaged = damaged_before.fork();
        damaged.disk.tamper(&slab(4), |content| change(&mut content[len - 5072..]));
        assert!(matches!(open(&damaged), Err(OpenError::Corrupt { file, .. }) if file == slab(4)));
    }
}

#[test]
fn a_slab_without_a_frame_before_a_newest_one_without_a_checkpoint_is_refused() {
    // The newest was never acknowledged, it seems; but the one before was synced whole before this one had its name.
    let world = dead_log_of_slabs();
    world.disk.lose_file(&slab(4));
    world.disk.tamper(&slab(3), |content| content[4096..].fill(0xff));
    world.disk.tamper(&slab(2), |content| content.truncate(4096));
    assert_corrupt(&world, 2, 4096);
    world.disk.tamper(&slab(2), |content| content.resize(16384, 0));
    assert_corrupt(&world, 2, 4096);
}

#[test]
fn a_newer_format_is_refused_as_such() {
    let (world, _) = dead_log(1);
    world.disk.tamper(&slab(1), |content| {
        content[8..12].copy_from_slice(&7_u32.to_le_bytes());
        let crc = durable_queue::checksum(&content[..4088]);
        content[4088..4096].copy_from_slice(&crc.to_le_bytes());
    });
    let error = open(&world).unwrap_err();
    assert!(matches!(error, OpenError::UnsupportedVersion { found: 7, newest_known: 1, .. }), "{error:?}");
}

#[test]
fn a_kind_that_must_be_understood_is_refused_by_the_visitor_and_nothing_is_changed() {
    let (mut world, _) = dead_log(2);
    let log = world.open().unwrap().unwrap();
    let unknown =
        log.append(&durable_queue::Frame::new(99, true, &[], b"new"), Class::Data, &mut |_| {}).unwrap();
    log.write_step();
    log.sync_step();
    world.disk.kill();
    let before = files(&world);
    let error = open(&world).unwrap_err();
    assert!(matches!(error, OpenError::Record { position, .. } if position == unknown.position), "{error:?}");
    assert_eq!(files(&world), before);
}

#[test]
fn only_the_newest_files_of_cut_bytes_are_kept() {
    let mut world = World::new(1);
    for _ in 0..12 {
        let log = world.open_and_read().unwrap();
        let end = commit(&mut world, &log, 10);
        world.disk.kill();
        world.disk.tamper(&slab(end.slab), |content| content[at(end) + 9] = 1);
    }
    world.open_and_read().unwrap();
    let torn = torn_names(&world);
    assert_eq!(torn.len(), 8);
    assert!(torn[7].starts_with("0000000000000012-"), "{torn:?}");
}
