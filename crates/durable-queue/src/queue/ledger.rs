//! Which task is where and in what state: the plain state machine of the task queue. No I/O, no clock, no threads; it is
//! told what the log did and answers what to do.
//!
//! A task is *waiting*, then *taken*, then completed (and forgotten) or waiting again. The waiting tasks of a name stand in
//! the order of their `order` number: that of their put, or of their last retry. What is taken and given back untried
//! returns to its own place.
//!
//! A waiting task takes the 40 bytes of an [`Entry`], whatever its size (and at most as much again while the queue that
//! holds them grows); one that was retried or is taken some 60 more.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::record::Retried;
use super::settlement::Settlement;
use super::slabs::Slabs;
use super::stats::QueueStats;
use crate::position::Position;

/// A task that isn't completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its place among the waiting.
    pub order: u64,
    /// Its number, for as long as it lives.
    pub id: u64,
    /// Where its frame is.
    pub place: Position,
    /// How long its frame is.
    pub frame_bytes: u32,
    /// How often it was retried.
    pub attempts: u32,
}

impl Entry {
    /// Just after its frame.
    pub fn end(&self) -> Position {
        Position { offset_bytes: self.place.offset_bytes + u64::from(self.frame_bytes), ..self.place }
    }
}

/// A task that was handed out, or can't be.
#[derive(Debug)]
struct Taken {
    queue: Arc<str>,
    entry: Entry,
    /// Found damaged: nobody has it, and nobody will.
    is_set_aside: bool,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Entry>,
    in_progress: u64,
    enqueued: u64,
    retried: u64,
    completed: u64,
    /// Tasks that aren't completed, by slab.
    slabs: BTreeMap<u64, u64>,
}

impl Queue {
    fn put_in_order(&mut self, entry: Entry) {
        // Nearly always the end (puts and retries) or near the front (what was just taken): both cheap.
        if self.waiting.back().is_none_or(|last| last.order < entry.order) {
            self.waiting.push_back(entry);
        } else {
            let index = self.waiting.partition_point(|other| other.order < entry.order);
            self.waiting.insert(index, entry);
        }
    }

    fn is_in(&mut self, slab: u64) {
        *self.slabs.entry(slab).or_default() += 1;
    }

    fn leaves(&mut self, slab: u64) {
        if let Some(tasks) = self.slabs.get_mut(&slab) {
            *tasks -= 1;
            if *tasks == 0 {
                self.slabs.remove(&slab);
            }
        }
    }
}

/// All tasks of a directory.
#[derive(Debug)]
pub(super) struct Ledger {
    queues: BTreeMap<Arc<str>, Queue>,
    taken: BTreeMap<u64, Taken>,
    /// The places of waiting tasks whose place isn't their number.
    reordered: BTreeMap<u64, u64>,
    /// Tasks that are damaged where they are, so that they keep their slab.
    unreadable: BTreeSet<u64>,
    pub slabs: Slabs,
    /// What the log is still to be told.
    pub settlement: Settlement,
    next: u64,
}

impl Ledger {
    /// Nothing yet; the first task gets the number `next`.
    pub fn new(next: u64, slabs: Slabs) -> Self {
        Self {
            queues: BTreeMap::new(),
            taken: BTreeMap::new(),
            reordered: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            slabs,
            settlement: Settlement::default(),
            next,
        }
    }

    /// The number of the next task.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// How many tasks of `name` wait.
    pub fn waiting(&self, name: &str) -> usize {
        self.queues.get(name).map_or(0, |queue| queue.waiting.len())
    }

    /// The task numbered [`Ledger::next`] was appended.
    pub fn put(&mut self, name: &str, place: Position, frame_bytes: u32) {
        let entry = Entry { order: self.next, id: self.next, place, frame_bytes, attempts: 0 };
        self.restore(name, entry);
    }

    /// A task that the log holds. Fastest in the order of their `order`.
    pub fn restore(&mut self, name: &str, entry: Entry) {
        self.next = self.next.max(entry.id.max(entry.order) + 1);
        self.slabs.add(entry.place.slab, entry.frame_bytes);
        self.slabs.reaches(entry.place.slab, entry.end().offset_bytes);
        if entry.order != entry.id {
            self.reordered.insert(entry.id, entry.order);
        }
        if !self.queues.contains_key(name) {
            self.queues.insert(Arc::from(name), Queue::default());
        }
        let Some(queue) = self.queues.get_mut(name) else { return };
        queue.enqueued += 1;
        queue.is_in(entry.place.slab);
        queue.put_in_order(entry);
    }

    /// Takes the first waiting task of `name`, if its frame ends at or before `visible`.
    pub fn take(&mut self, name: &str, visible: Position) -> Option<(Arc<str>, Entry)> {
        let (name, _) = self.queues.get_key_value(name)?;
        let name = Arc::clone(name);
        let queue = self.queues.get_mut(&name)?;
        queue.waiting.front().filter(|entry| entry.end() <= visible)?;
        let entry = queue.waiting.pop_front()?;
        if queue.waiting.capacity() > 1024 && queue.waiting.len() < queue.waiting.capacity() / 4 {
            queue.waiting.shrink_to(queue.waiting.len() * 2);
        }
        queue.in_progress += 1;
        self.reordered.remove(&entry.id);
        self.taken.insert(entry.id, Taken { queue: Arc::clone(&name), entry, is_set_aside: false });
        Some((name, entry))
    }

    /// How many tasks of `name`, up to `most`, could be taken at once.
    pub fn takeable(&self, name: &str, visible: Position, most: usize) -> usize {
        let Some(queue) = self.queues.get(name) else { return 0 };
        queue.waiting.iter().take(most).take_while(|entry| entry.end() <= visible).count()
    }

    /// Where the taken task `id` is now: it may have been moved since it was taken.
    pub fn place_of_taken(&self, id: u64) -> Option<Position> {
        self.taken.get(&id).map(|taken| taken.entry.place)
    }

    /// A taken task is done. False if it isn't taken: its queue was deleted.
    pub fn complete(&mut self, id: u64) -> bool {
        let Some(taken) = self.take_back(id) else { return false };
        if let Some(queue) = self.queues.get_mut(&taken.queue) {
            queue.completed += 1;
        }
        self.forget(&taken);
        true
    }

    /// A taken task goes to the back of its queue. False if it isn't taken.
    pub fn retry(&mut self, id: u64) -> bool {
        let Some(Taken { queue: name, mut entry, .. }) = self.take_back(id) else { return false };
        entry.order = self.next;
        self.next += 1;
        entry.attempts = entry.attempts.saturating_add(1);
        self.settlement.retried(Retried { id, order: entry.order, attempts: entry.attempts });
        if let Some(queue) = self.queues.get_mut(&name) {
            queue.retried += 1;
        }
        self.wait_again(&name, entry);
        true
    }

    /// A taken task goes back to its place, as if it hadn't been taken. False if it isn't taken.
    pub fn give_back(&mut self, id: u64) -> bool {
        let Some(Taken { queue, entry, .. }) = self.take_back(id) else { return false };
        self.wait_again(&queue, entry);
        true
    }

    fn wait_again(&mut self, name: &str, entry: Entry) {
        if entry.order != entry.id {
            self.reordered.insert(entry.id, entry.order);
        }
        if let Some(queue) = self.queues.get_mut(name) {
            queue.put_in_order(entry);
        }
    }

    /// A taken task is damaged. With `is_kept` its bytes were saved elsewhere, so that it is forgotten here; without, it
    /// stays where it is, out of the queue, until the next open finds it again.
    pub fn set_aside(&mut self, id: u64, is_kept: bool) -> bool {
        let Some(mut taken) = self.take_back(id) else { return false };
        if is_kept {
            self.forget(&taken);
        } else {
            taken.is_set_aside = true;
            self.mark_unreadable(&taken.entry);
            self.taken.insert(id, taken);
        }
        true
    }

    /// The task that someone holds, if it is one.
    fn take_back(&mut self, id: u64) -> Option<Taken> {
        if self.taken.get(&id)?.is_set_aside {
            return None;
        }
        let taken = self.taken.remove(&id)?;
        if let Some(queue) = self.queues.get_mut(&taken.queue) {
            queue.in_progress -= 1;
        }
        Some(taken)
    }

    /// The task `id` of the queue `name` can't be copied from `place`.
    pub fn unreadable(&mut self, name: &str, id: u64, place: Position) {
        if let Some(entry) = self.at(name, id, place) {
            self.mark_unreadable(&entry);
        }
    }

    fn mark_unreadable(&mut self, entry: &Entry) {
        if self.unreadable.insert(entry.id) {
            self.slabs.unreadable(entry.place.slab);
        }
    }

    fn forget(&mut self, taken: &Taken) {
        if let Some(queue) = self.queues.get_mut(&taken.queue) {
            queue.leaves(taken.entry.place.slab);
        }
        self.is_done(&taken.entry);
    }

    /// The log is to be told that this task is no more.
    fn is_done(&mut self, entry: &Entry) {
        if self.unreadable.remove(&entry.id) {
            self.slabs.no_longer_unreadable(entry.place.slab);
        }
        self.reordered.remove(&entry.id);
        self.slabs.remove(entry.place.slab, entry.frame_bytes);
        self.settlement.completed(entry.id);
    }

    /// Forgets the queue `name` with all its tasks, also those that are taken, and says how many those were.
    pub fn delete(&mut self, name: &str) -> usize {
        let Some(queue) = self.queues.remove(name) else { return 0 };
        for entry in &queue.waiting {
            self.is_done(entry);
        }
        let taken: Vec<u64> =
            self.taken.iter().filter(|(_, taken)| *taken.queue == *name).map(|(id, _)| *id).collect();
        for id in &taken {
            if let Some(taken) = self.taken.remove(id) {
                self.is_done(&taken.entry);
            }
        }
        queue.waiting.len() + taken.len()
    }

    /// The names of all queues.
    pub fn names(&self) -> Vec<Arc<str>> {
        self.queues.keys().cloned().collect()
    }

    /// The task `id` of the queue `name`, if its frame is the one at `place`.
    pub fn at(&self, name: &str, id: u64, place: Position) -> Option<Entry> {
        let entry = match self.taken.get(&id) {
            Some(taken) if taken.is_set_aside => return None,
            Some(taken) => taken.entry,
            None => {
                let waiting = &self.queues.get(name)?.waiting;
                *waiting.get(self.index(waiting, id)?)?
            }
        };
        (entry.place == place).then_some(entry)
    }

    fn index(&self, waiting: &VecDeque<Entry>, id: u64) -> Option<usize> {
        let order = self.reordered.get(&id).copied().unwrap_or(id);
        waiting.binary_search_by_key(&order, |entry| entry.order).ok()
    }

    /// The frame of the task `id` of the queue `name` was copied to `to` and that copy is durable. Nothing happens if the
    /// task was completed since.
    pub fn moved(&mut self, name: &str, id: u64, from: Position, to: Position, frame_bytes: u32) {
        self.slabs.reaches(to.slab, to.offset_bytes + u64::from(frame_bytes));
        let Some(old) = self.at(name, id, from) else { return };
        if let Some(taken) = self.taken.get_mut(&id) {
            taken.entry.place = to;
            taken.entry.frame_bytes = frame_bytes;
        } else if let Some(index) = self.queues.get(name).and_then(|queue| self.index(&queue.waiting, id))
            && let Some(entry) = self.queues.get_mut(name).and_then(|queue| queue.waiting.get_mut(index))
        {
            entry.place = to;
            entry.frame_bytes = frame_bytes;
        }
        if let Some(queue) = self.queues.get_mut(name) {
            queue.leaves(from.slab);
            queue.is_in(to.slab);
        }
        self.slabs.remove(from.slab, old.frame_bytes);
        self.slabs.add(to.slab, frame_bytes);
    }

    /// The counts of each name that ever had a task since the open. `current` is the slab being written.
    pub fn stats(&self, current: u64) -> BTreeMap<String, QueueStats> {
        let mut active: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
        for taken in self.taken.values().filter(|taken| !taken.is_set_aside) {
            active.entry(&taken.queue).or_default().insert(taken.entry.place.slab);
        }
        let counts = |(name, queue): (&Arc<str>, &Queue)| {
            let mut active = active.remove(&**name).unwrap_or_default();
            active.extend(queue.waiting.front().map(|entry| entry.place.slab));
            active.extend(queue.slabs.contains_key(&current).then_some(current));
            let stats = QueueStats {
                enqueued: queue.enqueued,
                retried: queue.retried,
                completed: queue.completed,
                in_progress: queue.in_progress,
                num_slabs: crate::bytes::wide(queue.slabs.len()),
                num_active_slabs: crate::bytes::wide(active.len()),
            };
            (name.to_string(), stats)
        };
        self.queues.iter().map(counts).collect()
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
