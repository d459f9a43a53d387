//! Bytes on their way from appenders to the writer. Pure. Knows slabs.

use std::sync::Arc;

use crate::slab::SlabFile;

/// Bytes that go to one place of one slab.
#[derive(Debug)]
pub(super) struct Run {
    pub slab: Arc<SlabFile>,
    /// The slab before and where it ends, if this run begins a slab.
    pub begins_after: Option<(Arc<SlabFile>, u64)>,
    pub offset: u64,
    /// Where the bytes are in the batch.
    pub start: usize,
    pub len: usize,
}

/// Bytes appended and not yet written.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub bytes: Vec<u8>,
    pub runs: Vec<Run>,
}

impl Batch {
    /// Memory isn't touched before it is used.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), runs: Vec::new() }
    }

    /// Empties it, and gives memory back that only an outsized frame needed.
    pub(super) fn clear(&mut self, capacity: usize) {
        self.bytes.clear();
        self.bytes.shrink_to(capacity);
        self.runs.clear();
    }
}
