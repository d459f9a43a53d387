//! Options of the commands that read a bucket: `cat`, `ls` and `verify`.

use std::path::PathBuf;

use clap::Args;

use super::store::StoreFlags;
use crate::human::Moment;

/// Which journals.
#[derive(Debug, Args)]
#[command(next_help_heading = "Selection")]
pub struct JournalFlags {
    /// Only the journal with this id [default: all under the prefix]
    #[arg(long, value_name = "ID", env = "S3_JOURNAL_ID")]
    pub id: Option<String>,

    /// Only what one local directory wrote: the part of the objects' names after the id, 20261122T093407Z5f0c2a91
    #[arg(long, value_name = "INCARNATION", env = "S3_JOURNAL_INCARNATION")]
    pub incarnation: Option<String>,
}

/// Which entries.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Selection")]
pub struct RangeFlags {
    /// Begin at this sequence number (from 0) of each local directory
    #[arg(long, value_name = "SEQUENCE", env = "S3_JOURNAL_FROM")]
    pub from: Option<u64>,

    /// End before this sequence number
    #[arg(long, value_name = "SEQUENCE", env = "S3_JOURNAL_UNTIL")]
    pub until: Option<u64>,
}

/// The entries back, in order.
#[derive(Debug, Args)]
#[command(after_help = super::ending())]
pub struct CatFlags {
    /// Where the bucket is.
    #[command(flatten)]
    pub store: StoreFlags,

    /// Which journals.
    #[command(flatten)]
    pub journals: JournalFlags,

    /// Which entries.
    #[command(flatten)]
    pub range: RangeFlags,

    /// Leave out what is missing or damaged, and say so, instead of stopping there; the status is 65 all the same
    #[arg(long, help_heading = "Gaps", env = "S3_JOURNAL_GO_ON", value_parser = clap::builder::BoolishValueParser::new())]
    pub go_on: bool,

    /// Begin with what is there when the first objects are missing: expired or archived
    #[arg(long, help_heading = "Gaps", env = "S3_JOURNAL_ALLOW_MISSING_START", value_parser = clap::builder::BoolishValueParser::new())]
    pub allow_missing_start: bool,
}

/// The objects.
#[derive(Debug, Args)]
#[command(after_help = super::ending())]
pub struct LsFlags {
    /// Where the bucket is.
    #[command(flatten)]
    pub store: StoreFlags,

    /// Which journals.
    #[command(flatten)]
    pub journals: JournalFlags,

    /// Which entries.
    #[command(flatten)]
    pub range: RangeFlags,

    /// Print one JSON object a line
    #[arg(long, help_heading = "Output", env = "S3_JOURNAL_JSON", value_parser = clap::builder::BoolishValueParser::new())]
    pub json: bool,
}

/// The proof.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
#[derive(Debug, Args)]
#[command(after_help = super::ending())]
pub struct VerifyFlags {
    /// Where the bucket is.
    #[command(flatten)]
    pub store: StoreFlags,

    /// Which journals.
    #[command(flatten)]
    pub journals: JournalFlags,

    /// Which entries.
    #[command(flatten)]
    pub range: RangeFlags,

    /// Only entries from this time on, to the object: 2026-11-22T09:34:07Z, or a date
    #[arg(long, value_name = "TIME", env = "S3_JOURNAL_FROM_TIME", help_heading = "Selection")]
    pub from_time: Option<Moment>,

    /// Only entries before this time, to the object
    #[arg(long, value_name = "TIME", env = "S3_JOURNAL_UNTIL_TIME", help_heading = "Selection")]
    pub until_time: Option<Moment>,

    /// Only the objects of this shard, 0 to 9 and a to z, and what is missing of them
    #[arg(long, value_name = "SHARD", env = "S3_JOURNAL_SHARD", help_heading = "Selection")]
    pub shard: Option<char>,

    /// Check this local directory, every slab and frame; works offline and changes nothing. With a bucket, too: each is held
    /// against the other, and nothing but this directory's journal is looked at
    #[arg(long, help_heading = "Local queue", value_name = "DIRECTORY", env = "S3_JOURNAL_LOCAL")]
    pub local: Option<PathBuf>,

    /// Ask for each object's metadata, too: it tells length, checksum and entries of the object before it
    #[arg(long, help_heading = "Depth", env = "S3_JOURNAL_CHAIN", value_parser = clap::builder::BoolishValueParser::new())]
    pub chain: bool,

    /// Read every byte, too: checksums, streams and entries are counted again
    #[arg(long, help_heading = "Depth", env = "S3_JOURNAL_DEEP", value_parser = clap::builder::BoolishValueParser::new())]
    pub deep: bool,

    /// The first objects may be missing: expired or archived
    #[arg(long, help_heading = "Gaps", env = "S3_JOURNAL_ALLOW_MISSING_START", value_parser = clap::builder::BoolishValueParser::new())]
    pub allow_missing_start: bool,

    /// Print the report as one JSON object; docs/REPORTS.md has its fields
    #[arg(long, help_heading = "Output", env = "S3_JOURNAL_JSON", value_parser = clap::builder::BoolishValueParser::new())]
    pub json: bool,
}
