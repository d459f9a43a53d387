//! One LZ4 frame (LZ4 Frame Format Description, version 1.6) that grows by whole blocks.
//!
//! The blocks are *linked*: each may refer to the 64 KiB before it, so the window is carried from piece to piece. A
//! reader must support that, as the specification demands of it and the reference does. The blocks of a large batch are made
//! side by side.

use std::io::{self, BufRead, Write as _};

use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use xxhash_rust::xxh32::{Xxh32, xxh32};

use super::error::Cause;
use super::pieces::{self, keep_last, last};
use super::tail::{Tail, low_32_bits};

/// Section "General Structure of LZ4 Frame format".
const MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();

/// Section "Frame Descriptor", byte FLG: version 1 in the two highest bits, then blocks independent, block checksums,
/// content size, content checksum, a reserved bit, dictionary id.
const VERSION: u8 = 0b0100_0000;
const VERSION_MASK: u8 = 0b1100_0000;
const INDEPENDENT: u8 = 0b0010_0000;
const BLOCK_CHECKSUMS: u8 = 0b0001_0000;
const CONTENT_SIZE: u8 = 0b0000_1000;
const CONTENT_CHECKSUM: u8 = 0b0000_0100;
const FLG_RESERVED: u8 = 0b0000_0010;
const DICTIONARY_ID: u8 = 0b0000_0001;

/// What this writer's frames announce.
const FLG: u8 = VERSION | CONTENT_CHECKSUM;

/// Byte BD: the largest block; 5 stands for 256 KiB.
const BD: u8 = 5 << 4;
const BLOCK_SIZE: BlockSize = BlockSize::Max256KB;
const _: () = assert!(pieces::PIECE_BYTES == 256 << 10, "a piece is a block");

/// Bytes of a header without content size and dictionary id.
const HEADER_LEN: usize = 7;

/// Section "Data Blocks": in a block's size, says that its data is not compressed.
const UNCOMPRESSED: u32 = 1 << 31;

/// How far back a match may reach (LZ4 Block Format Description: offsets have 16 bits).
const WINDOW: usize = 64 * 1024;

pub(super) struct Writer {
    /// Goes from batch to batch where batches are small.
    frame: FrameEncoder<Vec<u8>>,
    /// Whether its window is the stream's: not so after a batch that was compressed in pieces.
    is_current: bool,
    /// The last raw bytes.
    window: Vec<u8>,
    workers: usize,
    hash: Xxh32,
    begun: bool,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self::with_workers(pieces::workers())
    }

    fn with_workers(workers: usize) -> Self {
        Self {
            frame: frame_encoder(),
            is_current: true,
            window: Vec::new(),
            workers,
            hash: Xxh32::new(0),
            begun: false,
        }
    }

    pub(super) fn write(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Result<(), Cause> {
        self.hash.update(raw);
        if pieces::is_cut(raw) {
            self.write_pieces(raw, out)?;
        } else {
            self.write_whole(raw, out)?;
        }
        keep_last(&mut self.window, raw, WINDOW);
        Ok(())
    }

    /// Blocks made side by side, each with the raw bytes before it as its window.
    fn write_pieces(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Result<(), Cause> {
        if !self.begun {
            self.begun = true;
            out.extend_from_slice(&header_bytes());
        }
        self.is_current = false;
        let window = &self.window;
        pieces::compress(raw, self.workers, out, |piece, out| {
            let before = if piece.before.is_empty() { window } else { last(piece.before, WINDOW) };
            let packed = lz4_flex::block::compress_with_dict(piece.raw, before);
            let (mark, stored) = if packed.len() < piece.raw.len() {
                (0, packed.as_slice())
            } else {
                (UNCOMPRESSED, piece.raw)
            };
            out.extend_from_slice(&(u32::try_from(stored.len())? | mark).to_le_bytes());
            out.extend_from_slice(stored);
            Ok(())
        })
    }

    fn write_whole(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Result<(), Cause> {
        if !self.is_current {
            self.is_current = true;
            self.frame = frame_encoder();
            // Makes the window known; what comes out has been written.
            self.frame.write_all(&self.window)?;
            self.frame.flush()?;
            *self.frame.get_mut() = Vec::new();
        }
        let start = out.len();
        // The library owns what it writes to; lending it the buffer saves a copy.
        std::mem::swap(self.frame.get_mut(), out);
        let done = self.frame.write_all(raw).and_then(|()| self.frame.flush());
        std::mem::swap(self.frame.get_mut(), out);
        done?;
        if !self.begun {
            self.begun = true;
            // The library's header lacks the announcement of the content checksum.
            let header = out.get_mut(start..start + HEADER_LEN).ok_or("the frame has no header")?;
            header.copy_from_slice(&header_bytes());
        }
        Ok(())
    }

    pub(super) fn checksum(&self) -> u64 {
        u64::from(self.hash.digest())
    }
}

fn frame_encoder() -> FrameEncoder<Vec<u8>> {
    // The library's own content checksum is left off: it comes out only at the library's own end of the frame, and
    // the sum is needed after each piece.
    let info = FrameInfo::new().block_mode(BlockMode::Linked).block_size(BLOCK_SIZE).content_checksum(false);
    FrameEncoder::with_frame_info(info, Vec::new())
}

fn header_bytes() -> [u8; HEADER_LEN] {
    let [m0, m1, m2, m3] = MAGIC;
    [m0, m1, m2, m3, FLG, BD, header_checksum(&[FLG, BD])]
}

/// Section "Frame Descriptor": the second byte of XXH32 over the descriptor.
fn header_checksum(descriptor: &[u8]) -> u8 {
    let [_, second, ..] = xxh32(descriptor, 0).to_le_bytes();
    second
}

/// The end mark and XXH32 of the content.
pub(super) fn trailer(tail: &Tail) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_LEN + 8);
    let mut checksum = tail.checksum;
    if tail.stored_len == 0 {
        out.extend_from_slice(&header_bytes());
        checksum = u64::from(xxh32(&[], 0));
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&low_32_bits(checksum));
    out
}

/// Reads one frame and stops behind it.
///
/// The library's own reader takes the end of the input between two blocks for the end of the frame, so only its block
/// decoder is used.
pub(super) struct Reader<I> {
    pub(super) input: I,
    frame: Option<Frame>,
    ended: bool,
    packed: Vec<u8>,
    /// Content: what was given (the window), then what is still to be given, then room for a block.
    content: Vec<u8>,
    given: usize,
    filled: usize,
}

/// What a frame's descriptor says.
struct Frame {
    independent: bool,
    block_checksums: bool,
    largest_block: usize,
    content_size: Option<u64>,
    content_checksum: Option<Xxh32>,
    content_len: u64,
}

impl<I: BufRead> Reader<I> {
    pub(super) fn new(input: I) -> Self {
        Self {
            input,
            frame: None,
            ended: false,
            packed: Vec::new(),
            content: Vec::new(),
            given: 0,
            filled: 0,
        }
    }

    pub(super) fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut rest = self.content.get(self.given..self.filled).unwrap_or_default();
            if !rest.is_empty() {
                let given = io::Read::read(&mut rest, buf)?;
                self.given += given;
                return Ok(given);
            }
            if self.ended {
                return Ok(0);
            }
            self.step()?;
        }
    }

    /// Reads the header, a block, or the end of the frame.
    fn step(&mut self) -> io::Result<()> {
        let Some(frame) = &mut self.frame else {
            let frame = Frame::read(&mut self.input)?;
            self.content.resize(2 * WINDOW + 2 * frame.largest_block, 0);
            self.packed.resize(frame.largest_block, 0);
            self.frame = Some(frame);
            return Ok(());
        };
        let size = u32::from_le_bytes(array(&mut self.input)?);
        if size == 0 {
            frame.finish(&mut self.input)?;
            self.ended = true;
            return Ok(());
        }

        // Everything in `content` has been given: all but the window may go, when room is short.
        if self.content.len() - self.filled < frame.largest_block {
            let window = self.filled.saturating_sub(WINDOW)..self.filled;
            self.filled = window.len();
            self.content.copy_within(window, 0);
        }
        let (before, room) = self.content.split_at_mut(self.filled);
        let room = room.get_mut(..frame.largest_block).ok_or_else(|| damage("no room for a block"))?;
        let window = before.get(before.len().saturating_sub(WINDOW)..).unwrap_or_default();

        let stored_len = (size & !UNCOMPRESSED) as usize;
        let content_len = if size & UNCOMPRESSED == 0 {
            let packed = frame.read_block(&mut self.input, &mut self.packed, stored_len)?;
            let window = if frame.independent { &[] } else { window };
            lz4_flex::block::decompress_into_with_dict(packed, room, window).map_err(damage)?
        } else {
            frame.read_block(&mut self.input, room, stored_len)?.len()
        };
        frame.count(room.get(..content_len).unwrap_or_default());
        self.given = self.filled;
        self.filled += content_len;
        Ok(())
    }
}

impl Frame {
    /// Sections "Frame Descriptor" and "General Structure".
    fn read(input: &mut impl BufRead) -> io::Result<Self> {
        if array(input)? != MAGIC {
            return Err(damage("not an LZ4 frame"));
        }
        let [flg, bd] = array(input)?;
        let mut descriptor = vec![flg, bd];
        if flg & VERSION_MASK != VERSION || flg & FLG_RESERVED != 0 || bd & 0b1000_1111 != 0 {
            return Err(damage("an unknown version of the frame"));
        }
        let largest_block = match bd >> 4 {
            size @ 4..=7 => 1_usize << (8 + 2 * size),
            _ => return Err(damage("an unknown size of block")),
        };
        let content_size = if flg & CONTENT_SIZE == 0 {
            None
        } else {
            let size: [u8; 8] = array(input)?;
            descriptor.extend_from_slice(&size);
            Some(u64::from_le_bytes(size))
        };
        if flg & DICTIONARY_ID != 0 {
            return Err(damage("the frame needs a dictionary"));
        }
        if array(input)? != [header_checksum(&descriptor)] {
            return Err(damage("the header's checksum is wrong"));
        }
        Ok(Self {
            independent: flg & INDEPENDENT != 0,
            block_checksums: flg & BLOCK_CHECKSUMS != 0,
            largest_block,
            content_size,
            content_checksum: (flg & CONTENT_CHECKSUM != 0).then(|| Xxh32::new(0)),
            content_len: 0,
        })
    }

    /// Reads a block's data as it is stored, and its checksum if there is one.
    fn read_block<'a>(
        &self,
        input: &mut impl BufRead,
        room: &'a mut [u8],
        len: usize,
    ) -> io::Result<&'a [u8]> {
        let stored = room.get_mut(..len).ok_or_else(|| damage("a block is too long"))?;
        input.read_exact(stored)?;
        if self.block_checksums && array(input)? != xxh32(stored, 0).to_le_bytes() {
            return Err(damage("a block's checksum is wrong"));
        }
        Ok(stored)
    }

    fn count(&mut self, content: &[u8]) {
        self.content_len += content.len() as u64;
        if let Some(hash) = &mut self.content_checksum {
            hash.update(content);
        }
    }

    /// What follows the end mark.
    fn finish(&self, input: &mut impl BufRead) -> io::Result<()> {
        if self.content_size.is_some_and(|size| size != self.content_len) {
            return Err(damage("the content's length is wrong"));
        }
        if let Some(hash) = &self.content_checksum
            && array(input)? != hash.digest().to_le_bytes()
        {
            return Err(damage("the content's checksum is wrong"));
        }
        Ok(())
    }
}

fn array<const N: usize>(input: &mut impl BufRead) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn damage(cause: impl Into<Cause>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, cause)
}

#[cfg(test)]
#[path = "lz4_tests.rs"]
mod tests;
