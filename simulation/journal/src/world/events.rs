//! What befalls a world.

use std::path::Path;
use std::time::Duration;

use durable_queue::clock::Clock;
use s3_journal::simulation::Stepped;

use super::World;
use crate::faults::Fault;
use crate::machine::DIRECTORY;
use crate::rot;
use crate::store::Closed;

impl World {
    /// Something befalls the world.
    pub(super) fn event(&mut self) -> Result<(), String> {
        // Bit rot, the last of them, has dice of its own.
        let drawn = self.dice.event.below(Fault::ALL.len() as u64 - 1);
        let Some(fault) = Fault::ALL.get(usize::try_from(drawn).unwrap_or(0)).copied() else { return Ok(()) };
        if !self.faults.has(fault) {
            return Ok(());
        }
        let dice = &mut self.dice.event;
        match fault {
            Fault::Kill => self.crash(false)?,
            Fault::PowerLoss => self.crash(true)?,
            Fault::CrashInStep => self.machine.stop_soon(dice, 12),
            Fault::SyncFails | Fault::WriteFails | Fault::ReadFails => {
                self.machine.break_something(fault, dice, &mut self.trace);
            }
            Fault::DiskFull => {
                if dice.one_in(2) {
                    self.machine.break_something(fault, dice, &mut self.trace);
                } else {
                    self.machine.disk.set_capacity(None);
                }
            }
            Fault::Outage | Fault::Refusal => {
                // Documented: whose a taken key is can't be told as long as looking at it has never been permitted.
                let may_look = self.machine.journal.as_ref().is_some_and(Stepped::may_look);
                let can_tell = self.store.foreign().is_empty() || may_look;
                self.store.closed = match dice.below(5) {
                    _ if self.store.closed.is_some() => None,
                    0 => Some(Closed::SlowDown),
                    _ if fault == Fault::Outage => Some(Closed::Outage),
                    1 | 2 => Some(Closed::NoSuchBucket),
                    _ if can_tell => Some(Closed::Forbidden),
                    _ => None,
                };
                self.trace.note(|| format!("the store: {:?}", self.store.closed));
            }
            Fault::Abort => {
                let aborted = self.store.abort_all();
                self.trace.note(|| format!("{aborted} uploads are aborted"));
            }
            Fault::Foreign => {
                let there = self.store.foreign();
                if let Some(key) = there.first() {
                    self.store.remove_foreign(key);
                    self.trace.note(|| format!("the foreign object at {key} goes away"));
                } else if !self.store.dialect.cannot_condition
                    && let Some(key) = self.network.keys().first()
                    && self.store.put_foreign(key)
                {
                    self.trace.note(|| format!("a foreign object comes to {key}"));
                }
            }
            Fault::Consumer => {
                let keys = self.machine.model.keys_before(self.machine.acknowledged_for_good()?);
                let some = keys.into_iter().filter(|_| dice.one_in(2));
                for key in some {
                    self.store.take_away(&key);
                    self.trace.note(|| format!("{key} is taken away"));
                }
            }
            Fault::Privilege => {
                // Where a foreign object may be, it must be possible to look: see `Store::draw`.
                let head = dice.one_in(3) && !self.faults.has(Fault::Foreign);
                self.store.denied.head = head;
                self.store.denied.list_parts = dice.one_in(2);
                self.store.denied.list_uploads = dice.one_in(2);
                self.store.denied.abort = dice.one_in(3);
                self.trace.note(|| format!("denied: {:?}", self.store.denied));
            }
            Fault::Clock => {
                let wall = self.machine.clock.wall();
                let by = Duration::from_secs(match dice.below(3) {
                    0 => dice.below(600),
                    1 => dice.below(90_000),
                    _ => dice.below(400_000),
                });
                let wall = if dice.one_in(2) { wall + by } else { wall - by };
                self.machine.clock.set_wall(wall);
                self.trace.note(|| format!("the clock shows {wall:?}"));
            }
            Fault::Options => self.close_in_order()?,
            _ => {}
        }
        Ok(())
    }

    /// Something of the queue is damaged; often while nobody looks, and then the journal is opened on it.
    pub(super) fn rot(&mut self) -> Result<(), String> {
        for _ in 0..=self.dice.rot.below(3) {
            if let Some(what) = rot::strike(&self.machine.disk, Path::new(DIRECTORY), &mut self.dice.rot) {
                self.trace.note(|| what);
                self.machine.model.has_rotted = true;
            }
        }
        if self.dice.rot.one_in(2) {
            self.crash(false)?;
        }
        Ok(())
    }

    /// The journal is closed without waiting for the bucket, and opened again.
    fn close_in_order(&mut self) -> Result<(), String> {
        self.trace.note(|| "closed in order".to_owned());
        if let Some(journal) = &self.machine.journal {
            journal.close_intake();
        }
        self.rest()?;
        if self.machine.disk.is_off() {
            return Ok(());
        }
        if let Some(journal) = &self.machine.journal {
            // A failure has been told before, or is: the latch is checked as ever.
            let _ = journal.log().close();
        }
        self.disk_trace();
        if self.machine.disk.is_off() {
            return Ok(());
        }
        self.machine.check_told()?;
        self.crash(false)
    }
}
