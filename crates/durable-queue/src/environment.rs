//! What the log needs from the world around it, in one value. Knows the seams only.

use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::disk::{Disk, RealDisk};
use crate::random::{Random, SystemRandom};

/// Disk, clock and randomness. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Where files are.
    pub disk: Arc<dyn Disk>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Identities and salts.
    pub random: Arc<dyn Random>,
}

impl Environment {
    /// The computer's own disk, clock and random numbers.
    pub fn system() -> Self {
        Self { disk: Arc::new(RealDisk), clock: Arc::new(SystemClock::new()), random: Arc::new(SystemRandom) }
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::system()
    }
}

/// What this process writes into the lock file, for the one that is refused.
pub(crate) fn holder() -> String {
    format!("process {} on {}", std::process::id(), host_name())
}

/// The host's name as the kernel says it (proc(5), `/proc/sys/kernel/hostname`), or as the environment does. Not a file on
/// a disk, so it isn't read through one.
fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::env::var("HOSTNAME"))
        .ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "an unnamed host".to_owned())
}
