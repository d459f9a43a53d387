//! `ls`: the objects, the entries they hold, and what is wrong with their row, in its place.

use std::collections::VecDeque;
use std::time::UNIX_EPOCH;

use s3_journal::read::{Depth, Finding, Object, Stream, VerifyOptions, escaped};
use serde::Serialize;

use super::{selection, store};
use crate::exit::{Exit, Failure};
use crate::flags::read::{LsFlags, RangeFlags};
use crate::human;
use crate::output::{Flow, Output};

/// Runs it.
///
/// # Errors
/// What is told, and the exit status.
pub fn run(flags: &LsFlags, output: &mut Output) -> Result<Exit, Failure> {
    let selection = selection::of(&flags.journals, flags.range)?;
    store::check_directory(&flags.store)?;
    let reader = store::reader(&flags.store)?;
    let failed = |error| store::read_failure(&error);
    let report =
        reader.verify(&selection, Depth::Listing, VerifyOptions::default(), &mut |_| {}).map_err(failed)?;
    let listing = reader.list(&selection).map_err(failed)?;
    for stream in listing.streams() {
        let of_stream = |finding: &&Finding| {
            finding.id == stream.id().as_str() && finding.incarnation == stream.incarnation().as_str()
        };
        let findings = report.findings.iter().filter(of_stream).collect();
        if list(stream, findings, flags, output)? == Flow::Gone {
            return Ok(Exit::Done);
        }
    }
    output.finish()?;
    Ok(Exit::Done)
}

/// One stream's objects and findings, by number.
fn list(
    stream: &Stream,
    mut findings: VecDeque<&Finding>,
    flags: &LsFlags,
    output: &mut Output,
) -> Result<Flow, Failure> {
    if !flags.json {
        let heading = format!("{} {}", stream.id(), stream.incarnation());
        if output.line(&heading)? == Flow::Gone {
            return Ok(Flow::Gone);
        }
    }
    let mut objects = stream.objects().peekable();
    while let Some(object) = objects.next() {
        // Objects of one number are a fork; all of them end where the next number begins.
        let next = objects.peek().filter(|next| next.name.number == object.name.number.saturating_add(1));
        let named = object.recovered_entries.map(|entries| object.name.first.saturating_add(entries));
        let last = named.or(next.map(|next| next.name.first)).and_then(|end| end.checked_sub(1));
        if !is_wanted(flags.range, object.name.first, last) {
            continue;
        }
        while let Some(finding) = findings.pop_front_if(|finding| finding.numbers.first < object.name.number)
        {
            if tell_finding(finding, flags.json, output)? == Flow::Gone {
                return Ok(Flow::Gone);
            }
        }
        if tell_object(&object, last, flags.json, output)? == Flow::Gone {
            return Ok(Flow::Gone);
        }
    }
    for finding in findings {
        if tell_finding(finding, flags.json, output)? == Flow::Gone {
            return Ok(Flow::Gone);
        }
    }
    Ok(Flow::On)
}

/// Whether an object may hold one of the entries asked for.
fn is_wanted(range: RangeFlags, first: u64, last: Option<u64>) -> bool {
    range.until.is_none_or(|until| first < until) && last.is_none_or(|last| last >= range.from.unwrap_or(0))
}

/// An object, for programs.
#[derive(Debug, Serialize)]
struct ObjectLine<'o> {
    id: &'o str,
    incarnation: &'o str,
    number: u64,
    first: u64,
    last: Option<u64>,
    bytes: u64,
    modified_unix_seconds: Option<u64>,
    key: &'o str,
}

/// A finding, for programs.
#[derive(Debug, Serialize)]
struct FindingLine<'f> {
    finding: &'static str,
    #[serde(flatten)]
    detail: &'f Finding,
}

fn tell_object(object: &Object, last: Option<u64>, json: bool, output: &mut Output) -> Result<Flow, Failure> {
    let name = &object.name;
    if json {
        let modified = object.modified.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        return output.json(&ObjectLine {
            id: name.id.as_str(),
            incarnation: name.incarnation.as_str(),
            number: name.number,
            first: name.first,
            last,
            bytes: object.len_bytes,
            modified_unix_seconds: modified.map(|since| since.as_secs()),
            key: &object.key,
        });
    }
    let last = last.map_or_else(|| "?".to_owned(), |last| last.to_string());
    let entries = format!("{}..{last}", name.first);
    output.line(&format!(
        "{:>8}  {entries:>25}  {:>9}  {}",
        name.number,
        human::bytes(object.len_bytes),
        escaped(&object.key)
    ))
}

fn tell_finding(finding: &Finding, json: bool, output: &mut Output) -> Result<Flow, Failure> {
    if json {
        return output.json(&FindingLine { finding: finding.kind.name(), detail: finding });
    }
    output.line(&format!("{:>8}  {}", "!", escaped(&finding.text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_wanted_if_it_may_hold_an_entry_that_is() {
        let range = |from, until| RangeFlags { from, until };
        assert!(is_wanted(range(None, None), 5, None));
        assert!(is_wanted(range(Some(9), None), 0, Some(9)));
        assert!(!is_wanted(range(Some(10), None), 0, Some(9)));
        assert!(is_wanted(range(Some(10), None), 0, None), "where it ends isn't known");
        assert!(!is_wanted(range(None, Some(5)), 5, Some(9)));
        assert!(is_wanted(range(None, Some(6)), 5, Some(9)));
    }
}
