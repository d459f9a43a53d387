//! `doctor`: tries, one after the other, what a `write` needs of the store and of the local directory, and says of each how
//! it stands, what follows, and what to do. It makes no journal, touches none, and leaves nothing behind, or says what.

mod answer;
mod check;
mod directory;
mod mounts;
mod objects;
mod policy;
mod question;
mod report;
mod skew;
mod space;
mod stop;
mod store;
mod traces;
mod uploads;

use self::directory::Local;
use self::policy::Place;
use self::report::Report;
use self::stop::Stop;
use self::store::Store;
use super::bench::{Leftover, unique_name};
use super::store as opening;
use crate::exit::{Exit, Failure};
use crate::flags::doctor::DoctorFlags;
use crate::output::{Flow, Output};
use crate::signals;
use crate::terminal::{Level, say, stderr_is_terminal};

/// Runs it.
///
/// # Errors
/// What is told, and the exit status.
pub fn run(flags: &DoctorFlags, quiet: bool, output: &mut Output) -> Result<Exit, Failure> {
    let (bucket, prefix) = opening::options_for_trials(&flags.store, &flags.stored)?
        .open_bucket()
        .map_err(|error| opening::open_failure(&error))?;
    opening::say_limits(bucket.as_ref());
    let name = unique_name("doctor")?;
    let slash = if prefix.is_empty() { "" } else { "/" };
    let store_name = format!("{}{slash}{prefix}", bucket.name());
    let region = flags.store.region.clone().or_else(|| std::env::var("AWS_REGION").ok());
    let place =
        Place::of(&bucket.name(), &prefix, region.as_deref()).map(|place| place.for_objects(&flags.stored));
    let store = Store::new(bucket, format!("{prefix}{slash}{name}"))?;
    let local = flags.local_directory.as_deref().map(|directory| Local::prepare(directory, &name));
    // From here on everything that was made is removed, whatever happens.
    let (stop, mut left) = (Stop::default(), Vec::new());
    let listening = listen(&stop, &store, local.as_ref());
    let report = listening.map(|()| {
        let progress = |what: &str| {
            if !quiet && stderr_is_terminal() && !stop.is_stopped() {
                say(Level::Info, &format!("asking {what} ..."));
            }
        };
        progress("the store");
        let found = store.examine(&stop, &mut left);
        let report = Report::new(store_name, place.as_ref(), found.checks, found.figures);
        let Some(local) = &local else { return report };
        progress("the disk");
        report.with_directory(local.examine(&stop))
    });
    left.extend(local.and_then(|local| local.remove().err()));
    for Leftover { what, why } in &left {
        say(Level::Warn, &format!("{what} couldn't be removed: {why}; remove it by hand"));
    }
    if stop.is_stopped() {
        let stays = if left.is_empty() { "; nothing of it is left behind" } else { "" };
        return Err(Failure::new(Exit::Unexpected, format!("stopped by a signal{stays}")));
    }
    let report = report?.with_left(left.into_iter().map(|leftover| leftover.what).collect());
    tell(&report, flags.json, output)?;
    Ok(report.exit())
}

fn tell(report: &Report, json: bool, output: &mut Output) -> Result<(), Failure> {
    if json {
        output.json(report)?;
    } else {
        for line in report.lines() {
            if output.line(&line)? == Flow::Gone {
                return Ok(());
            }
        }
    }
    output.finish()?;
    Ok(())
}

/// Stops at the first signal, once what was written is removed; at the second at once.
fn listen(stop: &Stop, store: &Store, local: Option<&Local>) -> Result<(), Failure> {
    let stop = stop.clone();
    let object = store.place();
    let scratch = local
        .and_then(Local::scratch)
        .map_or_else(String::new, |scratch| format!("the directory {}, ", scratch.display()));
    let on_signal = move |name: &'static str| {
        if stop.stop() {
            let line = format!("{name}: what was written is removed; a second signal leaves at once");
            say(Level::Info, &line);
            return true;
        }
        let line = format!(
            "stopped by a second signal; these may be left, remove them by hand: {scratch}the object {object}, one whose \
             name goes on with -damaged, an open upload"
        );
        say(Level::Error, &line);
        std::process::exit(i32::from(Exit::Unexpected.code()))
    };
    signals::listen(on_signal)
        .map_err(|error| Failure::caused(Exit::Unexpected, "the operating system refuses a thread", &error))
}
