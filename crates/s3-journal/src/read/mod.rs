//! The stream back from the bucket, and the proof that it is whole. Knows bucket, object and stream, nothing of the half
//! that writes.
//!
//! * `listing`, `check`, `shards`: what names alone tell (pure); `period`: a time as sequence numbers;
//! * `chain`: what objects say of themselves and of the one before (pure);
//! * `cutter`, `scan`: entries in decoded bytes;
//! * `store`, `pipeline`, `body`: bytes from the bucket, asked for ahead, in bounded memory;
//! * `examine`: one object, `verify` and `cat`: the walks over all of them, [`Reader`]: the face.
//!
//! Nothing a bucket says is believed: names are parsed as a whole, lengths and sums are held against each other, and what
//! is held in memory has a named bound.

mod body;
mod cat;
mod chain;
mod check;
mod cutter;
mod error;
mod escape;
mod examine;
mod findings;
mod listing;
mod period;
mod pipeline;
mod reader;
mod report;
mod scan;
mod selection;
mod shards;
mod store;
mod verify;

pub use body::HELD_BYTES;
pub use cat::{CatOptions, Proof};
pub use cutter::ENTRY_BYTES_MAX;
pub(crate) use cutter::{Cut, Cutter, TooLong};
pub use error::{ReadError, ReadErrorKind};
pub use escape::escaped;
pub use findings::{FINDING_KEYS_MAX, FINDINGS_MAX, Finding, FindingKind, Numbers};
pub use listing::{LISTING_BYTES_MAX, Listing, Object, Stream};
pub use period::Period;
pub use pipeline::{AHEAD_BYTES, RANGE_BYTES, REQUESTS_AHEAD};
pub use reader::Reader;
pub use report::{CatSummary, Checked, Report, StreamTotals};
pub use scan::{CUSTOM_OBJECT_BYTES_MAX, Decompressors};
pub use selection::{Selection, Sequences};
pub use store::Retries;
pub(crate) use store::{Store, passes};
pub use verify::{Depth, Progress, VerifyOptions};
