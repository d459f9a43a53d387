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

/// The host's name as the kernel says it (uname(2)).
fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "an unnamed host".to_owned() } else { name }
}
