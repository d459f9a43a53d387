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
    /// How far any frame says that the slab was synced.
    pub durable_through: u64,
}

/// What lies at a place of a slab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A good frame.
    Good(Header),
    /// Bytes up to `to`, where a header is valid again or the slab ends.
    Bad {
        to: u64,
        reason: Reason,
        /// The damaged frame's own header, if only what follows it is damaged.
        header: Option<Header>,
        /// And its meta is as it was written.
        has_meta: bool,
    },
}

/// Goes through a slab of which something may be damaged, from good frame to good frame.
pub(crate) struct Pieces<'a> {
    scanner: Scanner<'a>,
}

impl<'a> Pieces<'a> {
    /// The frames of a slab with `salt`, which end before `end`; the first has the index after `last`'s, if that is known.
    pub(crate) fn new(file: &'a dyn DiskFile, salt: u64, end: u64, last: Option<Header>) -> Self {
        let rule = TailRule::new();
        let scanner =
            Scanner { file, salt, file_len: end, window: Window::default(), rule, first: None, last };
        Self { scanner }
    }

    /// What lies at `offset`, where a frame should begin.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn at(&mut self, offset: u64) -> io::Result<Piece> {
        let scanner = &mut self.scanner;
        let file_len = scanner.file_len;
        if file_len - offset < wide(FRAME_HEADER_BYTES) {
            return Ok(Piece::Bad {
                to: file_len,
                reason: "a header is cut off",
                header: None,
                has_meta: false,
            });
        }
        let salt = scanner.salt;
        let bytes = scanner.bytes(offset, FRAME_HEADER_BYTES)?;
        let is_zero = bytes.iter().all(|byte| *byte == 0);
        let header = Header::decode(bytes, salt, offset);
        let reason = match &header {
            Some(header) => match scanner.fault(header, offset)? {
                None => {
                    scanner.last = Some(*header);
                    return Ok(Piece::Good(*header));
                }
                Some(reason) => reason,
            },
            None if is_zero => "zeros are where a frame was",
            None => "a header's checksum is wrong",
        };
        // The next good frame may have any index above the last one's.
        scanner.last = None;
        let fits = |header: &Header| {
            header.is_within_limits()
                && offset + header.frame_len() <= file_len
                && header.durable_through <= offset
        };
        if let Some(header) = header.filter(fits) {
            let meta_len = u64::from(header.meta_len);
            let has_meta = scanner.checksum(offset + wide(FRAME_HEADER_BYTES), meta_len)? == header.meta_crc;
            let to = offset + header.frame_len();
            return Ok(Piece::Bad { to, reason, header: Some(header), has_meta });
        }
        let to = scanner.next_header(offset + FRAME_ALIGNMENT)?;
        Ok(Piece::Bad { to, reason, header: None, has_meta: false })
    }

    /// The header at `offset`, if it is valid.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn header_at(&mut self, offset: u64) -> io::Result<Option<Header>> {
        let salt = self.scanner.salt;
        Ok(Header::decode(self.scanner.bytes(offset, FRAME_HEADER_BYTES)?, salt, offset))
    }

    /// Whether only zeros lie from `offset` on.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn is_zero_from(&mut self, mut offset: u64) -> io::Result<bool> {
        let scanner = &mut self.scanner;
        while offset < scanner.file_len {
            let piece = narrow(scanner.file_len - offset).min(READ_AHEAD_BYTES);
            if scanner.bytes(offset, piece)?.iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            offset += wide(piece);
        }
        Ok(true)
    }
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
    let durable_through = scanner.rule.durable_through();
    Ok(Scan { verdict, first: scanner.first, last: scanner.last, durable_through })
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

    /// Where the next valid header is, from `offset` on; the end of the file if there is none.
    fn next_header(&mut self, mut offset: u64) -> io::Result<u64> {
        let (salt, file_len) = (self.salt, self.file_len);
        while offset < file_len && file_len - offset >= wide(FRAME_HEADER_BYTES) {
            self.bytes(offset, FRAME_HEADER_BYTES)?;
            let zeros = zero_words(self.window.rest(offset));
            if zeros > 0 {
                offset += zeros;
                continue;
            }
            let header = Header::decode(self.bytes(offset, FRAME_HEADER_BYTES)?, salt, offset);
            if header
                .is_some_and(|header| header.is_within_limits() && offset + header.frame_len() <= file_len)
            {
                return Ok(offset);
            }
            offset += FRAME_ALIGNMENT;
        }
        Ok(file_len)
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
