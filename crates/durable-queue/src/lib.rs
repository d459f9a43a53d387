//! A disk-backed task queue, and the ordered log underneath it.
//!
//! [`Queues`] are named queues of tasks in a directory: put, take, complete, retry; at least once, across crashes.
//! They are the Clojure library `durable-queue`, re-imagined.
//!
//! ```
//! use durable_queue::{QueueOptions, Queues};
//!
//! # let directory = tempfile::tempdir()?;
//! let queues = Queues::open(directory.path(), QueueOptions::new())?;
//! queues.put("mail", b"to: somebody")?; // durable when it returns
//! let task = queues.take("mail")?; // waits for one
//! task.complete()?;
//! queues.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Log`] is a directory of *slabs*: segment files of checksummed frames in one dense order. Appending copies a
//! frame into memory; a writer thread puts it into the newest slab and a sync thread makes it durable, many frames with one
//! sync. What a crash leaves is judged by a written rule (see the module `recovery`, and `docs/DESIGN.md`). Slabs are
//! freed oldest first, as their client says what may go.
//!
//! All file access goes through [`disk::Disk`], time through [`clock::Clock`], randomness through [`random::Random`]; the
//! threads are loops around [`Log::write_step`], [`Log::sync_step`] and [`Log::prepare_step`]. So a test or a simulation
//! can bring its own world; the feature `fake` has one.

mod bytes;
pub mod clock;
mod commit;
pub mod disk;
mod environment;
mod error;
#[cfg(feature = "fake")]
pub mod fake;
mod frame;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod log;
mod options;
mod position;
pub mod queue;
pub mod random;
mod recovery;
#[doc(hidden)]
pub mod sabotage;
mod slab;
mod sync;
mod window;

pub use commit::{Appended, Class, LogStats, Room, Step, Threads};
pub use environment::Environment;
pub use error::{AppendError, FullReason, LogFailure, OpenError, ReadError, RecordError};
pub use frame::{CLIENT_KIND_MIN, Checksum, Frame, META_BYTES_MAX, PAYLOAD_BYTES_MAX, checksum};
pub use log::{
    Audited, AuditedSlab, Auditor, Damage, Inspected, Log, Opening, Reader, SlabOnDisk, Through, audit,
    inspect,
};
pub use options::{FreeSpace, LogOptions};
pub use position::Position;
pub use queue::{QueueOptions, QueueStats, Queues, Task, Tasks};
pub use recovery::{Cut, Record, Visitor};
