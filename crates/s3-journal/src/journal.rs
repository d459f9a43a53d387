//! The face: a journal that is open. Decides nothing itself.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::encode::Encode;
use crate::error::{FlushError, JournalFailure, OpenError, SubmitError};
use crate::opening::open;
use crate::options::{Options, WhenFull};
use crate::receipt::Receipt;
use crate::running::{Closed, Running, spawn};
use crate::shared::Shared;
use crate::stats::Stats;
use crate::write::{Patience, from_unix_ms};

/// A journal that is open: takes entries in order, makes them durable here, and carries them to the bucket.
///
/// It may be shared between threads; entries are in the order in which `submit` took them. Dropping it makes what was
/// submitted durable and doesn't wait for the bucket; [`Journal::close`] does.
pub struct Journal<E = crate::encode::AsIs> {
    encoder: E,
    patience: Patience,
    delimiter: Vec<u8>,
    running: Arc<Running>,
}

impl<E> Drop for Journal<E> {
    fn drop(&mut self) {
        // Otherwise dropping what runs does this; a closing that is under way would go on by itself.
        if Arc::strong_count(&self.running) > 1 {
            self.running.wait_until_durable();
        }
    }
}

impl<E> std::fmt::Debug for Journal<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("shared", &self.running.shared).finish_non_exhaustive()
    }
}

/// Opens a journal: [`Journal::open`] by its original name.
///
/// # Errors
/// [`OpenError`].
pub fn journal<E>(options: Options<E>) -> Result<Journal<E>, OpenError> {
    Journal::open(options)
}

impl<E> Journal<E> {
    /// Opens a journal. Doesn't need the bucket: it is first asked when there is something to do.
    ///
    /// # Durability
    /// What an earlier journal made durable in the local directory is there again, and is uploaded first.
    ///
    /// # Errors
    /// [`OpenError`] says which option, or what of the local directory, can't be used. Nothing is changed then.
    pub fn open(options: Options<E>) -> Result<Self, OpenError> {
        let Options { encoder, raw } = options;
        let settings = raw.check()?;
        let patience = match settings.when_full {
            WhenFull::Block => Patience::Endless,
            WhenFull::Refuse => Patience::UnlessFull,
        };
        let delimiter = settings.delimiter.clone();
        Ok(Self { encoder, patience, delimiter, running: Arc::new(open(settings)?) })
    }
}

impl<E> Journal<E> {
    /// What follows each entry.
    pub(crate) fn delimiter(&self) -> &[u8] {
        &self.delimiter
    }

    fn shared(&self) -> &Shared {
        &self.running.shared
    }

    /// Appends one entry. Waits while the queue is full (or refuses it: [`Options::when_full`]), or while disk or
    /// compressor are slower than what is submitted.
    ///
    /// # Durability
    /// The entry is in memory when this returns; [`Receipt::durable`] and [`Receipt::uploaded`] wait for more.
    ///
    /// # Errors
    /// [`SubmitError`]; the entry isn't taken then.
    pub fn submit<T: ?Sized>(&self, entry: &T) -> Result<Receipt<'_>, SubmitError>
    where
        E: Encode<T>,
    {
        self.take(self.patience, entry, None)
    }

    /// [`Journal::submit`] as a future: waits without holding a thread. The entry is taken, if at all, when the future
    /// resolves.
    ///
    /// # Durability
    /// As [`Journal::submit`].
    ///
    /// # Errors
    /// As [`Journal::submit`].
    pub async fn submit_async<T: ?Sized>(&self, entry: &T) -> Result<Receipt<'_>, SubmitError>
    where
        E: Encode<T>,
    {
        self.take_async(entry, None).await
    }

    /// [`Journal::submit_at`] as a future.
    ///
    /// # Durability
    /// As [`Journal::submit_at`].
    ///
    /// # Errors
    /// As [`Journal::submit_at`].
    pub async fn submit_at_async<T: ?Sized>(
        &self,
        entry: &T,
        source: u64,
        position: &[u8],
    ) -> Result<Receipt<'_>, SubmitError>
    where
        E: Encode<T>,
    {
        self.take_async(entry, Some((source, position))).await
    }

    async fn take_async<T: ?Sized>(
        &self,
        entry: &T,
        position: Option<(u64, &[u8])>,
    ) -> Result<Receipt<'_>, SubmitError>
    where
        E: Encode<T>,
    {
        let sequence = std::future::poll_fn(|context| {
            let mut encode = |out: &mut Vec<u8>| self.encoder.encode(entry, out);
            self.shared().intake.poll_submit(self.patience, &mut encode, position, context.waker())
        })
        .await?;
        Ok(self.receipt(sequence))
    }

    /// Appends one entry if that needs no waiting.
    ///
    /// # Durability
    /// As [`Journal::submit`].
    ///
    /// # Errors
    /// [`SubmitError::Full`] where [`Journal::submit`] would wait.
    pub fn try_submit<T: ?Sized>(&self, entry: &T) -> Result<Receipt<'_>, SubmitError>
    where
        E: Encode<T>,
    {
        self.take(Patience::None, entry, None)
    }

    /// Appends one entry together with the position of its source, opaque bytes that [`Journal::position`] gives back
    /// after a restart: a source that can be read again from a position is carried over exactly once. An empty position
    /// forgets the source.
    ///
    /// # Durability
    /// Entry and position become durable together.
    ///
    /// # Errors
    /// [`SubmitError`]; neither is taken then.
    pub fn submit_at<T: ?Sized>(
        &self,
        entry: &T,
        source: u64,
        position: &[u8],
    ) -> Result<Receipt<'_>, SubmitError>
    where
        E: Encode<T>,
    {
        self.take(self.patience, entry, Some((source, position)))
    }

    /// [`Journal::submit_at`], if that needs no waiting.
    ///
    /// # Durability
    /// As [`Journal::submit_at`].
    ///
    /// # Errors
    /// [`SubmitError::Full`] where [`Journal::submit_at`] would wait.
    pub fn try_submit_at<T: ?Sized>(
        &self,
        entry: &T,
        source: u64,
        position: &[u8],
    ) -> Result<Receipt<'_>, SubmitError>
    where
        E: Encode<T>,
    {
        self.take(Patience::None, entry, Some((source, position)))
    }

    fn take<T: ?Sized>(
        &self,
        patience: Patience,
        entry: &T,
        position: Option<(u64, &[u8])>,
    ) -> Result<Receipt<'_>, SubmitError>
    where
        E: Encode<T>,
    {
        let sequence =
            self.shared().intake.submit(patience, &mut |out| self.encoder.encode(entry, out), position)?;
        Ok(self.receipt(sequence))
    }

    /// The receipt of the entry with this sequence number.
    pub fn receipt(&self, sequence: u64) -> Receipt<'_> {
        Receipt::new(sequence, self.shared())
    }

    /// The last position taken of a source, in this run or an earlier one.
    pub fn position(&self, source: u64) -> Option<Vec<u8>> {
        self.shared().intake.position(source)
    }

    /// The sequence number of the next entry: how many were taken over the life of the local directory.
    pub fn next_sequence(&self) -> u64 {
        self.shared().intake.next_sequence()
    }

    /// How many entries are durable here, over the life of the local directory: all with a smaller sequence number are.
    pub fn durable(&self) -> u64 {
        self.shared().durable.count()
    }

    /// How many entries are proved to be in the bucket, over the life of the local directory.
    pub fn uploaded(&self) -> u64 {
        self.shared().uploaded.count()
    }

    /// Ends the batch and the object that are being filled, so that everything submitted so far can be uploaded; doesn't
    /// wait for that. Returns how many entries that is over the life of the local directory.
    pub fn seal(&self) -> u64 {
        self.shared().intake.seal()
    }

    /// Ends batch and object, and waits until everything submitted before is in the bucket.
    ///
    /// # Durability
    /// When it returns `Ok`, every entry submitted before is in a completed object.
    ///
    /// # Errors
    /// [`FlushError`]; an unreachable store is no error, it is waited for.
    pub fn flush(&self) -> Result<(), FlushError> {
        let through = self.seal();
        self.shared().uploaded.wait(through, None).map_err(FlushError::from)?;
        self.shared().nothing_left_out(through)
    }

    /// [`Journal::flush`] as a future.
    ///
    /// # Errors
    /// As [`Journal::flush`].
    pub fn flush_async(&self) -> impl Future<Output = Result<(), FlushError>> + Send + '_ {
        let through = self.seal();
        let last = through.checked_sub(1).map(|last| self.receipt(last).uploaded());
        let shared = self.shared();
        async move {
            if let Some(wait) = last {
                wait.await.map_err(FlushError::from)?;
            }
            shared.nothing_left_out(through)
        }
    }

    /// Takes no more entries, and waits until everything submitted is in the bucket, however long that takes.
    /// Closing again gives the same answer.
    ///
    /// # Durability
    /// When it returns `Ok`, every entry submitted is in a completed object.
    ///
    /// # Errors
    /// [`FlushError`] when the journal had failed or was closed within a time that didn't suffice.
    pub fn close(&self) -> Result<(), FlushError> {
        let closed = self.running.close(None)?;
        self.running.all_arrived(closed)
    }

    /// Takes no more entries, and waits until everything submitted is in the bucket, for `timeout` at most.
    ///
    /// # Durability
    /// What isn't in the bucket is durable here (but for [`Closed::not_durable`]) and uploaded by the next journal opened
    /// on the local directory.
    ///
    /// # Errors
    /// [`FlushError`] when the journal has failed.
    pub fn close_within(&self, timeout: Duration) -> Result<Closed, FlushError> {
        self.running.close(Some(timeout))
    }

    /// [`Journal::close`] as a future. Dropping it doesn't undo the closing.
    ///
    /// # Errors
    /// As [`Journal::close`].
    pub fn close_async(&self) -> impl Future<Output = Result<(), FlushError>> + Send + 'static {
        self.running.shared.intake.close();
        let (done, wait) = tokio::sync::oneshot::channel();
        let running = Arc::clone(&self.running);
        let arrived = Arc::clone(&self.running);
        let thread = spawn("s3-journal-close", move || {
            // Nobody may be waiting any more.
            let _ = done.send(running.close(None));
        });
        async move {
            match thread {
                Ok(_) => match wait.await {
                    Ok(Ok(closed)) => arrived.all_arrived(closed),
                    Ok(Err(error)) => Err(error),
                    _ => Err(FlushError::Closed),
                },
                Err(source) => {
                    let reason = format!("no thread to close with: {source}");
                    Err(FlushError::Failed(Arc::new(JournalFailure::Internal { reason })))
                }
            }
        }
    }

    /// What stopped the journal, if something has: it takes no more entries and must be opened again.
    pub fn failure(&self) -> Option<Arc<JournalFailure>> {
        self.shared().failure()
    }

    /// The damage in the local queue past which this journal doesn't upload, if there is any: file, offset and entries. Opened with
    /// [`Options::quarantine`](crate::Options::quarantine) it would.
    pub fn damage(&self) -> Option<Arc<str>> {
        match self.shared().uploaded.stopped() {
            Some(crate::error::Stopped::Damaged(reason)) => Some(reason),
            _ => None,
        }
    }

    /// What was counted since the journal was opened, and how it is doing.
    pub fn stats(&self) -> Stats {
        let shared = self.shared();
        let mut stats = Stats::default();
        shared.counters.tell(&mut stats);
        let log = shared.ledger.log();
        let log_stats = log.stats();
        stats.queue.num_slabs = log_stats.slabs;
        stats.disk_bytes = log_stats.bytes_on_disk;
        let (cursor, open, sealed_waits, buffers_bytes_max) = shared.ledger.state(|state| {
            let sealed = state.open.as_ref().map_or(state.next_number, |open| open.number);
            (
                state.cursor,
                state.open.as_ref().map(|open| open.opened_unix_ms),
                state.uploaded_number < sealed,
                state.buffers_bytes_max,
            )
        });
        stats.buffers_bytes_max = buffers_bytes_max.unwrap_or_default();
        let is_waiting = open.is_some() || sealed_waits;
        let newest = log.appended().slab;
        stats.queue.num_active_slabs =
            if is_waiting { newest.saturating_sub(cursor.max(log.oldest()).slab) + 1 } else { 0 };
        stats.next_sequence = shared.intake.next_sequence();
        stats.durable_sequence = shared.durable.count();
        stats.uploaded_sequence = shared.uploaded.count();
        stats.enqueued = stats.next_sequence - shared.start_sequence;
        stats.uploaded = stats.uploaded_sequence.saturating_sub(shared.start_uploaded);
        stats.pending_entries = stats.next_sequence.saturating_sub(stats.uploaded_sequence);
        let oldest =
            shared.counters.oldest_pending().or_else(|| open.map(from_unix_ms)).filter(|_| is_waiting);
        stats.oldest_pending_age_seconds =
            oldest.map(|oldest| shared.clock.wall().duration_since(oldest).unwrap_or_default().as_secs_f64());
        // What the log found when it last wrote may be over; it looks ahead again by itself.
        let full = shared.intake.full();
        stats.full = full.filter(|cause| !cause.is_of_disk() || log_stats.full.is_some());
        if let Some(failure) = shared.failure() {
            stats.health = crate::stats::Health::Stopped;
            stats.last_error = Some(crate::stats::LastError {
                operation: "journal".to_owned(),
                message: crate::upload::chain(&*failure),
                time_unix_ms: crate::write::to_unix_ms(shared.clock.wall()),
            });
        }
        stats
    }
}
