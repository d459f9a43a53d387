//! Options of the commands that help a shell and its user: `completions` and `man`.

use clap::Args;
use clap_complete::Shell;

/// Completions for a shell.
#[derive(Debug, Args)]
#[command(after_help = super::ending())]
pub struct CompletionsFlags {
    /// The shell; what is printed goes where it looks for completions, such as
    /// ~/.local/share/bash-completion/completions/s3-journal
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// A manual page.
#[derive(Debug, Args)]
#[command(after_help = super::ending())]
pub struct ManFlags {
    /// The command whose page it is, as in s3-journal-write(1) [default: the program's own, s3-journal(1)]
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
}
