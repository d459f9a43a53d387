//! An audit tells of everything that is wrong with a log, where it is, and goes on behind it; it changes nothing.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

mod support;

use std::path::Path;

use durable_queue::{Audited, Auditor, Class, Damage, Log, Position, Record, audit};
use support::Texts;
use support::client::{Count, append};
use support::world::{World, directory, slab};

#[derive(Default)]
struct Seen {
    checkpoints: usize,
    records: Vec<Position>,
    damage: Vec<Damage>,
}

impl Auditor for Seen {
    fn checkpoint(&mut self, _: &Path, _: Position, _: &[u8]) {
        self.checkpoints += 1;
    }

    fn record(&mut self, _: &Path, record: &Record, payload: &[u8]) {
        assert_eq!(payload.len(), record.payload_len as usize);
        self.records.push(record.position);
    }

    fn damage(&mut self, damage: &Damage) {
        self.damage.push(damage.clone());
    }
}

fn look(world: &World) -> (Audited, Seen) {
    let mut seen = Seen::default();
    world.disk.take_texts();
    let audited = audit(&world.disk, &directory(), &mut seen).unwrap();
    assert_eq!(world.disk.take_texts(), Vec::<String>::new(), "it only reads");
    (audited, seen)
}

/// Three slabs of durable records, in use, and where the records end.
fn three_slabs() -> (World, Log, Vec<Position>) {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    let mut ends = Vec::new();
    for _ in 0..10 {
        log.prepare_step();
        ends.push(append(&log, world.appended, 2500, Class::Data).unwrap().end);
        world.appended += 1;
        log.write_step();
        log.sync_step();
    }
    (world, log, ends)
}

#[test]
fn a_good_log_beside_its_writer_after_its_death_and_after_its_end() {
    let (world, log, ends) = three_slabs();
    let (audited, seen) = look(&world);
    assert!(audited.holder.is_some());
    assert_eq!((audited.slabs.len(), seen.checkpoints, seen.records.len()), (3, 3, 10));
    assert_eq!(seen.damage, []);
    let newest = audited.slabs.last().unwrap();
    assert_eq!((newest.end_bytes, audited.was_clean), (ends[9].offset_bytes, false));
    assert!(newest.synced_bytes < newest.end_bytes, "the last commit is below nobody's watermark");
    assert_eq!(audited.slabs[0].synced_bytes, audited.slabs[0].end_bytes);
    log.close().unwrap();
    let (audited, seen) = look(&world);
    assert_eq!((audited.was_clean, audited.holder, seen.damage), (true, None, vec![]));
}

#[test]
fn each_damaged_byte_is_found_in_its_place_and_nothing_else_is_lost() {
    let (world, log, ends) = three_slabs();
    log.close().unwrap();
    let starts = look(&world).1.records;
    for number in 1..=3 {
        let last = ends.iter().filter(|end| end.slab == number).max().unwrap().offset_bytes;
        // Without the newest slab's header nothing in it can be read: nothing else knows its salt.
        for offset in (if number == 3 { 4096 } else { 0 }..last).step_by(97) {
            let at = usize::try_from(offset).unwrap();
            let copy = world.fork();
            copy.disk.tamper(&slab(number), |content| content[at] ^= 0x20);
            let (_, seen) = look(&copy);
            let what = format!("slab {number} offset {offset}: {:?}", seen.damage);
            // What lies between a slab's header and the sum over it, and between frames, means nothing.
            let hit = starts.iter().zip(&ends).find(|(start, end)| {
                start.slab == number && (start.offset_bytes..end.offset_bytes).contains(&offset)
            });
            assert!(seen.records.len() + 1 >= starts.len(), "{what}");
            let Some((start, _)) = hit else { continue };
            if seen.damage.is_empty() {
                assert_eq!(seen.records.len(), starts.len(), "{what}: padding");
                continue;
            }
            assert_eq!(seen.records.len() + 1, starts.len(), "{what}");
            let damage = &seen.damage[0];
            assert_eq!((seen.damage.len(), &damage.file), (1, &slab(number)), "{what}");
            assert_eq!(damage.offset_bytes, start.offset_bytes, "{what}");
            assert!(damage.acknowledged, "{what}");
            let payload_is_bad = damage.reason.contains("payload");
            assert_eq!(
                damage.record.as_ref().map(|record| record.position),
                payload_is_bad.then_some(*start)
            );
        }
    }
}

#[test]
fn several_damages_and_a_missing_slab_are_all_told() {
    let (world, log, _) = three_slabs();
    drop(log);
    world.disk.kill();
    let starts = look(&world).1.records;
    for start in [starts[0], starts[9]] {
        let at = usize::try_from(start.offset_bytes).unwrap();
        world.disk.tamper(&slab(start.slab), |content| content[at] ^= 1);
    }
    let told = look(&world).1.damage;
    assert_eq!(told.iter().map(|damage| &damage.file).collect::<Vec<_>>(), [&slab(1), &slab(3)]);
    // A damaged header hides no frame: the slab after knows the salt.
    world.disk.tamper(&slab(2), |content| content[30] ^= 1);
    let (audited, seen) = look(&world);
    assert_eq!(seen.damage.len(), 3, "{:?}", seen.damage);
    assert_eq!((audited.slabs[1].frames, seen.records.len()), (5, 8));
    world.disk.tamper(&slab(3), |content| content[30] ^= 1);
    let (_, seen) = look(&world);
    let last = seen.damage.last().unwrap();
    assert_eq!((&last.file, last.offset_bytes, last.acknowledged), (&slab(3), 4096, true));
}

#[test]
fn what_follows_the_last_commit_is_told_and_is_no_damage_to_what_was_acknowledged() {
    let (world, log, ends) = three_slabs();
    drop(log);
    world.disk.kill();
    let end = ends[9].offset_bytes;
    world.disk.tamper(&slab(3), |content| content[usize::try_from(end).unwrap() + 20] = 1);
    let (_, seen) = look(&world);
    assert_eq!(seen.records.len(), 10);
    let [damage] = &seen.damage[..] else { panic!("{:?}", seen.damage) };
    assert_eq!((damage.offset_bytes, damage.acknowledged), (end, false));
}

#[test]
fn on_a_real_disk_it_names_the_process_that_has_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let disk = durable_queue::disk::RealDisk;
    let options = support::world::small_options(directory.path());
    let environment = durable_queue::Environment::system();
    assert_eq!(audit(&disk, directory.path(), &mut Seen::default()).unwrap(), Audited::default());
    let log =
        Log::open(environment, options, &mut Count::default()).unwrap().begin(&0_u64.to_le_bytes()).unwrap();
    let holder = audit(&disk, directory.path(), &mut Seen::default()).unwrap().holder.unwrap();
    assert!(holder.contains(&std::process::id().to_string()), "{holder}");
    log.close().unwrap();
    drop(log);
    assert_eq!(audit(&disk, directory.path(), &mut Seen::default()).unwrap().holder, None);
    assert!(audit(&disk, &directory.path().join("none"), &mut Seen::default()).is_err());
}
