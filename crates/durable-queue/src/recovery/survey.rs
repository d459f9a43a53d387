//! Looks at a log's directory and judges it, changing nothing. Knows the scan and the slabs' headers.

use std::io;
use std::path::{Path, PathBuf};

use super::damage::Damage;
use super::scan::{Piece, Pieces, scan};
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
    /// What its file says, or what its neighbours say of it if its own is damaged.
    pub header: SlabHeader,
    pub path: PathBuf,
    pub len_bytes: u64,
    /// There is no such file.
    pub is_missing: bool,
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
    /// Something before the end is damaged.
    pub is_damaged: bool,
    /// Then, a header among what is torn: with it the lost frames' extent is known.
    pub torn_header: Option<Header>,
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
    /// What is damaged of the slabs' heads and lengths, oldest first. Frames are judged as they are visited.
    pub damage: Vec<Damage>,
    /// The newest slab whose checkpoint is good: from here on the slabs are visited.
    pub visit_from: usize,
}

impl Survey {
    /// Where the frames of the slab in place `at` end.
    pub(crate) fn end_of(&self, at: usize) -> Option<u64> {
        match self.slabs.get(at + 1) {
            Some(successor) => Some(end_before(self.slabs.get(at)?, successor)),
            None => self.base.as_ref().map(|base| base.end),
        }
    }
}

/// Where the frames of `head` end, by what its successor says, or by its length: it was cut to that before.
fn end_before(head: &Head, successor: &Head) -> u64 {
    successor.checkpoint.map_or(head.len_bytes.max(FIRST_FRAME), |(_, end)| end)
}

impl Survey {
    /// Whether anything was found damaged so far.
    pub(crate) fn is_damaged(&self) -> bool {
        !self.damage.is_empty() || self.base.as_ref().is_some_and(|base| base.is_damaged)
    }

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
/// See [`OpenError`]. Damage that leaves the rest readable is no error here: whoever visits decides.
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
    let mut found: Vec<Found> = Vec::with_capacity(numbers.len());
    let newest = numbers.last().copied();
    for number in numbers {
        let slab = match Found::read(disk, directory, number, mode) {
            // Removed since the directory was listed, and so all that are older.
            Err(OpenError::Io { source, .. })
                if mode == SurveyMode::Inspect
                    && source.kind() == io::ErrorKind::NotFound
                    && Some(number) != newest =>
            {
                found.clear();
                continue;
            }
            slab => slab?,
        };
        while let Some(last) = found.last().map(|last| last.number)
            && last + 1 < number
        {
            if number - last > MISSING_MAX {
                return Err(corrupt(slab_path(directory, last + 1), 0, "the slab is missing"));
            }
            found.push(Found::missing(directory, last + 1));
        }
        found.push(slab);
    }
    let (mut slabs, mut damage) = resolve(found)?;
    let Some(newest) = slabs.pop() else { return Ok(Survey::default()) };
    for (at, head) in slabs.iter().enumerate() {
        let successor = slabs.get(at + 1).unwrap_or(&newest);
        damage.extend(damage_of(head, successor));
    }
    let mut survey = judge(disk, slabs, newest, damage)?;
    survey.damage.sort_by_key(|damage| damage.from);
    Ok(survey)
}

/// So many slabs in a row may be missing: more is no damage but another directory.
const MISSING_MAX: u64 = 1 << 16;

/// A slab's file as it is found.
struct Found {
    number: u64,
    path: PathBuf,
    len_bytes: u64,
    is_missing: bool,
    /// Its head.
    bytes: Vec<u8>,
    header: Result<SlabHeader, String>,
}

impl Found {
    fn missing(directory: &Path, number: u64) -> Self {
        let path = slab_path(directory, number);
        let header = Err("the slab is missing".to_owned());
        Self { number, path, len_bytes: 0, is_missing: true, bytes: Vec::new(), header }
    }

    /// Reads, and when opening first syncs, the head of a slab.
    fn read(disk: &dyn Disk, directory: &Path, number: u64, mode: SurveyMode) -> Result<Self, OpenError> {
        let path = slab_path(directory, number);
        let file = disk.open(&path, OpenMode::Read).map_err(io_error("open", &path))?;
        if mode == SurveyMode::Open {
            sabotage::SYNC_OPENED_SLAB.guard(|| file.sync()).map_err(io_error("sync", &path))?;
        }
        let len_bytes = file.len_bytes().map_err(io_error("length", &path))?;
        let mut bytes = vec![0; HEAD_BYTES.min(crate::bytes::narrow(len_bytes))];
        file.read_exact_at(&mut bytes, 0).map_err(io_error("read", &path))?;
        let header = match SlabHeader::decode(&bytes) {
            Ok(header) if header.number != number => {
                return Err(corrupt(&path, 0, format!("it is slab {} under another name", header.number)));
            }
            Ok(header) => Ok(header),
            Err(BadSlab::Damaged(reason)) => Err(reason.to_owned()),
            Err(BadSlab::NewerVersion(found)) => {
                return Err(OpenError::UnsupportedVersion {
                    file: path,
                    found,
                    newest_known: FORMAT_VERSION,
                });
            }
        };
        Ok(Self { number, path, len_bytes, is_missing: false, bytes, header })
    }

    fn head(self, header: SlabHeader) -> Head {
        let checkpoint = self.bytes.get(SLAB_HEADER_BYTES..).and_then(|frame| {
            let first = Header::decode(frame, header.salt, FIRST_FRAME)?;
            let meta = frame.get(FRAME_HEADER_BYTES..).filter(|meta| checksum(meta) == first.meta_crc)?;
            (first.kind == KIND_CHECKPOINT).then_some(())?;
            Some((first, predecessor_end(meta)?))
        });
        Head { header, path: self.path, len_bytes: self.len_bytes, is_missing: self.is_missing, checkpoint }
    }

    /// The salt in a damaged header, if the first frame says that it is right: as it stands, or with one bit flipped back.
    fn own_salt(&self) -> Option<u64> {
        let salt = SlabHeader::salt_in(&self.bytes)?;
        let frame = self.bytes.get(SLAB_HEADER_BYTES..)?;
        let flips = std::iter::once(0).chain((0..u64::BITS).map(|bit| 1 << bit));
        flips.map(|flip| salt ^ flip).find(|salt| Header::decode(frame, *salt, FIRST_FRAME).is_some())
    }

    fn damage(&self, reason: impl Into<String>) -> Damage {
        let from = Position::new(self.number, 0);
        Damage {
            file: self.path.clone(),
            from,
            to: if self.is_missing { from } else { Position::new(self.number, FIRST_FRAME) },
            reason: reason.into(),
            record: None,
            note: None,
            index: None,
            has_frames: self.is_missing,
        }
    }
}

/// Tells what each slab's header says, or should say: where one is damaged, its successor names its salt. The newest, which has none,
/// can be helped only as far as its own bytes go. Headers that are whole and don't fit each other are no damage, but files that don't
/// belong here: those are refused.
fn resolve(found: Vec<Found>) -> Result<(Vec<Head>, Vec<Damage>), OpenError> {
    check_links(&found)?;
    let before_newest =
        found.len().checked_sub(2).and_then(|at| found.get(at)).and_then(|slab| slab.header.clone().ok());
    let (mut heads, mut damage): (Vec<Head>, Vec<Damage>) = (Vec::new(), Vec::new());
    let mut successor: Option<(SlabHeader, bool)> = None;
    for slab in found.into_iter().rev() {
        let (header, is_own) = match (&slab.header, &successor) {
            (Ok(header), _) => (*header, true),
            (Err(reason), None) => {
                let (Some(before), Some(salt)) = (before_newest, slab.own_salt()) else {
                    return Err(corrupt(&slab.path, 0, reason.clone()));
                };
                let predecessor = (before.number, before.salt);
                (SlabHeader { number: slab.number, salt, predecessor, ..before }, false)
            }
            (Err(_), Some((next, next_is_own))) => {
                let salt = if *next_is_own { Some(next.predecessor.1) } else { slab.own_salt() };
                let salt = salt.unwrap_or_default();
                (SlabHeader { number: slab.number, salt, predecessor: (0, 0), ..*next }, false)
            }
        };
        if let Err(reason) = &slab.header {
            damage.push(slab.damage(reason.clone()));
        }
        successor = Some((header, is_own));
        heads.push(slab.head(header));
    }
    heads.reverse();
    Ok((heads, damage))
}

/// Checks that each slab whose header is whole is of this log, and follows the one before it.
fn check_links(found: &[Found]) -> Result<(), OpenError> {
    let mut before: Option<&SlabHeader> = None;
    for slab in found {
        let Ok(header) = &slab.header else { continue };
        if let Some(before) = before {
            if header.identity != before.identity && sabotage::SLAB_IDENTITY.is_on() {
                return Err(corrupt(&slab.path, 0, "it belongs to another log"));
            }
            let follows = header.number != before.number + 1
                || header.predecessor == (before.number, before.salt)
                || sabotage::SLAB_LINK.is_off();
            if !follows {
                return Err(corrupt(&slab.path, 0, "it doesn't follow the slab before it"));
            }
        }
        before = Some(header);
    }
    Ok(())
}

/// What is damaged of an older slab, as far as its head and its length show it.
fn damage_of(head: &Head, successor: &Head) -> Vec<Damage> {
    let number = head.header.number;
    let damage = |from, to, reason: &str| Damage {
        file: head.path.clone(),
        from: Position::new(number, from),
        to: Position::new(number, to),
        reason: reason.to_owned(),
        record: None,
        note: None,
        index: None,
        has_frames: true,
    };
    let mut found = Vec::new();
    if head.is_missing {
        return found;
    }
    let end = end_before(head, successor);
    if head.checkpoint.is_none() {
        found.push(damage(FIRST_FRAME, FIRST_FRAME, "the slab's checkpoint is damaged"));
    }
    if head.len_bytes < end && sabotage::PREDECESSOR_END.is_on() {
        found.push(damage(head.len_bytes, end, "the end of the slab is missing"));
    }
    found
}

/// Scans the newest slab, and the one before if the newest never came to be acknowledged.
fn judge(
    disk: &dyn Disk,
    mut slabs: Vec<Head>,
    newest: Head,
    mut damage: Vec<Damage>,
) -> Result<Survey, OpenError> {
    let file = disk.open(&newest.path, OpenMode::ReadWrite).map_err(io_error("open", &newest.path))?;
    // Best effort to judge what the medium holds, not what the cache remembers.
    file.forget_cached(0, newest.len_bytes);
    let scanned =
        scan(&*file, newest.header.salt, newest.len_bytes, false).map_err(io_error("read", &newest.path))?;
    let (end, torn) = match scanned.verdict {
        Verdict::Corrupt { .. } => {
            let base = pick(file, &newest, scanned.durable_through)?;
            slabs.push(newest);
            return with_base(disk, slabs, base, None, damage);
        }
        Verdict::Ends { at } => (at, None),
        Verdict::Cut { at, reason } => (at, Some(reason)),
    };
    if let (Some(_), Some(last)) = (scanned.first, scanned.last) {
        slabs.push(newest);
        let was_clean = last.kind == KIND_CLOSED && torn.is_none();
        let base =
            Base { end, last_index: last.index, was_clean, torn, is_damaged: false, torn_header: None, file };
        return with_base(disk, slabs, base, None, damage);
    }
    let is_first = newest.header.predecessor == (0, 0);
    let newest_number = newest.header.number;
    let dropped = Some(Dropped { head: newest, torn });
    let Some(base_head) = slabs.last() else {
        return match dropped {
            Some(Dropped { head, .. }) if !is_first => Err(corrupt(
                head.path,
                FIRST_FRAME,
                "the checkpoint is damaged and the slab before is missing",
            )),
            dropped => Ok(Survey { dropped, ..Survey::default() }),
        };
    };
    if base_head.is_missing {
        return Err(corrupt(&base_head.path, 0, "the slab is missing"));
    }
    // Of the one before the dropped slab nothing is told by a successor.
    let base_number = base_head.header.number;
    damage.retain(|damage| {
        damage.from.slab < newest_number && (damage.from.slab != base_number || !damage.has_frames)
    });
    let base = judge_predecessor(disk, base_head)?;
    if base.end <= FIRST_FRAME {
        // It was synced whole before the dropped one had its name, and nothing is left to tell what it held.
        return Err(corrupt(&base_head.path, FIRST_FRAME, "all frames of the slab are missing"));
    }
    with_base(disk, slabs, base, dropped, damage)
}

fn with_base(
    disk: &dyn Disk,
    slabs: Vec<Head>,
    base: Base,
    dropped: Option<Dropped>,
    damage: Vec<Damage>,
) -> Result<Survey, OpenError> {
    let mut survey = Survey { slabs, base: Some(base), dropped, damage, visit_from: 0 };
    for at in (0..survey.slabs.len()).rev() {
        if survey.begins_well(disk, at)? {
            survey.visit_from = at;
            return Ok(survey);
        }
    }
    let path = survey.slabs.last().map(|head| head.path.clone()).unwrap_or_default();
    Err(corrupt(path, FIRST_FRAME, "no slab's checkpoint is whole"))
}

impl Survey {
    /// Whether the checkpoint of the slab in place `at` is whole.
    fn begins_well(&self, disk: &dyn Disk, at: usize) -> Result<bool, OpenError> {
        let (Some(head), Some(end)) = (self.slabs.get(at), self.end_of(at)) else { return Ok(false) };
        if head.is_missing || head.len_bytes <= FIRST_FRAME {
            return Ok(false);
        }
        let opened;
        let file = match &self.base {
            Some(base) if at + 1 == self.slabs.len() => &*base.file,
            _ => {
                opened = disk.open(&head.path, OpenMode::Read).map_err(io_error("open", &head.path))?;
                &*opened
            }
        };
        let mut pieces = Pieces::new(file, head.header.salt, end.min(head.len_bytes), None);
        let piece = pieces.at(FIRST_FRAME).map_err(io_error("read", &head.path))?;
        Ok(matches!(piece, Piece::Good(header) if header.kind == KIND_CHECKPOINT))
    }
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
            is_damaged: false,
            torn_header: None,
            file,
        }),
        _ => pick(file, head, head.len_bytes),
    }
}

/// Where the frames of a damaged slab end: `durable_through` is the end of what was acknowledged, and from the first bad place after
/// that on nothing was.
fn pick(file: Box<dyn DiskFile>, head: &Head, durable_through: u64) -> Result<Base, OpenError> {
    let len_bytes = head.len_bytes;
    let mut pieces = Pieces::new(&*file, head.header.salt, len_bytes, None);
    let (mut offset, mut last_index, mut torn, mut torn_header) = (FIRST_FRAME, 0, None, None);
    while offset < len_bytes {
        match pieces.at(offset).map_err(io_error("read", &head.path))? {
            Piece::Good(header) => {
                offset += header.frame_len();
                last_index = last_index.max(header.index);
            }
            Piece::Bad { to, header, .. } if offset < durable_through => {
                last_index = last_index.max(header.map_or(0, |header| header.index));
                if header.is_none() && to == len_bytes {
                    offset = durable_through.min(len_bytes);
                    break;
                }
                offset = to;
            }
            Piece::Bad { to, reason, header, .. } => {
                torn_header = match header {
                    None if to < len_bytes => pieces.header_at(to).map_err(io_error("read", &head.path))?,
                    header => header,
                };
                let is_empty = pieces.is_zero_from(offset).map_err(io_error("read", &head.path))?;
                torn = (!is_empty).then_some(reason);
                break;
            }
        }
    }
    drop(pieces);
    Ok(Base { end: offset, last_index, was_clean: false, torn, is_damaged: true, torn_header, file })
}
