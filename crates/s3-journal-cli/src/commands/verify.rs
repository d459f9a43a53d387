//! `verify`: the proof that nothing is missing, doubled or damaged, in the bucket or in a local directory, or what is.

use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use s3_journal::audit::{BesideOptions, LocalReport};
use s3_journal::object::{Id, Incarnation};
use s3_journal::read::{Depth, Period, Reader, Report, Selection, StreamTotals, VerifyOptions, escaped};
use serde::Serialize;

use super::{local, selection, store};
use crate::exit::{Exit, Failure};
use crate::flags::read::VerifyFlags;
use crate::human::{self, Moment};
use crate::output::{Flow, Output};
use crate::terminal;

/// Runs it.
///
/// # Errors
/// What is told, and the exit status.
pub fn run(flags: &VerifyFlags, quiet: bool, output: &mut Output) -> Result<Exit, Failure> {
    check(flags)?;
    let has_bucket = flags.store.to.is_some() || flags.store.s3_bucket.is_some();
    let whole = match &flags.local {
        None => {
            let proof = Proof::new(flags)?;
            // Beside a local directory nothing need be there yet.
            store::check_directory(&flags.store)?;
            let report = proof.report(flags, quiet)?;
            tell(&report, proof.depth_name, flags.json, output)?;
            report.is_whole()
        }
        Some(directory) if has_bucket => both(flags, directory, quiet, output)?,
        Some(directory) => {
            let report = local::report(directory)?;
            if flags.json {
                output.json(&LocalObject { whole: report.is_whole(), local: &report })?;
            } else {
                local::tell(&report, false, output)?;
            }
            report.is_whole()
        }
    };
    output.finish()?;
    Ok(if whole { Exit::Done } else { Exit::Data })
}

/// Refuses what means nothing.
fn check(flags: &VerifyFlags) -> Result<(), Failure> {
    if let Some(shard) = flags.shard.filter(|shard| !matches!(shard, '0'..='9' | 'a'..='z')) {
        return Err(Failure::usage(format!(
            "option --shard is {shard:?}: a shard is one of 0 to 9 and a to z"
        )));
    }
    if let (Some(from), Some(until)) = (flags.from_time, flags.until_time)
        && until <= from
    {
        return Err(Failure::usage(
            "options --from-time and --until-time leave no time between them; give a later --until-time",
        ));
    }
    let is_bucketless = flags.store.to.is_none() && flags.store.s3_bucket.is_none();
    let of_bucket = [
        ("--id", flags.journals.id.is_some()),
        ("--incarnation", flags.journals.incarnation.is_some()),
        ("--from", flags.range.from.is_some()),
        ("--until", flags.range.until.is_some()),
        ("--from-time", flags.from_time.is_some()),
        ("--until-time", flags.until_time.is_some()),
        ("--shard", flags.shard.is_some()),
        ("--chain", flags.chain),
        ("--deep", flags.deep),
        ("--allow-missing-start", flags.allow_missing_start),
    ];
    match of_bucket.iter().find(|(_, is_given)| *is_given) {
        // The id is often set for all commands by its variable.
        Some((name, _)) if is_bucketless && *name != "--id" => Err(Failure::usage(format!(
            "option {name} is about a bucket, and none is named; add --to, or leave {name} out"
        ))),
        _ => Ok(()),
    }
}

/// The directory and the bucket, and each against the other.
fn both(flags: &VerifyFlags, directory: &Path, quiet: bool, output: &mut Output) -> Result<bool, Failure> {
    let mut proof = Proof::new(flags)?;
    // Whose directory it is says which of the bucket's journals is looked at; then the order matters: see `hold_against`.
    let first_look = local::report(directory)?;
    proof.narrow_to(&first_look)?;
    let failed = |error| store::read_failure(&error);
    let everything = Selection { from: None, to: None, ..proof.selection.clone() };
    let listing = proof.reader.list(&everything).map_err(failed)?;
    let mut local = if first_look.held_by.is_some() { local::report(directory)? } else { first_look };
    let options = BesideOptions { deep: flags.deep, allow_missing_start: flags.allow_missing_start };
    local.hold_against(&proof.reader, &listing, options).map_err(failed)?;
    let bucket = proof.report(flags, quiet)?;
    let whole = bucket.is_whole() && local.is_whole();
    if flags.json {
        let depth = proof.depth_name;
        output.json(&BothObject { bucket: ReportObject { whole, depth, report: &bucket }, local: &local })?;
    } else {
        tell(&bucket, proof.depth_name, false, output)?;
        local::tell(&local, true, output)?;
    }
    Ok(whole)
}

/// What is to be proved of the bucket.
struct Proof {
    selection: Selection,
    reader: Reader,
    depth: Depth,
    depth_name: &'static str,
}

impl Proof {
    fn new(flags: &VerifyFlags) -> Result<Self, Failure> {
        let (depth, depth_name) = match (flags.deep, flags.chain) {
            (true, _) => (Depth::Deep, "deep"),
            (false, true) => (Depth::Chain, "chain"),
            (false, false) => (Depth::Listing, "listing"),
        };
        let selection = selection::of(&flags.journals, flags.range)?;
        Ok(Self { selection, reader: store::reader(&flags.store)?, depth, depth_name })
    }

    /// Only the directory's own journal.
    fn narrow_to(&mut self, local: &LocalReport) -> Result<(), Failure> {
        let unusable =
            || Failure::new(Exit::Data, "the local directory doesn't say whose it is: it is too damaged");
        let id = Id::new(local.id.clone()).map_err(|_| unusable())?;
        let incarnation = Incarnation::parse(&local.incarnation).ok_or_else(unusable)?;
        let other = |name: &str, wanted: &str, found: &str| {
            Failure::usage(format!(
                "option {name} is {wanted}, and the local directory is that of {found}; leave {name} out"
            ))
        };
        if let Some(wanted) = self.selection.id.as_ref().filter(|wanted| **wanted != id) {
            return Err(other("--id", wanted.as_str(), id.as_str()));
        }
        if let Some(wanted) = self.selection.incarnation.as_ref().filter(|wanted| **wanted != incarnation) {
            return Err(other("--incarnation", wanted.as_str(), incarnation.as_str()));
        }
        (self.selection.id, self.selection.incarnation) = (Some(id), Some(incarnation));
        Ok(())
    }

    fn report(&self, flags: &VerifyFlags, quiet: bool) -> Result<Report, Failure> {
        let options = VerifyOptions {
            allow_missing_start: flags.allow_missing_start,
            shard: flags.shard,
            period: Period {
                since: flags.from_time.map(|Moment(at)| at),
                until: flags.until_time.map(|Moment(at)| at),
            },
            ..VerifyOptions::default()
        };
        let bar = (!quiet && self.depth > Depth::Listing && terminal::stderr_is_terminal()).then(bar);
        let report = self.reader.verify(&self.selection, self.depth, options, &mut |progress| {
            if let Some(bar) = &bar {
                bar.set_length(progress.objects_total);
                bar.set_position(progress.checked.objects);
                bar.set_message(human::bytes(progress.checked.bytes));
            }
        });
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        report.map_err(|error| store::read_failure(&error))
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} of {len} objects  {msg}  {eta} left") {
        bar.set_style(style);
    }
    terminal::set_bar(&bar);
    bar
}

/// A report, for programs.
#[derive(Debug, Serialize)]
struct ReportObject<'r> {
    whole: bool,
    depth: &'static str,
    #[serde(flatten)]
    report: &'r Report,
}

/// A local directory's report, for programs.
#[derive(Debug, Serialize)]
struct LocalObject<'r> {
    whole: bool,
    local: &'r LocalReport,
}

/// Both, for programs: the bucket's with the directory's in it.
#[derive(Debug, Serialize)]
struct BothObject<'r> {
    #[serde(flatten)]
    bucket: ReportObject<'r>,
    local: &'r LocalReport,
}

fn tell(report: &Report, depth: &'static str, json: bool, output: &mut Output) -> Result<Flow, Failure> {
    if json {
        return output.json(&ReportObject { whole: report.is_whole(), depth, report });
    }
    for finding in &report.findings {
        if output.line(&escaped(&finding.to_string()))? == Flow::Gone {
            return Ok(Flow::Gone);
        }
    }
    if report.findings_left_out > 0 {
        output.line(&format!("... and {} more", human::count(report.findings_left_out)))?;
    }
    for stream in &report.streams {
        output.line(&totals(stream))?;
    }
    output.line(&verdict(report, depth))
}

fn totals(stream: &StreamTotals) -> String {
    let next = stream.next_sequence;
    let range = match (next, stream.entries) {
        (Some(next), _) => format!("entries {} to {}", stream.first_sequence, next.saturating_sub(1)),
        (None, _) => format!("entries from {} on", stream.first_sequence),
    };
    let counted =
        stream.entries.map(|entries| format!(", {} counted", human::count(entries))).unwrap_or_default();
    format!(
        "{} {}: {}, {}, {range}{counted}",
        stream.id,
        stream.incarnation,
        human::counted(stream.objects, "object", "objects"),
        human::bytes(stream.stored_bytes),
    )
}

fn verdict(report: &Report, depth: &str) -> String {
    if report.streams.is_empty() {
        return "there are no objects of a journal here".to_owned();
    }
    let looked = match depth {
        "listing" => "by the names alone; --chain asks each object, --deep reads every byte",
        "chain" => "by names and metadata; --deep reads every byte",
        _ => "by every byte",
    };
    if report.is_whole() {
        format!("whole: nothing is missing, doubled or damaged ({looked})")
    } else {
        let findings = report.findings.len() as u64 + report.findings_left_out;
        format!("not whole: {} ({looked})", human::counted(findings, "finding", "findings"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_place_is_not_called_whole() {
        assert_eq!(verdict(&Report::default(), "listing"), "there are no objects of a journal here");
    }
}
