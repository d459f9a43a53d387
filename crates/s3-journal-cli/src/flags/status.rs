//! Options of `status`.

use std::path::PathBuf;

use clap::Args;

/// What a local directory holds and waits for.
#[derive(Debug, Args)]
#[command(after_help = super::ending())]
pub struct StatusFlags {
    /// The local directory of a `write`
    /// [default: $XDG_STATE_HOME/s3-journal/ID, or ~/.local/state/s3-journal/ID]
    #[arg(long, value_name = "DIRECTORY", env = "S3_JOURNAL_LOCAL_DIRECTORY")]
    pub local_directory: Option<PathBuf>,

    /// The journal's id, where the directory isn't given [default: the host's name]
    #[arg(long, value_name = "ID", env = "S3_JOURNAL_ID")]
    pub id: Option<String>,

    /// Print one JSON object
    #[arg(long, env = "S3_JOURNAL_JSON", value_parser = clap::builder::BoolishValueParser::new())]
    pub json: bool,
}
