//! What the integration tests share: the crate's fake disk spoken to in short texts, and a client of the log whose records say
//! what they are.

#![allow(dead_code, reason = "each test uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "these are tests: what is wrong here must stop them"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::missing_errors_doc,
    reason = "small numbers, and no users"
)]

pub mod client;
pub mod crash_points;
pub mod world;

use std::io;

use durable_queue::fake::{FakeDisk, Fault, OperationKind};

/// Operations as short texts: `sync 0000000000000001.slab`.
pub trait Texts {
    /// Changes that match fail with `kind`, and nothing else goes wrong; a sync that fails drops what was to be synced.
    fn fail_when(&self, kind: io::ErrorKind, matcher: impl FnMut(&str) -> bool + Send + 'static);

    /// Syncs that match do nothing and say that they did.
    fn skip_when(&self, matcher: impl FnMut(&str) -> bool + Send + 'static);

    /// Has `watch` called with each operation.
    fn watch_texts(&self, watch: impl FnMut(&str) + Send + 'static);

    /// The trace since the last call.
    fn take_texts(&self) -> Vec<String>;

    /// The names of all files but the lock file.
    fn names(&self) -> Vec<String>;
}

impl Texts for FakeDisk {
    fn fail_when(&self, kind: io::ErrorKind, mut matcher: impl FnMut(&str) -> bool + Send + 'static) {
        self.mend();
        self.inject(Fault::Fails(kind), move |operation| {
            operation.kind.is_change() && matcher(&operation.to_string())
        });
    }

    fn skip_when(&self, mut matcher: impl FnMut(&str) -> bool + Send + 'static) {
        self.inject(Fault::Lies, move |operation| {
            let is_sync = matches!(operation.kind, OperationKind::Sync | OperationKind::SyncDirectory);
            is_sync && matcher(&operation.to_string())
        });
    }

    fn watch_texts(&self, mut watch: impl FnMut(&str) + Send + 'static) {
        self.watch(move |operation| watch(&operation.to_string()));
    }

    fn take_texts(&self) -> Vec<String> {
        self.take_trace().iter().map(|traced| traced.operation.to_string()).collect()
    }

    fn names(&self) -> Vec<String> {
        let name = |path: std::path::PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        self.files().into_iter().map(name).filter(|name| name != "lock").collect()
    }
}
