//! Carries an ordered stream of entries to S3 exactly once, in order, whatever dies in between.
//!
//! An application hands entries to a [`Journal`]. They are made durable on the local disk and carried to Amazon S3, or
//! any store that speaks its protocol, in objects of a known order. Entries survive the death of the process and the
//! loss of power; a stalled upload costs disk, not memory.
//!
//! ```
//! use std::time::Duration;
//! use s3_journal::{Compressor, Options};
//!
//! # let scratch = tempfile::tempdir()?;
//! # let (bucket, queue) = (scratch.path().join("bucket"), scratch.path().join("queue"));
//! let journal = s3_journal::journal(
//!     Options::new()
//!         .to(bucket.display().to_string()) // or "s3://my-bucket/events"
//!         .local_directory(queue)
//!         .compressor(Compressor::Gzip)
//!         .max_batch_latency(Duration::from_millis(50)),
//! )?;
//! let receipt = journal.submit("an entry")?;
//! receipt.durable().wait()?; // on this disk
//! journal.flush()?;
//! receipt.uploaded().wait()?; // in the bucket
//! journal.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is promised, and what isn't, is in `docs/SEMANTICS.md`; how it works in `docs/DESIGN.md`.

pub mod audit;
pub mod bucket;
mod checksum;
mod compressor;
mod directory_format;
mod encode;
mod entry_writer;
mod error;
mod journal;
mod ledger;
mod memory;
mod milestone;
pub mod object;
mod opening;
mod options;
mod progress;
pub mod read;
mod receipt;
mod record;
pub mod recover;
mod running;
#[doc(hidden)]
pub mod sabotage;
mod shared;
#[cfg(feature = "simulation")]
#[doc(hidden)]
pub mod simulation;
mod stats;
mod status;
pub mod stream;
mod sync;
mod upload;
mod write;

pub use audit::verify_local;
pub use compressor::{CompressFn, Compressor, CustomCompressor, DecompressFn};
pub use directory_format::{DirectoryFormat, DirectoryFormatError};
pub use durable_queue;
pub use durable_queue::FreeSpace;
pub use encode::{AsIs, Encode, EncodeError, FromFn, JsonLines, from_fn};
pub use entry_writer::EntryWriter;
pub use error::{FlushError, FullCause, JournalFailure, OpenError, SubmitError, WaitError};
pub use journal::{Journal, journal};
pub use options::{BATCH_BYTES_MAX, DELIMITER_BYTES_MAX, Options, WhenFull};
pub use receipt::{Receipt, Wait};
pub use running::Closed;
pub use stats::{Health, LastError, QueueStats, Stats};
pub use status::{DamageStatus, LeftOut, Status, StatusError, status};
pub use write::{POSITION_BYTES_MAX, Refusal};

/// The name of this host, so that a caller can build ids from it; `localhost` where it has none.
pub fn hostname() -> String {
    hostname::get()
        .ok()
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}

/// The README's example, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
