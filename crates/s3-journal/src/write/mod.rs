//! The left half: entries to durable records. Submitters fill batches ([`Intake`]); the scribe's thread compresses
//! them, decides where objects begin and end, and appends both to the log. It meets the right half only there.

mod accumulator;
#[cfg(test)]
mod accumulator_tests;
mod bounds;
mod intake;
mod scribe;
#[cfg(test)]
mod scribe_tests;

pub use accumulator::{Accumulator, AccumulatorLimits, POSITION_BYTES_MAX, READY_BATCHES_MAX, Refusal};
pub use bounds::DiskBounds;
pub use intake::{Intake, Patience};
pub use scribe::{Scribe, ScribeSetup, ScribeStep, from_unix_ms, to_unix_ms};
