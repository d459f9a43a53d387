//! What was submitted to one journal, and what must hold of what is recovered and of what arrives. Knows the decoders.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::ops::Range;

use s3_journal::bucket::Metadata;
use s3_journal::object::ObjectKey;

use crate::decode::decode;
use crate::store::Written;

/// The source whose positions are kept.
pub const SOURCE: u64 = 7;

/// An entry that was submitted.
#[derive(Debug, Clone)]
struct Entry {
    bytes: Vec<u8>,
    position: Option<u64>,
}

/// An object as it was seen in the bucket.
#[derive(Debug, Clone)]
pub struct Seen {
    pub key: String,
    pub first: u64,
    pub entries: u64,
}

/// The entries of one journal, in order, and where they have been seen.
#[derive(Debug, Clone)]
pub struct Model {
    delimiter: Vec<u8>,
    entries: Vec<Entry>,
    /// Known to be durable, as the journal told it.
    pub durable: u64,
    /// Told to be in the bucket.
    pub uploaded: u64,
    /// The most that was ever told so.
    ever_uploaded: u64,
    /// By number.
    objects: BTreeMap<u64, Seen>,
    /// Entries that the journal has told to be left out at some time.
    left_out: Vec<Range<u64>>,
    /// Bytes of the queue have been damaged.
    pub has_rotted: bool,
}

impl Model {
    pub fn new(delimiter: Vec<u8>) -> Self {
        Self {
            delimiter,
            entries: Vec::new(),
            durable: 0,
            uploaded: 0,
            ever_uploaded: 0,
            objects: BTreeMap::new(),
            left_out: Vec::new(),
            has_rotted: false,
        }
    }

    /// The same for models of which the same holds.
    pub fn fingerprint(&self, hasher: &mut impl Hasher) {
        (self.durable, self.uploaded).hash(hasher);
        for entry in &self.entries {
            (&entry.bytes, entry.position).hash(hasher);
        }
        for (number, seen) in &self.objects {
            (number, &seen.key, seen.first, seen.entries).hash(hasher);
        }
    }

    pub fn submitted(&self) -> u64 {
        self.entries.len() as u64
    }

    /// The end of what is in the bucket.
    pub fn in_bucket(&self) -> u64 {
        self.objects.last_key_value().map_or(0, |(_, seen)| seen.first + seen.entries)
    }

    /// The keys of the objects before number `end`.
    pub fn keys_before(&self, end: u64) -> Vec<String> {
        self.objects.range(..end).map(|(_, seen)| seen.key.clone()).collect()
    }

    /// The journal tells what it leaves out.
    pub fn told_left_out(&mut self, left_out: Vec<Range<u64>>) -> Result<(), String> {
        if !left_out.is_empty() && !self.has_rotted {
            return Err(format!("{left_out:?} are left out although nothing was damaged"));
        }
        for range in left_out {
            if !self.left_out.contains(&range) {
                self.left_out.push(range);
            }
        }
        Ok(())
    }

    /// The entries that were told to be left out at some time.
    pub fn left_out(&self) -> &[Range<u64>] {
        &self.left_out
    }

    /// The end of what is in the bucket or left out, from `from` on.
    fn passed(&self, from: u64) -> u64 {
        let mut at = from;
        while let Some(range) = self.left_out.iter().find(|range| range.contains(&at)) {
            at = range.end;
        }
        at
    }

    /// How many objects there are from that number on, of which it was never told that they are in the bucket: where the record of that has
    /// rotted it isn't known any more.
    pub fn untold_from(&self, number: u64) -> usize {
        let later = self.objects.range(number..);
        later.filter(|(_, seen)| seen.first + seen.entries > self.ever_uploaded).count()
    }

    /// The entries that are in no object, as ranges.
    pub fn missing(&self) -> Vec<Range<u64>> {
        let mut missing: Vec<Range<u64>> = Vec::new();
        let mut at = 0;
        for seen in self.objects.values() {
            if seen.first > at {
                missing.push(at..seen.first);
            }
            at = seen.first + seen.entries;
        }
        if at < self.submitted() {
            missing.push(at..self.submitted());
        }
        missing
    }

    /// How many objects have been seen, and the number and the end of the one at that key.
    pub fn objects(&self) -> usize {
        self.objects.len()
    }

    /// Number and end of the object at `key`.
    pub fn object_at(&self, key: &str) -> Option<(u64, u64)> {
        let (number, seen) = self.objects.iter().rev().find(|(_, seen)| seen.key == key)?;
        Some((*number, seen.first + seen.entries))
    }

    /// An entry was taken under that number.
    pub fn submit(&mut self, sequence: u64, bytes: Vec<u8>, position: Option<u64>) -> Result<(), String> {
        if sequence != self.submitted() {
            return Err(format!("entry {} was taken as number {sequence}", self.submitted()));
        }
        self.entries.push(Entry { bytes, position });
        Ok(())
    }

    /// The journal tells how far it has come.
    pub fn told(&mut self, durable: u64, uploaded: u64, is_latched: bool) -> Result<(), String> {
        if durable < self.durable || uploaded < self.uploaded {
            return Err(format!(
                "what was durable or uploaded went back: {durable} of {}, {uploaded} of {}",
                self.durable, self.uploaded
            ));
        }
        if is_latched && durable > self.durable {
            return Err(format!(
                "{durable} are told durable after a failure; before it were {}",
                self.durable
            ));
        }
        if durable > self.submitted() {
            return Err(format!("{durable} are told durable, of {} submitted", self.submitted()));
        }
        if uploaded > self.passed(self.in_bucket()) {
            return Err(format!("{uploaded} are told uploaded, and {} are in the bucket", self.in_bucket()));
        }
        self.durable = durable;
        self.uploaded = uploaded;
        self.ever_uploaded = self.ever_uploaded.max(uploaded);
        Ok(())
    }

    /// The journal was opened again and goes on at `next`; `kept` says whether what counted as durable must be there.
    pub fn recovered(&mut self, next: u64, uploaded: u64, kept: bool) -> Result<(), String> {
        if next > self.submitted() {
            return Err(format!("{next} recovered, of {} submitted", self.submitted()));
        }
        if kept && next < self.durable {
            return Err(format!("{next} recovered, of {} durable", self.durable));
        }
        if next < self.in_bucket() {
            return Err(format!("{next} recovered, and {} are in the bucket already", self.in_bucket()));
        }
        if uploaded > next {
            return Err(format!("{uploaded} are told uploaded, of {next} recovered"));
        }
        self.entries.truncate(usize::try_from(next).unwrap_or(usize::MAX));
        // Everything that was recovered is durable: it was synced before it was believed.
        self.durable = next;
        // The acknowledgement may not have been durable: the object is recognised again.
        self.uploaded = uploaded;
        Ok(())
    }

    /// The position that belongs to what is there.
    pub fn position(&self) -> Option<u64> {
        self.entries.iter().rev().find_map(|entry| entry.position)
    }

    /// An object is in the bucket at `key`; `is_late` says that the network had kept the request back.
    pub fn seen(&mut self, written: &Written, is_late: bool) -> Result<(), String> {
        let Written { key, bytes, metadata, is_other, .. } = written;
        let parsed = ObjectKey::parse(key).ok_or_else(|| format!("{key} is no key of a journal"))?;
        let (number, first) = (parsed.name.number, parsed.name.first);
        let entries = self.check_content(key, first, bytes, metadata)?;
        if let Some(before) = self.objects.get(&number) {
            let is_same = before.entries == entries && !is_other;
            let may_be = is_same || self.is_left_out_in_part(first, before.entries, entries);
            if before.key != *key || !may_be {
                return Err(format!("object {number} is at {} and, other than that, at {key}", before.key));
            }
            self.objects.insert(number, Seen { key: key.clone(), first, entries });
            return Ok(());
        }
        let expected =
            self.objects.last_key_value().map_or((0, 0), |(n, seen)| (n + 1, seen.first + seen.entries));
        // Where records are lost, so is which numbers were used: one may be skipped though no entry is missing.
        let is_next = (number, first) == expected
            || (self.has_rotted
                && number >= expected.0
                && first >= expected.1
                && self.passed(expected.1) >= first);
        let may_be = is_next || (is_late && self.was_left_out(number, first..first + entries));
        if !may_be {
            return Err(format!(
                "{key} is there; the next is number {} from entry {} on",
                expected.0, expected.1
            ));
        }
        self.objects.insert(number, Seen { key: key.clone(), first, entries });
        Ok(())
    }

    /// Whether an object that was written over with other bytes ends before damage, and once more doesn't: without create-only writes and where
    /// looking isn't permitted nothing keeps the one from the other, which is documented. What isn't in both was told to be left out.
    fn is_left_out_in_part(&self, first: u64, before: u64, now: u64) -> bool {
        let (shorter, longer) = (before.min(now), before.max(now));
        self.has_rotted && shorter < longer && self.passed(first + shorter) >= first + longer
    }

    /// Whether an object is one that was left out, and comes after all: a request for it was still on its way when its bytes were found
    /// damaged. More is told to be left out then than is missing, which is documented; it must be in its place all the same.
    fn was_left_out(&self, number: u64, entries: Range<u64>) -> bool {
        let before =
            self.objects.range(..number).next_back().map_or(0, |(_, seen)| seen.first + seen.entries);
        let after = self.objects.range(number..).next().map_or(u64::MAX, |(_, seen)| seen.first);
        let is_in_place = before <= entries.start && entries.end <= after;
        self.has_rotted && is_in_place && self.passed(entries.start) >= entries.end
    }

    /// Whether an object holds, whole and in order, what was submitted from `first` on; how many entries that is.
    pub fn check_content(
        &self,
        key: &str,
        first: u64,
        bytes: &[u8],
        metadata: &Metadata,
    ) -> Result<u64, String> {
        let compressor =
            metadata.get("journal-compressor").ok_or_else(|| format!("{key} says no compressor"))?;
        let raw = decode(compressor, bytes).map_err(|error| format!("{key}: {error}"))?;
        let start = usize::try_from(first).unwrap_or(usize::MAX);
        let mut rest = &*raw;
        let mut count = 0;
        for entry in self.entries.get(start..).unwrap_or_default() {
            if rest.is_empty() {
                break;
            }
            let tail = rest.strip_prefix(&*entry.bytes).and_then(|rest| rest.strip_prefix(&*self.delimiter));
            let Some(tail) = tail else {
                let found =
                    String::from_utf8_lossy(rest.get(..rest.len().min(60)).unwrap_or_default()).into_owned();
                let wanted = String::from_utf8_lossy(&entry.bytes).into_owned();
                return Err(format!("{key}: entry {} is {found:?} instead of {wanted:?}", first + count));
            };
            rest = tail;
            count += 1;
        }
        if !rest.is_empty() {
            return Err(format!(
                "{key}: {} bytes follow entry {}, the last that there is",
                rest.len(),
                first + count
            ));
        }
        if count == 0 {
            return Err(format!("{key} holds no entry"));
        }
        Ok(count)
    }
}
