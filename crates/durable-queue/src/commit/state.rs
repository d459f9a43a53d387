//! What appenders, writer, sync thread and preparer share, and the decisions made on it. Pure: the lock around it, the waiting
//! and the I/O are elsewhere. Knows frames and slabs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::batch::{Batch, Run};
use super::{Appended, Class, LogStats};
use crate::bytes::{narrow, wide};
use crate::error::{AppendError, FullReason, LogFailure};
use crate::frame::{
    CLIENT_KIND_MIN, FRAME_HEADER_BYTES, Frame, KIND_CHECKPOINT, KIND_CLOSED, KIND_WATERMARK, META_BYTES_MAX,
    PAYLOAD_BYTES_MAX,
};
use crate::position::Position;
use crate::sabotage;
use crate::slab::{FIRST_FRAME, SlabFile, checkpoint_meta, size_needed};

/// What is kept of each slab beyond the clients' reserve, so that closing always fits.
const CLOSED_BYTES: u64 = wide(FRAME_HEADER_BYTES);

/// A slab on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlabEntry {
    pub number: u64,
    /// By this its frames are read even if its header is damaged.
    pub salt: u64,
    /// Where its frames end; nothing for the newest.
    pub end: Option<u64>,
    pub bytes_on_disk: u64,
}

/// Tells a thread that there is something new. Counted, so that what happens between a look and falling asleep isn't lost.
#[derive(Debug, Default)]
pub(super) struct Bell {
    pub rung: u64,
    pub is_asleep: bool,
    /// It sleeps until it is rung for, however long that takes.
    pub is_fast_asleep: bool,
}

impl Bell {
    /// Rings; says whether somebody is to be woken.
    #[must_use]
    pub(super) fn ring(&mut self) -> bool {
        self.rung += 1;
        self.is_fast_asleep = false;
        std::mem::take(&mut self.is_asleep)
    }
}

/// How far closing has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// No more is appended; what was is written and synced.
    Closing,
    Closed,
}

/// The largest need that was refused since there last was room.
#[derive(Debug, Clone, Copy)]
struct Refused {
    bytes: u64,
    class: Class,
}

/// See the module.
#[derive(Debug)]
pub(super) struct State {
    pub control_reserve_bytes: u64,
    pending_bytes_max: usize,

    /// The slab that frames are appended to, the end of what was appended, and the index of the next frame.
    pub slab: Arc<SlabFile>,
    pub offset: u64,
    pub next_index: u64,
    /// The newest frame's claim, if it is of `slab`.
    pub last_claim: u64,
    /// The newest client's frame's note.
    note: u64,

    /// Ends. Frames that the log adds by itself don't move them: nobody waits for those.
    pub appended: Position,
    pub written: Position,
    pub durable: Position,
    /// The slab that `written` is in.
    pub written_slab: Arc<SlabFile>,
    pub sync_requested: Position,

    pub pending: Batch,
    /// Bytes that the writer has taken and not yet written.
    pub in_hand_bytes: usize,
    /// The disk was full at a write that will be tried again.
    pub is_stalled: bool,
    checkpoint: Vec<u8>,

    pub prepared: Option<Arc<SlabFile>>,
    /// A prepared slab was begun and doesn't have its own name yet.
    pub is_rotating: bool,
    /// The smallest slab that would do for a frame that was refused.
    pub needed_bytes: u64,
    pub full: Option<FullReason>,
    refused: Option<Refused>,

    pub slabs: VecDeque<SlabEntry>,
    /// Where the slab ended that was removed last, and its number: a reader may stand there.
    pub removed_end: Position,
    pub next_slab_bytes: u64,
    pub release: Position,

    pub failure: Option<Arc<LogFailure>>,
    pub phase: Phase,
    pub is_stopping: bool,

    pub write_bell: Bell,
    pub sync_bell: Bell,
    pub prepare_bell: Bell,
    pub room_waiters: usize,
    pub durable_waiters: usize,
    /// How many waited when something last became durable.
    pub served_last: usize,
    /// The end of a frame of which no thread was told, since whoever appended it waits for it and does the work.
    pub promised: Option<Position>,
    /// Somebody does that work: what is written meanwhile it syncs, or tells the sync thread of at the end.
    pub is_keeping: bool,

    pub slow_sync_warned_at: Option<Duration>,
    /// When the writer last had something to do.
    pub last_written_at: Duration,
    pub stats: LogStats,
}

/// What a log begins with.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub control_reserve_bytes: u64,
    pub pending_bytes_max: usize,
    /// The new slab, its checkpoint written and synced up to `end`.
    pub slab: Arc<SlabFile>,
    pub end: u64,
    pub next_index: u64,
    /// What the log's own frames repeat until a client's says something else.
    pub note: u64,
    /// All slabs, oldest first, the new one last.
    pub slabs: VecDeque<SlabEntry>,
    /// Where the slab before the oldest ended, if there was one.
    pub removed_end: Position,
}

impl State {
    pub(super) fn new(beginning: Beginning) -> Self {
        let Beginning {
            control_reserve_bytes,
            pending_bytes_max,
            slab,
            end,
            next_index,
            note,
            slabs,
            removed_end,
        } = beginning;
        let at = Position::new(slab.number, end);
        let stats = LogStats { is_preallocated: slab.is_preallocated, ..LogStats::default() };
        Self {
            control_reserve_bytes,
            pending_bytes_max,
            offset: end,
            next_index,
            last_claim: end,
            note,
            appended: at,
            written: at,
            durable: at,
            written_slab: Arc::clone(&slab),
            slab,
            sync_requested: Position::ZERO,
            pending: Batch::with_capacity(pending_bytes_max),
            in_hand_bytes: 0,
            is_stalled: false,
            checkpoint: Vec::new(),
            prepared: None,
            is_rotating: false,
            needed_bytes: 0,
            full: None,
            refused: None,
            slabs,
            removed_end,
            next_slab_bytes: 0,
            release: Position::ZERO,
            failure: None,
            phase: Phase::Open,
            is_stopping: false,
            write_bell: Bell::default(),
            sync_bell: Bell::default(),
            prepare_bell: Bell { rung: 1, ..Bell::default() },
            room_waiters: 0,
            durable_waiters: 0,
            served_last: 0,
            promised: None,
            is_keeping: false,
            slow_sync_warned_at: None,
            last_written_at: Duration::ZERO,
            stats,
        }
    }

    /// Appends a client's frame, into a new slab if need be.
    pub(super) fn append(
        &mut self,
        frame: &Frame<'_>,
        class: Class,
        checkpoint: &mut dyn FnMut(&mut Vec<u8>),
    ) -> Result<Appended, AppendError> {
        if let Some(failure) = &self.failure {
            return Err(AppendError::Failed(Arc::clone(failure)));
        }
        if self.phase != Phase::Open {
            return Err(AppendError::Closed);
        }
        check_limits(frame)?;
        let bytes = frame.bytes_on_disk();
        let refusal = if self.is_stalled && class == Class::Data {
            Some(AppendError::Full { reason: FullReason::Disk, needed_bytes: bytes })
        } else if !self.fits_pending(bytes) {
            Some(AppendError::Busy)
        } else if self.fits_slab(bytes, class) {
            None
        } else {
            self.begin_slab(bytes, checkpoint).err()
        };
        if let Some(refusal) = refusal {
            let (most, widest) =
                self.refused.map_or((0, Class::Control), |refused| (refused.bytes, refused.class));
            let class = if widest == Class::Data { Class::Data } else { class };
            self.refused = Some(Refused { bytes: most.max(bytes), class });
            return Err(refusal);
        }
        let position = Position::new(self.slab.number, self.offset);
        self.note = frame.note;
        self.push(frame);
        self.appended = Position::new(self.slab.number, self.offset);
        self.stats.frames_appended += 1;
        self.stats.bytes_appended += bytes;
        let payload_at = position.offset_bytes + wide(FRAME_HEADER_BYTES + frame.meta.len());
        Ok(Appended { position, payload: Position::new(position.slab, payload_at), end: self.appended })
    }

    pub(super) fn pending_bytes(&self) -> usize {
        self.pending.bytes.len() + self.in_hand_bytes
    }

    fn fits_pending(&self, bytes: u64) -> bool {
        let pending = self.pending_bytes();
        pending == 0 || pending.saturating_add(narrow(bytes)) <= self.pending_bytes_max
    }

    fn fits_slab(&self, bytes: u64, class: Class) -> bool {
        let reserve = CLOSED_BYTES
            + if class == Class::Data && sabotage::CONTROL_RESERVE.is_on() {
                self.control_reserve_bytes
            } else {
                0
            };
        self.offset + bytes + reserve <= self.slab.size_bytes
    }

    /// Begins the prepared slab with a checkpoint, if there is one and it has room for `bytes` of frame besides.
    fn begin_slab(
        &mut self,
        bytes: u64,
        checkpoint: &mut dyn FnMut(&mut Vec<u8>),
    ) -> Result<(), AppendError> {
        if self.prepared.is_none() {
            return Err(self.need(size_needed(0, bytes, self.control_reserve_bytes)));
        }
        let mut payload = std::mem::take(&mut self.checkpoint);
        payload.clear();
        checkpoint(&mut payload);
        let begun = self.begin_slab_with(&payload, bytes);
        self.checkpoint = payload;
        begun
    }

    fn begin_slab_with(&mut self, payload: &[u8], bytes: u64) -> Result<(), AppendError> {
        let meta = checkpoint_meta(self.offset);
        let frame = Frame::new(KIND_CHECKPOINT, true, &meta, payload).noted(self.note);
        check_payload(payload.len())?;
        let size = size_needed(wide(payload.len()), bytes, self.control_reserve_bytes);
        let Some(slab) = self.prepared.take_if(|slab| slab.size_bytes >= size) else {
            // Too small: the preparer makes it anew.
            self.prepared = None;
            return Err(self.need(size));
        };
        let old = std::mem::replace(&mut self.slab, Arc::clone(&slab));
        let begins_after = Some((old, self.offset));
        let start = self.pending.bytes.len();
        self.pending.runs.push(Run { slab, begins_after, offset: FIRST_FRAME, start, len: 0 });
        self.offset = FIRST_FRAME;
        self.last_claim = 0;
        self.is_rotating = true;
        self.needed_bytes = 0;
        self.next_slab_bytes = 0;
        self.push(&frame);
        Ok(())
    }

    /// The refusal of a frame that needs a slab of `size` bytes, which the preparer learns.
    fn need(&mut self, size: u64) -> AppendError {
        self.needed_bytes = self.needed_bytes.max(size);
        match self.full {
            Some(reason) => AppendError::Full { reason, needed_bytes: size },
            None => AppendError::Busy,
        }
    }

    /// Puts a frame that fits at the end of the current slab.
    fn push(&mut self, frame: &Frame<'_>) {
        let claim = if self.durable.slab == self.slab.number { self.durable.offset_bytes } else { 0 };
        let header = frame.header(self.next_index, claim);
        let start = self.pending.bytes.len();
        frame.put(&mut self.pending.bytes, &header, self.slab.salt, self.offset);
        let len = self.pending.bytes.len() - start;
        match self.pending.runs.last_mut() {
            Some(run) => run.len += len,
            None => self.pending.runs.push(Run {
                slab: Arc::clone(&self.slab),
                begins_after: None,
                offset: self.offset,
                start,
                len,
            }),
        }
        self.offset += wide(len);
        self.next_index += 1;
        self.last_claim = claim;
    }

    /// Whether there is nothing that anybody waits for or works at.
    pub(super) fn is_quiet(&self) -> bool {
        self.durable >= self.appended
            && self.pending_bytes() == 0
            && self.durable_waiters == 0
            // Those whom the last sync served are about to append again.
            && self.served_last <= 1
            && self.promised.is_none_or(|promised| promised <= self.durable)
            && !self.is_keeping
    }

    /// Whether everything appended is durable and the newest frame doesn't say so.
    pub(super) fn lacks_watermark(&self) -> bool {
        self.pending_bytes() == 0
            && self.durable >= self.appended
            && self.durable.slab == self.slab.number
            && self.last_claim < self.durable.offset_bytes
            && self.fits_slab(2 * CLOSED_BYTES, Class::Control)
    }

    /// Whether [`State::lacks_watermark`] may come to hold without anybody telling the writer.
    pub(super) fn may_lack_watermark(&self, fsync: bool) -> bool {
        self.last_claim < self.appended.offset_bytes
            && (fsync || self.sync_requested >= self.appended)
            && self.fits_slab(2 * CLOSED_BYTES, Class::Control)
    }

    pub(super) fn push_watermark(&mut self) {
        self.push(&Frame::new(KIND_WATERMARK, false, &[], &[]).noted(self.note));
        self.stats.watermarks += 1;
    }

    pub(super) fn push_closed(&mut self) {
        self.push(&Frame::new(KIND_CLOSED, false, &[], &[]).noted(self.note));
    }

    /// Whether an append that was refused may succeed now. When it says so the refusal is forgotten.
    pub(super) fn has_room(&mut self) -> bool {
        let Some(Refused { bytes, class }) = self.refused else { return true };
        let has_room = !(self.is_stalled && class == Class::Data)
            && self.fits_pending(bytes)
            && (self.fits_slab(bytes, class) || self.prepared.is_some());
        if has_room {
            self.refused = None;
        }
        has_room
    }

    /// Where the sync thread should sync to now, if anywhere.
    pub(super) fn sync_target(&self, fsync: bool) -> Option<Position> {
        (self.durable < self.written && (fsync || self.sync_requested > self.durable)).then_some(self.written)
    }

    /// The oldest slab if it may go: wholly before the released position, not the newest, and its successor's checkpoint
    /// durable.
    pub(super) fn removable(&self) -> Option<SlabEntry> {
        let oldest = self.slabs.front()?;
        let is_released = oldest.end.is_some_and(|end| Position::new(oldest.number, end) <= self.release);
        // Positions in a successor are durable only together with its checkpoint, which comes first.
        let has_durable_successor = self.slabs.len() > 1
            && (self.durable.slab > oldest.number || sabotage::CHECKPOINT_DURABLE.is_off());
        (is_released && has_durable_successor).then_some(*oldest)
    }

    /// Whether a frame waits for a slab that nobody has found impossible to make. Where it was, the preparer tries again by
    /// itself, at its own pace.
    pub(super) fn lacks_slab(&self) -> bool {
        self.needed_bytes > 0 && self.prepared.is_none() && !self.is_rotating && self.full.is_none()
    }

    /// No slab could be made. Whoever waits is to learn it by trying once more, which also tells what is still needed: a
    /// large frame whose owner has given up is not to be in the way of small ones.
    pub(super) fn set_full(&mut self, reason: FullReason) {
        self.full = Some(reason);
        self.refused = None;
        self.needed_bytes = 0;
    }

    /// The writer found the disk full.
    pub(super) fn set_stalled(&mut self) {
        if !std::mem::replace(&mut self.is_stalled, true) {
            self.refused = None;
        }
    }

    pub(super) fn bytes_on_disk(&self) -> u64 {
        self.slabs.iter().map(|slab| slab.bytes_on_disk).sum::<u64>() + self.next_slab_bytes
    }
}

fn check_limits(frame: &Frame<'_>) -> Result<(), AppendError> {
    if frame.kind < CLIENT_KIND_MIN {
        return Err(AppendError::ReservedKind { kind: frame.kind });
    }
    if frame.meta.len() > META_BYTES_MAX {
        let (bytes, limit_bytes) = (wide(frame.meta.len()), wide(META_BYTES_MAX));
        return Err(AppendError::TooLarge { what: "meta", bytes, limit_bytes });
    }
    check_payload(frame.payload.len())
}

fn check_payload(len: usize) -> Result<(), AppendError> {
    if len > PAYLOAD_BYTES_MAX {
        let (bytes, limit_bytes) = (wide(len), wide(PAYLOAD_BYTES_MAX));
        return Err(AppendError::TooLarge { what: "payload", bytes, limit_bytes });
    }
    Ok(())
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
