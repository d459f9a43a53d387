//! What a bare listing proves: gaps, forks, doubles and misfits in one stream's names. Pure.

use super::chain::doubled;
use super::findings::{FINDING_KEYS_MAX, Finding, FindingKind, Findings, Numbers};
use super::listing::{Entry, Stream};
use super::{Sequences, escaped, shards};

/// Checks the names of a stream. What is missing is as exact as names are: one object's entries end where the next one's
/// begin.
pub(super) fn check(stream: &Stream, allow_missing_start: bool, findings: &mut Findings) {
    let mut before: &[Entry] = &[];
    for group in stream.entries().chunk_by(|one, two| one.number == two.number) {
        if before.is_empty() {
            start(stream, group, allow_missing_start, findings);
        } else {
            between(stream, before, group, findings);
        }
        if let Some(several) = several(stream, group) {
            add_to_row(stream, several, findings);
        }
        for entry in group.iter().filter(|entry| entry.len_bytes == 0) {
            findings.push(empty(stream, entry));
        }
        for entry in group.iter().filter(|entry| entry.is_torn) {
            let text =
                "is torn: its recovery hasn't come to its end; run `s3-journal recover --complete` again";
            findings.push(Finding::on(FindingKind::Torn, stream, entry, text));
        }
        before = group;
    }
    wrong_shards(stream, findings);
}

/// The begin of the stream, if it isn't there.
fn start(stream: &Stream, group: &[Entry], allow_missing_start: bool, findings: &mut Findings) {
    let Some((number, first)) = lowest(group) else { return };
    if number == 0 && first > 0 {
        findings.push(left_out(stream, group, Sequences::new(0, first)));
    } else if number > 0 && !allow_missing_start {
        findings.push(missing_start(stream, number, first));
    }
}

/// An object of no bytes.
pub(super) fn empty(stream: &Stream, entry: &Entry) -> Finding {
    Finding::on(FindingKind::EmptyObject, stream, entry, "is empty; a journal writes no empty objects")
        .certain()
}

/// The gap at the begin of a stream whose first object has this number and first entry.
pub(super) fn missing_start(stream: &Stream, number: u64, first: u64) -> Finding {
    let numbers = Numbers { first: 0, last: number.saturating_sub(1) };
    let missing = Sequences::new(0, first);
    let text = format!("the start is missing: {numbers}, with {missing}; it was deleted or has expired");
    Finding::about(FindingKind::MissingStart, stream, numbers, text).exactly(missing)
}

/// Objects missing before those of `group`; the entries are among, or exactly, `missing`.
pub(super) fn missing_objects(
    stream: &Stream,
    last_seen: u64,
    group: &[Entry],
    missing: Sequences,
    exact: bool,
) -> Finding {
    let next = group.first();
    let numbers = Numbers {
        first: last_seen.saturating_add(1),
        last: next.map_or(u64::MAX, |entry| entry.number.saturating_sub(1)),
    };
    let (verb, among) = if numbers.first == numbers.last { ("is", "") } else { ("are", "") };
    let among = if exact { among } else { "some of " };
    let before = next.map(|entry| stream.key(entry)).unwrap_or_default();
    let text = format!("{numbers} {verb} missing before {}, with {among}{missing}", escaped(&before));
    let finding = Finding::about(FindingKind::MissingObjects, stream, numbers, text).keys([before]);
    if exact { finding.exactly(missing) } else { finding.within(missing) }
}

/// Entries missing right before an object, though no object is.
pub(super) fn left_out(stream: &Stream, group: &[Entry], missing: Sequences) -> Finding {
    let number = group.first().map_or(0, |entry| entry.number);
    let key = group.first().map(|entry| stream.key(entry)).unwrap_or_default();
    let text = format!(
        "{missing} are missing right before object {number} ({}): the journal left them out, as after a quarantine",
        escaped(&key)
    );
    Finding::about(FindingKind::MissingEntries, stream, Numbers { first: number, last: number }, text)
        .keys([key])
        .exactly(missing)
}

fn between(stream: &Stream, before: &[Entry], group: &[Entry], findings: &mut Findings) {
    let (Some((number_before, first_before)), Some((number, first))) = (lowest(before), lowest(group)) else {
        return;
    };
    let step = number - number_before;
    if let [recovered] = before
        && let Some(entries) = stream.recovered_entries(recovered)
    {
        return after_recovered(stream, recovered, entries, group, findings);
    }
    // Each object holds one entry at least.
    if step > 1 && first > first_before {
        let missing = Sequences::new(first_before.saturating_add(1), first);
        findings.push(missing_objects(stream, number_before, group, missing, false));
    }
    for entry in group {
        if entry.first.checked_sub(first_before).is_none_or(|entries| entries < step) {
            let text = format!(
                "begins with entry {} and object {number_before} begins with entry {first_before}: there is no room for \
                 the entries between",
                entry.first
            );
            findings.push(Finding::on(FindingKind::OutOfOrder, stream, entry, text));
        }
    }
}

/// What follows a recovered object, whose name says where it ends.
fn after_recovered(
    stream: &Stream,
    recovered: &Entry,
    entries: u64,
    group: &[Entry],
    findings: &mut Findings,
) {
    let Some((number, first)) = lowest(group) else { return };
    let end = recovered.first.saturating_add(entries);
    let missing = Sequences::new(end, first);
    if number - recovered.number > 1 {
        findings.push(missing_objects(stream, recovered.number, group, missing, true));
    } else if end < first {
        findings.push(left_out(stream, group, missing));
    }
    for entry in group.iter().filter(|entry| entry.first < end) {
        findings.push(doubled(stream, entry, end));
    }
}

/// Several objects of one number.
pub(super) fn several(stream: &Stream, group: &[Entry]) -> Option<Finding> {
    let (number, first) = lowest(group).filter(|_| group.len() > 1)?;
    let same = group.windows(2).all(|pair| match pair {
        [one, two] => (one.run, one.first) == (two.run, two.first),
        _ => true,
    });
    let kind = if same { FindingKind::DuplicateObject } else { FindingKind::Fork };
    let finding = Finding::about(kind, stream, Numbers { first: number, last: number }, String::new())
        .keys(group.iter().map(|entry| stream.key(entry)))
        .within(Sequences { from: first, to: stream.first_after(number) });
    let text = several_text(&finding);
    let finding = Finding { text, ..finding };
    // What lies twice under one name is doubled exactly; a fork's branches may differ.
    Some(if same { finding.certain() } else { finding })
}

/// One finding for a row of such numbers.
fn add_to_row(stream: &Stream, several: Finding, findings: &mut Findings) {
    let number = several.numbers.last;
    let row = number.checked_sub(1).and_then(|before| findings.ending_at(several.kind, before));
    let Some(row) = row else {
        findings.push(several);
        return;
    };
    row.numbers.last = number;
    let room = FINDING_KEYS_MAX.saturating_sub(row.keys.len());
    row.keys.extend(several.keys.into_iter().take(room));
    let from = row.sequences.map_or(0, |sequences| sequences.from);
    row.sequences = Some(Sequences { from, to: stream.first_after(number) });
    row.exact &= several.exact;
    row.text = several_text(row);
}

fn several_text(finding: &Finding) -> String {
    let Finding { kind, numbers, sequences, keys, .. } = finding;
    let sequences = sequences.unwrap_or(Sequences::ALL);
    let mut keys = keys.iter().map(|key| escaped(key));
    let (one, two) = (keys.next().unwrap_or_default(), keys.next().unwrap_or_default());
    if *kind == FindingKind::Fork {
        format!(
            "{numbers}, with {sequences}, were written by different runs: a local directory was copied or restored; \
             compare {one} with {two}"
        )
    } else {
        format!("{numbers}, with {sequences}, lie under several keys; compare {one} with {two}")
    }
}

fn wrong_shards(stream: &Stream, findings: &mut Findings) {
    let objects: Vec<(u64, Option<u8>)> =
        stream.entries().iter().map(|entry| (entry.number, stream.shard(entry))).collect();
    for (at, shards) in shards::misplaced(&objects) {
        let Some(entry) = stream.entries().get(at) else { continue };
        let text = format!("isn't in the directory of its shard, of {shards}; nothing is missing");
        findings.push(Finding::on(FindingKind::WrongShard, stream, entry, text).of_no_entries());
    }
}

/// A group's number and the lowest first entry.
fn lowest(group: &[Entry]) -> Option<(u64, u64)> {
    group.iter().map(|entry| (entry.number, entry.first)).min()
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
