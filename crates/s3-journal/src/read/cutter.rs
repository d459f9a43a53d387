//! Finds entries in decoded bytes by their delimiter: counts them, and cuts a range out at their boundaries. Pure.
//!
//! A journal refuses an entry in which the delimiter occurs before its end, so the entries are what a search from the left
//! finds, occurrence by occurrence.

use std::ops::Range;

use memchr::memmem::Finder;

/// Longest entry that is looked for by default, in bytes with its delimiter: a decoded stream that goes on longer without
/// a delimiter is taken for damaged. It bounds what a crafted object can make a reader decode in vain.
pub const ENTRY_BYTES_MAX: u64 = 1 << 30;

/// Entries of one object, counted from its first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Entries to leave out at the begin.
    pub(crate) skip: u64,
    /// Entries before the end of the cut, those left out included; `None` for all.
    pub(crate) end: Option<u64>,
}

impl Cut {
    pub(crate) const WHOLE: Self = Self { skip: 0, end: None };

    pub(crate) fn is_whole(self) -> bool {
        self == Self::WHOLE
    }

    fn is_over(self, entries: u64) -> bool {
        self.end.is_some_and(|end| entries >= end)
    }
}

/// An entry is longer than may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Takes decoded bytes as they come and counts the entries in them.
#[derive(Debug)]
pub(crate) struct Cutter<'d> {
    finder: Option<Finder<'d>>,
    delimiter: &'d [u8],
    cut: Cut,
    entry_bytes_max: u64,
    entries: u64,
    /// Bytes since the last delimiter.
    open_bytes: u64,
    /// The last bytes that a delimiter could begin in, when it has several.
    tail: Vec<u8>,
    joined: Vec<u8>,
}

impl<'d> Cutter<'d> {
    /// For entries that end with `delimiter`; an empty one finds none.
    pub(crate) fn new(delimiter: &'d [u8], cut: Cut, entry_bytes_max: u64) -> Self {
        Self {
            finder: (!delimiter.is_empty()).then(|| Finder::new(delimiter)),
            delimiter,
            cut,
            entry_bytes_max,
            entries: 0,
            open_bytes: 0,
            tail: Vec::new(),
            joined: Vec::new(),
        }
    }

    /// Entries that ended so far.
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    /// Entries of the cut that ended so far.
    pub(crate) fn entries_in_cut(&self) -> u64 {
        let end = self.cut.end.map_or(self.entries, |end| end.min(self.entries));
        end.saturating_sub(self.cut.skip)
    }

    /// Bytes after the last delimiter.
    pub(crate) fn open_bytes(&self) -> u64 {
        if self.finder.is_some() { self.open_bytes } else { 0 }
    }

    /// Whether the cut has ended, so that nothing more is needed for it.
    pub(crate) fn is_over(&self) -> bool {
        self.cut.is_over(self.entries)
    }

    /// Takes the next bytes and returns which of them belong to the cut.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<Range<usize>, TooLong> {
        let cut = self.cut;
        let Some(finder) = &self.finder else { return Ok(0..bytes.len()) };
        // What is left of the bytes before is shorter than a delimiter, so every occurrence ends in the new ones.
        let before = self.tail.len();
        let searched = if before == 0 {
            bytes
        } else {
            self.joined.clear();
            self.joined.extend_from_slice(&self.tail);
            self.joined.extend_from_slice(bytes);
            &self.joined
        };
        let mut begin = if self.entries >= cut.skip { 0 } else { bytes.len() };
        let mut end = if cut.is_over(self.entries) { 0 } else { bytes.len() };
        let mut last_end = 0;
        // The open entry's bytes in `tail` are counted in `open_bytes`, too.
        let mut open_bytes = self.open_bytes - before as u64;
        // An iterator of `memmem` doesn't overlap and goes from the left.
        for at in finder.find_iter(searched) {
            let entry_end = at + self.delimiter.len();
            if open_bytes + (entry_end - last_end) as u64 > self.entry_bytes_max {
                return Err(TooLong);
            }
            open_bytes = 0;
            last_end = entry_end;
            self.entries += 1;
            if self.entries == cut.skip {
                begin = entry_end - before;
            }
            if cut.end == Some(self.entries) {
                end = entry_end - before;
            }
        }
        self.open_bytes = open_bytes + (searched.len() - last_end) as u64;
        if self.open_bytes > self.entry_bytes_max {
            return Err(TooLong);
        }
        let keep = (searched.len() - last_end).min(self.delimiter.len() - 1);
        let tail = searched.get(searched.len() - keep..).unwrap_or_default();
        if before == 0 {
            self.tail.extend_from_slice(tail);
        } else {
            self.tail = tail.to_vec();
        }
        Ok(begin.min(end)..end)
    }
}

#[cfg(test)]
#[path = "cutter_tests.rs"]
mod tests;
