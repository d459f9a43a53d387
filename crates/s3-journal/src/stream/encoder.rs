//! The growing stream of one object: counts what goes in and out, and hands each batch to the format's own writer.

use std::fmt;

use super::error::StreamError;
use super::{Codec, Tail, gzip, lz4, snappy, xz, zstd};

/// Compresses the batches of one object into one stream.
///
/// See the [module](super) for an example.
pub struct Encoder {
    codec: Codec,
    writer: Writer,
    tail: Tail,
    failed: bool,
}

enum Writer {
    Plain,
    Gzip(gzip::Writer),
    Zstd(zstd::Writer),
    Snappy(Box<snappy::Writer>),
    Lz4(lz4::Writer),
    Xz(xz::Writer),
}

impl Encoder {
    /// An encoder for a new object; without a level, [`Codec::default_level`] is used.
    ///
    /// # Errors
    ///
    /// When the level isn't one of the format's, or the memory for the window can't be had.
    pub fn new(codec: Codec, level: Option<i32>) -> Result<Self, StreamError> {
        codec.check_level(level)?;
        let level = level.or(codec.default_level()).unwrap_or_default();
        let writer = match codec {
            Codec::None => Ok(Writer::Plain),
            Codec::Gzip => Ok(Writer::Gzip(gzip::Writer::new(level))),
            Codec::Zstd => zstd::Writer::new(level).map(Writer::Zstd),
            Codec::Snappy => Ok(Writer::Snappy(Box::new(snappy::Writer::new()))),
            Codec::Lz4 => Ok(Writer::Lz4(lz4::Writer::new())),
            Codec::Lzma2 => xz::Writer::new(level).map(Writer::Xz),
        }
        .map_err(|source| StreamError::Start { codec, source })?;
        Ok(Self { codec, writer, tail: Tail::default(), failed: false })
    }

    /// Appends a piece that carries `raw` to `out`, which may already hold other bytes.
    ///
    /// The first piece begins with the stream's header. A reader that has all pieces so far can decode all of the bytes
    /// so far. An empty `raw` appends nothing.
    ///
    /// # Errors
    ///
    /// When the compression library fails, in practice for want of memory. Nothing is appended then, and the encoder is
    /// of no further use: close the stream with [`trailer`](super::trailer) at the last tail.
    pub fn write(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Result<(), StreamError> {
        if self.failed {
            return Err(StreamError::Spent { codec: self.codec });
        }
        if raw.is_empty() {
            return Ok(());
        }
        let start = out.len();
        let written = match &mut self.writer {
            Writer::Plain => {
                out.extend_from_slice(raw);
                Ok(())
            }
            Writer::Gzip(writer) => writer.write(raw, out),
            Writer::Zstd(writer) => writer.write(raw, out),
            Writer::Snappy(writer) => writer.write(raw, out),
            Writer::Lz4(writer) => writer.write(raw, out),
            Writer::Xz(writer) => writer.write(raw, out),
        };
        if let Err(source) = written {
            self.failed = true;
            out.truncate(start);
            return Err(StreamError::Compress { codec: self.codec, source });
        }
        self.tail.raw_len += raw.len() as u64;
        self.tail.stored_len += (out.len() - start) as u64;
        self.tail.checksum = match &self.writer {
            Writer::Plain | Writer::Snappy(_) => 0,
            Writer::Gzip(writer) => writer.checksum(),
            Writer::Zstd(writer) => writer.checksum(),
            Writer::Lz4(writer) => writer.checksum(),
            Writer::Xz(writer) => writer.checksum(),
        };
        Ok(())
    }

    /// How far the stream has come: what [`trailer`](super::trailer) needs to close it here.
    pub fn tail(&self) -> Tail {
        self.tail
    }

    /// The format.
    pub fn codec(&self) -> Codec {
        self.codec
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("codec", &self.codec)
            .field("tail", &self.tail)
            .finish_non_exhaustive()
    }
}
