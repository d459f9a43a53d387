//! What is to be read: which journals under a prefix, and which entries. Knows names, not buckets.

use std::fmt;

use serde::Serialize;

use crate::object::{Id, Incarnation};

/// A run of sequence numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sequences {
    /// The first.
    pub from: u64,
    /// The one after the last; `None` when the end isn't known or doesn't matter.
    pub to: Option<u64>,
}

impl Sequences {
    /// All that there are.
    pub const ALL: Self = Self { from: 0, to: None };

    /// Those in `from..to`.
    pub const fn new(from: u64, to: u64) -> Self {
        Self { from, to: Some(to) }
    }

    /// Those from `from` on.
    pub const fn since(from: u64) -> Self {
        Self { from, to: None }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.to.is_some_and(|to| to <= self.from)
    }

    /// Those in both; empty when there are none.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let to = match (self.to, other.to) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self { from: self.from.max(other.from), to }
    }
}

impl fmt::Display for Sequences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.to) {
            (from, None) => write!(f, "the entries from {from} on"),
            (from, Some(to)) if to <= from => f.write_str("no entries"),
            (from, Some(to)) if to - from == 1 => write!(f, "entry {from}"),
            (from, Some(to)) => write!(f, "the entries {from} to {}", to - 1),
        }
    }
}

/// Which entries to read. The default is everything under the reader's prefix.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Only the journals with exactly this id.
    pub id: Option<Id>,
    /// Only this incarnation.
    pub incarnation: Option<Incarnation>,
    /// From this sequence number, in each incarnation.
    pub from: Option<u64>,
    /// Up to but without this sequence number, in each incarnation.
    pub to: Option<u64>,
}

impl Selection {
    /// Everything of one journal.
    pub fn of(id: Id) -> Self {
        Self { id: Some(id), ..Self::default() }
    }

    /// The sequence numbers asked for.
    pub fn sequences(&self) -> Sequences {
        Sequences { from: self.from.unwrap_or(0), to: self.to }
    }

    pub(super) fn wants(&self, id: &Id, incarnation: &Incarnation) -> bool {
        self.id.as_ref().is_none_or(|wanted| wanted == id)
            && self.incarnation.as_ref().is_none_or(|wanted| wanted == incarnation)
    }
}
