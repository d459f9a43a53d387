//! Reading a stream back: strict, and in bounded memory.
//!
//! The formats' own readers decode; this one makes sure that there is one whole stream and nothing behind it, and says
//! what was wrong in one vocabulary.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

use super::error::{DecodeError, Refusal};
use super::{Codec, lz4, snappy, xz, zstd};

/// Bytes read from the source at a time.
const BUFFER: usize = 64 * 1024;

/// Reads what one stream holds; made by [`decoder`].
///
/// Its end (`Ok(0)`) is reached only when the stream was whole, its checksum right, and nothing came after it. Errors of
/// the source pass through as they are; those of the stream are a [`DecodeError`] inside the [`io::Error`], of kind
/// `UnexpectedEof` when the stream is cut short and else `InvalidData`. After an error each further read fails.
pub struct Decoder<R: Read> {
    codec: Codec,
    format: Format<Input<R>>,
    state: State,
}

type Input<R> = BufReader<Source<R>>;

enum Format<I> {
    Plain(I),
    Gzip(Box<GzDecoder<I>>),
    Zstd(zstd::Reader<I>),
    Snappy(Box<snappy::Reader<I>>),
    Lz4(Box<lz4::Reader<I>>),
    Xz(xz::Reader<I>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Reading,
    Ended,
    Failed,
}

/// A strict reader for the one stream in `reader`.
///
/// # Errors
///
/// When the memory for it can't be had. Reading begins with the first call of [`Read::read`], save for gzip, whose header
/// is read here; what is wrong with it shows at the first read.
pub fn decoder<R: Read>(codec: Codec, reader: R) -> io::Result<Decoder<R>> {
    let input = BufReader::with_capacity(BUFFER, Source { reader, failed: false });
    let format = match codec {
        Codec::None => Format::Plain(input),
        Codec::Gzip => Format::Gzip(Box::new(GzDecoder::new(input))),
        Codec::Zstd => Format::Zstd(zstd::Reader::new(input)?),
        Codec::Snappy => Format::Snappy(Box::new(snappy::Reader::new(input))),
        Codec::Lz4 => Format::Lz4(Box::new(lz4::Reader::new(input))),
        Codec::Lzma2 => Format::Xz(xz::Reader::new(input)?),
    };
    Ok(Decoder { codec, format, state: State::New })
}

impl<R: Read> Decoder<R> {
    fn step(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.state == State::New {
            self.state = State::Reading;
            // Not every format's reader minds that there is nothing at all. The one for gzip does, and has read already.
            let minds = matches!(self.codec, Codec::None | Codec::Gzip);
            if !minds && self.format.input().fill_buf()?.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let given = match &mut self.format {
            Format::Plain(input) => input.read(buf),
            Format::Gzip(reader) => reader.read(buf),
            Format::Zstd(reader) => reader.read(buf),
            Format::Snappy(reader) => reader.read(buf),
            Format::Lz4(reader) => reader.read(buf),
            Format::Xz(reader) => reader.read(buf),
        }?;
        if given == 0 {
            if !self.format.input().fill_buf()?.is_empty() {
                return Err(Refusal::Trailing.into());
            }
            self.state = State::Ended;
        }
        Ok(given)
    }

    /// Puts a reader's error into this module's words; the source's own stay as they are.
    fn explain(&mut self, error: io::Error) -> io::Error {
        let codec = self.codec;
        if self.format.input().get_ref().failed {
            return error;
        }
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return io::Error::new(error.kind(), DecodeError::Truncated { codec });
        }
        let refusal = error.get_ref().and_then(|cause| cause.downcast_ref::<Refusal>());
        let explained = match refusal {
            Some(Refusal::Memory) => DecodeError::Memory { codec },
            Some(Refusal::Trailing) => DecodeError::Trailing { codec },
            None => DecodeError::Damaged { codec, source: error.into() },
        };
        io::Error::new(io::ErrorKind::InvalidData, explained)
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() || self.state == State::Ended {
            return Ok(0);
        }
        if self.state == State::Failed {
            return Err(io::Error::other(DecodeError::Spent { codec: self.codec }));
        }
        self.step(buf).map_err(|error| {
            self.state = State::Failed;
            self.explain(error)
        })
    }
}

impl<R: Read> fmt::Debug for Decoder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("codec", &self.codec).finish_non_exhaustive()
    }
}

impl<R: Read> Format<Input<R>> {
    fn input(&mut self) -> &mut Input<R> {
        match self {
            Self::Plain(input) => input,
            Self::Gzip(reader) => reader.get_mut(),
            Self::Zstd(reader) => &mut reader.input,
            Self::Snappy(reader) => &mut reader.input,
            Self::Lz4(reader) => &mut reader.input,
            Self::Xz(reader) => reader.input(),
        }
    }
}

/// The caller's reader. Remembers that it failed, so that its errors can be told from the stream's, and keeps
/// interruptions from the formats' readers, which don't all bear them.
struct Source<R> {
    reader: R,
    failed: bool,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.reader.read(buf) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => {
                    self.failed |= done.is_err();
                    return done;
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
