//! The entries back, in order: a walk over the objects that writes what is proved and stops before what isn't. Knows
//! listing, pipeline and scan.

use std::io::{self, Write};
use std::ops::Range;

use super::Sequences;
use super::body::HELD_BYTES;
use super::chain::{self, Seen};
use super::check::{empty, left_out, missing_objects, missing_start, several};
use super::cutter::{Cut, ENTRY_BYTES_MAX};
use super::error::ReadError;
use super::escaped;
use super::examine::{Described, Examined, Examiner, Pass};
use super::findings::{FINDINGS_MAX, Finding, FindingKind};
use super::listing::{Entry, Listing, Stream};
use super::pipeline::{Job, Pipeline, RANGE_BYTES, ranges};
use super::report::CatSummary;
use super::scan::{Decompressors, Scanned};
use super::store::Store;
use crate::bucket::Head;
use crate::object::Predecessor;

/// When an object is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Proof {
    /// Before its first entry is written: nothing of a damaged object gets out. Each object is decoded twice; one of more
    /// than [`HELD_BYTES`] is fetched twice.
    #[default]
    BeforeWriting,
    /// While it is written: once fetched, once decoded. Damage shows at the object's end, when its entries are out.
    WhileWriting,
}

/// How to write entries out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatOptions {
    /// Leave out what is missing or damaged, and tell of it in [`CatSummary::findings`], instead of stopping there. A fork
    /// or a doubled object stops all the same, and so does damage found [`Proof::WhileWriting`].
    pub go_on: bool,
    /// Begin with what is there when the first objects are missing: expired or archived.
    pub allow_missing_start: bool,
    /// When an object is proved.
    pub proof: Proof,
    /// Count entries by their delimiter. On by default; turn it off for journals that allow the delimiter inside entries:
    /// then no range can be cut out.
    pub count_entries: bool,
    /// The longest entry that is looked for, in bytes with its delimiter: [`ENTRY_BYTES_MAX`] by default.
    pub entry_bytes_max: u64,
}

impl Default for CatOptions {
    fn default() -> Self {
        Self {
            go_on: false,
            allow_missing_start: false,
            proof: Proof::default(),
            count_entries: true,
            entry_bytes_max: ENTRY_BYTES_MAX,
        }
    }
}

pub(super) struct Cat<'c> {
    pub(super) store: &'c Store,
    pub(super) decompressors: &'c Decompressors,
    pub(super) options: CatOptions,
    pub(super) sequences: Sequences,
    pub(super) out: &'c mut dyn Write,
}

impl Cat<'_> {
    pub(super) fn run(self, listing: &Listing) -> Result<CatSummary, ReadError> {
        let ids = listing.ids();
        if ids.len() > 1 {
            return Err(ReadError::SeveralIds { ids: ids.into_iter().map(ToString::to_string).collect() });
        }
        let mut summary = CatSummary::default();
        if !self.sequences.is_empty() {
            for stream in listing.streams() {
                let examiner = Examiner {
                    store: self.store,
                    stream,
                    decompressors: self.decompressors,
                    count_entries: self.options.count_entries,
                    entry_bytes_max: self.options.entry_bytes_max,
                };
                let (options, sequences) = (self.options, self.sequences);
                Walk { examiner, stream, options, sequences, out: &mut *self.out, summary: &mut summary }
                    .run()?;
            }
        }
        self.out.flush().map_err(ReadError::Output)?;
        Ok(summary)
    }
}

/// The walk over one incarnation.
struct Walk<'w> {
    examiner: Examiner<'w>,
    stream: &'w Stream,
    options: CatOptions,
    sequences: Sequences,
    out: &'w mut dyn Write,
    summary: &'w mut CatSummary,
}

/// An object about to be written, and what its successor says of it.
struct Next<'n> {
    object: Described<'n>,
    successor: Option<(&'n Entry, Option<Predecessor>)>,
    /// Sequence numbers that it may hold, going by names.
    named: Sequences,
}

impl Walk<'_> {
    fn run(mut self) -> Result<(), ReadError> {
        let stream = self.stream;
        let entries = stream.entries();
        let range = stream.holding(self.sequences);
        let store = self.examiner.store;
        let mut pipeline = Pipeline::new(store, stream, jobs(stream, range.clone(), self.options.proof));
        let mut before: Option<Seen> = None;
        // The sequence number that comes next; `None` when it isn't known.
        let mut next = match range.start {
            0 => Some(0),
            start => entries.get(start).map(|entry| entry.first),
        };
        let mut head_ahead: Option<Option<Head>> = None;
        let mut at = range.start;
        while at < range.end {
            let after = stream.after_number(at);
            let Some(entry) = entries.get(at) else { break };
            self.gap(entries.get(at..after).unwrap_or_default(), next, before.as_ref())?;
            if let Some(fork) = entries.get(at..after).and_then(|group| several(stream, group)) {
                return self.stop(fork);
            }
            let head = match head_ahead.take() {
                Some(head) => head,
                None => self.head(&mut pipeline, entry)?,
            };
            let following = entries.get(after);
            if let Some(following) = following {
                head_ahead = Some(self.head(&mut pipeline, following)?);
            }
            let (seen, end) =
                self.object(&mut pipeline, entry, head, following.zip(head_ahead.as_ref()), before)?;
            next = end;
            before = Some(seen);
            at = after;
        }
        match entries.get(range.end..stream.after_number(range.end)) {
            Some(following) if !following.is_empty() => self.gap(following, next, before.as_ref()),
            _ => Ok(()),
        }
    }

    fn head(&self, pipeline: &mut Pipeline<'_>, entry: &Entry) -> Result<Option<Head>, ReadError> {
        pipeline.head().map_err(|error| self.examiner.store_error(entry, error))
    }

    /// What is missing or doubled between the entries so far and those of `group`.
    fn gap(&mut self, group: &[Entry], next: Option<u64>, before: Option<&Seen>) -> Result<(), ReadError> {
        let stream = self.stream;
        let Some(entry) = group.first() else { return Ok(()) };
        let before = before.map(|seen| seen.entry);
        let adjacent = before.is_none_or(|before| entry.number - before.number == 1);
        let (missing, exact) = match (next, before) {
            (Some(next), _) => (Sequences::new(next, entry.first), true),
            (None, Some(before)) if !adjacent => {
                (Sequences::new(before.first.saturating_add(1), entry.first), false)
            }
            (None, _) => return Ok(()),
        };
        if let Some(next) = next.filter(|next| entry.first < *next) {
            return self.stop(chain::doubled(stream, entry, next));
        }
        if missing.is_empty() && !adjacent {
            let text = "follows missing objects, and no entries are missing before it: names and entries don't agree";
            return self.stop(Finding::on(FindingKind::OutOfOrder, stream, entry, text));
        }
        if missing.and(self.sequences).is_empty() {
            return Ok(());
        }
        let finding = match before {
            Some(before) if !adjacent => missing_objects(stream, before.number, group, missing, exact),
            None if entry.number > 0 => {
                if self.options.allow_missing_start {
                    return Ok(());
                }
                missing_start(stream, entry.number, entry.first)
            }
            _ => left_out(stream, group, missing),
        };
        self.leave_out(finding)
    }

    /// Proves and writes one object. Returns what it was, and the sequence number after it.
    fn object(
        &mut self,
        pipeline: &mut Pipeline<'_>,
        entry: &Entry,
        head: Option<Head>,
        following: Option<(&Entry, &Option<Head>)>,
        before: Option<Seen>,
    ) -> Result<(Seen, Option<u64>), ReadError> {
        let stream = self.stream;
        let named = Sequences { from: entry.first, to: stream.first_after(entry.number) };
        let passed = (Seen { damaged: true, ..Seen::listed(*entry) }, named.to);
        let planned = passes(entry, self.options.proof) * entry.len_bytes.div_ceil(RANGE_BYTES);
        let metadata = match chain::own(stream, entry, head.as_ref()) {
            Ok(metadata) if entry.len_bytes > 0 => metadata,
            other => {
                pipeline.skip(planned);
                self.leave_out(other.err().map_or_else(|| empty(stream, entry), |finding| *finding))?;
                return Ok(passed);
            }
        };
        if let Some(before) = before.filter(|before| entry.number - before.entry.number == 1) {
            let broken = chain::predecessor(stream, entry, metadata.previous, &[before]);
            // What else may be wrong there is the gap's or the predecessor's own.
            if let Some(broken) = broken.filter(|finding| finding.kind == FindingKind::BrokenChain) {
                self.leave_out(broken)?;
            }
        }
        let successor = following.and_then(|(following, head)| {
            let metadata = chain::own(stream, following, head.as_ref()).ok()?;
            (following.number - entry.number == 1).then_some((following, metadata.previous))
        });
        let crc64nvme = head.and_then(|head| head.crc64nvme);
        let object = Described { entry, metadata: &metadata, crc64nvme };
        let next = Next { object, successor, named };
        match self.options.proof {
            Proof::BeforeWriting => self.prove_then_write(pipeline, &next, passed),
            Proof::WhileWriting => self.write_and_prove(pipeline, &next),
        }
    }

    fn prove_then_write(
        &mut self,
        pipeline: &mut Pipeline<'_>,
        next: &Next<'_>,
        passed: (Seen, Option<u64>),
    ) -> Result<(Seen, Option<u64>), ReadError> {
        let Described { entry, .. } = next.object;
        let once = passes(entry, Proof::BeforeWriting) == 1;
        let proof = Pass { hold: once, ..Pass::PROOF };
        let mut examined = self.examiner.fetched(pipeline, next.object, proof, &mut io::sink())?;
        let problem = self.problem(&mut examined, next);
        let again = if once { 0 } else { entry.len_bytes.div_ceil(RANGE_BYTES) };
        if let Some(problem) = problem {
            pipeline.skip(again);
            self.leave_out(problem)?;
            return Ok(passed);
        }
        let seen = examined.seen(*entry);
        let end = end_of(&seen, next);
        let Some(cut) = self.cut(next, end)? else {
            pipeline.skip(again);
            return Ok((seen, end));
        };
        let pass = Pass { cut, stop_after_cut: !cut.is_whole(), hold: false };
        let mut written = match examined.stored.and_then(|stored| stored.held) {
            Some(held) => self.examiner.held(&held, next.object, pass, self.out)?,
            None => self.examiner.fetched(pipeline, next.object, pass, self.out)?,
        };
        self.wrote(&written.scanned, next, end);
        let second = written.problem.take().or_else(|| {
            let differs = written.stored.is_some_and(|stored| Some(stored.crc64nvme) != seen.crc64nvme);
            let text = "gave other bytes when it was read again";
            differs.then(|| Finding::on(FindingKind::Changed, self.stream, entry, text).certain())
        });
        match second {
            Some(problem) => self.stop(problem),
            None => Ok((seen, end)),
        }
    }

    fn write_and_prove(
        &mut self,
        pipeline: &mut Pipeline<'_>,
        next: &Next<'_>,
    ) -> Result<(Seen, Option<u64>), ReadError> {
        let Some(cut) = self.cut(next, next.named.to)? else {
            pipeline.skip(next.object.entry.len_bytes.div_ceil(RANGE_BYTES));
            return Ok((Seen::listed(*next.object.entry), next.named.to));
        };
        let pass = Pass { cut, stop_after_cut: cut.end.is_some(), hold: false };
        let mut examined = self.examiner.fetched(pipeline, next.object, pass, self.out)?;
        let problem = self.problem(&mut examined, next);
        let seen = examined.seen(*next.object.entry);
        let end = end_of(&seen, next);
        self.wrote(&examined.scanned, next, end);
        match problem {
            Some(problem) => self.stop(problem),
            None => Ok((seen, end)),
        }
    }

    /// What is wrong with an object, by itself or by what its successor says of it.
    fn problem(&self, examined: &mut Examined, next: &Next<'_>) -> Option<Finding> {
        let entry = next.object.entry;
        if let Some(problem) = examined.problem.take() {
            return Some(problem);
        }
        examined.stored.as_ref()?;
        if let Some(finding) = chain::recovered(self.stream, &examined.seen(*entry)) {
            return Some(finding);
        }
        let (successor, said) = next.successor?;
        let finding = chain::predecessor(self.stream, successor, said, &[examined.seen(*entry)])?;
        (finding.numbers.first == entry.number).then_some(finding)
    }

    /// Which of an object's entries to write; `None` when it holds none of those asked for.
    fn cut(&self, next: &Next<'_>, end: Option<u64>) -> Result<Option<Cut>, ReadError> {
        let Described { entry, metadata, .. } = next.object;
        let held = Sequences { from: entry.first, to: end };
        if held.and(self.sequences).is_empty() {
            return Ok(None);
        }
        let skip = self.sequences.from.saturating_sub(entry.first);
        let cut_end = match (self.sequences.to, end) {
            (Some(to), Some(end)) if to >= end => None,
            (to, _) => to.map(|to| to.saturating_sub(entry.first)),
        };
        let cut = Cut { skip, end: cut_end };
        if !cut.is_whole() && self.examiner.delimiter(metadata).is_empty() {
            return Err(ReadError::NoDelimiter { key: escaped(&self.stream.key(entry)).into_owned() });
        }
        Ok(Some(cut))
    }

    fn wrote(&mut self, scanned: &Scanned, next: &Next<'_>, end: Option<u64>) {
        let Described { entry, metadata, .. } = next.object;
        let entries = if self.examiner.delimiter(metadata).is_empty() {
            end.map_or(0, |end| end.saturating_sub(entry.first))
        } else {
            scanned.written_entries
        };
        self.summary.entries += entries;
        self.summary.bytes += scanned.written_bytes;
        self.summary.objects += 1;
    }

    /// Leaves out what is missing or damaged, if that is wanted, and tells of it; else stops.
    fn leave_out(&mut self, finding: Finding) -> Result<(), ReadError> {
        if !self.options.go_on {
            return self.stop(finding);
        }
        if self.summary.findings.len() < FINDINGS_MAX {
            self.summary.findings.push(finding);
        } else {
            self.summary.findings_left_out += 1;
        }
        Ok(())
    }

    fn stop<T>(&mut self, finding: Finding) -> Result<T, ReadError> {
        // What was written before is to arrive; that it couldn't is told when nothing else is wrong.
        let _ = self.out.flush();
        let (finding, written) = (Box::new(finding), Box::new(std::mem::take(self.summary)));
        Err(ReadError::NotWhole { finding, written })
    }
}

/// The sequence number after an object: as counted, or as its successor says.
fn end_of(seen: &Seen, next: &Next<'_>) -> Option<u64> {
    let said = next.successor.and_then(|(_, said)| said).map(|said| said.entries);
    seen.entries.or(said).map(|entries| seen.entry.first.saturating_add(entries))
}

/// How often an object is fetched.
fn passes(entry: &Entry, proof: Proof) -> u64 {
    if proof == Proof::BeforeWriting && entry.len_bytes > HELD_BYTES { 2 } else { 1 }
}

/// The questions in the order of the walk: each object's successor is described before the object is read.
fn jobs(stream: &Stream, range: Range<usize>, proof: Proof) -> impl Iterator<Item = Job> + '_ {
    let first = (!range.is_empty()).then_some(Job::Head(range.start));
    first.into_iter().chain(range.flat_map(move |at| {
        let entry = stream.entries().get(at);
        let successor = (at + 1 < stream.entries().len()).then_some(Job::Head(at + 1));
        let (len_bytes, passes) = entry.map_or((0, 0), |entry| (entry.len_bytes, passes(entry, proof)));
        successor.into_iter().chain((0..passes).flat_map(move |_| ranges(at, len_bytes)))
    }))
}
