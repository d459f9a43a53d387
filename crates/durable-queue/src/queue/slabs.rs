//! How much of each slab is still needed, which slabs may go, and which are worth emptying. Pure.
//!
//! The log frees slabs oldest first, so one old task that nobody completes would keep every slab after it on disk. Such a
//! task is *moved*: appended again with its number and place, after which its old slab is as dead as its neighbours.
//! Moving is worth its writing when the slabs it frees are mostly dead: see [`Slabs::to_empty`].

use std::collections::BTreeMap;

/// A run of the oldest slabs is emptied when at most this share of its bytes belongs to tasks that aren't completed: so a
/// byte is moved only where three or more are freed for it.
pub(super) const MOVE_LIVE_PERCENT_MAX: u64 = 25;
/// And when it has at least this many slabs. A queue that is worked through in order always has one slab that is mostly
/// dead, sometimes two, and frees them a moment later by itself.
pub(super) const MOVE_SLABS_MIN: usize = 3;

/// What is known of one slab.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Slab {
    /// How far it is written, in bytes.
    bytes: u64,
    /// Tasks in it that aren't completed, and the bytes of their frames.
    tasks: u64,
    live_bytes: u64,
    /// Those of them that can't be moved since they can't be read.
    unreadable: u64,
}

/// The slabs that records of ours are in.
#[derive(Debug, Default)]
pub(super) struct Slabs {
    slabs: BTreeMap<u64, Slab>,
}

impl Slabs {
    /// A record of ours ends at `offset` of `slab`.
    pub fn reaches(&mut self, slab: u64, offset: u64) {
        let bytes = &mut self.slabs.entry(slab).or_default().bytes;
        *bytes = offset.max(*bytes);
    }

    /// A task in `slab` is needed.
    pub fn add(&mut self, slab: u64, frame_bytes: u32) {
        let entry = self.slabs.entry(slab).or_default();
        entry.tasks += 1;
        entry.live_bytes += u64::from(frame_bytes);
    }

    /// A task in `slab` isn't needed any more.
    pub fn remove(&mut self, slab: u64, frame_bytes: u32) {
        if let Some(entry) = self.slabs.get_mut(&slab) {
            entry.tasks = entry.tasks.saturating_sub(1);
            entry.live_bytes = entry.live_bytes.saturating_sub(u64::from(frame_bytes));
        }
    }

    /// A task in `slab` can't be read.
    pub fn unreadable(&mut self, slab: u64) {
        self.slabs.entry(slab).or_default().unreadable += 1;
    }

    /// An unreadable task in `slab` isn't needed any more.
    pub fn no_longer_unreadable(&mut self, slab: u64) {
        if let Some(entry) = self.slabs.get_mut(&slab) {
            entry.unreadable = entry.unreadable.saturating_sub(1);
        }
    }

    /// Forgets the oldest slabs that nothing is needed of, and says which is the oldest still needed: at most `current`,
    /// the one being written.
    pub fn release(&mut self, current: u64) -> u64 {
        while let Some(oldest) = self.slabs.first_entry() {
            if *oldest.key() >= current || oldest.get().tasks > 0 {
                break;
            }
            oldest.remove();
        }
        self.slabs.first_key_value().map_or(current, |(slab, _)| current.min(*slab))
    }

    /// The slab whose tasks should be moved, if that is worth it: the oldest, where some run of slabs from it on, short of
    /// `current`, is dead enough. `is_pressed`: room is wanted at once, so that even a single slab is worth it.
    pub fn to_empty(&self, current: u64, is_pressed: bool) -> Option<u64> {
        let slabs_min = if is_pressed { 1 } else { MOVE_SLABS_MIN };
        let (oldest, first) = self.slabs.first_key_value()?;
        if first.unreadable > 0 {
            return None;
        }
        let (mut bytes, mut live_bytes) = (0_u64, 0_u64);
        for (count, (_, slab)) in self.slabs.range(..current).enumerate() {
            bytes += slab.bytes;
            live_bytes += slab.live_bytes;
            if count + 1 >= slabs_min && live_bytes * 100 <= bytes * MOVE_LIVE_PERCENT_MAX {
                return Some(*oldest);
            }
        }
        None
    }

    /// How many there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.slabs.len()
    }
}

#[cfg(test)]
#[path = "slabs_tests.rs"]
mod tests;
