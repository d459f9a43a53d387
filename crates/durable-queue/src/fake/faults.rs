//! What goes wrong, and when. Knows operations.

use std::fmt;
use std::io;

use super::loss::Loss;
use super::operation::Operation;

/// Which operations are meant. It is asked while the disk is locked, and must not use it.
pub type Matcher = Box<dyn FnMut(&Operation) -> bool + Send>;

/// How an operation goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It fails, and nothing was done. A sync drops the bytes that were to be synced, which can be read all the same until they
    /// are evicted; the next sync succeeds (Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020). Lengths
    /// and names still wait for it: a file system that can't write its own records doesn't go on.
    Fails(io::ErrorKind),
    /// A write fails after so many bytes.
    FailsAfter {
        /// How many are written.
        bytes: u64,
        /// The error.
        error: io::ErrorKind,
    },
    /// A sync of a file fails, and this becomes of the bytes that were to be synced.
    SyncFails {
        /// What becomes of them.
        loss: Loss,
        /// The error.
        error: io::ErrorKind,
    },
    /// A read gives at most so many bytes, but one.
    Short {
        /// How many.
        bytes: u64,
    },
    /// A sync does nothing and says that it did.
    Lies,
}

impl Fault {
    /// What an operation fails with that has no way of its own to go wrong.
    pub(super) fn error(self) -> Option<io::ErrorKind> {
        match self {
            Self::Fails(error) | Self::FailsAfter { error, .. } | Self::SyncFails { error, .. } => {
                Some(error)
            }
            Self::Short { .. } | Self::Lies => None,
        }
    }
}

/// The faults of a disk.
#[derive(Default)]
pub(super) struct Faults {
    injected: Vec<Injected>,
}

struct Injected {
    fault: Fault,
    times: u64,
    matcher: Matcher,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.injected.iter().map(|injected| injected.fault)).finish()
    }
}

impl Faults {
    pub(super) fn inject(&mut self, fault: Fault, times: u64, matcher: Matcher) {
        self.injected.push(Injected { fault, times, matcher });
    }

    pub(super) fn clear(&mut self) {
        self.injected.clear();
    }

    /// What happens to this operation. The fault that was injected first is asked first.
    pub(super) fn of(&mut self, operation: &Operation) -> Option<Fault> {
        for injected in &mut self.injected {
            if injected.times > 0 && (injected.matcher)(operation) {
                injected.times -= 1;
                return Some(injected.fault);
            }
        }
        None
    }
}
