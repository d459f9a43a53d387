//! A disk-backed task queue and ordered log.
//!
//! The log ([`Log`]) is a directory of *slabs*: segment files of checksummed frames in one dense order. Appending copies a
//! frame into memory; a writer thread puts it into the newest slab and a sync thread makes it durable, many frames with one
//! sync. What a crash leaves is judged by a written rule (see `docs/DESIGN.md` and the module `recovery`).

mod bytes;
pub mod clock;
mod commit;
pub mod disk;
mod environment;
mod error;
mod frame;
mod log;
mod options;
mod position;
pub mod queue;
pub mod random;
mod recovery;
mod slab;
mod window;

pub use commit::{Appended, Class, LogStats, Room, Step, Threads};
pub use environment::Environment;
pub use error::{AppendError, FullReason, LogFailure, OpenError, ReadError, RecordError};
pub use frame::{CLIENT_KIND_MIN, Checksum, Frame, META_BYTES_MAX, PAYLOAD_BYTES_MAX, checksum};
pub use log::{Inspected, Log, Opening, Reader, SlabOnDisk, Through, inspect};
pub use options::{FreeSpace, LogOptions};
pub use position::Position;
pub use queue::{QueueOptions, QueueStats, Queues, Task, Tasks};
pub use recovery::{Cut, Record, Visitor};
