//! What threads meet in: locks, what wakes a thread, atomics, threads themselves. This crate takes them from here and never
//! from `std`: the schedules (`simulation/schedules`) compile it again under `cfg(s3_journal_schedules)`, with ones of which
//! a scheduler decides every step. In any other build they are `std`'s own, and nothing of this is left. Counting (`Arc`)
//! isn't meeting. A test sees to it that nobody forgets. Knows nothing.

#[cfg(not(s3_journal_schedules))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
#[cfg(not(s3_journal_schedules))]
pub(crate) use std::{sync::atomic, thread};

#[cfg(s3_journal_schedules)]
pub(crate) use schedules_sync::{Condvar, Mutex, MutexGuard, atomic, thread};
