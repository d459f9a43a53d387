//! Carries out what the survey found: puts aside, cuts, tidies. Knows the survey and the disk. Each step may be cut short and
//! done again.

use std::path::{Path, PathBuf};

use super::survey::{Base, Dropped, Head, Survey, cut_of};
use super::{Cut, TORN_FILES_MAX, io_error};
use crate::bytes::{narrow, wide};
use crate::disk::{Disk, OpenMode};
use crate::error::{OpenError, is_full};
use crate::sabotage;
use crate::slab::{FIRST_FRAME, NEXT_NAME, TORN_SUFFIX, torn_name};
use crate::window::READ_AHEAD_BYTES;

/// Repairs the directory, and says what was cut.
///
/// # Durability
/// What was kept aside and cut is so on the medium when it returns.
///
/// # Errors
/// The operating system's.
pub(crate) fn repair(
    disk: &dyn Disk,
    directory: &Path,
    survey: &mut Survey,
) -> Result<Option<Cut>, OpenError> {
    let dropped = match survey.dropped.take() {
        Some(dropped) => drop_slab(disk, directory, &dropped)?,
        None => None,
    };
    let cut = match (&survey.base, survey.slabs.last_mut()) {
        (Some(base), Some(head)) => cut_tail(disk, directory, base, head)?,
        _ => None,
    };
    Ok(dropped.or(cut))
}

/// Puts a slab aside that never came to be acknowledged.
fn drop_slab(disk: &dyn Disk, directory: &Path, dropped: &Dropped) -> Result<Option<Cut>, OpenError> {
    let path = &dropped.head.path;
    let Some(reason) = dropped.torn else {
        // Needs no sync: should the name come back, it is removed again, and a new slab takes it over.
        disk.remove(path).map_err(io_error("remove", path))?;
        return Ok(None);
    };
    let header = &dropped.head.header;
    let kept = directory.join(torn_name(header.number, FIRST_FRAME, header.salt));
    disk.rename(path, &kept).map_err(io_error("rename", path))?;
    sabotage::SYNC_DROPPED_DIRECTORY
        .guard(|| disk.sync_directory(directory))
        .map_err(io_error("sync", directory))?;
    let cut = Cut { kept_as: Some(kept), ..cut_of(&dropped.head, FIRST_FRAME, reason) };
    report(&cut);
    Ok(Some(cut))
}

/// Cuts what follows the last frame.
fn cut_tail(
    disk: &dyn Disk,
    directory: &Path,
    base: &Base,
    head: &mut Head,
) -> Result<Option<Cut>, OpenError> {
    if head.len_bytes <= base.end {
        return Ok(None);
    }
    let mut cut = None;
    if let Some(reason) = base.torn {
        let kept = directory.join(torn_name(head.header.number, base.end, head.header.salt));
        let kept_as = keep_aside(disk, directory, base, head.len_bytes, &kept)?;
        cut = Some(Cut { kept_as, ..cut_of(head, base.end, reason) });
    }
    base.file.set_len(base.end).map_err(io_error("truncate", &head.path))?;
    sabotage::SYNC_CUT_TAIL.guard(|| base.file.sync()).map_err(io_error("sync", &head.path))?;
    head.len_bytes = base.end;
    if let Some(cut) = &cut {
        report(cut);
    }
    Ok(cut)
}

/// Copies what is to be cut into a file of its own, without the zeros at its end. On a full disk it goes without: opening, which
/// is how a backlog is drained and space returns, matters more than bytes nobody was promised.
fn keep_aside(
    disk: &dyn Disk,
    directory: &Path,
    base: &Base,
    len_bytes: u64,
    kept: &Path,
) -> Result<Option<PathBuf>, OpenError> {
    // A copy that an earlier recovery didn't finish.
    remove_if_there(disk, kept)?;
    match copy(disk, base, len_bytes, kept) {
        Ok(()) => {
            sabotage::SYNC_TORN_DIRECTORY
                .guard(|| disk.sync_directory(directory))
                .map_err(io_error("sync", directory))?;
            Ok(Some(kept.to_owned()))
        }
        Err(error) if is_full(&error) => {
            remove_if_there(disk, kept)?;
            Ok(None)
        }
        Err(error) => Err(io_error("copy", kept)(error)),
    }
}

fn copy(disk: &dyn Disk, base: &Base, len_bytes: u64, kept: &Path) -> std::io::Result<()> {
    let target = disk.open(kept, OpenMode::CreateNew)?;
    let mut buffer = vec![0; READ_AHEAD_BYTES.min(narrow(len_bytes - base.end))];
    let mut offset = base.end;
    while offset < len_bytes {
        let piece = narrow(len_bytes - offset).min(buffer.len());
        let Some(bytes) = buffer.get_mut(..piece) else { break };
        base.file.read_exact_at(bytes, offset)?;
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if let Some(bytes) = bytes.get(..used).filter(|bytes| !bytes.is_empty()) {
            target.write_at(bytes, offset - base.end)?;
        }
        offset += wide(piece);
    }
    sabotage::SYNC_TORN_COPY.guard(|| target.sync())
}

fn report(cut: &Cut) {
    tracing::warn!(
        file = %cut.file.display(),
        offset_bytes = cut.offset_bytes,
        len_bytes = cut.len_bytes,
        reason = cut.reason,
        kept_as = cut.kept_as.as_ref().map(|kept| tracing::field::display(kept.display())),
        "bytes that were never acknowledged were cut off the log after an unclean end"
    );
}

/// Removes what no longer has a use: a slab that was being prepared, and the oldest of the files of cut-off bytes. Nothing
/// depends on these names, so they need no sync.
///
/// # Errors
/// The operating system's.
pub(crate) fn tidy(disk: &dyn Disk, directory: &Path) -> Result<(), OpenError> {
    let entries = disk.entries(directory).map_err(io_error("listing", directory))?;
    let torn: Vec<&str> = entries
        .iter()
        .filter(|entry| !entry.is_directory && entry.name.ends_with(TORN_SUFFIX))
        .map(|entry| entry.name.as_str())
        .collect();
    let too_many = torn.len().saturating_sub(TORN_FILES_MAX);
    for name in torn.into_iter().take(too_many) {
        remove_if_there(disk, &directory.join(name))?;
    }
    remove_if_there(disk, &directory.join(NEXT_NAME))
}

fn remove_if_there(disk: &dyn Disk, path: &Path) -> Result<(), OpenError> {
    match disk.remove(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io_error("remove", path)(error)),
        _ => Ok(()),
    }
}
