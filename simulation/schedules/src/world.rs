//! What an execution happens in: a disk that can lose power, a clock that stands still but for what waits let pass, and dice that
//! the schedule's seed decides. Knows the product's fake world.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use durable_queue::Environment;
use durable_queue::fake::{Dice, FakeClock, FakeDisk, FakeRandom, Fault, Loss, Operation, OperationKind};
use schedules_sync::Surprises;
use shuttle::rand::RngCore;

/// The most waits of an execution that end by time, and for no reason. Every other execution has none at all: whoever waits
/// there is woken or waits for ever.
const TIMEOUTS_MAX: u64 = 3;
const WAKES_MAX: u64 = 2;

/// Whether what happens is told: when a schedule is repeated.
pub static IS_TOLD: AtomicBool = AtomicBool::new(false);

/// Tells what happens, if that is wanted.
pub fn tell(what: impl FnOnce() -> String) {
    if IS_TOLD.load(Ordering::Relaxed) {
        eprintln!("{}", what());
    }
}

/// See the module. All threads of an execution run on one of the operating system's, so this needs no lock.
pub struct World {
    /// Its disk.
    pub disk: FakeDisk,
    clock: FakeClock,
    dice: RefCell<Dice>,
}

impl World {
    /// The world of a new execution.
    pub fn begin() -> Self {
        let mut dice = Dice::new(shuttle::rand::thread_rng().next_u64());
        let clock = FakeClock::default();
        let mut surprises = Surprises::default();
        if dice.one_in(2) {
            let clock = clock.clone();
            surprises = Surprises {
                timeouts: small(dice.below(TIMEOUTS_MAX + 1)),
                wakes: small(dice.below(WAKES_MAX + 1)),
                pass: Some(Rc::new(move |time| clock.advance(time))),
            };
        }
        schedules_sync::begin(surprises);
        let disk = FakeDisk::new();
        // Also where nothing is told: a schedule counts this step, too.
        disk.watch(|operation| tell(|| format!("{operation:#}")));
        Self { disk, clock, dice: RefCell::new(dice) }
    }

    /// A number below `bound`.
    pub fn below(&self, bound: u64) -> u64 {
        self.dice.borrow_mut().below(bound)
    }

    /// Whether something happens that happens once in `n` times.
    pub fn one_in(&self, n: u64) -> bool {
        self.dice.borrow_mut().one_in(n)
    }

    /// Dice for a thread.
    pub fn dice(&self) -> Dice {
        self.dice.borrow_mut().split()
    }

    /// What something is opened in, on `disk`.
    pub fn environment(&self, disk: &FakeDisk) -> Environment {
        Environment {
            disk: Arc::new(disk.clone()),
            clock: Arc::new(self.clock.clone()),
            random: Arc::new(FakeRandom::new(self.dice.borrow_mut().next())),
        }
    }

    /// What a power loss leaves of what wasn't synced.
    pub fn loss(&self) -> Loss {
        match self.below(4) {
            0 => Loss::Lost,
            _ => Loss::Random(self.dice.borrow_mut().next()),
        }
    }

    /// One of the next syncs of a slab fails.
    pub fn fail_a_sync(&self, within: u64) {
        let mut left = self.below(within) + 1;
        self.disk.inject_times(Fault::Fails(std::io::ErrorKind::Other), 1, move |operation| {
            let is_meant = operation.kind == OperationKind::Sync && is_slab(operation);
            left -= u64::from(is_meant && left > 0);
            is_meant && left == 0
        });
    }

    /// One of the next operations on which everything rests fails: a write or a sync of a slab, a sync of the directory, a
    /// rename, a truncation.
    pub fn fail_one(&self, within: u64) {
        let mut left = self.below(within) + 1;
        self.disk.inject_times(Fault::Fails(std::io::ErrorKind::Other), 1, move |operation| {
            let is_meant = match operation.kind {
                OperationKind::Write | OperationKind::Sync | OperationKind::SetLen => is_slab(operation),
                OperationKind::SyncDirectory | OperationKind::Rename => true,
                _ => false,
            };
            left -= u64::from(is_meant && left > 0);
            is_meant && left == 0
        });
    }
}

fn is_slab(operation: &Operation) -> bool {
    operation.path.extension().is_some_and(|extension| extension == "slab")
}

fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or_default()
}
