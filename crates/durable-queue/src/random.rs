//! Randomness, passed in, so that a test or a simulation can choose it. Knows nothing.

use std::fmt::Debug;
use std::io;

/// Where random bytes come from.
pub trait Random: Debug + Send + Sync + 'static {
    /// Fills `bytes` with random bytes.
    ///
    /// # Errors
    /// The source's.
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()>;

    /// Eight random bytes as a number.
    ///
    /// # Errors
    /// The source's.
    fn next_u64(&self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

/// The operating system's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        getrandom::fill(bytes).map_err(|error| io::Error::other(error.to_string()))
    }
}
