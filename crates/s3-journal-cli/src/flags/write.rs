//! Options of `write`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use s3_journal::FreeSpace;

use super::store::StoreFlags;
use super::stored::StoredFlags;
use crate::human::{Size, Time};
use crate::input::delimiter::Delimiter;

/// What happens to the input when the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WhenFull {
    /// Wait until there is room.
    Block,
    /// Stop reading and end with status 75.
    Refuse,
}

/// A time, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeOrNone {
    /// No such time.
    None,
    /// This one.
    Time(Time),
}

impl std::fmt::Display for TimeOrNone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Time(time) => time.fmt(f),
        }
    }
}

impl std::str::FromStr for TimeOrNone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" { Ok(Self::None) } else { text.parse().map(Self::Time) }
    }
}

/// A compressor's name and level, `zstd:9`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedCompressor {
    /// The name.
    pub name: String,
    /// The level, if one is given.
    pub level: Option<i32>,
}

impl std::str::FromStr for NamedCompressor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, level)) = text.split_once(':') else {
            return Ok(Self { name: text.to_owned(), level: None });
        };
        let level = level
            .parse()
            .map_err(|_| "after the colon stands the level, a number as in zstd:3".to_owned())?;
        Ok(Self { name: name.to_owned(), level: Some(level) })
    }
}

/// A share of a file system, `5%`, or a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptFree(pub FreeSpace);

impl std::fmt::Display for KeptFree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            FreeSpace::Percent(percent) => write!(f, "{percent}%"),
            FreeSpace::Bytes(bytes) => Size(bytes).fmt(f),
        }
    }
}

impl std::str::FromStr for KeptFree {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(percent) = text.trim().strip_suffix('%') else {
            let size = text.parse::<Size>().map_err(|error| format!("{error}, or a share such as 5%"))?;
            return Ok(Self(FreeSpace::Bytes(size.0)));
        };
        match percent.trim_end().parse() {
            Ok(percent @ 0..100) => Ok(Self(FreeSpace::Percent(percent))),
            _ => Err("a share is a whole number from 0% to 99%; write one such as 5%, or a size".to_owned()),
        }
    }
}

/// Entries from standard input or files into the journal.
#[derive(Debug, Args)]
#[command(after_long_help = LONG_HELP.to_owned() + &super::ending(), after_help = super::ending())]
pub struct WriteFlags {
    /// Files to read, one after the other; `-` is standard input, which is also read when there is none.
    ///
    /// A file arrives exactly once: after a crash the same command goes on where the journal ends. It is known by device,
    /// inode and its first kilobyte; one that has been replaced is a new file. Files that grow aren't followed: what is
    /// there is read once, a last line without its delimiter is taken as an entry, and what is added to the file
    /// later is read by the next run.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Where the bucket is.
    #[command(flatten)]
    pub store: StoreFlags,

    /// What the bucket does with objects.
    #[command(flatten)]
    pub stored: StoredFlags,

    /// Where and how entries are kept here.
    #[command(flatten)]
    pub queue: QueueFlags,

    /// What becomes an object.
    #[command(flatten)]
    pub object: ObjectFlags,

    /// What is read and told.
    #[command(flatten)]
    pub input: InputFlags,
}

const LONG_HELP: &str = "\
Sizes: 512k, 8MiB (powers of 1024), 8MB (powers of 1000). Times: 50ms, 1.5s, 5m, 2h, 1h30m.

The end of the input seals what is open, waits until everything is in the bucket, and exits. With empty input the same
command carries on what an earlier run left. While the store can't be reached or refuses, `write` waits, says so at most
once a minute, and goes on by itself. SIGINT and SIGTERM stop the reading and carry what was taken to the bucket; a
second signal leaves at once, and nothing that was durable is lost.

";

/// Where and how entries are kept here.
#[derive(Debug, Args)]
#[command(next_help_heading = "Local queue")]
pub struct QueueFlags {
    /// Where entries wait on this machine; made when missing
    /// [default: $XDG_STATE_HOME/s3-journal/ID, or ~/.local/state/s3-journal/ID]
    #[arg(long, value_name = "DIRECTORY", env = "S3_JOURNAL_LOCAL_DIRECTORY")]
    pub local_directory: Option<PathBuf>,

    /// Names this journal among those that write to one place: A-Z a-z 0-9 . _ -
    /// [default: the one the directory was made with, else the host's name]
    #[arg(long, value_name = "ID", env = "S3_JOURNAL_ID")]
    pub id: Option<String>,

    /// A batch becomes durable at the latest after this time; `none`: only when it is full
    #[arg(long, value_name = "TIME", env = "S3_JOURNAL_MAX_BATCH_LATENCY", default_value = "100ms")]
    pub max_batch_latency: TimeOrNone,

    /// A batch is full with this many entries [default: no such limit]
    #[arg(long, value_name = "ENTRIES", env = "S3_JOURNAL_MAX_BATCH_SIZE")]
    pub max_batch_size: Option<u64>,

    /// A batch is full with this many bytes
    #[arg(long, value_name = "SIZE", env = "S3_JOURNAL_MAX_BATCH_BYTES", default_value = "1MiB")]
    pub max_batch_bytes: Size,

    /// Don't sync each batch to the medium: a power loss may cost what the operating system hadn't written yet
    #[arg(long, env = "S3_JOURNAL_NO_FSYNC", value_parser = clap::builder::BoolishValueParser::new())]
    pub no_fsync: bool,

    /// Most entries that wait here [default: no such limit]
    #[arg(long, value_name = "ENTRIES", env = "S3_JOURNAL_MAX_QUEUE_SIZE")]
    pub max_queue_size: Option<u64>,

    /// Most disk space for what waits here; --free-space-kept holds beside it, and the smaller of the two counts [default:
    /// no such limit]
    #[arg(long, value_name = "SIZE", env = "S3_JOURNAL_MAX_QUEUE_BYTES")]
    pub max_queue_bytes: Option<Size>,

    /// What stays free on the file system, whoever fills it: a share of it, or a size; 0 keeps nothing
    #[arg(long, value_name = "SIZE|PERCENT", env = "S3_JOURNAL_FREE_SPACE_KEPT", default_value = "5%")]
    pub free_space_kept: KeptFree,

    /// Where entries are damaged on this disk, end the object before them and go on with the next: what is left out is kept
    /// in DIRECTORY/quarantine, and the status is 65. Without it uploading stops there, and what follows waits
    #[arg(
        long, env = "S3_JOURNAL_QUARANTINE", value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub quarantine: bool,

    /// What happens when no more fits here
    #[arg(long, value_name = "WHAT", env = "S3_JOURNAL_WHEN_FULL", default_value = "block")]
    pub when_full: WhenFull,
}

/// What becomes an object.
#[derive(Debug, Args)]
#[command(next_help_heading = "Objects")]
pub struct ObjectFlags {
    /// Directories in the bucket, by date in UTC: a SimpleDateFormat or strftime pattern [default: yyyy/MM/dd]
    #[arg(long, value_name = "PATTERN", env = "S3_JOURNAL_S3_DIRECTORY_FORMAT")]
    pub s3_directory_format: Option<String>,

    /// Compress with gzip, zstd, snappy, lz4, lzma2 or none; a level may follow: zstd:9
    #[arg(long, value_name = "NAME[:LEVEL]", env = "S3_JOURNAL_COMPRESSOR", default_value = "none")]
    pub compressor: NamedCompressor,

    /// What follows `.journal.` in the objects' names [default: the compressor's: gz, zst, snappy, lz4, xz]
    #[arg(long, value_name = "TEXT", env = "S3_JOURNAL_SUFFIX")]
    pub suffix: Option<String>,

    /// Spread the objects over this many top-level directories, 0 to 9 and a to z [default: none]
    #[arg(long, value_name = "NUMBER", env = "S3_JOURNAL_SHARDS")]
    pub shards: Option<u32>,

    /// An object ends when it has this size, as stored
    #[arg(long, value_name = "SIZE", env = "S3_JOURNAL_MAX_OBJECT_SIZE", default_value = "128MiB")]
    pub max_object_size: Size,

    /// An object ends when its first entry is this old
    #[arg(long, value_name = "TIME", env = "S3_JOURNAL_MAX_OBJECT_AGE", default_value = "5m")]
    pub max_object_age: Time,

    /// Larger objects go up in parts of this size
    #[arg(long, value_name = "SIZE", env = "S3_JOURNAL_PART_SIZE", default_value = "8MiB")]
    pub part_size: Size,

    /// This many parts go up side by side; fewer for a while when the store asks to slow down
    #[arg(long, value_name = "NUMBER", env = "S3_JOURNAL_MAX_CONCURRENT_UPLOADS", default_value = "4")]
    pub max_concurrent_uploads: usize,

    /// The most bytes that are sent to the store per second, on average [default: no limit]
    #[arg(long, value_name = "SIZE", env = "S3_JOURNAL_MAX_UPLOAD_BYTES_PER_SECOND")]
    pub max_upload_bytes_per_second: Option<Size>,

    /// Abort unfinished uploads of this id's earlier directories when they are older than this [default: never]
    #[arg(long, value_name = "TIME", env = "S3_JOURNAL_EXPIRATION")]
    pub expiration: Option<Time>,
}

/// What is read and told.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input and output")]
pub struct InputFlags {
    /// What stands after each entry; escapes are \n \r \t \0 \\ \xNN. A last entry without it counts, too; between two
    /// delimiters is an empty entry
    #[arg(long, value_name = "TEXT", env = "S3_JOURNAL_DELIMITER", default_value = r"\n")]
    pub delimiter: Delimiter,

    /// A longer entry ends the reading with status 65
    #[arg(long, value_name = "SIZE", env = "S3_JOURNAL_MAX_ENTRY_BYTES", default_value = "16MiB")]
    pub max_entry_bytes: Size,

    /// Read FILEs from their start, whatever the journal has of them: their lines arrive again
    #[arg(
        long, env = "S3_JOURNAL_FROM_START", value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub from_start: bool,

    /// Wait this long at the end for the bucket to have everything, then end with status 75 [default: for ever]
    #[arg(long, value_name = "TIME", env = "S3_JOURNAL_CLOSE_TIMEOUT")]
    pub close_timeout: Option<Time>,

    /// Print {"durable":N,"uploaded":N} on standard output whenever one of them has grown: counts of entries since the
    /// local directory was made
    #[arg(
        long, env = "S3_JOURNAL_RECEIPTS", value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub receipts: bool,

    /// Print a summary at the end as one JSON object on standard output
    #[arg(long, env = "S3_JOURNAL_JSON", value_parser = clap::builder::BoolishValueParser::new())]
    pub json: bool,
}
