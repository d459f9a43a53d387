//! `recover`: what machines left behind that are gone; told, and, when asked for, brought back or given up.

use std::time::Duration;

use s3_journal::read::{ReadErrorKind, escaped};
use s3_journal::recover::{
    RecoverAction, RecoverError, RecoverItem, RecoverOptions, RecoverTotals, Recoverer,
};
use serde::Serialize;

use super::{selection, store};
use crate::exit::{Exit, Failure, causes};
use crate::flags::read::RangeFlags;
use crate::flags::recover::RecoverFlags;
use crate::human::{self, Time};
use crate::output::{Flow, Output};

/// Below this age somebody must say whose directory is gone: a machine that lives may be silent for so long.
const SURE_AGE: Duration = Duration::from_mins(10);

/// Runs it.
///
/// # Errors
/// What is told, and the exit status.
pub fn run(flags: &RecoverFlags, output: &mut Output) -> Result<Exit, Failure> {
    let chosen = selection::of(&flags.journals, RangeFlags { from: None, until: None })?;
    let Time(older_than) = flags.older_than;
    let acts = flags.complete || flags.abort;
    if acts && older_than < SURE_AGE && chosen.incarnation.is_none() {
        return Err(Failure::usage(format!(
            "option --older-than is {}: with --complete or --abort, less than {} needs --incarnation, to say which local \
             directory is gone; a machine that lives may be silent for so long",
            flags.older_than,
            Time(SURE_AGE)
        )));
    }
    store::check_directory(&flags.store)?;
    let (bucket, prefix) = store::options_for_objects(&flags.store, &flags.stored)?
        .open_bucket()
        .map_err(|error| store::open_failure(&error))?;
    store::say_limits(bucket.as_ref());
    let recoverer = Recoverer::new(bucket, &prefix).map_err(|error| {
        Failure::caused(Exit::Unexpected, "the operating system refuses a thread", &error)
    })?;
    let options = RecoverOptions {
        id: chosen.id,
        incarnation: chosen.incarnation,
        older_than,
        complete: flags.complete,
        abort: flags.abort,
        ..RecoverOptions::default()
    };
    let mut told: Result<Flow, Failure> = Ok(Flow::On);
    let totals = recoverer.run(&options, &mut |item| {
        // Who no longer reads doesn't end a recovery.
        if told == Ok(Flow::On) {
            told = tell(item, flags.json, output).and_then(|_| output.finish());
        }
    });
    let totals = totals.map_err(|error| failure(&error))?;
    told?;
    if flags.json {
        output.json(&TotalsLine { totals: &totals })?;
    } else {
        output.line(&verdict(&totals, acts))?;
    }
    output.finish()?;
    Ok(if totals.unreadable > 0 { Exit::Data } else { Exit::Done })
}

fn failure(error: &RecoverError) -> Failure {
    let exit = match error.kind() {
        ReadErrorKind::Forbidden => Exit::Denied,
        ReadErrorKind::Unreachable => Exit::Unreachable,
        _ => Exit::Unexpected,
    };
    Failure::new(exit, format!("{}; what was done until then stands, run it again to go on", causes(error)))
}

/// An object, for programs.
#[derive(Debug, Serialize)]
struct ItemLine<'i> {
    object: &'i RecoverItem,
}

/// All of them, for programs.
#[derive(Debug, Serialize)]
struct TotalsLine<'t> {
    totals: &'t RecoverTotals,
}

fn tell(item: &RecoverItem, json: bool, output: &mut Output) -> Result<Flow, Failure> {
    if json {
        return output.json(&ItemLine { object: item });
    }
    let mark = match item.action {
        RecoverAction::Recovered => "+",
        RecoverAction::Unreadable => "!",
        RecoverAction::Aborted | RecoverAction::NothingReadable => "-",
        _ => " ",
    };
    output.line(&format!("{mark} {}", escaped(&item.text)))?;
    for upload in &item.uploads {
        let age =
            upload.age_seconds.map(Duration::from_secs).map_or_else(|| "unknown".to_owned(), human::time);
        output.line(&format!(
            "    upload {}: age {age}, {} of {}",
            escaped(&upload.upload_id),
            human::counted(upload.parts, "part", "parts"),
            human::bytes(upload.stored_bytes)
        ))?;
    }
    Ok(Flow::On)
}

fn verdict(totals: &RecoverTotals, acts: bool) -> String {
    if totals.found == 0 {
        return "there are no open uploads of a journal here, and no recovery to go on with".to_owned();
    }
    let found = human::counted(totals.found, "object", "objects");
    let living = human::count(totals.living);
    if acts {
        format!(
            "{found} with open uploads: {} recovered with {}, {} given up, {living} in use, {} unreadable",
            human::count(totals.recovered),
            human::counted(totals.recovered_entries, "entry", "entries"),
            human::counted(totals.aborted_uploads, "upload", "uploads"),
            human::count(totals.unreadable)
        )
    } else {
        let recoverable = human::count(totals.recoverable);
        format!(
            "{found} with open uploads: {recoverable} can be recovered, {living} in use; nothing was done"
        )
    }
}
