//! The commands, one file each, and what they share: opening the store that the options name.

mod bench;
mod cat;
mod doctor;
mod local;
mod ls;
mod recover;
mod s3;
mod selection;
mod shell;
mod status;
mod store;
mod verify;
mod write;

use crate::exit::{Exit, Failure};
use crate::flags::{Cli, Command};
use crate::output::Output;

/// Carries a command out.
///
/// # Errors
/// What is told, and the exit status.
pub fn run(cli: Cli) -> Result<Exit, Failure> {
    let quiet = cli.log.quiet;
    match cli.command {
        Command::Write(flags) => write::run(&flags, quiet),
        Command::Cat(flags) => cat::run(&flags),
        Command::Ls(flags) => ls::run(&flags, &mut Output::standard()),
        Command::Verify(flags) => verify::run(&flags, quiet, &mut Output::standard()),
        Command::Recover(flags) => recover::run(&flags, &mut Output::standard()),
        Command::Status(flags) => status::run(&flags, &mut Output::standard()),
        Command::Doctor(flags) => doctor::run(&flags, quiet, &mut Output::standard()),
        Command::Bench(flags) => bench::run(&flags, quiet, &mut Output::standard()),
        Command::Completions(flags) => shell::completions(&flags, &mut Output::standard()),
        Command::Man(flags) => shell::man(&flags, &mut Output::standard()),
    }
}
