//! Options of `recover`.

use clap::Args;

use super::read::JournalFlags;
use super::store::StoreFlags;
use super::stored::StoredFlags;
use crate::human::Time;

/// Uploads of machines that are gone.
#[derive(Debug, Args)]
#[command(after_help = super::ending())]
pub struct RecoverFlags {
    /// Where the bucket is.
    #[command(flatten)]
    pub store: StoreFlags,

    /// What the bucket does with objects.
    #[command(flatten)]
    pub stored: StoredFlags,

    /// Which journals.
    #[command(flatten)]
    pub journals: JournalFlags,

    /// Bring back what can be read of abandoned uploads: complete each from its first parts, write its whole entries beside it
    /// as a `.recovered.` object, compare, and delete the torn one. Cut short, it goes on when it is run again
    #[arg(long, help_heading = "What is done", env = "S3_JOURNAL_COMPLETE", value_parser = clap::builder::BoolishValueParser::new())]
    pub complete: bool,

    /// Give up the uploads of which nothing can be brought back, and those that are left over of objects in the bucket; never
    /// one that --complete would bring back
    #[arg(long, help_heading = "What is done", env = "S3_JOURNAL_ABORT", value_parser = clap::builder::BoolishValueParser::new())]
    pub abort: bool,

    /// Only touch what local directories left of which nothing was heard for so long: no upload begun, no object written. A
    /// time below 10m needs --incarnation with --complete or --abort
    #[arg(
        long,
        help_heading = "What is done",
        value_name = "TIME",
        env = "S3_JOURNAL_OLDER_THAN",
        default_value = "1d"
    )]
    pub older_than: Time,

    /// Print one JSON object a line; docs/REPORTS.md has their fields
    #[arg(long, help_heading = "Output", env = "S3_JOURNAL_JSON", value_parser = clap::builder::BoolishValueParser::new())]
    pub json: bool,
}
