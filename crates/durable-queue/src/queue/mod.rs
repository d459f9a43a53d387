//! The task queue: named queues of tasks, each task taken by somebody, then completed, retried or given back. A re-imagining
//! of the Clojure library `durable-queue`, whose options, counts and sequences it keeps. Uses the log, and knows nothing of
//! what is built on the log elsewhere.
//!
//! # One log for all names
//!
//! All queues of a directory share one log. So threads that put under different names share a sync, a directory needs three
//! threads and two slabs however many names there are, one lock guards it, and a name is a field of a record: no name of a file, so that any
//! text will do. The price is that slow and fast queues share slabs; it is paid by moving (below). A log for each name would
//! free its disk space by itself, but sync, preallocate and run threads for each.
//!
//! # What is written
//!
//! A put appends a record with the task's bytes; completions and retries append records that tell of many tasks each.
//! Nothing is ever changed in place. See `record` for the bytes. A completion that is lost in a crash makes its task come
//! again, which delivery *at least once* allows; order, attempts and tasks are never lost once durable.
//!
//! Tasks wait on disk: in memory each takes 40 bytes (see `ledger`), and its bytes are read, and their checksum verified,
//! when it is taken.
//!
//! # How room comes back
//!
//! The log frees slabs oldest first, here as soon as no task in them is needed: at once, not at the next open. Since a slab
//! goes only after all before it, a record of a completion outlives every copy of its task, and nothing need be carried
//! over. What one old task would hold up is moved: when a run of the oldest slabs is nearly dead, the tasks left in it are
//! appended again, with their number and place (see `slabs` for when, `moving` for how). Checkpoints hold the next number
//! and so stay a few bytes, whatever waits.
//!
//! # Who does what
//!
//! | file | holds |
//! |---|---|
//! | `ledger`, `settlement`, `slabs`, `replay`, `record` | the core: plain state and bytes |
//! | `state`, `shared` | the core under a lock, beside the log |
//! | `putting`, `taking`, `settling`, `moving`, `closing` | one kind of call each |
//! | `keeper` | the thread |
//! | `opening` | from records to the core |
//! | `queues`, `task`, `iterators`, `options`, `stats`, `error`, `name` | the face |

mod closing;
mod damage;
mod error;
mod iterators;
mod keeper;
mod ledger;
mod moving;
mod name;
mod opening;
mod options;
mod putting;
mod queues;
mod readers;
mod record;
mod replay;
mod settlement;
mod settling;
mod shared;
mod slabs;
mod state;
mod stats;
mod taking;
mod task;

pub use error::{
    CloseError, DeleteError, OptionError, PutError, QueuesOpenError, SetAside, SettleError, SyncError,
    TakeError,
};
pub use iterators::Tasks;
pub use name::{NameError, QUEUE_NAME_BYTES_MAX};
pub use options::{QueueOptions, SLAB_SIZE_BYTES_MAX, SLAB_SIZE_BYTES_MIN};
pub use queues::Queues;
pub use stats::QueueStats;
pub use task::Task;
