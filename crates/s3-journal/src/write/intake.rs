//! Where submitters and the scribe meet: the accumulator under its lock, and who waits for whom. Knows nothing of
//! compression or the disk.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::task::{Poll, Waker};
use std::time::Duration;

use durable_queue::clock::Clock;

use super::accumulator::{Accepted, Accumulator, RawBatch, Refusal};
use crate::encode::EncodeError;
use crate::error::{FullCause, JournalFailure, SubmitError};
use crate::sync::{Doorbell, lock, lock_hot, wait_timeout};

/// What submitters must know of the other end: how many entries are in the bucket.
pub type Pending = dyn Fn() -> u64 + Send + Sync;

/// How long a submitter waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Not at all.
    None,
    /// While disk or compressor are slower than what is submitted, but not while the queue is full.
    UnlessFull,
    /// As long as it takes.
    Endless,
}

impl Patience {
    fn waits_for(self, what: FullCause) -> bool {
        match self {
            Self::None => false,
            Self::UnlessFull => what == FullCause::Busy,
            Self::Endless => true,
        }
    }
}

/// Why the scribe takes no more.
#[derive(Debug, Clone)]
enum Stop {
    Closed,
    Failed(Arc<JournalFailure>),
}

#[derive(Debug)]
struct Inner {
    accumulator: Accumulator,
    stop: Option<Stop>,
    /// Threads that wait for room.
    waiting: usize,
    /// Tasks that do.
    wakers: Vec<Waker>,
    /// The queue's own limit is met by somebody: what is held back should be let go.
    pressed: bool,
    /// By what the log has no room on disk.
    disk_full: Option<FullCause>,
    /// Everything before this entry goes into sealed objects.
    seal_through: u64,
    closing: bool,
}

/// The accumulator, shared.
pub struct Intake {
    inner: Mutex<Inner>,
    room: Condvar,
    scribe: Arc<Doorbell>,
    clock: Arc<dyn Clock>,
    queue_entries_max: u64,
    has_latency: bool,
    uploaded: Box<Pending>,
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake").field("queue_entries_max", &self.queue_entries_max).finish_non_exhaustive()
    }
}

/// What the scribe is to do.
#[derive(Debug, Default)]
pub struct Offer {
    /// The next batch.
    pub batch: Option<RawBatch>,
    /// Everything before this entry is to be in sealed objects.
    pub seal_through: u64,
    /// A limit of the queue holds submitters up.
    pub pressed: bool,
    /// No entry will come any more, and no batch is left after this one.
    pub finished: bool,
    /// When to ask again, by the monotonic clock, if nothing rings before.
    pub due_at: Option<Duration>,
}

impl Intake {
    /// Entries go into `accumulator`; `scribe` is rung when it should look; `uploaded` says how many entries are gone.
    pub fn new(
        accumulator: Accumulator,
        clock: Arc<dyn Clock>,
        scribe: Arc<Doorbell>,
        queue_entries_max: u64,
        has_latency: bool,
        uploaded: Box<Pending>,
    ) -> Self {
        Self {
            inner: Mutex::new(Inner {
                accumulator,
                stop: None,
                waiting: 0,
                wakers: Vec::new(),
                pressed: false,
                disk_full: None,
                seal_through: 0,
                closing: false,
            }),
            room: Condvar::new(),
            scribe,
            clock,
            queue_entries_max,
            has_latency,
            uploaded,
        }
    }

    /// Takes an entry, waiting for room as far as `patience` goes.
    ///
    /// # Errors
    /// [`SubmitError`]; the entry isn't taken then.
    pub fn submit(
        &self,
        patience: Patience,
        encode: &mut dyn FnMut(&mut Vec<u8>) -> Result<(), EncodeError>,
        position: Option<(u64, &[u8])>,
    ) -> Result<u64, SubmitError> {
        let mut inner = lock_hot(&self.inner);
        loop {
            match self.try_once(&mut inner, encode, position) {
                Ok(accepted) => {
                    drop(inner);
                    return Ok(self.accepted(accepted));
                }
                Err(SubmitError::Full { what }) => {
                    self.press(&mut inner, what);
                    if !patience.waits_for(what) {
                        return Err(SubmitError::Full { what });
                    }
                    inner.waiting += 1;
                    inner = wait_timeout(&self.room, inner, None);
                    inner.waiting -= 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes an entry; if there is no room and `patience` goes that far, `waker` is woken when there may be.
    ///
    /// # Errors
    /// [`SubmitError`]; the entry isn't taken then.
    pub fn poll_submit(
        &self,
        patience: Patience,
        encode: &mut dyn FnMut(&mut Vec<u8>) -> Result<(), EncodeError>,
        position: Option<(u64, &[u8])>,
        waker: &Waker,
    ) -> Poll<Result<u64, SubmitError>> {
        let mut inner = lock(&self.inner);
        match self.try_once(&mut inner, encode, position) {
            Ok(accepted) => {
                drop(inner);
                Poll::Ready(Ok(self.accepted(accepted)))
            }
            Err(SubmitError::Full { what }) => {
                self.press(&mut inner, what);
                if !patience.waits_for(what) {
                    return Poll::Ready(Err(SubmitError::Full { what }));
                }
                if !inner.wakers.iter().any(|known| known.will_wake(waker)) {
                    inner.wakers.push(waker.clone());
                }
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn accepted(&self, accepted: Accepted) -> u64 {
        if accepted.fills_batch || (accepted.begins_batch && self.has_latency) {
            self.scribe.ring();
        }
        accepted.sequence
    }

    /// Somebody met a limit: what is held back should be let go.
    fn press(&self, inner: &mut Inner, what: FullCause) {
        inner.pressed |= what != FullCause::Busy;
        self.scribe.ring();
    }

    /// Lets everybody who waits for room look again.
    fn wake(&self, mut inner: MutexGuard<'_, Inner>) {
        let wakers = std::mem::take(&mut inner.wakers);
        let waiting = inner.waiting > 0;
        drop(inner);
        if waiting {
            self.room.notify_all();
        }
        for waker in wakers {
            waker.wake();
        }
    }

    fn try_once(
        &self,
        inner: &mut MutexGuard<'_, Inner>,
        encode: &mut dyn FnMut(&mut Vec<u8>) -> Result<(), EncodeError>,
        position: Option<(u64, &[u8])>,
    ) -> Result<Accepted, SubmitError> {
        match &inner.stop {
            None => {}
            Some(Stop::Closed) => return Err(SubmitError::Closed),
            Some(Stop::Failed(failure)) => return Err(SubmitError::Failed(Arc::clone(failure))),
        }
        if let Some(what) = self.full_of_entries(inner) {
            return Err(SubmitError::Full { what });
        }
        // An encoder that panics leaves nothing behind: see the accumulator.
        let accepted = inner.accumulator.offer(|| self.clock.monotonic(), encode, position);
        let disk_full = inner.disk_full;
        accepted.map_err(|refusal| match refusal {
            Refusal::NoRoom => SubmitError::Full { what: disk_full.unwrap_or(FullCause::Busy) },
            refusal => SubmitError::Refused(refusal),
        })
    }

    fn full_of_entries(&self, inner: &Inner) -> Option<FullCause> {
        if self.queue_entries_max == u64::MAX {
            return None;
        }
        let pending = inner.accumulator.next_sequence().saturating_sub((self.uploaded)());
        let max_entries = self.queue_entries_max;
        (pending >= max_entries).then_some(FullCause::Entries { max_entries })
    }

    /// By what the queue is full, as far as anybody has met it.
    pub fn full(&self) -> Option<FullCause> {
        let inner = lock(&self.inner);
        self.full_of_entries(&inner).or(inner.disk_full)
    }

    /// Sequence number of the next entry.
    pub fn next_sequence(&self) -> u64 {
        lock(&self.inner).accumulator.next_sequence()
    }

    /// The last position accepted of a source.
    pub fn position(&self, source: u64) -> Option<Vec<u8>> {
        lock(&self.inner).accumulator.position(source).map(<[u8]>::to_vec)
    }

    /// Where no latency is set, ends the batch with entry `sequence` in it: somebody waits for it.
    pub fn expect_durable(&self, sequence: u64) {
        if !self.has_latency {
            lock(&self.inner).accumulator.take_through(sequence.saturating_add(1));
            self.scribe.ring();
        }
    }

    /// Ends batch and object so that everything submitted so far can be uploaded; returns how many entries that is.
    pub fn seal(&self) -> u64 {
        let mut inner = lock(&self.inner);
        let through = inner.accumulator.next_sequence();
        inner.accumulator.take_through(through);
        inner.seal_through = inner.seal_through.max(through);
        drop(inner);
        self.scribe.ring();
        through
    }

    /// Takes no more entries; those that were taken go their way.
    pub fn close(&self) {
        let mut inner = lock(&self.inner);
        if inner.stop.is_none() {
            inner.stop = Some(Stop::Closed);
        }
        inner.closing = true;
        inner.accumulator.take_through(u64::MAX);
        self.wake(inner);
        self.scribe.ring();
    }

    /// Takes no more entries: the journal has failed. The first failure stays.
    pub fn fail(&self, failure: &Arc<JournalFailure>) {
        let mut inner = lock(&self.inner);
        if !matches!(inner.stop, Some(Stop::Failed(_))) {
            inner.stop = Some(Stop::Failed(Arc::clone(failure)));
        }
        self.wake(inner);
        self.scribe.ring();
    }

    /// Entries have left the queue: whoever waits for room looks again.
    pub fn room_may_have_come(&self) {
        self.wake(lock(&self.inner));
    }

    /// What the scribe is to do at `now`.
    pub fn next(&self, now: Duration) -> Offer {
        let mut inner = lock(&self.inner);
        let pressed = std::mem::take(&mut inner.pressed);
        if pressed {
            inner.accumulator.take_through(u64::MAX);
        }
        let batch = inner.accumulator.take(now);
        let due_at = inner.accumulator.due_at();
        let finished = inner.closing && batch.is_none() && due_at.is_none();
        let offer = Offer { seal_through: inner.seal_through, pressed, finished, due_at, batch };
        if offer.batch.is_some() {
            self.wake(inner);
        }
        offer
    }

    /// Gives a batch's buffers back.
    pub fn give_back(&self, batch: RawBatch) {
        lock(&self.inner).accumulator.give_back(batch);
    }

    /// Whether the log was last found to have no room on disk.
    pub fn is_disk_full(&self) -> bool {
        lock(&self.inner).disk_full.is_some()
    }

    /// The log has room on disk, or none for a cause.
    pub fn set_disk_full(&self, full: Option<FullCause>) {
        let mut inner = lock(&self.inner);
        if std::mem::replace(&mut inner.disk_full, full) != full {
            self.wake(inner);
        }
    }
}
