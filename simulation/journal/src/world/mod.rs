//! One life from beginning to end: what happens next is drawn, the product's own steps are taken, what must hold is checked
//! after each, and in the end everything is mended and must arrive. Knows all the other rooms.

mod ending;
mod events;
mod steps;

use std::time::{Duration, SystemTime};

use durable_queue::clock::Clock;
use durable_queue::fake::{Dice, FakeClock};

use crate::faults::{Fault, Faults};
use crate::machine::Machine;
use crate::model::SOURCE;
use crate::network::Network;
use crate::plan::Plan;
use crate::settings::Settings;
use crate::store::{Dialect, Store};
use crate::trace::Trace;

/// When a calm world begins, after 1970: at noon, so that no directory changes.
const CALM_BEGIN: Duration = Duration::from_hours(497_220);

/// What a life came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lived {
    pub entries: u64,
    pub objects: u64,
    pub openings: u64,
    pub operations: u64,
}

/// Dice for each concern, so that leaving one kind of fault out doesn't change everything else.
#[derive(Debug, Clone)]
struct AllDice {
    plan: Dice,
    action: Dice,
    event: Dice,
    disk: Dice,
    network: Dice,
    time: Dice,
    rot: Dice,
    /// What other threads do within a step; nothing where every order is tried.
    race: Option<Dice>,
}

impl AllDice {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        Self {
            plan: dice.split(),
            action: dice.split(),
            event: dice.split(),
            disk: dice.split(),
            network: dice.split(),
            time: dice.split(),
            rot: dice.split(),
            race: Some(dice.split()),
        }
    }
}

/// The world.
#[derive(Debug)]
pub struct World {
    dice: AllDice,
    faults: Faults,
    pub trace: Trace,
    pub store: Store,
    pub network: Network,
    pub machine: Machine,
    submitted: u64,
    /// What stops the upload is to be seen to by somebody.
    is_given_up: bool,
}

impl World {
    pub fn new(seed: u64, settings: &Settings) -> Self {
        let mut dice = AllDice::new(seed);
        let faults = if settings.insist {
            settings.faults
        } else {
            let drawn = Fault::ALL.iter().filter(|fault| **fault != Fault::BitRot);
            let mut some = drawn
                .fold(Faults::NONE, |some, fault| if dice.plan.one_in(2) { some.with(*fault) } else { some });
            // Drawn apart, so that it changes no life in which it isn't.
            if dice.rot.one_in(4) {
                some = some.with(Fault::BitRot);
            }
            some.and(settings.faults)
        };
        // Where an acknowledgement rots an object may be sent again: nobody may have taken it away.
        let faults = if faults.has(Fault::BitRot) { faults.without(Fault::Consumer) } else { faults };
        let day = Duration::from_secs(1_790_000_000 + dice.time.below(400_000));
        let clock = FakeClock::new(SystemTime::UNIX_EPOCH + day);
        let store = Store::draw(&mut dice.plan, faults, clock.clone());
        let mut plan = Plan::draw(&mut dice.plan);
        plan.quarantine = faults.has(Fault::BitRot) && !dice.rot.one_in(4);
        let block_bytes = if dice.plan.one_in(2) { 512 } else { 4096 };
        let mut trace = Trace::new(settings.keep_trace);
        trace.note(|| {
            format!("seed {seed}: {faults:?}; {plan:?}; {:?} {:?}", store.dialect, store.denied_for_good)
        });
        let machine = Machine::new(plan, clock, block_bytes, settings.keep_trace);
        Self {
            dice,
            faults,
            trace,
            store,
            network: Network::default(),
            machine,
            submitted: 0,
            is_given_up: false,
        }
    }

    /// A world in which nothing goes wrong of itself, and nothing was done yet.
    pub fn calm(plan: Plan, dialect: Dialect) -> Self {
        let clock = FakeClock::new(SystemTime::UNIX_EPOCH + CALM_BEGIN);
        let store = Store::plain(dialect, clock.clone());
        Self {
            dice: AllDice { race: None, ..AllDice::new(0) },
            faults: Faults::NONE,
            trace: Trace::new(false),
            store,
            network: Network::default(),
            machine: Machine::new(plan, clock, 4096, false),
            submitted: 0,
            is_given_up: false,
        }
    }

    /// A copy of the world after the death of the process: calls on their way are still carried out, or aren't.
    pub fn after_death(&self, are_late: bool) -> Self {
        let clock = FakeClock::new(self.machine.clock.wall());
        Self {
            dice: self.dice.clone(),
            faults: self.faults,
            trace: Trace::new(self.trace.is_kept()),
            store: self.store.fork(clock.clone()),
            network: self.network.after_death(are_late),
            machine: self.machine.fork(clock),
            submitted: self.submitted,
            is_given_up: false,
        }
    }

    /// Whether everything has stopped.
    pub fn is_cut(&self) -> bool {
        self.machine.disk.is_off() || self.network.is_cut()
    }

    /// Opens the journal once, whether that is cut short or not.
    pub fn open_once(&mut self) -> Result<(), String> {
        // Another number for each opening, and the same one in whatever way it was come to.
        let opened = self.machine.open_once(&self.store.bucket(), self.machine.lives);
        self.machine.lives += 1;
        match opened {
            _ if self.machine.disk.is_off() => Ok(()),
            Ok(journal) => self.machine.opened(journal, &mut self.trace),
            Err(error) => Err(format!("opening is refused: {error}: {error:?}")),
        }
    }

    /// Submits one entry of so many bytes.
    pub fn submit_one(&mut self, len: usize) -> Result<(), String> {
        let number = self.machine.model.submitted();
        let Some(journal) = &self.machine.journal else { return Ok(()) };
        let mut entry = format!("{number:08} ").into_bytes();
        entry.extend((0..len).map(|at| b'a' + u8::try_from(at * (at + 7) % 23).unwrap_or(0)));
        let bytes = number.to_le_bytes();
        match journal.try_submit(&entry, Some((SOURCE, &bytes))) {
            Ok(sequence) => self.machine.model.submit(sequence, entry, Some(number)),
            Err(error) => Err(format!("an entry is refused: {error}")),
        }
    }

    /// Lives, and says what it came to, or what doesn't hold; and what happened.
    pub fn live(mut self, steps: u64) -> (Result<Lived, String>, Vec<String>) {
        let lived = self.life(steps);
        (lived, self.trace.into_lines())
    }

    fn life(&mut self, steps: u64) -> Result<Lived, String> {
        self.open()?;
        for _ in 0..steps {
            self.step()?;
            self.look_around()?;
            if self.faults.has(Fault::BitRot) && self.dice.rot.one_in(80) {
                self.rot()?;
            }
        }
        self.end()?;
        Ok(Lived {
            entries: self.machine.model.submitted(),
            objects: self.machine.model.objects() as u64,
            openings: self.machine.lives,
            operations: self.machine.disk.operations(),
        })
    }

    fn open(&mut self) -> Result<(), String> {
        let bucket = self.store.bucket();
        self.machine.open(&bucket, &mut self.dice.disk, self.faults, &mut self.trace)
    }

    /// One thing happens.
    fn step(&mut self) -> Result<(), String> {
        match self.dice.action.below(100) {
            0..=17 => self.submit()?,
            18..=27 => drop(self.log_step("write")),
            28..=37 => drop(self.log_step("sync")),
            38..=42 => drop(self.log_step("prepare")),
            43..=58 => drop(self.scribe_step()),
            59..=70 => drop(self.upload_step()),
            71..=85 => {
                let faults = self.faults;
                let delivered =
                    self.network.step(&mut self.store, &mut self.dice.network, faults, &mut self.trace)?;
                self.delivered(delivered)?;
            }
            86..=89 => self.pass_time(),
            90..=91 => {
                if let Some(journal) = &self.machine.journal {
                    let through = journal.seal();
                    self.trace.note(|| format!("seal through {through}"));
                }
            }
            92 => {
                let late =
                    self.network.arrive_late(&mut self.store, &mut self.dice.network, &mut self.trace)?;
                self.delivered(late)?;
            }
            93 => self.rest()?,
            _ => self.event()?,
        }
        Ok(())
    }

    /// What must hold after each step; and what follows when everything has stopped.
    fn look_around(&mut self) -> Result<(), String> {
        if self.machine.disk.is_off() {
            return self.crash(self.faults.has(Fault::PowerLoss));
        }
        self.machine.check_told()
    }

    fn crash(&mut self, may_be_power: bool) -> Result<(), String> {
        let is_power = may_be_power && self.dice.disk.one_in(2);
        self.network.forget(&mut self.dice.network, self.faults);
        self.machine.crash(is_power, &mut self.dice.disk, &mut self.trace);
        self.machine.plan = self.machine.plan.again(&mut self.dice.plan, self.faults);
        self.open()
    }
}
