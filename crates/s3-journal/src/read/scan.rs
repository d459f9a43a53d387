//! One pass over one object's bytes: decode, count, and write what is wanted. Knows streams, not buckets.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use super::cutter::{Cut, Cutter, TooLong};
use crate::compressor::{CustomCompressor, DecompressFn};
use crate::stream::{Codec, decoder};

/// Longest object that is held in memory for a custom decompressor, in bytes as stored.
pub const CUSTOM_OBJECT_BYTES_MAX: u64 = 256 << 20;

/// Decoded bytes taken at a time.
const CHUNK_BYTES: usize = 128 << 10;

/// Inverses of custom compressors, by the name that objects' metadata gives.
#[derive(Clone, Default)]
pub struct Decompressors(BTreeMap<String, Arc<DecompressFn>>);

impl Decompressors {
    /// None but the formats that are built in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the inverse of the compressor `name`: it is given all stored bytes of an object, the concatenation of what the
    /// compressor made of its batches, up to [`CUSTOM_OBJECT_BYTES_MAX`], and returns the decoded bytes. How much memory
    /// those take is its own to bound.
    #[must_use]
    pub fn with(
        mut self,
        name: impl Into<String>,
        decompress: impl Fn(&[u8]) -> io::Result<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        self.0.insert(name.into(), Arc::new(decompress));
        self
    }

    /// Adds a custom compressor's own inverse, if it has one.
    #[must_use]
    pub fn with_custom(mut self, compressor: &CustomCompressor) -> Self {
        if let Some(inverse) = compressor.inverse() {
            self.0.insert(compressor.name().to_owned(), Arc::clone(inverse));
        }
        self
    }

    /// What undoes the compressor of that name.
    pub(super) fn find(&self, name: &str) -> Option<Inverse<'_>> {
        match self.0.get(name) {
            Some(custom) => Some(Inverse::Custom(custom.as_ref())),
            None => name.parse().ok().map(Inverse::BuiltIn),
        }
    }
}

impl fmt::Debug for Decompressors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What undoes a compressor.
#[derive(Clone, Copy)]
pub(super) enum Inverse<'i> {
    /// As a stream.
    BuiltIn(Codec),
    /// All at once.
    Custom(&'i DecompressFn),
}

/// How to read one object.
#[derive(Clone, Copy)]
pub(super) struct Scan<'s> {
    pub(super) inverse: Inverse<'s>,
    /// Empty when entries aren't to be counted.
    pub(super) delimiter: &'s [u8],
    pub(super) entry_bytes_max: u64,
    pub(super) cut: Cut,
    /// Stop where the cut ends, so that what comes after isn't looked at.
    pub(super) stop_after_cut: bool,
}

/// What a pass found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Scanned {
    /// Entries found; 0 without a delimiter.
    pub(super) entries: u64,
    /// Entries written; 0 without a delimiter.
    pub(super) written_entries: u64,
    /// Bytes written.
    pub(super) written_bytes: u64,
}

/// Why a pass ended early, and what it had found until then.
#[derive(Debug)]
pub(super) enum ScanError {
    /// Reading or decoding failed.
    Decode(io::Error),
    /// Writing failed.
    Write(io::Error),
    /// An entry is longer than may be.
    TooLong,
    /// There is something after the last delimiter.
    OpenEntry {
        /// How many bytes.
        len_bytes: u64,
    },
}

impl Scan<'_> {
    /// Reads `stored` to its end and writes the cut's entries to `out`. What was found is in `found`, in case of an error,
    /// too.
    pub(super) fn run(
        &self,
        stored: &mut dyn Read,
        out: &mut dyn Write,
        found: &mut Scanned,
    ) -> Result<(), ScanError> {
        match self.inverse {
            Inverse::BuiltIn(codec) => {
                let mut decoded = decoder(codec, stored).map_err(ScanError::Decode)?;
                self.pass(&mut decoded, out, found)
            }
            Inverse::Custom(decompress) => {
                let mut whole = Vec::new();
                stored.take(CUSTOM_OBJECT_BYTES_MAX).read_to_end(&mut whole).map_err(ScanError::Decode)?;
                let decoded = decompress(&whole).map_err(ScanError::Decode)?;
                drop(whole);
                self.pass(&mut decoded.as_slice(), out, found)
            }
        }
    }

    fn pass(
        &self,
        decoded: &mut dyn Read,
        out: &mut dyn Write,
        found: &mut Scanned,
    ) -> Result<(), ScanError> {
        let mut cutter = Cutter::new(self.delimiter, self.cut, self.entry_bytes_max);
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let len = match decoded.read(&mut chunk) {
                Ok(0) => break,
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(ScanError::Decode(error)),
            };
            let bytes = chunk.get(..len).unwrap_or_default();
            let wanted = cutter.take(bytes).map_err(|TooLong| ScanError::TooLong)?;
            found.entries = cutter.entries();
            let wanted = bytes.get(wanted).unwrap_or_default();
            if !wanted.is_empty() {
                out.write_all(wanted).map_err(ScanError::Write)?;
                found.written_bytes += wanted.len() as u64;
            }
            found.written_entries = cutter.entries_in_cut();
            if self.stop_after_cut && cutter.is_over() {
                return Ok(());
            }
        }
        match cutter.open_bytes() {
            0 => Ok(()),
            len_bytes => Err(ScanError::OpenEntry { len_bytes }),
        }
    }
}
