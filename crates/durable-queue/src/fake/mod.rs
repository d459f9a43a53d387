//! A world to test in: a disk, a clock and random numbers, all from a seed. Shipped behind the feature `fake`, for the tests of
//! this crate and of programs that use it. Knows the seams, and nothing of frames, slabs or queues.
//!
//! What [`FakeDisk`] models:
//!
//! * **Power loss.** What wasn't synced is kept or lost block by block; a block may also be torn, zeroed or full of anything. A
//!   length, a new, changed or removed name, a new directory is kept or lost by itself, in no order, until its file or its
//!   directory is synced. A rename happens whole or not at all.
//! * **Death of a process.** Its handles are dead, its locks free; what it wrote can be read, and isn't on the medium.
//! * **Failing syncs.** The bytes that were to be synced are gone from the medium for good, though they can be read until the cache drops them, and
//!   the next sync says that all is well.
//! * **No room**, to the byte: a write that doesn't fit writes what does. **Read errors**, of a range, once or for ever. Short and
//!   interrupted reads. Any call may be made to fail.
//!
//! What it assumes is what the crate assumes of a disk: bytes that weren't written stay as they were, and a sync that returned
//! tells the truth ([`Fault::Lies`] takes that away).
//!
//! ```
//! use std::sync::Arc;
//! use durable_queue::fake::{FakeClock, FakeDisk, FakeRandom, Loss};
//! use durable_queue::{Environment, QueueOptions, Queues};
//!
//! let disk = FakeDisk::new();
//! let environment = Environment {
//!     disk: Arc::new(disk.clone()),
//!     clock: Arc::new(FakeClock::default()),
//!     random: Arc::new(FakeRandom::new(1)),
//! };
//! let queues = Queues::open_in(environment.clone(), "/queues", QueueOptions::new().slab_size(64 << 10))?;
//! queues.put("mail", b"to: somebody")?; // durable when it returns
//!
//! // The power goes while the queues are open. Whatever becomes of what wasn't synced, the task is there.
//! for seed in 0..10 {
//!     let after = disk.fork();
//!     after.lose_power(Loss::Random(seed));
//!     let environment = Environment { disk: Arc::new(after), ..environment.clone() };
//!     let queues = Queues::open_in(environment, "/queues", QueueOptions::new().slab_size(64 << 10))?;
//!     assert_eq!(&*queues.take("mail")?, b"to: somebody");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod content;
mod disk;
mod faults;
mod file;
mod inode;
mod loss;
mod machine;
mod names;
mod operation;
mod random;
#[cfg(test)]
mod tests;

pub use clock::FakeClock;
pub use disk::FakeDisk;
pub use faults::{Fault, Matcher};
pub use loss::{Fate, Loss, Unsynced};
pub use operation::{Operation, OperationKind, Traced};
pub use random::{Dice, FakeRandom};
