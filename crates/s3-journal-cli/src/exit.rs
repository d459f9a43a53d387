//! What the program says with its exit status, in one place: the codes, the text at the end of `--help`, and the type
//! that every command fails with.

use std::fmt;
use std::process::ExitCode;

/// Why the program ended. The numbers are those of `sysexits.h` where it has one that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// What was asked for is done; `write`: everything is in the bucket.
    Done,
    /// Nothing that was foreseen.
    Unexpected,
    /// The command line, or the value of an option.
    Usage,
    /// The data itself: a gap, a duplicate, damage; a line of the input that can't be an entry.
    Data,
    /// The store can't be reached, doesn't answer, or isn't there.
    Unreachable,
    /// The local directory can't be used, or another process has it.
    Directory,
    /// A local read or write failed, or the disk had no room for entries that can't be read again.
    LocalIo,
    /// Stopped before the bucket had everything; what isn't there is safe in the local directory.
    Waiting,
    /// The store doesn't permit it.
    Denied,
}

impl Exit {
    /// All of them, by number.
    pub const ALL: [Self; 9] = [
        Self::Done,
        Self::Unexpected,
        Self::Usage,
        Self::Data,
        Self::Unreachable,
        Self::Directory,
        Self::LocalIo,
        Self::Waiting,
        Self::Denied,
    ];

    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::Data => 65,
            Self::Unreachable => 69,
            Self::Directory => 73,
            Self::LocalIo => 74,
            Self::Waiting => 75,
            Self::Denied => 77,
        }
    }

    /// What it means, as `--help` says it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done; `write`: everything is in the bucket (after a signal, too)",
            Self::Unexpected => "something unexpected",
            Self::Usage => "a wrong command line or value",
            Self::Data => "damage, a gap or a duplicate was found; `write`: a line is too long",
            Self::Unreachable => "the store can't be reached, or isn't there (`write` waits instead)",
            Self::Directory => "the local directory can't be used, or another process has it",
            Self::LocalIo => {
                "a local read or write failed; `write`: no room here for what can't be read again"
            }
            Self::Waiting => "stopped with entries still safe in the local directory: run it again",
            Self::Denied => "the store denies permission (`write` waits instead)",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The table of codes that ends `--help`.
pub fn table() -> String {
    let lines = Exit::ALL.map(|exit| format!("\n  {:>2}  {}", exit.code(), exit.meaning()));
    format!("Exit status:{}", lines.concat())
}

/// Why a command failed: what is told on standard error, and the exit status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit status.
    pub exit: Exit,
    /// What happened and what to do; empty when all was said already.
    pub message: String,
}

impl Failure {
    /// A failure with its text.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// A wrong command line or value.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A failure with all the causes of an error.
    pub fn caused(exit: Exit, what: impl fmt::Display, error: &dyn std::error::Error) -> Self {
        Self::new(exit, format!("{what}: {}", causes(error)))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// An error with its causes on one line; a cause that its effect has quoted already isn't repeated.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
#[path = "exit_tests.rs"]
mod tests;
