//! Opening a log: recovery, then the first slab of this run. Knows recovery and commit.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use super::Log;
use crate::bytes::wide;
use crate::commit::{Beginning, Commit, NextSlab, Plan, Refusal, SlabEntry};
use crate::disk::{DirectoryLock, LockOutcome};
use crate::environment::{Environment, holder};
use crate::error::{OpenError, is_full};
use crate::frame::{Frame, KIND_CHECKPOINT, PAYLOAD_BYTES_MAX};
use crate::options::LogOptions;
use crate::recovery::{Cut, Survey, SurveyMode, Visitor, repair, survey, sync_names_above, tidy, visit};
use crate::sabotage;
use crate::slab::{FIRST_FRAME, LOCK_NAME, NEXT_NAME, SlabFile, checkpoint_meta, size_needed};

/// A log that has been recovered and waits for the client's state, with which its new slab begins. Dropping it gives the
/// directory up.
#[derive(Debug)]
#[must_use = "the log is open only after `begin`"]
pub struct Opening {
    /// Whether there was no log before.
    pub is_new: bool,
    /// Whether the last run closed it in order. True of a new log.
    pub was_clean: bool,
    /// What was cut off, if anything was.
    pub cut: Option<Cut>,
    /// The log's identity: drawn when its directory was made, the same in all its slabs.
    pub identity: [u8; 16],
    environment: Environment,
    options: LogOptions,
    survey: Survey,
    directory_lock: Box<dyn DirectoryLock>,
}

pub(super) fn open(
    environment: Environment,
    options: LogOptions,
    visitor: &mut dyn Visitor,
) -> Result<Opening, OpenError> {
    let directory = options.directory.clone();
    let not_usable = |source| {
        let directory = directory.clone();
        if is_full(&source) {
            let needed_bytes = size_needed(0, 0, options.control_reserve_bytes);
            OpenError::NoSpace { needed_bytes, directory, source }
        } else {
            OpenError::NotUsable { directory, source }
        }
    };
    let disk = &environment.disk;
    disk.create_directory(&directory).map_err(not_usable)?;
    let directory_lock = match disk.lock(&directory.join(LOCK_NAME), &holder()).map_err(not_usable)? {
        LockOutcome::Locked(directory_lock) => directory_lock,
        LockOutcome::Held { holder } => return Err(OpenError::Locked { holder, directory }),
    };
    sync_names_above(&**disk, &directory)?;
    let mut survey = survey(&**disk, &directory, SurveyMode::Open)?;
    visit(&survey, visitor)?;
    let cut = repair(&**disk, &directory, &mut survey)?;
    tidy(&**disk, &directory)?;
    let mut identity = [0; 16];
    if let Some(head) = survey.slabs.last() {
        identity = head.header.identity;
    } else {
        environment.random.fill(&mut identity).map_err(|source| OpenError::Io {
            operation: "drawing an identity",
            path: directory,
            source,
        })?;
    }
    Ok(Opening {
        is_new: survey.base.is_none(),
        was_clean: cut.is_none() && survey.base.as_ref().is_none_or(|base| base.was_clean),
        cut,
        identity,
        environment,
        options,
        survey,
        directory_lock,
    })
}

impl Opening {
    /// Begins a new slab, whose first frame is a checkpoint with `checkpoint_payload`: the client's state after everything
    /// its visitor was told. No threads run yet: see [`Log::start`].
    ///
    /// # Durability
    /// The checkpoint is durable when this returns.
    ///
    /// # Errors
    /// [`OpenError::NoSpace`] if there isn't even room for a small slab: it is looked for below every limit that was set,
    /// since a full log must be opened to be emptied. [`OpenError::Io`] otherwise.
    pub fn begin(self, checkpoint_payload: &[u8]) -> Result<Log, OpenError> {
        let Self { environment, options, survey, identity, directory_lock, .. } = self;
        if checkpoint_payload.len() > PAYLOAD_BYTES_MAX {
            let source = std::io::Error::new(
                std::io::ErrorKind::InvalidInput,
                format!("a checkpoint of {} bytes is over the limit", checkpoint_payload.len()),
            );
            return Err(OpenError::Io { operation: "write", path: options.directory, source });
        }
        let (predecessor, predecessor_end, next_index) = match (&survey.base, survey.slabs.last()) {
            (Some(base), Some(head)) => {
                ((head.header.number, head.header.salt), base.end, base.last_index.wrapping_add(1))
            }
            _ => ((0, 0), 0, 0),
        };
        let mut slabs = entries(&survey);
        let needed_bytes = size_needed(wide(checkpoint_payload.len()), 0, options.control_reserve_bytes);
        let plan = Plan {
            number: predecessor.0 + 1,
            predecessor,
            needed_bytes,
            used_bytes: slabs.iter().map(|slab| slab.bytes_on_disk).sum(),
            is_urgent: true,
        };
        let mut next = NextSlab::new(identity);
        let slab = next.make(&environment, &options, &plan).map_err(|refusal| match refusal {
            Refusal::Full { source, .. } => {
                OpenError::NoSpace { needed_bytes, directory: options.directory.clone(), source }
            }
            Refusal::Failed { operation, path, source } => OpenError::Io { operation, path, source },
        })?;
        let end = publish(
            &environment,
            &options.directory,
            &slab,
            predecessor_end,
            next_index,
            checkpoint_payload,
        )?;
        slabs.push_back(SlabEntry { number: slab.number, end: None, bytes_on_disk: slab.size_bytes });
        let beginning = Beginning {
            control_reserve_bytes: options.control_reserve_bytes,
            pending_bytes_max: options.pending_bytes_max,
            slab: Arc::new(slab),
            end,
            next_index: next_index.wrapping_add(1),
            slabs,
            removed_end: survey.removed_end(),
        };
        Ok(Log { commit: Arc::new(Commit::new(environment, options, directory_lock, next, beginning)) })
    }
}

/// The slabs that recovery found.
fn entries(survey: &Survey) -> VecDeque<SlabEntry> {
    survey
        .slabs
        .iter()
        .enumerate()
        .map(|(at, head)| SlabEntry {
            number: head.header.number,
            end: survey.end_of(at),
            bytes_on_disk: head.len_bytes,
        })
        .collect()
}

/// Gives the new slab its name, and writes its checkpoint; returns where that ends.
fn publish(
    environment: &Environment,
    directory: &Path,
    slab: &SlabFile,
    predecessor_end: u64,
    index: u64,
    payload: &[u8],
) -> Result<u64, OpenError> {
    let error = |operation, path: &Path| {
        let path = path.to_owned();
        move |source| {
            if is_full(&source) && operation != "sync" {
                OpenError::NoSpace { needed_bytes: slab.size_bytes, directory: directory.to_owned(), source }
            } else {
                OpenError::Io { operation, path, source }
            }
        }
    };
    let disk = &environment.disk;
    // The new name and the slab it stands for, before the first frame: whoever finds the slab knows its predecessor whole.
    disk.rename(&directory.join(NEXT_NAME), &slab.path).map_err(error("rename", &slab.path))?;
    sabotage::SYNC_FIRST_DIRECTORY
        .guard(|| disk.sync_directory(directory))
        .map_err(error("sync", directory))?;
    let meta = checkpoint_meta(predecessor_end);
    let frame = Frame::new(KIND_CHECKPOINT, true, &meta, payload);
    let mut bytes = Vec::new();
    frame.put(&mut bytes, &frame.header(index, 0), slab.salt, FIRST_FRAME);
    slab.file.write_at(&bytes, FIRST_FRAME).map_err(error("write", &slab.path))?;
    sabotage::SYNC_FIRST_CHECKPOINT.guard(|| slab.file.sync()).map_err(error("sync", &slab.path))?;
    Ok(FIRST_FRAME + wide(bytes.len()))
}
