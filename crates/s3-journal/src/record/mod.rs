//! What the log's records mean to the journal: batches, where objects begin and end, and what became of them in the
//! bucket; and the [`State`] that follows from them, which every slab begins with. Pure: no I/O, no clock.
//!
//! Records are CBOR maps (RFC 8949) with numbered fields: a field that a program doesn't know is skipped, a kind that
//! it doesn't know is refused if the record says that it must be understood.

mod kinds;
mod resync;
#[cfg(test)]
mod resync_tests;
mod seal;
mod state;
#[cfg(test)]
mod state_tests;

pub use kinds::{
    Batch, Cut, Kind, Opening, PositionUpdate, Quarantined, Record, RecordDecodeError, Seal, Sent,
    UploadStarted, Uploaded, UploadedHow,
};
pub use resync::Resync;
pub use seal::{End, end_of};
pub use state::{Gap, Identity, OpenObject, POSITIONS_BYTES_MAX, SendingState, State};
