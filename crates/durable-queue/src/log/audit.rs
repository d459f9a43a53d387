//! Every byte of a log checked and everything that is wrong with it told, not only the first: beside a running writer or
//! after its death. Changes nothing. Knows slabs and frames, and nothing of recovery: it is a second opinion.

use std::io;
use std::path::{Path, PathBuf};

use crate::bytes::{narrow, wide};
use crate::disk::{Disk, DiskFile, OpenMode};
use crate::error::OpenError;
use crate::frame::{
    CLIENT_KIND_MIN, Checksum, FRAME_ALIGNMENT, FRAME_HEADER_BYTES, Header, KIND_CHECKPOINT, KIND_CLOSED,
    checksum,
};
use crate::position::Position;
use crate::recovery::Record;
use crate::slab::{
    BadSlab, CHECKPOINT_META_BYTES, FIRST_FRAME, FORMAT_VERSION, LOCK_NAME, SLAB_HEADER_BYTES, SlabHeader,
    predecessor_end, slab_number, slab_path,
};
use crate::window::{READ_AHEAD_BYTES, Window};

/// What is read of each slab to know its neighbours.
const HEAD_BYTES: usize = SLAB_HEADER_BYTES + FRAME_HEADER_BYTES + CHECKPOINT_META_BYTES;

/// A slab as an audit found it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditedSlab {
    /// Its number.
    pub number: u64,
    /// Its file.
    pub file: PathBuf,
    /// Length of the file.
    pub len_bytes: u64,
    /// Where its last good frame ends.
    pub end_bytes: u64,
    /// How far its frames say that it was synced: of every slab but the newest, the whole.
    pub synced_bytes: u64,
    /// Good frames, the log's own among them.
    pub frames: u64,
}

/// Bytes, or a slab, that aren't what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditedDamage {
    /// The file.
    pub file: PathBuf,
    /// Where in it.
    pub offset_bytes: u64,
    /// The same as a position in the log.
    pub position: Position,
    /// How many bytes, up to the next good frame.
    pub len_bytes: u64,
    /// What is wrong.
    pub reason: String,
    /// Whether it lies below what was synced: opening the log refuses that. What isn't, was never acknowledged, and
    /// opening cuts it off.
    pub acknowledged: bool,
    /// The record whose payload it is, where header and meta are good.
    pub record: Option<Record>,
    /// The client's [note](crate::Frame::noted) as of the damaged frame, where its header is good and tells one.
    pub note: Option<u64>,
}

/// What an audit looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Audited {
    /// The log's identity; nothing if there is no log, or no slab says it.
    pub identity: Option<[u8; 16]>,
    /// What the process wrote about itself that has the log open just now; nothing if none has.
    pub holder: Option<String>,
    /// Whether it was closed in order.
    pub was_clean: bool,
    /// Its slabs, oldest first.
    pub slabs: Vec<AuditedSlab>,
}

/// Is told of everything in a log, in order.
pub trait Auditor {
    /// A checkpoint that is good.
    fn checkpoint(&mut self, file: &Path, position: Position, payload: &[u8]);

    /// A client's record that is good.
    fn record(&mut self, file: &Path, record: &Record, payload: &[u8]);

    /// Something that isn't.
    fn damage(&mut self, damage: &AuditedDamage);

    /// One of the log's own frames is good, and repeats this [note](crate::Frame::noted) of the last client's frame before it.
    fn noted(&mut self, note: u64) {
        let _ = note;
    }
}

/// Checks every slab and frame in `directory`, and tells `auditor`. Damage is no error, and doesn't end it.
///
/// Beside a running writer ([`Audited::holder`]) a look isn't one moment: what seems wrong then is worth a second look.
///
/// # Durability
/// What it tells may not be on the medium yet.
///
/// # Errors
/// [`OpenError::NotUsable`] if the directory can't be read; [`OpenError::UnsupportedVersion`].
pub fn audit(disk: &dyn Disk, directory: &Path, auditor: &mut dyn Auditor) -> Result<Audited, OpenError> {
    let not_usable = |source| OpenError::NotUsable { directory: directory.to_owned(), source };
    let holder = disk.lock_holder(&directory.join(LOCK_NAME)).map_err(not_usable)?;
    let entries = disk.entries(directory).map_err(not_usable)?;
    let mut numbers: Vec<u64> = entries
        .iter()
        .filter(|entry| !entry.is_directory)
        .filter_map(|entry| slab_number(&entry.name))
        .collect();
    numbers.sort_unstable();
    let mut heads: Vec<Head> = Vec::with_capacity(numbers.len());
    for number in numbers {
        match Head::read(disk, directory, number)? {
            Some(head) => heads.push(head),
            // Released since the directory was listed, and so all that are older.
            None => heads.clear(),
        }
    }
    let mut audited = Audited {
        identity: heads.iter().rev().find_map(|head| Some(head.header.as_ref().ok()?.identity)),
        holder,
        ..Audited::default()
    };
    let mut last_index = None;
    for (at, head) in heads.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| heads.get(before));
        let after = heads.get(at + 1);
        check_head(directory, before, head, audited.identity, auditor);
        let mut walk = Walk::new(head, after, last_index);
        walk.run(disk, auditor);
        last_index = walk.last.map(|last| last.index).filter(|_| !walk.ends_badly);
        audited.was_clean = walk.last.is_some_and(|last| last.kind == KIND_CLOSED) && !walk.has_torn;
        audited.slabs.push(walk.slab());
    }
    Ok(audited)
}

/// The head of a slab, as far as it can be read.
struct Head {
    number: u64,
    path: PathBuf,
    len_bytes: u64,
    header: Result<SlabHeader, String>,
    /// Where its checkpoint says that the slab before ends.
    predecessor_end: Option<u64>,
}

impl Head {
    fn read(disk: &dyn Disk, directory: &Path, number: u64) -> Result<Option<Self>, OpenError> {
        let path = slab_path(directory, number);
        let mut head = Self { number, path, len_bytes: 0, header: Err(String::new()), predecessor_end: None };
        let file = match disk.open(&head.path, OpenMode::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                head.header = Err(format!("it can't be opened: {error}"));
                return Ok(Some(head));
            }
            Ok(file) => file,
        };
        let read = file.len_bytes().and_then(|len_bytes| {
            head.len_bytes = len_bytes;
            let mut bytes = vec![0; HEAD_BYTES.min(narrow(len_bytes))];
            file.read_exact_at(&mut bytes, 0).map(|()| bytes)
        });
        let bytes = match read {
            Err(error) => {
                head.header = Err(format!("it can't be read: {error}"));
                return Ok(Some(head));
            }
            Ok(bytes) => bytes,
        };
        head.header = match SlabHeader::decode(&bytes) {
            Ok(header) => Ok(header),
            Err(BadSlab::Damaged(reason)) => Err(reason.to_owned()),
            Err(BadSlab::NewerVersion(found)) => {
                let (file, newest_known) = (head.path, FORMAT_VERSION);
                return Err(OpenError::UnsupportedVersion { file, found, newest_known });
            }
        };
        let salt = head.header.as_ref().map_or(0, |header| header.salt);
        head.predecessor_end = bytes.get(SLAB_HEADER_BYTES..).and_then(|frame| {
            let first = Header::decode(frame, salt, FIRST_FRAME)?;
            let meta = frame.get(FRAME_HEADER_BYTES..).filter(|meta| checksum(meta) == first.meta_crc)?;
            if first.kind == KIND_CHECKPOINT { predecessor_end(meta) } else { None }
        });
        Ok(Some(head))
    }
}

/// What a slab's header shows, by itself and beside the slab before.
fn check_head(
    directory: &Path,
    before: Option<&Head>,
    head: &Head,
    identity: Option<[u8; 16]>,
    auditor: &mut dyn Auditor,
) {
    let mut tell = |slab: u64, file: PathBuf, len_bytes, reason: String| {
        auditor.damage(&AuditedDamage {
            file,
            offset_bytes: 0,
            position: Position::new(slab, 0),
            len_bytes,
            reason,
            acknowledged: true,
            record: None,
            note: None,
        });
    };
    let first_missing = before.map_or(head.number, |before| before.number + 1);
    if first_missing < head.number {
        let more = head.number - first_missing - 1;
        let reason = match more {
            0 => "the slab is missing".to_owned(),
            more => format!("the slab is missing, and {more} after it"),
        };
        tell(first_missing, slab_path(directory, first_missing), 0, reason);
    }
    let header = match &head.header {
        Ok(header) => header,
        Err(reason) => return tell(head.number, head.path.clone(), wide(SLAB_HEADER_BYTES), reason.clone()),
    };
    let wrong = |reason: &str| reason.to_owned();
    if header.number != head.number {
        let reason = format!("it is slab {} under another name", header.number);
        tell(head.number, head.path.clone(), wide(SLAB_HEADER_BYTES), reason);
    } else if Some(header.identity) != identity {
        tell(head.number, head.path.clone(), wide(SLAB_HEADER_BYTES), wrong("it belongs to another log"));
    } else if let Some(Head { number, header: Ok(before), .. }) = before
        && *number + 1 == head.number
        && header.predecessor != (*number, before.salt)
    {
        let reason = wrong("it doesn't follow the slab before it");
        tell(head.number, head.path.clone(), wide(SLAB_HEADER_BYTES), reason);
    }
}

/// The way through one slab.
struct Walk<'h> {
    head: &'h Head,
    /// Nothing when not even the slab after tells it.
    salt: Option<u64>,
    /// Where its frames end, as the slab after says, or else the file.
    limit: u64,
    is_newest: bool,
    synced: u64,
    index_before: Option<u64>,
    last: Option<Header>,
    end: u64,
    frames: u64,
    has_torn: bool,
    /// How many frames there were at its end isn't known.
    ends_badly: bool,
    window: Window,
    payload: Vec<u8>,
}

/// What is at a place where a frame could begin.
enum Place {
    Good(Header),
    /// Header and meta are good, the payload isn't.
    BadPayload(Header),
    BadMeta(Header),
    None(&'static str),
}

impl<'h> Walk<'h> {
    fn new(head: &'h Head, after: Option<&Head>, index_before: Option<u64>) -> Self {
        let own = head.header.as_ref().ok().map(|header| header.salt);
        let told = after.and_then(|after| after.header.as_ref().ok()).map(|header| header.predecessor);
        let told = told.filter(|(number, _)| *number == head.number).map(|(_, salt)| salt);
        // A slab with no good checkpoint after it may be the newest for all that was acknowledged.
        let end =
            after.filter(|after| after.number == head.number + 1).and_then(|after| after.predecessor_end);
        Self {
            head,
            salt: own.or(told),
            limit: end.unwrap_or(head.len_bytes).min(head.len_bytes),
            is_newest: after.is_none(),
            synced: if after.is_some() { end.unwrap_or(head.len_bytes) } else { 0 },
            index_before,
            last: None,
            end: FIRST_FRAME,
            frames: 0,
            has_torn: false,
            ends_badly: true,
            window: Window::default(),
            payload: Vec::new(),
        }
    }

    fn slab(self) -> AuditedSlab {
        AuditedSlab {
            number: self.head.number,
            file: self.head.path.clone(),
            len_bytes: self.head.len_bytes,
            end_bytes: self.end,
            synced_bytes: self.synced,
            frames: self.frames,
        }
    }

    fn run(&mut self, disk: &dyn Disk, auditor: &mut dyn Auditor) {
        let Some(salt) = self.salt else {
            // Whatever was in it may have been acknowledged.
            self.synced = self.head.len_bytes.max(FIRST_FRAME + 1);
            let len_bytes = self.head.len_bytes.saturating_sub(FIRST_FRAME);
            let reason = "without the slab's header its frames can't be read".to_owned();
            return self.tell(FIRST_FRAME, len_bytes, reason, None, auditor);
        };
        let file = match disk.open(&self.head.path, OpenMode::Read) {
            Ok(file) => file,
            Err(error) => {
                return self.tell(FIRST_FRAME, 0, format!("it can't be opened: {error}"), None, auditor);
            }
        };
        file.forget_cached(0, self.head.len_bytes);
        if self.is_newest
            && let Err(error) = self.find_synced(&*file, salt)
        {
            return self.tell(self.end, 0, format!("it can't be read: {error}"), None, auditor);
        }
        let mut bad: Option<(u64, &'static str)> = None;
        let mut offset = FIRST_FRAME;
        while offset + wide(FRAME_HEADER_BYTES) <= self.limit {
            let place = match self.look(&*file, salt, offset) {
                Ok(place) => place,
                Err(error) => {
                    let at = bad.map_or(offset, |(at, _)| at);
                    return self.tell(
                        at,
                        self.limit - at,
                        format!("it can't be read: {error}"),
                        None,
                        auditor,
                    );
                }
            };
            let (Place::Good(header) | Place::BadPayload(header) | Place::BadMeta(header)) = &place else {
                let Place::None(reason) = place else { continue };
                bad.get_or_insert((offset, reason));
                offset += self.zeros(&*file, offset).max(FRAME_ALIGNMENT);
                continue;
            };
            let header = *header;
            if let Some((at, reason)) = bad.take() {
                self.tell(at, offset - at, reason.to_owned(), None, auditor);
            } else {
                self.check_index(&header, offset, auditor);
            }
            self.frame(&*file, &place, &header, offset, auditor);
            offset += header.frame_len();
        }
        self.finish(&*file, bad, offset, auditor);
    }

    /// What the frames of the newest slab say of how far it was synced.
    fn find_synced(&mut self, file: &dyn DiskFile, salt: u64) -> io::Result<()> {
        let mut offset = FIRST_FRAME;
        while offset + wide(FRAME_HEADER_BYTES) <= self.limit {
            let bytes = self.window.get(file, offset, FRAME_HEADER_BYTES, self.limit, READ_AHEAD_BYTES)?;
            let header = Header::decode(bytes, salt, offset).filter(Header::is_within_limits);
            offset += match header {
                Some(header) if offset + header.frame_len() <= self.limit => {
                    if header.durable_through <= offset {
                        self.synced = self.synced.max(header.durable_through);
                    }
                    header.frame_len()
                }
                _ => self.zeros(file, offset).max(FRAME_ALIGNMENT),
            };
        }
        Ok(())
    }

    /// How many bytes from `offset` on are zero, in whole words, as far as the window reaches.
    fn zeros(&mut self, file: &dyn DiskFile, offset: u64) -> u64 {
        let len = FRAME_HEADER_BYTES.min(narrow(self.limit.saturating_sub(offset)));
        if self.window.get(file, offset, len, self.limit, READ_AHEAD_BYTES).is_err() {
            return 0;
        }
        let (words, _) = self.window.rest(offset).as_chunks::<8>();
        wide(words.iter().take_while(|word| **word == [0; 8]).count()) * FRAME_ALIGNMENT
    }

    fn look(&mut self, file: &dyn DiskFile, salt: u64, offset: u64) -> io::Result<Place> {
        let bytes = self.window.get(file, offset, FRAME_HEADER_BYTES, self.limit, READ_AHEAD_BYTES)?;
        let Some(header) = Header::decode(bytes, salt, offset) else {
            let is_zero = bytes.iter().all(|byte| *byte == 0);
            return Ok(Place::None(if is_zero {
                "zeros are where a frame was"
            } else {
                "a header's checksum is wrong"
            }));
        };
        if !header.is_within_limits() || header.durable_through > offset {
            return Ok(Place::None("a header's fields are out of bounds"));
        }
        if offset + header.frame_len() > self.limit {
            return Ok(Place::None("a frame is cut off"));
        }
        let meta = offset + wide(FRAME_HEADER_BYTES);
        if self.sum(file, meta, u64::from(header.meta_len))? != header.meta_crc {
            return Ok(Place::BadMeta(header));
        }
        let payload = offset + header.payload_start();
        if self.sum(file, payload, u64::from(header.payload_len))? != header.payload_crc {
            return Ok(Place::BadPayload(header));
        }
        Ok(Place::Good(header))
    }

    fn sum(&mut self, file: &dyn DiskFile, from: u64, len: u64) -> io::Result<u64> {
        let mut sum = Checksum::new();
        let (mut offset, end) = (from, from + len);
        while offset < end {
            let piece = narrow(end - offset).min(READ_AHEAD_BYTES);
            sum.update(self.window.get(file, offset, piece, self.limit, READ_AHEAD_BYTES)?);
            offset += wide(piece);
        }
        Ok(sum.value())
    }

    /// Frames are numbered without a gap over the whole log.
    fn check_index(&mut self, header: &Header, offset: u64, auditor: &mut dyn Auditor) {
        let before = self.last.map(|last| last.index).or(self.index_before);
        if before.is_some_and(|before| header.index != before.wrapping_add(1)) {
            self.tell(offset, 0, "a frame isn't the one that follows".to_owned(), None, auditor);
        }
    }

    fn frame(
        &mut self,
        file: &dyn DiskFile,
        place: &Place,
        header: &Header,
        offset: u64,
        auditor: &mut dyn Auditor,
    ) {
        let (len, position) = (header.frame_len(), Position::new(self.head.number, offset));
        self.last = Some(*header);
        if matches!(place, Place::BadMeta(_)) {
            let reason = "the checksum of a frame's meta is wrong".to_owned();
            return self.tell_noted(offset, len, reason, None, Some(header.note), auditor);
        }
        let meta_len = narrow(u64::from(header.meta_len));
        let meta_at = offset + wide(FRAME_HEADER_BYTES);
        let meta = self.window.get(file, meta_at, meta_len, self.limit, READ_AHEAD_BYTES).map(<[u8]>::to_vec);
        let is_good = matches!(place, Place::Good(_));
        self.payload.clear();
        let read = meta.and_then(|meta| {
            if is_good {
                self.payload.resize(narrow(u64::from(header.payload_len)), 0);
                file.read_exact_at(&mut self.payload, offset + header.payload_start())?;
            }
            Ok(meta)
        });
        let meta = match read {
            Ok(meta) => meta,
            Err(error) => return self.tell(offset, len, format!("it can't be read: {error}"), None, auditor),
        };
        let is_record = header.kind >= CLIENT_KIND_MIN;
        let record = is_record.then(|| Record::new(header, position, meta));
        if !is_good {
            let reason = "the checksum of a frame's payload is wrong".to_owned();
            return self.tell_noted(offset, len, reason, record, Some(header.note), auditor);
        }
        self.frames += 1;
        self.end = offset + len;
        match record {
            Some(record) => auditor.record(&self.head.path, &record, &self.payload),
            None if header.kind == KIND_CHECKPOINT => {
                auditor.checkpoint(&self.head.path, position, &self.payload);
            }
            None if header.note > 0 => auditor.noted(header.note),
            None => {}
        }
    }

    /// The end of the slab: what is left isn't enough for a frame.
    fn finish(
        &mut self,
        file: &dyn DiskFile,
        bad: Option<(u64, &'static str)>,
        offset: u64,
        auditor: &mut dyn Auditor,
    ) {
        if !self.is_newest && self.head.len_bytes < self.synced {
            let reason = "the end of the slab is missing".to_owned();
            return self.tell(self.head.len_bytes, self.synced - self.head.len_bytes, reason, None, auditor);
        }
        let (at, reason) = bad.unwrap_or((offset.min(self.limit), "a header is cut off"));
        if at >= self.limit {
            self.ends_badly = false;
            return;
        }
        let is_zero = self.is_zero(file, at);
        // Room that was reserved and never written.
        if is_zero && self.is_newest && at >= self.synced {
            self.ends_badly = false;
            return;
        }
        self.tell(at, self.limit - at, reason.to_owned(), None, auditor);
    }

    fn is_zero(&mut self, file: &dyn DiskFile, from: u64) -> bool {
        let mut offset = from;
        while offset < self.limit {
            let piece = narrow(self.limit - offset).min(READ_AHEAD_BYTES);
            match self.window.get(file, offset, piece, self.limit, READ_AHEAD_BYTES) {
                Ok(bytes) if bytes.iter().all(|byte| *byte == 0) => offset += wide(piece),
                _ => return false,
            }
        }
        true
    }

    fn tell(
        &mut self,
        offset_bytes: u64,
        len_bytes: u64,
        reason: String,
        record: Option<Record>,
        auditor: &mut dyn Auditor,
    ) {
        self.tell_noted(offset_bytes, len_bytes, reason, record, None, auditor);
    }

    fn tell_noted(
        &mut self,
        offset_bytes: u64,
        len_bytes: u64,
        reason: String,
        record: Option<Record>,
        note: Option<u64>,
        auditor: &mut dyn Auditor,
    ) {
        let acknowledged = !self.is_newest || self.synced > offset_bytes;
        self.has_torn |= !acknowledged;
        let (file, position) = (self.head.path.clone(), Position::new(self.head.number, offset_bytes));
        let note = note.filter(|note| *note > 0);
        auditor.damage(&AuditedDamage {
            file,
            offset_bytes,
            position,
            len_bytes,
            reason,
            acknowledged,
            record,
            note,
        });
    }
}
