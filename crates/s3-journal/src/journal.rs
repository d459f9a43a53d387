//! The face: a journal that is open. Puts the rooms together, starts their threads and ends them; decides nothing itself.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use durable_queue::clock::Clock;
use durable_queue::{Log, LogOptions, RecordError, Threads, Visitor};

use crate::encode::Encode;
use crate::entry_writer::EntryWriter;
use crate::error::{FlushError, JournalFailure, OpenError, SubmitError};
use crate::ledger::Ledger;
use crate::milestone::{Milestone, Stage, Stopped};
use crate::object::{Id, Incarnation, Layout, LayoutLimits, RunId};
use crate::options::{Options, Settings, WhenFull};
use crate::progress::Progress;
use crate::receipt::Receipt;
use crate::record::{Identity, Record, State};
use crate::stats::{Counters, Stats};
use crate::sync::{Doorbell, lock, wait_timeout};
use crate::upload::{Room, UploadDriver, Uploader, UploaderSetup, run};
use crate::write::{
    Accumulator, AccumulatorLimits, Intake, Patience, Scribe, ScribeSetup, ScribeStep, from_unix_ms,
};

/// How long the scribe waits, at most, for a log without room before it looks again.
const ROOM_LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What a journal, its receipts and its threads share.
pub(crate) struct Shared {
    intake: Arc<Intake>,
    ledger: Arc<Ledger>,
    progress: Arc<Progress>,
    durable: Arc<Milestone>,
    uploaded: Arc<Milestone>,
    counters: Arc<Counters>,
    clock: Arc<dyn Clock>,
    scribe_bell: Arc<Doorbell>,
    uploads: Arc<UploadDriver>,
    /// The scribe waits for room in the log.
    scribe_is_blocked: AtomicBool,
    /// The scribe isn't to wait for room any more.
    scribe_gives_up: AtomicBool,
    scribe_done: (Mutex<bool>, Condvar),
    failure: Mutex<Option<Arc<JournalFailure>>>,
    start_sequence: u64,
    start_uploaded: u64,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("next_sequence", &self.intake.next_sequence()).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn milestone(&self, stage: Stage) -> &Milestone {
        match stage {
            Stage::Durable => &self.durable,
            Stage::Uploaded => &self.uploaded,
        }
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn expect_durable(&self, sequence: u64) {
        if self.durable.count() <= sequence {
            self.intake.expect_durable(sequence);
        }
    }

    /// The log's watermarks moved, it has room again, or it failed.
    fn log_moved(&self) {
        self.progress.moved();
        if let Some(failure) = self.ledger.log().failure() {
            self.fail(&Arc::new(JournalFailure::Log(failure)));
        }
        if self.scribe_is_blocked.load(Ordering::Acquire) {
            self.scribe_bell.ring();
        }
        self.uploads.ring();
    }

    /// Nothing more becomes durable. What is durable is still uploaded.
    fn fail(&self, failure: &Arc<JournalFailure>) {
        let mut first = lock(&self.failure);
        if first.is_some() {
            return;
        }
        *first = Some(Arc::clone(failure));
        drop(first);
        tracing::error!(failure = crate::upload::chain(&**failure), "the journal takes no more entries");
        self.intake.fail(failure);
        let stopped = Stopped::Failed(Arc::clone(failure));
        self.durable.stop(&stopped);
        // What is durable goes on being uploaded and counted, but nobody knows how far that will come.
        self.uploaded.stop(&stopped);
        self.uploads.ring();
    }

    fn failure(&self) -> Option<Arc<JournalFailure>> {
        lock(&self.failure).clone()
    }

    fn scribe_is_done(&self) {
        *lock(&self.scribe_done.0) = true;
        self.scribe_done.1.notify_all();
    }

    /// Waits until the scribe has appended everything, for `left` at most.
    fn wait_for_scribe(&self, left: &dyn Fn() -> Option<Option<Duration>>) -> bool {
        let mut done = lock(&self.scribe_done.0);
        while !*done {
            let Some(timeout) = left() else { return false };
            done = wait_timeout(&self.scribe_done.1, done, timeout);
        }
        true
    }
}

/// Neither half of a journal knows the other: this tells the left one that the right one has freed something.
#[derive(Debug)]
struct IntakeRoom(Arc<Intake>);

impl Room for IntakeRoom {
    fn room_may_have_come(&self) {
        self.0.room_may_have_come();
    }
}

/// The scribe's thread: a loop around its step.
fn write(mut scribe: Scribe, shared: &Shared) {
    loop {
        match scribe.step() {
            Ok(ScribeStep::Worked) => {}
            Ok(ScribeStep::Idle { wake_at }) => {
                let now = shared.clock.monotonic();
                shared.scribe_bell.wait(wake_at.map(|at| at.saturating_sub(now)));
            }
            Ok(ScribeStep::Busy | ScribeStep::Full) => {
                shared.scribe_is_blocked.store(true, Ordering::Release);
                // Room may have come before the flag was up.
                match scribe.step() {
                    Ok(ScribeStep::Full) if shared.scribe_gives_up.load(Ordering::Acquire) => return,
                    Ok(ScribeStep::Busy | ScribeStep::Full) => {
                        shared.scribe_bell.wait(Some(ROOM_LOOK_INTERVAL));
                    }
                    Ok(ScribeStep::Finished) => return,
                    Ok(_) => {}
                    Err(failure) => return shared.fail(&failure),
                }
                shared.scribe_is_blocked.store(false, Ordering::Release);
            }
            Ok(ScribeStep::Finished) => return,
            Err(failure) => return shared.fail(&failure),
        }
        if shared.failure().is_some() {
            return;
        }
    }
}

/// A journal that is open: takes entries in order, makes them durable here, and carries them to the bucket.
///
/// It may be shared between threads; entries are in the order in which `submit` took them. Dropping it makes what was
/// submitted durable and doesn't wait for the bucket; [`Journal::close`] does.
pub struct Journal<E = crate::encode::AsIs> {
    encoder: E,
    patience: Patience,
    delimiter: Vec<u8>,
    core: Arc<Core>,
}

/// What closing needs, apart from the encoder: so that it can be done from another thread.
struct Core {
    shared: Arc<Shared>,
    threads: Mutex<Option<RunningThreads>>,
}

struct RunningThreads {
    scribe: JoinHandle<()>,
    upload: JoinHandle<()>,
    log: Threads,
}

impl<E> std::fmt::Debug for Journal<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("shared", &self.core.shared).finish_non_exhaustive()
    }
}

/// What a close within a time came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "entries may remain"]
pub struct Closed {
    /// Entries that are not in the bucket. Those that were durable are uploaded by the next journal opened here.
    pub remaining: u64,
    /// Of these, how many the local disk had no room for: they are lost.
    pub not_durable: u64,
}

/// Collects the state while the log is opened.
#[derive(Debug, Default)]
pub(crate) struct StateVisitor {
    pub(crate) state: Option<State>,
}

impl Visitor for StateVisitor {
    fn checkpoint(&mut self, payload: &[u8]) -> Result<(), RecordError> {
        self.state = Some(State::decode(payload).map_err(|error| RecordError::new(error.to_string()))?);
        Ok(())
    }

    fn record(&mut self, record: &durable_queue::Record, _payload: &[u8]) -> Result<(), RecordError> {
        let decoded = Record::decode(record.kind, record.must_understand, &record.meta)
            .map_err(|error| RecordError::new(crate::upload::chain(&error)))?;
        let Some(state) = &mut self.state else {
            return Err(RecordError::new("a record comes before the first checkpoint"));
        };
        state.apply(&decoded).map_err(|error| RecordError::new(error.to_string()))
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
        let mut visitor = StateVisitor::default();
        let log_options = LogOptions {
            slab_size_bytes: settings.slab_size_bytes,
            fsync: settings.fsync,
            bytes_max: settings.max_queue_bytes,
            ..LogOptions::new(&settings.local_directory)
        };
        let opening = Log::open(settings.environment.clone(), log_options, &mut visitor)?;
        if let Some(cut) = &opening.cut {
            tracing::warn!(
                ?cut,
                "the last write before an unclean end was torn; it had not been acknowledged"
            );
        }
        let mut state = state_for(visitor.state, &settings)?;
        let run = RunId(random(&settings)?);
        state.begin_run(run.0);
        let mut checkpoint = Vec::new();
        state.encode_into(&mut checkpoint);
        let log = opening.begin(&checkpoint)?;
        start(settings, state, &log, run, encoder)
    }
}

fn random(settings: &Settings) -> Result<u32, OpenError> {
    let mut bytes = [0; 4];
    let filled = settings.environment.random.fill(&mut bytes);
    filled.map_err(|source| OpenError::System { what: "random numbers", source })?;
    Ok(u32::from_le_bytes(bytes))
}

/// The state to go on from: what the directory holds, if it is this journal's; a new one if there is none, or if it was
/// another's and nothing waits in it.
fn state_for(found: Option<State>, settings: &Settings) -> Result<State, OpenError> {
    let (store, prefix) = (settings.bucket.name(), settings.keys.prefix().to_owned());
    let id = match (&settings.id, &found) {
        (Some(id), _) => id.to_string(),
        (None, Some(state)) => state.identity.id.clone(),
        (None, None) => Id::from_host_name(&crate::hostname()).to_string(),
    };
    if let Some(state) = found {
        let same =
            state.identity.id == id && state.identity.store == store && state.identity.prefix == prefix;
        if same {
            return Ok(state);
        }
        if !state.is_drained() {
            let Identity { id: found_id, store: found_store, prefix: found_prefix, .. } = &state.identity;
            return Err(OpenError::OtherJournal {
                directory: settings.local_directory.clone(),
                found: format!("id {found_id} at {found_store} under prefix {found_prefix:?}"),
                wanted: format!("id {id} at {store} under prefix {prefix:?}"),
                pending_entries: state.next_sequence - state.uploaded_sequence,
            });
        }
        tracing::info!("the local directory is drained and begins a new incarnation with other options");
    }
    let incarnation = Incarnation::new(settings.environment.clock.wall(), random(settings)?).to_string();
    Ok(State::new(Identity { id, incarnation, store, prefix }))
}

fn start<E>(
    settings: Settings,
    state: State,
    log: &Log,
    run_id: RunId,
    encoder: E,
) -> Result<Journal<E>, OpenError> {
    let internal =
        |reason: &str| OpenError::Failed(Arc::new(JournalFailure::Internal { reason: reason.to_owned() }));
    let id = Id::new(&state.identity.id).map_err(|_| internal("the recorded id can't be used"))?;
    let incarnation = Incarnation::parse(&state.identity.incarnation)
        .ok_or_else(|| internal("the recorded incarnation can't be used"))?;
    let environment = settings.environment;
    let clock = Arc::clone(&environment.clock);
    let durable = Arc::new(Milestone::new(state.next_sequence));
    let uploaded = Arc::new(Milestone::new(state.uploaded_sequence));
    let (start_sequence, start_uploaded) = (state.next_sequence, state.uploaded_sequence);
    let positions: BTreeMap<u64, Vec<u8>> =
        state.positions.iter().map(|(source, position)| (*source, position.to_vec())).collect();
    let accumulator_limits = AccumulatorLimits {
        batch_entries_max: settings.max_batch_size,
        batch_bytes_max: settings.max_batch_bytes,
        entry_bytes_max: settings.max_entry_bytes,
        batch_latency_max: settings.max_batch_latency,
        delimiter: settings.delimiter.clone(),
        delimiter_inside_allowed: settings.allow_delimiter_in_entries,
    };
    let accumulator = Accumulator::new(accumulator_limits, start_sequence, positions);
    let ledger = Arc::new(Ledger::new(log.clone(), state));
    ledger.forget_what_is_drained();
    let scribe_bell = Arc::new(Doorbell::default());
    let pending = Arc::clone(&uploaded);
    let intake = Arc::new(Intake::new(
        accumulator,
        Arc::clone(&clock),
        Arc::clone(&scribe_bell),
        settings.max_queue_size,
        settings.max_batch_latency.is_some(),
        Box::new(move || pending.count()),
    ));
    let counters = Arc::new(Counters::default());
    let progress = Arc::new(Progress::new(log.clone(), settings.fsync, Arc::clone(&durable)));
    let uploads = Arc::new(UploadDriver::new(Arc::new(Doorbell::default()), Arc::clone(&clock)));
    let shared = Arc::new(Shared {
        intake: Arc::clone(&intake),
        ledger: Arc::clone(&ledger),
        progress: Arc::clone(&progress),
        durable,
        uploaded: Arc::clone(&uploaded),
        counters: Arc::clone(&counters),
        clock: Arc::clone(&clock),
        scribe_bell,
        uploads: Arc::clone(&uploads),
        scribe_is_blocked: AtomicBool::new(false),
        scribe_gives_up: AtomicBool::new(false),
        scribe_done: (Mutex::new(false), Condvar::new()),
        failure: Mutex::new(None),
        start_sequence,
        start_uploaded,
    });
    // Weak, or the log would keep its own listener alive.
    let listener: Weak<Shared> = Arc::downgrade(&shared);
    log.on_progress(Box::new(move || {
        if let Some(shared) = listener.upgrade() {
            shared.log_moved();
        }
    }));
    let setup = UploaderSetup {
        ledger: Arc::clone(&ledger),
        uploaded,
        counters: Arc::clone(&counters),
        clock: Arc::clone(&clock),
        random: environment.random,
        store: settings.bucket.name(),
        listing_prefix: settings.keys.listing_prefix(),
        id: id.clone(),
        incarnation: incarnation.clone(),
        parallel_max: settings.max_concurrent_uploads,
        part_size_bytes: settings.part_size,
        expiration: settings.expiration,
        room: Arc::new(IntakeRoom(Arc::clone(&intake))),
    };
    let scribe = Scribe::new(ScribeSetup {
        intake,
        ledger,
        progress,
        counters,
        clock,
        layout: Layout::new(
            settings.format,
            LayoutLimits {
                object_size_max_bytes: settings.max_object_size,
                object_age_max: settings.max_object_age,
            },
        ),
        keys: settings.keys,
        id,
        incarnation,
        run: run_id,
        suffix: settings.suffix,
        compressor: settings.compressor,
        level: settings.level,
        delimiter: settings.delimiter.clone(),
        part_size_bytes: settings.part_size,
    });
    let system = |what| move |source| OpenError::System { what, source };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("s3-journal-net")
        .enable_all()
        .build()
        .map_err(system("a network runtime"))?;
    let log_threads = log.start().map_err(system("a thread"))?;
    let scribe_thread = {
        let shared = Arc::clone(&shared);
        spawn("s3-journal-scribe", move || {
            guarded(&shared, || write(scribe, &shared));
            shared.scribe_is_done();
        })
        .map_err(system("a thread"))?
    };
    let bucket = settings.bucket;
    let upload_thread = {
        let shared = Arc::clone(&shared);
        spawn("s3-journal-upload", move || {
            guarded(&shared, || {
                run(Uploader::new(setup), &bucket, runtime, &uploads, &|failure| shared.fail(failure));
            });
            // However it ended: nobody may wait for an upload that won't come.
            let why = shared.failure().map_or(Stopped::Closed, Stopped::Failed);
            shared.uploaded.stop(&why);
        })
        .map_err(system("a thread"))?
    };
    let threads = RunningThreads { scribe: scribe_thread, upload: upload_thread, log: log_threads };
    Ok(Journal {
        encoder,
        patience: match settings.when_full {
            WhenFull::Block => Patience::Endless,
            WhenFull::Refuse => Patience::UnlessFull,
        },
        delimiter: settings.delimiter,
        core: Arc::new(Core { shared, threads: Mutex::new(Some(threads)) }),
    })
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(body)
}

/// A thread that panics stops the journal, not the program.
fn guarded(shared: &Shared, body: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(body)) {
        let reason = panic
            .downcast_ref::<&str>()
            .map(|reason| (*reason).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a thread panicked".to_owned());
        shared.fail(&Arc::new(JournalFailure::Internal { reason }));
    }
}

impl<E> Journal<E> {
    fn shared(&self) -> &Shared {
        &self.core.shared
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

    /// A [`std::io::Write`] that takes what the delimiter ends as entries.
    pub fn writer(&self) -> EntryWriter<'_, E>
    where
        E: Encode<[u8]>,
    {
        EntryWriter::new(self, &self.delimiter)
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
        self.shared().uploaded.wait(through, None).map(|_| ()).map_err(FlushError::from)
    }

    /// [`Journal::flush`] as a future.
    ///
    /// # Errors
    /// As [`Journal::flush`].
    pub fn flush_async(&self) -> impl Future<Output = Result<(), FlushError>> + Send + '_ {
        let last = self.seal().checked_sub(1).map(|last| self.receipt(last).uploaded());
        async move {
            match last {
                None => Ok(()),
                Some(wait) => wait.await.map_err(FlushError::from),
            }
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
        let closed = self.core.close(None)?;
        if closed.remaining == 0 { Ok(()) } else { Err(FlushError::Closed) }
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
        self.core.close(Some(timeout))
    }

    /// [`Journal::close`] as a future. Dropping it doesn't undo the closing.
    ///
    /// # Errors
    /// As [`Journal::close`].
    pub fn close_async(&self) -> impl Future<Output = Result<(), FlushError>> + Send + 'static {
        self.core.shared.intake.close();
        let (done, wait) = tokio::sync::oneshot::channel();
        let core = Arc::clone(&self.core);
        let thread = spawn("s3-journal-close", move || {
            // Nobody may be waiting any more.
            let _ = done.send(core.close(None));
        });
        async move {
            match thread {
                Ok(_) => match wait.await {
                    Ok(Ok(closed)) if closed.remaining == 0 => Ok(()),
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

    /// What was counted since the journal was opened, and how it is doing.
    pub fn stats(&self) -> Stats {
        let shared = self.shared();
        let mut stats = Stats::default();
        shared.counters.tell(&mut stats);
        let log = shared.ledger.log();
        let log_stats = log.stats();
        stats.queue.num_slabs = log_stats.slabs;
        stats.disk_bytes = log_stats.bytes_on_disk;
        let (cursor, open, sealed_waits) = shared.ledger.state(|state| {
            let sealed = state.open.as_ref().map_or(state.next_number, |open| open.number);
            (
                state.cursor,
                state.open.as_ref().map(|open| open.opened_unix_ms),
                state.uploaded_number < sealed,
            )
        });
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

impl Core {
    /// Takes no more entries, waits for the bucket until the time is up, and ends the threads.
    fn close(&self, timeout: Option<Duration>) -> Result<Closed, FlushError> {
        let shared = &*self.shared;
        let end = timeout.map(|timeout| shared.clock.monotonic().saturating_add(timeout));
        let left = || match end {
            None => Some(None),
            Some(end) => end.checked_sub(shared.clock.monotonic()).filter(|left| !left.is_zero()).map(Some),
        };
        shared.intake.close();
        // A second closer waits for the first one here.
        let mut running = lock(&self.threads);
        if let Some(threads) = running.take() {
            if !shared.wait_for_scribe(&left) {
                // What the scribe still has in hand must become durable, if the disk has room for it.
                shared.scribe_gives_up.store(true, Ordering::Release);
                shared.scribe_bell.ring();
                shared.wait_for_scribe(&|| Some(None));
            }
            let through = shared.ledger.state(|state| state.next_sequence);
            let in_time = || left().flatten();
            let deadline: Option<&dyn Fn() -> Option<Duration>> = end.is_some().then_some(&in_time);
            let is_uploaded = matches!(shared.uploaded.wait(through, deadline), Ok(true));
            if is_uploaded && shared.failure().is_none() {
                shared.uploads.end_when_drained();
            } else {
                shared.uploads.end_now();
            }
            self.end(threads);
        }
        drop(running);
        if let Some(failure) = shared.failure() {
            return Err(FlushError::Failed(failure));
        }
        let next_sequence = shared.intake.next_sequence();
        let appended = shared.ledger.state(|state| state.next_sequence);
        Ok(Closed {
            remaining: next_sequence.saturating_sub(shared.uploaded.count()),
            not_durable: next_sequence.saturating_sub(appended),
        })
    }

    /// Makes what was submitted durable, as far as the disk has room, and ends the threads.
    fn abandon(&self) {
        let mut running = lock(&self.threads);
        if let Some(threads) = running.take() {
            self.shared.intake.close();
            self.shared.scribe_gives_up.store(true, Ordering::Release);
            self.shared.scribe_bell.ring();
            self.shared.wait_for_scribe(&|| Some(None));
            self.shared.uploads.end_now();
            self.end(threads);
        }
    }

    fn end(&self, threads: RunningThreads) {
        // A thread that panicked has said so already.
        let _ = threads.upload.join();
        let _ = threads.scribe.join();
        if let Err(failure) = self.shared.ledger.log().close() {
            self.shared.fail(&Arc::new(JournalFailure::Log(failure)));
        }
        self.shared.progress.moved();
        drop(threads.log);
        let stopped = self.shared.failure().map_or(Stopped::Closed, Stopped::Failed);
        self.shared.durable.stop(&stopped);
        self.shared.uploaded.stop(&stopped);
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.abandon();
    }
}
