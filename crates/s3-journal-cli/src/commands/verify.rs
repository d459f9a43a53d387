//! `verify`: the proof that nothing is missing, doubled or damaged, or what is.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use s3_journal::read::{Depth, Report, StreamTotals, VerifyOptions, escaped};
use serde::Serialize;

use super::{selection, store};
use crate::exit::{Exit, Failure};
use crate::flags::read::VerifyFlags;
use crate::human;
use crate::output::{Flow, Output};
use crate::terminal;

/// Runs it.
///
/// # Errors
/// What is told, and the exit status.
pub fn run(flags: &VerifyFlags, quiet: bool, output: &mut Output) -> Result<Exit, Failure> {
    let selection = selection::of(&flags.journals, flags.range)?;
    let reader = store::reader(&flags.store)?;
    let (depth, depth_name) = match (flags.deep, flags.chain) {
        (true, _) => (Depth::Deep, "deep"),
        (false, true) => (Depth::Chain, "chain"),
        (false, false) => (Depth::Listing, "listing"),
    };
    let options =
        VerifyOptions { allow_missing_start: flags.allow_missing_start, ..VerifyOptions::default() };
    let bar = (!quiet && depth > Depth::Listing && terminal::stderr_is_terminal()).then(bar);
    let report = reader.verify(&selection, depth, options, &mut |progress| {
        if let Some(bar) = &bar {
            bar.set_length(progress.objects_total);
            bar.set_position(progress.checked.objects);
            bar.set_message(human::bytes(progress.checked.bytes));
        }
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let report = report.map_err(|error| store::read_failure(&error))?;
    tell(&report, depth_name, flags.json, output)?;
    Ok(if report.is_whole() { Exit::Done } else { Exit::Data })
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

fn tell(report: &Report, depth: &'static str, json: bool, output: &mut Output) -> Result<Flow, Failure> {
    if json {
        output.json(&ReportObject { whole: report.is_whole(), depth, report })?;
        return output.finish();
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
    output.line(&verdict(report, depth))?;
    output.finish()
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
