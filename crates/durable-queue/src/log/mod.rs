//! The ordered log: the face over recovery and group commit. Knows both.

mod audit;
mod inspect;
mod opening;
mod reader;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::commit::{Appended, Class, Commit, LogStats, Room, Step, Threads};
use crate::environment::Environment;
use crate::error::{AppendError, LogFailure, OpenError};
use crate::frame::Frame;
use crate::options::LogOptions;
use crate::position::Position;
use crate::recovery::Visitor;
use crate::slab::FIRST_FRAME;

pub use audit::{Audited, AuditedDamage, AuditedSlab, Auditor, audit};
pub use inspect::{Inspected, SlabOnDisk, inspect};
pub use opening::Opening;
pub use reader::{Reader, Through};

/// An ordered log in a directory. Cheap to clone: all clones are the same log.
///
/// Appending copies into memory and returns at once; [`Threads`] (or whoever calls the steps) write and sync. A frame is
/// *durable* once [`Log::durable`] is at or after its [`Appended::end`].
///
/// ```
/// use durable_queue::{Class, Environment, Frame, Log, LogOptions, Record, RecordError, Through, Visitor};
///
/// struct Ignore;
/// impl Visitor for Ignore {
///     fn checkpoint(&mut self, _payload: &[u8]) -> Result<(), RecordError> { Ok(()) }
///     fn record(&mut self, _record: &Record, _payload: &[u8]) -> Result<(), RecordError> { Ok(()) }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// let mut options = LogOptions::new(directory.path());
/// options.slab_size_bytes = 1 << 20;
/// let log = Log::open(Environment::system(), options, &mut Ignore)?.begin(b"state at the start")?;
/// let threads = log.start()?;
/// let frame = Frame::new(16, false, b"", b"an entry");
/// let appended = log.append(&frame, Class::Data, &mut |checkpoint| checkpoint.extend_from_slice(b"state before it"))?;
/// log.wait_durable(appended.end, None)?;
///
/// let mut reader = log.reader(appended.position, Through::Durable);
/// let record = reader.next()?.ok_or("it is durable, so it is there")?;
/// let mut payload = Vec::new();
/// reader.read_checked(&record, &mut payload)?;
/// assert_eq!(payload, b"an entry");
/// log.close()?;
/// # drop(threads);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Log {
    commit: Arc<Commit>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("directory", &self.commit.options.directory).finish_non_exhaustive()
    }
}

impl Log {
    /// Opens the log in a directory, which is made when missing: takes the lock, judges what is there by the tail rule, tells
    /// `visitor` of the newest checkpoint and the records after it, and repairs. [`Opening::begin`] then begins a new slab
    /// with the state the client has come to.
    ///
    /// # Durability
    /// What `visitor` was told is on the medium.
    ///
    /// # Errors
    /// See [`OpenError`]. Nothing was changed but the lock file and what an earlier crash left half made.
    pub fn open(
        environment: Environment,
        options: LogOptions,
        visitor: &mut dyn Visitor,
    ) -> Result<Opening, OpenError> {
        opening::open(environment, options, visitor)
    }

    /// Starts the threads that write, sync and prepare. Without them somebody must call [`Log::write_step`],
    /// [`Log::sync_step`] and [`Log::prepare_step`].
    ///
    /// # Errors
    /// The operating system's; [`io::ErrorKind::AlreadyExists`] if they run already.
    pub fn start(&self) -> io::Result<Threads> {
        self.commit.start()
    }

    /// Writes what was appended; what the write thread does over and over.
    pub fn write_step(&self) -> Step {
        self.commit.write_step()
    }

    /// Syncs what was written; what the sync thread does over and over.
    ///
    /// # Durability
    /// Moves [`Log::durable`].
    pub fn sync_step(&self) -> Step {
        self.commit.sync_step()
    }

    /// Makes the next slab ready, or removes one that may go; what the prepare thread does over and over.
    pub fn prepare_step(&self) -> Step {
        self.commit.prepare_step()
    }

    /// Appends a frame: copies it into memory. Never waits for a disk.
    ///
    /// `checkpoint` is called when this frame begins a new slab, to write the client's state *before* it. That happens under
    /// the log's lock: it must be quick and must not use this log. It may be called for an append that then fails.
    ///
    /// # Durability
    /// None yet: wait for [`Appended::end`] with [`Log::wait_durable`].
    ///
    /// # Errors
    /// See [`AppendError`]. Nothing was appended then.
    pub fn append(
        &self,
        frame: &Frame<'_>,
        class: Class,
        checkpoint: &mut dyn FnMut(&mut Vec<u8>),
    ) -> Result<Appended, AppendError> {
        self.commit.append(frame, class, checkpoint)
    }

    /// As [`Log::append`], for a caller that makes the frame durable at once, with [`Log::wait_durable`] and no timeout: where
    /// nobody else appends or waits, that call writes and syncs by itself instead of having the threads do it, which takes two
    /// thread switches less. Nobody else may write or sync the frame until then. Where others append, too, it is as
    /// [`Log::append`].
    ///
    /// # Durability
    /// None yet, as with [`Log::append`].
    ///
    /// # Errors
    /// See [`AppendError`]. Nothing was appended then.
    pub fn append_awaited(
        &self,
        frame: &Frame<'_>,
        class: Class,
        checkpoint: &mut dyn FnMut(&mut Vec<u8>),
    ) -> Result<Appended, AppendError> {
        self.commit.append_awaited(frame, class, checkpoint)
    }

    /// Waits until an append that was refused may succeed, at most for `timeout`. Also returns [`Room::Room`] when a log that
    /// was only busy turns out to be full, and about once a second while it is: the append then says why.
    pub fn wait_for_room(&self, timeout: Option<Duration>) -> Room {
        self.commit.wait_for_room(timeout)
    }

    /// The end of what was appended.
    pub fn appended(&self) -> Position {
        self.commit.appended()
    }

    /// The end of what was written: it can be read, and outlives the process but not a power loss.
    pub fn written(&self) -> Position {
        self.commit.written()
    }

    /// The end of what is durable.
    pub fn durable(&self) -> Position {
        self.commit.durable()
    }

    /// Asks for everything before `through` to be made durable. Needed where [`LogOptions::fsync`] is off.
    pub fn request_sync(&self, through: Position) {
        self.commit.request_sync(through);
    }

    /// Waits until everything before `through` is durable, at most for `timeout`; says whether it is. With
    /// [`LogOptions::fsync`] off, call [`Log::request_sync`] first. A closed log is not waited for. Without a timeout it may
    /// write and sync by itself: see [`Log::append_awaited`].
    ///
    /// # Errors
    /// The failure that keeps it from ever becoming durable.
    pub fn wait_durable(
        &self,
        through: Position,
        timeout: Option<Duration>,
    ) -> Result<bool, Arc<LogFailure>> {
        self.commit.wait_durable(through, timeout)
    }

    /// Has `call` called, with no lock held, after something moved: written or durable ends, room, failure, closing. It may
    /// use the log, but not close it. Closing forgets it; what it holds lives until then.
    pub fn on_progress(&self, call: Box<dyn Fn() + Send + Sync>) {
        self.commit.on_progress(call);
    }

    /// The first write or sync that failed, if one did.
    pub fn failure(&self) -> Option<Arc<LogFailure>> {
        self.commit.failure()
    }

    /// Reads records from `from` on, which must be the start or end of a frame, or [`Position::ZERO`] for the oldest there
    /// is; as far as `through`. The end of the last frame before the oldest slab will do, too.
    pub fn reader(&self, from: Position, through: Through) -> Reader {
        Reader::new(Arc::clone(&self.commit), from, through)
    }

    /// The start of the oldest slab still there.
    pub fn oldest(&self) -> Position {
        Position::new(self.commit.oldest(), FIRST_FRAME)
    }

    /// Everything before `position` may go. Slabs wholly before it are removed by [`Log::prepare_step`], oldest first, each
    /// once its successor's checkpoint is durable; never the newest. The log doesn't remember this across an opening: the
    /// client's state does.
    pub fn release_before(&self, position: Position) {
        self.commit.release_before(position);
    }

    /// Figures since the log was opened.
    pub fn stats(&self) -> LogStats {
        self.commit.stats()
    }

    /// The log's identity: drawn when its directory was made, the same in all its slabs.
    pub fn identity(&self) -> [u8; 16] {
        self.commit.identity
    }

    /// What the log was opened with.
    pub fn options(&self) -> &LogOptions {
        &self.commit.options
    }

    /// What the log was opened in.
    pub fn environment(&self) -> &Environment {
        &self.commit.environment
    }

    /// Closes the log: writes and syncs what was appended, ends the threads, marks the end as orderly and gives the directory
    /// up. Later appends are refused; what is there can still be read. Closing again gives the same answer. Not to be called
    /// from [`Log::on_progress`].
    ///
    /// # Durability
    /// After `Ok` everything appended is durable.
    ///
    /// # Errors
    /// The failure that kept something from becoming durable; the log is closed all the same.
    pub fn close(&self) -> Result<(), Arc<LogFailure>> {
        self.commit.close()
    }
}
