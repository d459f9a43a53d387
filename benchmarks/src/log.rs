//! Work for the ordered log. Knows durable-queue's face.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use durable_queue::{
    AppendError, Appended, Class, Environment, Frame, Log, LogOptions, Position, Record, RecordError,
    Threads, Visitor,
};
use tempfile::TempDir;

use crate::scratch;
use crate::text::Lines;

/// The kind of the frames: the first that is a client's.
const KIND: u16 = durable_queue::CLIENT_KIND_MIN;

struct Nothing;

impl Visitor for Nothing {
    fn checkpoint(&mut self, _payload: &[u8]) -> Result<(), RecordError> {
        Ok(())
    }

    fn record(&mut self, _record: &Record, _payload: &[u8]) -> Result<(), RecordError> {
        Ok(())
    }
}

/// A log whose frames are forgotten once they are a slab old.
pub struct ScratchLog {
    log: Log,
    moved: Arc<(Mutex<()>, Condvar)>,
    newest_slab: AtomicU64,
    _threads: Threads,
    _directory: TempDir,
}

impl fmt::Debug for ScratchLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScratchLog").field("log", &self.log).finish_non_exhaustive()
    }
}

impl ScratchLog {
    /// Opens a new log.
    pub fn open(fsync: bool) -> Self {
        let directory = scratch::directory();
        let options = LogOptions { fsync, ..LogOptions::new(directory.path()) };
        let opening = Log::open(Environment::system(), options, &mut Nothing).expect("the log opens");
        let log = opening.begin(b"").expect("the log begins");
        let moved = Arc::new((Mutex::new(()), Condvar::new()));
        let told = Arc::clone(&moved);
        log.on_progress(Box::new(move || {
            drop(told.0.lock().unwrap_or_else(PoisonError::into_inner));
            told.1.notify_all();
        }));
        let threads = log.start().expect("threads start");
        Self { log, moved, newest_slab: AtomicU64::new(1), _threads: threads, _directory: directory }
    }

    /// Appends a frame, waiting for room.
    pub fn append(&self, payload: &[u8]) -> Appended {
        let frame = Frame::new(KIND, false, b"", payload);
        loop {
            match self.log.append(&frame, Class::Data, &mut |_| ()) {
                Ok(appended) => {
                    self.forget_old(&appended);
                    return appended;
                }
                Err(AppendError::Busy) => drop(self.log.wait_for_room(None)),
                Err(error) => panic!("the log takes no frame: {error}"),
            }
        }
    }

    /// Keeps the disk from filling: the slabs before the last one may go.
    fn forget_old(&self, appended: &Appended) {
        let slab = appended.position.slab;
        if self.newest_slab.fetch_max(slab, Ordering::Relaxed) < slab {
            self.log.release_before(Position { slab: slab - 1, offset_bytes: 0 });
        }
    }

    /// Waits until it is synced.
    pub fn wait_durable(&self, appended: &Appended) {
        assert!(self.log.wait_durable(appended.end, None).expect("the disk syncs"), "the log is open");
    }

    /// Waits until it is handed to the operating system.
    pub fn wait_written(&self, appended: &Appended) {
        let mut guard = self.moved.0.lock().unwrap_or_else(PoisonError::into_inner);
        while self.log.written() < appended.end {
            let waited = self.moved.1.wait_timeout(guard, Duration::from_secs(1));
            guard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// `commits` frames of `len_bytes` bytes from `threads` threads, each waiting for its frame to be durable before the
    /// next.
    pub fn commit_each(&self, lines: &Lines, len_bytes: usize, commits: u64, threads: u64) {
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let share = commits / threads + u64::from(thread < commits % threads);
                scope.spawn(move || {
                    for number in 0..share {
                        let piece = usize::try_from(number * threads + thread).expect("fits");
                        self.wait_durable(&self.append(lines.piece(piece, len_bytes)));
                    }
                });
            }
        });
    }

    /// `frames` frames of `len_bytes` bytes as fast as the log takes them, until the last is durable or, with `fsync` off,
    /// written.
    pub fn append_all(&self, lines: &Lines, len_bytes: usize, frames: u64, fsync: bool) {
        let mut last = None;
        for number in 0..frames {
            last = Some(self.append(lines.piece(usize::try_from(number).expect("fits"), len_bytes)));
        }
        match last {
            Some(last) if fsync => self.wait_durable(&last),
            Some(last) => self.wait_written(&last),
            None => {}
        }
    }
}
