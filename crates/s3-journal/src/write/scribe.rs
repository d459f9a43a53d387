//! Batches to records. The scribe decides which object a batch belongs to, when an object ends and under which key it
//! goes; it compresses, sums and appends. All decisions about content are made here, once, and recorded.
//!
//! [`Scribe::step`] does one thing and says what to wait for; only the loop around it blocks. Knows nothing of uploads,
//! but for how many objects wait for theirs.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use durable_queue::FullReason;
use durable_queue::clock::Clock;

use super::accumulator::RawBatch;
use super::bounds::DiskBounds;
use super::intake::Intake;
use crate::checksum::{CRC64_EMPTY, crc64_joined, part_sums};
use crate::compressor::Compressor;
use crate::error::JournalFailure;
use crate::ledger::{Ledger, LedgerError};
use crate::object::{
    Boundary, Id, Incarnation, KeyLayout, Layout, ObjectMetadata, ObjectName, RunId, SealReason,
};
use crate::progress::Progress;
use crate::record::{Batch, End, OpenObject, Opening, Record, end_of};
use crate::sabotage;
use crate::stats::Counters;
use crate::stream::{Encoder, Tail};

/// What a scribe works by.
#[derive(Debug)]
pub struct ScribeSetup {
    /// Where batches come from.
    pub intake: Arc<Intake>,
    /// Where records go.
    pub ledger: Arc<Ledger>,
    /// Who is told of appended batches.
    pub progress: Arc<Progress>,
    /// Who counts.
    pub counters: Arc<Counters>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where objects end.
    pub layout: Layout,
    /// Where they lie.
    pub keys: KeyLayout,
    /// Whose they are.
    pub id: Id,
    /// In which life of the directory.
    pub incarnation: Incarnation,
    /// Of which opening.
    pub run: RunId,
    /// What ends their names.
    pub suffix: Option<String>,
    /// How they are compressed.
    pub compressor: Compressor,
    /// How hard.
    pub level: Option<i32>,
    /// What follows each entry.
    pub delimiter: Vec<u8>,
    /// Size of their parts in bytes.
    pub part_size_bytes: u64,
    /// How much of the disk all may take.
    pub bounds: DiskBounds,
}

/// What to wait for after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScribeStep {
    /// Something was done: step again.
    Worked,
    /// Wait for a ring, until this time by the monotonic clock at most.
    Idle {
        /// When to step again.
        wake_at: Option<Duration>,
    },
    /// The log is busy: wait until it may have room, a second at most.
    Busy,
    /// The disk has no room: wait likewise.
    Full,
    /// The intake is closed and everything it took is appended.
    Finished,
}

/// A batch that is compressed and not appended yet.
#[derive(Debug)]
struct Staged {
    raw: RawBatch,
    number: u64,
    record: Record,
    payload_crc: u64,
}

/// The scribe.
#[derive(Debug)]
pub struct Scribe {
    setup: ScribeSetup,
    /// The open object's encoder. None before its first batch in this run, and for custom compressors.
    encoder: Option<Encoder>,
    /// When the open object was opened, by the monotonic clock; only those of this run.
    opened: Option<Duration>,
    /// A batch that waits for the object before it to be sealed.
    raw: Option<RawBatch>,
    staged: Option<Staged>,
    /// The staged batch's bytes, kept to save the allocation; nothing where they are stored as they are.
    out: Vec<u8>,
    pressed: bool,
    /// Entries before this one are to be in sealed objects.
    seal_through: u64,
    /// The open object, if there is one, is sealed before anything else: an earlier run left it open, or its encoder is
    /// gone.
    seal_first: Option<SealReason>,
}

impl Scribe {
    /// A scribe that has written nothing yet.
    pub fn new(setup: ScribeSetup) -> Self {
        Self {
            setup,
            encoder: None,
            opened: None,
            raw: None,
            staged: None,
            out: Vec::new(),
            pressed: false,
            seal_through: 0,
            seal_first: sabotage::RESTART_SEALS.is_on().then_some(SealReason::Restart),
        }
    }

    /// Does one thing.
    ///
    /// # Errors
    /// What stops the journal.
    pub fn step(&mut self) -> Result<ScribeStep, Arc<JournalFailure>> {
        let condemned = self.setup.ledger.condemned();
        if self.staged.as_ref().is_some_and(|staged| condemned != Some(staged.number)) {
            return self.append_staged();
        }
        let time = self.time();
        let (open, next_sequence) =
            self.setup.ledger.state(|state| (state.open.clone(), state.next_sequence));
        if let Some(open) = open.as_ref().filter(|open| condemned == Some(open.number)) {
            // Something in it is damaged: nothing more goes into it. A batch that was to begins the next one, and is compressed
            // again for that.
            self.raw = self.staged.take().map(|staged| staged.raw).or(self.raw.take());
            return self.seal(open, SealReason::Quarantine);
        }
        if let Some(reason) = self.seal_first {
            let step = open.as_ref().map_or(Ok(ScribeStep::Worked), |open| self.seal(open, reason))?;
            if step == ScribeStep::Worked {
                self.seal_first = None;
            }
            return Ok(step);
        }
        if let Some(open) = &open {
            let ends = self.setup.layout.ends(&self.boundary(open, time), time);
            // Looked at before each batch: those who flush must not wait until nobody else submits.
            let flushed = open.first < self.seal_through && next_sequence >= self.seal_through;
            if let Some(reason) = ends.or(flushed.then_some(SealReason::Flush)) {
                return self.seal(open, reason);
            }
        }
        if let Some(raw) = self.raw.take() {
            return self.stage(raw, open.as_ref(), time);
        }
        let offer = self.setup.intake.next(self.setup.clock.monotonic());
        self.pressed |= offer.pressed;
        self.seal_through = offer.seal_through;
        if offer.batch.is_some() {
            self.raw = offer.batch;
            return Ok(ScribeStep::Worked);
        }
        let objects_wait = self.setup.ledger.state(|state| {
            state.uploaded_number < open.as_ref().map_or(state.next_number, |open| open.number)
        });
        let Some(open) = open else {
            self.pressed = false;
            return Ok(if offer.finished {
                ScribeStep::Finished
            } else {
                ScribeStep::Idle { wake_at: offer.due_at }
            });
        };
        if open.first < offer.seal_through && next_sequence >= offer.seal_through {
            return self.seal(&open, SealReason::Flush);
        }
        if offer.finished {
            return self.seal(&open, SealReason::Close);
        }
        if std::mem::take(&mut self.pressed) && !objects_wait {
            return self.seal(&open, SealReason::Full);
        }
        let look_again = self.setup.clock.monotonic()
            + self.setup.layout.look_again_after(&self.boundary(&open, time), time);
        let wake_at = offer.due_at.map_or(look_again, |due| due.min(look_again));
        Ok(ScribeStep::Idle { wake_at: Some(wake_at) })
    }

    fn boundary<'a>(&self, open: &'a OpenObject, time: SystemTime) -> Boundary<'a> {
        // Its age is the monotonic clock's, too: the time that directories go by may stand still for a day.
        let age = self.opened.map(|opened| self.setup.clock.monotonic().saturating_sub(opened));
        let opened_at = from_unix_ms(open.opened_unix_ms);
        let by_age = age.and_then(|age| time.checked_sub(age)).unwrap_or(opened_at);
        Boundary { directory: &open.directory, opened_at: opened_at.min(by_age), len_bytes: open.len_bytes }
    }

    /// The time that directories go by.
    fn time(&self) -> SystemTime {
        let last = from_unix_ms(self.setup.ledger.state(|state| state.time_unix_ms));
        let time = Layout::time(last, self.setup.clock.wall());
        if time.stepped_back && self.setup.counters.clock_stepped_back(time.time) {
            tracing::warn!(
                "the clock went back by a day or more; directories follow it, so set the clock if it is wrong"
            );
        }
        time.time
    }

    fn stage(
        &mut self,
        raw: RawBatch,
        open: Option<&OpenObject>,
        time: SystemTime,
    ) -> Result<ScribeStep, Arc<JournalFailure>> {
        let opening = open.is_none().then(|| self.opening(&raw, time));
        let (number, len_before, crc_before, part_crc_before, raw_before, part_size) = match open {
            Some(open) => (
                open.number,
                open.len_bytes,
                open.crc64nvme,
                open.part_crc64nvme,
                open.raw_len_bytes,
                open.part_size_bytes,
            ),
            None => {
                let number = self.setup.ledger.state(|state| state.next_number);
                (number, 0, CRC64_EMPTY, CRC64_EMPTY, 0, self.setup.part_size_bytes)
            }
        };
        if open.is_none() {
            self.encoder = None;
            self.opened = Some(self.setup.clock.monotonic());
        }
        self.out.clear();
        let tail = self.compress(&raw.bytes, raw_before, len_before);
        let tail = tail.map_err(|error| Arc::new(JournalFailure::Compress(error)))?;
        let payload = self.payload(&raw);
        let sums = part_sums(part_size, len_before, part_crc_before, payload);
        let record = Record::Batch(Batch {
            number,
            first: raw.first,
            entries: raw.entries,
            raw_len_bytes: tail.raw_len,
            len_bytes: tail.stored_len,
            stream_checksum: tail.checksum,
            crc64nvme: crc64_joined(crc_before, payload, sums.own),
            parts: sums.filled,
            part_crc64nvme: sums.rest,
            opening,
            positions: raw.positions.clone(),
            time_unix_ms: to_unix_ms(time),
        });
        self.staged = Some(Staged { raw, number, record, payload_crc: sums.own });
        self.append_staged()
    }

    fn opening(&self, raw: &RawBatch, time: SystemTime) -> Opening {
        let setup = &self.setup;
        let (number, previous) = setup.ledger.state(|state| (state.next_number, state.previous));
        let name = ObjectName {
            id: setup.id.clone(),
            incarnation: setup.incarnation.clone(),
            number,
            first: raw.first,
            run: setup.run,
            suffix: setup.suffix.clone(),
        };
        let directory = setup.layout.directory(time);
        let compressor = setup.compressor.name();
        let metadata = ObjectMetadata::new(&name, &compressor, &setup.delimiter, time, previous).to_map();
        Opening {
            key: setup.keys.key(&directory, &name),
            metadata,
            directory,
            part_size_bytes: setup.part_size_bytes,
            compressor,
        }
    }

    /// A batch's bytes as they are stored.
    fn payload<'a>(&'a self, raw: &'a RawBatch) -> &'a [u8] {
        if matches!(self.setup.compressor, Compressor::None) { &raw.bytes } else { &self.out }
    }

    /// Compresses a batch into `out` and says what would close the stream after it.
    fn compress(&mut self, raw: &[u8], raw_before: u64, len_before: u64) -> std::io::Result<Tail> {
        if matches!(self.setup.compressor, Compressor::None) {
            let len = raw.len() as u64;
            return Ok(Tail { raw_len: raw_before + len, stored_len: len_before + len, checksum: 0 });
        }
        if let Compressor::Custom(custom) = &self.setup.compressor {
            custom.compress(raw, &mut self.out)?;
            return Ok(Tail {
                raw_len: raw_before + raw.len() as u64,
                stored_len: len_before + self.out.len() as u64,
                checksum: 0,
            });
        }
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            None => {
                let encoder = Encoder::new(self.setup.compressor.codec(), self.setup.level);
                self.encoder.insert(encoder.map_err(std::io::Error::other)?)
            }
        };
        encoder.write(raw, &mut self.out).map_err(std::io::Error::other)?;
        Ok(encoder.tail())
    }

    fn append_staged(&mut self) -> Result<ScribeStep, Arc<JournalFailure>> {
        let Some(staged) = self.staged.take() else { return Ok(ScribeStep::Worked) };
        let payload = self.payload(&staged.raw);
        match self.setup.ledger.append_summed(&staged.record, payload, staged.payload_crc) {
            Ok(appended) => {
                let stored_len = payload.len();
                let raw = staged.raw;
                self.setup.counters.batch_appended(staged.number, raw.bytes.len(), stored_len);
                self.setup.progress.appended(appended.end, raw.first + raw.entries);
                self.setup.intake.set_disk_full(None);
                self.setup.intake.give_back(raw);
                // A single entry may be far larger than a batch: its buffer isn't kept.
                self.out.shrink_to(4 << 20);
                Ok(ScribeStep::Worked)
            }
            Err(LedgerError::Busy) => {
                self.staged = Some(staged);
                Ok(ScribeStep::Busy)
            }
            Err(LedgerError::Full(reason)) => self.make_room(staged, reason),
            Err(LedgerError::Failed(failure)) => Err(failure),
            Err(LedgerError::Closed) => Err(closed_too_early()),
        }
    }

    /// The disk has no room for a batch. If nothing that waits for its upload could bring room, the open object is
    /// sealed without the batch, which begins the next one.
    fn make_room(&mut self, staged: Staged, reason: FullReason) -> Result<ScribeStep, Arc<JournalFailure>> {
        self.setup.intake.set_disk_full(Some(self.setup.bounds.cause(reason)));
        let (open, uploaded_number) =
            self.setup.ledger.state(|state| (state.open.clone(), state.uploaded_number));
        match open {
            Some(open) if uploaded_number >= open.number => {
                // What the encoder made of the batch is forgotten with the encoder, which ends with the seal: the record's tail
                // closes the stream, and nothing else may come into it, however long that takes.
                self.raw = Some(staged.raw);
                self.seal_first = Some(SealReason::Full);
                let sealed = self.seal(&open, SealReason::Full)?;
                if sealed == ScribeStep::Worked {
                    self.seal_first = None;
                }
                Ok(sealed)
            }
            _ => {
                self.staged = Some(staged);
                Ok(ScribeStep::Full)
            }
        }
    }

    fn seal(&mut self, open: &OpenObject, reason: SealReason) -> Result<ScribeStep, Arc<JournalFailure>> {
        let End { seal, trailer } = end_of(open, reason);
        let len_bytes = seal.len_bytes;
        let record = Record::Seal(seal);
        match self.setup.ledger.append(&record, &trailer) {
            Ok(_) => {
                self.encoder = None;
                tracing::debug!(key = %open.key, entries = open.entries, len_bytes, ?reason, "object sealed");
                Ok(ScribeStep::Worked)
            }
            Err(LedgerError::Busy) => Ok(ScribeStep::Busy),
            Err(LedgerError::Full(reason)) => {
                // Those who don't wait for room are to learn it.
                self.setup.intake.set_disk_full(Some(self.setup.bounds.cause(reason)));
                Ok(ScribeStep::Full)
            }
            Err(LedgerError::Failed(failure)) => Err(failure),
            Err(LedgerError::Closed) => Err(closed_too_early()),
        }
    }
}

fn closed_too_early() -> Arc<JournalFailure> {
    Arc::new(JournalFailure::Internal { reason: "the log was closed before the last batch".to_owned() })
}

/// Milliseconds since 1970, negative before.
pub fn to_unix_ms(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |before| -before),
    }
}

/// The time so many milliseconds after 1970; the first one there is for what lies before all times.
pub fn from_unix_ms(unix_ms: i64) -> SystemTime {
    let distance = Duration::from_millis(unix_ms.unsigned_abs());
    let time = if unix_ms < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    };
    time.unwrap_or(SystemTime::UNIX_EPOCH)
}
