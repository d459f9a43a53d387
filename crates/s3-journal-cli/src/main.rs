//! The program `s3-journal`: lines in, objects in a bucket out, exactly once and in order.
//!
//! It reads the command line ([`flags`]), carries one command out ([`commands`]), and ends with one of the statuses of
//! [`exit`]. All that a journal does is the library's.

mod clock;
mod commands;
mod credentials;
mod exit;
mod files;
mod flags;
mod human;
mod input;
mod log;
mod output;
mod parked;
mod paths;
mod progress;
mod receipts;
mod signals;
mod summary;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::exit::{Exit, Failure};
use crate::terminal::{Level, say};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match run(arguments) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if !failure.message.is_empty() {
                say(Level::Error, &failure.message);
            }
            failure.exit.into()
        }
    }
}

fn run(arguments: Vec<OsString>) -> Result<Exit, Failure> {
    flags::refuse_secret(&arguments)?;
    let cli = match flags::parse(arguments) {
        Ok(cli) => cli,
        Err(error) => return tell_clap(&error),
    };
    if cli.log.quiet && cli.log.verbose > 0 {
        return Err(Failure::usage("options --quiet and --verbose contradict each other; leave one out"));
    }
    log::start(&cli.log);
    commands::run(cli)
}

/// Prints what clap has to say: help and version, which succeed, or what is wrong with the command line.
fn tell_clap(error: &clap::Error) -> Result<Exit, Failure> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let mut output = output::Output::standard();
            output.line(error.render().to_string().trim_end())?;
            output.finish()?;
            Ok(Exit::Done)
        }
        _ => {
            // It repeats what was typed, which may hold anything.
            terminal::write_stderr(terminal::escaped_lines(&error.render().to_string()).as_bytes());
            Ok(Exit::Usage)
        }
    }
}
