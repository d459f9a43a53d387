//! What objects say of themselves and of the one before them, held against what is there. Pure.

use std::cmp::Ordering;

use super::Sequences;
use super::check::{left_out, missing_objects};
use super::escaped;
use super::findings::{Finding, FindingKind};
use super::listing::{Entry, Stream};
use crate::bucket::Head;
use crate::object::{ObjectMetadata, Predecessor};

/// What is known of an object when its successor is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) entry: Entry,
    pub(super) len_bytes: u64,
    /// Of the bytes read, or as the store tells it.
    pub(super) crc64nvme: Option<u64>,
    /// As counted.
    pub(super) entries: Option<u64>,
    /// Something about its bytes has been found already; its successor needn't say it again.
    pub(super) damaged: bool,
}

impl Seen {
    /// As far as a listing knows.
    pub(super) fn listed(entry: Entry) -> Self {
        Self { entry, len_bytes: entry.len_bytes, crc64nvme: None, entries: None, damaged: false }
    }

    /// As far as a HEAD knows.
    pub(super) fn headed(entry: Entry, head: &Head) -> Self {
        Self { len_bytes: head.len_bytes, crc64nvme: head.crc64nvme, ..Self::listed(entry) }
    }

    fn fits(&self, said: Predecessor) -> bool {
        self.len_bytes == said.len_bytes
            && self.crc64nvme.is_none_or(|crc| crc == said.crc64nvme)
            && self.entries.is_none_or(|entries| entries == said.entries)
    }
}

/// An object's own metadata, held against its name and its listing.
///
/// # Errors
/// What is wrong with it.
pub(super) fn own(
    stream: &Stream,
    entry: &Entry,
    head: Option<&Head>,
) -> Result<ObjectMetadata, Box<Finding>> {
    let Some(head) = head else {
        return Err(Finding::on(FindingKind::Vanished, stream, entry, "was listed and is gone")
            .certain()
            .into());
    };
    let metadata = ObjectMetadata::from_map(&head.metadata).map_err(|error| {
        Box::new(Finding::on(FindingKind::Metadata, stream, entry, format_args!("isn't described: {error}")))
    })?;
    if !metadata.is_of(&stream.name(entry)) {
        let text = format!(
            "describes itself as object {} of {} {}, run {}, from entry {} on: it was copied or exchanged",
            metadata.number,
            escaped(&metadata.id),
            escaped(&metadata.incarnation),
            escaped(&metadata.run),
            metadata.first
        );
        return Err(Finding::on(FindingKind::Metadata, stream, entry, text).certain().into());
    }
    if head.len_bytes != entry.len_bytes {
        let text = format!(
            "was listed with {} bytes and has {}: it was written again",
            entry.len_bytes, head.len_bytes
        );
        return Err(Finding::on(FindingKind::Changed, stream, entry, text).certain().into());
    }
    Ok(metadata)
}

/// What an object says of the one before it, held against `before`: the objects with the number before its own.
pub(super) fn predecessor(
    stream: &Stream,
    entry: &Entry,
    said: Option<Predecessor>,
    before: &[Seen],
) -> Option<Finding> {
    let broken =
        |text: &str| Some(Finding::on(FindingKind::BrokenChain, stream, entry, text).of_no_entries());
    let Some(said) = said else {
        return if entry.number == 0 { None } else { broken("names no predecessor, and isn't the first") };
    };
    if entry.number == 0 {
        return broken("names a predecessor, and is the first");
    }
    let only = before.first()?;
    if before.iter().any(|seen| seen.entry.is_recovered) {
        // It isn't the object that was spoken of. Where it ends stands in its name, and is held against this one's there.
        return None;
    }
    // A fork has several; one of them is the right one.
    let right = before.iter().find(|seen| seen.fits(said) && ends(seen, said) <= entry.first);
    if let Some(right) = right.or_else(|| before.iter().find(|seen| seen.damaged)) {
        let end = ends(right, said);
        return (end < entry.first).then(|| left_out(stream, &[*entry], Sequences::new(end, entry.first)));
    }
    if before.len() > 1 {
        return broken("names a predecessor that is none of the objects before it");
    }
    if only.len_bytes == said.len_bytes && only.crc64nvme.is_none_or(|crc| crc == said.crc64nvme) {
        let counted = only.entries.unwrap_or(said.entries);
        if counted != said.entries {
            let text = format!("holds {counted} entries, and its successor says {}", said.entries);
            return Some(Finding::on(FindingKind::EntryCount, stream, &only.entry, text));
        }
        return Some(doubled(stream, entry, ends(only, said)));
    }
    let what = if only.len_bytes == said.len_bytes {
        "has another checksum than its successor says: its bytes have changed".to_owned()
    } else {
        format!(
            "has {} bytes, and its successor says {}: it was cut or exchanged",
            only.len_bytes, said.len_bytes
        )
    };
    Some(Finding::on(FindingKind::Damaged, stream, &only.entry, what).certain())
}

/// A recovered object's entries, held against what its name says.
pub(super) fn recovered(stream: &Stream, seen: &Seen) -> Option<Finding> {
    let (named, counted) = (stream.recovered_entries(&seen.entry)?, seen.entries?);
    let text = format!("holds {counted} entries, and its name says {named}");
    (named != counted).then(|| Finding::on(FindingKind::EntryCount, stream, &seen.entry, text))
}

/// Where an object can't say what was before it: its first entry, held against the entries counted before it.
pub(super) fn uncounted(stream: &Stream, entry: &Entry, before: &[Seen]) -> Option<Finding> {
    let [only] = before else { return None };
    if only.entry.is_recovered {
        return None;
    }
    let end = only.entry.first.saturating_add(only.entries?);
    match end.cmp(&entry.first) {
        Ordering::Less => Some(left_out(stream, &[*entry], Sequences::new(end, entry.first))),
        Ordering::Equal => None,
        Ordering::Greater => Some(doubled(stream, entry, end)),
    }
}

/// An object that begins before the one before it ends.
pub(super) fn doubled(stream: &Stream, entry: &Entry, end_before: u64) -> Finding {
    let doubled = Sequences::new(entry.first, end_before);
    let text = format!("begins with entry {} and {doubled} are in the object before it, too", entry.first);
    Finding::on(FindingKind::DuplicateEntries, stream, entry, text).exactly(doubled)
}

/// A gap before `entry`, known more exactly by the entries counted before it, or by what `entry` says of the object before
/// it when that is the only one missing.
pub(super) fn narrowed(
    stream: &Stream,
    gap: &Finding,
    entry: &Entry,
    said: Option<Predecessor>,
    before: &[Seen],
) -> Option<Finding> {
    let counted = match before {
        [only] => only.entries.map(|entries| only.entry.first.saturating_add(entries)),
        _ => None,
    };
    let only_one = gap.numbers.first == gap.numbers.last;
    let told = said.filter(|_| only_one).and_then(|said| entry.first.checked_sub(said.entries));
    let from = counted.or(told)?;
    let possible = gap.sequences?.from..entry.first;
    let last_seen = gap.numbers.first.checked_sub(1)?;
    possible
        .contains(&from)
        .then(|| missing_objects(stream, last_seen, &[*entry], Sequences::new(from, entry.first), true))
}

fn ends(seen: &Seen, said: Predecessor) -> u64 {
    seen.entry.first.saturating_add(said.entries)
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
