//! A file without its names: what a process reads, what is on the medium, and what has still to get there. Knows `content`.

use std::hash::{Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use super::content::{Content, PAGE_BYTES};
use super::loss::{Fate, Unsynced};
use super::random::Dice;
use crate::bytes::{narrow, wide};

/// One process on one seat: its handles are dead once the seat's generation has moved on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub seat: usize,
    pub generation: u64,
}

/// A change that isn't durable yet.
#[derive(Debug, Clone, Hash)]
enum Change {
    Write { offset: u64, bytes: Arc<[u8]> },
    SetLen(u64),
    Extend(u64),
}

impl Change {
    fn apply(&self, content: &mut Content) {
        match self {
            Self::Write { offset, bytes } => content.write(*offset, bytes),
            Self::SetLen(len) => content.set_len(*len),
            Self::Extend(len) => content.extend(*len),
        }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Inode {
    /// What reads show: the page cache.
    pub live: Content,
    durable: Content,
    unsynced: Vec<Change>,
    /// Room reserved for it.
    pub allocated: u64,
    pub links: u64,
    pub handles: Vec<Process>,
    /// The name it was given last.
    pub path: Arc<Path>,
    pub bytes_read: u64,
}

impl Inode {
    pub(super) fn new(path: Arc<Path>) -> Self {
        Self {
            live: Content::default(),
            durable: Content::default(),
            unsynced: Vec::new(),
            allocated: 0,
            links: 0,
            handles: Vec::new(),
            path,
            bytes_read: 0,
        }
    }

    /// Whether somebody can reach it.
    pub(super) fn is_held(&self) -> bool {
        self.links > 0 || !self.handles.is_empty()
    }

    /// Room that it takes.
    pub(super) fn room(&self) -> u64 {
        if self.is_held() { self.allocated } else { 0 }
    }

    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let end = offset + wide(bytes.len());
        if end > self.live.len() {
            // The length gets there, or doesn't, apart from the bytes.
            self.unsynced.push(Change::Extend(end));
        }
        self.live.write(offset, bytes);
        self.unsynced.push(Change::Write { offset, bytes: bytes.into() });
    }

    pub(super) fn set_len(&mut self, len: u64) {
        self.live.set_len(len);
        self.unsynced.push(Change::SetLen(len));
    }

    pub(super) fn extend(&mut self, len: u64) {
        if len > self.live.len() {
            self.live.extend(len);
            self.unsynced.push(Change::Extend(len));
        }
    }

    pub(super) fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// A sync fails: each block goes its own way, and is then no longer waited for, though it can be read. Lengths still wait:
    /// a file system that can't write its own records stops altogether.
    pub(super) fn fail_sync(&mut self, block_bytes: u64, fate: &mut dyn FnMut(&Unsynced<'_>) -> Fate) {
        let (writes, lengths) = std::mem::take(&mut self.unsynced)
            .into_iter()
            .partition(|change| matches!(change, Change::Write { .. }));
        self.unsynced = writes;
        self.settle(block_bytes, fate);
        self.unsynced = lengths;
    }

    /// Each unsynced change goes its own way.
    fn settle(&mut self, block_bytes: u64, fate: &mut dyn FnMut(&Unsynced<'_>) -> Fate) {
        for change in std::mem::take(&mut self.unsynced) {
            match &change {
                Change::Write { offset, bytes } => {
                    settle_write(&mut self.durable, &self.path, *offset, bytes, block_bytes, fate);
                }
                Change::SetLen(len_bytes) | Change::Extend(len_bytes) => {
                    let unsynced = Unsynced::Length { path: &self.path, len_bytes: *len_bytes };
                    if fate(&unsynced) == Fate::Kept {
                        change.apply(&mut self.durable);
                    }
                }
            }
        }
    }

    /// What isn't waited for is read from the medium again. After a failed sync that isn't what was written.
    pub(super) fn evict(&mut self, range: std::ops::Range<u64>) {
        let dirty: Vec<_> = self
            .unsynced
            .iter()
            .filter_map(|change| match change {
                Change::Write { offset, bytes } => {
                    Some(offset / PAGE_BYTES..(offset + wide(bytes.len())).div_ceil(PAGE_BYTES))
                }
                Change::SetLen(_) | Change::Extend(_) => None,
            })
            .collect();
        let is_dirty = |page| dirty.iter().any(|pages| pages.contains(&page));
        self.live.take_pages(&self.durable, range, is_dirty);
    }

    /// Power is lost: each unsynced change goes its own way, only the medium is left, and nobody has it open.
    pub(super) fn lose_power(&mut self, block_bytes: u64, fate: &mut dyn FnMut(&Unsynced<'_>) -> Fate) {
        self.settle(block_bytes, fate);
        self.live = self.durable.clone();
        self.allocated = self.live.len();
        self.handles.clear();
    }

    /// Changes it behind everybody's back, durably.
    pub(super) fn replace(&mut self, bytes: &[u8]) {
        self.live = Content::of(bytes);
        self.durable = self.live.clone();
        self.unsynced.clear();
    }
}

impl Hash for Inode {
    /// What it holds, not how it is called or who has it open.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.live, &self.durable, &self.unsynced, self.allocated).hash(state);
    }
}

/// Each block of a write goes its own way.
fn settle_write(
    content: &mut Content,
    path: &Path,
    offset: u64,
    bytes: &[u8],
    block_bytes: u64,
    fate: &mut dyn FnMut(&Unsynced<'_>) -> Fate,
) {
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let offset_bytes = offset + wide(at);
        let (piece, _) = rest.split_at(rest.len().min(narrow(block_bytes - offset_bytes % block_bytes)));
        match fate(&Unsynced::Block { path, offset_bytes, len_bytes: wide(piece.len()) }) {
            Fate::Kept => content.write(offset_bytes, piece),
            Fate::Lost => {}
            Fate::Zeroed => content.write(offset_bytes, &vec![0; piece.len()]),
            Fate::Torn { bytes } => content.write(offset_bytes, piece.get(..narrow(bytes)).unwrap_or(piece)),
            Fate::Garbled { seed } => {
                let mut garbage = piece.to_vec();
                Dice::new(seed).fill(&mut garbage);
                content.write(offset_bytes, &garbage);
            }
        }
        at += piece.len();
    }
}

#[cfg(test)]
#[path = "inode_tests.rs"]
mod tests;
