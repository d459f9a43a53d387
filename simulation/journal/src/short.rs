//! All that can happen to a short life of a journal: it stops before each operation of the disk and before each step of a call to
//! the store (before it is carried out, between that and its answer, after the answer); the process dies or power is lost, with
//! whatever part of the unsynced left; calls on their way are still carried out, or aren't; and so again in the opening and the
//! draining that follow, and in those after them. At each such point the whole must come to a good end. The same while damage is
//! passed by. Knows the world.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use durable_queue::fake::Loss;
use s3_journal::Compressor;

use crate::machine::DIRECTORY;
use crate::plan::Plan;
use crate::rot::{self, Part};
use crate::store::{Closed, Dialect};
use crate::world::World;

/// What a program does with its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// Submits an entry that fits into a part.
    Small,
    /// Submits an entry that takes several parts.
    Large,
    /// Ends batch and object.
    Seal,
    /// Lets everything go on that can.
    Settle,
}

const CALLS: [Call; 4] = [Call::Small, Call::Large, Call::Seal, Call::Settle];

/// All scripts of exactly so many calls. A close in order follows each.
pub fn scripts(calls: usize) -> Vec<Vec<Call>> {
    (0..calls).fold(vec![Vec::new()], |scripts, _| {
        scripts
            .iter()
            .flat_map(|script: &Vec<Call>| CALLS.map(|call| [&script[..], &[call]].concat()))
            .collect()
    })
}

/// Which journal, and which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Uncompressed, on a store like Amazon's.
    Plain,
    /// Zstandard, on a store that forgets completed uploads and tells no checksums.
    Compressed,
}

impl Kind {
    fn world(self) -> World {
        let (compressor, dialect) = match self {
            Self::Plain => (Compressor::None, Dialect::default()),
            Self::Compressed => {
                let dialect = Dialect { forgets_completed: true, lists_no_sums: true, ..Dialect::default() };
                (Compressor::Zstd, dialect)
            }
        };
        let plan = Plan {
            compressor,
            delimiter: b"\n".to_vec(),
            batch_latency: None,
            batch_entries: 2,
            batch_bytes: 4096,
            entry_bytes: 1000,
            fsync: true,
            shards: None,
            object_bytes: 1 << 20,
            object_age: Duration::from_mins(5),
            part_bytes: 128,
            parallel: 2,
            queue_entries: None,
            format: "yyyy/MM/dd",
            expiration: None,
            slab_bytes: 78 << 10,
            quarantine: false,
        };
        World::calm(plan, dialect)
    }
}

/// How far to go.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many recoveries in a row are cut short.
    pub depth: usize,
    /// In how many ways the unsynced is left at random, besides being all lost or all kept, at the first crash.
    pub losses: u64,
}

/// See the module. May be shared by threads.
#[derive(Debug)]
pub struct Explorer {
    limits: Limits,
    seen: Mutex<HashMap<u64, usize>>,
}

/// What was done before the world stopped, or what couldn't be.
type Outcome = Result<(), String>;

impl Explorer {
    /// Nothing was seen yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, seen: Mutex::default() }
    }

    /// How many different states a crash left.
    pub fn states(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Cuts a script short at each point.
    ///
    /// # Errors
    /// What didn't hold, and where.
    pub fn script(&self, kind: Kind, script: &[Call]) -> Outcome {
        let start = kind.world();
        self.cut_everywhere(&start, script, self.limits.depth)
            .map_err(|error| format!("{kind:?} {script:?}: {error}"))
    }

    /// Cuts a life short at each point in which damage to a queue of three objects is passed by, for each frame of their slab.
    ///
    /// # Errors
    /// What didn't hold, and where.
    pub fn rotten(&self, kind: Kind, part: Part) -> Outcome {
        let written = written_with_the_store_away(kind)?;
        for nth in 0.. {
            let mut world = written.after_death(false);
            if !rot::flip(&world.machine.disk, &Path::new(DIRECTORY).join(FIRST_SLAB), nth, part) {
                break;
            }
            world.machine.model.has_rotted = true;
            self.cut_everywhere(&world, &[], self.limits.depth)
                .map_err(|error| format!("{kind:?}, frame {nth}, {part:?}: {error}"))?;
        }
        Ok(())
    }

    /// Opens, does what the script says, drains; stops at each point of that, and looks at what follows.
    fn cut_everywhere(&self, start: &World, script: &[Call], depth: usize) -> Outcome {
        let mut whole = start.after_death(false);
        let before = whole.machine.disk.operations();
        work(&mut whole, script)?;
        let operations = whole.machine.disk.operations() - before;
        for at in 0..operations {
            let mut world = start.after_death(false);
            world.machine.disk.stop_after(at);
            work(&mut world, script).map_err(|error| format!("operation {at}: {error}"))?;
            self.crashes(&world, depth).map_err(|error| format!("operation {at}: {error}"))?;
        }
        for at in 0..whole.network.steps {
            let mut world = start.after_death(false);
            world.network.steps_left = Some(at);
            work(&mut world, script).map_err(|error| format!("call step {at}: {error}"))?;
            self.crashes(&world, depth).map_err(|error| format!("call step {at}: {error}"))?;
        }
        self.crashes(&whole, depth).map_err(|error| format!("at the end: {error}"))
    }

    /// The process dies, or power is lost. Of the crashes that follow a first one only the two ends are tried: all of the
    /// unsynced is still there, or none.
    fn crashes(&self, world: &World, depth: usize) -> Outcome {
        let is_first = depth == self.limits.depth;
        let mut losses = vec![Loss::Lost];
        if is_first {
            losses.push(Loss::Kept);
            losses.extend((0..self.limits.losses).map(Loss::Random));
        }
        for are_late in [false, true] {
            let killed = world.after_death(are_late);
            if are_late && !(is_first && killed.network.has_late()) {
                break;
            }
            self.visit(&killed, depth).map_err(|error| format!("killed, late {are_late}: {error}"))?;
            for loss in &losses {
                let mut world = world.after_death(are_late);
                world.machine.lose_power(*loss);
                self.visit(&world, depth).map_err(|error| format!("{loss:?}, late {are_late}: {error}"))?;
            }
        }
        Ok(())
    }

    /// Whatever a crash left must come to a good end, whatever cuts that short.
    fn visit(&self, world: &World, depth: usize) -> Outcome {
        let key = fingerprint(world);
        let before = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let before = seen.get(&key).copied().unwrap_or(0);
            seen.insert(key, before.max(depth + 1));
            before
        };
        if before > depth {
            return Ok(());
        }
        if before == 0 {
            let mut world = world.after_death(false);
            world.open_once()?;
            world.submit_one(20)?;
            world.end()?;
        }
        if depth == 0 {
            return Ok(());
        }
        self.cut_everywhere(world, &[], depth - 1)
    }
}

const FIRST_SLAB: &str = "0000000000000001.slab";

/// Three objects in one slab, which has a successor.
fn written_with_the_store_away(kind: Kind) -> Result<World, String> {
    let mut world = kind.world();
    world.machine.plan.quarantine = true;
    world.store.closed = Some(Closed::Outage);
    world.open_once()?;
    for bytes in [20, 300, 20] {
        world.submit_one(20)?;
        world.settle()?;
        world.submit_one(bytes)?;
        world.seal();
        world.settle()?;
    }
    let mut world = world.after_death(false);
    world.open_once()?;
    world.settle()?;
    let mut world = world.after_death(false);
    world.store.closed = None;
    Ok(world)
}

/// Opens the journal, does what the script says, and drains, until the world stops.
fn work(world: &mut World, script: &[Call]) -> Outcome {
    world.open_once()?;
    for call in script {
        if world.is_cut() {
            return Ok(());
        }
        match call {
            Call::Small => world.submit_one(20)?,
            Call::Large => world.submit_one(300)?,
            Call::Seal => world.seal(),
            Call::Settle => world.settle()?,
        }
    }
    if !world.is_cut() {
        world.drain()?;
    }
    Ok(())
}

/// The same for worlds in which the same can happen.
fn fingerprint(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(world.machine.disk.fingerprint());
    hasher.write_u64(world.machine.lives);
    world.store.fingerprint(&mut hasher);
    world.network.fingerprint(&mut hasher);
    world.machine.model.fingerprint(&mut hasher);
    hasher.finish()
}
