//! The log's records to parts. Reads forward from an object's first record and hands over, one at a time: the object's
//! opening, its parts, its seal. Every part is checked against its recorded sum before it is handed over. It can go
//! back to the object's first record, and look ahead for its seal. Knows the log and what its records mean.

use std::collections::VecDeque;
use std::sync::Arc;

use durable_queue::{Log, Position, ReadError, Reader, Through};
use thiserror::Error;

use super::buffers::{Filled, Pool};
use super::object_upload::{PartBody, Plan, SealInfo};
use crate::checksum::{CRC64_EMPTY, crc64_of};
use crate::record::{Cut, Quarantined, Record, RecordDecodeError};
use crate::sabotage;

/// Why nothing more can be loaded. What is in the log before it is not affected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The log can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A record can't be used.
    #[error("the record at {position} can't be used")]
    Record {
        /// Where it is.
        position: Position,
        /// Why.
        source: RecordDecodeError,
    },
    /// Stored bytes aren't the ones that were written.
    #[error(
        "part {part} of object {number} is damaged: entries from {first} on; the frame at {position}: {reason}"
    )]
    Damaged {
        /// Which object.
        number: u64,
        /// Which part of it.
        part: u32,
        /// Sequence number of the first entry of the batch that ends in this part.
        first: u64,
        /// Where the frame that ends in this part lies.
        position: Position,
        /// What is wrong.
        reason: String,
    },
    /// The object that comes next isn't there.
    #[error("the first record of object {number} is missing before {position}")]
    Missing {
        /// Which object.
        number: u64,
        /// What is there instead.
        position: Position,
    },
    /// Records contradict each other.
    #[error("the records at {position} contradict each other: {reason}")]
    Contradiction {
        /// Where.
        position: Position,
        /// How.
        reason: &'static str,
    },
}

impl LoadError {
    /// Whether the same may succeed later: the disk, or the number of open files, may recover; damage doesn't.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Read(ReadError::Io { .. }))
    }

    /// Whether stored bytes are damaged or missing.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Read(ReadError::Corrupt { .. }) | Self::Damaged { .. } | Self::Missing { .. })
    }
}

/// What comes next.
#[derive(Debug)]
pub enum Loaded {
    /// An object begins.
    Opened(Plan),
    /// A part of it, from 1.
    Part(u32, PartBody),
    /// It ends.
    Sealed(Sealed),
    /// Nothing more for now.
    Nothing,
}

/// The end of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// Length and sum.
    pub info: SealInfo,
    /// Sequence number after its last entry.
    pub next_sequence: u64,
    /// Where the next record is in the log.
    pub end: Position,
}

/// Where bytes come from.
#[derive(Debug)]
enum Source {
    Log(durable_queue::Record),
    /// What closes the stream of an object that ends early, and where the next object begins.
    Cut {
        trailer: Vec<u8>,
        end: Position,
    },
}

impl Source {
    fn len_bytes(&self) -> u64 {
        match self {
            Self::Log(record) => u64::from(record.payload_len),
            Self::Cut { trailer, .. } => trailer.len() as u64,
        }
    }

    fn position(&self) -> Position {
        match self {
            Self::Log(record) => record.position,
            Self::Cut { end, .. } => *end,
        }
    }

    /// Where the next record is.
    fn end(&self) -> Position {
        match self {
            Self::Log(record) => record.end,
            Self::Cut { end, .. } => *end,
        }
    }

    fn read(&self, reader: &mut Reader, from: u64, into: &mut [u8]) -> Result<(), ReadError> {
        match self {
            Self::Log(record) => reader.read_payload(record, from, into),
            Self::Cut { trailer, .. } => {
                let from = usize::try_from(from).unwrap_or(usize::MAX);
                if let Some(bytes) = trailer.get(from..from.saturating_add(into.len())) {
                    into.copy_from_slice(bytes);
                }
                Ok(())
            }
        }
    }
}

/// A record that is being worked through.
#[derive(Debug)]
struct Current {
    source: Source,
    /// How much of its payload is in parts.
    taken: u64,
    /// Sums of the parts it fills, in order.
    parts: VecDeque<u64>,
    /// Set for a seal.
    seal: Option<SealInfo>,
    first: u64,
}

/// The object that is being loaded.
#[derive(Debug)]
struct Object {
    plan: Plan,
    start: Position,
    next_part: u32,
    next_sequence: u64,
    /// Its length in bytes, with the batches that were read.
    len_bytes: u64,
    sealed: bool,
}

/// The loader.
#[derive(Debug)]
pub struct Loader {
    log: Log,
    reader: Reader,
    pool: Arc<Pool>,
    filled: Filled,
    current: Option<Current>,
    object: Option<Object>,
    /// The object that comes next, if that is known; those before it are passed over.
    number: Option<u64>,
    /// Where it is looked for.
    start: Position,
    /// How that one ends early, if it does.
    cut: Option<Quarantined>,
}

impl Loader {
    /// Reads from `cursor`, which lies before an object's first record. `parts_max` parts are held by others at most.
    pub fn new(log: Log, cursor: Position, parts_max: usize) -> Self {
        let reader = log.reader(cursor, through());
        let pool = Arc::new(Pool::new(parts_max.saturating_add(1)));
        Self {
            log,
            reader,
            pool,
            filled: Filled::default(),
            current: None,
            object: None,
            number: None,
            start: cursor,
            cut: None,
        }
    }

    /// The object that comes next, and how it ends early, if it does.
    pub fn expect(&mut self, number: u64, cut: Option<Quarantined>) {
        self.number = Some(number);
        self.cut = cut;
    }

    /// Where the object at hand begins; without one, where the next is looked for.
    pub fn start(&self) -> Position {
        self.object.as_ref().map_or(self.start, |object| object.start)
    }

    /// Whether an object is at hand.
    pub fn has_object(&self) -> bool {
        self.object.is_some()
    }

    /// Goes on with what follows the object.
    pub fn finish_object(&mut self, end: Position) {
        self.reader = self.log.reader(end, through());
        self.start = end;
        self.object = None;
        self.current = None;
        self.filled.clear();
    }

    /// Hands the object's parts over again, from the first.
    pub fn rewind(&mut self) {
        if sabotage::REWIND.is_off() {
            return;
        }
        let Some(object) = &mut self.object else { return };
        self.reader = self.log.reader(object.start, through());
        object.next_part = 1;
        object.len_bytes = 0;
        object.sealed = false;
        self.current = None;
        self.filled.clear();
    }

    /// Goes back to before the object was opened.
    pub fn forget_object(&mut self) {
        if let Some(start) = self.object.as_ref().map(|object| object.start) {
            self.finish_object(start);
        }
    }

    /// Looks ahead for the end of the object, reading no payload.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn look_for_seal(&self) -> Result<Option<Sealed>, LoadError> {
        let Some(object) = &self.object else { return Ok(None) };
        if let Some((cut, end)) = self.cut_of(object) {
            let info = SealInfo { len_bytes: end.len_bytes, crc64nvme: end.crc64nvme };
            return Ok(Some(Sealed { info, next_sequence: cut.next_sequence, end: cut.cursor }));
        }
        let mut ahead = self.log.reader(object.start, through());
        let (mut first, mut damage) = (None, None);
        loop {
            let record = match ahead.next() {
                Ok(Some(record)) => record,
                Ok(None) => return damage.map_or(Ok(None), |error: ReadError| Err(error.into())),
                // What was sent may have arrived: its end is all that is needed to recognise it.
                Err(error @ ReadError::Corrupt { .. }) => {
                    ahead.skip_damage()?;
                    damage.get_or_insert(error);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            match decode(&record)? {
                Record::Batch(batch) if batch.number == object.plan.number => {
                    first.get_or_insert(batch.first);
                }
                // After damage a seal may have been made that knows nothing of what is lost.
                Record::Seal(seal)
                    if seal.number == object.plan.number
                        && (damage.is_none()
                            || record.note.checked_sub(1) == first.map(|first| first + seal.entries)) =>
                {
                    let info = SealInfo { len_bytes: seal.len_bytes, crc64nvme: seal.crc64nvme };
                    let next_sequence = first.unwrap_or_default() + seal.entries;
                    return Ok(Some(Sealed { info, next_sequence, end: record.end }));
                }
                Record::Batch(_) if damage.is_some() => {
                    return damage.map_or(Ok(None), |error| Err(error.into()));
                }
                _ => {}
            }
        }
    }

    fn cut_of(&self, object: &Object) -> Option<(&Quarantined, &Cut)> {
        let cut = self.cut.as_ref().filter(|cut| cut.number == object.plan.number)?;
        Some((cut, cut.cut.as_ref()?))
    }

    /// The end that the object is given before its damaged part, if the reader has come there.
    fn end_early(&mut self, position: Position) -> bool {
        let Some(object) = &self.object else { return false };
        let Some((cut, end)) = self.cut_of(object).filter(|(cut, _)| position >= cut.from) else {
            return false;
        };
        let (first, next_sequence) = (cut.first, cut.next_sequence);
        let current = Current {
            source: Source::Cut { trailer: end.trailer.to_vec(), end: cut.cursor },
            taken: 0,
            parts: end.parts.clone().into(),
            seal: Some(SealInfo { len_bytes: end.len_bytes, crc64nvme: end.crc64nvme }),
            first,
        };
        self.current = Some(current);
        if let Some(object) = &mut self.object {
            object.next_sequence = next_sequence;
        }
        true
    }

    /// The reader is stopped by damage. If the next batch or seal shows that nothing of the object is missing before it, what was
    /// damaged was none of it: reading goes on there.
    fn passes_harmless_damage(&mut self) -> Result<bool, LoadError> {
        let mut ahead = self.log.reader(self.reader.position(), through());
        loop {
            let record = match ahead.next() {
                Ok(Some(record)) => record,
                Ok(None) => return Ok(false),
                Err(ReadError::Corrupt { .. }) => match ahead.skip_damage()?.and_then(|damage| damage.record)
                {
                    Some(record) if self.is_done_with(&decode(&record)?) => continue,
                    // That is a batch's or a seal's own payload.
                    Some(record) if record.payload_len > 0 => return Ok(false),
                    // Or nothing is damaged after all.
                    _ => continue,
                },
                Err(error) => return Err(error.into()),
            };
            let decoded = decode(&record)?;
            // What is left of objects that are in the bucket may be damaged as it likes.
            if self.is_done_with(&decoded) {
                continue;
            }
            let before = |len_bytes: u64| len_bytes.saturating_sub(u64::from(record.payload_len));
            let follows = match (decoded, &self.object) {
                (Record::Batch(batch), Some(object)) => {
                    batch.number == object.plan.number
                        && batch.first == object.next_sequence
                        && before(batch.len_bytes) == object.len_bytes
                }
                (Record::Batch(batch), None) => self.number == Some(batch.number) && batch.opening.is_some(),
                // A seal that was made after a batch's record was lost knows nothing of it: its note does.
                (Record::Seal(seal), Some(object)) => {
                    seal.number == object.plan.number
                        && before(seal.len_bytes) == object.len_bytes
                        && record.note.checked_sub(1).is_none_or(|next| next == object.next_sequence)
                }
                _ => continue,
            };
            if follows {
                self.reader = self.log.reader(record.position, through());
            }
            return Ok(follows);
        }
    }

    /// Whether a record is of an object that was uploaded before, though not all that said so is left.
    fn is_done_with(&self, record: &Record) -> bool {
        let Some(number) = self.number.filter(|_| self.object.is_none()) else { return false };
        match record {
            Record::Batch(batch) => batch.number < number,
            Record::Seal(seal) => seal.number <= number,
            _ => false,
        }
    }

    /// What comes next in the log.
    ///
    /// # Errors
    /// [`LoadError`]: the upload stops here.
    pub fn next(&mut self) -> Result<Loaded, LoadError> {
        loop {
            if self.current.is_some() {
                if let Some(loaded) = self.work()? {
                    return Ok(loaded);
                }
                continue;
            }
            if self.object.as_ref().is_some_and(|object| object.sealed) {
                return Ok(Loaded::Nothing);
            }
            let next = match self.reader.next() {
                Err(ReadError::Corrupt { .. }) if self.end_early(self.reader.position()) => continue,
                Err(error @ ReadError::Corrupt { .. }) => {
                    if self.passes_harmless_damage()? {
                        tracing::warn!("{error}; nothing that is to be uploaded is missing there");
                        continue;
                    }
                    return Err(error.into());
                }
                // A slab that is gone, and of which nothing tells where it ended, counts as released once it is the oldest. What
                // comes next shows by its number whether anything is missing.
                Err(ReadError::Released { oldest, .. })
                    if self.object.is_none() && oldest > self.reader.position() =>
                {
                    self.reader = self.log.reader(oldest, through());
                    continue;
                }
                next => next?,
            };
            let Some(record) = next else { return Ok(Loaded::Nothing) };
            let position = record.position;
            if self.end_early(position) {
                continue;
            }
            match decode(&record)? {
                record if self.is_done_with(&record) => {}
                Record::Batch(batch)
                    if self.object.is_none()
                        && let Some(number) = self.number
                        && (batch.number > number || batch.opening.is_none()) =>
                {
                    self.reader = self.log.reader(self.start, through());
                    return Err(LoadError::Missing { number, position });
                }
                Record::Batch(batch) => {
                    let next_sequence = batch.first + batch.entries;
                    let opened = match (&mut self.object, batch.opening) {
                        (None, Some(opening)) => {
                            let plan = Plan {
                                number: batch.number,
                                key: opening.key,
                                metadata: opening.metadata,
                                part_size_bytes: opening.part_size_bytes.max(1),
                            };
                            self.object = Some(Object {
                                plan: plan.clone(),
                                start: position,
                                next_part: 1,
                                next_sequence,
                                len_bytes: batch.len_bytes,
                                sealed: false,
                            });
                            Some(plan)
                        }
                        (Some(object), _) if object.plan.number == batch.number => {
                            object.next_sequence = next_sequence;
                            object.len_bytes = batch.len_bytes;
                            None
                        }
                        _ => {
                            let reason = "a batch belongs to no open object";
                            return Err(LoadError::Contradiction { position, reason });
                        }
                    };
                    self.current = Some(Current {
                        source: Source::Log(record),
                        taken: 0,
                        parts: batch.parts.into(),
                        seal: None,
                        first: batch.first,
                    });
                    if let Some(plan) = opened {
                        return Ok(Loaded::Opened(plan));
                    }
                }
                Record::Seal(seal)
                    if self.object.is_none()
                        && let Some(number) = self.number.filter(|number| seal.number > *number) =>
                {
                    self.reader = self.log.reader(self.start, through());
                    return Err(LoadError::Missing { number, position });
                }
                Record::Seal(seal) => {
                    let first = self.object.as_ref().map_or(0, |object| object.next_sequence);
                    let info = SealInfo { len_bytes: seal.len_bytes, crc64nvme: seal.crc64nvme };
                    let parts = seal.parts.into();
                    self.current = Some(Current {
                        source: Source::Log(record),
                        taken: 0,
                        parts,
                        seal: Some(info),
                        first,
                    });
                }
                _ => {}
            }
        }
    }

    /// Works through the present record; `None` when it is used up and more must be read.
    fn work(&mut self) -> Result<Option<Loaded>, LoadError> {
        let (Some(current), Some(object)) = (&mut self.current, &mut self.object) else {
            let position = self.reader.position();
            return Err(LoadError::Contradiction { position, reason: "a seal belongs to no open object" });
        };
        let part_size = usize::try_from(object.plan.part_size_bytes).unwrap_or(usize::MAX);
        let left = current.source.len_bytes() - current.taken;
        if left > 0 {
            if !self.filled.has_buffer() {
                self.filled = self.pool.take();
            }
            let take = (part_size - self.filled.len()).min(usize::try_from(left).unwrap_or(usize::MAX));
            // Should it fail, it may be tried again.
            current.source.read(&mut self.reader, current.taken, self.filled.room(take))?;
            self.filled.grow(take);
            current.taken += take as u64;
        }
        let used_up = current.taken == current.source.len_bytes();
        let ends_object = used_up && current.seal.is_some();
        if self.filled.len() == part_size || (ends_object && self.filled.len() > 0) {
            let crc64nvme = crc64_of(CRC64_EMPTY, self.filled.bytes());
            let number = object.next_part;
            if current.parts.pop_front() != Some(crc64nvme) && sabotage::PART_CHECKSUM.is_on() {
                let (first, position) = (current.first, current.source.position());
                let reason = self.what_is_damaged();
                return Err(LoadError::Damaged {
                    number: self.number(),
                    part: number,
                    first,
                    position,
                    reason,
                });
            }
            object.next_part += 1;
            let bytes = self.pool.lend(std::mem::take(&mut self.filled));
            return Ok(Some(Loaded::Part(number, PartBody { bytes, crc64nvme })));
        }
        if !used_up {
            return Ok(None);
        }
        let (seal, end) = (current.seal, current.source.end());
        self.current = None;
        Ok(seal.map(|info| {
            object.sealed = true;
            Loaded::Sealed(Sealed { info, next_sequence: object.next_sequence, end })
        }))
    }

    fn number(&self) -> u64 {
        self.object.as_ref().map_or(0, |object| object.plan.number)
    }

    /// Says which frame of the object is damaged, by each frame's own sum.
    fn what_is_damaged(&self) -> String {
        let Some(object) = &self.object else { return "no object".to_owned() };
        let mut reader = self.log.reader(object.start, through());
        let mut payload = Vec::new();
        loop {
            match reader.next() {
                Ok(Some(record)) => {
                    if let Err(error) = reader.read_checked(&record, &mut payload) {
                        return error.to_string();
                    }
                    let is_seal = matches!(decode(&record), Ok(Record::Seal(_)));
                    if is_seal {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => return error.to_string(),
            }
        }
        "each frame is whole, but the part's sum isn't the recorded one".to_owned()
    }
}

/// What is sent is durable: see rule 1 of the protocol.
fn through() -> Through {
    if sabotage::ONLY_DURABLE_IS_SENT.is_off() { Through::Written } else { Through::Durable }
}

pub(super) fn decode(record: &durable_queue::Record) -> Result<Record, LoadError> {
    Record::decode(record.kind, record.must_understand, &record.meta)
        .map_err(|source| LoadError::Record { position: record.position, source })
}

#[cfg(test)]
#[path = "loader_tests.rs"]
mod tests;
