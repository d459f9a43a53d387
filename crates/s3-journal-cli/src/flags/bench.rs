//! Options of `bench`.

use std::path::PathBuf;

use clap::Args;

use super::store::StoreFlags;
use super::stored::StoredFlags;
use crate::human::{Size, Time};

const LONG_HELP: &str = "\
Sizes: 512k, 8MiB (powers of 1024), 8MB (powers of 1000). Times: 50ms, 1.5s, 5m, 2h, 1h30m.

What it writes is named s3-journal-bench- and sixteen hex digits: a directory in the local directory; in the bucket, under \
the prefix, an object of 1 KiB and the parts of an upload that is never completed. It removes all of it, also when it fails \
or is stopped by SIGINT or SIGTERM, and names what it can't remove: deleting the object takes s3:DeleteObject, which no \
`write` needs. No journal is touched. A directory in place of a bucket is made when missing, as by `write`, and stays.

";

/// What this machine's disk, the store and each compressor can do, and which of them would hold a `write` up.
#[derive(Debug, Args)]
#[command(after_long_help = LONG_HELP.to_owned() + &super::ending(), after_help = super::ending())]
pub struct BenchFlags {
    /// Where the bucket is.
    #[command(flatten)]
    pub store: StoreFlags,

    /// What the bucket does with objects.
    #[command(flatten)]
    pub stored: StoredFlags,

    /// Where entries would wait; made for the time when missing
    /// [default: $XDG_STATE_HOME/s3-journal/ID, or ~/.local/state/s3-journal/ID]
    #[arg(long, help_heading = "Local queue", value_name = "DIRECTORY", env = "S3_JOURNAL_LOCAL_DIRECTORY")]
    pub local_directory: Option<PathBuf>,

    /// The journal's id, where the directory isn't given [default: the host's name]
    #[arg(long, help_heading = "Local queue", value_name = "ID", env = "S3_JOURNAL_ID")]
    pub id: Option<String>,

    /// A file of entries such as yours, whose first 8 MiB are compressed [default: lines of a log, made up]
    #[arg(long, help_heading = "What is measured", value_name = "FILE", env = "S3_JOURNAL_SAMPLE")]
    pub sample: Option<PathBuf>,

    /// Each measurement begins nothing new after this time: two of the disk, two of the store, one of each compressor. What is
    /// under way is waited for. Give more where disk or network are fast only for a while
    #[arg(
        long,
        help_heading = "What is measured",
        value_name = "TIME",
        env = "S3_JOURNAL_MAX_TIME",
        default_value = "5s"
    )]
    pub max_time: Time,

    /// At most this much is written to the disk, and never more than half of what is free there; and at most as much is
    /// uploaded
    #[arg(
        long,
        help_heading = "What is measured",
        value_name = "SIZE",
        env = "S3_JOURNAL_MAX_BYTES",
        default_value = "256MiB"
    )]
    pub max_bytes: Size,

    /// Parts of this size go up
    #[arg(
        long,
        help_heading = "What is measured",
        value_name = "SIZE",
        env = "S3_JOURNAL_PART_SIZE",
        default_value = "8MiB"
    )]
    pub part_size: Size,

    /// This many parts go up side by side
    #[arg(
        long,
        help_heading = "What is measured",
        value_name = "NUMBER",
        env = "S3_JOURNAL_MAX_CONCURRENT_UPLOADS",
        default_value = "4"
    )]
    pub max_concurrent_uploads: usize,

    /// Print one JSON object; docs/REPORTS.md has its fields
    #[arg(long, help_heading = "Output", env = "S3_JOURNAL_JSON", value_parser = clap::builder::BoolishValueParser::new())]
    pub json: bool,
}
