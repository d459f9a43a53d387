//! Reading records in order, beside the writer. Takes the log's lock only to look at the watermark. Knows commit, slabs and
//! frames.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::bytes::{narrow, wide};
use crate::commit::{Commit, OpenFile};
use crate::disk::{DiskFile, OpenMode};
use crate::error::ReadError;
use crate::frame::{CLIENT_KIND_MIN, FRAME_HEADER_BYTES, Header, checksum};
use crate::position::Position;
use crate::recovery::{Damage, Piece, Pieces, Record};
use crate::sabotage;
use crate::slab::{FIRST_FRAME, SLAB_HEADER_BYTES, SlabHeader, slab_path};
use crate::window::{READ_AHEAD_BYTES, Window};

/// How far a reader goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    /// To [`Log::written`](crate::Log::written): a power loss may undo what is read.
    Written,
    /// To [`Log::durable`](crate::Log::durable).
    Durable,
}

/// Files kept open: the one headers are read from, and those payloads are read from behind it.
const OPEN_FILES_MAX: usize = 4;
/// Payloads at least this large are read straight into the caller's buffer.
const LARGE_BYTES: usize = 64 << 10;
/// How much is read ahead for headers between large payloads, where more would be read for nothing.
const SMALL_AHEAD_BYTES: usize = 4 << 10;
/// How far behind the reader the page cache is given up, so that what is read again soon is still there. BookKeeper keeps the
/// same distance (`JournalChannel.java`).
const FORGET_LAG_BYTES: u64 = 8 << 20;

#[derive(Debug)]
struct OpenSlab {
    number: u64,
    salt: u64,
    path: PathBuf,
    file: Arc<OpenFile>,
}

/// Reads records in order. Made by [`Log::reader`](crate::Log::reader); goes on working after the log failed or was closed.
#[derive(Debug)]
pub struct Reader {
    commit: Arc<Commit>,
    through: Through,
    position: Position,
    /// The watermark when it was last looked at, and where the slab that was last asked for ends, so that most records cost
    /// no look at what is shared.
    limit: Position,
    known_end: Position,
    /// The index that the next frame must have, once one was read.
    next_index: Option<u64>,
    open: VecDeque<Arc<OpenSlab>>,
    headers: Window,
    headers_slab: u64,
    headers_ahead: usize,
    payloads: Window,
    payloads_slab: u64,
    forgotten: Position,
}

impl Reader {
    pub(super) fn new(commit: Arc<Commit>, from: Position, through: Through) -> Self {
        Self {
            commit,
            through,
            position: from,
            limit: Position::ZERO,
            known_end: Position::ZERO,
            next_index: None,
            open: VecDeque::new(),
            headers: Window::default(),
            headers_slab: 0,
            headers_ahead: READ_AHEAD_BYTES,
            payloads: Window::default(),
            payloads_slab: 0,
            forgotten: Position::ZERO,
        }
    }

    /// Where the next frame is looked for.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The next client's record; nothing if there is none up to the watermark for now: call again later.
    ///
    /// # Errors
    /// See [`ReadError`]. The position stays.
    #[expect(
        clippy::should_implement_trait,
        reason = "it isn't an iterator: after nothing, something may come"
    )]
    pub fn next(&mut self) -> Result<Option<Record>, ReadError> {
        if self.position == Position::ZERO {
            self.position = Position::new(self.commit.oldest(), FIRST_FRAME);
        }
        if self.position >= self.limit {
            self.limit = self.watermark();
        }
        while self.position < self.limit {
            let end = self.slab_end(self.position.slab)?;
            // Beyond its end, too, if it is gone: of a slab that was cut short by somebody else it may not be known where it ended.
            let is_at_end = self.position.offset_bytes == end
                || (self.position.offset_bytes > end && self.position.slab < self.commit.oldest());
            if is_at_end && self.position.slab < self.limit.slab {
                self.position = Position::new(self.position.slab + 1, FIRST_FRAME);
                continue;
            }
            let (header, record) = self.frame(end)?;
            self.next_index = Some(header.index.wrapping_add(1));
            self.position.offset_bytes += header.frame_len();
            let is_large = narrow(u64::from(header.payload_len)) >= LARGE_BYTES;
            self.headers_ahead = if is_large { SMALL_AHEAD_BYTES } else { READ_AHEAD_BYTES };
            if let Some(record) = record {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// After [`Reader::next`] has failed with [`ReadError::Corrupt`]: passes over what is damaged, to the next good frame of that slab or
    /// else to its end, and says what it was. Nothing, if what is there can be read after all.
    ///
    /// # Errors
    /// See [`ReadError`]. The position stays.
    pub fn skip_damage(&mut self) -> Result<Option<Damage>, ReadError> {
        let position = self.position;
        if position >= self.watermark() {
            return Ok(None);
        }
        let end = self.slab_end(position.slab)?;
        let path = slab_path(&self.commit.options.directory, position.slab);
        let damage = |to: u64, reason: String, header: Option<Header>, record| Damage {
            file: path.clone(),
            from: position,
            to: Position::new(position.slab, to),
            reason,
            record,
            note: header.map(|header| header.note),
            index: header.map(|header| header.index),
            has_frames: true,
        };
        let (to, found) = match self.slab(position.slab) {
            // Of a slab that was cut short or lost it may not be known where it ended.
            _ if position.offset_bytes > end && position.slab < self.watermark().slab => {
                self.position = Position::new(position.slab + 1, FIRST_FRAME);
                self.next_index = None;
                self.headers.clear();
                let reason = "the end of the slab is missing".to_owned();
                return Ok(Some(damage(position.offset_bytes, reason, None, None)));
            }
            Ok(slab) => {
                let file = self.file(&slab)?;
                let read = |source| ReadError::Io { path: slab.path.clone(), source };
                let readable = end.min(file.len_bytes().map_err(read)?);
                if position.offset_bytes >= readable {
                    (end, damage(end, "the end of the slab is missing".to_owned(), None, None))
                } else {
                    let mut pieces = Pieces::new(&*file, slab.salt, readable, None);
                    match pieces.at(position.offset_bytes).map_err(read)? {
                        Piece::Good(header) if self.next_index.is_none_or(|next| next == header.index) => {
                            return Ok(None);
                        }
                        Piece::Good(header) => {
                            // Frames before this one are gone, without a trace of where they were.
                            self.next_index = Some(header.index);
                            let reason = "a frame isn't the one that follows".to_owned();
                            (position.offset_bytes, damage(position.offset_bytes, reason, None, None))
                        }
                        Piece::Bad { to, reason, header, has_meta } => {
                            let to = if to == readable { end } else { to };
                            let mut record = None;
                            if let Some(header) =
                                header.filter(|header| has_meta && header.kind >= CLIENT_KIND_MIN)
                            {
                                let mut meta = vec![0; narrow(u64::from(header.meta_len))];
                                let meta_at = position.offset_bytes + wide(FRAME_HEADER_BYTES);
                                file.read_exact_at(&mut meta, meta_at).map_err(read)?;
                                record = Some(Record::new(&header, position, meta));
                            }
                            (to, damage(to, reason.to_owned(), header, record))
                        }
                    }
                }
            }
            Err(ReadError::Corrupt { reason, .. }) => (end, damage(end, reason, None, None)),
            Err(error) => return Err(error),
        };
        if to > position.offset_bytes {
            self.position = Position::new(position.slab, to);
            self.next_index = None;
        }
        // Read again what was read ahead.
        self.headers.clear();
        Ok(Some(found))
    }

    fn watermark(&self) -> Position {
        match self.through {
            Through::Written => self.commit.written(),
            Through::Durable => self.commit.durable(),
        }
    }

    /// Where the readable part of slab `number` ends.
    fn slab_end(&mut self, number: u64) -> Result<u64, ReadError> {
        if number == self.limit.slab {
            return Ok(self.limit.offset_bytes);
        }
        if self.known_end.slab != number {
            // A slab before the watermark's has ended, so it is unknown only if it is gone.
            let Some(end) = self.commit.slab_end(number) else {
                let oldest = Position::new(self.commit.oldest(), FIRST_FRAME);
                return Err(ReadError::Released { position: self.position, oldest });
            };
            self.known_end = Position::new(number, end);
        }
        Ok(self.known_end.offset_bytes)
    }

    /// The frame at the position, which must end at or before `end`; the record in it if it is a client's.
    fn frame(&mut self, end: u64) -> Result<(Header, Option<Record>), ReadError> {
        let position = self.position;
        let slab = self.slab(position.slab)?;
        let corrupt = |reason: &str| ReadError::Corrupt {
            file: slab.path.clone(),
            offset_bytes: position.offset_bytes,
            reason: reason.to_owned(),
        };
        let read = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof => corrupt("a frame is cut off"),
            _ => ReadError::Io { path: slab.path.clone(), source },
        };
        if std::mem::replace(&mut self.headers_slab, slab.number) != slab.number {
            self.headers.clear();
        }
        let (file, ahead) = (self.file(&slab)?, self.headers_ahead);
        let bytes =
            self.headers.get(&*file, position.offset_bytes, FRAME_HEADER_BYTES, end, ahead).map_err(read)?;
        let header = Header::decode(bytes, slab.salt, position.offset_bytes)
            .ok_or_else(|| corrupt("a header's checksum is wrong"))?;
        if !header.is_within_limits() || position.offset_bytes + header.frame_len() > end {
            return Err(corrupt("a header's fields are out of bounds"));
        }
        if self.next_index.is_some_and(|expected| header.index != expected) {
            return Err(corrupt("a frame isn't the one that follows"));
        }
        let meta_at = position.offset_bytes + wide(FRAME_HEADER_BYTES);
        let meta_len = narrow(u64::from(header.meta_len));
        let meta = self.headers.get(&*file, meta_at, meta_len, end, ahead).map_err(read)?;
        if checksum(meta) != header.meta_crc && sabotage::READ_META_CHECKSUM.is_on() {
            return Err(corrupt("the checksum of a frame's meta is wrong"));
        }
        let record = (header.kind >= CLIENT_KIND_MIN).then(|| Record::new(&header, position, meta.to_vec()));
        Ok((header, record))
    }

    /// Fills `buffer` with the payload's bytes from `from` on. Small reads in order are served from a window of 256 KiB,
    /// large ones go straight into `buffer`. Checks no checksum: whoever reads in pieces keeps a running one.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read_payload(&mut self, record: &Record, from: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let payload_len = u64::from(record.payload_len);
        let to = from.saturating_add(wide(buffer.len()));
        if to > payload_len {
            return Err(ReadError::OutOfRange { from, to, payload_len });
        }
        let slab = self.slab(record.payload.slab)?;
        let offset = record.payload.offset_bytes + from;
        let end = record.payload.offset_bytes + payload_len;
        let read = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof => ReadError::Corrupt {
                file: slab.path.clone(),
                offset_bytes: offset,
                reason: "a frame is cut off".to_owned(),
            },
            _ => ReadError::Io { path: slab.path.clone(), source },
        };
        if self.headers_slab == slab.number
            && let Some(bytes) = self.headers.held(offset, buffer.len())
        {
            buffer.copy_from_slice(bytes);
            return Ok(());
        }
        if buffer.len() >= LARGE_BYTES {
            return self.file(&slab)?.read_exact_at(buffer, offset).map_err(read);
        }
        if std::mem::replace(&mut self.payloads_slab, slab.number) != slab.number {
            self.payloads.clear();
        }
        // Records are read one after the other: what follows this one is most likely wanted next, as far as it is written.
        let readable = match self.watermark() {
            limit if limit.slab == slab.number => limit.offset_bytes,
            _ => self.commit.slab_end(slab.number).unwrap_or(end),
        };
        let file = self.file(&slab)?;
        let bytes = self
            .payloads
            .get(&*file, offset, buffer.len(), readable.max(end), READ_AHEAD_BYTES)
            .map_err(read)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    /// Reads a record's whole payload into `payload`, and checks it.
    ///
    /// # Errors
    /// See [`ReadError`]; [`ReadError::Corrupt`] if its checksum is wrong.
    pub fn read_checked(&mut self, record: &Record, payload: &mut Vec<u8>) -> Result<(), ReadError> {
        payload.clear();
        payload.resize(narrow(u64::from(record.payload_len)), 0);
        self.read_payload(record, 0, payload)?;
        if checksum(payload) != record.payload_crc && sabotage::READ_PAYLOAD_CHECKSUM.is_on() {
            return Err(ReadError::Corrupt {
                file: self.slab(record.position.slab)?.path.clone(),
                offset_bytes: record.position.offset_bytes,
                reason: "the checksum of a frame's payload is wrong".to_owned(),
            });
        }
        Ok(())
    }

    /// The slab that a record lies in.
    pub fn file_of(&self, record: &Record) -> PathBuf {
        slab_path(&self.commit.options.directory, record.position.slab)
    }

    /// Tells the operating system that what lies before `position` won't be read again soon, some way behind it.
    pub fn forget_cached_before(&mut self, position: Position) {
        for slab in &self.open {
            let to = match slab.number.cmp(&position.slab) {
                std::cmp::Ordering::Less => self.commit.slab_end(slab.number).unwrap_or(0),
                std::cmp::Ordering::Equal => position.offset_bytes.saturating_sub(FORGET_LAG_BYTES),
                std::cmp::Ordering::Greater => 0,
            };
            let from = if self.forgotten.slab == slab.number { self.forgotten.offset_bytes } else { 0 };
            // In steps, so that it costs no system call for each record.
            if self.forgotten.slab <= slab.number && to >= from.saturating_add(FORGET_LAG_BYTES / 8) {
                if let Some(file) = slab.file.get() {
                    file.forget_cached(from, to - from);
                }
                self.forgotten = Position::new(slab.number, to);
            }
        }
    }

    /// The open file of slab `number`.
    fn slab(&mut self, number: u64) -> Result<Arc<OpenSlab>, ReadError> {
        if let Some(slab) = self.open.iter().find(|slab| slab.number == number) {
            return Ok(Arc::clone(slab));
        }
        let slab = Arc::new(self.open_slab(number)?);
        if self.open.len() >= OPEN_FILES_MAX {
            self.open.pop_front();
        }
        self.open.push_back(Arc::clone(&slab));
        Ok(slab)
    }

    /// Its file, unless the slab was removed meanwhile.
    fn file(&self, slab: &OpenSlab) -> Result<Arc<dyn DiskFile>, ReadError> {
        slab.file.get().ok_or_else(|| ReadError::Released {
            position: Position::new(slab.number, FIRST_FRAME),
            oldest: Position::new(self.commit.oldest().max(slab.number + 1), FIRST_FRAME),
        })
    }

    fn open_slab(&self, number: u64) -> Result<OpenSlab, ReadError> {
        let path = slab_path(&self.commit.options.directory, number);
        let oldest = self.commit.oldest();
        let file = self.commit.environment.disk.open(&path, OpenMode::Read).map_err(|source| {
            // A slab that is being removed just now is still counted for a moment.
            if source.kind() == io::ErrorKind::NotFound && self.commit.is_released(number) {
                let oldest = Position::new(oldest.max(number + 1), FIRST_FRAME);
                ReadError::Released { position: Position::new(number, FIRST_FRAME), oldest }
            } else if source.kind() == io::ErrorKind::NotFound {
                let reason = "the slab is missing".to_owned();
                ReadError::Corrupt { file: path.clone(), offset_bytes: 0, reason }
            } else {
                ReadError::Io { path: path.clone(), source }
            }
        })?;
        let corrupt = |reason: &str| ReadError::Corrupt {
            file: path.clone(),
            offset_bytes: 0,
            reason: reason.to_owned(),
        };
        let mut bytes = vec![0; SLAB_HEADER_BYTES];
        file.read_exact_at(&mut bytes, 0).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => corrupt("the file is shorter than a slab's header"),
            _ => ReadError::Io { path: path.clone(), source },
        })?;
        // Opening has said what is wrong with a header, and by which salt the frames can be read all the same.
        let own = SlabHeader::decode(&bytes).ok();
        let is_own = |header: &SlabHeader| header.number == number && header.identity == self.commit.identity;
        let own_salt = own.filter(is_own).map(|header| header.salt);
        let Some(salt) = own_salt.or_else(|| self.commit.slab_salt(number)) else {
            return Err(corrupt("the slab's header is damaged"));
        };
        let file = self.commit.open_files.add(number, file);
        if self.commit.oldest() > number {
            file.close();
        }
        Ok(OpenSlab { number, salt, path, file })
    }
}
