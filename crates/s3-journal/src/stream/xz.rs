//! One `.xz` stream with one block of LZMA2 (The .xz File Format, version 1.1.0).
//!
//! liblzma writes the stream's header, the block's header and the LZMA2 chunks; each piece is ended by `LZMA_SYNC_FLUSH`,
//! which completes a chunk and keeps dictionary and state. Everything behind the last chunk is computed here.
//!
//! A block per batch would be simpler, but costs 14 % and more: the dictionary starts afresh with each block.

use std::io::{self, BufRead, Read as _};

use crc_fast::{CrcAlgorithm, Digest};
use liblzma::bufread::XzDecoder;
use liblzma::stream::{Action, Check, Error, Status, Stream, TELL_UNSUPPORTED_CHECK};

use super::error::{Cause, MAX_WINDOW_BYTES, Refusal};
use super::tail::{Tail, low_32_bits};

/// Section 2.1.1: magic number, stream flags that name CRC64 as the check, CRC32 of the flags.
const STREAM_HEADER: [u8; 12] = [0xfd, b'7', b'z', b'X', b'Z', 0, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46];

/// Section 2.1.1.2: the flags, repeated in the footer. 4 is CRC64.
const STREAM_FLAGS: [u8; 2] = [0x00, 0x04];

/// Section 2.1.2.4.
const FOOTER_MAGIC: [u8; 2] = *b"YZ";

/// Section 5.3.1: the control byte that ends LZMA2 data.
const LZMA2_END: u8 = 0x00;

/// Section 3.4: bytes of a CRC64.
const CHECK_LEN: u64 = 8;

/// Least room given to liblzma at a time.
const ROOM: usize = 4096;

pub(super) struct Writer {
    stream: Stream,
    crc: Digest,
}

impl Writer {
    pub(super) fn new(level: i32) -> Result<Self, Cause> {
        let stream = Stream::new_easy_encoder(level.unsigned_abs(), Check::Crc64)?;
        Ok(Self { stream, crc: Digest::new(CrcAlgorithm::Crc64Xz) })
    }

    pub(super) fn write(&mut self, mut raw: &[u8], out: &mut Vec<u8>) -> Result<(), Cause> {
        self.crc.update(raw);
        let mut stalled = false;
        loop {
            out.reserve(raw.len() / 4 + ROOM);
            let before = (self.stream.total_in(), self.stream.total_out());
            let status = self.stream.process_vec(raw, out, Action::SyncFlush)?;
            if status == Status::StreamEnd {
                return Ok(());
            }
            let taken = usize::try_from(self.stream.total_in() - before.0)?;
            raw = raw.get(taken..).unwrap_or_default();
            // liblzma says once that all is well before it says that it gets no further.
            let idle = taken == 0 && self.stream.total_out() == before.1;
            if idle && stalled {
                return Err("liblzma makes no progress".into());
            }
            stalled = idle;
        }
    }

    pub(super) fn checksum(&self) -> u64 {
        self.crc.finalize()
    }
}

/// The end of the LZMA2 data, the block's padding and check, the index and the footer.
pub(super) fn trailer(tail: &Tail) -> Vec<u8> {
    let mut out = Vec::with_capacity(96);
    let mut index = vec![0x00];
    if tail.stored_len == 0 {
        out.extend_from_slice(&STREAM_HEADER);
        push_integer(&mut index, 0);
    } else {
        // Section 4.3: block header, compressed data and check, without the padding between them.
        let block = tail.stored_len.saturating_sub(STREAM_HEADER.len() as u64) + 1;
        out.push(LZMA2_END);
        out.resize(1 + padding(block), 0);
        out.extend_from_slice(&tail.checksum.to_le_bytes());
        push_integer(&mut index, 1);
        push_integer(&mut index, block.saturating_add(CHECK_LEN));
        push_integer(&mut index, tail.raw_len);
    }
    // Section 4: the index is padded to four bytes, and its CRC32 covers the padding.
    index.resize(index.len() + padding(index.len() as u64), 0);
    let crc = crc32fast::hash(&index);
    index.extend_from_slice(&crc.to_le_bytes());

    // Section 2.1.2: CRC32 of what follows it, size of the index in words less one, flags, magic number.
    let mut footer = Vec::with_capacity(6);
    footer.extend_from_slice(&low_32_bits(index.len() as u64 / 4 - 1));
    footer.extend_from_slice(&STREAM_FLAGS);
    out.extend_from_slice(&index);
    out.extend_from_slice(&crc32fast::hash(&footer).to_le_bytes());
    out.extend_from_slice(&footer);
    out.extend_from_slice(&FOOTER_MAGIC);
    out
}

/// Bytes from `len` to the next multiple of four.
const fn padding(len: u64) -> usize {
    ((4 - len % 4) % 4) as usize
}

/// Section 1.2: seven bits a byte, the least significant first.
fn push_integer(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        let [low, ..] = value.to_le_bytes();
        out.push(low | 0x80);
        value >>= 7;
    }
    let [low, ..] = value.to_le_bytes();
    out.push(low);
}

/// Reads one stream and stops behind it.
pub(super) struct Reader<I>(XzDecoder<I>);

impl<I: BufRead> Reader<I> {
    pub(super) fn new(input: I) -> io::Result<Self> {
        let stream = Stream::new_stream_decoder(MAX_WINDOW_BYTES, TELL_UNSUPPORTED_CHECK)?;
        Ok(Self(XzDecoder::new_stream(input, stream)))
    }

    pub(super) fn input(&mut self) -> &mut I {
        self.0.get_mut()
    }

    pub(super) fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf).map_err(|error| {
            let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
            if cause == Some(&Error::MemLimit) { Refusal::Memory.into() } else { error }
        })
    }
}
