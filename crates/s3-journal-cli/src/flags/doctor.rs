//! Options of `doctor`.

use std::path::PathBuf;

use clap::Args;

use super::store::StoreFlags;
use super::stored::StoredFlags;

const LONG_HELP: &str = "\
What it writes is named s3-journal-doctor- and sixteen hex digits: in the bucket, under the prefix, small objects and an upload \
with one part of 5 MiB; beside a queue in use, else in the local directory, a directory. It removes all of it, also when it \
fails or is stopped by SIGINT or SIGTERM, and names what it can't remove: deleting an object takes s3:DeleteObject, which no \
`write` needs. No journal is touched. A directory in place of a bucket is made when missing, as by `write`, and stays.

`write` needs s3:PutObject and s3:AbortMultipartUpload alone. What else is missing is told with what follows from it, and \
the status is 0 all the same. Options of `write` for its objects are tried, too, except locks: what is locked can't be \
removed again.

";

/// What a `write` needs from store, clock and disk: each thing is tried, and told with what to do next.
#[derive(Debug, Args)]
#[command(after_long_help = LONG_HELP.to_owned() + &super::ending(), after_help = super::ending())]
pub struct DoctorFlags {
    /// Where the bucket is.
    #[command(flatten)]
    pub store: StoreFlags,

    /// What objects are written with, as `write` has it.
    #[command(flatten)]
    pub stored: StoredFlags,

    /// Where entries would wait; tried, too, and made for the time when missing [default: only the store is tried]
    #[arg(long, help_heading = "Local queue", value_name = "DIRECTORY", env = "S3_JOURNAL_LOCAL_DIRECTORY")]
    pub local_directory: Option<PathBuf>,

    /// Print one JSON object; docs/REPORTS.md has its fields
    #[arg(long, help_heading = "Output", env = "S3_JOURNAL_JSON", value_parser = clap::builder::BoolishValueParser::new())]
    pub json: bool,
}
