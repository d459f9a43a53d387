//! Options that say how a bucket of S3 is reached, beyond where it is: who asks, by which of its ways, with which key.

use std::path::PathBuf;

use clap::Args;

use crate::human::Time;

/// The way to the bucket.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Way to the bucket")]
pub struct WayFlags {
    /// The profile in the AWS configuration files [default: AWS_PROFILE, or default]
    #[arg(long, value_name = "NAME", env = "S3_JOURNAL_PROFILE")]
    pub profile: Option<String>,

    /// A role to assume with the keys that were found; its own keys are renewed in time
    #[arg(long, value_name = "ARN", env = "S3_JOURNAL_ROLE_ARN")]
    pub role_arn: Option<String>,

    /// What the role's owner demands from other accounts
    #[arg(long, value_name = "ID", env = "S3_JOURNAL_ROLE_EXTERNAL_ID", requires = "role_arn")]
    pub role_external_id: Option<String>,

    /// What the account's logs call who has assumed the role [default: s3-journal]
    #[arg(long, value_name = "NAME", env = "S3_JOURNAL_ROLE_SESSION_NAME", requires = "role_arn")]
    pub role_session_name: Option<String>,

    /// Use Amazon's endpoint that answers over IPv4 and IPv6
    #[arg(long, env = "S3_JOURNAL_DUAL_STACK", value_parser = clap::builder::BoolishValueParser::new())]
    pub dual_stack: bool,

    /// Use Amazon's endpoint with validated cryptography (FIPS 140)
    #[arg(long, env = "S3_JOURNAL_FIPS", value_parser = clap::builder::BoolishValueParser::new())]
    pub fips: bool,

    /// Go through Amazon's edge locations (Transfer Acceleration), which the bucket must have enabled
    #[arg(long, env = "S3_JOURNAL_ACCELERATE", value_parser = clap::builder::BoolishValueParser::new())]
    pub accelerate: bool,

    /// A PEM file of certificates to trust beside the system's [default: AWS_CA_BUNDLE]
    #[arg(long, value_name = "FILE", env = "S3_JOURNAL_CA_BUNDLE")]
    pub ca_bundle: Option<PathBuf>,

    /// How long a connection may take to be made [default: 5s]
    #[arg(long, value_name = "TIME", env = "S3_JOURNAL_CONNECT_TIMEOUT")]
    pub connect_timeout: Option<Time>,

    /// How long the store may take for an answer, besides the time for the bytes [default: 1m]
    #[arg(long, value_name = "TIME", env = "S3_JOURNAL_OPERATION_TIMEOUT")]
    pub operation_timeout: Option<Time>,

    /// The account that must own the bucket, 12 digits; else every request is refused
    #[arg(long, value_name = "ACCOUNT", env = "S3_JOURNAL_EXPECTED_BUCKET_OWNER")]
    pub expected_bucket_owner: Option<String>,

    /// Agree to pay for the requests, where the bucket's owner wants that
    #[arg(long, env = "S3_JOURNAL_REQUESTER_PAYS", value_parser = clap::builder::BoolishValueParser::new())]
    pub requester_pays: bool,

    /// A file with the key of SSE-C, 32 bytes or 64 hex digits: objects are encrypted with it, and read with it. The store
    /// keeps none: without the file they are lost. Only over https
    #[arg(long, value_name = "FILE", env = "S3_JOURNAL_SSE_CUSTOMER_KEY_FILE")]
    pub sse_customer_key_file: Option<PathBuf>,
}
