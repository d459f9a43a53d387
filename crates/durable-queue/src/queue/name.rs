//! The name of a queue. Knows nothing.

/// The longest name of a queue: 255 bytes of UTF-8.
pub const QUEUE_NAME_BYTES_MAX: usize = 255;

/// Why a name can't be one of a queue. Names are stored in records and never become names of files, so that any text will
/// do: slashes, dots, spaces and all scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a queue's name has from 1 to 255 bytes, and this one has {bytes}: give another")]
#[non_exhaustive]
pub struct NameError {
    /// Length of the name in bytes.
    pub bytes: usize,
}

/// Refuses a name that is empty or too long.
pub(super) fn check_name(name: &str) -> Result<(), NameError> {
    if (1..=QUEUE_NAME_BYTES_MAX).contains(&name.len()) {
        Ok(())
    } else {
        Err(NameError { bytes: name.len() })
    }
}
