//! Opening: what the log's records come to, what the predicate says of it, and the threads. Knows the log's face.
//!
//! The newest checkpoint and what follows it tell the next number, which is all that the new slab's checkpoint needs; then
//! all slabs are read through once for the tasks, their headers and metas only. That takes as long as there are records, and
//! no more memory than there are tasks.

use std::path::Path;
use std::sync::Arc;

use super::error::QueuesOpenError;
use super::options::{Predicate, QueueOptions, Rules};
use super::readers::{Readers, Unreadable};
use super::record;
use super::replay::{self, Replay};
use super::shared::Shared;
use crate::commit::Threads;
use crate::environment::Environment;
use crate::error::{OpenError, RecordError};
use crate::log::{Log, Through};
use crate::options::LogOptions;
use crate::position::Position;
use crate::recovery::{Cut, Record, Visitor};
use crate::sync::thread;

/// Room in each slab for records of completions.
const CONTROL_RESERVE_BYTES_MAX: u64 = 64 << 10;
/// But in a small slab only this share of it.
const CONTROL_RESERVE_SHARE: u64 = 8;

/// The threads of open queues.
#[derive(Debug)]
pub(super) struct Running {
    keeper: thread::JoinHandle<()>,
    log: Threads,
}

impl Running {
    /// Waits for the threads, which end since the log is closed.
    pub fn join(self) {
        // Nothing in it panics; if it did, the log's state is none the worse.
        let _ = self.keeper.join();
        drop(self.log);
    }
}

/// Queues that are open.
pub(super) struct Opened {
    pub shared: Arc<Shared>,
    pub running: Running,
    /// What was cut off the end of the log.
    pub cut: Option<Cut>,
}

/// The first look, at the newest records: only the next number counts.
struct FirstLook {
    next: u64,
}

impl Visitor for FirstLook {
    fn checkpoint(&mut self, payload: &[u8]) -> Result<(), RecordError> {
        self.next = record::checkpoint(payload)?;
        Ok(())
    }

    fn record(&mut self, record: &Record, _payload: &[u8]) -> Result<(), RecordError> {
        self.next = self.next.max(replay::next_after(record)?);
        Ok(())
    }
}

/// Opens the queues in `directory`.
pub(super) fn open(
    environment: Environment,
    directory: &Path,
    options: &QueueOptions,
) -> Result<Opened, QueuesOpenError> {
    let rules = options.check()?;
    let mut first = FirstLook { next: 0 };
    let opening = Log::open(environment.clone(), log_options(directory, &rules), &mut first)?;
    let cut = opening.cut.clone();
    let mut checkpoint = Vec::new();
    record::put_checkpoint(first.next, &mut checkpoint);
    let log = opening.begin(&checkpoint)?;

    let mut replay = read_through(&log, first.next)?;
    let readers = Readers::default();
    if let Some(predicate) = &rules.complete_if {
        complete_if(&log, &readers, &mut replay, predicate)?;
    }
    let ledger = replay.into_ledger();
    let shared = Arc::new(Shared::new(environment, directory.to_owned(), rules, log, readers, ledger));
    let running = start(&shared)?;
    let mut state = shared.lock();
    shared.settle(&mut state);
    shared.release(&mut state);
    shared.look(&mut state);
    drop(state);
    Ok(Opened { shared, running, cut })
}

fn log_options(directory: &Path, rules: &Rules) -> LogOptions {
    let slab_size_bytes = rules.slab_size_bytes;
    LogOptions {
        slab_size_bytes,
        control_reserve_bytes: CONTROL_RESERVE_BYTES_MAX.min(slab_size_bytes / CONTROL_RESERVE_SHARE),
        // Only what a call waits for: a completion alone is no reason to sync at once.
        fsync: false,
        bytes_max: rules.bytes_max,
        free_space_kept: rules.free_space_kept,
        ..LogOptions::new(directory)
    }
}

fn read_through(log: &Log, next: u64) -> Result<Replay, QueuesOpenError> {
    let mut replay = Replay::new(next);
    let mut reader = log.reader(Position::ZERO, Through::Durable);
    while let Some(record) = reader.next()? {
        let position = record.position;
        replay.record(&record).map_err(|reason| OpenError::Record { position, reason })?;
    }
    Ok(replay)
}

/// Asks the predicate of every task. Damaged ones are met again when they are taken.
fn complete_if(
    log: &Log,
    readers: &Readers,
    replay: &mut Replay,
    predicate: &Predicate,
) -> Result<(), QueuesOpenError> {
    for (id, place) in replay.places() {
        match readers.read(log, place, id) {
            Ok(data) if predicate(&data) => replay.is_completed(id),
            Ok(_) | Err(Unreadable::Damaged { .. }) => {}
            Err(Unreadable::Io(error)) => return Err(error.into()),
        }
    }
    Ok(())
}

fn start(shared: &Arc<Shared>) -> Result<Running, QueuesOpenError> {
    let weak = Arc::downgrade(shared);
    shared.log.on_progress(Box::new(move || {
        if let Some(shared) = weak.upgrade() {
            shared.progress();
        }
    }));
    let log = shared.log.start().map_err(QueuesOpenError::Thread)?;
    let kept = Arc::clone(shared);
    let keeper = thread::Builder::new()
        .name("queue-keeper".to_owned())
        .spawn(move || kept.run_keeper())
        .map_err(QueuesOpenError::Thread)?;
    Ok(Running { keeper, log })
}
