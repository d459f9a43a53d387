//! Files on their way to becoming objects, in a directory that only one process uses at a time.
//! Knows `Disk` and where staged files are.
//!
//! Slots are numbered directories with a lock file. A process takes the first one whose lock is free, so it owns all that
//! lies in it, and clears what a dead process left there and in every other free slot. No clock and no random names are
//! needed, and a living process's files are never touched, however old.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use durable_queue::disk::{DirectoryLock, Disk, DiskFile, LockOutcome, OpenMode};

use super::io_error::{failed, ignore_absent};
use super::paths;
use crate::bucket::{BucketError, BucketErrorKind};

/// More processes than this don't write to one directory at a time.
const SLOTS_MAX: u32 = 1_000;

const LOCK: &str = "lock";

/// The slot of this process, taken when first needed.
#[derive(Debug, Default)]
pub(super) struct Staging {
    slot: Mutex<Option<Slot>>,
}

#[derive(Debug)]
struct Slot {
    directory: PathBuf,
    next: u64,
    /// The slot is ours as long as this lives.
    _lock: Box<dyn DirectoryLock>,
}

/// A new file in the slot; its name there goes when this is dropped.
#[derive(Debug)]
pub(super) struct Staged {
    disk: Arc<dyn Disk>,
    pub(super) path: PathBuf,
    pub(super) file: Box<dyn DiskFile>,
}

impl Drop for Staged {
    fn drop(&mut self) {
        // If it stays, whoever takes the slot next removes it.
        let _ = self.disk.remove(&self.path);
    }
}

impl Staging {
    /// A new file, to write, sync and link.
    pub(super) fn create(&self, disk: &Arc<dyn Disk>, root: &Path) -> Result<Staged, BucketError> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = match slot.take() {
            Some(taken) => taken,
            None => Slot::take(disk.as_ref(), root)?,
        };
        let taken = slot.insert(taken);
        taken.next += 1;
        let path = taken.directory.join(taken.next.to_string());
        match disk.open(&path, OpenMode::CreateNew) {
            Ok(file) => Ok(Staged { disk: Arc::clone(disk), path, file }),
            Err(error) => {
                if error.kind() == io::ErrorKind::NotFound {
                    // Somebody removed the private directory: the next call begins anew.
                    *slot = None;
                }
                Err(failed("could not create", &path)(error))
            }
        }
    }
}

impl Slot {
    fn take(disk: &dyn Disk, root: &Path) -> Result<Self, BucketError> {
        let staged = paths::staged(root);
        disk.create_directory(&staged).map_err(failed("could not create the directory", &staged))?;
        sync_name(disk, root)?;
        let holder = format!("process {}", std::process::id());
        for number in 0..SLOTS_MAX {
            let directory = staged.join(format!("{number:03}"));
            disk.create_directory(&directory)
                .map_err(failed("could not create the directory", &directory))?;
            let path = directory.join(LOCK);
            let outcome = disk.lock(&path, &holder).map_err(failed("could not lock", &path))?;
            if let LockOutcome::Locked(lock) = outcome {
                clear(disk, &directory).map_err(failed("could not clear", &directory))?;
                clear_abandoned(disk, &staged, number, &holder);
                return Ok(Self { directory, next: 0, _lock: lock });
            }
        }
        let message = format!("{SLOTS_MAX} processes write to {} already", root.display());
        Err(BucketError::new(BucketErrorKind::Throttled, "TooManyWriters", message))
    }
}

/// Makes the bucket's own name durable, in case it was made by somebody who couldn't finish.
fn sync_name(disk: &dyn Disk, root: &Path) -> Result<(), BucketError> {
    let parent = paths::parent(root);
    match disk.sync_directory(parent) {
        // Not ours to read, so not where this process made a name either.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        other => other.map_err(failed("could not sync", parent)),
    }
}

/// Removes what dead processes left in other slots. Whatever fails here is left to the next process.
fn clear_abandoned(disk: &dyn Disk, staged: &Path, own: u32, holder: &str) {
    for entry in disk.entries(staged).unwrap_or_default() {
        let directory = staged.join(&entry.name);
        let is_own = entry.name.parse() == Ok(own);
        if is_own || !entry.is_directory || disk.entries(&directory).is_ok_and(|names| names.len() < 2) {
            continue;
        }
        if let Ok(LockOutcome::Locked(_lock)) = disk.lock(&directory.join(LOCK), holder) {
            let _ = clear(disk, &directory);
        }
    }
}

fn clear(disk: &dyn Disk, directory: &Path) -> io::Result<()> {
    for entry in
        disk.entries(directory)?.into_iter().filter(|entry| !entry.is_directory && entry.name != LOCK)
    {
        ignore_absent(disk.remove(&directory.join(&entry.name)))?;
    }
    Ok(())
}
