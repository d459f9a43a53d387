//! Reads a whole slab and tells the tail rule what it finds. Knows `frame`, `disk`, `window` and the rule.

use std::io;

use super::tail::{Reason, TailRule, Verdict};
use crate::bytes::{narrow, wide};
use crate::disk::DiskFile;
use crate::frame::{Checksum, FRAME_ALIGNMENT, FRAME_HEADER_BYTES, Header};
use crate::sabotage;
use crate::slab::FIRST_FRAME;
use crate::window::{READ_AHEAD_BYTES, Window};

/// What a scan found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scan {
    pub verdict: Verdict,
    /// The first frame, if it is good.
    pub first: Option<Header>,
    /// The last good frame before anything bad.
    pub last: Option<Header>,
}

/// Scans the `file_len` bytes of a slab with `salt`.
///
/// # Errors
/// The operating system's.
pub(crate) fn scan(
    file: &dyn DiskFile,
    salt: u64,
    file_len: u64,
    was_synced_whole: bool,
) -> io::Result<Scan> {
    let mut scanner = Scanner {
        file,
        salt,
        file_len,
        window: Window::default(),
        rule: TailRule::new(),
        first: None,
        last: None,
    };
    let mut offset = FIRST_FRAME;
    while offset < file_len {
        offset = if scanner.rule.is_bad() { scanner.resynchronise(offset)? } else { scanner.next(offset)? };
    }
    let verdict = scanner.rule.verdict(file_len, was_synced_whole);
    Ok(Scan { verdict, first: scanner.first, last: scanner.last })
}

struct Scanner<'a> {
    file: &'a dyn DiskFile,
    salt: u64,
    file_len: u64,
    window: Window,
    rule: TailRule,
    first: Option<Header>,
    last: Option<Header>,
}

impl Scanner<'_> {
    fn bytes(&mut self, offset: u64, len: usize) -> io::Result<&[u8]> {
        self.window.get(self.file, offset, len, self.file_len, READ_AHEAD_BYTES)
    }

    /// Judges the frame at `offset`, where one must begin if the slab goes on, and returns where to look next.
    fn next(&mut self, offset: u64) -> io::Result<u64> {
        if self.file_len - offset < wide(FRAME_HEADER_BYTES) {
            self.rule.bad(offset, "a header is cut off");
            return Ok(offset);
        }
        let salt = self.salt;
        let bytes = self.bytes(offset, FRAME_HEADER_BYTES)?;
        let Some(header) = Header::decode(bytes, salt, offset) else {
            let is_zero = bytes.iter().all(|byte| *byte == 0);
            self.rule.bad(
                offset,
                if is_zero { "zeros are where a frame was" } else { "a header's checksum is wrong" },
            );
            return Ok(offset);
        };
        if let Some(reason) = self.fault(&header, offset)? {
            self.rule.bad(offset, reason);
            return Ok(offset);
        }
        let end = offset + header.frame_len();
        self.rule.good(end, header.durable_through);
        self.first.get_or_insert(header);
        self.last = Some(header);
        Ok(end)
    }

    /// What is wrong with a frame whose header's checksum is right.
    fn fault(&mut self, header: &Header, offset: u64) -> io::Result<Option<Reason>> {
        if !header.is_within_limits() || header.durable_through > offset {
            return Ok(Some("a header's fields are out of bounds"));
        }
        if offset + header.frame_len() > self.file_len {
            return Ok(Some("a frame is cut off"));
        }
        let follows = self.last.is_none_or(|last| header.index == last.index.wrapping_add(1));
        if !follows && sabotage::DENSE_INDEX.is_on() {
            return Ok(Some("a frame isn't the one that follows"));
        }
        let meta = offset + wide(FRAME_HEADER_BYTES);
        if self.checksum(meta, u64::from(header.meta_len))? != header.meta_crc
            && sabotage::META_CHECKSUM.is_on()
        {
            return Ok(Some("the checksum of a frame's meta is wrong"));
        }
        if self.checksum(offset + header.payload_start(), u64::from(header.payload_len))?
            != header.payload_crc
            && sabotage::PAYLOAD_CHECKSUM.is_on()
        {
            return Ok(Some("the checksum of a frame's payload is wrong"));
        }
        Ok(None)
    }

    fn checksum(&mut self, from: u64, len: u64) -> io::Result<u64> {
        let mut checksum = Checksum::new();
        let (mut offset, end) = (from, from + len);
        while offset < end {
            let piece = narrow(end - offset).min(READ_AHEAD_BYTES);
            checksum.update(self.bytes(offset, piece)?);
            offset += wide(piece);
        }
        Ok(checksum.value())
    }

    /// After a bad frame: looks at `offset` for a valid header, and returns where to look next.
    fn resynchronise(&mut self, offset: u64) -> io::Result<u64> {
        let (salt, file_len) = (self.salt, self.file_len);
        let left = file_len - offset;
        if left < wide(FRAME_HEADER_BYTES) {
            let rest = self.bytes(offset, narrow(left))?;
            if rest.iter().any(|byte| *byte != 0) {
                self.rule.bytes_after();
            }
            return Ok(file_len);
        }
        self.bytes(offset, FRAME_HEADER_BYTES)?;
        // A whole window at a time: the tail of a slab is mostly zeros.
        let zeros = zero_words(self.window.rest(offset));
        if zeros > 0 {
            return Ok(offset + zeros);
        }
        self.rule.bytes_after();
        let Some(header) = Header::decode(self.bytes(offset, FRAME_HEADER_BYTES)?, salt, offset) else {
            return Ok(offset + FRAME_ALIGNMENT);
        };
        if header.durable_through <= offset {
            self.rule.claim(header.durable_through);
        }
        let end = offset + header.frame_len();
        Ok(if header.is_within_limits() && end <= file_len { end } else { offset + FRAME_ALIGNMENT })
    }
}

/// How many bytes at the front are zero, in whole words of [`FRAME_ALIGNMENT`]. A header never begins with one: that is its
/// checksum, and zero is as unlikely as any other value by chance.
fn zero_words(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    wide(words.iter().take_while(|word| **word == [0; 8]).count()) * FRAME_ALIGNMENT
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
