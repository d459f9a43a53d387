//! The computer that the journal runs on: its disk, its clock, the journal's process, which dies and is begun again. Knows
//! the plan and the model.

use std::path::Path;
use std::sync::Arc;

use durable_queue::Environment;
use durable_queue::fake::{Dice, FakeClock, FakeDisk, FakeRandom, Fault as DiskFault, Loss, OperationKind};
use s3_journal::OpenError;
use s3_journal::bucket::MemoryBucket;
use s3_journal::simulation::{Stepped, look};

use crate::faults::{Fault, Faults};
use crate::model::{Model, SOURCE};
use crate::plan::Plan;
use crate::trace::Trace;

/// Where the queue lives.
pub const DIRECTORY: &str = "/queue";

/// What all keys begin with.
pub const PREFIX: &str = "p";

/// How often opening may be cut short in a row.
const CRASHES_IN_RECOVERY_MAX: u64 = 3;

/// The computer.
#[derive(Debug)]
pub struct Machine {
    pub disk: FakeDisk,
    pub clock: FakeClock,
    pub plan: Plan,
    pub model: Model,
    pub journal: Option<Stepped>,
    /// Something of the disk was made to fail: opening may be refused for it.
    is_tampered: bool,
    /// A file that counts as durable without having been synced may have lost something.
    is_unsure: bool,
    /// A write or a sync has failed: what was sent since then isn't on record.
    pub was_latched: bool,
    is_latched: bool,
    pub lives: u64,
}

impl Machine {
    pub fn new(plan: Plan, clock: FakeClock, block_bytes: u64, keep_trace: bool) -> Self {
        let disk = FakeDisk::new();
        disk.set_block_bytes(block_bytes);
        if keep_trace {
            disk.keep_trace();
        }
        let model = Model::new(plan.delimiter.clone());
        Self {
            disk,
            clock,
            plan,
            model,
            journal: None,
            is_tampered: false,
            is_unsure: false,
            was_latched: false,
            is_latched: false,
            lives: 0,
        }
    }

    /// A copy of the computer, on which nothing runs.
    pub fn fork(&self, clock: FakeClock) -> Self {
        Self {
            disk: self.disk.fork(),
            clock,
            plan: self.plan.clone(),
            model: self.model.clone(),
            journal: None,
            ..*self
        }
    }

    /// Power is lost, and of what wasn't synced that is left.
    pub fn lose_power(&mut self, loss: Loss) {
        self.journal = None;
        self.disk.lose_power(loss);
        self.is_unsure = true;
    }

    /// The process or the power dies.
    pub fn crash(&mut self, is_power: bool, dice: &mut Dice, trace: &mut Trace) {
        if is_power {
            let loss = match dice.below(6) {
                0 => Loss::Lost,
                1 => Loss::Kept,
                _ => Loss::Random(dice.next()),
            };
            trace.note(|| format!("power is lost: {loss:?}"));
            self.lose_power(loss);
        } else {
            trace.note(|| "the process dies".to_owned());
            self.disk.kill();
        }
        self.journal = None;
    }

    /// Opens the journal, through whatever cuts that short.
    pub fn open(
        &mut self,
        bucket: &MemoryBucket,
        dice: &mut Dice,
        faults: Faults,
        trace: &mut Trace,
    ) -> Result<(), String> {
        let mut crashes = 0;
        let mut is_mended = false;
        loop {
            if faults.has(Fault::CrashInRecovery) && crashes < CRASHES_IN_RECOVERY_MAX && dice.one_in(2) {
                crashes += 1;
                self.stop_soon(dice, 40);
            }
            match self.open_once(bucket, dice.next()) {
                Ok(journal) if !self.disk.is_off() => {
                    self.lives += 1;
                    return self.opened(journal, trace);
                }
                Err(error) if !self.disk.is_off() => {
                    trace.note(|| format!("opening is refused: {error}: {error:?}"));
                    if !self.is_tampered || is_mended {
                        return Err(format!("opening is refused: {error}: {error:?}"));
                    }
                    is_mended = true;
                    self.mend();
                }
                _ => {
                    trace.note(|| "opening is cut short".to_owned());
                    self.crash(faults.has(Fault::PowerLoss) && dice.one_in(2), dice, trace);
                }
            }
        }
    }

    /// Opens the journal as it can be opened now; `random` is what its random numbers come from.
    pub fn open_once(&self, bucket: &MemoryBucket, random: u64) -> Result<Stepped, OpenError> {
        let environment = Environment {
            disk: Arc::new(self.disk.clone()),
            clock: Arc::new(self.clock.clone()),
            random: Arc::new(FakeRandom::new(random)),
        };
        let options = self.plan.options();
        let options = options
            .bucket(Arc::new(bucket.clone()), PREFIX)
            .local_directory(DIRECTORY)
            .environment(environment);
        Stepped::open(options, self.plan.slab_bytes)
    }

    /// What must hold of a journal that was opened.
    pub fn opened(&mut self, journal: Stepped, trace: &mut Trace) -> Result<(), String> {
        let (next, uploaded) = (journal.next_sequence(), journal.uploaded());
        trace.note(|| format!("opened: {next} entries, {uploaded} uploaded"));
        self.model.recovered(next, uploaded, self.plan.fsync || !self.is_unsure)?;
        self.is_unsure = false;
        self.is_latched = false;
        let position = journal.position(SOURCE);
        let expected = self.model.position().map(|position| position.to_le_bytes().to_vec());
        if position != expected && !self.model.has_rotted {
            return Err(format!("the position is {position:?}, not {expected:?}"));
        }
        if !self.model.has_rotted
            && let Ok((status, _, _)) = look(&self.disk.fork(), Path::new(DIRECTORY))
            && let Some(damage) = status.damage.first()
        {
            return Err(format!("nothing rotted, and {damage:?} was found"));
        }
        self.journal = Some(journal);
        Ok(())
    }

    /// Everything stops at one of the next operations of the disk, or within it.
    pub fn stop_soon(&mut self, dice: &mut Dice, operations: u64) {
        let after = dice.below(operations);
        if dice.one_in(2) {
            self.disk.stop_after(after);
        } else {
            self.disk.stop_within(after, dice.below(600));
        }
    }

    /// Something of the disk fails.
    pub fn break_something(&mut self, fault: Fault, dice: &mut Dice, trace: &mut Trace) {
        use OperationKind::{Create, Preallocate, Remove, Rename, SetLen, Sync, SyncDirectory, Write};
        trace.note(|| format!("the disk: {}", fault.name()));
        self.is_tampered = true;
        let error = std::io::ErrorKind::Other;
        match fault {
            Fault::SyncFails => {
                self.is_unsure = true;
                if dice.one_in(4) {
                    self.disk.inject_times(DiskFault::Fails(error), 1, |operation| {
                        operation.kind == SyncDirectory
                    });
                } else {
                    let loss = if dice.one_in(2) { Loss::Lost } else { Loss::Random(dice.next()) };
                    let fault = DiskFault::SyncFails { loss, error };
                    self.disk.inject_times(fault, 1, |operation| operation.kind == Sync);
                }
            }
            Fault::WriteFails => {
                let of = [Write, Write, Write, Create, Preallocate, Remove, Rename, SetLen];
                let kind = of.get(usize::try_from(dice.below(8)).unwrap_or(0)).copied().unwrap_or(Write);
                let fault = if kind == Write && dice.one_in(2) {
                    DiskFault::FailsAfter { bytes: dice.below(300), error }
                } else {
                    DiskFault::Fails(error)
                };
                self.disk.inject_times(fault, 1, move |operation| operation.kind == kind);
            }
            Fault::ReadFails => {
                let files = self.disk.files();
                if let Some(file) = files.get(usize::try_from(dice.below(files.len() as u64)).unwrap_or(0)) {
                    let from = dice.below(16 << 10);
                    self.disk.fail_reads(file, from..from + 1 + dice.below(8 << 10), 1 + dice.below(4));
                }
            }
            Fault::DiskFull => {
                let left = self.disk.used() + dice.below(160 << 10);
                self.disk.set_capacity(Some(left));
            }
            _ => {}
        }
    }

    /// Nothing of the disk fails any more.
    pub fn mend(&mut self) {
        self.disk.mend();
        self.disk.set_capacity(None);
        self.is_tampered = false;
    }

    /// Nothing stops any more, either.
    pub fn calm(&mut self) {
        self.mend();
        self.disk.stop_after(u64::MAX >> 1);
    }

    /// What the journal tells of itself fits the model.
    pub fn check_told(&mut self) -> Result<(), String> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let is_latched = journal.log().failure().is_some();
        // What became durable in the step that failed did so before.
        let was_latched = std::mem::replace(&mut self.is_latched, is_latched);
        self.was_latched |= is_latched;
        self.model.told_left_out(journal.left_out())?;
        self.model.told(journal.durable(), journal.uploaded(), was_latched && is_latched && self.plan.fsync)
    }

    /// Objects before this number are acknowledged on the medium: no power loss brings them back.
    pub fn acknowledged_for_good(&self) -> Result<u64, String> {
        let medium = self.disk.fork();
        medium.lose_power(Loss::Lost);
        let (_, number, _) = look(&medium, Path::new(DIRECTORY)).map_err(|error| error.to_string())?;
        Ok(number)
    }

    /// What is in the bucket is on the medium, too: if power were lost now, the log would know of it, and that it was sent.
    /// But for a key at which something foreign `was`: it stays refused in the log until it is acknowledged.
    pub fn check_medium(&self, key: &str, was_foreign: bool) -> Result<(), String> {
        let Some((number, end)) = self.model.object_at(key) else { return Ok(()) };
        let is_latched = self.journal.as_ref().is_some_and(|journal| journal.log().failure().is_some());
        let medium = self.disk.fork();
        medium.lose_power(Loss::Lost);
        let found = look(&medium, Path::new(DIRECTORY));
        let (status, uploaded_number, sent) =
            found.map_err(|error| format!("the medium can't be read: {error}"))?;
        if status.next_sequence < end {
            return Err(format!(
                "{key} ends at entry {end}, and {} entries are on the medium",
                status.next_sequence
            ));
        }
        let is_told = uploaded_number > number || (uploaded_number == number && sent);
        if is_told || is_latched || was_foreign || self.model.has_rotted {
            Ok(())
        } else {
            Err(format!(
                "{key} is there, and that it was sent isn't on the medium ({uploaded_number}, {sent})"
            ))
        }
    }
}
