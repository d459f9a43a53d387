//! A time of which the entries are to be looked at, as sequence numbers of one stream. Pure: asks for the time of as few
//! objects as a search by halves needs.

use std::time::SystemTime;

use super::Sequences;
use super::listing::{Entry, Stream};

/// From when to when. An entry's time is when it became durable, known as exactly as objects begin: those of the object that
/// holds the begin are included whole.
///
/// The objects' times go up with their numbers, but where a clock was set back by a day or more: around such a place the
/// search may find more or fewer than those.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Period {
    /// From this time on.
    pub since: Option<SystemTime>,
    /// Up to but without this time.
    pub until: Option<SystemTime>,
}

impl Period {
    /// Whether it is all of time.
    pub fn is_all(self) -> bool {
        self == Self::default()
    }

    /// The sequence numbers of `stream` that belong to it, what is missing at their ends included: that may have belonged to
    /// it, too. `time_of` tells when an object was begun, if that can be told.
    pub(super) fn of<E>(
        self,
        stream: &Stream,
        mut time_of: impl FnMut(&Entry) -> Result<Option<SystemTime>, E>,
    ) -> Result<Sequences, E> {
        let entries = stream.entries();
        // Objects that began at or before `since`: the last of them may have gone on after it.
        let mut begun = match self.since {
            None => 0,
            Some(since) => first_not(entries, |entry| Ok(time_of(entry)?.map(|time| time <= since)))?,
        };
        // Whoever doesn't tell may belong to it.
        while let Some(entry) = begun.checked_sub(1).and_then(|last| entries.get(last))
            && time_of(entry)?.is_none()
        {
            begun -= 1;
        }
        let from = begun.checked_sub(1).and_then(|last| entries.get(last)).map_or(0, |entry| entry.first);
        let mut to = None;
        if let Some(until) = self.until {
            let mut end = first_not(entries, |entry| Ok(time_of(entry)?.map(|time| time < until)))?;
            while let Some(entry) = entries.get(end)
                && time_of(entry)?.is_none()
            {
                end += 1;
            }
            to = entries.get(end).map(|entry| entry.first);
        }
        Ok(Sequences { from, to })
    }
}

/// The first entry for which `holds` doesn't, where it holds for all before it. One that can't tell is passed over.
fn first_not<E>(
    entries: &[Entry],
    mut holds: impl FnMut(&Entry) -> Result<Option<bool>, E>,
) -> Result<usize, E> {
    let (mut low, mut high) = (0, entries.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let mut at = middle;
        let answer = loop {
            match entries.get(at).filter(|_| at < high) {
                None => break None,
                Some(entry) => match holds(entry)? {
                    None => at += 1,
                    answer => break answer,
                },
            }
        };
        match answer {
            Some(true) => low = at + 1,
            Some(false) | None => high = middle,
        }
    }
    Ok(low)
}

#[cfg(test)]
#[path = "period_tests.rs"]
mod tests;
