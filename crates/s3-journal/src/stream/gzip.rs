//! One gzip member (RFC 1952) that grows by deflate runs (RFC 1951).
//!
//! Each piece is ended by a sync flush: an empty stored block, after which the stream is on a byte boundary and the
//! window is kept (RFC 1951, 3.2.4; zlib's manual on `Z_SYNC_FLUSH`). A large batch is several runs, made side by side: each
//! begins with the raw bytes before it as its window, as in pigz.

use flate2::{Compress, Compression, FlushCompress};

use super::error::Cause;
use super::pieces::{self, keep_last, last};
use super::tail::{Tail, low_32_bits};

/// RFC 1952, 2.3: magic number, method 8 (deflate), no flags, no modification time, no extra flags, unknown system. No
/// time and no host in it, so that the same batches give the same bytes.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// RFC 1951, 3.2.6: a final block with fixed codes that holds nothing but the end-of-block symbol, filled to two bytes.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// zlib asks for more than six bytes of room when a flush begins, or the marker may come twice.
const FLUSH_ROOM: usize = 64;

/// RFC 1951, 2: how far back a match may reach.
const WINDOW: usize = 32 << 10;

pub(super) struct Writer {
    level: Compression,
    /// Goes from batch to batch where batches are small.
    deflate: Compress,
    /// Whether its window is the stream's: not so after a batch that was compressed in pieces.
    is_current: bool,
    /// The last raw bytes.
    window: Vec<u8>,
    /// How many pieces are compressed at a time.
    workers: usize,
    crc: crc32fast::Hasher,
    begun: bool,
}

impl Writer {
    pub(super) fn new(level: i32) -> Self {
        Self::with_workers(level, pieces::workers())
    }

    fn with_workers(level: i32, workers: usize) -> Self {
        let level = Compression::new(level.unsigned_abs());
        Self {
            level,
            deflate: Compress::new(level, false),
            is_current: true,
            window: Vec::new(),
            workers,
            crc: crc32fast::Hasher::new(),
            begun: false,
        }
    }

    pub(super) fn write(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Result<(), Cause> {
        if !self.begun {
            self.begun = true;
            out.extend_from_slice(&HEADER);
        }
        self.crc.update(raw);
        if pieces::is_cut(raw) {
            let (level, window) = (self.level, &self.window);
            pieces::compress(raw, self.workers, out, |piece, out| {
                let before = if piece.before.is_empty() { window } else { piece.before };
                run(&mut begin_after(level, before)?, piece.raw, out)
            })?;
            self.is_current = false;
        } else {
            if !self.is_current {
                self.deflate = begin_after(self.level, &self.window)?;
                self.is_current = true;
            }
            run(&mut self.deflate, raw, out)?;
        }
        keep_last(&mut self.window, raw, WINDOW);
        Ok(())
    }

    pub(super) fn checksum(&self) -> u64 {
        u64::from(self.crc.clone().finalize())
    }
}

/// A compressor that goes on behind `before`. A new one each time: one that is reset gives other bytes now and then, by what it had
/// in hand before.
fn begin_after(level: Compression, before: &[u8]) -> Result<Compress, Cause> {
    let mut deflate = Compress::new(level, false);
    let window = last(before, WINDOW);
    if !window.is_empty() {
        deflate.set_dictionary(window)?;
    }
    Ok(deflate)
}

/// One deflate run, to a byte boundary.
fn run(deflate: &mut Compress, mut raw: &[u8], out: &mut Vec<u8>) -> Result<(), Cause> {
    // Deflate never grows data by more than five bytes in 16 KiB or so: one round is enough as a rule.
    out.reserve(raw.len() + raw.len() / 1024 + FLUSH_ROOM);
    loop {
        let before = (deflate.total_in(), out.len());
        deflate.compress_vec(raw, out, FlushCompress::Sync)?;
        let taken = usize::try_from(deflate.total_in() - before.0)?;
        raw = raw.get(taken..).unwrap_or_default();
        // Room left over means that all has been written (zlib's manual on `deflate`).
        if raw.is_empty() && out.len() < out.capacity() {
            return Ok(());
        }
        if taken == 0 && out.len() == before.1 && out.len() < out.capacity() {
            return Err("deflate takes no more input".into());
        }
        out.reserve(raw.len() + FLUSH_ROOM);
    }
}

/// The last block, then CRC-32 and length modulo 2^32 (RFC 1952, 2.3.1).
pub(super) fn trailer(tail: &Tail) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER.len() + LAST_BLOCK.len() + 8);
    if tail.stored_len == 0 {
        out.extend_from_slice(&HEADER);
    }
    out.extend_from_slice(&LAST_BLOCK);
    out.extend_from_slice(&low_32_bits(tail.checksum));
    out.extend_from_slice(&low_32_bits(tail.raw_len));
    out
}

#[cfg(test)]
#[path = "gzip_tests.rs"]
mod tests;
