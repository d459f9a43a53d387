//! A client that accepts damage opens its log all the same, and reads everything that isn't damaged: from wherever it begins, and to the end.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

mod support;

use durable_queue::fake::FakeDisk;
use durable_queue::{Class, Damage, Log, Position, ReadError, Record, RecordError, Through, Visitor};
use support::client::append;
use support::world::{World, slab};

/// Accepts whatever there is.
#[derive(Default)]
struct Accepts {
    records: usize,
    damage: Vec<Damage>,
}

impl Visitor for Accepts {
    fn checkpoint(&mut self, _: &[u8]) -> Result<(), RecordError> {
        Ok(())
    }

    fn record(&mut self, _: &Record, _: &[u8]) -> Result<(), RecordError> {
        self.records += 1;
        Ok(())
    }

    fn damaged(&mut self, damage: &Damage) -> Result<(), RecordError> {
        self.damage.push(damage.clone());
        Ok(())
    }
}

/// A dead log of three slabs, and where its records begin and end.
fn three_slabs() -> (World, Vec<(Position, Position)>) {
    let mut world = World::new(1);
    let log = world.open().unwrap().unwrap();
    let mut places = Vec::new();
    for number in 0..13 {
        log.prepare_step();
        let end = append(&log, number, 2500, Class::Data).unwrap().end;
        places.push((Position { offset_bytes: end.offset_bytes - 2576, ..end }, end));
        log.write_step();
        log.sync_step();
    }
    assert_eq!(places.last().unwrap().1.slab, 4);
    world.disk.kill();
    (world, places)
}

fn open(world: &World, accepts: &mut Accepts) -> Log {
    let opening = Log::open(world.environment.clone(), world.options.clone(), accepts).unwrap();
    opening.begin(b"").unwrap()
}

/// The records' positions from `from` on, and the damage between them.
fn read(log: &Log, from: Position) -> (Vec<Position>, Vec<Damage>) {
    let mut reader = log.reader(from, Through::Durable);
    let (mut records, mut damage) = (Vec::new(), Vec::new());
    for _ in 0..1000 {
        match reader.next() {
            Ok(Some(record)) => records.push(record.position),
            Ok(None) => return (records, damage),
            Err(ReadError::Corrupt { .. }) => damage.extend(reader.skip_damage().unwrap()),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("it goes round from {from}: {damage:?}");
}

#[test]
fn what_is_not_damaged_is_read_from_wherever_one_begins() {
    type Change = fn(&FakeDisk, usize);
    let changes: [(&str, Change); 6] = [
        ("nothing", |_, _| {}),
        ("slab 1 is gone, and with it where it ended", |disk, _| {
            disk.lose_file(&slab(1));
            disk.tamper(&slab(2), |content| content[4096 + 20] ^= 1);
        }),
        ("slab 2 is gone", |disk, _| disk.lose_file(&slab(2))),
        ("slabs 1 and 2 are cut short", |disk, _| {
            disk.tamper(&slab(1), |content| content.truncate(4200));
            disk.tamper(&slab(2), |content| content.truncate(300));
        }),
        ("slab 2 is zeroed", |disk, _| disk.tamper(&slab(2), |content| content.fill(0))),
        ("a frame's header and the next one's meta are damaged", |disk, second| {
            disk.tamper(&slab(2), |content| {
                content[second + 20] ^= 1;
                content[second + 2576 + 66] ^= 1;
            });
        }),
    ];
    for (what, change) in changes {
        let (world, places) = three_slabs();
        let in_second = places.iter().map(|(begin, _)| *begin).find(|begin| begin.slab == 2).unwrap();
        change(&world.disk, usize::try_from(in_second.offset_bytes).unwrap());
        let mut accepts = Accepts::default();
        let log = open(&world, &mut accepts);
        let oldest = log.oldest();
        let (all, damage) = read(&log, Position::ZERO);
        assert_eq!(damage.is_empty(), what == "nothing", "{what}");
        let last: Vec<_> = places.iter().map(|(begin, _)| *begin).filter(|begin| begin.slab > 2).collect();
        assert!(all.ends_with(&last), "{what}: {all:?}");
        for (begin, end) in &places {
            for from in [*begin, *end] {
                let (records, _) = read(&log, from.max(oldest));
                let expected: Vec<_> = all.iter().copied().filter(|position| *position >= from).collect();
                assert_eq!(records, expected, "{what}: from {from}");
            }
        }
        // A slab that is gone, and is the oldest now, wasn't released: it is damage, and passed by.
        log.release_before(Position { slab: 2, offset_bytes: 4096 });
        log.prepare_step();
        if oldest.slab == 1 {
            assert_eq!(log.oldest().slab, 2, "{what}");
        }
        let (records, _) = read(&log, log.oldest());
        assert!(records.ends_with(&last), "{what}: {records:?}");
    }
}
