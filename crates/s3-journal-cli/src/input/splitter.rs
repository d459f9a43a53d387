//! Bytes in, entries out: splits what is read at the delimiter, in one buffer, without a copy or an allocation per
//! entry. Knows nothing of files.

use memchr::memchr;

/// How much is asked for at a time, in bytes: four times what a pipe holds, and still in a processor's cache.
pub const READ_BYTES: usize = 256 << 10;

/// Why the input can't go on as entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong {
    /// The limit, in bytes.
    pub max_bytes: usize,
}

/// One buffer that is read into and cut into entries.
#[derive(Debug)]
pub struct Splitter {
    delimiter: Vec<u8>,
    last: u8,
    entry_bytes_max: usize,
    buffer: Vec<u8>,
    /// The entry being looked for begins here.
    start: usize,
    /// No delimiter ends before here.
    scanned: usize,
    /// What was read ends here.
    end: usize,
}

impl Splitter {
    /// Splits at `delimiter`, which isn't empty; entries have `entry_bytes_max` bytes at most.
    pub fn new(delimiter: &[u8], entry_bytes_max: usize) -> Self {
        Self {
            delimiter: delimiter.to_vec(),
            last: delimiter.last().copied().unwrap_or(b'\n'),
            entry_bytes_max,
            buffer: vec![0; READ_BYTES],
            start: 0,
            scanned: 0,
            end: 0,
        }
    }

    /// Where the next bytes are to be read to; never empty. What isn't cut yet moves to the front, and the buffer
    /// grows only for an entry that is longer than it.
    pub fn room(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.scanned -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            let len = self.buffer.len();
            // Never far beyond the longest entry: `next_entry` refuses before that.
            self.buffer.resize(len + len.min(16 << 20), 0);
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// `len` bytes have been read into the room.
    pub fn filled(&mut self, len: usize) {
        self.end = (self.end + len).min(self.buffer.len());
    }

    /// The next whole entry, without its delimiter; `None` when more must be read.
    ///
    /// # Errors
    /// [`TooLong`] as soon as it is certain.
    pub fn next_entry(&mut self) -> Result<Option<&[u8]>, TooLong> {
        loop {
            let ahead = self.buffer.get(self.scanned..self.end).unwrap_or_default();
            // Behind the byte, or at the end.
            self.scanned += memchr(self.last, ahead).map_or(ahead.len(), |at| at + 1);
            let so_far = self.buffer.get(self.start..self.scanned).unwrap_or_default();
            if !ahead.is_empty() && so_far.ends_with(&self.delimiter) {
                let len = so_far.len() - self.delimiter.len();
                if len > self.entry_bytes_max {
                    return Err(self.too_long());
                }
                let from = self.start;
                self.start = self.scanned;
                return Ok(self.buffer.get(from..from + len));
            }
            if self.scanned == self.end {
                if so_far.len() > self.entry_bytes_max + (self.delimiter.len() - 1) {
                    return Err(self.too_long());
                }
                return Ok(None);
            }
        }
    }

    /// At the end of the input: what follows the last delimiter, which is an entry too if there is any of it.
    ///
    /// # Errors
    /// [`TooLong`].
    pub fn rest(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let (from, to) = (self.start, self.end);
        if to - from > self.entry_bytes_max {
            return Err(self.too_long());
        }
        self.start = to;
        self.scanned = to;
        Ok(self.buffer.get(from..to).filter(|rest| !rest.is_empty()))
    }

    /// Bytes between an entry and the next.
    pub fn delimiter_len(&self) -> usize {
        self.delimiter.len()
    }

    /// Bytes that were read and aren't cut yet.
    pub fn pending_bytes(&self) -> usize {
        self.end - self.start
    }

    /// Forgets what isn't cut yet: another source begins.
    pub fn clear(&mut self) {
        self.start = 0;
        self.scanned = 0;
        self.end = 0;
    }

    fn too_long(&self) -> TooLong {
        TooLong { max_bytes: self.entry_bytes_max }
    }
}

#[cfg(test)]
#[path = "splitter_tests.rs"]
mod tests;
