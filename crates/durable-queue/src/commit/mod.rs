//! Group commit: appenders fill a buffer, the writer puts it into slabs, the sync thread makes it durable, and the preparer
//! keeps the next slab ready and removes the oldest. One lock guards what they share and is never held across I/O. Knows
//! slabs; the face is in `log`.
//!
//! Each of the three is a step that does what there is to do and returns. Only the loops in `threads` wait. An appender that
//! is alone and waits for its frame calls the writer's and the sync thread's itself (`alone`).
//!
//! All syncs that decide about durability, the writer's at a rotation and the directory's too, take turns: the kernel tells
//! of a failed write-back once for each open file, so of two syncs at the same time one could succeed, and be believed, while
//! only the other learns that bytes are lost. The turn ends after the outcome is published.

mod alone;
mod batch;
mod close;
mod face;
mod open_files;
mod prepare;
mod sizes;
mod state;
mod sync;
mod threads;
mod waiting;
mod write;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use crate::disk::DirectoryLock;
use crate::environment::Environment;
use crate::error::{FullReason, LogFailure};
use crate::options::LogOptions;
use crate::position::Position;
use crate::sabotage::{self, Safeguard};
use crate::slab::SlabFile;
use crate::sync::{Condvar, Mutex, MutexGuard, thread};

pub use face::{Appended, Class, LogStats, Room, Step};
pub(crate) use open_files::{OpenFile, OpenFiles};
pub(crate) use prepare::{NextSlab, Plan, Refusal};
pub(crate) use state::{Beginning, SlabEntry};
pub use threads::Threads;

use state::State;
use write::Writer;

type Progress = Arc<dyn Fn() + Send + Sync>;

/// What all handles and threads of one log share.
pub(crate) struct Commit {
    pub(crate) environment: Environment,
    pub(crate) options: LogOptions,
    pub(crate) identity: [u8; 16],
    state: Mutex<State>,
    writer: Mutex<Writer>,
    preparer: Mutex<NextSlab>,
    /// What readers have open.
    pub(crate) open_files: OpenFiles,
    sync_turn: Mutex<()>,
    write_wakes: Condvar,
    sync_wakes: Condvar,
    prepare_wakes: Condvar,
    room_wakes: Condvar,
    durable_wakes: Condvar,
    progress: Mutex<Arc<Vec<Progress>>>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
    /// Ours until the log is closed or forgotten.
    directory_lock: Mutex<Option<Box<dyn DirectoryLock>>>,
}

impl fmt::Debug for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commit").field("directory", &self.options.directory).finish_non_exhaustive()
    }
}

/// Takes a lock; what a thread that panicked left is whole, since no change is left half done where a panic could be.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Commit {
    pub(crate) fn new(
        environment: Environment,
        options: LogOptions,
        directory_lock: Box<dyn DirectoryLock>,
        next: NextSlab,
        beginning: Beginning,
    ) -> Self {
        let writer = Writer::new(options.pending_bytes_max);
        Self {
            environment,
            options,
            identity: next.identity,
            state: Mutex::new(State::new(beginning)),
            writer: Mutex::new(writer),
            preparer: Mutex::new(next),
            open_files: OpenFiles::default(),
            sync_turn: Mutex::default(),
            write_wakes: Condvar::new(),
            sync_wakes: Condvar::new(),
            prepare_wakes: Condvar::new(),
            room_wakes: Condvar::new(),
            durable_wakes: Condvar::new(),
            progress: Mutex::default(),
            threads: Mutex::default(),
            directory_lock: Mutex::new(Some(directory_lock)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(crate) fn append(
        &self,
        frame: &crate::Frame<'_>,
        class: Class,
        checkpoint: &mut dyn FnMut(&mut Vec<u8>),
    ) -> Result<Appended, crate::AppendError> {
        self.append_then(frame, class, checkpoint, false)
    }

    fn append_then(
        &self,
        frame: &crate::Frame<'_>,
        class: Class,
        checkpoint: &mut dyn FnMut(&mut Vec<u8>),
        is_awaited: bool,
    ) -> Result<Appended, crate::AppendError> {
        let mut state = self.state();
        let is_alone = is_awaited && state.is_quiet();
        let appended = state.append(frame, class, checkpoint);
        if let (true, Ok(appended)) = (is_alone, &appended) {
            state.promised = Some(appended.end);
        }
        let wake_writer = appended.is_ok() && !is_alone && state.write_bell.ring();
        let wake_preparer = state.lacks_slab() && state.prepare_bell.ring();
        drop(state);
        if wake_writer {
            self.write_wakes.notify_one();
        }
        if wake_preparer {
            self.prepare_wakes.notify_one();
        }
        appended
    }

    pub(crate) fn request_sync(&self, through: Position) {
        let mut state = self.state();
        if through <= state.sync_requested {
            return;
        }
        state.sync_requested = through;
        let wake = state.sync_target(self.options.fsync).is_some() && state.sync_bell.ring();
        drop(state);
        if wake {
            self.sync_wakes.notify_one();
        }
    }

    pub(crate) fn release_before(&self, position: Position) {
        let mut state = self.state();
        if position <= state.release {
            return;
        }
        state.release = position;
        // Without fsync nobody else might make the successor's checkpoint durable for a long time.
        let needs_sync = state.slabs.len() > 1 && state.durable.slab < state.written.slab;
        if needs_sync {
            state.sync_requested = state.sync_requested.max(state.written);
        }
        let wake_sync = needs_sync && state.sync_bell.ring();
        let wake_preparer = state.prepare_bell.ring();
        drop(state);
        if wake_sync {
            self.sync_wakes.notify_one();
        }
        if wake_preparer {
            self.prepare_wakes.notify_one();
        }
    }

    pub(crate) fn appended(&self) -> Position {
        self.state().appended
    }

    pub(crate) fn written(&self) -> Position {
        self.state().written
    }

    pub(crate) fn durable(&self) -> Position {
        self.state().durable
    }

    pub(crate) fn failure(&self) -> Option<Arc<LogFailure>> {
        self.state().failure.clone()
    }

    pub(crate) fn oldest(&self) -> u64 {
        let state = self.state();
        state.slabs.front().map_or(state.slab.number, |slab| slab.number)
    }

    /// Whether slab `number` was removed because it may go, or is being removed just now.
    pub(crate) fn is_released(&self, number: u64) -> bool {
        let state = self.state();
        state.slabs.front().is_none_or(|oldest| {
            let may_go = |end| Position::new(oldest.number, end) <= state.release;
            number < oldest.number || (number == oldest.number && oldest.end.is_some_and(may_go))
        })
    }

    /// Where the frames of slab `number` end, if it has ended and is on disk or was removed last.
    pub(crate) fn slab_end(&self, number: u64) -> Option<u64> {
        let state = self.state();
        if number == state.removed_end.slab {
            return Some(state.removed_end.offset_bytes);
        }
        let oldest = state.slabs.front()?.number;
        state.slabs.get(crate::bytes::narrow(number.checked_sub(oldest)?))?.end
    }

    /// The salt of slab `number`, if the slab is to be there.
    pub(crate) fn slab_salt(&self, number: u64) -> Option<u64> {
        let state = self.state();
        let oldest = state.slabs.front()?.number;
        let entry = state.slabs.get(crate::bytes::narrow(number.checked_sub(oldest)?))?;
        Some(entry.salt)
    }

    pub(crate) fn stats(&self) -> LogStats {
        let state = self.state();
        LogStats {
            slabs: crate::bytes::wide(state.slabs.len()),
            bytes_on_disk: state.bytes_on_disk(),
            pending_bytes: crate::bytes::wide(state.pending.bytes.len() + state.in_hand_bytes),
            is_preallocated: state.slab.is_preallocated,
            full: if state.is_stalled { Some(FullReason::Disk) } else { state.full },
            ..state.stats
        }
    }

    pub(crate) fn on_progress(&self, call: Box<dyn Fn() + Send + Sync>) {
        let mut progress = lock(&self.progress);
        let mut calls = Vec::clone(&progress);
        calls.push(Arc::from(call));
        *progress = Arc::new(calls);
    }

    /// Forgets whom to tell: what they hold may hold this log.
    fn forget_progress(&self) {
        *lock(&self.progress) = Arc::default();
    }

    /// Tells whoever asked that something moved. No lock may be held.
    fn tell(&self) {
        let calls = Arc::clone(&lock(&self.progress));
        for call in calls.iter() {
            call();
        }
    }

    /// The latch falls: the first failure stays, everybody who waits learns of it.
    fn fail(&self, operation: &'static str, file: &Path, source: std::io::Error) {
        let mut state = self.state();
        if state.failure.is_none() {
            let file: PathBuf = file.to_owned();
            tracing::error!(operation, file = %file.display(), error = %source, "the log has failed and must be opened again");
            state.failure = Some(Arc::new(LogFailure { operation, file, source }));
        }
        self.ring_all(&mut state);
    }

    fn ring_all(&self, state: &mut State) {
        for bell in [&mut state.write_bell, &mut state.sync_bell, &mut state.prepare_bell] {
            let _ = bell.ring();
        }
        self.write_wakes.notify_all();
        self.sync_wakes.notify_all();
        self.prepare_wakes.notify_all();
        self.room_wakes.notify_all();
        self.durable_wakes.notify_all();
    }

    /// Moves the watermarks, and wakes whom that concerns. After a failure nothing more is durable.
    fn publish(&self, written: Option<(Position, &Arc<SlabFile>)>, durable: Option<Position>) {
        let mut state = self.state();
        if let Some((written, slab)) = written.filter(|(written, _)| *written > state.written) {
            state.written = written;
            state.written_slab = Arc::clone(slab);
        }
        let mut is_durable = false;
        if let Some(durable) = durable.filter(|_| state.failure.is_none() || sabotage::LATCH.is_off()) {
            is_durable = durable > state.durable;
            state.durable = state.durable.max(durable);
            if is_durable {
                state.served_last = state.durable_waiters;
            }
        }
        let wake_sync =
            !state.is_keeping && state.sync_target(self.options.fsync).is_some() && state.sync_bell.ring();
        let wake_preparer = is_durable && state.removable().is_some() && state.prepare_bell.ring();
        let wake_durable = is_durable && state.durable_waiters > 0 && sabotage::WAKE_DURABLE.is_on();
        let wake_room = state.room_waiters > 0;
        drop(state);
        if wake_sync {
            self.sync_wakes.notify_one();
        }
        if wake_preparer {
            self.prepare_wakes.notify_one();
        }
        if wake_durable {
            self.durable_wakes.notify_all();
        }
        if wake_room {
            self.room_wakes.notify_all();
        }
    }

    /// Syncs the directory in turn; a failure is the latch.
    fn sync_directory(&self, safeguard: &Safeguard) -> bool {
        let directory = &self.options.directory;
        match safeguard.guard(|| self.environment.disk.sync_directory(directory)) {
            Ok(()) => true,
            Err(error) => {
                self.fail("sync", directory, error);
                false
            }
        }
    }
}
