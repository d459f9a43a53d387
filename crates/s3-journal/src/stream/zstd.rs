//! One zstd frame (RFC 8878) that grows by whole blocks.
//!
//! One encoder writes the whole frame and is flushed after each piece, which completes a block; the frame is never
//! ended by it. The runs of *several* encoders must never be glued into one frame: repeat offsets and entropy tables
//! carry over from block to block, and a decoder would return wrong bytes without an error.

use std::io::{self, BufRead};

use ::zstd::zstd_safe::zstd_sys::{ZSTD_EndDirective, ZSTD_ErrorCode};
use ::zstd::zstd_safe::{
    CCtx, CParameter, DCtx, DParameter, ErrorCode, InBuffer, OutBuffer, compress_bound, get_error_name,
    is_error_kind,
};
use xxhash_rust::xxh64::Xxh64;

use super::error::{Cause, MAX_WINDOW_LOG, Refusal};
use super::tail::{Tail, low_32_bits};

/// RFC 8878, 3.1.1: a frame's magic number, a descriptor that announces a content checksum and nothing else, and the
/// smallest window. Begins a frame of no content; otherwise the library writes the header.
const EMPTY_HEADER: [u8; 6] = [0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x00];

/// RFC 8878, 3.1.1.2: the last block, raw, of size 0.
const LAST_BLOCK: [u8; 3] = [0x01, 0x00, 0x00];

/// The smallest window, as a power of two: 4 MiB. The levels up to 8 come with 512 KiB to 2 MiB, meant for little memory.
/// On 100 MB of text in batches of 1 MiB the larger one gives 4 % smaller objects, no slower, for 2 MiB more. RFC 8878
/// (3.1.1.1.2) recommends that every reader take 8 MiB.
const MIN_WINDOW_LOG: u32 = 22;
const HIGHEST_LEVEL_WITH_LESS: i32 = 8;

/// Room beyond the bound of a batch's own: the frame's header, and the block the library ends by the flush.
const FLUSH_ROOM: usize = 64;

pub(super) struct Writer {
    context: CCtx<'static>,
    /// The library sums the content too, but gives the sum out only when it ends the frame itself.
    hash: Xxh64,
}

impl Writer {
    pub(super) fn new(level: i32) -> Result<Self, Cause> {
        let mut context = CCtx::try_create().ok_or("out of memory")?;
        let window = (level <= HIGHEST_LEVEL_WITH_LESS).then_some(CParameter::WindowLog(MIN_WINDOW_LOG));
        let parameters = [
            CParameter::CompressionLevel(level),
            CParameter::ContentSizeFlag(false),
            // The header must announce the checksum that the trailer brings.
            CParameter::ChecksumFlag(true),
        ];
        for parameter in parameters.into_iter().chain(window) {
            context.set_parameter(parameter).map_err(get_error_name)?;
        }
        Ok(Self { context, hash: Xxh64::new(0) })
    }

    pub(super) fn write(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Result<(), Cause> {
        // With that much room the library compresses straight into `out`.
        out.reserve(compress_bound(raw.len()) + FLUSH_ROOM);
        let mut input = InBuffer::around(raw);
        loop {
            let filled = out.len();
            let mut output = OutBuffer::around_pos(out, filled);
            let left = self
                .context
                .compress_stream2(&mut output, &mut input, ZSTD_EndDirective::ZSTD_e_flush)
                .map_err(get_error_name)?;
            if left == 0 && input.pos() == raw.len() {
                break;
            }
            out.reserve(left + FLUSH_ROOM);
        }
        self.hash.update(raw);
        Ok(())
    }

    pub(super) fn checksum(&self) -> u64 {
        self.hash.digest()
    }
}

/// An empty last block and the low 32 bits of XXH64 (RFC 8878, 3.1.1).
pub(super) fn trailer(tail: &Tail) -> Vec<u8> {
    let mut out = Vec::with_capacity(EMPTY_HEADER.len() + LAST_BLOCK.len() + 4);
    let mut checksum = tail.checksum;
    if tail.stored_len == 0 {
        out.extend_from_slice(&EMPTY_HEADER);
        checksum = Xxh64::new(0).digest();
    }
    out.extend_from_slice(&LAST_BLOCK);
    out.extend_from_slice(&low_32_bits(checksum));
    out
}

/// Reads one frame and stops behind it.
pub(super) struct Reader<I> {
    pub(super) input: I,
    context: DCtx<'static>,
    ended: bool,
}

impl<I: BufRead> Reader<I> {
    pub(super) fn new(input: I) -> io::Result<Self> {
        let mut context = DCtx::try_create().ok_or(io::ErrorKind::OutOfMemory)?;
        context.set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG)).map_err(refusal)?;
        Ok(Self { input, context, ended: false })
    }

    pub(super) fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            let input = self.input.fill_buf()?;
            let at_end = input.is_empty();
            let mut source = InBuffer::around(input);
            let mut output = OutBuffer::around(&mut *buf);
            let hint = self.context.decompress_stream(&mut output, &mut source).map_err(refusal)?;
            let (taken, given) = (source.pos(), output.pos());
            self.input.consume(taken);
            self.ended = hint == 0;
            if given > 0 {
                return Ok(given);
            }
            if at_end && !self.ended {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}

fn refusal(code: ErrorCode) -> io::Error {
    if is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge) {
        return Refusal::Memory.into();
    }
    io::Error::new(io::ErrorKind::InvalidData, get_error_name(code))
}
