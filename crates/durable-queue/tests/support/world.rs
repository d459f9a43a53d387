//! A log on a disk in memory, the client that uses it, and what must hold whatever happens: durable <= recovered <= appended,
//! as prefixes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use durable_queue::fake::{Dice, FakeClock, FakeDisk, FakeRandom};
use durable_queue::{Class, Cut, Environment, FreeSpace, Log, LogOptions, OpenError, Position, Through};

use super::client::{Count, append, read_all};

/// What a client or a thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Append(usize),
    Control(usize),
    Write,
    Sync,
    Prepare,
    /// Everything but the newest records may go.
    Release(u64),
    /// Nothing happens for a while.
    Wait,
    Close,
}

pub struct World {
    pub disk: FakeDisk,
    pub clock: FakeClock,
    pub options: LogOptions,
    pub environment: Environment,
    /// Records appended, known to be durable, and released, each a count from the first on.
    pub appended: u64,
    pub durable: u64,
    pub released: u64,
    /// How often it was opened, or tried to.
    openings: u64,
    /// Where each record since the opening ends, and its number.
    ends: Vec<(u64, Position)>,
    pub cut: Option<Cut>,
    /// What the last opening kept aside, as it was then.
    kept: Option<(PathBuf, Vec<u8>)>,
    pub was_clean: bool,
}

pub fn directory() -> PathBuf {
    PathBuf::from("/log")
}

pub fn slab(number: u64) -> PathBuf {
    directory().join(format!("{number:016}.slab"))
}

pub fn small_options(directory: &Path) -> LogOptions {
    LogOptions {
        slab_size_bytes: 16 << 10,
        control_reserve_bytes: 1 << 10,
        free_space_kept: FreeSpace::Bytes(0),
        ..LogOptions::new(directory)
    }
}

impl World {
    pub fn new(seed: u64) -> Self {
        let disk = FakeDisk::new();
        disk.keep_trace();
        let clock = FakeClock::default();
        let environment = Environment {
            disk: Arc::new(disk.clone()),
            clock: Arc::new(clock.clone()),
            random: Arc::new(FakeRandom::new(seed)),
        };
        Self {
            disk,
            clock,
            options: small_options(&directory()),
            environment,
            appended: 0,
            durable: 0,
            released: 0,
            openings: 0,
            ends: Vec::new(),
            cut: None,
            kept: None,
            was_clean: true,
        }
    }

    /// Opens the log and checks what it tells. `Ok(None)`: power was lost.
    pub fn open(&mut self) -> Result<Option<Log>, String> {
        self.openings += 1;
        let mut count = Count::default();
        let opening = match Log::open(self.environment.clone(), self.options.clone(), &mut count) {
            Ok(opening) => opening,
            Err(error) => return self.refused(&error),
        };
        let total = count.total();
        if total < self.durable || total > self.appended {
            return Err(format!(
                "{total} recovered, of {} durable and {} appended",
                self.durable, self.appended
            ));
        }
        self.appended = total;
        self.durable = total;
        self.ends.clear();
        self.cut.clone_from(&opening.cut);
        self.was_clean = opening.was_clean;
        let kept_as = opening.cut.as_ref().and_then(|cut| cut.kept_as.clone());
        self.kept = kept_as.map(|path| (path.clone(), self.disk.content(&path).unwrap()));
        match opening.begin(&total.to_le_bytes()) {
            Ok(log) => Ok(Some(log)),
            Err(error) => self.refused(&error),
        }
    }

    fn refused(&self, error: &OpenError) -> Result<Option<Log>, String> {
        if self.disk.is_off() { Ok(None) } else { Err(format!("refused: {error}: {error:?}")) }
    }

    /// Opens the log, and checks that every record that must be there can be read.
    pub fn open_and_read(&mut self) -> Result<Log, String> {
        let log = self.open()?.ok_or("power was lost")?;
        let (first, next) = read_all(&log, Through::Durable)?;
        if next != self.appended && (first, next) != (0, 0) {
            return Err(format!("{next} can be read, {} were told", self.appended));
        }
        if first > self.released || (next < self.durable && self.released < self.durable) {
            return Err(format!("{first}..{next} can be read, of {}..{}", self.released, self.durable));
        }
        Ok(log)
    }

    /// Does what is in `acts` until power is lost.
    pub fn run(&mut self, log: &Log, acts: &[Act]) {
        for act in acts {
            match *act {
                Act::Append(len) => self.append(log, len, Class::Data),
                Act::Control(len) => self.append(log, len, Class::Control),
                Act::Write => drop(log.write_step()),
                Act::Sync => drop(log.sync_step()),
                Act::Prepare => drop(log.prepare_step()),
                Act::Release(newest) => self.release(log, newest),
                Act::Wait => self.clock.advance(Duration::from_secs(1)),
                Act::Close => drop(log.close()),
            }
            self.note_durable(log);
        }
    }

    pub fn append(&mut self, log: &Log, len: usize, class: Class) {
        if let Ok(appended) = append(log, self.appended, len, class) {
            self.ends.push((self.appended, appended.end));
            self.appended += 1;
        }
    }

    /// What was kept aside is still there.
    pub fn check_kept(&self) -> Result<(), String> {
        match &self.kept {
            Some((path, content)) if self.disk.content(path).as_ref() != Some(content) => {
                Err(format!("{} isn't what was kept aside", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// The log was closed without an error: everything is durable.
    pub fn note_closed(&mut self) {
        self.durable = self.appended;
    }

    /// The same for worlds that can't be told apart from here on.
    pub fn fingerprint(&self) -> [u64; 5] {
        [self.disk.fingerprint(), self.appended, self.durable, self.released, self.openings]
    }

    /// The same world, so that two things may happen to it.
    pub fn fork(&self) -> Self {
        let disk = self.disk.fork();
        let clock = FakeClock::default();
        let environment = Environment {
            disk: Arc::new(disk.clone()),
            clock: Arc::new(clock.clone()),
            // Not a seed that an earlier opening had: salts would be the same.
            random: Arc::new(FakeRandom::new(1000 + self.openings)),
        };
        let (options, cut, kept) = (self.options.clone(), self.cut.clone(), self.kept.clone());
        let ends = self.ends.clone();
        Self { disk, clock, options, environment, ends, cut, kept, ..*self }
    }

    fn release(&mut self, log: &Log, newest: u64) {
        let below = self.durable.saturating_sub(newest);
        if let Some((number, end)) = self.ends.iter().rev().find(|(number, _)| *number < below) {
            self.released = self.released.max(number + 1);
            log.release_before(*end);
        }
    }

    pub fn note_durable(&mut self, log: &Log) {
        let durable = log.durable();
        for (number, end) in &self.ends {
            if *end <= durable {
                self.durable = self.durable.max(number + 1);
            }
        }
    }
}

/// A script that goes round a few slabs.
pub fn script(dice: &mut Dice, acts: usize) -> Vec<Act> {
    let mut script = Vec::new();
    if dice.one_in(2) {
        script.push(Act::Prepare);
    }
    for _ in 0..acts {
        script.push(match dice.below(16) {
            0..=5 => Act::Append(usize::try_from(dice.below(3000)).unwrap()),
            6 => Act::Control(usize::try_from(dice.below(200)).unwrap()),
            7..=9 => Act::Write,
            10..=12 => Act::Sync,
            13 => Act::Prepare,
            14 => Act::Release(dice.below(6)),
            _ => Act::Wait,
        });
    }
    script
}
