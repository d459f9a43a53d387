//! The proof that streams are whole: a walk over their objects that holds each against its name, its metadata, its
//! successor and its bytes. Knows listing, pipeline and scan.

use std::io;
use std::ops::Range;

use super::chain::{self, Seen};
use super::check::check;
use super::cutter::ENTRY_BYTES_MAX;
use super::error::ReadError;
use super::examine::{Described, Examiner, Pass};
use super::findings::{FINDINGS_MAX, FindingKind, Findings, Numbers, Shard};
use super::listing::{Entry, Listing, Stream};
use super::period::Period;
use super::pipeline::{Job, Pipeline, ranges};
use super::report::{Checked, Report, StreamTotals};
use super::scan::Decompressors;
use super::store::Store;
use super::{Sequences, escaped, shards};
use crate::bucket::Head;
use crate::object::ObjectMetadata;

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// The names only: a listing finds missing, forked and doubled objects.
    Listing,
    /// One HEAD per object, too: its metadata, and what its successor says of its length, checksum and entries.
    Chain,
    /// Every byte, too: read once, decoded strictly, entries counted.
    Deep,
}

/// What to take for right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyOptions {
    /// The first objects may be missing: expired or archived. Off by default.
    pub allow_missing_start: bool,
    /// Count entries by their delimiter. On by default; turn it off for journals that allow the delimiter inside entries.
    pub count_entries: bool,
    /// The longest entry that is looked for, in bytes with its delimiter: [`ENTRY_BYTES_MAX`] by default.
    pub entry_bytes_max: u64,
    /// Only the objects of this shard, `0` to `9` and `a` to `z`, and what is missing of them.
    pub shard: Option<char>,
    /// Only the entries of this time. It costs some HEADs per incarnation, whatever the depth.
    pub period: Period,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            allow_missing_start: false,
            count_entries: true,
            entry_bytes_max: ENTRY_BYTES_MAX,
            shard: None,
            period: Period::default(),
        }
    }
}

/// How far a verification has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Progress {
    /// What was looked at.
    pub checked: Checked,
    /// Objects to look at.
    pub objects_total: u64,
    /// Bytes to read.
    pub bytes_total: u64,
    /// Findings so far.
    pub findings: u64,
}

pub(super) struct Verifier<'v> {
    pub(super) store: &'v Store,
    pub(super) decompressors: &'v Decompressors,
    pub(super) depth: Depth,
    pub(super) options: VerifyOptions,
    pub(super) progress: &'v mut dyn FnMut(Progress),
}

impl Verifier<'_> {
    pub(super) fn run(mut self, listing: &Listing, sequences: Sequences) -> Result<Report, ReadError> {
        let mut selected: Vec<(&Stream, Range<usize>, Sequences)> = Vec::new();
        let mut state = Progress::default();
        let shard = self.options.shard;
        for stream in listing.streams() {
            let sequences = sequences.and(self.of_period(stream)?);
            let range = stream.holding(sequences);
            let entries = stream.entries().get(range.clone()).unwrap_or_default();
            for entry in entries.iter().filter(|entry| is_of(shard, stream, entry)) {
                state.objects_total += 1;
                if self.depth == Depth::Deep {
                    state.bytes_total = state.bytes_total.saturating_add(entry.len_bytes);
                }
            }
            // What is asked for may be missing altogether.
            if !range.is_empty() || !sequences.is_empty() {
                selected.push((stream, range, sequences));
            }
        }
        (self.progress)(state);
        let mut report = Report { foreign: listing.foreign(), ..Report::default() };
        for (stream, range, sequences) in selected {
            self.stream(stream, range, sequences, &mut state, &mut report)?;
        }
        report.checked = state.checked;
        Ok(report)
    }

    /// The sequence numbers that belong to the time asked for.
    fn of_period(&self, stream: &Stream) -> Result<Sequences, ReadError> {
        if self.options.period.is_all() {
            return Ok(Sequences::ALL);
        }
        self.options.period.of(stream, |entry| {
            let key = stream.key(entry);
            let doing = format!("asking for {}", escaped(&key));
            let head = self.store.head(key).wait().map_err(|source| ReadError::Store { doing, source })?;
            Ok(head.and_then(|head| ObjectMetadata::time_of(&head.metadata)))
        })
    }

    /// The shard asked for, with what tells which of the missing objects were its.
    fn shard(&self, stream: &Stream) -> Option<Shard> {
        let digit = u8::try_from(self.options.shard?.to_digit(36)?).ok()?;
        let objects = stream.entries().iter().map(|entry| (entry.number, stream.shard(entry)));
        Some(Shard { digit, fitting: shards::fitting(objects), prefix_len: stream.prefix_len() })
    }

    fn stream(
        &mut self,
        stream: &Stream,
        range: Range<usize>,
        sequences: Sequences,
        state: &mut Progress,
        report: &mut Report,
    ) -> Result<(), ReadError> {
        let entries = stream.entries().get(range.clone()).unwrap_or_default();
        let room = FINDINGS_MAX.saturating_sub(report.findings.len());
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            let none = Numbers { first: u64::MAX, last: 0 };
            let mut findings = Findings::new(room, sequences, none, self.shard(stream));
            check(stream, self.options.allow_missing_start, &mut findings);
            let (found, left_out) = findings.finish();
            report.findings.extend(found);
            report.findings_left_out += left_out;
            return Ok(());
        };
        let numbers = Numbers { first: first.number, last: last.number };
        let mut findings = Findings::new(room, sequences, numbers, self.shard(stream));
        check(stream, self.options.allow_missing_start, &mut findings);
        let shard = self.options.shard;
        let wanted = || entries.iter().filter(|entry| is_of(shard, stream, entry));
        let mut totals = StreamTotals {
            id: stream.id().to_string(),
            incarnation: stream.incarnation().to_string(),
            objects: wanted().count() as u64,
            stored_bytes: wanted().fold(0, |sum, entry| sum.saturating_add(entry.len_bytes)),
            first_number: numbers.first,
            last_number: numbers.last,
            first_sequence: first.first,
            next_sequence: stream
                .first_after(numbers.last)
                .or_else(|| stream.recovered_entries(last).map(|entries| last.first.saturating_add(entries))),
            entries: None,
        };
        if self.depth == Depth::Listing {
            state.checked.objects += totals.objects;
        } else {
            self.walk(stream, range, &mut findings, &mut totals, state)?;
        }
        let (found, left_out) = findings.finish();
        report.findings.extend(found);
        report.findings_left_out += left_out;
        report.streams.push(totals);
        state.findings = report.findings.len() as u64 + report.findings_left_out;
        (self.progress)(*state);
        Ok(())
    }

    /// Looks at each object of the range, and at the metadata of those after it, which speak of the last one.
    fn walk(
        &mut self,
        stream: &Stream,
        range: Range<usize>,
        findings: &mut Findings,
        totals: &mut StreamTotals,
        state: &mut Progress,
    ) -> Result<(), ReadError> {
        let examiner = Examiner {
            store: self.store,
            stream,
            decompressors: self.decompressors,
            count_entries: self.options.count_entries,
            entry_bytes_max: self.options.entry_bytes_max,
        };
        let deep = self.depth == Depth::Deep;
        let end = stream.after_number(range.end);
        let entries = stream.entries();
        let shard = self.options.shard;
        let is_wanted = |entry: &Entry| is_of(shard, stream, entry);
        // An object speaks of the one before it: those after one of the shard are asked, too.
        let is_asked = |at: usize| {
            let number = entries.get(at).map_or(0, |entry| entry.number);
            let near = entries.get(..=at).unwrap_or_default().iter().rev();
            near.take_while(|entry| number - entry.number <= 1).any(is_wanted)
        };
        let jobs = (range.start..end).filter(|at| is_asked(*at)).flat_map(|at| {
            let entry = entries.get(at).filter(|entry| deep && range.contains(&at) && is_wanted(entry));
            let len_bytes = entry.map_or(0, |entry| entry.len_bytes);
            std::iter::once(Job::Head(at)).chain(ranges(at, len_bytes))
        });
        let mut pipeline = Pipeline::new(self.store, stream, jobs);
        let mut trail = Trail::before(stream, range.start);
        let mut counted = deep.then_some(0_u64);
        for at in range.start..end {
            let Some(entry) = entries.get(at) else { break };
            if !is_asked(at) {
                trail.pass(entry);
                continue;
            }
            let head = pipeline.head().map_err(|error| examiner.store_error(entry, error))?;
            let metadata = match chain::own(stream, entry, head.as_ref()) {
                Ok(metadata) => Some(metadata),
                Err(finding) => {
                    findings.push(*finding);
                    None
                }
            };
            trail.link(stream, entry, metadata.as_ref(), findings);
            if !range.contains(&at) {
                continue;
            }
            if !is_wanted(entry) {
                trail.add(Seen::listed(*entry));
                continue;
            }
            let seen = if deep {
                read(&examiner, &mut pipeline, entry, metadata.as_ref(), head.as_ref(), findings)?
            } else {
                head.as_ref().map_or(Seen::listed(*entry), |head| Seen::headed(*entry, head))
            };
            if let Some(finding) = chain::recovered(stream, &seen) {
                findings.push(finding);
            }
            counted = counted.zip(seen.entries).map(|(sum, entries)| sum.saturating_add(entries));
            if entry.number == totals.last_number && totals.next_sequence.is_none() {
                totals.next_sequence = seen.entries.map(|entries| entry.first.saturating_add(entries));
            }
            state.checked.objects += 1;
            state.checked.entries += seen.entries.unwrap_or(0);
            state.checked.bytes += if deep { seen.len_bytes } else { 0 };
            trail.add(seen);
            (self.progress)(*state);
        }
        totals.entries = counted;
        Ok(())
    }
}

/// Whether an object is of the shard that is asked for.
fn is_of(shard: Option<char>, stream: &Stream, entry: &Entry) -> bool {
    shard.is_none_or(|shard| {
        shard.to_digit(36) == stream.shard(entry).map(u32::from) && shard.is_alphanumeric()
    })
}

/// Reads one object's bytes, whatever is known of it.
fn read(
    examiner: &Examiner<'_>,
    pipeline: &mut Pipeline<'_>,
    entry: &Entry,
    metadata: Option<&ObjectMetadata>,
    head: Option<&Head>,
    findings: &mut Findings,
) -> Result<Seen, ReadError> {
    let listed = Seen::listed(*entry);
    if entry.len_bytes == 0 {
        return Ok(Seen { damaged: true, ..listed });
    }
    let Some(metadata) = metadata else {
        let stored = examiner.raw(pipeline, entry)?;
        let crc64nvme = stored.as_ref().map(|stored| stored.crc64nvme);
        let len_bytes = stored.map_or(entry.len_bytes, |stored| stored.len_bytes);
        return Ok(Seen { len_bytes, crc64nvme, damaged: true, ..listed });
    };
    let object = Described { entry, metadata, crc64nvme: head.and_then(|head| head.crc64nvme) };
    let mut result = examiner.fetched(pipeline, object, Pass::PROOF, &mut io::sink())?;
    let seen = result.seen(*entry);
    if let Some(problem) = result.problem.take() {
        findings.push(problem);
    }
    Ok(seen)
}

/// The objects just passed: those of one number, and those of the number before.
#[derive(Debug, Default)]
struct Trail {
    number: Option<u64>,
    here: Vec<Seen>,
    before: Vec<Seen>,
}

impl Trail {
    /// Before the object at `start`, knowing its predecessors by their names.
    fn before(stream: &Stream, start: usize) -> Self {
        let passed = stream.entries().get(..start).unwrap_or_default();
        let Some(last) = passed.last() else { return Self::default() };
        let here = passed.iter().rev().take_while(|entry| entry.number == last.number);
        Self {
            number: Some(last.number),
            here: here.map(|entry| Seen::listed(*entry)).collect(),
            before: Vec::new(),
        }
    }

    /// Holds the next object against those before it.
    fn link(
        &mut self,
        stream: &Stream,
        entry: &Entry,
        metadata: Option<&ObjectMetadata>,
        findings: &mut Findings,
    ) {
        if self.number != Some(entry.number) {
            self.before = std::mem::take(&mut self.here);
            self.number = Some(entry.number);
        }
        let previous = self.before.first().map(|seen| seen.entry.number);
        let said = metadata.and_then(|metadata| metadata.previous);
        let adjacent = previous.is_none_or(|previous| entry.number - previous == 1);
        if adjacent {
            let linked = match metadata {
                Some(metadata) => chain::predecessor(stream, entry, metadata.previous, &self.before),
                None => chain::uncounted(stream, entry, &self.before),
            };
            if let Some(finding) = linked {
                findings.push(finding);
            }
        } else if let Some(gap) = findings.ending_at(FindingKind::MissingObjects, entry.number - 1)
            && let Some(narrowed) = chain::narrowed(stream, gap, entry, said, &self.before)
        {
            *gap = narrowed;
        }
    }

    /// Goes past an object that isn't looked at.
    fn pass(&mut self, entry: &Entry) {
        if self.number != Some(entry.number) {
            self.before = std::mem::take(&mut self.here);
            self.number = Some(entry.number);
        }
        self.add(Seen::listed(*entry));
    }

    fn add(&mut self, seen: Seen) {
        self.here.push(seen);
    }
}
