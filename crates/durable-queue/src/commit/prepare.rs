//! The preparer's step: removes slabs that may go, and keeps the next one ready. Knows the shared state, and how a slab is
//! made, which opening needs too.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::sizes::{Budget, normal, smallest};
use super::state::Phase;
use super::{Commit, Step, lock};
use crate::disk::OpenMode;
use crate::environment::Environment;
use crate::error::{FullReason, is_full};
use crate::options::LogOptions;
use crate::position::Position;
use crate::sabotage;
use crate::slab::{FIRST_FRAME, NEXT_NAME, SlabFile, SlabHeader, slab_path};

/// How often it is tried again to make a slab, or to remove one.
pub(super) const TRY_EVERY: Duration = Duration::from_secs(1);
/// The least time between two warnings that a slab can't be made.
const WARN_EVERY: Duration = Duration::from_mins(1);

/// Makes slabs ready.
#[derive(Debug)]
pub(crate) struct NextSlab {
    pub(crate) identity: [u8; 16],
    has_warned_of_preallocation: bool,
    warned_at: Option<Duration>,
}

/// What the next slab is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub number: u64,
    /// Number and salt of the slab before it.
    pub predecessor: (u64, u64),
    pub needed_bytes: u64,
    /// Bytes of the slabs there are.
    pub used_bytes: u64,
    /// Whether a small one is to be made against every limit, since without it nothing could be freed.
    pub is_urgent: bool,
}

/// Why there is no next slab.
#[derive(Debug)]
pub(crate) enum Refusal {
    Full { reason: FullReason, source: io::Error },
    Failed { operation: &'static str, path: PathBuf, source: io::Error },
}

impl NextSlab {
    pub(crate) fn new(identity: [u8; 16]) -> Self {
        Self { identity, has_warned_of_preallocation: false, warned_at: None }
    }

    /// Makes the next slab as large as may be, under its temporary name.
    ///
    /// # Durability
    /// Content and size are durable when it returns; the name isn't.
    pub(crate) fn make(
        &mut self,
        environment: &Environment,
        options: &LogOptions,
        plan: &Plan,
    ) -> Result<SlabFile, Refusal> {
        remove_next(environment, options).map_err(|source| Refusal::Failed {
            operation: "remove",
            path: options.directory.join(NEXT_NAME),
            source,
        })?;
        let space = environment.disk.space(&options.directory).ok();
        let budget = Budget {
            used_bytes: plan.used_bytes,
            bytes_max: options.bytes_max,
            space,
            kept_bytes: space.map_or(0, |space| options.free_space_kept.bytes_of(space)),
        };
        let mut refusal =
            Refusal::Full { reason: FullReason::Disk, source: io::ErrorKind::StorageFull.into() };
        let urgent = plan.is_urgent.then(|| smallest(options.slab_size_bytes, plan.needed_bytes));
        let sizes = normal(options.slab_size_bytes, plan.needed_bytes)
            .map(|size| (size, budget.refusal(size)))
            .chain(urgent.into_iter().flatten().map(|size| (size, None)));
        for (size, over_budget) in sizes {
            if let Some(reason) = over_budget {
                refusal = Refusal::Full { reason, source: io::ErrorKind::StorageFull.into() };
                continue;
            }
            match self.make_of(environment, options, plan, size) {
                Err(full @ Refusal::Full { .. }) => refusal = full,
                outcome => return outcome,
            }
        }
        Err(refusal)
    }

    fn make_of(
        &mut self,
        environment: &Environment,
        options: &LogOptions,
        plan: &Plan,
        size_bytes: u64,
    ) -> Result<SlabFile, Refusal> {
        let path = options.directory.join(NEXT_NAME);
        let made = self.try_make(environment, options, plan, size_bytes);
        made.map_err(|(operation, source)| {
            // Half a slab is of no use; if it can't be removed now, the next attempt does.
            let _ = remove_next(environment, options);
            if is_full(&source) && operation != "sync" {
                Refusal::Full { reason: FullReason::Disk, source }
            } else {
                Refusal::Failed { operation, path, source }
            }
        })
    }

    fn try_make(
        &mut self,
        environment: &Environment,
        options: &LogOptions,
        plan: &Plan,
        size_bytes: u64,
    ) -> Result<SlabFile, (&'static str, io::Error)> {
        let salt = environment.random.next_u64().map_err(|error| ("drawing a salt", error))?;
        let path = options.directory.join(NEXT_NAME);
        let file = environment.disk.open(&path, OpenMode::CreateNew).map_err(|error| ("create", error))?;
        let mut reserved = file.preallocate(size_bytes);
        while reserved.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
            reserved = file.preallocate(size_bytes);
        }
        let is_preallocated = match reserved {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                self.warn_of_preallocation(options);
                false
            }
            Err(error) => return Err(("preallocate", error)),
        };
        let created = environment.clock.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
        let header = SlabHeader {
            identity: self.identity,
            number: plan.number,
            salt,
            predecessor: plan.predecessor,
            size_bytes,
            created_unix_ms: u64::try_from(created.as_millis()).unwrap_or(u64::MAX),
        };
        file.write_at(&header.encode(), 0).map_err(|error| ("write", error))?;
        sabotage::SYNC_PREPARED_SLAB.guard(|| file.sync()).map_err(|error| ("sync", error))?;
        let path = slab_path(&options.directory, plan.number);
        Ok(SlabFile { number: plan.number, salt, size_bytes, is_preallocated, path, file })
    }

    fn warn_of_preallocation(&mut self, options: &LogOptions) {
        if !std::mem::replace(&mut self.has_warned_of_preallocation, true) {
            tracing::warn!(
                directory = %options.directory.display(),
                "the file system can't reserve room: a full disk shows only when it is written"
            );
        }
    }

    fn warn(&mut self, environment: &Environment, refusal: &Refusal) {
        let now = environment.clock.monotonic();
        if self.warned_at.is_some_and(|at| now.saturating_sub(at) < WARN_EVERY) {
            return;
        }
        self.warned_at = Some(now);
        match refusal {
            Refusal::Full { reason: reason @ FullReason::Limit, .. } => {
                tracing::warn!(%reason, "appends wait until some of the log is released, or until it may be larger");
            }
            Refusal::Full { reason, .. } => {
                tracing::warn!(%reason, "no room for another slab of the log: free some space");
            }
            Refusal::Failed { operation, path, source } => {
                let path = path.display();
                tracing::warn!(operation, %path, error = %source, "the next slab of the log can't be made; trying again");
            }
        }
    }
}

/// Removes a slab that was being prepared.
pub(super) fn remove_next(environment: &Environment, options: &LogOptions) -> io::Result<()> {
    match environment.disk.remove(&options.directory.join(NEXT_NAME)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Commit {
    /// Removes one slab that may go, or makes the next one ready.
    pub(crate) fn prepare_step(&self) -> Step {
        let mut next = lock(&self.preparer);
        let step = self.remove_oldest().unwrap_or_else(|| self.prepare(&mut next));
        drop(next);
        if step != Step::Idle {
            self.tell();
        }
        step
    }

    /// Removes the oldest slab if it may go. One at a time and each made durable, so that a crash never leaves a gap.
    fn remove_oldest(&self) -> Option<Step> {
        let oldest = {
            let state = self.state();
            if state.failure.is_some() || state.phase == Phase::Closed {
                return Some(Step::Finished);
            }
            state.removable()?
        };
        let path = slab_path(&self.options.directory, oldest.number);
        match self.environment.disk.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(file = %path.display(), %error, "a released slab can't be removed; trying again");
                return None;
            }
            _ => {}
        }
        let turn = lock(&self.sync_turn);
        let is_synced = self.sync_directory(&sabotage::SYNC_REMOVED_DIRECTORY);
        drop(turn);
        if !is_synced {
            return Some(Step::Finished);
        }
        let mut state = self.state();
        state.slabs.pop_front();
        state.removed_end = Position::new(oldest.number, oldest.end.unwrap_or(0));
        state.stats.slabs_removed += 1;
        let wake_writer = state.is_stalled && state.write_bell.ring();
        drop(state);
        // After it was counted out, so that a reader that opens it just now finds out.
        self.open_files.close(oldest.number);
        if wake_writer {
            self.write_wakes.notify_one();
        }
        Some(Step::Worked)
    }

    fn prepare(&self, next: &mut NextSlab) -> Step {
        let plan = {
            let state = self.state();
            if state.prepared.is_some() || state.is_rotating || state.phase != Phase::Open {
                return Step::Idle;
            }
            Plan {
                number: state.slab.number + 1,
                predecessor: (state.slab.number, state.slab.salt),
                needed_bytes: state.needed_bytes.max(FIRST_FRAME),
                used_bytes: state.bytes_on_disk() - state.next_slab_bytes,
                // With a single slab nothing can be freed: only a successor lets it go.
                is_urgent: state.slabs.len() == 1 && state.needed_bytes > 0,
            }
        };
        let made = next.make(&self.environment, &self.options, &plan);
        if made.is_ok() {
            let turn = lock(&self.sync_turn);
            let is_synced = self.sync_directory(&sabotage::SYNC_PREPARED_DIRECTORY);
            drop(turn);
            if !is_synced {
                return Step::Finished;
            }
        }
        let mut state = self.state();
        let step = match made {
            // A larger frame came meanwhile.
            Ok(slab) if slab.size_bytes < state.needed_bytes => Step::Worked,
            Ok(slab) => {
                state.next_slab_bytes = slab.size_bytes;
                state.prepared = Some(Arc::new(slab));
                state.full = None;
                Step::Worked
            }
            Err(refusal) => {
                next.warn(&self.environment, &refusal);
                state.next_slab_bytes = 0;
                state.set_full(match refusal {
                    Refusal::Full { reason, .. } => reason,
                    Refusal::Failed { .. } => FullReason::Error,
                });
                Step::Idle
            }
        };
        drop(state);
        self.room_wakes.notify_all();
        step
    }
}
