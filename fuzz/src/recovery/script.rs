//! A log, what its client does, how it dies, and what happens to its files then. Knows how a directory is opened, and damage.

use std::sync::Arc;
use std::time::Duration;

use durable_queue::fake::{FakeClock, FakeDisk, FakeRandom, Loss};
use durable_queue::{Class, Environment, Frame, Log, LogOptions, Position, Record, Through};

use super::damage::{Damage, first_difference, slabs};
use super::opening::{Opened, Told, open, open_in_every_way, options};
use crate::bytes::{Bytes, filling};

const ACTS_MAX: usize = 64;
const DAMAGES_MAX: usize = 6;
const DATA: u16 = 16;
const CONTROL: u16 = 17;
const FIRST_FRAME: u64 = 4096;

/// See the module.
#[derive(Debug)]
pub struct Script {
    preallocates: bool,
    large_blocks: bool,
    fsync: bool,
    acts: Vec<Act>,
    death: Death,
    damages: Vec<Damage>,
}

#[derive(Debug)]
enum Act {
    Append(usize),
    Control(usize),
    Write,
    Sync,
    /// Both.
    Commit,
    Prepare,
    /// All but so many of the newest durable records may go.
    Release(u8),
    /// The writer goes idle.
    Idle,
    Restart(Death),
}

#[derive(Debug, Clone, Copy)]
enum Death {
    Close,
    Kill,
    PowerLoss(Loss),
}

impl Death {
    fn read(bytes: &mut Bytes<'_, '_>) -> Self {
        match bytes.byte() {
            0..=63 => Self::Kill,
            64..=95 => Self::Close,
            96..=111 => Self::PowerLoss(Loss::Lost),
            112..=127 => Self::PowerLoss(Loss::Kept),
            seed => Self::PowerLoss(Loss::Random(seed.into())),
        }
    }
}

impl Script {
    pub fn read(bytes: &mut Bytes<'_, '_>) -> Self {
        let how = bytes.byte();
        let mut acts = Vec::new();
        while !bytes.is_over() && acts.len() < ACTS_MAX {
            acts.push(match bytes.byte() % 16 {
                0..=3 => Act::Append(usize::from(bytes.byte()) * 4),
                4 => Act::Append(usize::from(bytes.short() % 6000)),
                5 => Act::Control(usize::from(bytes.byte() % 200)),
                6 => Act::Write,
                7 => Act::Sync,
                8..=9 => Act::Commit,
                10 => Act::Prepare,
                11 => Act::Release(bytes.byte() % 6),
                12 => Act::Idle,
                13..=14 => Act::Restart(Death::read(bytes)),
                _ => break,
            });
        }
        let death = Death::read(bytes);
        let mut damages = Vec::new();
        while !bytes.is_over() && damages.len() < DAMAGES_MAX {
            damages.push(Damage::read(bytes));
        }
        Self {
            preallocates: how & 1 == 0,
            large_blocks: how & 2 == 2,
            fsync: how & 4 == 0,
            acts,
            death,
            damages,
        }
    }

    pub fn check(self) {
        let mut world = World::new(&self);
        let mut log = world.open();
        for act in &self.acts {
            world.act(&mut log, act);
        }
        world.die(log, self.death);

        let before = slabs(&world.disk);
        for damage in &self.damages {
            damage.befall(&world.disk);
        }
        let damage = first_difference(&before, &slabs(&world.disk));
        let before_damage = match damage {
            Some(damage) => world.ends.partition_point(|end| *end <= damage),
            None => world.ends.len(),
        };
        let told = match open_in_every_way(&world.disk) {
            Opened::Yes { told, .. } => told,
            Opened::Refused(reason) => return assert!(damage.is_some(), "nothing is damaged, and {reason}"),
        };
        let total = world.count(&told);
        assert!(total <= world.ends.len(), "{total} records of {}", world.ends.len());
        let must_be_there = before_damage.min(world.durable);
        assert!(
            total >= must_be_there || must_be_there <= world.released,
            "{total} records are left of {} appended and {} durable: {before_damage} lie before {damage:?}, where the \
             damage begins, and {} were released",
            world.ends.len(),
            world.durable,
            world.released
        );
        let oldest = before.first_key_value().map_or(1, |(number, _)| *number);
        world.go_on(total, before_damage, oldest);
    }
}

/// The log's world, and what its client knows.
struct World {
    disk: FakeDisk,
    clock: FakeClock,
    environment: Environment,
    options: LogOptions,
    /// Where each record ends, by number.
    ends: Vec<Position>,
    durable: usize,
    released: usize,
}

impl World {
    fn new(script: &Script) -> Self {
        let (disk, clock) = (FakeDisk::new(), FakeClock::default());
        disk.set_block_bytes(if script.large_blocks { 4096 } else { 512 });
        if !script.preallocates {
            disk.refuse_preallocation();
        }
        let environment = Environment {
            disk: Arc::new(disk.clone()),
            clock: Arc::new(clock.clone()),
            random: Arc::new(FakeRandom::new(1)),
        };
        let options = LogOptions { fsync: script.fsync, ..options() };
        Self { disk, clock, environment, options, ends: Vec::new(), durable: 0, released: 0 }
    }

    fn open(&mut self) -> Log {
        let mut told = Told::default();
        let opening = Log::open(self.environment.clone(), self.options.clone(), &mut told)
            .unwrap_or_else(|error| panic!("nothing is damaged, and {error}: {error:?}"));
        let total = self.count(&told);
        assert!(
            self.durable <= total && total <= self.ends.len(),
            "{total} records are left of {} durable and {} appended",
            self.durable,
            self.ends.len()
        );
        self.ends.truncate(total);
        self.durable = total;
        opening.begin(&(total as u64).to_le_bytes()).expect("the disk has room")
    }

    fn act(&mut self, log: &mut Log, act: &Act) {
        match act {
            Act::Append(len) => self.append(log, *len, Class::Data),
            Act::Control(len) => self.append(log, *len, Class::Control),
            Act::Write => drop(log.write_step()),
            Act::Sync => drop(log.sync_step()),
            Act::Commit => {
                log.write_step();
                log.request_sync(log.appended());
                log.sync_step();
            }
            Act::Prepare => drop(log.prepare_step()),
            Act::Release(keep) => {
                let released = self.durable.saturating_sub(usize::from(*keep));
                if let Some(last) = released.checked_sub(1).filter(|_| released > self.released) {
                    self.released = released;
                    log.release_before(self.ends[last]);
                }
            }
            Act::Idle => {
                self.clock.advance(Duration::from_secs(1));
                log.write_step();
            }
            Act::Restart(death) => {
                self.die(log.clone(), *death);
                *log = self.open();
            }
        }
        let durable = log.durable();
        self.durable = self.durable.max(self.ends.partition_point(|end| *end <= durable));
    }

    fn append(&mut self, log: &Log, len: usize, class: Class) {
        let number = self.ends.len() as u64;
        let (meta, payload) = (number.to_le_bytes(), payload(number, len));
        let kind = if class == Class::Data { DATA } else { CONTROL };
        let frame = Frame::new(kind, false, &meta, &payload);
        let appended = log.append(&frame, class, &mut |checkpoint| checkpoint.extend_from_slice(&meta));
        if let Ok(appended) = appended {
            self.ends.push(appended.end);
        }
    }

    fn die(&mut self, log: Log, death: Death) {
        match death {
            Death::Close => {
                log.close().expect("the disk works");
                self.durable = self.ends.len();
            }
            Death::Kill => self.disk.kill(),
            Death::PowerLoss(loss) => self.disk.lose_power(loss),
        }
        drop(log);
        self.disk.kill();
    }

    /// How many records there are, each as it was appended.
    fn count(&self, told: &Told) -> usize {
        let Some(checkpoint) = &told.checkpoint else { return 0 };
        let number: [u8; 8] = checkpoint[..].try_into().expect("a checkpoint that the client didn't write");
        let mut total = u64::from_le_bytes(number);
        for (record, payload) in &told.records {
            is_record(record, payload, total);
            total += 1;
        }
        usize::try_from(total).expect("so many weren't appended")
    }

    /// Goes on with what was recovered: reads it, appends to it, and opens it once more.
    fn go_on(&mut self, total: usize, before_damage: usize, oldest: u64) {
        let mut told = Told::default();
        let opening = Log::open(self.environment.clone(), self.options.clone(), &mut told)
            .unwrap_or_else(|error| panic!("it was opened before, and {error}"));
        assert_eq!(self.count(&told), total);
        let log = opening.begin(&(total as u64).to_le_bytes()).expect("the disk has room");
        self.read(&log, total, before_damage, oldest);

        self.ends.truncate(total);
        self.append(&log, 30, Class::Data);
        if self.ends.len() == total {
            panic!("there is room, and an append was refused");
        }
        log.write_step();
        log.request_sync(log.appended());
        log.sync_step();
        assert!(log.durable() >= self.ends[total], "what was appended after the recovery isn't durable");
        drop(log);
        self.disk.lose_power(Loss::Lost);
        match open(&self.disk, 2000) {
            Opened::Yes { told, cut: None } => assert_eq!(self.count(&told), total + 1),
            other => panic!("it was recovered and gone on with, and then {other:?}"),
        }
    }

    /// Reads from where the client knows that something is. What comes is in order and as it was; what lies before the damage
    /// comes.
    fn read(&self, log: &Log, total: usize, before_damage: usize, oldest: u64) {
        let released = self.released.checked_sub(1).and_then(|last| self.ends.get(last)).copied();
        let oldest = Position { slab: oldest, offset_bytes: FIRST_FRAME };
        let from = released.unwrap_or(oldest).max(oldest);
        let mut reader = log.reader(from, Through::Durable);
        let mut next = None;
        let mut bytes = Vec::new();
        let error = loop {
            let record = match reader.next() {
                Ok(Some(record)) => record,
                Ok(None) => break None,
                Err(error) => break Some(error),
            };
            if let Err(error) = reader.read_checked(&record, &mut bytes) {
                break Some(error);
            }
            let number = next.unwrap_or_else(|| {
                let meta = record.meta[..].try_into().expect("a record that the client didn't append");
                u64::from_le_bytes(meta)
            });
            is_record(&record, &bytes, number);
            next = Some(number + 1);
        };
        let read = next.map_or(self.released as u64, |next| next);
        let must_be_read = before_damage.min(total);
        let is_enough = must_be_read <= self.released || read >= must_be_read as u64;
        assert!(
            is_enough,
            "{read} can be read of {must_be_read} before the damage, {total} in all: {error:?}"
        );
        if error.is_none() && total > self.released {
            assert_eq!(read, total as u64, "not all can be read, and nothing is said of it");
        }
    }
}

/// What record `number` holds.
fn payload(number: u64, len: usize) -> Vec<u8> {
    filling(number.to_le_bytes()[0], len)
}

fn is_record(record: &Record, bytes: &[u8], number: u64) {
    assert_eq!(record.meta, number.to_le_bytes(), "another record at {}", record.position);
    assert_eq!(bytes, payload(number, bytes.len()), "record {number} has another payload");
}
