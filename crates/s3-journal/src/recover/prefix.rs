//! What can be read of a stream that was cut off anywhere: its entries up to the last whole one, and the same entries as a
//! whole stream. Knows streams, not buckets.
//!
//! A batch ends on a byte boundary with everything in it decodable, so that what is whole of the last batches comes out;
//! the sums at a stream's end are lost with it. The parts' own sums, which the store checked as they arrived, stand for them.

use std::io::{self, Read};

use crate::read::{Cut, Cutter, TooLong};
use crate::stream::{Codec, DecodeError, Encoder, decoder, trailer};

/// Decoded bytes taken at a time, and compressed at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// How a stream ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// As it should.
    Whole,
    /// It was cut off.
    CutOff,
    /// It is damaged there.
    Damaged(String),
}

/// The readable entries of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prefix {
    /// How many.
    pub(super) entries: u64,
    /// Their bytes, decoded.
    pub(super) raw_bytes: u64,
    pub(super) end: End,
}

/// Reads a stream as far as it goes.
///
/// # Errors
/// When `stored` fails, or the memory for decoding can't be had.
pub(super) fn measure(
    codec: Codec,
    delimiter: &[u8],
    entry_bytes_max: u64,
    stored: &mut dyn Read,
) -> io::Result<Prefix> {
    let mut cutter = Cutter::new(delimiter, Cut::WHOLE, entry_bytes_max);
    let (mut read_bytes, mut is_long) = (0, false);
    // As of the last piece that was good.
    let (mut entries, mut raw_bytes) = (0, 0);
    let end = each_chunk(codec, stored, &mut |bytes| {
        is_long = cutter.take(bytes) == Err(TooLong);
        if !is_long {
            read_bytes += bytes.len() as u64;
            (entries, raw_bytes) = (cutter.entries(), read_bytes - cutter.open_bytes());
        }
        Ok(!is_long)
    })?;
    let end =
        if is_long { End::Damaged(format!("an entry of more than {entry_bytes_max} bytes")) } else { end };
    Ok(Prefix { entries, raw_bytes, end })
}

/// Decodes the first `raw_bytes` bytes of a stream again, and gives them to `take` in pieces. Returns their CRC-64/NVME, and
/// how many there were.
///
/// # Errors
/// When `stored` or `take` fails.
pub(super) fn copy(
    codec: Codec,
    raw_bytes: u64,
    stored: &mut dyn Read,
    take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<(u64, u64)> {
    let mut sum = durable_queue::Checksum::new();
    let mut left = raw_bytes;
    each_chunk(codec, stored, &mut |bytes| {
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let bytes = bytes.get(..len).unwrap_or_default();
        sum.update(bytes);
        take(bytes)?;
        left -= len as u64;
        Ok(left > 0)
    })?;
    Ok((sum.value(), raw_bytes - left))
}

/// Decodes until the stream ends or `take` wants no more.
fn each_chunk(
    codec: Codec,
    stored: &mut dyn Read,
    take: &mut dyn FnMut(&[u8]) -> io::Result<bool>,
) -> io::Result<End> {
    let mut decoded = decoder(codec, stored)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        // Filled as far as it goes: what is compressed again goes in pieces of this size.
        let mut filled = 0;
        let mut end = None;
        while end.is_none()
            && let Some(rest) = chunk.get_mut(filled..).filter(|rest| !rest.is_empty())
        {
            match decoded.read(rest) {
                Ok(0) => end = Some(End::Whole),
                Ok(len) => filled += len,
                Err(error) => end = Some(end_of(error)?),
            }
        }
        let bytes = chunk.get(..filled).unwrap_or_default();
        if !bytes.is_empty() && !take(bytes)? {
            return Ok(End::CutOff);
        }
        if let Some(end) = end {
            return Ok(end);
        }
    }
}

/// How the stream ended, if it is the stream's fault.
fn end_of(error: io::Error) -> io::Result<End> {
    match error.get_ref().and_then(|cause| cause.downcast_ref::<DecodeError>()) {
        Some(DecodeError::Truncated { .. }) => Ok(End::CutOff),
        Some(DecodeError::Memory { .. }) | None => Err(error),
        Some(other) => Ok(End::Damaged(other.to_string())),
    }
}

/// Compresses entries into one whole stream.
pub(super) struct Whole {
    codec: Codec,
    encoder: Encoder,
}

impl Whole {
    /// # Errors
    /// When the memory for it can't be had.
    pub(super) fn new(codec: Codec) -> io::Result<Self> {
        Ok(Self { codec, encoder: Encoder::new(codec, None).map_err(io::Error::other)? })
    }

    /// Appends a piece.
    ///
    /// # Errors
    /// When the encoder fails.
    pub(super) fn write(&mut self, raw: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.encoder.write(raw, out).map_err(io::Error::other)
    }

    /// Appends what closes the stream.
    pub(super) fn finish(self, out: &mut Vec<u8>) {
        out.extend(trailer(self.codec, &self.encoder.tail()));
    }
}

#[cfg(test)]
#[path = "prefix_tests.rs"]
mod tests;
