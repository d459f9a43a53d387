//! What can be wrong with compressing and with a compressed stream, and the bound on what decoding may take. Knows the
//! formats' names only.

use std::error::Error;
use std::io;

use super::codec::{Codec, LevelError};

/// The largest zstd window that is taken, as a power of two: 128 MiB, what the `zstd` program takes by default.
pub(super) const MAX_WINDOW_LOG: u32 = 27;

/// Bytes of memory that decoding may take for its window: a stream that asks for more is refused. It bounds what a
/// crafted stream can cost. No level of any format asks for more.
pub const MAX_WINDOW_BYTES: u64 = 1 << MAX_WINDOW_LOG;

/// What the compression libraries report.
pub(super) type Cause = Box<dyn Error + Send + Sync>;

/// Why a batch could not be compressed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The level isn't one of the format's.
    #[error(transparent)]
    Level(#[from] LevelError),
    /// No encoder could be made.
    #[error("the {codec} encoder could not be set up; free memory or choose a lower level")]
    Start {
        /// The format.
        codec: Codec,
        /// What the library said.
        source: Cause,
    },
    /// The encoder failed on a batch, which is not in the stream.
    #[error("the {codec} encoder failed; close this object as it stands and begin another")]
    Compress {
        /// The format.
        codec: Codec,
        /// What the library said.
        source: Cause,
    },
    /// The encoder was used again after it had failed.
    #[error("the {codec} encoder has failed before; close this object as it stands and begin another")]
    Spent {
        /// The format.
        codec: Codec,
    },
}

/// What is wrong with a stream.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It ends before its end.
    #[error("the {codec} stream is cut short; read it again, or look for the object's missing end")]
    Truncated {
        /// The format.
        codec: Codec,
    },
    /// It isn't of the format, or a checksum is wrong.
    #[error("the {codec} stream is damaged; don't trust what was read from it")]
    Damaged {
        /// The format.
        codec: Codec,
        /// What the library said.
        source: Cause,
    },
    /// Its end is followed by further bytes, a second stream perhaps.
    #[error("the {codec} stream is followed by more; it is not one single stream")]
    Trailing {
        /// The format.
        codec: Codec,
    },
    /// It asks for a window over [`MAX_WINDOW_BYTES`].
    #[error("the {codec} stream needs more than {} MiB to decode; use the format's own program", MAX_WINDOW_BYTES >> 20)]
    Memory {
        /// The format.
        codec: Codec,
    },
    /// The decoder was used again after it had failed.
    #[error("reading the {codec} stream has failed before; begin again with a new decoder")]
    Spent {
        /// The format.
        codec: Codec,
    },
}

/// How a format's reader says the two things for which [`io::ErrorKind`] has no word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("too much memory asked for")]
    Memory,
    #[error("something follows the stream")]
    Trailing,
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(io::ErrorKind::InvalidData, refusal)
    }
}
