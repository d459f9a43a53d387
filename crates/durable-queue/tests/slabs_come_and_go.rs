//! Slabs are begun and removed in an order that a crash can't harm, and old ones cost nothing at opening.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

mod support;

use durable_queue::{AppendError, Class, Log, Position, ReadError, Step, Through};
use support::Texts;
use support::client::{append, read_all, read_one};
use support::world::{Act, World, slab};

#[test]
fn the_order_of_a_rotation() {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    world.disk.take_texts();
    log.prepare_step();
    assert_eq!(
        world.disk.take_texts(),
        ["create next.tmp", "preallocate next.tmp", "write next.tmp", "sync next.tmp", "sync directory"]
    );
    world.run(&log, &[Act::Append(9000), Act::Append(9000)]);
    assert_eq!(world.disk.take_texts(), Vec::<String>::new(), "appending does no I/O");
    log.write_step();
    assert_eq!(
        world.disk.take_texts(),
        [
            "write 0000000000000001.slab",
            "sync 0000000000000001.slab",
            "truncate 0000000000000001.slab",
            "sync 0000000000000001.slab",
            "rename next.tmp 0000000000000002.slab",
            "sync directory",
            "write 0000000000000002.slab",
        ]
    );
    log.sync_step();
    assert_eq!(world.disk.take_texts(), ["sync 0000000000000002.slab"]);
}

#[test]
fn a_slab_goes_only_once_its_successors_checkpoint_is_durable_and_the_newest_never() {
    let mut world = World::new(1);
    world.options.fsync = false;
    let log = world.open().unwrap().unwrap();
    world.run(&log, &[Act::Prepare, Act::Append(9000), Act::Append(9000), Act::Write]);
    let in_second = log.written();
    assert_eq!((in_second.slab, log.durable().slab), (2, 1));
    log.release_before(in_second);
    assert_eq!(log.prepare_step(), Step::Worked, "the next slab is made");
    assert_eq!(log.prepare_step(), Step::Idle);
    assert!(world.disk.names().contains(&"0000000000000001.slab".to_owned()));
    // Releasing asked for the sync that it waits for.
    assert_eq!(log.sync_step(), Step::Worked);
    world.disk.take_texts();
    assert_eq!(log.prepare_step(), Step::Worked);
    assert_eq!(world.disk.take_texts(), ["remove 0000000000000001.slab", "sync directory"]);
    assert_eq!(log.prepare_step(), Step::Idle);
    log.release_before(Position { slab: 99, offset_bytes: 0 });
    assert_eq!(log.prepare_step(), Step::Idle);
    assert_eq!(log.oldest(), Position { slab: 2, offset_bytes: 4096 });
    let mut reader = log.reader(Position { slab: 1, offset_bytes: 4096 }, Through::Written);
    assert!(matches!(reader.next(), Err(ReadError::Released { oldest, .. }) if oldest == log.oldest()));
}

#[test]
fn a_reader_that_stands_idle_does_not_keep_the_room_of_slabs_that_are_removed() {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    world.run(&log, &[Act::Prepare, Act::Append(9000), Act::Write, Act::Sync]);
    let mut reader = log.reader(Position::ZERO, Through::Durable);
    let (first, _) = read_one(&mut reader).unwrap().unwrap();
    world.run(&log, &[Act::Append(9000), Act::Write, Act::Sync]);
    let before = world.disk.used();
    log.release_before(first.end);
    assert_eq!((log.prepare_step(), log.oldest().slab), (Step::Worked, 2));
    assert!(world.disk.used() + 9000 < before, "{} of {before} bytes are still taken", world.disk.used());
    // It was told that it no longer needs what was in it.
    let again = reader.read_payload(&first, 0, &mut [0; 9000]).map(drop);
    assert!(matches!(again, Ok(()) | Err(ReadError::Released { .. })), "{again:?}");
    assert_eq!(read_one(&mut reader).unwrap().unwrap().0.meta, 1_u64.to_le_bytes());
}

#[test]
fn a_reader_at_the_end_of_a_slab_that_is_removed_goes_on_in_the_next() {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    world.run(&log, &[Act::Prepare, Act::Append(9000), Act::Write, Act::Sync]);
    let mut reader = log.reader(Position::ZERO, Through::Durable);
    let (first, _) = read_one(&mut reader).unwrap().unwrap();
    world.run(&log, &[Act::Append(9000), Act::Write, Act::Sync]);
    log.release_before(first.end);
    assert_eq!((log.prepare_step(), log.oldest().slab), (Step::Worked, 2));
    assert_eq!(reader.position(), first.end);
    assert_eq!(read_one(&mut reader).unwrap().unwrap().0.meta, 1_u64.to_le_bytes());
    world.disk.kill();
    drop(log);
    // So does one that begins there after the log was opened again.
    let log = world.open().unwrap().unwrap();
    let mut reader = log.reader(first.end, Through::Durable);
    assert_eq!(read_one(&mut reader).unwrap().unwrap().0.meta, 1_u64.to_le_bytes());
    let released = log.reader(first.position, Through::Durable).next();
    assert!(matches!(released, Err(ReadError::Released { .. })), "{released:?}");
    // And one that was further than what was left of the slab when it was removed.
    let beyond = Position { offset_bytes: first.end.offset_bytes + 800, ..first.end };
    let mut reader = log.reader(beyond, Through::Durable);
    assert_eq!(read_one(&mut reader).unwrap().unwrap().0.meta, 1_u64.to_le_bytes());
}

#[test]
fn opening_reads_only_the_heads_of_older_slabs() {
    let mut world = World::new(1);
    world.options.slab_size_bytes = 64 << 10;
    let log = world.open().unwrap().unwrap();
    while log.stats().slabs < 40 {
        world.run(&log, &[Act::Prepare, Act::Append(20_000), Act::Write, Act::Sync]);
    }
    world.disk.kill();
    world.disk.take_bytes_read();
    let log = world.open().unwrap().unwrap();
    let read = world.disk.take_bytes_read();
    assert_eq!(read.len(), 40);
    for (name, bytes) in &read {
        let is_newest = name == "0000000000000040.slab";
        assert_eq!(*bytes > 4200, is_newest, "{bytes} bytes were read of {name}");
    }
    assert_eq!(read_all(&log, Through::Durable).unwrap(), (0, world.appended));
}

#[test]
fn a_frame_larger_than_a_slab_gets_one_that_holds_it() {
    let mut world = World::new(1);
    world.options.pending_bytes_max = 8 << 10;
    let log = world.open().unwrap().unwrap();
    log.prepare_step();
    for len in [100, 200_000, 300, 50_000] {
        while let Err(error) = append(&log, world.appended, len, Class::Data) {
            assert!(matches!(error, AppendError::Busy), "{error:?}");
            assert!(log.write_step() == Step::Worked || log.prepare_step() == Step::Worked);
        }
        world.appended += 1;
    }
    log.close().unwrap();
    drop(log);
    world.note_closed();
    let log = world.open_and_read().unwrap();
    assert_eq!(read_all(&log, Through::Durable).unwrap(), (0, 4));
}

#[test]
fn frames_over_the_formats_limits_and_reserved_kinds_are_refused() {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    let meta = vec![0; durable_queue::META_BYTES_MAX + 1];
    let append = |frame| log.append(&frame, Class::Data, &mut |_| {}).unwrap_err();
    let too_large = append(durable_queue::Frame::new(16, false, &meta, &[]));
    assert!(matches!(too_large, AppendError::TooLarge { what: "meta", .. }));
    let reserved = append(durable_queue::Frame::new(15, false, &[], &[]));
    assert!(matches!(reserved, AppendError::ReservedKind { kind: 15 }));
}

#[test]
fn readers_see_what_is_written_or_only_what_is_durable() {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    let mut written = log.reader(Position::ZERO, Through::Written);
    let mut durable = log.reader(Position::ZERO, Through::Durable);
    world.run(&log, &[Act::Append(100), Act::Append(70_000)]);
    assert!(read_one(&mut written).unwrap().is_none());
    log.write_step();
    let (record, _) = read_one(&mut written).unwrap().unwrap();
    assert!(read_one(&mut durable).unwrap().is_none());
    log.sync_step();
    assert_eq!(read_one(&mut durable).unwrap().unwrap().0, record);
    assert_eq!((durable.position(), record.payload_len), (record.end, 100));
    // In pieces, and beyond the end.
    let mut piece = [0; 30];
    durable.read_payload(&record, 60, &mut piece).unwrap();
    assert_eq!(piece, support::client::payload(0, 100)[60..90]);
    assert!(matches!(
        durable.read_payload(&record, 71, &mut piece),
        Err(ReadError::OutOfRange { to: 101, .. })
    ));
    durable.forget_cached_before(record.end);
}

#[test]
fn what_is_written_while_a_sync_runs_is_the_next_syncs() {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    world.run(&log, &[Act::Append(100), Act::Write]);
    let first = log.written();
    let writing = log.clone();
    world.disk.during_next_sync(move || {
        append(&writing, 1, 100, Class::Data).unwrap();
        assert_eq!(writing.write_step(), Step::Worked);
        assert!(writing.written() > first);
    });
    assert_eq!((log.sync_step(), log.durable()), (Step::Worked, first));
    assert_eq!((log.sync_step(), log.durable()), (Step::Worked, log.appended()));
    assert_eq!(log.sync_step(), Step::Idle);
}

#[test]
fn an_idle_writer_writes_one_watermark_and_syncs_nothing_for_it() {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    world.run(&log, &[Act::Wait, Act::Write, Act::Append(10), Act::Write, Act::Sync, Act::Write]);
    assert_eq!(log.stats().watermarks, 0, "nothing to say, and then no time to say it");
    world.disk.take_texts();
    for _ in 0..5 {
        world.run(&log, &[Act::Wait, Act::Write, Act::Sync]);
    }
    assert_eq!(world.disk.take_texts(), ["write 0000000000000001.slab"]);
    assert_eq!((log.stats().watermarks, log.durable()), (1, log.appended()));
    world.run(&log, &[Act::Append(10), Act::Write, Act::Sync, Act::Wait, Act::Write, Act::Wait, Act::Write]);
    assert_eq!(log.stats().watermarks, 2);
    assert_eq!(read_all(&log, Through::Durable).unwrap(), (0, 2));
}

fn contents(log: &Log) -> (u64, u64) {
    read_all(log, Through::Durable).unwrap()
}

#[test]
fn a_clean_close_leaves_nothing_to_cut_and_refuses_what_comes_later() {
    let mut world = World::new(1);
    world.options.fsync = false;
    let log = world.open().unwrap().unwrap();
    world.run(&log, &[Act::Prepare, Act::Append(100), Act::Append(200)]);
    log.close().unwrap();
    log.close().unwrap();
    world.note_closed();
    assert!(matches!(append(&log, 2, 1, Class::Control), Err(AppendError::Closed)));
    assert!(matches!(log.wait_for_room(None), durable_queue::Room::Closed));
    assert_eq!((contents(&log), log.durable()), ((0, 2), log.appended()));
    assert!(!log.wait_durable(Position { slab: 9, offset_bytes: 0 }, None).unwrap());
    assert_eq!(world.disk.names(), ["0000000000000001.slab"]);
    assert!(world.disk.content(&slab(1)).unwrap().len() < 4096 + 1000);
    // The directory is free although a handle is left.
    world.open_and_read().unwrap();
    assert!(world.was_clean && world.cut.is_none());
}

#[test]
fn without_fsync_only_what_was_asked_for_is_synced() {
    let mut world = World::new(1);
    world.options.fsync = false;
    let log = world.open().unwrap().unwrap();
    world.run(&log, &[Act::Append(100), Act::Write, Act::Sync]);
    assert!(log.durable() < log.written());
    let asked = log.written();
    log.request_sync(asked);
    assert_eq!((log.sync_step(), log.durable()), (Step::Worked, asked));
    world.run(&log, &[Act::Append(100), Act::Write]);
    assert_eq!((log.sync_step(), log.durable()), (Step::Idle, asked));
    // Asked for before it is written.
    world.run(&log, &[Act::Append(100)]);
    log.request_sync(log.appended());
    assert_eq!(log.sync_step(), Step::Worked, "what is written is synced at least");
    log.write_step();
    assert_eq!((log.sync_step(), log.durable()), (Step::Worked, log.appended()));
}
