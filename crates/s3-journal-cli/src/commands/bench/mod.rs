//! `bench`: what the disk, the store and each compressor do here, measured one after the other, and which of them would hold
//! a `write` up. It makes no journal, touches none, and leaves nothing behind, or says what.

mod compressors;
mod disk;
mod limits;
pub mod report;
pub mod sample;
pub mod scratch;
mod store;
pub mod times;

use std::path::PathBuf;

use s3_journal::durable_queue::random::{Random, SystemRandom};

use self::limits::Limits;
use self::report::{Report, SampleFigures};
use self::sample::Sample;
use self::scratch::Scratch;
use self::store::{Store, StoreFigures, Upload};
use super::store as opening;
use crate::exit::{Exit, Failure};
use crate::flags::bench::BenchFlags;
use crate::output::{Flow, Output};
use crate::paths;
use crate::signals;
use crate::terminal::{Level, say, stderr_is_terminal};

/// Something that couldn't be removed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// What, and where.
    pub what: String,
    /// Why not.
    pub why: String,
}

/// Runs it.
///
/// # Errors
/// What is told, and the exit status.
pub fn run(flags: &BenchFlags, quiet: bool, output: &mut Output) -> Result<Exit, Failure> {
    let limits = Limits::of(flags)?;
    let directory = paths::local_directory(flags.local_directory.as_deref(), flags.id.as_deref())?;
    let (bucket, prefix) = opening::options_for_trials(&flags.store, &flags.stored)?
        .open_bucket()
        .map_err(|error| opening::open_failure(&error))?;
    opening::say_limits(bucket.as_ref());
    let upload = Upload::of(flags, bucket.as_ref())?;
    let sample = sample::of(flags.sample.as_deref())?;
    let name = unique_name("bench")?;
    let slash = if prefix.is_empty() { "" } else { "/" };
    let bench = Bench {
        store_name: format!("{}{slash}{prefix}", bucket.name()),
        store: Store::new(bucket, format!("{prefix}{slash}{name}"))?,
        scratch: Scratch::make(&directory, &name)?,
        directory,
        shows_progress: !quiet && stderr_is_terminal(),
        upload,
        limits,
    };
    // From here on everything that was made is removed, whatever happens.
    let mut left = Vec::new();
    let found = bench.listen().and_then(|()| bench.measure(&sample, &mut left));
    left.extend(bench.scratch.remove().err());
    for Leftover { what, why } in &left {
        say(Level::Warn, &format!("{what} couldn't be removed: {why}; remove it by hand"));
    }
    if bench.limits.is_stopped() {
        let stays = if left.is_empty() { "; nothing of it is left behind" } else { "" };
        return Err(Failure::new(Exit::Unexpected, format!("stopped by a signal{stays}")));
    }
    tell(&found?.with(left), flags.json, output)
}

fn tell(report: &Report, json: bool, output: &mut Output) -> Result<Exit, Failure> {
    if json {
        output.json(&report.for_programs())?;
    } else {
        for line in report.lines() {
            if output.line(&line)? == Flow::Gone {
                return Ok(Exit::Done);
            }
        }
    }
    output.finish()?;
    Ok(Exit::Done)
}

/// What is measured, and with what.
struct Bench {
    store: Store,
    /// The bucket and the prefix.
    store_name: String,
    directory: PathBuf,
    scratch: Scratch,
    upload: Upload,
    limits: Limits,
    shows_progress: bool,
}

impl Bench {
    /// Stops at the first signal, once what was written is removed; at the second at once.
    fn listen(&self) -> Result<(), Failure> {
        let limits = self.limits.clone();
        let scratch = self.scratch.path().display().to_string();
        let object = self.store.place();
        let on_signal = move |name: &'static str| {
            if limits.stop() {
                let line = format!("{name}: what was written is removed; a second signal leaves at once");
                say(Level::Info, &line);
                return true;
            }
            let line = format!(
                "stopped by a second signal; these may be left, remove them by hand: the directory {scratch}, \
                 the object {object}, an open upload of it"
            );
            say(Level::Error, &line);
            std::process::exit(i32::from(Exit::Unexpected.code()))
        };
        signals::listen(on_signal).map_err(|error| {
            Failure::caused(Exit::Unexpected, "the operating system refuses a thread", &error)
        })
    }

    /// First what is refused soonest; the parts after the disk, since a store on this machine writes on when it has
    /// answered.
    fn measure(&self, sample: &Sample, left: &mut Vec<Leftover>) -> Result<Report, Failure> {
        let Self { upload, limits, .. } = self;
        self.progress("how the store answers");
        let times = self.store.put(limits, left)?;
        self.progress("the disk");
        let disk = disk::measure(&self.directory, self.scratch.path(), limits)?;
        self.progress("what the store takes");
        let sent = self.store.send(*upload, limits, left)?;
        self.progress("the compressors");
        let compressors = compressors::measure(&sample.bytes, limits)?;
        let store = StoreFigures::of(&self.store_name, &times, *upload, sent);
        let sample = SampleFigures { bytes: sample.bytes.len(), is_made_up: sample.is_made_up };
        Ok(Report { disk, store, sample, compressors, left_behind: Vec::new() })
    }

    fn progress(&self, what: &str) {
        if self.shows_progress && !self.limits.is_stopped() {
            say(Level::Info, &format!("measuring {what} ..."));
        }
    }
}

/// A name that nothing else has, with the command that makes it.
///
/// # Errors
/// The operating system has no random numbers.
pub fn unique_name(command: &str) -> Result<String, Failure> {
    let number = SystemRandom.next_u64();
    let number = number.map_err(|error| {
        Failure::caused(Exit::Unexpected, "the operating system has no random numbers", &error)
    })?;
    Ok(format!("s3-journal-{command}-{number:016x}"))
}
