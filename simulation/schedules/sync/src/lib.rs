//! What `durable-queue` takes instead of `std`'s locks, condition variables, atomics and threads where its schedules are tested:
//! shuttle's, which let a scheduler choose who goes on at every step, and three things that shuttle doesn't have:
//!
//! * **Time.** A wait with a timeout never ends by time in shuttle. That is what is wanted mostly: a wake that gets lost then shows as
//!   threads that wait for ever, where in truth a timeout would hide it. But waits that do end by time, beside a wake that
//!   comes just then, are to be seen too: so a few of them, as many as [`begin`] is told, let go of the lock, let everybody
//!   else run for as long as the scheduler likes, let the time pass on the clock, and come back as timed out.
//! * **Wakes for no reason**, which `std` permits: a few, in the same way.
//! * **Who is still running**: [`thread::running`] counts the threads that were started here and haven't ended.
//!
//! Everything is of one execution, and an execution of shuttle's runs on one thread of the operating system.
//! Orders of atomics weaker than `SeqCst` aren't modelled by shuttle; `durable-queue` uses none where threads meet.

mod condvar;
mod mutex;
mod surprises;
pub mod thread;

pub use condvar::{Condvar, WaitTimeoutResult};
pub use mutex::{Mutex, MutexGuard};
pub use shuttle::sync::atomic;
pub use surprises::{Surprises, begin};
