//! The objects of the selected journals as a listing names them: grouped by id and incarnation, in order, in little
//! memory. Pure; knows names, not buckets.
//!
//! An object costs 40 bytes, and its directory and suffix are kept once for neighbours that share them: a million objects
//! in daily directories take 40 MB (63 MB for a moment while the table grows).

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Selection;
use crate::object::{Id, Incarnation, ObjectName, RecoveryName, RecoveryRole, RunId};

/// Bytes of memory that a listing may take. It bounds what a crafted or very full bucket can cost: 25 million objects in
/// daily directories.
pub const LISTING_BYTES_MAX: usize = 1 << 30;

/// What a journal's objects are beyond their names: kept apart from [`Entry`] so that neighbours share it.
const PLACE_BYTES: usize = size_of::<(usize, usize)>();

/// What follows the number of entries at the end of a recovered object's name.
const RECOVERED_END: &str = ".recovered.journal";

/// A rough allowance for a journal's own table.
const STREAM_BYTES: usize = 512;

/// One object, compact: its key is put together again from its place and these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) first: u64,
    pub(super) run: u32,
    place: u32,
    pub(super) len_bytes: u64,
    /// Seconds since 1970; 0 when the store doesn't tell.
    modified: u32,
    /// It stands for an object that was torn; its suffix in `Places` is the whole end of its name.
    pub(super) is_recovered: bool,
    /// A recovery completed it, and hasn't written the recovered object yet.
    pub(super) is_torn: bool,
}

const _: () = assert!(size_of::<Entry>() == 40);

/// Directories and suffixes, one text after the other.
#[derive(Debug, Clone, Default)]
struct Places {
    text: String,
    /// Where each directory and each suffix ends; an empty suffix is none.
    ends: Vec<(usize, usize)>,
}

impl Places {
    fn get(&self, at: usize) -> (&str, &str) {
        let begin = at.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |(_, end)| *end);
        let (middle, end) = self.ends.get(at).copied().unwrap_or((begin, begin));
        (self.text.get(begin..middle).unwrap_or_default(), self.text.get(middle..end).unwrap_or_default())
    }

    /// The place's number. A listing comes in order, so looking at the last one finds nearly every neighbour.
    fn add(&mut self, directory: &str, suffix: &str) -> usize {
        if let Some(last) = self.ends.len().checked_sub(1)
            && self.get(last) == (directory, suffix)
        {
            return last;
        }
        self.text.push_str(directory);
        let middle = self.text.len();
        self.text.push_str(suffix);
        self.ends.push((middle, self.text.len()));
        self.ends.len() - 1
    }
}

/// One object of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The key as the store has it. It may hold anything: see [`super::escaped`].
    pub key: String,
    /// The key's last segment, read.
    pub name: ObjectName,
    /// Length in bytes, as stored.
    pub len_bytes: u64,
    /// When it was last written, to the second, where the store tells it.
    pub modified: Option<SystemTime>,
    /// The entries it holds, if it is a recovered object: it stands for the one of `name`, which was torn.
    pub recovered_entries: Option<u64>,
}

/// A note that a recovery is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Note {
    number: u64,
    first: u64,
    run: u32,
    torn_bytes: u64,
}

/// The objects of one incarnation of one journal, by number.
#[derive(Debug, Clone)]
pub struct Stream {
    id: Id,
    incarnation: Incarnation,
    /// Bytes of the reader's prefix in each key, with its slash.
    prefix_len: usize,
    places: Places,
    entries: Vec<Entry>,
    notes: Vec<Note>,
}

impl Stream {
    /// Whose objects they are.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// Which life of the local directory wrote them.
    pub fn incarnation(&self) -> &Incarnation {
        &self.incarnation
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none. A listing has no such stream.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of all objects, as stored.
    pub fn stored_bytes(&self) -> u64 {
        self.entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.len_bytes))
    }

    /// The objects, by number as a number; under the same number by first entry and run.
    pub fn objects(&self) -> impl ExactSizeIterator<Item = Object> + '_ {
        self.entries.iter().map(|entry| Object {
            key: self.key(entry),
            name: self.name(entry),
            len_bytes: entry.len_bytes,
            modified: (entry.modified != 0)
                .then(|| UNIX_EPOCH + Duration::from_secs(u64::from(entry.modified))),
            recovered_entries: self.recovered_entries(entry),
        })
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn name(&self, entry: &Entry) -> ObjectName {
        let (_, suffix) = self.place(entry);
        let suffix = match suffix.strip_prefix('.') {
            Some(end) => {
                end.split_once(RECOVERED_END).map_or("", |(_, suffix)| suffix.trim_start_matches('.'))
            }
            None => suffix,
        };
        ObjectName {
            id: self.id.clone(),
            incarnation: self.incarnation.clone(),
            number: entry.number,
            first: entry.first,
            run: RunId(entry.run),
            suffix: (!suffix.is_empty()).then(|| suffix.to_owned()),
        }
    }

    pub(super) fn key(&self, entry: &Entry) -> String {
        let (directory, _) = self.place(entry);
        let torn = self.name(entry);
        match self.recovered_entries(entry) {
            None => format!("{directory}{torn}"),
            Some(entries) => {
                let role = RecoveryRole::Recovered { entries };
                format!("{directory}{}", RecoveryName { torn, role })
            }
        }
    }

    /// How many entries a recovered object holds, by its name.
    pub(super) fn recovered_entries(&self, entry: &Entry) -> Option<u64> {
        let (_, end) = self.place(entry);
        end.strip_prefix('.').filter(|_| entry.is_recovered)?.split_once('.')?.0.parse().ok()
    }

    /// The digit of the shard that the object lies in, if its first directory after the prefix can be one.
    pub(super) fn shard(&self, entry: &Entry) -> Option<u8> {
        let (directory, _) = self.place(entry);
        directory.get(self.prefix_len..).and_then(super::shards::digit_of)
    }

    /// Bytes of the reader's prefix in each key.
    pub(super) fn prefix_len(&self) -> usize {
        self.prefix_len
    }

    fn place(&self, entry: &Entry) -> (&str, &str) {
        usize::try_from(entry.place).map_or(("", ""), |place| self.places.get(place))
    }

    /// Where the objects begin that follow those of `entries()[at]`'s number.
    pub(super) fn after_number(&self, at: usize) -> usize {
        let rest = self.entries.get(at..).unwrap_or_default();
        let Some(here) = rest.first() else { return self.entries.len() };
        at + rest.partition_point(|entry| entry.number <= here.number)
    }

    /// The sequence number at which the objects after that number begin; `None` at the end.
    pub(super) fn first_after(&self, number: u64) -> Option<u64> {
        let at = self.entries.partition_point(|entry| entry.number <= number);
        self.entries.get(at).map(|entry| entry.first)
    }

    /// The objects that may hold one of the sequence numbers, going by their names: a range of `entries()`.
    pub(super) fn holding(&self, sequences: super::Sequences) -> std::ops::Range<usize> {
        if sequences.is_empty() {
            return 0..0;
        }
        let mut begin = self.entries.len();
        let mut end = 0;
        let mut at = 0;
        while let Some(entry) = self.entries.get(at) {
            let after = self.after_number(at);
            let next_first = self.entries.get(after).map(|next| next.first);
            let starts_in_time = sequences.to.is_none_or(|to| entry.first < to);
            let ends_late_enough = next_first.is_none_or(|next| next > sequences.from);
            if starts_in_time && ends_late_enough {
                begin = begin.min(at);
                end = after;
            }
            at = after;
        }
        begin.min(end)..end
    }
}

/// What is under a prefix.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    streams: Vec<Stream>,
    foreign: u64,
    others: u64,
}

impl Listing {
    /// The selected journals, by id; of one id by incarnation, which is by time.
    pub fn streams(&self) -> &[Stream] {
        &self.streams
    }

    /// Keys that aren't a journal's objects. They were left alone.
    pub fn foreign(&self) -> u64 {
        self.foreign
    }

    /// Objects of journals that weren't selected. They were left alone.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// The ids found, each once.
    pub fn ids(&self) -> Vec<&Id> {
        let mut ids: Vec<&Id> = self.streams.iter().map(Stream::id).collect();
        ids.dedup();
        ids
    }

    /// How many objects were selected.
    pub fn objects(&self) -> u64 {
        self.streams.iter().fold(0, |sum, stream| sum + stream.entries.len() as u64)
    }
}

/// More was listed than may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMuch;

/// Takes keys one by one and makes a [`Listing`] of them.
#[derive(Debug)]
pub(super) struct ListingBuilder<'s> {
    selection: &'s Selection,
    prefix_len: usize,
    streams: BTreeMap<(Id, Incarnation), Stream>,
    foreign: u64,
    others: u64,
    cost_bytes: usize,
}

impl<'s> ListingBuilder<'s> {
    /// For keys under a prefix of that many bytes, its slash included.
    pub(super) fn new(selection: &'s Selection, prefix_len: usize) -> Self {
        Self { selection, prefix_len, streams: BTreeMap::new(), foreign: 0, others: 0, cost_bytes: 0 }
    }

    pub(super) fn add(
        &mut self,
        key: &str,
        len_bytes: u64,
        modified: Option<SystemTime>,
    ) -> Result<(), TooMuch> {
        // The last segment alone decides whose object it is: an id that another one begins with is never taken for it.
        let (directory, last) = key.split_at(key.rfind('/').map_or(0, |slash| slash + 1));
        let (name, role) = match ObjectName::parse(last) {
            Some(name) => (name, None),
            None => match RecoveryName::parse(last) {
                Some(RecoveryName { torn, role }) => (torn, Some(role)),
                None => {
                    self.foreign += 1;
                    return Ok(());
                }
            },
        };
        if !self.selection.wants(&name.id, &name.incarnation) {
            self.others += 1;
            return Ok(());
        }
        let prefix_len = self.prefix_len;
        let cost_bytes = &mut self.cost_bytes;
        let stream = self.streams.entry((name.id.clone(), name.incarnation.clone())).or_insert_with(|| {
            *cost_bytes += STREAM_BYTES;
            Stream {
                id: name.id.clone(),
                incarnation: name.incarnation.clone(),
                prefix_len,
                places: Places::default(),
                entries: Vec::new(),
                notes: Vec::new(),
            }
        });
        if let Some(RecoveryRole::Note { torn_bytes }) = role {
            *cost_bytes += size_of::<Note>();
            let (number, first, run) = (name.number, name.first, name.run.0);
            stream.notes.push(Note { number, first, run, torn_bytes });
            return if *cost_bytes > LISTING_BYTES_MAX { Err(TooMuch) } else { Ok(()) };
        }
        let places_before = stream.places.ends.len();
        let suffix = name.suffix.as_deref().unwrap_or_default();
        let recovered = match role {
            Some(RecoveryRole::Recovered { entries }) => {
                let dot = if suffix.is_empty() { "" } else { "." };
                Some(format!(".{entries:012}{RECOVERED_END}{dot}{suffix}"))
            }
            _ => None,
        };
        let is_recovered = recovered.is_some();
        let suffix = recovered.as_deref().unwrap_or(suffix);
        let place = stream.places.add(directory, suffix);
        if stream.places.ends.len() > places_before {
            *cost_bytes += PLACE_BYTES + directory.len() + suffix.len();
        }
        *cost_bytes += size_of::<Entry>();
        if *cost_bytes > LISTING_BYTES_MAX {
            return Err(TooMuch);
        }
        stream.entries.push(Entry {
            number: name.number,
            first: name.first,
            run: name.run.0,
            place: u32::try_from(place).map_err(|_| TooMuch)?,
            len_bytes,
            modified: modified
                .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
                .and_then(|since| u32::try_from(since.as_secs()).ok())
                .unwrap_or(0),
            is_recovered,
            is_torn: false,
        });
        Ok(())
    }

    pub(super) fn finish(self) -> Listing {
        let mut streams: Vec<Stream> = self.streams.into_values().collect();
        for stream in &mut streams {
            let Stream { entries, places, notes, .. } = stream;
            let place =
                |entry: &Entry| usize::try_from(entry.place).map_or(("", ""), |place| places.get(place));
            let numbers = |entry: &Entry| (entry.number, entry.first, entry.run);
            entries.sort_unstable_by(|one, two| {
                numbers(one).cmp(&numbers(two)).then_with(|| place(one).cmp(&place(two)))
            });
            // A name that was listed twice is no second object.
            entries.dedup_by(|one, two| numbers(one) == numbers(two) && place(one) == place(two));
            settle_recoveries(entries, notes);
        }
        streams.retain(|stream| !stream.is_empty());
        Listing { streams, foreign: self.foreign, others: self.others }
    }
}

/// Where an object and its recovered one are both there, one of them stands for both, so that nothing is doubled: the recovered
/// one, while the note of the recovery says that the other is the torn one. Without a note, or with another length, the
/// machine came back and uploaded the object whole, with all that the recovered one holds.
fn settle_recoveries(entries: &mut Vec<Entry>, notes: &[Note]) {
    if notes.is_empty() && !entries.iter().any(|entry| entry.is_recovered) {
        return;
    }
    let of = |entry: &Entry| (entry.number, entry.first, entry.run);
    let is_torn = |entry: &Entry| {
        let is_noted = |note: &Note| {
            (note.number, note.first, note.run) == of(entry) && note.torn_bytes == entry.len_bytes
        };
        !entry.is_recovered && notes.iter().any(is_noted)
    };
    let settled = entries.chunk_by(|one, two| of(one) == of(two)).flat_map(|group| {
        let has_recovered = group.iter().any(|entry| entry.is_recovered);
        let has_whole = group.iter().any(|entry| !entry.is_recovered && !is_torn(entry));
        group.iter().filter_map(move |entry| {
            let is_torn = is_torn(entry);
            let stands = if entry.is_recovered { !has_whole } else { !(is_torn && has_recovered) };
            stands.then_some(Entry { is_torn, ..*entry })
        })
    });
    *entries = settled.collect();
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
