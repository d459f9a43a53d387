//! Entries to batches. A plain state machine: told of entries, it says where each landed and when a batch is full.
//! Knows nothing of locks, threads, clocks, compression or the disk.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use memchr::memmem;
use thiserror::Error;

use crate::encode::EncodeError;
use crate::record::{POSITIONS_BYTES_MAX, PositionUpdate};

/// The longest position, in bytes.
pub const POSITION_BYTES_MAX: usize = 4_096;

/// The most bytes of positions in one batch: they must fit the log's record of it
/// ([`durable_queue::META_BYTES_MAX`]) together with all else that it says.
const BATCH_POSITIONS_BYTES_MAX: usize = 32 << 10;

/// What a position takes besides its own bytes, at most.
const POSITION_EXTRA_BYTES: usize = 16;

/// Full batches that may wait for the scribe; with the one being filled and the one in the scribe's hands they are all
/// the raw bytes in memory.
pub const READY_BATCHES_MAX: usize = 2;

/// What an accumulator goes by.
#[derive(Debug, Clone)]
pub struct AccumulatorLimits {
    /// A batch is full at this many entries.
    pub batch_entries_max: u64,
    /// A batch is full at this many bytes.
    pub batch_bytes_max: usize,
    /// The longest entry, in bytes, without the delimiter.
    pub entry_bytes_max: usize,
    /// How long after its first entry a batch is taken as it is.
    pub batch_latency_max: Option<Duration>,
    /// What follows each entry.
    pub delimiter: Vec<u8>,
    /// Whether an entry may have the delimiter inside.
    pub delimiter_inside_allowed: bool,
}

/// A batch of entries, as bytes before compression.
#[derive(Debug, Default)]
pub struct RawBatch {
    /// The entries, each followed by the delimiter.
    pub bytes: Vec<u8>,
    /// Sequence number of the first.
    pub first: u64,
    /// How many.
    pub entries: u64,
    /// The last position of each source in it.
    pub positions: Vec<PositionUpdate>,
    /// When its first entry came, by the monotonic clock.
    pub since: Duration,
}

/// Where an entry landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The entry's sequence number.
    pub sequence: u64,
    /// It is the first of a batch: a timer may have to be set.
    pub begins_batch: bool,
    /// It filled the batch: somebody may have to be woken.
    pub fills_batch: bool,
}

/// Why an entry isn't taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No room for a further batch in memory: the scribe is behind.
    #[error("no room for a further batch")]
    NoRoom,
    /// It is too long.
    #[error(
        "the entry has {len_bytes} bytes and the limit is {max_bytes}; raise max_entry_bytes or split it"
    )]
    TooLarge {
        /// Its length.
        len_bytes: usize,
        /// The limit.
        max_bytes: usize,
    },
    /// It has the delimiter inside.
    #[error(
        "the entry has the delimiter inside, at byte {at}, and would be read back as two; choose another delimiter, or allow it by allow_delimiter_in_entries"
    )]
    DelimiterInside {
        /// Where the delimiter begins.
        at: usize,
    },
    /// The encoder failed.
    #[error("the entry can't be encoded")]
    Encode(#[source] EncodeError),
    /// The position is too long.
    #[error("the position has {len_bytes} bytes and the limit is {POSITION_BYTES_MAX}")]
    PositionTooLarge {
        /// Its length.
        len_bytes: usize,
    },
    /// Too many sources have positions.
    #[error(
        "the positions of all sources would take {bytes} bytes and the limit is {POSITIONS_BYTES_MAX}; forget sources that have ended by an empty position"
    )]
    TooManyPositions {
        /// What they would take.
        bytes: usize,
    },
}

/// The batch that is being filled and those that are full.
#[derive(Debug)]
pub struct Accumulator {
    limits: AccumulatorLimits,
    finder: memmem::Finder<'static>,
    current: RawBatch,
    /// Where the last whole entry of `current` ends: what lies behind was left by an encoder that panicked.
    whole_len_bytes: usize,
    /// What the positions in `current` take.
    batch_positions_bytes: usize,
    ready: VecDeque<RawBatch>,
    spare: Vec<RawBatch>,
    next_sequence: u64,
    positions: BTreeMap<u64, Vec<u8>>,
    positions_bytes: usize,
    /// The batch with this entry in it is taken as it is.
    take_through: u64,
}

impl Accumulator {
    /// Entries are numbered from `next_sequence`; `positions` are what is known of sources.
    pub fn new(limits: AccumulatorLimits, next_sequence: u64, positions: BTreeMap<u64, Vec<u8>>) -> Self {
        let finder = memmem::Finder::new(&limits.delimiter).into_owned();
        let positions_bytes = positions.values().map(|position| position.len() + POSITION_EXTRA_BYTES).sum();
        let current = RawBatch { first: next_sequence, ..RawBatch::default() };
        Self {
            limits,
            finder,
            current,
            whole_len_bytes: 0,
            batch_positions_bytes: 0,
            ready: VecDeque::new(),
            spare: Vec::new(),
            next_sequence,
            positions,
            positions_bytes,
            take_through: 0,
        }
    }

    /// Sequence number of the next entry.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// The last position accepted of a source.
    pub fn position(&self, source: u64) -> Option<&[u8]> {
        self.positions.get(&source).map(Vec::as_slice)
    }

    /// Takes an entry: `encode` appends its bytes.
    ///
    /// # Errors
    /// Why it isn't taken; nothing has changed then.
    pub fn offer(
        &mut self,
        now: impl FnOnce() -> Duration,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
        position: Option<(u64, &[u8])>,
    ) -> Result<Accepted, Refusal> {
        let position_bytes = position.map_or(0, |(_, position)| position.len() + POSITION_EXTRA_BYTES);
        let ends_early = self.batch_positions_bytes + position_bytes > BATCH_POSITIONS_BYTES_MAX;
        if (self.is_full() || ends_early) && !self.retire() {
            return Err(Refusal::NoRoom);
        }
        if let Some((source, position)) = position {
            self.check_position(source, position)?;
        }
        let start = self.whole_len_bytes;
        self.current.bytes.truncate(start);
        let encoded = encode(&mut self.current.bytes).map_err(Refusal::Encode);
        if let Err(refusal) = encoded.and_then(|()| self.check_entry(start)) {
            self.current.bytes.truncate(start);
            return Err(refusal);
        }
        self.current.bytes.extend_from_slice(&self.limits.delimiter);
        let begins_batch = self.current.entries == 0;
        if begins_batch {
            self.current.since = now();
        }
        if let Some((source, position)) = position {
            self.keep_position(source, position);
        }
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.current.entries += 1;
        self.whole_len_bytes = self.current.bytes.len();
        let fills_batch = self.is_full() || ends_early;
        Ok(Accepted { sequence, begins_batch, fills_batch })
    }

    /// Asks that the batch with entry number `sequence - 1`, and all before it, be taken as they are.
    pub fn take_through(&mut self, sequence: u64) {
        self.take_through = self.take_through.max(sequence.min(self.next_sequence));
    }

    /// The next batch that is full, due at `now`, or asked for.
    pub fn take(&mut self, now: Duration) -> Option<RawBatch> {
        if let Some(batch) = self.ready.pop_front() {
            return Some(batch);
        }
        let due = self.due_at().is_some_and(|due| due <= now);
        let asked = self.current.first < self.take_through;
        if self.current.entries > 0 && (due || asked || self.is_full()) {
            self.retire();
            return self.ready.pop_front();
        }
        None
    }

    /// When the batch being filled is due, by the monotonic clock.
    pub fn due_at(&self) -> Option<Duration> {
        let latency = self.limits.batch_latency_max?;
        (self.current.entries > 0).then(|| self.current.since + latency)
    }

    /// Gives a batch's buffers back.
    pub fn give_back(&mut self, mut batch: RawBatch) {
        // One entry may be far longer than a batch: its buffer isn't kept.
        let kept_max = self.limits.batch_bytes_max.saturating_mul(2).max(64 << 10);
        if self.spare.len() < READY_BATCHES_MAX && batch.bytes.capacity() <= kept_max {
            batch.bytes.clear();
            batch.positions.clear();
            self.spare.push(batch);
        }
    }

    fn is_full(&self) -> bool {
        self.current.entries >= self.limits.batch_entries_max
            || self.whole_len_bytes >= self.limits.batch_bytes_max
    }

    /// Puts the batch being filled with those that are ready; false when there is no room for it.
    fn retire(&mut self) -> bool {
        if self.ready.len() >= READY_BATCHES_MAX {
            return false;
        }
        let mut fresh = self.spare.pop().unwrap_or_default();
        fresh.first = self.next_sequence;
        fresh.entries = 0;
        self.current.bytes.truncate(self.whole_len_bytes);
        self.whole_len_bytes = 0;
        self.batch_positions_bytes = 0;
        self.ready.push_back(std::mem::replace(&mut self.current, fresh));
        true
    }

    fn check_entry(&self, start: usize) -> Result<(), Refusal> {
        let entry = self.current.bytes.get(start..).unwrap_or_default();
        if entry.len() > self.limits.entry_bytes_max {
            return Err(Refusal::TooLarge { len_bytes: entry.len(), max_bytes: self.limits.entry_bytes_max });
        }
        let delimiter = self.limits.delimiter.as_slice();
        if delimiter.is_empty() || self.limits.delimiter_inside_allowed {
            return Ok(());
        }
        // Nearly always one byte: then what the general search prepares would take as long as the search.
        let inside = match delimiter {
            [byte] => memchr::memchr(*byte, entry),
            _ => self.finder.find(entry),
        };
        if let Some(at) = inside {
            return Err(Refusal::DelimiterInside { at });
        }
        // The delimiter may also begin in the entry and end in the delimiter that follows it: "a\n" + "\n\n".
        if delimiter.len() > 1 {
            let tail_at = entry.len().saturating_sub(delimiter.len() - 1);
            let tail = entry.get(tail_at..).unwrap_or_default();
            let joined = [tail, delimiter].concat();
            if let Some(at) = self.finder.find(&joined).filter(|at| *at < tail.len()) {
                return Err(Refusal::DelimiterInside { at: tail_at + at });
            }
        }
        Ok(())
    }

    fn check_position(&self, source: u64, position: &[u8]) -> Result<(), Refusal> {
        if position.len() > POSITION_BYTES_MAX {
            return Err(Refusal::PositionTooLarge { len_bytes: position.len() });
        }
        let before = self.positions.get(&source).map_or(0, |position| position.len() + POSITION_EXTRA_BYTES);
        let bytes = self.positions_bytes - before + position.len() + POSITION_EXTRA_BYTES;
        if bytes > POSITIONS_BYTES_MAX && position.len() + POSITION_EXTRA_BYTES > before {
            return Err(Refusal::TooManyPositions { bytes });
        }
        Ok(())
    }

    fn keep_position(&mut self, source: u64, position: &[u8]) {
        if position.is_empty() {
            if let Some(old) = self.positions.remove(&source) {
                self.positions_bytes -= old.len() + POSITION_EXTRA_BYTES;
            }
        } else {
            let kept = self.positions.entry(source).or_insert_with(|| {
                self.positions_bytes += POSITION_EXTRA_BYTES;
                Vec::new()
            });
            self.positions_bytes = self.positions_bytes - kept.len() + position.len();
            kept.clear();
            kept.extend_from_slice(position);
        }
        let updates = &mut self.current.positions;
        // The newest is the likeliest to be asked for again.
        match updates.iter_mut().rev().find(|update| update.source == source) {
            Some(update) => {
                let kept: &mut Vec<u8> = &mut update.position;
                self.batch_positions_bytes = self.batch_positions_bytes - kept.len() + position.len();
                kept.clear();
                kept.extend_from_slice(position);
            }
            None => {
                self.batch_positions_bytes += position.len() + POSITION_EXTRA_BYTES;
                updates.push(PositionUpdate { source, position: position.to_vec().into() });
            }
        }
    }
}
