//! What damage in the log comes to: which object and which entries are damaged, what of them is whole, how the object can end
//! before it, and where the next object begins. Reads the log, changes nothing. Knows the log and what its records mean.

use std::fmt;
use std::path::{Path, PathBuf};

use durable_queue::{Damage, Log, Position, ReadError, Reader, Through};

use super::loader::{LoadError, decode};
use crate::object::{Predecessor, SealReason};
use crate::record::{Batch, Cut, OpenObject, Record, end_of};

/// A damaged place, and the entries it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The slab.
    pub file: PathBuf,
    /// Where it begins.
    pub from: Position,
    /// Where the next good record is.
    pub to: Position,
    /// What is wrong.
    pub reason: String,
    /// Sequence number of the first entry that is damaged.
    pub first: u64,
    /// Sequence number after the last; nothing if no record follows that would tell.
    pub next: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, from, to, reason, first, next } = self;
        write!(f, "{} is damaged at offset {}", file.display(), from.offset_bytes)?;
        if to.slab == from.slab && to > from {
            write!(f, " to {}", to.offset_bytes)?;
        }
        write!(f, " ({reason}): ")?;
        match next {
            Some(next) if next == first => write!(f, "no entry"),
            Some(next) if *next == first + 1 => write!(f, "entry {first}"),
            Some(next) => write!(f, "the entries {first} to {}", next - 1),
            None => write!(f, "the entries from {first} on, as far as anything is known"),
        }
    }
}

/// A batch after the damage that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodBatch {
    /// The object it was for.
    pub number: u64,
    /// Sequence number of its first entry.
    pub first: u64,
    /// How many.
    pub entries: u64,
    /// Where its bytes are.
    pub payload: Position,
    /// How many.
    pub len_bytes: u32,
    /// Their CRC-64/NVME.
    pub crc64nvme: u64,
}

/// The next object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// Its number.
    pub number: u64,
    /// Sequence number of its first entry.
    pub first: u64,
    /// Where it begins in the log.
    pub position: Position,
}

/// What damage comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The object that is next to be uploaded.
    pub number: u64,
    /// Its key, if its opening is whole.
    pub key: Option<String>,
    /// How its batches are compressed, if its opening is whole.
    pub compressor: Option<String>,
    /// Where the first damage is: nothing is read from here on.
    pub from: Position,
    /// Sequence number of the first entry from there on.
    pub first: u64,
    /// How the object ends before it, if anything of it is left.
    pub cut: Option<Cut>,
    /// The damaged places, in order.
    pub places: Vec<Place>,
    /// What is whole between them and the next object.
    pub good: Vec<GoodBatch>,
    /// The next object, if it has begun.
    pub next: Option<Next>,
}

impl Examined {
    /// Whether nothing is known to be lost so far: what follows will tell.
    pub fn is_open(&self) -> bool {
        self.good.is_empty()
            && self.places.iter().all(|place| place.next.is_none_or(|next| next == place.first))
    }

    /// One sentence for people.
    pub fn text(&self) -> String {
        let places: Vec<String> = self.places.iter().map(Place::to_string).collect();
        let good: u64 = self.good.iter().map(|batch| batch.entries).sum();
        let whole = if good > 0 { format!("; {good} entries after it are whole") } else { String::new() };
        format!("object {} is damaged on the local disk: {}{whole}", self.number, places.join("; "))
    }
}

/// Where to look, and what is known so far.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The object that is next to be uploaded.
    pub number: u64,
    /// Where it begins in the log, or should.
    pub start: Position,
    /// Sequence number of the first entry that isn't uploaded.
    pub first: u64,
    /// It was sealed: all of it must be there.
    pub is_sealed: bool,
}

/// Examines the log from the object's beginning on, as far as it is durable. Nothing, if nothing is damaged after all.
///
/// # Errors
/// [`LoadError`]: damage is none.
pub fn examine(log: &Log, question: Question) -> Result<Option<Examined>, LoadError> {
    let oldest = log.oldest();
    let mut examination = Examination {
        log,
        reader: log.reader(question.start.max(oldest), Through::Durable),
        payload: Vec::new(),
        sequence: question.first,
        object: None,
        whole: None,
        key: None,
        from: None,
        places: Vec::new(),
        good: Vec::new(),
        number: question.number,
        start: question.start,
        first: question.first,
    };
    let next = examination.run()?;
    let Examination { object, whole, key, mut from, mut places, good, .. } = examination;
    let is_gone = object.is_none() && from.is_none();
    if is_gone && (question.is_sealed || next.is_some_and(|next| next.number > question.number)) {
        // Its slabs are gone, and without a trace.
        from = Some((question.start.min(oldest), question.first));
        places.push(Place {
            file: log.options().directory.clone(),
            from: question.start.min(oldest),
            to: oldest,
            reason: "slabs are missing".to_owned(),
            first: question.first,
            next: next.map(|next| next.first),
        });
    }
    let Some((from, first)) = from else { return Ok(None) };
    let compressor = object.as_ref().map(|object| object.compressor.clone());
    let cut = object.filter(|object| object.entries > 0).map(|object| {
        let end = end_of(&object, SealReason::Quarantine);
        Cut {
            entries: object.entries,
            len_bytes: end.seal.len_bytes,
            crc64nvme: end.seal.crc64nvme,
            parts: end.seal.parts,
            trailer: end.trailer.into(),
            whole,
        }
    });
    Ok(Some(Examined { number: question.number, key, compressor, from, first, cut, places, good, next }))
}

struct Examination<'a> {
    log: &'a Log,
    reader: Reader,
    payload: Vec<u8>,
    number: u64,
    start: Position,
    first: u64,
    /// Sequence number of the next entry, as far as it is known.
    sequence: u64,
    /// The object, up to the first damage.
    object: Option<OpenObject>,
    whole: Option<Predecessor>,
    key: Option<String>,
    /// Where the first damage is, and the first entry from there on.
    from: Option<(Position, u64)>,
    places: Vec<Place>,
    good: Vec<GoodBatch>,
}

impl Examination<'_> {
    /// Reads up to the next object's opening, if there is one.
    fn run(&mut self) -> Result<Option<Next>, LoadError> {
        loop {
            let record = match self.reader.next() {
                Ok(Some(record)) => record,
                Ok(None) => return Ok(None),
                Err(ReadError::Corrupt { .. }) => {
                    if let Some(damage) = self.reader.skip_damage()? {
                        self.damaged(damage)?;
                    }
                    continue;
                }
                // A slab that is gone, and whose end nothing tells, counts as released: see the loader.
                Err(ReadError::Released { oldest, .. }) if oldest > self.reader.position() => {
                    self.reader = self.log.reader(oldest, Through::Durable);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if let Some(next) = self.record(&record, None)? {
                return Ok(Some(next));
            }
        }
    }

    fn damaged(&mut self, damage: Damage) -> Result<(), LoadError> {
        if let Some(record) = &damage.record {
            // Only its payload is damaged: what it means is known. No opening is believed that can't be read.
            let _ = self.record(record, Some(&damage.reason))?;
            return Ok(());
        }
        let next = damage.note.and_then(|note| note.checked_sub(1)).map(|next| next.max(self.sequence));
        self.place(damage.file, damage.from, damage.to, damage.reason, next);
        Ok(())
    }

    fn place(&mut self, file: PathBuf, from: Position, to: Position, reason: String, next: Option<u64>) {
        if self.object.is_none() && self.from.is_none() && self.sequence > self.first {
            self.miss_the_beginning(&file, from);
        }
        self.from.get_or_insert((from, self.sequence));
        self.places.push(Place { file, from, to, reason, first: self.sequence, next });
        self.sequence = next.unwrap_or(self.sequence);
    }

    /// The log has come to `here` without the object's first record: it is gone without a trace.
    fn miss_the_beginning(&mut self, file: &Path, here: Position) {
        self.from = Some((self.start, self.first));
        self.places.push(Place {
            file: file.to_owned(),
            from: self.start,
            to: here,
            reason: "the object's first record is missing".to_owned(),
            first: self.first,
            next: Some(self.sequence),
        });
    }

    /// What follows damage tells how far it went.
    fn reached(&mut self, sequence: u64) {
        for place in self.places.iter_mut().rev().take_while(|place| place.next.is_none()) {
            place.next = Some(sequence.max(place.first));
        }
        self.sequence = self.sequence.max(sequence);
    }

    /// Follows a record, whose payload is damaged if `reason` says so; the next object if it opens that.
    fn record(
        &mut self,
        record: &durable_queue::Record,
        reason: Option<&str>,
    ) -> Result<Option<Next>, LoadError> {
        let decoded = decode(record)?;
        match &decoded {
            Record::Batch(batch) if batch.number < self.number => {
                self.forget_before(batch.first + batch.entries);
                return Ok(None);
            }
            Record::Batch(batch) => {
                self.reached(batch.first);
                if batch.number == self.number && batch.opening.is_some() && self.from.is_none() {
                    // The object begins here, whatever was known of the end of the one before.
                    self.first = batch.first;
                }
                if batch.number > self.number && batch.opening.is_some() {
                    let next = Next { number: batch.number, first: batch.first, position: record.position };
                    return Ok(Some(next));
                }
            }
            Record::Seal(seal) if seal.number < self.number && record.note > 0 => {
                self.forget_before(record.note - 1);
            }
            Record::Seal(seal) if seal.number == self.number => {
                let told = self.object.as_ref().map(|object| object.first + seal.entries);
                let noted = record.note.checked_sub(1);
                // A seal that was made after a batch's record was lost knows nothing of it: its note does.
                if let Some(next) = noted.or(told) {
                    self.reached(next);
                }
                if noted.is_none() || noted == told {
                    self.whole = Some(seal.as_predecessor());
                }
            }
            _ if record.note > 0 => self.reached(record.note - 1),
            _ => {}
        }
        let checked = match reason {
            Some(reason) => Err(reason.to_owned()),
            None => self.check(record)?,
        };
        match (&decoded, checked) {
            (Record::Batch(batch), Ok(())) => self.good_batch(record, batch),
            (Record::Batch(batch), Err(reason)) => {
                if self.from.is_none()
                    && let Some(opening) = &batch.opening
                {
                    self.key = Some(opening.key.clone());
                }
                let next = Some(batch.first + batch.entries);
                let file = self.file(record);
                self.place(file, record.position, record.end, reason, next);
            }
            (_, Err(reason)) => {
                let (file, next) = (self.file(record), Some(self.sequence));
                self.place(file, record.position, record.end, reason, next);
            }
            (_, Ok(())) => {}
        }
        Ok(None)
    }

    /// What was met so far is of an object that is in the bucket, which ends with this entry or later, whatever of it is damaged.
    fn forget_before(&mut self, sequence: u64) {
        if self.object.is_none() && self.good.is_empty() {
            self.from = None;
            self.places.clear();
            self.sequence = self.sequence.max(sequence);
            self.first = self.first.max(sequence);
        }
    }

    /// Whether nothing of the object is missing before this batch, whatever is damaged there.
    fn follows(&self, record: &durable_queue::Record, batch: &Batch) -> bool {
        let before = batch.len_bytes.saturating_sub(u64::from(record.payload_len));
        let is_next = match &self.object {
            Some(object) => batch.first == object.first + object.entries && before == object.len_bytes,
            None => batch.opening.is_some(),
        };
        is_next && batch.number == self.number && self.good.is_empty()
    }

    fn good_batch(&mut self, record: &durable_queue::Record, batch: &Batch) {
        self.sequence = batch.first + batch.entries;
        if self.follows(record, batch) {
            self.from = None;
            self.places.clear();
        }
        if self.from.is_some() {
            self.good.push(GoodBatch {
                number: batch.number,
                first: batch.first,
                entries: batch.entries,
                payload: record.payload,
                len_bytes: record.payload_len,
                crc64nvme: record.payload_crc,
            });
            return;
        }
        if let Some(opening) = &batch.opening {
            self.key = Some(opening.key.clone());
            self.object = Some(OpenObject::opened(batch, opening));
        }
        match &mut self.object {
            Some(object) => object.follow(batch),
            None => {
                self.sequence = batch.first;
                self.miss_the_beginning(&self.file(record), record.position);
                self.good_batch(record, batch);
            }
        }
    }

    fn check(&mut self, record: &durable_queue::Record) -> Result<Result<(), String>, LoadError> {
        match self.reader.read_checked(record, &mut self.payload) {
            Ok(()) => Ok(Ok(())),
            Err(ReadError::Corrupt { reason, .. }) => Ok(Err(reason)),
            Err(error) => Err(error.into()),
        }
    }

    fn file(&self, record: &durable_queue::Record) -> PathBuf {
        self.reader.file_of(record)
    }
}
