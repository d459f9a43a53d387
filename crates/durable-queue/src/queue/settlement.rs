//! Completions and retries that wait for their record in the log, many to a record. Pure.

use std::collections::VecDeque;

use super::record::{Retried, SETTLED_TASKS_MAX, Settled};

/// What isn't in the log yet.
#[derive(Debug, Default)]
pub(super) struct Settlement {
    completed: Vec<u64>,
    retried: VecDeque<Retried>,
}

/// A record of some of it.
#[derive(Debug)]
pub(super) struct Batch {
    pub record: Settled,
    completed: usize,
    retried: usize,
}

impl Settlement {
    pub fn completed(&mut self, id: u64) {
        self.completed.push(id);
    }

    pub fn retried(&mut self, retried: Retried) {
        self.retried.push_back(retried);
    }

    pub fn is_empty(&self) -> bool {
        self.completed.is_empty() && self.retried.is_empty()
    }

    pub fn len(&self) -> usize {
        self.completed.len() + self.retried.len()
    }

    /// The next record, if there is anything to tell. It waits on until [`Settlement::recorded`].
    pub fn batch(&self) -> Option<Batch> {
        if self.is_empty() {
            return None;
        }
        // Retries in the order of the calls, since a later one outdoes an earlier. Completions in any order: from the end,
        // where taking them off costs nothing.
        let retried: Vec<_> = self.retried.iter().take(SETTLED_TASKS_MAX).copied().collect();
        let completed: Vec<_> = self.completed.iter().rev().take(SETTLED_TASKS_MAX).copied().collect();
        Some(Batch {
            completed: completed.len(),
            retried: retried.len(),
            record: Settled::new(completed, retried),
        })
    }

    /// The log has `batch`, which was the last one given out and nothing added since.
    pub fn recorded(&mut self, batch: &Batch) {
        self.completed.truncate(self.completed.len().saturating_sub(batch.completed));
        self.retried.drain(..batch.retried.min(self.retried.len()));
    }
}
