//! Which compressor objects are written with: the built-in ones, or the caller's own. Knows only `stream`.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;

use crate::stream::Codec;

/// The function of a custom compressor: appends to the second argument what stands for the first.
pub type CompressFn = dyn Fn(&[u8], &mut Vec<u8>) -> io::Result<()> + Send + Sync;

/// The function that undoes a custom compressor: a whole object's stored bytes to the raw ones.
pub type DecompressFn = dyn Fn(&[u8]) -> io::Result<Vec<u8>> + Send + Sync;

/// The longest name of a custom compressor, in bytes.
pub const COMPRESSOR_NAME_BYTES_MAX: usize = 64;

/// How objects are compressed. Each object is one stream of its format, never several joined ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Compressor {
    /// Bytes as they are; no suffix.
    #[default]
    None,
    /// gzip (RFC 1952), `.gz`.
    Gzip,
    /// Zstandard (RFC 8878), `.zst`.
    Zstd,
    /// Snappy in Google's framing format, `.snappy`.
    Snappy,
    /// LZ4 frame, `.lz4`.
    Lz4,
    /// LZMA2 in an xz stream, `.xz`.
    Lzma2,
    /// The caller's own.
    Custom(CustomCompressor),
}

/// A pure function from a batch's bytes to bytes. The object is what it returned for each batch, one after the other.
#[derive(Clone)]
pub struct CustomCompressor {
    name: String,
    suffix: Option<String>,
    compress: Arc<CompressFn>,
    inverse: Option<Arc<DecompressFn>>,
}

impl CustomCompressor {
    /// A compressor called `name` (in each object's metadata), whose objects end in `.suffix`.
    ///
    /// The function is called with whole batches. After a crash or an error it may be called again with the same bytes.
    pub fn new(
        name: impl Into<String>,
        suffix: Option<&str>,
        compress: impl Fn(&[u8], &mut Vec<u8>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            suffix: suffix.map(str::to_owned),
            compress: Arc::new(compress),
            inverse: None,
        }
    }

    /// The same, with what undoes it: a whole object's stored bytes to the raw ones. Readers need it
    /// ([`Decompressors::with_custom`](crate::read::Decompressors::with_custom)); without it they refuse such objects.
    #[must_use]
    pub fn with_inverse(
        mut self,
        inverse: impl Fn(&[u8]) -> io::Result<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        self.inverse = Some(Arc::new(inverse));
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn inverse(&self) -> Option<&Arc<DecompressFn>> {
        self.inverse.as_ref()
    }

    pub(crate) fn compress(&self, raw: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        (self.compress)(raw, out)
    }
}

impl fmt::Debug for CustomCompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomCompressor")
            .field("name", &self.name)
            .field("suffix", &self.suffix)
            .finish_non_exhaustive()
    }
}

impl PartialEq for CustomCompressor {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.suffix == other.suffix && Arc::ptr_eq(&self.compress, &other.compress)
    }
}

impl Eq for CustomCompressor {}

impl Compressor {
    /// The built-in codec, [`Codec::None`] for a custom compressor.
    pub fn codec(&self) -> Codec {
        match self {
            Self::None | Self::Custom(_) => Codec::None,
            Self::Gzip => Codec::Gzip,
            Self::Zstd => Codec::Zstd,
            Self::Snappy => Codec::Snappy,
            Self::Lz4 => Codec::Lz4,
            Self::Lzma2 => Codec::Lzma2,
        }
    }

    /// Its name in metadata and on the command line.
    pub fn name(&self) -> String {
        match self {
            Self::Custom(custom) => custom.name.clone(),
            built_in => built_in.codec().to_string(),
        }
    }

    /// What follows `.journal.` in a key, unless the `suffix` option says otherwise.
    pub fn suffix(&self) -> Option<&str> {
        match self {
            Self::Custom(custom) => custom.suffix.as_deref(),
            built_in => built_in.codec().suffix(),
        }
    }
}

impl From<Codec> for Compressor {
    fn from(codec: Codec) -> Self {
        match codec {
            Codec::None => Self::None,
            Codec::Gzip => Self::Gzip,
            Codec::Zstd => Self::Zstd,
            Codec::Snappy => Self::Snappy,
            Codec::Lz4 => Self::Lz4,
            Codec::Lzma2 => Self::Lzma2,
        }
    }
}

impl FromStr for Compressor {
    type Err = <Codec as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Codec::from_str(text).map(Self::from)
    }
}
