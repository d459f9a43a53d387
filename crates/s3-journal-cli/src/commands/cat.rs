//! `cat`: the entries back, in order, to standard output.

use std::io;

use s3_journal::read::CatOptions;

use super::{selection, store};
use crate::exit::{Exit, Failure};
use crate::flags::read::CatFlags;
use crate::human;
use crate::terminal::{Level, say};

/// Runs it.
///
/// # Errors
/// What is told, and the exit status.
pub fn run(flags: &CatFlags) -> Result<Exit, Failure> {
    let selection = selection::of(&flags.journals, flags.range)?;
    store::check_directory(&flags.store)?;
    let reader = store::reader(&flags.store)?;
    let options = CatOptions {
        go_on: flags.go_on,
        allow_missing_start: flags.allow_missing_start,
        ..CatOptions::default()
    };
    let mut out = io::BufWriter::with_capacity(64 << 10, io::stdout().lock());
    let summary = match reader.cat(&selection, &mut out, options) {
        Ok(summary) => summary,
        Err(error) => {
            let failure = store::read_failure(&error);
            return if failure.exit == Exit::Done { Ok(Exit::Done) } else { Err(failure) };
        }
    };
    if summary.findings.is_empty() && summary.findings_left_out == 0 {
        return Ok(Exit::Done);
    }
    for finding in &summary.findings {
        say(Level::Warn, &finding.to_string());
    }
    let findings = summary.findings.len() as u64 + summary.findings_left_out;
    let found = human::counted(findings, "thing is", "things are");
    Err(Failure::new(Exit::Data, format!("{found} wrong with what was asked for, and left out")))
}
