//! Options of the log and of what is told while working.

use clap::{ArgAction, Args, ValueEnum};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged, on standard error.
#[derive(Debug, Args)]
#[command(next_help_heading = "Messages")]
pub struct LogFlags {
    /// Log more: -v what is done, -vv details, -vvv everything. RUST_LOG overrides it
    #[arg(short, long, global = true, action = ArgAction::Count, env = "S3_JOURNAL_VERBOSE")]
    pub verbose: u8,

    /// Log errors only; no progress, no summary
    #[arg(
        short, long, global = true, env = "S3_JOURNAL_QUIET",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub quiet: bool,

    /// How log lines look
    #[arg(long, global = true, value_name = "FORMAT", env = "S3_JOURNAL_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}
