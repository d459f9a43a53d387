//! How far the stream has come: how many entries are durable here, how many are in the bucket; and who waits for which.
//! Knows nothing of log, bucket or threads.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::task::{Poll, Waker};

use crate::error::Stopped;
use crate::sync::lock;

/// Which milestone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// On this disk.
    Durable,
    /// In the bucket.
    Uploaded,
}

#[derive(Default)]
struct Waiters {
    /// By (count waited for, ticket).
    wakers: BTreeMap<(u64, u64), Waker>,
    next_ticket: u64,
    stopped: Option<Stopped>,
    /// Entries that don't come this far although later ones do: they are left out.
    left_out: Vec<Range<u64>>,
}

/// One stage's count, with those who wait for it.
#[derive(Default)]
pub struct Milestone {
    count: AtomicU64,
    waiters: Mutex<Waiters>,
    moved: Condvar,
}

impl fmt::Debug for Milestone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Milestone").field("count", &self.count()).finish_non_exhaustive()
    }
}

/// A place among those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64, u64);

impl Milestone {
    /// `count` entries have come this far already.
    pub fn new(count: u64) -> Self {
        Self { count: AtomicU64::new(count), ..Self::default() }
    }

    /// How many entries have come this far.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// `count` entries have come this far now.
    pub fn advance(&self, count: u64) {
        let mut waiters = lock(&self.waiters);
        if count <= self.count() {
            return;
        }
        // Published before anybody is woken, and under the lock, so that nobody who looks and then waits misses it.
        self.count.store(count, Ordering::Release);
        let later = waiters.wakers.split_off(&(count.saturating_add(1), 0));
        let reached = std::mem::replace(&mut waiters.wakers, later);
        self.moved.notify_all();
        drop(waiters);
        for waker in reached.into_values() {
            waker.wake();
        }
    }

    /// Those entries don't come this far, and later ones do.
    pub fn leave_out(&self, entries: Range<u64>) {
        if !entries.is_empty() {
            lock(&self.waiters).left_out.push(entries);
        }
    }

    /// Those entries have come this far after all.
    pub fn arrived(&self, entries: Range<u64>) {
        let mut waiters = lock(&self.waiters);
        for left_out in &mut waiters.left_out {
            if left_out.start == entries.start {
                left_out.start = entries.end.min(left_out.end);
            }
        }
        waiters.left_out.retain(|left_out| !left_out.is_empty());
    }

    /// The first of `entries` that were left out, if any were.
    pub fn left_out(&self, entries: &Range<u64>) -> Option<Range<u64>> {
        let waiters = lock(&self.waiters);
        waiters.left_out.iter().find(|out| out.start < entries.end && entries.start < out.end).cloned()
    }

    /// It won't advance any more; the first reason stays.
    pub fn stop(&self, reason: &Stopped) {
        let mut waiters = lock(&self.waiters);
        if waiters.stopped.is_none() {
            waiters.stopped = Some(reason.clone());
        }
        let all = std::mem::take(&mut waiters.wakers);
        self.moved.notify_all();
        drop(waiters);
        for waker in all.into_values() {
            waker.wake();
        }
    }

    /// Why it won't advance any more, if it won't.
    pub fn stopped(&self) -> Option<Stopped> {
        lock(&self.waiters).stopped.clone()
    }

    /// Whether `count` entries have come this far; otherwise `waker` is woken when they have.
    pub fn poll(&self, count: u64, ticket: &mut Option<Ticket>, waker: &Waker) -> Poll<Result<(), Stopped>> {
        if self.count() >= count {
            return Poll::Ready(Ok(()));
        }
        let mut waiters = lock(&self.waiters);
        if self.count() >= count {
            return Poll::Ready(Ok(()));
        }
        if let Some(stopped) = &waiters.stopped {
            return Poll::Ready(Err(stopped.clone()));
        }
        let place = *ticket.get_or_insert_with(|| {
            waiters.next_ticket += 1;
            Ticket(count, waiters.next_ticket)
        });
        waiters.wakers.insert((place.0, place.1), waker.clone());
        Poll::Pending
    }

    /// Gives up waiting.
    pub fn forget(&self, ticket: Ticket) {
        lock(&self.waiters).wakers.remove(&(ticket.0, ticket.1));
    }

    /// Waits until `count` entries have come this far. `wait` is handed the lock and blocks on `moved`, as long as it
    /// likes; it says whether to go on waiting.
    pub fn wait(
        &self,
        count: u64,
        deadline: Option<&dyn Fn() -> Option<std::time::Duration>>,
    ) -> Result<bool, Stopped> {
        let mut waiters = lock(&self.waiters);
        loop {
            if self.count() >= count {
                return Ok(true);
            }
            if let Some(stopped) = &waiters.stopped {
                return Err(stopped.clone());
            }
            let timeout = match deadline {
                None => None,
                Some(left) => match left() {
                    None => return Ok(false),
                    left => left,
                },
            };
            waiters = crate::sync::wait_timeout(&self.moved, waiters, timeout);
        }
    }
}
