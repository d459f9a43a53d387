//! The log's records to parts. Reads forward from an object's first record and hands over, one at a time: the object's
//! opening, its parts, its seal. Every part is checked against its recorded sum before it is handed over. It can go
//! back to the object's first record, and look ahead for its seal. Knows the log and what its records mean.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use durable_queue::{Log, Position, ReadError, Reader, Through};
use thiserror::Error;

use super::object_upload::{PartBody, Plan, SealInfo};
use crate::checksum::{CRC64_EMPTY, crc64_of};
use crate::record::{Record, RecordDecodeError};
use crate::sabotage;
use crate::sync::lock;

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

/// Buffers of parts, used again when the last reader of one is gone.
#[derive(Debug, Default)]
struct Pool {
    spare: Mutex<Vec<Vec<u8>>>,
    spare_max: usize,
}

impl Pool {
    fn take(&self) -> Vec<u8> {
        lock(&self.spare).pop().unwrap_or_default()
    }
}

/// A part's buffer, on loan.
struct Loan {
    buffer: Vec<u8>,
    pool: Arc<Pool>,
}

impl AsRef<[u8]> for Loan {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let mut spare = lock(&self.pool.spare);
        if spare.len() < self.pool.spare_max {
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.clear();
            spare.push(buffer);
        }
    }
}

/// A record that is being worked through.
#[derive(Debug)]
struct Current {
    record: durable_queue::Record,
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
    sealed: bool,
}

/// The loader.
#[derive(Debug)]
pub struct Loader {
    log: Log,
    reader: Reader,
    pool: Arc<Pool>,
    buffer: Vec<u8>,
    current: Option<Current>,
    object: Option<Object>,
}

impl Loader {
    /// Reads from `cursor`, which lies before an object's first record. `parts_max` parts are held by others at most.
    pub fn new(log: Log, cursor: Position, parts_max: usize) -> Self {
        let reader = log.reader(cursor, through());
        let pool = Arc::new(Pool { spare: Mutex::default(), spare_max: parts_max.saturating_add(1) });
        Self { log, reader, pool, buffer: Vec::new(), current: None, object: None }
    }

    /// Goes on with what follows the object.
    pub fn finish_object(&mut self, end: Position) {
        self.reader = self.log.reader(end, through());
        self.object = None;
        self.current = None;
        self.buffer.clear();
    }

    /// Hands the object's parts over again, from the first.
    pub fn rewind(&mut self) {
        if sabotage::REWIND.is_off() {
            return;
        }
        let Some(object) = &mut self.object else { return };
        self.reader = self.log.reader(object.start, through());
        object.next_part = 1;
        object.sealed = false;
        self.current = None;
        self.buffer.clear();
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
        let mut ahead = self.log.reader(object.start, through());
        let mut next_sequence = 0;
        while let Some(record) = ahead.next()? {
            match decode(&record)? {
                Record::Batch(batch) => next_sequence = batch.first + batch.entries,
                Record::Seal(seal) => {
                    let info = SealInfo { len_bytes: seal.len_bytes, crc64nvme: seal.crc64nvme };
                    return Ok(Some(Sealed { info, next_sequence, end: record.end }));
                }
                _ => {}
            }
        }
        Ok(None)
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
            let Some(record) = self.reader.next()? else { return Ok(Loaded::Nothing) };
            let position = record.position;
            match decode(&record)? {
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
                                sealed: false,
                            });
                            Some(plan)
                        }
                        (Some(object), _) if object.plan.number == batch.number => {
                            object.next_sequence = next_sequence;
                            None
                        }
                        _ => {
                            let reason = "a batch belongs to no open object";
                            return Err(LoadError::Contradiction { position, reason });
                        }
                    };
                    self.current = Some(Current {
                        record,
                        taken: 0,
                        parts: batch.parts.into(),
                        seal: None,
                        first: batch.first,
                    });
                    if let Some(plan) = opened {
                        return Ok(Loaded::Opened(plan));
                    }
                }
                Record::Seal(seal) => {
                    let first = self.object.as_ref().map_or(0, |object| object.next_sequence);
                    let info = SealInfo { len_bytes: seal.len_bytes, crc64nvme: seal.crc64nvme };
                    let parts = seal.parts.into();
                    self.current = Some(Current { record, taken: 0, parts, seal: Some(info), first });
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
        let left = u64::from(current.record.payload_len) - current.taken;
        if left > 0 {
            if self.buffer.is_empty() {
                self.buffer = self.pool.take();
            }
            let start = self.buffer.len();
            let take = (part_size - start).min(usize::try_from(left).unwrap_or(usize::MAX));
            self.buffer.resize(start + take, 0);
            let into = self.buffer.get_mut(start..).unwrap_or_default();
            if let Err(error) = self.reader.read_payload(&current.record, current.taken, into) {
                // It may be tried again.
                self.buffer.truncate(start);
                return Err(error.into());
            }
            current.taken += take as u64;
        }
        let used_up = current.taken == u64::from(current.record.payload_len);
        let ends_object = used_up && current.seal.is_some();
        if self.buffer.len() == part_size || (ends_object && !self.buffer.is_empty()) {
            let crc64nvme = crc64_of(CRC64_EMPTY, &self.buffer);
            let number = object.next_part;
            if current.parts.pop_front() != Some(crc64nvme) && sabotage::PART_CHECKSUM.is_on() {
                let (first, position) = (current.first, current.record.position);
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
            let buffer = std::mem::take(&mut self.buffer);
            let bytes = Bytes::from_owner(Loan { buffer, pool: Arc::clone(&self.pool) });
            return Ok(Some(Loaded::Part(number, PartBody { bytes, crc64nvme })));
        }
        if !used_up {
            return Ok(None);
        }
        let (seal, end) = (current.seal, current.record.end);
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

fn decode(record: &durable_queue::Record) -> Result<Record, LoadError> {
    Record::decode(record.kind, record.must_understand, &record.meta)
        .map_err(|source| LoadError::Record { position: record.position, source })
}
