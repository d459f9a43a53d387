//! What the benches and the summary share: real text, a directory on a real disk, stores that cost nothing, the work to
//! be measured, and what disk and compressors do alone.

pub mod alone;
pub mod compress;
pub mod conditions;
pub mod filesystem;
pub mod journal;
pub mod log;
pub mod measure;
pub mod queue;
pub mod scratch;
pub mod stores;
pub mod text;

/// Two to the tenth.
pub const KIB: usize = 1 << 10;
/// Two to the twentieth.
pub const MIB: usize = 1 << 20;
