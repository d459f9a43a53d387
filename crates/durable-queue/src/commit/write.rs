//! The writer's step: puts what was appended into the slabs, and turns from one slab to the next. Knows the shared state.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::batch::Batch;
use super::state::{Phase, SlabEntry};
use super::{Commit, Step, lock};
use crate::error::is_full;
use crate::position::Position;
use crate::sabotage;
use crate::slab::{NEXT_NAME, SlabFile};

/// How long nothing must come before the newest frame's claim is brought up to date by a watermark frame: long enough not to
/// write one after each of a series of single commits.
pub(super) const WATERMARK_AFTER: Duration = Duration::from_millis(100);

/// What the writer has in hand. Kept from step to step: on a full disk it is tried again.
#[derive(Debug)]
pub(super) struct Writer {
    batch: Batch,
    batch_capacity: usize,
    next_run: usize,
    /// Whether the slab that the next run begins has its name already.
    is_begun: bool,
    /// The end of the last client's frame in the batch.
    end: Position,
}

/// A step that didn't succeed.
struct Trouble {
    operation: &'static str,
    path: PathBuf,
    error: io::Error,
    /// Whether it may be tried again: never after a sync.
    is_sync: bool,
}

/// A step that didn't succeed, after what follows from it was done.
struct Met;

impl Writer {
    pub(super) fn new(batch_capacity: usize) -> Self {
        Self {
            batch: Batch::with_capacity(batch_capacity),
            batch_capacity,
            next_run: 0,
            is_begun: false,
            end: Position::ZERO,
        }
    }
}

impl Commit {
    /// Writes what was appended.
    pub(crate) fn write_step(&self) -> Step {
        let mut writer = lock(&self.writer);
        let step = self.take(&mut writer).and_then(|()| self.write_batch(&mut writer));
        drop(writer);
        match step {
            Ok(()) => {
                self.tell();
                Step::Worked
            }
            Err(Step::Worked) => {
                // Something moved, and then it failed or the disk was full.
                self.tell();
                if self.failure().is_some() { Step::Finished } else { Step::Idle }
            }
            Err(step) => step,
        }
    }

    /// Takes what is pending, if there is nothing in hand.
    fn take(&self, writer: &mut Writer) -> Result<(), Step> {
        let now = self.environment.clock.monotonic();
        let mut state = self.state();
        if state.failure.is_some() || state.phase == Phase::Closed {
            return Err(Step::Finished);
        }
        if !writer.batch.runs.is_empty() {
            return Ok(());
        }
        if state.pending.runs.is_empty() {
            let is_idle = now.saturating_sub(state.last_written_at) >= WATERMARK_AFTER;
            if !(is_idle && state.lacks_watermark() && sabotage::IDLE_WATERMARK.is_on()) {
                return Err(Step::Idle);
            }
            state.push_watermark();
        }
        std::mem::swap(&mut state.pending, &mut writer.batch);
        state.in_hand_bytes = writer.batch.bytes.len();
        state.last_written_at = now;
        writer.end = state.appended;
        writer.next_run = 0;
        Ok(())
    }

    /// Writes what is in hand. `Err(Step::Worked)`: it failed, or the disk is full and the rest stays in hand.
    fn write_batch(&self, writer: &mut Writer) -> Result<(), Step> {
        self.write_runs(writer).map_err(|Met| Step::Worked)?;
        let slab = writer.batch.runs.last().map(|run| Arc::clone(&run.slab));
        writer.batch.clear(writer.batch_capacity);
        {
            let mut state = self.state();
            state.in_hand_bytes = 0;
            state.is_stalled = false;
        }
        if let Some(slab) = slab {
            self.publish(Some((writer.end, &slab)), None);
        }
        Ok(())
    }

    /// What follows from a step that didn't succeed: it is tried again when there is room, or the latch falls.
    fn meet(&self, trouble: Trouble) -> Met {
        if is_full(&trouble.error) && !trouble.is_sync {
            let mut state = self.state();
            state.set_stalled();
            self.room_wakes.notify_all();
        } else {
            self.fail(trouble.operation, &trouble.path, trouble.error);
        }
        Met
    }

    fn write_runs(&self, writer: &mut Writer) -> Result<(), Met> {
        let runs = writer.batch.runs.get(writer.next_run..).unwrap_or_default();
        for run in runs {
            if let Some((old, old_end)) = run.begins_after.as_ref().filter(|_| !writer.is_begun) {
                self.rotate(old, *old_end, &run.slab)?;
                writer.is_begun = true;
            }
            let bytes = writer.batch.bytes.get(run.start..run.start + run.len).unwrap_or_default();
            if let Err(error) = run.slab.file.write_at(bytes, run.offset) {
                if is_full(&error) && !run.slab.is_preallocated {
                    // What of it was written takes room and is nobody's. If this fails too, it is written over later.
                    let _ = run.slab.file.set_len(run.offset);
                }
                let path = run.slab.path.clone();
                return Err(self.meet(Trouble { operation: "write", path, error, is_sync: false }));
            }
            self.state().stats.writes += 1;
            writer.next_run += 1;
            writer.is_begun = false;
        }
        Ok(())
    }

    /// Ends the slab `old` at `old_end` and gives `new` its name. Only then may a frame be written into it: so whoever finds
    /// `new` knows that all of `old` was synced.
    fn rotate(&self, old: &Arc<SlabFile>, old_end: u64, new: &Arc<SlabFile>) -> Result<(), Met> {
        let turn = lock(&self.sync_turn);
        let rotated = self.rotate_in_turn(old, old_end, new);
        let turn = sabotage::ROTATION_OUTCOME.is_on().then_some(turn);
        // Before the turn ends: the next sync would succeed, and be believed.
        let rotated = rotated.map_err(|trouble| self.meet(trouble));
        drop(turn);
        if rotated? {
            self.prepare_wakes.notify_one();
        }
        Ok(())
    }

    /// Says whether the preparer is to be woken. The caller has the turn.
    fn rotate_in_turn(
        &self,
        old: &Arc<SlabFile>,
        old_end: u64,
        new: &Arc<SlabFile>,
    ) -> Result<bool, Trouble> {
        let trouble = |operation, path: &std::path::Path, is_sync| {
            let path = path.to_owned();
            move |error| Trouble { operation, path, error, is_sync }
        };
        if let Some(failure) = self.failure().filter(|_| sabotage::ROTATION_LATCH.is_on()) {
            // Another sync had the turn before and failed: this one would succeed although bytes of `old` are lost, and a slab
            // that has a successor is taken to be whole.
            return Err(Trouble {
                operation: failure.operation,
                path: failure.file.clone(),
                error: failure.source.kind().into(),
                is_sync: true,
            });
        }
        let directory = &self.options.directory;
        sabotage::SYNC_ENDED_SLAB.guard(|| self.timed_sync(old)).map_err(trouble("sync", &old.path, true))?;
        let end = Position::new(old.number, old_end);
        self.publish(Some((end, old)), Some(end));
        old.file.set_len(old_end).map_err(trouble("truncate", &old.path, false))?;
        sabotage::SYNC_CUT_SLAB.guard(|| old.file.sync()).map_err(trouble("sync", &old.path, true))?;
        let disk = &self.environment.disk;
        disk.rename(&directory.join(NEXT_NAME), &new.path).map_err(trouble("rename", &new.path, false))?;
        sabotage::SYNC_ROTATED_DIRECTORY
            .guard(|| disk.sync_directory(directory))
            .map_err(trouble("sync", directory, true))?;
        let mut state = self.state();
        if let Some(entry) = state.slabs.back_mut() {
            entry.end = Some(old_end);
            entry.bytes_on_disk = old_end;
        }
        let bytes_on_disk = new.size_bytes;
        state.slabs.push_back(SlabEntry { number: new.number, salt: new.salt, end: None, bytes_on_disk });
        state.is_rotating = false;
        state.stats.rotations += 1;
        Ok(state.prepare_bell.ring())
    }

    /// The end of what is in hand or pending, for closing: whether nothing is left to write.
    pub(super) fn is_drained(&self) -> bool {
        let state = self.state();
        state.pending.runs.is_empty() && state.in_hand_bytes == 0
    }
}
