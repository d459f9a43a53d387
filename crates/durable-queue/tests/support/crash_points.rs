//! All that can happen to a short life of a log: it is cut short at each operation, by the death of the process or the loss of
//! power, with whatever part of the unsynced left; the recovery is cut short at each of its operations, and so is the recovery
//! from that. What was seen once isn't looked at again.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Mutex;

use durable_queue::fake::{Dice, Fate, Fault, Loss, OperationKind, Unsynced};
use durable_queue::{Class, Log, OpenError};

use super::client::Count;
use super::world::{Act, World};

/// What a client does, with what the threads do for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// A small record, written.
    Small,
    /// A record that needs a slab of its own, if the slab has one already.
    Large,
    /// A control record, not written yet.
    Control,
    Sync,
    /// The log goes idle and writes a watermark.
    Idle,
    Prepare,
    /// All that is durable may go, and goes.
    Release,
    Close,
}

impl Call {
    pub const ALL: [Self; 8] = [
        Self::Small,
        Self::Large,
        Self::Control,
        Self::Sync,
        Self::Idle,
        Self::Prepare,
        Self::Release,
        Self::Close,
    ];

    fn acts(self) -> &'static [Act] {
        match self {
            Self::Small => &[Act::Append(100), Act::Write],
            Self::Large => &[Act::Prepare, Act::Append(1500), Act::Write],
            Self::Control => &[Act::Control(20)],
            Self::Sync => &[Act::Write, Act::Sync],
            Self::Idle => &[Act::Wait, Act::Write],
            Self::Prepare => &[Act::Prepare],
            Self::Release => &[Act::Release(0), Act::Prepare],
            Self::Close => &[Act::Close],
        }
    }
}

/// All scripts of exactly so many calls. Nothing follows a close.
pub fn scripts(calls: usize) -> Vec<Vec<Call>> {
    (0..calls).fold(vec![Vec::new()], |scripts, _| {
        let is_open = |script: &&Vec<Call>| script.last() != Some(&Call::Close);
        let longer = |script: &Vec<Call>| {
            let script = script.clone();
            Call::ALL.map(move |call| [script.clone(), vec![call]].concat())
        };
        scripts.iter().filter(is_open).flat_map(longer).collect()
    })
}

/// What a script begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Calls before the script, all whole.
    pub before: &'static [Call],
    /// Whether the log was left by a crash after them, and is opened again.
    pub reopens: bool,
    pub preallocates: bool,
    pub fsync: bool,
    pub block_bytes: u64,
}

/// The beginnings from which all scripts are tried.
pub const STARTS: [Start; 4] = [
    Start { before: &[], reopens: false, preallocates: true, fsync: true, block_bytes: 512 },
    Start {
        before: &[Call::Small, Call::Sync, Call::Large, Call::Sync, Call::Small],
        reopens: true,
        preallocates: true,
        fsync: true,
        block_bytes: 512,
    },
    Start {
        before: &[Call::Small, Call::Sync],
        reopens: false,
        preallocates: false,
        fsync: true,
        block_bytes: 512,
    },
    Start {
        before: &[Call::Large, Call::Sync, Call::Large],
        reopens: true,
        preallocates: true,
        fsync: false,
        block_bytes: 4096,
    },
];

/// What may come of a block beside being there or not; in a second crash only the first two.
const HARMS: [Fate; 4] =
    [Fate::Torn { bytes: 20 }, Fate::Garbled { seed: 1 }, Fate::Torn { bytes: 72 }, Fate::Zeroed];

/// How far to go.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many recoveries in a row are cut short.
    pub depth: usize,
    /// Up to so many unsynced parts every subset is tried; of more, samples.
    pub subsets_of: usize,
    pub samples: u64,
    /// The same where a recovery is cut short.
    pub subsets_of_again: usize,
    pub samples_again: u64,
    /// Recoveries so many cuts short of the depth also meet with errors and a full disk.
    pub faults_from: usize,
}

/// How much was done.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figures {
    pub scripts: u64,
    pub crashes: u64,
    pub states: u64,
    pub recoveries: u64,
}

/// See the module. May be shared by threads.
pub struct Explorer {
    limits: Limits,
    /// The depth to which each state was explored, and one more.
    seen: Vec<Mutex<HashMap<[u64; 5], usize>>>,
    figures: Mutex<Figures>,
}

type Outcome = Result<(), String>;

impl Explorer {
    pub fn new(limits: Limits) -> Self {
        let seen = (0..64).map(|_| Mutex::default()).collect();
        Self { limits, seen, figures: Mutex::default() }
    }

    pub fn figures(&self) -> Figures {
        let states = self.seen.iter().map(|seen| seen.lock().unwrap().len() as u64).sum();
        Figures { states, ..*self.figures.lock().unwrap() }
    }

    /// Cuts the last call of a script short at each of its operations, and lets each go wrong; earlier calls are the last of
    /// shorter scripts.
    pub fn script(&self, start: &Start, script: &[Call]) -> Outcome {
        let explored = self.cut_short(start, script).and_then(|operations| {
            for at in 0..operations {
                self.go_wrong(start, script, at)?;
            }
            self.fill_up(start, script)
        });
        self.figures.lock().unwrap().scripts += 1;
        explored.map_err(|error| format!("{start:?} {script:?}: {error}"))
    }

    fn cut_short(&self, start: &Start, script: &[Call]) -> Result<u64, String> {
        for at in 0.. {
            let (mut world, log) = begin(start, script)?;
            world.disk.take_trace();
            world.disk.stop_after(at);
            finish(&mut world, &log, script);
            let is_whole = !world.disk.is_off();
            let next = world.fork();
            drop(log);
            self.crashes(&next, self.limits.depth).map_err(|error| format!("cut at {at}: {error}"))?;
            if is_whole {
                return Ok(at);
            }
            // A process may also die in the middle of a write.
            for written in [1, 40, 64, 300, 512, 4000] {
                let (mut world, log) = begin(start, script)?;
                world.disk.stop_within(at, written);
                finish(&mut world, &log, script);
                self.visit(&world.fork(), self.limits.depth)
                    .map_err(|error| format!("cut at {at} after {written} bytes: {error}"))?;
            }
        }
        Ok(0)
    }

    /// The operation fails, and all goes on as it can; then the process dies, and perhaps power fails after it.
    fn go_wrong(&self, start: &Start, script: &[Call], at: u64) -> Outcome {
        let faults = [
            Fault::Fails(ErrorKind::Other),
            Fault::FailsAfter { bytes: 70, error: ErrorKind::Other },
            Fault::SyncFails { loss: Loss::Random(at), error: ErrorKind::Other },
        ];
        for fault in faults {
            let (mut world, log) = begin(start, script)?;
            let mut operation = 0;
            world.disk.inject_times(fault, 1, move |asked| {
                operation += u64::from(asked.kind.is_change());
                asked.kind.is_change() && operation == at + 1
            });
            finish(&mut world, &log, script);
            for call in [Call::Small, Call::Sync, Call::Prepare, Call::Sync] {
                world.run(&log, call.acts());
            }
            self.crashes(&world.fork(), self.limits.depth.min(1))
                .map_err(|error| format!("{fault:?} at {at}: {error}"))?;
        }
        Ok(())
    }

    /// The disk is full after so many more bytes. That is no failure: with room again all goes on.
    fn fill_up(&self, start: &Start, script: &[Call]) -> Outcome {
        for left in [0, 10, 100, 700, 4096, 5000, 6143, 6144, 8000] {
            let (mut world, log) = begin(start, script)?;
            world.disk.set_capacity(Some(world.disk.used() + left));
            finish(&mut world, &log, script);
            let is_closed = script.last() == Some(&Call::Close);
            let full = world.fork();
            full.disk.set_capacity(None);
            self.crashes(&full, 0).map_err(|error| format!("full after {left}: {error}"))?;
            if is_closed {
                continue;
            }
            if let Some(failure) = log.failure() {
                return Err(format!("full after {left} is a failure: {failure}: {:?}", failure.source));
            }
            world.disk.set_capacity(None);
            for call in [Call::Sync, Call::Prepare, Call::Large, Call::Sync] {
                world.run(&log, call.acts());
            }
            if start.fsync && world.durable < world.appended {
                return Err(format!(
                    "full after {left}: {} of {} became durable",
                    world.durable, world.appended
                ));
            }
            self.crashes(&world.fork(), 0)
                .map_err(|error| format!("full after {left}, then not: {error}"))?;
        }
        Ok(())
    }

    /// The process dies here, or power fails with each part of the unsynced left.
    fn crashes(&self, world: &World, depth: usize) -> Outcome {
        self.visit(world, depth)?;
        let mut parts = 0;
        let mut blocks = Vec::new();
        world.disk.fork().lose_power_by(|unsynced| {
            if is_lock(unsynced) {
                return Fate::Kept;
            }
            if let Unsynced::Block { .. } = unsynced {
                blocks.push(parts);
            }
            parts += 1;
            Fate::Lost
        });
        let power = |fates: &dyn Fn(usize) -> Fate| {
            let world = world.fork();
            let mut part = 0;
            world.disk.lose_power_by(|unsynced| {
                if is_lock(unsynced) {
                    return Fate::Kept;
                }
                part += 1;
                fates(part - 1)
            });
            self.figures.lock().unwrap().crashes += 1;
            self.visit(&world, depth)
        };
        let is_first = depth == self.limits.depth;
        let limits = &self.limits;
        let (subsets_of, samples) = if is_first {
            (limits.subsets_of, limits.samples)
        } else {
            (limits.subsets_of_again, limits.samples_again)
        };
        if parts <= subsets_of {
            for subset in 0..1_u64 << parts {
                let fate = |part: usize| if subset >> part & 1 == 1 { Fate::Kept } else { Fate::Lost };
                power(&fate).map_err(|error| format!("{subset:b} of {parts} kept: {error}"))?;
            }
        } else {
            power(&|_| Fate::Lost)?;
            power(&|_| Fate::Kept)?;
            for sample in 0..samples {
                let fate = |part: usize| {
                    let mut dice = Dice::new(sample << 16 | part as u64);
                    if dice.one_in(2) { Fate::Kept } else { Fate::Lost }
                };
                power(&fate).map_err(|error| format!("sample {sample} of {parts}: {error}"))?;
            }
        }
        // Each block by itself comes to harm, and all others are kept, or lost.
        let harms: &[Fate] = if is_first { &HARMS } else { &HARMS[..2] };
        let others: &[Fate] = if is_first { &[Fate::Kept, Fate::Lost] } else { &[Fate::Kept] };
        for block in blocks.iter().copied().take(subsets_of) {
            for (harm, others) in
                harms.iter().flat_map(|harm| others.iter().map(move |others| (*harm, *others)))
            {
                power(&|part| if part == block { harm } else { others })
                    .map_err(|error| format!("{harm:?} at {block} of {parts}, {others:?}: {error}"))?;
            }
        }
        Ok(())
    }

    /// Recovers from a crash, and cuts that recovery short at each operation.
    fn visit(&self, world: &World, depth: usize) -> Outcome {
        let fingerprint = world.fingerprint();
        let shard = &self.seen[fingerprint[0] as usize % self.seen.len()];
        let before = shard.lock().unwrap().get(&fingerprint).copied().unwrap_or(0);
        if before > depth {
            return Ok(());
        }
        shard.lock().unwrap().insert(fingerprint, depth + 1);
        if before == 0 {
            self.figures.lock().unwrap().recoveries += 1;
            check(world)?;
        }
        if depth >= self.limits.faults_from {
            faulty_recoveries(world)?;
        }
        if depth == 0 {
            return Ok(());
        }
        for at in 0.. {
            let mut recovering = world.fork();
            recovering.disk.stop_after(at);
            let opened = recovering.open().map_err(|error| format!("recovery: {error}"))?;
            self.figures.lock().unwrap().recoveries += 1;
            let next = recovering.fork();
            self.crashes(&next, depth - 1).map_err(|error| format!("recovery cut at {at}: {error}"))?;
            if opened.is_some() {
                break;
            }
        }
        Ok(())
    }
}

fn is_lock(unsynced: &Unsynced<'_>) -> bool {
    matches!(unsynced, Unsynced::Name { operation } if operation.kind == OperationKind::Lock)
}

/// A world in which all but the last call were made.
fn begin(start: &Start, script: &[Call]) -> Result<(World, Log), String> {
    let mut world = World::new(7);
    world.options.slab_size_bytes = 6 << 10;
    world.options.control_reserve_bytes = 256;
    world.options.fsync = start.fsync;
    world.disk.set_block_bytes(start.block_bytes);
    if !start.preallocates {
        world.disk.refuse_preallocation();
    }
    let mut log = world.open()?.ok_or("power was lost")?;
    for call in start.before {
        world.run(&log, call.acts());
    }
    if start.reopens {
        drop(log);
        world.disk.kill();
        log = world.open()?.ok_or("power was lost")?;
    }
    let before = script.split_last().map_or(script, |(_, before)| before);
    for call in before {
        world.run(&log, call.acts());
    }
    Ok((world, log))
}

fn finish(world: &mut World, log: &Log, script: &[Call]) {
    if let Some(call) = script.last() {
        world.run(log, call.acts());
    }
}

/// Recovers, goes on, and recovers again.
fn check(world: &World) -> Outcome {
    let mut world = world.fork();
    let log = world.open_and_read()?;
    world.check_kept()?;
    // A second look finds what the first one left, and nothing to repair.
    drop(log);
    let told = world.appended;
    let mut again = world.fork();
    again.disk.lose_power(Loss::Lost);
    let log = again.open_and_read().map_err(|error| format!("again: {error}"))?;
    if (again.appended, again.cut.is_some()) != (told, false) {
        return Err(format!("{told} recovered, then {} and {:?}", again.appended, again.cut));
    }
    again.append(&log, 30, Class::Data);
    log.write_step();
    log.sync_step();
    if !again.options.fsync {
        log.request_sync(log.appended());
        log.sync_step();
    }
    again.note_durable(&log);
    if again.durable != told + 1 {
        return Err("what was appended after the recovery isn't durable".to_owned());
    }
    drop(log);
    again.disk.lose_power(Loss::Lost);
    drop(again.open_and_read().map_err(|error| format!("after going on: {error}"))?);
    Ok(())
}

/// What slabs hold. What a failed sync dropped isn't in them, though the cache may still show it.
fn slabs(world: &World) -> Vec<(PathBuf, Vec<u8>)> {
    let disk = world.disk.fork();
    disk.evict();
    let is_slab = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "slab");
    let content = |path: PathBuf| (path.clone(), disk.content(&path).unwrap_or_default());
    disk.files().into_iter().filter(is_slab).map(content).collect()
}

fn try_open(world: &World) -> Result<Result<u64, OpenError>, String> {
    let mut count = Count::default();
    let total = |count: &Count| count.total();
    let opening = match Log::open(world.environment.clone(), world.options.clone(), &mut count) {
        Ok(opening) => opening,
        Err(error) => return Ok(Err(error)),
    };
    let total = total(&count);
    if total < world.durable || total > world.appended {
        return Err(format!(
            "{total} recovered, of {} durable and {} appended",
            world.durable, world.appended
        ));
    }
    Ok(opening.begin(&total.to_le_bytes()).map(|_| total))
}

/// Each call of the recovery, to read or to change something, fails once; the disk is full after so many bytes. Opening may be
/// refused then, must have changed no slab if it was for a read, and must succeed when all is well again.
fn faulty_recoveries(world: &World) -> Outcome {
    for at in 0.. {
        let mut world = world.fork();
        let before = slabs(&world);
        let hit = std::sync::Arc::new(Mutex::new(None));
        let (mut operation, told) = (0, hit.clone());
        world.disk.inject_times(Fault::Fails(ErrorKind::Other), 1, move |asked| {
            operation += 1;
            if operation == at + 1 {
                *told.lock().unwrap() = Some(asked.clone());
            }
            operation == at + 1
        });
        let opened = try_open(&world).map_err(|error| format!("failing call {at}: {error}"))?;
        let Some(hit) = hit.lock().unwrap().take() else { break };
        let context = |error: String| format!("{hit:#} of the recovery failed ({opened:?}): {error}");
        if !hit.kind.is_change() && hit.kind != OperationKind::Space {
            if opened.is_ok() {
                return Err(context("that was believed".to_owned()));
            }
            // The last is the listing for what is to be tidied up, after all repairs.
            if hit.kind != OperationKind::List && slabs(&world) != before {
                return Err(context("a slab was changed".to_owned()));
            }
        }
        if let Ok(total) = opened {
            world.durable = world.durable.max(total);
            world.appended = total;
        }
        // The next process reads what the failed one left in the cache, and then power fails.
        world.disk.mend();
        let mut next = world.fork();
        drop(next.open_and_read().map_err(|error| context(format!("next: {error}")))?);
        next.disk.lose_power(Loss::Lost);
        drop(next.open_and_read().map_err(|error| context(format!("next, and power was lost: {error}")))?);
        world.disk.lose_power(Loss::Random(at));
        drop(world.open_and_read().map_err(|error| context(format!("power was lost: {error}")))?);
    }
    for left in [0, 1, 100, 3000, 4096, 5000, 6144, 7000] {
        let mut world = world.fork();
        world.disk.set_capacity(Some(world.disk.used() + left));
        let opened = try_open(&world).map_err(|error| format!("full after {left}: {error}"))?;
        match opened {
            Ok(total) => (world.appended, world.durable) = (total, total),
            Err(OpenError::NoSpace { .. }) => {}
            Err(error) => return Err(format!("recovery on a disk full after {left}: {error:?}")),
        }
        world.disk.set_capacity(None);
        world.disk.lose_power(Loss::Random(left));
        drop(world.open_and_read().map_err(|error| format!("after a disk full after {left}: {error}"))?);
    }
    Ok(())
}
