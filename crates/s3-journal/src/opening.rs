//! From checked options to a running journal: the local directory's state, the rooms put together, the threads begun.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, Weak};

use durable_queue::{Log, LogOptions};

use crate::bucket::Bucket;
use crate::error::{JournalFailure, OpenError, Stopped};
use crate::ledger::{DamagedEntries, Ledger, StateVisitor};
use crate::memory::{Sizes, buffers_bytes_max};
use crate::milestone::Milestone;
use crate::object::{Id, Incarnation, Layout, LayoutLimits, RunId};
use crate::options::Settings;
use crate::progress::Progress;
use crate::record::{Identity, State};
use crate::running::{Running, RunningThreads, guarded, spawn, write};
use crate::sabotage;
use crate::shared::Shared;
use crate::stats::Counters;
use crate::sync::Doorbell;
use crate::upload::{Room, UploadDriver, Uploader, UploaderSetup, run};
use crate::write::{Accumulator, AccumulatorLimits, DiskBounds, Intake, Scribe, ScribeSetup};

/// A journal's rooms, put together on the local directory. Nothing runs yet.
#[derive(Debug)]
pub(crate) struct Rooms {
    pub(crate) shared: Arc<Shared>,
    pub(crate) scribe: Scribe,
    pub(crate) uploader: Uploader,
    pub(crate) bucket: Arc<dyn Bucket>,
}

/// Opens the local directory and starts a journal on it.
///
/// # Errors
/// [`OpenError`]; nothing is changed then.
pub(crate) fn open(settings: Settings) -> Result<Running, OpenError> {
    start(put_together(settings)?)
}

/// Opens the local directory and puts a journal's rooms together.
///
/// # Errors
/// [`OpenError`]; nothing is changed then.
pub(crate) fn put_together(settings: Settings) -> Result<Rooms, OpenError> {
    let mut visitor = StateVisitor::default();
    let log_options = LogOptions {
        slab_size_bytes: settings.slab_size_bytes,
        fsync: settings.fsync,
        bytes_max: settings.max_queue_bytes,
        free_space_kept: settings.free_space_kept,
        ..LogOptions::new(&settings.local_directory)
    };
    let sizes = Sizes {
        batch_bytes: settings.max_batch_bytes,
        part_bytes: settings.part_size,
        parallel_max: settings.max_concurrent_uploads,
    };
    let buffers_bytes_max = buffers_bytes_max(&sizes, &log_options);
    let mut opening = Log::open(settings.environment.clone(), log_options, &mut visitor)?;
    report(&visitor.damage, settings.quarantine);
    if visitor.resync.is_open()
        && let Some(state) = &mut visitor.state
    {
        // How far the sequence had come can't be told: to go on, numbers must be skipped.
        if !settings.quarantine {
            return Err(unknown_end(&visitor.damage).into());
        }
        visitor.resync.jump(state);
    }
    let mut state = state_for(visitor.state, &settings)?;
    let run = RunId(if sabotage::RUN_IN_KEY.is_off() { 0 } else { random(&settings)? });
    state.begin_run(run.0);
    state.buffers_bytes_max = Some(buffers_bytes_max);
    let mut checkpoint = Vec::new();
    state.encode_into(&mut checkpoint);
    opening.note = state.next_sequence.saturating_add(1);
    let log = opening.begin(&checkpoint)?;
    rooms(settings, state, &log, run)
}

/// Tells of damage that was found.
fn report(damage: &[DamagedEntries], quarantine: bool) {
    for DamagedEntries { damage, first, next } in damage {
        let what = if !damage.has_frames {
            "no entry is lost by it"
        } else if quarantine {
            "the upload leaves it out when it comes there"
        } else {
            "entries are taken all the same; the upload stops there, unless the journal is opened with quarantine"
        };
        tracing::warn!(
            file = %damage.file.display(),
            offset_bytes = damage.from.offset_bytes,
            reason = damage.reason,
            first,
            next,
            "the local queue is damaged: {what}"
        );
    }
}

/// The refusal of a queue whose damage reaches the end of what is known.
fn unknown_end(damage: &[DamagedEntries]) -> durable_queue::OpenError {
    let last = damage.last();
    let first = last.and_then(|last| last.first).unwrap_or_default();
    durable_queue::OpenError::Corrupt {
        file: last.map(|last| last.damage.file.clone()).unwrap_or_default(),
        offset_bytes: last.map_or(0, |last| last.damage.from.offset_bytes),
        reason: format!(
            "{}; the entries from {first} on are damaged, and nothing follows that tells how many there were: open it with quarantine to go on",
            last.map_or("", |last| &last.damage.reason)
        ),
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
        if !state.is_drained() && sabotage::OTHER_JOURNAL.is_on() {
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

fn rooms(settings: Settings, state: State, log: &Log, run_id: RunId) -> Result<Rooms, OpenError> {
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
        uploads,
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
        local_directory: settings.local_directory,
        disk: environment.disk,
        quarantine: settings.quarantine,
        scribe_bell: Arc::clone(&shared.scribe_bell),
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
        bounds: DiskBounds {
            max_queue_bytes: settings.max_queue_bytes,
            free_space_kept: settings.free_space_kept,
        },
    });
    Ok(Rooms { shared, scribe, uploader: Uploader::new(setup), bucket: settings.bucket })
}

/// Starts the threads.
fn start(rooms: Rooms) -> Result<Running, OpenError> {
    let Rooms { shared, scribe, uploader, bucket } = rooms;
    let system = |what| move |source| OpenError::System { what, source };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("s3-journal-net")
        .enable_all()
        .build()
        .map_err(system("a network runtime"))?;
    let log_threads = shared.ledger.log().start().map_err(system("a thread"))?;
    let scribe_thread = {
        let shared = Arc::clone(&shared);
        spawn("s3-journal-scribe", move || {
            guarded(&shared, || write(scribe, &shared));
            shared.scribe_is_done();
        })
        .map_err(system("a thread"))?
    };
    let upload_thread = {
        let shared = Arc::clone(&shared);
        spawn("s3-journal-upload", move || {
            guarded(&shared, || {
                run(uploader, &bucket, runtime, &shared.uploads, &|failure| shared.fail(failure));
            });
            // However it ended: nobody may wait for an upload that won't come.
            let why = shared.failure().map_or(Stopped::Closed, Stopped::Failed);
            shared.uploaded.stop(&why);
        })
        .map_err(system("a thread"))?
    };
    let threads = RunningThreads { scribe: scribe_thread, upload: upload_thread, log: log_threads };
    Ok(Running { shared, threads: Mutex::new(Some(threads)) })
}

/// Neither half of a journal knows the other: this tells the left one that the right one has freed something.
#[derive(Debug)]
struct IntakeRoom(Arc<Intake>);

impl Room for IntakeRoom {
    fn room_may_have_come(&self) {
        self.0.room_may_have_come();
    }
}
