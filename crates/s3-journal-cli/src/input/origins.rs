//! Which entries of a run came from files, whose positions the journal keeps, and which from inputs that can't be read again.
//! Knows entries by how many were taken before them.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The inputs of a run so far, those of one kind that follow each other as one.
#[derive(Debug, Default)]
pub struct Origins(Mutex<Vec<Origin>>);

#[derive(Debug, Clone, Copy)]
struct Origin {
    first: u64,
    is_file: bool,
}

impl Origins {
    /// The entries from `first` on come from a file, or from something else.
    pub fn begin(&self, first: u64, is_file: bool) {
        let mut origins = self.lock();
        if origins.last().is_none_or(|last| last.is_file != is_file) {
            origins.push(Origin { first, is_file });
        }
    }

    /// How many of these entries came from files.
    pub fn in_files(&self, entries: &Range<u64>) -> u64 {
        let origins = self.lock();
        let ends = origins.iter().skip(1).map(|next| next.first).chain([u64::MAX]);
        let of_files = origins.iter().zip(ends).filter(|(origin, _)| origin.is_file);
        of_files
            .map(|(origin, end)| end.min(entries.end).saturating_sub(origin.first.max(entries.start)))
            .sum()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Origin>> {
        // A list that only grows can't be left half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_told_apart_by_where_they_came_from() {
        let origins = Origins::default();
        assert_eq!(origins.in_files(&(0..0)), 0);
        for (first, is_file) in [(0, true), (5, true), (10, false), (12, true)] {
            origins.begin(first, is_file);
        }
        for (entries, in_files) in
            [(0..10, 10), (3..11, 7), (10..12, 0), (9..13, 2), (12..20, 8), (20..20, 0)]
        {
            assert_eq!(origins.in_files(&entries), in_files, "{entries:?}");
        }
    }

    #[test]
    fn an_input_without_an_entry_has_none() {
        let origins = Origins::default();
        origins.begin(0, false);
        origins.begin(0, true);
        origins.begin(0, false);
        assert_eq!(origins.in_files(&(0..100)), 0);
    }
}
