//! Keeps the bytes of a damaged task, as they are, in a file of their own. Knows the disk and where frames are.

use std::io;
use std::path::{Path, PathBuf};

use super::ledger::Entry;
use crate::bytes::{narrow, wide};
use crate::disk::{Disk, OpenMode};
use crate::slab::slab_path;

/// How the names of such files end.
pub(super) const DAMAGED_SUFFIX: &str = ".damaged";
/// How much is copied at once.
const COPY_BYTES: u64 = 1 << 20;

/// Copies the frame of a task to `task-<number>.damaged` in `directory`.
///
/// # Durability
/// The copy and its name are durable when it returns.
pub(super) fn keep(disk: &dyn Disk, directory: &Path, entry: &Entry) -> io::Result<PathBuf> {
    let path = directory.join(format!("task-{:016}{DAMAGED_SUFFIX}", entry.id));
    // One that is there was begun before a crash, and nobody knows whether it is whole.
    match disk.remove(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let slab = disk.open(&slab_path(directory, entry.place.slab), OpenMode::Read)?;
    let copy = disk.open(&path, OpenMode::CreateNew)?;
    let len = u64::from(entry.frame_bytes);
    let mut buffer = vec![0; narrow(len.min(COPY_BYTES))];
    let mut copied = 0;
    while copied < len {
        let Some(chunk) = buffer.get_mut(..narrow((len - copied).min(COPY_BYTES))) else { break };
        slab.read_exact_at(chunk, entry.place.offset_bytes + copied)?;
        copy.write_at(chunk, copied)?;
        copied += wide(chunk.len());
    }
    copy.sync()?;
    disk.sync_directory(directory)?;
    Ok(path)
}
