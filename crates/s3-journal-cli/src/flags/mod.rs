//! The command line: each option once, with its environment twin and its help. Knows what is typed, not what is done
//! with it.

pub mod bench;
pub mod doctor;
pub mod log;
pub mod read;
pub mod recover;
pub mod shell;
pub mod status;
pub mod store;
pub mod stored;
pub mod way;
pub mod write;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::exit::{self, Failure};

/// Carries lines to S3, exactly once and in order, through crashes, power loss and outages.
#[derive(Debug, Parser)]
#[command(
    name = "s3-journal",
    version,
    long_about = "Carries lines to Amazon S3 (or any S3-compatible store), exactly once and in order, through crashes, \
                  power loss and outages.\n\n\
                  Lines are made durable on the local disk first and wait there for as long as the store can't be \
                  reached.",
    after_help = ending(),
    propagate_version = true
)]
pub struct Cli {
    /// What is logged.
    #[command(flatten)]
    pub log: log::LogFlags,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take lines from standard input or files, and carry them to the bucket
    Write(Box<write::WriteFlags>),
    /// Print the lines back, in order
    Cat(read::CatFlags),
    /// List the objects: their entries, sizes, and the gaps between them
    Ls(read::LsFlags),
    /// Prove that nothing is missing, doubled or damaged in the bucket, or in a local directory
    Verify(read::VerifyFlags),
    /// Bring back what machines that are gone had uploaded in part; says what it would do, unless told to do it
    Recover(recover::RecoverFlags),
    /// Say what a local directory holds and waits for; works offline, beside a running `write`
    Status(status::StatusFlags),
    /// Try what a `write` needs here: credentials, permissions, the store's abilities, clock and disk; says what to do next
    Doctor(doctor::DoctorFlags),
    /// Measure this machine's disk, the store and the compressors, and say which of them would hold a `write` up
    Bench(bench::BenchFlags),
    /// Print completions for a shell
    Completions(shell::CompletionsFlags),
    /// Print the manual page of the program or of a command, for `man -l -`
    Man(shell::ManFlags),
}

/// How every help ends.
fn ending() -> String {
    format!(
        "Environment:\n  Each option can be set by a variable of its name, too: --max-batch-size by \
         S3_JOURNAL_MAX_BATCH_SIZE.\n  The AWS_* variables mean what they mean everywhere.\n\n{}",
        exit::table()
    )
}

/// The command line as clap knows it. Helps name the environment's rule once instead of each variable.
pub fn command() -> clap::Command {
    Cli::command()
        .mut_args(|argument| argument.hide_env(true))
        .mut_subcommands(|command| with_place(command.mut_args(|argument| argument.hide_env(true))))
}

/// A command with a bucket needs one of the options that name it; all of them are told when none is given. `verify` can look
/// at the local directory without one.
fn with_place(command: clap::Command) -> clap::Command {
    let has = |name: &&str| command.get_arguments().any(|argument| argument.get_id() == *name);
    let names: Vec<&str> = ["to", "s3_bucket", "local"].into_iter().filter(has).collect();
    if names.is_empty() {
        return command;
    }
    command.group(clap::ArgGroup::new("place").args(names).required(true).multiple(true))
}

/// Reads the command line.
///
/// # Errors
/// clap's: also the wish for help or the version.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::from_arg_matches(&command().try_get_matches_from(arguments)?)
}

/// The name under which people try to give the secret away.
const SECRET_OPTION: &str = "--s3-secret-key";

/// Refuses a secret key on the command line, before anything could repeat it: all users of the machine can read a
/// process's arguments.
///
/// # Errors
/// Says where the key is taken from instead.
pub fn refuse_secret(arguments: &[OsString]) -> Result<(), Failure> {
    let is_secret = |argument: &OsString| {
        let bytes = argument.as_encoded_bytes();
        bytes
            .strip_prefix(SECRET_OPTION.as_bytes())
            .is_some_and(|rest| matches!(rest.first(), None | Some(b'=')))
    };
    if arguments.iter().take_while(|argument| *argument != "--").any(is_secret) {
        return Err(Failure::usage(
            "--s3-secret-key isn't taken from the command line, where every user of this machine could read it: put \
             the key into the environment (S3_JOURNAL_S3_SECRET_KEY or AWS_SECRET_ACCESS_KEY), into an AWS profile, \
             or into a file named by --s3-secret-key-file; and since it has been shown now, replace it",
        ));
    }
    Ok(())
}

#[cfg(test)]
#[path = "flags_tests.rs"]
mod tests;
