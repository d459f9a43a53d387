//! `write`: entries from standard input or files into the journal, and the end of it all: everything in the bucket, or
//! a clear word on what isn't.

mod ending;
pub(super) mod options;
mod run;
mod sink;

use std::sync::Arc;

use s3_journal::Journal;

use self::run::Run;
use self::sink::Shared;
use super::store;
use crate::exit::{Exit, Failure};
use crate::flags::write::{TimeOrNone, WriteFlags};
use crate::input::sources::Input;
use crate::output::Output;
use crate::terminal::{Level, say, stderr_is_terminal};

/// Runs it.
///
/// # Errors
/// What is told, and the exit status.
pub fn run(flags: &WriteFlags, quiet: bool) -> Result<Exit, Failure> {
    let inputs = Input::of_arguments(&flags.files);
    let (options, directory) = options::of(flags)?;
    for input in &inputs {
        input.check()?;
    }
    let started = crate::clock::now();
    let (bucket, _) = options.open_bucket().map_err(|error| store::open_failure(&error))?;
    let journal: Journal = s3_journal::journal(options).map_err(|error| store::open_failure(&error))?;
    if !quiet {
        store::say_limits(bucket.as_ref());
    }
    let has_latency = flags.queue.max_batch_latency != TimeOrNone::None;
    let shared = Shared { journal: Arc::new(journal), has_latency };
    let shows_progress = !quiet && stderr_is_terminal();
    let mut run = Run::new(shared, flags, directory, started, shows_progress)?;
    let result = run.carry_out(inputs);
    let summary = run.summary();
    if flags.input.json {
        let mut output = Output::standard();
        let told = output.json(&summary).and_then(|_| output.finish());
        // What the run itself failed with matters more.
        return result.and_then(|exit| told.map(|_| exit));
    }
    if shows_progress {
        say(Level::Info, &summary.line());
    }
    result
}
