//! Google's framing format for snappy (`framing_format.txt` of github.com/google/snappy, 2013-10-25).
//!
//! Snappy's blocks know no window: a chunk holds at most 64 KiB and stands alone, and so does each piece. The format
//! has no end mark: a stream cut between two chunks is a shorter stream, and only the object's length tells.

use std::io::{self, BufRead, Read as _};

use snap::raw::{Decoder, Encoder, decompress_len, max_compress_len};

use super::error::{Cause, Refusal};
use super::pieces;
use super::tail::Tail;

/// Section 4.1.
const STREAM_IDENTIFIER: [u8; 10] = *b"\xff\x06\x00\x00sNaPpY";

/// Sections 4.2 to 4.6: the kinds of chunk.
const COMPRESSED: u8 = 0x00;
const UNCOMPRESSED: u8 = 0x01;
const PADDING: u8 = 0xfe;
const IDENTIFIER: u8 = 0xff;

/// Section 4.2: most bytes of content in a chunk.
const MAX_CONTENT: usize = 65_536;

/// Bytes of the checksum before a chunk's content.
const CRC_LEN: usize = 4;

pub(super) struct Writer {
    packer: Packer,
    workers: usize,
    begun: bool,
}

struct Packer {
    encoder: Encoder,
    packed: Vec<u8>,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self::with_workers(pieces::workers())
    }

    fn with_workers(workers: usize) -> Self {
        Self { packer: Packer::new(), workers, begun: false }
    }

    pub(super) fn write(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Result<(), Cause> {
        if !self.begun {
            self.begun = true;
            out.extend_from_slice(&STREAM_IDENTIFIER);
        }
        if pieces::is_cut(raw) {
            // Whole chunks each: the bytes are those of one piece after the other.
            pieces::compress(raw, self.workers, out, |piece, out| Packer::new().write(piece.raw, out))
        } else {
            self.packer.write(raw, out)
        }
    }
}

impl Packer {
    fn new() -> Self {
        Self { encoder: Encoder::new(), packed: vec![0; max_compress_len(MAX_CONTENT)] }
    }

    fn write(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Result<(), Cause> {
        for content in raw.chunks(MAX_CONTENT) {
            let packed_len = self.encoder.compress(content, &mut self.packed)?;
            let packed = self.packed.get(..packed_len).unwrap_or_default();
            // As the reference does: what saves less than an eighth is stored as it is, and read faster.
            if packed_len < content.len() - content.len() / 8 {
                push_chunk(out, COMPRESSED, content, packed)?;
            } else {
                push_chunk(out, UNCOMPRESSED, content, content)?;
            }
        }
        Ok(())
    }
}

fn push_chunk(out: &mut Vec<u8>, kind: u8, content: &[u8], stored: &[u8]) -> Result<(), Cause> {
    let len = u32::try_from(CRC_LEN + stored.len())?;
    // Section 2: a byte for the kind and three for the length.
    out.extend_from_slice(&(len << 8 | u32::from(kind)).to_le_bytes());
    out.extend_from_slice(&masked_crc(content).to_le_bytes());
    out.extend_from_slice(stored);
    Ok(())
}

/// Section 3: CRC-32C of the content, rotated and offset.
fn masked_crc(content: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(content).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Nothing closes a stream; an empty one is its identifier.
pub(super) fn trailer(tail: &Tail) -> Vec<u8> {
    if tail.stored_len == 0 { STREAM_IDENTIFIER.to_vec() } else { Vec::new() }
}

/// Reads one framed stream.
///
/// It is stricter than the specification in one thing: the chunks "reserved, skippable" (section 4.6) are refused. No
/// writer makes them, and one flipped bit would turn a chunk of data into one that is passed over.
pub(super) struct Reader<I> {
    pub(super) input: I,
    decoder: Decoder,
    begun: bool,
    packed: Vec<u8>,
    content: Vec<u8>,
    given: usize,
}

impl<I: BufRead> Reader<I> {
    pub(super) fn new(input: I) -> Self {
        Self {
            input,
            decoder: Decoder::new(),
            begun: false,
            packed: Vec::new(),
            content: Vec::new(),
            given: 0,
        }
    }

    pub(super) fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut rest = self.content.get(self.given..).unwrap_or_default();
            if !rest.is_empty() {
                let given = rest.read(buf)?;
                self.given += given;
                return Ok(given);
            }
            if !self.next_chunk()? {
                return Ok(0);
            }
        }
    }

    /// Reads one chunk; false at the end of the input.
    fn next_chunk(&mut self) -> io::Result<bool> {
        if self.input.fill_buf()?.is_empty() {
            return Ok(false);
        }
        let mut header = [0; 4];
        self.input.read_exact(&mut header)?;
        let [kind, ..] = header;
        let len = (u32::from_le_bytes(header) >> 8) as usize;
        match kind {
            IDENTIFIER if self.begun => Err(Refusal::Trailing.into()),
            IDENTIFIER => {
                let mut name = [0; 6];
                if len != name.len() {
                    return Err(damage("the stream identifier has the wrong length"));
                }
                self.input.read_exact(&mut name)?;
                self.begun = true;
                if name == *b"sNaPpY" { Ok(true) } else { Err(damage("not a snappy stream")) }
            }
            _ if !self.begun => Err(damage("no stream identifier at the start")),
            COMPRESSED | UNCOMPRESSED => self.content(kind, len).map(|()| true),
            PADDING => {
                let mut padding = self.input.by_ref().take(len as u64);
                let skipped = io::copy(&mut padding, &mut io::sink())?;
                if skipped == len as u64 { Ok(true) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
            }
            _ => Err(damage("unknown kind of chunk")),
        }
    }

    fn content(&mut self, kind: u8, len: usize) -> io::Result<()> {
        let stored = len.checked_sub(CRC_LEN).ok_or_else(|| damage("a chunk is too short"))?;
        let most = if kind == COMPRESSED { max_compress_len(MAX_CONTENT) } else { MAX_CONTENT };
        if stored > most {
            return Err(damage("a chunk is too long"));
        }
        let mut crc = [0; CRC_LEN];
        self.input.read_exact(&mut crc)?;
        self.given = 0;
        if kind == COMPRESSED {
            self.packed.resize(stored, 0);
            self.input.read_exact(&mut self.packed)?;
            let content = decompress_len(&self.packed).map_err(damage)?;
            if content > MAX_CONTENT {
                return Err(damage("a chunk holds too much"));
            }
            self.content.resize(content, 0);
            self.decoder.decompress(&self.packed, &mut self.content).map_err(damage)?;
        } else {
            self.content.resize(stored, 0);
            self.input.read_exact(&mut self.content)?;
        }
        if masked_crc(&self.content) == u32::from_le_bytes(crc) {
            Ok(())
        } else {
            Err(damage("a chunk's checksum is wrong"))
        }
    }
}

fn damage(cause: impl Into<Cause>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, cause)
}

#[cfg(test)]
#[path = "snappy_tests.rs"]
mod tests;
