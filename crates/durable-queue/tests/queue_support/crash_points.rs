//! All that can happen to a short life of task queues: it stops at each operation of the disk, the process dies or power is lost
//! with whatever part of the unsynced left, and so again in the opening that follows. (The queues' own threads run, so the
//! operations before a stop come in one of the orders that they may.)

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use durable_queue::fake::{Dice, FakeClock, FakeDisk, FakeRandom, Fate, Loss, OperationKind, Unsynced};
use durable_queue::queue::{PutError, QueuesOpenError};
use durable_queue::{Environment, Queues};

use super::{directory, small};

/// What a program does with its queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    Put,
    /// Takes the first task and completes it.
    Complete,
    /// Takes the first task and puts it back at the end.
    Retry,
    Delete,
    Fsync,
}

const CALLS: [Call; 5] = [Call::Put, Call::Complete, Call::Retry, Call::Delete, Call::Fsync];

/// All scripts of exactly so many calls, which follow two puts.
pub fn scripts(calls: usize) -> Vec<Vec<Call>> {
    (0..calls).fold(vec![Vec::new()], |scripts, _| {
        scripts
            .iter()
            .flat_map(|script: &Vec<Call>| CALLS.map(|call| [&script[..], &[call]].concat()))
            .collect()
    })
}

/// What must and what may become of a task.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Known {
    text: String,
    must_be: bool,
    may_be: bool,
    /// At most so many, and if none: it is at its place.
    retries: u32,
}

/// The tasks there were, in the order of their puts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Model {
    tasks: Vec<Known>,
}

impl Model {
    fn of(&mut self, text: &[u8]) -> Option<&mut Known> {
        self.tasks.iter_mut().find(|known| known.text.as_bytes() == text)
    }

    /// Holds what waits in the queue against what must and may, and takes it over.
    fn check(&mut self, queues: &Queues) -> Result<(), String> {
        // Held until all were seen: what is given back would come again.
        let tasks = queues.immediate_task_seq("q").collect::<Result<Vec<_>, _>>();
        let tasks = tasks.map_err(|error| format!("a task can't be read: {error}"))?;
        let found: Vec<(String, u32)> = tasks
            .iter()
            .map(|task| (String::from_utf8_lossy(task.data()).into_owned(), task.attempts()))
            .collect();
        let mut order = Vec::new();
        for (text, attempts) in &found {
            let place = self.tasks.iter().position(|known| known.text == *text);
            let known = place.map(|place| (place, &self.tasks[place]));
            match known {
                Some((place, known)) if known.may_be && *attempts <= known.retries => {
                    if known.retries == 0 {
                        order.push(place);
                    }
                }
                _ => return Err(format!("{text} with {attempts} attempts is there, of {:?}", self.tasks)),
            }
            if found.iter().filter(|(other, _)| other == text).count() > 1 {
                return Err(format!("{text} is there twice"));
            }
        }
        if !order.is_sorted() {
            return Err(format!("out of order: {found:?}"));
        }
        for known in self.tasks.iter().filter(|known| known.must_be) {
            if !found.iter().any(|(text, _)| *text == known.text) {
                return Err(format!("{} is lost, {found:?} are there", known.text));
            }
        }
        // What was found is on the medium, and what wasn't never comes back.
        for known in &mut self.tasks {
            known.must_be = found.iter().any(|(text, _)| *text == known.text);
            known.may_be = known.must_be;
        }
        Ok(())
    }
}

/// How far to go.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many openings in a row are cut short.
    pub depth: usize,
    /// Up to so many unsynced parts every subset is tried; of more, samples.
    pub subsets_of: usize,
    pub samples: u64,
}

#[derive(Debug, Clone)]
struct Life {
    disk: FakeDisk,
    model: Model,
    openings: u64,
}

/// See the module. May be shared by threads.
pub struct Explorer {
    limits: Limits,
    seen: Mutex<HashMap<(u64, Model, u64), usize>>,
}

type Outcome = Result<(), String>;

impl Explorer {
    pub fn new(limits: Limits) -> Self {
        Self { limits, seen: Mutex::default() }
    }

    /// How many different states a crash left.
    pub fn states(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Stops a script at each operation.
    pub fn script(&self, script: &[Call]) -> Outcome {
        for at in 0.. {
            let mut life = Life { disk: FakeDisk::new(), model: Model::default(), openings: 0 };
            // So that there are few enough blocks to try them all.
            life.disk.set_block_bytes(4096);
            let queues = life.open().map_err(|error| error.to_string())?;
            for call in [Call::Put, Call::Put] {
                life.call(&queues, call);
            }
            life.disk.stop_after(at);
            for call in script {
                life.call(&queues, *call);
            }
            let was_stopped = life.disk.is_off();
            let left = Life { disk: life.disk.fork(), ..life.clone() };
            drop(queues);
            self.crashes(&left, self.limits.depth)
                .map_err(|error| format!("{script:?} stopped at {at}: {error}"))?;
            if !was_stopped {
                return Ok(());
            }
        }
        Ok(())
    }

    fn crashes(&self, life: &Life, depth: usize) -> Outcome {
        self.visit(life, depth).map_err(|error| format!("killed: {error}"))?;
        let is_lock = |unsynced: &Unsynced<'_>| matches!(unsynced, Unsynced::Name { operation } if operation.kind == OperationKind::Lock);
        let mut parts = 0;
        life.disk.fork().lose_power_by(|unsynced| {
            parts += usize::from(!is_lock(unsynced));
            Fate::Lost
        });
        let power = |fates: &dyn Fn(usize) -> Fate| {
            let life = life.fork();
            let mut part = 0;
            life.disk.lose_power_by(|unsynced| {
                if is_lock(unsynced) {
                    return Fate::Kept;
                }
                part += 1;
                fates(part - 1)
            });
            self.visit(&life, depth)
        };
        if parts <= self.limits.subsets_of {
            for subset in 0..1_u64 << parts {
                let fate = |part: usize| if subset >> part & 1 == 1 { Fate::Kept } else { Fate::Lost };
                power(&fate).map_err(|error| format!("{subset:b} of {parts} kept: {error}"))?;
            }
            return Ok(());
        }
        for fate in [Fate::Lost, Fate::Kept] {
            power(&|_| fate).map_err(|error| format!("all {fate:?}: {error}"))?;
        }
        for sample in 0..self.limits.samples {
            let fate = |part: usize| match Dice::new(sample << 16 | part as u64).below(8) {
                0..3 => Fate::Kept,
                3..6 => Fate::Lost,
                6 => Fate::Torn { bytes: 40 },
                _ => Fate::Zeroed,
            };
            power(&fate).map_err(|error| format!("sample {sample} of {parts}: {error}"))?;
        }
        Ok(())
    }

    fn visit(&self, life: &Life, depth: usize) -> Outcome {
        let key = (life.disk.fingerprint(), life.model.clone(), life.openings);
        let before = self.seen.lock().unwrap().insert(key, depth + 1).unwrap_or(0);
        if before > depth {
            return Ok(());
        }
        if before == 0 {
            check(life)?;
        }
        for at in 0.. {
            if depth == 0 {
                break;
            }
            let mut opening = life.fork();
            opening.disk.stop_after(at);
            let opened = opening.open();
            if let Err(error) = &opened
                && !opening.disk.is_off()
            {
                return Err(format!("refused: {error:?}"));
            }
            // A queue that was opened may have gone on to prepare a slab.
            let is_whole = opened.is_ok();
            let left = opening.fork();
            drop(opened);
            self.crashes(&left, depth - 1).map_err(|error| format!("opening cut at {at}: {error}"))?;
            if is_whole {
                break;
            }
        }
        Ok(())
    }
}

impl Life {
    fn fork(&self) -> Self {
        Self { disk: self.disk.fork(), ..self.clone() }
    }

    fn open(&mut self) -> Result<Queues, QueuesOpenError> {
        self.openings += 1;
        let environment = Environment {
            disk: Arc::new(self.disk.clone()),
            clock: Arc::new(FakeClock::default()),
            random: Arc::new(FakeRandom::new(self.openings)),
        };
        Queues::open_in(environment, directory(), small())
    }

    /// Whether a task is in. Waits for room, unless the disk stopped: a process that died waits for nothing.
    fn put(&self, queues: &Queues, text: &str) -> bool {
        loop {
            // Not a put with a time limit: these queues' clock stands still.
            match queues.try_put("q", text) {
                Ok(true) => return true,
                Ok(false) | Err(PutError::Full { .. }) if !self.disk.is_off() => std::thread::yield_now(),
                _ => return false,
            }
        }
    }

    fn call(&mut self, queues: &Queues, call: Call) {
        match call {
            Call::Put => {
                // Two fit into a slab.
                let text = format!("{}-{}", self.model.tasks.len(), "x".repeat(4500));
                let is_put = self.put(queues, &text);
                self.model.tasks.push(Known { text, must_be: is_put, may_be: true, retries: 0 });
            }
            Call::Complete | Call::Retry => {
                let Ok(Some(task)) = queues.try_take("q") else { return };
                let text = task.to_vec();
                let known = self.model.of(&text);
                if call == Call::Complete {
                    let _ = task.complete();
                    if let Some(known) = known {
                        known.must_be = false;
                    }
                } else {
                    let _ = task.retry();
                    if let Some(known) = known {
                        known.retries += 1;
                    }
                }
            }
            Call::Delete => {
                let is_deleted = queues.delete_queue("q").is_ok();
                for known in &mut self.model.tasks {
                    known.must_be = false;
                    known.may_be &= !is_deleted;
                }
            }
            Call::Fsync => {
                if queues.fsync().is_ok() {
                    // All puts that may be there are, and all completions.
                    for known in &mut self.model.tasks {
                        known.may_be = known.must_be;
                    }
                }
            }
        }
    }
}

/// Opens, goes on, loses power, and opens again.
fn check(life: &Life) -> Outcome {
    let mut life = life.fork();
    let queues = life.open().map_err(|error| format!("refused: {error:?}"))?;
    life.model.check(&queues)?;
    let after = life.fork();
    drop(queues);
    after.disk.lose_power(Loss::Lost);
    let mut life = after;
    let queues = life.open().map_err(|error| format!("refused again: {error:?}"))?;
    life.model.check(&queues).map_err(|error| format!("again: {error}"))?;
    life.call(&queues, Call::Put);
    life.call(&queues, Call::Fsync);
    let mut after = life.fork();
    drop(queues);
    after.disk.lose_power(Loss::Lost);
    let queues = after.open().map_err(|error| format!("refused after going on: {error:?}"))?;
    after.model.check(&queues).map_err(|error| format!("after going on: {error}"))
}
