//! Options that say where the bucket is and who asks.

use std::path::PathBuf;

use clap::Args;

use super::way::WayFlags;

/// The bucket, and how it is reached.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Bucket")]
pub struct StoreFlags {
    /// Where the objects are: s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, file:///directory, or a directory.
    /// A bucket must exist
    #[arg(long, value_name = "URL", env = "S3_JOURNAL_TO", conflicts_with = "s3_bucket")]
    pub to: Option<String>,

    /// The bucket's name, where there is no prefix: the same as --to s3://NAME
    #[arg(long, value_name = "NAME", env = "S3_JOURNAL_S3_BUCKET")]
    pub s3_bucket: Option<String>,

    /// The bucket's region [default: AWS_REGION, or the profile's]
    #[arg(long, value_name = "NAME", env = "S3_JOURNAL_REGION")]
    pub region: Option<String>,

    /// The URL of an S3-compatible store [default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or Amazon's]
    #[arg(long, value_name = "URL", env = "S3_JOURNAL_ENDPOINT")]
    pub endpoint: Option<String>,

    /// Put the bucket's name into the path instead of the host name, as most S3-compatible stores want it [default: only
    /// with --endpoint]
    #[arg(
        long, value_name = "BOOL", env = "S3_JOURNAL_PATH_STYLE", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub path_style: Option<bool>,

    /// The access key [default: AWS_ACCESS_KEY_ID, or what AWS tools use: profile, role, instance ...]
    #[arg(long, value_name = "KEY", env = "S3_JOURNAL_S3_ACCESS_KEY", hide_env_values = true)]
    pub s3_access_key: Option<String>,

    /// A file that holds the secret key alone. The key is also taken from S3_JOURNAL_S3_SECRET_KEY or
    /// AWS_SECRET_ACCESS_KEY, a session token from S3_JOURNAL_S3_SESSION_TOKEN or AWS_SESSION_TOKEN; never from the
    /// command line, which every user of the machine can read
    #[arg(long, value_name = "FILE", env = "S3_JOURNAL_S3_SECRET_KEY_FILE")]
    pub s3_secret_key_file: Option<PathBuf>,

    /// The account of Azure Blob Storage that has the container [default: AZURE_STORAGE_ACCOUNT_NAME]
    #[arg(long, value_name = "NAME", env = "S3_JOURNAL_AZURE_ACCOUNT")]
    pub azure_account: Option<String>,

    /// The most requests that the store is asked per second, evenly spread [default: no limit]
    #[arg(long, value_name = "NUMBER", env = "S3_JOURNAL_MAX_REQUESTS_PER_SECOND")]
    pub max_requests_per_second: Option<u32>,

    /// How it is reached.
    #[command(flatten)]
    pub way: WayFlags,
}
