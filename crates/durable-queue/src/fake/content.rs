//! The bytes of a file in pages, holes left out, so that copying a file or a whole disk copies no bytes. Knows nothing.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::bytes::{narrow, wide};
use crate::frame::checksum;

/// What a kernel caches, writes back and forgets as one.
pub(super) const PAGE_BYTES: u64 = 4096;
const PAGE: usize = 4096;

/// See the module. Clones share their pages until one of them is written to.
#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    /// Pages that aren't here hold zeros. Beyond the length there is nothing but zeros.
    pages: BTreeMap<u64, Arc<[u8; PAGE]>>,
    len: u64,
}

impl Content {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut content = Self::default();
        content.write(0, bytes);
        content
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; narrow(self.len)];
        self.read(0, &mut bytes);
        bytes
    }

    /// Reads what there is, up to the end.
    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let len = buffer.len().min(narrow(self.len.saturating_sub(offset)));
        let mut at = 0;
        while let Some(rest) = buffer.get_mut(at..len).filter(|rest| !rest.is_empty()) {
            let from = offset + wide(at);
            let within = narrow(from % PAGE_BYTES);
            let piece = rest.len().min(PAGE - within);
            let (target, _) = rest.split_at_mut(piece);
            match self.pages.get(&(from / PAGE_BYTES)).and_then(|page| page.get(within..within + piece)) {
                Some(source) => target.copy_from_slice(source),
                None => target.fill(0),
            }
            at += piece;
        }
        len
    }

    /// Writes, extending the file if need be.
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let to = offset + wide(at);
            let within = narrow(to % PAGE_BYTES);
            let (source, _) = rest.split_at(rest.len().min(PAGE - within));
            let page = self.pages.entry(to / PAGE_BYTES).or_insert_with(|| Arc::new([0; PAGE]));
            if let Some(target) = Arc::make_mut(page).get_mut(within..within + source.len()) {
                target.copy_from_slice(source);
            }
            at += source.len();
        }
        self.extend(offset + wide(bytes.len()));
    }

    pub(super) fn extend(&mut self, len: u64) {
        self.len = self.len.max(len);
    }

    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.len {
            drop(self.pages.split_off(&len.div_ceil(PAGE_BYTES)));
            if let Some(page) = self.pages.get_mut(&(len / PAGE_BYTES))
                && let Some(rest) = Arc::make_mut(page).get_mut(narrow(len % PAGE_BYTES)..)
            {
                rest.fill(0);
            }
        }
        self.len = len;
    }

    /// Takes over another's pages, but for those that `keeps` names. The length stays.
    pub(super) fn take_pages(
        &mut self,
        other: &Self,
        range: std::ops::Range<u64>,
        keeps: impl Fn(u64) -> bool,
    ) {
        let len = self.len;
        let within = range.start / PAGE_BYTES..range.end.min(len).div_ceil(PAGE_BYTES);
        self.pages.retain(|number, _| !within.contains(number) || keeps(*number));
        for (number, page) in other.pages.range(within.start..within.end.max(within.start)) {
            if !keeps(*number) {
                self.pages.insert(*number, Arc::clone(page));
            }
        }
        // Of the last page only what is before the end may show.
        self.len = len.max(other.len);
        self.set_len(len);
    }
}

impl Hash for Content {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.len.hash(state);
        for (number, page) in &self.pages {
            (number, checksum(&**page)).hash(state);
        }
    }
}

#[cfg(test)]
#[path = "content_tests.rs"]
mod tests;
