//! Looks at a log's directory and judges it, changing nothing. Knows the scan and the slabs' headers.

use std::io;
use std::path::{Path, PathBuf};

use super::scan::scan;
use super::tail::{Reason, Verdict};
use super::{Cut, io_error};
use crate::disk::{Disk, DiskFile, OpenMode};
use crate::error::OpenError;
use crate::frame::{FRAME_HEADER_BYTES, Header, KIND_CHECKPOINT, KIND_CLOSED, checksum};
use crate::position::Position;
use crate::sabotage;
use crate::slab::{
    BadSlab, CHECKPOINT_META_BYTES, FIRST_FRAME, FORMAT_VERSION, SLAB_HEADER_BYTES, SlabHeader,
    predecessor_end, slab_number, slab_path,
};

/// What is read of each slab but the newest: its header, and the header and meta of its checkpoint.
const HEAD_BYTES: usize = SLAB_HEADER_BYTES + FRAME_HEADER_BYTES + CHECKPOINT_META_BYTES;

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SurveyMode {
    /// The one process that holds the lock and will go on from here: it syncs before it believes.
    Open,
    /// Somebody who only reads.
    Inspect,
}

/// The head of a slab.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub header: SlabHeader,
    pub path: PathBuf,
    pub len_bytes: u64,
    /// Header of the first frame, and where the slab before ends, if both are valid.
    checkpoint: Option<(Header, u64)>,
}

/// The slab that was scanned whole: the newest with a valid checkpoint.
#[derive(Debug)]
pub(crate) struct Base {
    /// Where its frames end.
    pub end: u64,
    pub last_index: u64,
    pub was_clean: bool,
    /// Why bytes follow that aren't zero.
    pub torn: Option<Reason>,
    pub file: Box<dyn DiskFile>,
}

/// A newest slab that never came to be acknowledged.
#[derive(Debug)]
pub(crate) struct Dropped {
    pub head: Head,
    /// Why frames' bytes are to be kept aside; nothing if there are only zeros.
    pub torn: Option<Reason>,
}

/// What a directory holds.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// The slabs, oldest first; the last is the one scanned. Empty in a new log.
    pub slabs: Vec<Head>,
    /// Absent in a new log.
    pub base: Option<Base>,
    pub dropped: Option<Dropped>,
}

impl Survey {
    /// Where the frames of the slab in place `at` end.
    pub(crate) fn end_of(&self, at: usize) -> Option<u64> {
        match self.slabs.get(at + 1) {
            Some(successor) => successor.checkpoint.map(|(_, end)| end),
            None => self.base.as_ref().map(|base| base.end),
        }
    }
}

impl Survey {
    /// Where the slab before the oldest ended.
    pub(crate) fn removed_end(&self) -> Position {
        let oldest =
            self.slabs.first().and_then(|head| Some((head.header.predecessor.0, head.checkpoint?.1)));
        oldest.map_or(Position::ZERO, |(number, end)| Position::new(number, end))
    }

    /// What repairing would cut.
    pub(crate) fn torn(&self) -> Option<Cut> {
        if let Some(Dropped { head, torn: Some(reason) }) = &self.dropped {
            return Some(cut_of(head, FIRST_FRAME, reason));
        }
        let (base, head) = (self.base.as_ref()?, self.slabs.last()?);
        Some(cut_of(head, base.end, base.torn?))
    }
}

/// The bytes of a slab from `offset_bytes` on, kept nowhere yet.
pub(super) fn cut_of(head: &Head, offset_bytes: u64, reason: Reason) -> Cut {
    let len_bytes = head.len_bytes.saturating_sub(offset_bytes);
    Cut { file: head.path.clone(), offset_bytes, len_bytes, reason, kept_as: None }
}

fn corrupt(file: impl Into<PathBuf>, offset_bytes: u64, reason: impl Into<String>) -> OpenError {
    OpenError::Corrupt { file: file.into(), offset_bytes, reason: reason.into() }
}

/// Makes the names that lead to `directory` durable: an earlier process may have made any of them and died before it could
/// sync it. A directory that may not be opened, or not be synced, is none in which such a process made a name.
///
/// # Errors
/// The operating system's.
pub(crate) fn sync_names_above(disk: &dyn Disk, directory: &Path) -> Result<(), OpenError> {
    for above in directory.ancestors().skip(1) {
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        match sabotage::SYNC_NAMES_ABOVE.guard(|| disk.sync_directory(above)) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied
                        | io::ErrorKind::ReadOnlyFilesystem
                        | io::ErrorKind::InvalidInput
                        | io::ErrorKind::Unsupported
                ) => {}
            synced => synced.map_err(io_error("sync", above))?,
        }
    }
    Ok(())
}

/// Looks at `directory`.
///
/// # Errors
/// See [`OpenError`].
pub(crate) fn survey(disk: &dyn Disk, directory: &Path, mode: SurveyMode) -> Result<Survey, OpenError> {
    let entries = disk.entries(directory).map_err(io_error("listing", directory))?;
    let mut numbers: Vec<u64> = entries
        .iter()
        .filter(|entry| !entry.is_directory)
        .filter_map(|entry| slab_number(&entry.name))
        .collect();
    numbers.sort_unstable();
    if mode == SurveyMode::Open {
        sabotage::SYNC_OPENED_DIRECTORY
            .guard(|| disk.sync_directory(directory))
            .map_err(io_error("sync", directory))?;
    }
    let mut slabs: Vec<Head> = Vec::with_capacity(numbers.len());
    let newest = numbers.last().copied();
    for number in numbers {
        let head = match read_head(disk, directory, number, mode) {
            // Removed since the directory was listed, and so all that are older.
            Err(OpenError::Io { source, .. })
                if mode == SurveyMode::Inspect
                    && source.kind() == io::ErrorKind::NotFound
                    && Some(number) != newest =>
            {
                slabs.clear();
                continue;
            }
            head => head?,
        };
        if let Some(previous) = slabs.last() {
            check_link(directory, previous, &head)?;
        }
        slabs.push(head);
    }
    let Some(newest) = slabs.pop() else { return Ok(Survey::default()) };
    for (at, head) in slabs.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| slabs.get(before));
        check_checkpoint(head, before)?;
    }
    judge(disk, slabs, newest)
}

/// Reads, and when opening first syncs, the head of a slab.
fn read_head(disk: &dyn Disk, directory: &Path, number: u64, mode: SurveyMode) -> Result<Head, OpenError> {
    let path = slab_path(directory, number);
    let file = disk.open(&path, OpenMode::Read).map_err(io_error("open", &path))?;
    if mode == SurveyMode::Open {
        sabotage::SYNC_OPENED_SLAB.guard(|| file.sync()).map_err(io_error("sync", &path))?;
    }
    let len_bytes = file.len_bytes().map_err(io_error("length", &path))?;
    let mut bytes = vec![0; HEAD_BYTES.min(crate::bytes::narrow(len_bytes))];
    file.read_exact_at(&mut bytes, 0).map_err(io_error("read", &path))?;
    let header = SlabHeader::decode(&bytes).map_err(|bad| match bad {
        BadSlab::Damaged(reason) => corrupt(&path, 0, reason),
        BadSlab::NewerVersion(found) => {
            OpenError::UnsupportedVersion { file: path.clone(), found, newest_known: FORMAT_VERSION }
        }
    })?;
    if header.number != number {
        return Err(corrupt(&path, 0, format!("it is slab {} under another name", header.number)));
    }
    let checkpoint = bytes.get(SLAB_HEADER_BYTES..).and_then(|frame| {
        let first = Header::decode(frame, header.salt, FIRST_FRAME)?;
        let meta = frame.get(FRAME_HEADER_BYTES..).filter(|meta| checksum(meta) == first.meta_crc)?;
        (first.kind == KIND_CHECKPOINT).then_some(())?;
        Some((first, predecessor_end(meta)?))
    });
    Ok(Head { header, path, len_bytes, checkpoint })
}

/// Checks that `head` is the slab that follows `previous`.
fn check_link(directory: &Path, previous: &Head, head: &Head) -> Result<(), OpenError> {
    let expected = previous.header.number + 1;
    if head.header.number != expected {
        return Err(corrupt(slab_path(directory, expected), 0, "the slab is missing"));
    }
    if head.header.identity != previous.header.identity && sabotage::SLAB_IDENTITY.is_on() {
        return Err(corrupt(&head.path, 0, "it belongs to another log"));
    }
    let follows = head.header.predecessor == (previous.header.number, previous.header.salt);
    if !follows && sabotage::SLAB_LINK.is_on() {
        return Err(corrupt(&head.path, 0, "it doesn't follow the slab before it"));
    }
    Ok(())
}

/// Checks a slab's checkpoint, as far as its head shows it, against the slab before.
fn check_checkpoint(head: &Head, before: Option<&Head>) -> Result<(), OpenError> {
    let Some((_, predecessor_end)) = head.checkpoint else {
        return Err(corrupt(&head.path, FIRST_FRAME, "the slab's checkpoint is damaged"));
    };
    match before {
        Some(before) if before.len_bytes < predecessor_end && sabotage::PREDECESSOR_END.is_on() => {
            Err(corrupt(&before.path, before.len_bytes, "the end of the slab is missing"))
        }
        _ => Ok(()),
    }
}

/// Scans the newest slab, and the one before if the newest never came to be acknowledged.
fn judge(disk: &dyn Disk, mut slabs: Vec<Head>, newest: Head) -> Result<Survey, OpenError> {
    let file = disk.open(&newest.path, OpenMode::ReadWrite).map_err(io_error("open", &newest.path))?;
    // Best effort to judge what the medium holds, not what the cache remembers.
    file.forget_cached(0, newest.len_bytes);
    let scanned =
        scan(&*file, newest.header.salt, newest.len_bytes, false).map_err(io_error("read", &newest.path))?;
    let (end, torn) = match scanned.verdict {
        Verdict::Corrupt { at, reason } => return Err(corrupt(&newest.path, at, reason)),
        Verdict::Ends { at } => (at, None),
        Verdict::Cut { at, reason } => (at, Some(reason)),
    };
    if let (Some(_), Some(last)) = (scanned.first, scanned.last) {
        check_checkpoint(&newest, slabs.last())?;
        slabs.push(newest);
        let was_clean = last.kind == KIND_CLOSED && torn.is_none();
        let base = Base { end, last_index: last.index, was_clean, torn, file };
        return Ok(Survey { slabs, base: Some(base), dropped: None });
    }
    let is_first = newest.header.predecessor == (0, 0);
    let dropped = Some(Dropped { head: newest, torn });
    let Some(base_head) = slabs.last() else {
        return match dropped {
            Some(Dropped { head, .. }) if !is_first => Err(corrupt(
                head.path,
                FIRST_FRAME,
                "the checkpoint is damaged and the slab before is missing",
            )),
            dropped => Ok(Survey { slabs, base: None, dropped }),
        };
    };
    let base = judge_predecessor(disk, base_head)?;
    Ok(Survey { slabs, base: Some(base), dropped })
}

/// Scans the slab before one that was dropped.
fn judge_predecessor(disk: &dyn Disk, head: &Head) -> Result<Base, OpenError> {
    let file = disk.open(&head.path, OpenMode::ReadWrite).map_err(io_error("open", &head.path))?;
    file.forget_cached(0, head.len_bytes);
    let scanned =
        scan(&*file, head.header.salt, head.len_bytes, true).map_err(io_error("read", &head.path))?;
    match (scanned.verdict, scanned.last) {
        (Verdict::Ends { at }, Some(last)) => Ok(Base {
            end: at,
            last_index: last.index,
            was_clean: last.kind == KIND_CLOSED,
            torn: None,
            file,
        }),
        (Verdict::Corrupt { at, reason } | Verdict::Cut { at, reason }, _) => {
            Err(corrupt(&head.path, at, reason))
        }
        (Verdict::Ends { at }, None) => Err(corrupt(&head.path, at, "the slab's checkpoint is damaged")),
    }
}
