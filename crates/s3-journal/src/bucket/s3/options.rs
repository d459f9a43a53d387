//! How to reach a bucket of S3. Knows what is well-formed, not what is true.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::objects::{Encryption, ObjectOptions, ObjectOptionsError};
use crate::bucket::LocationError;
use crate::bucket::location;

/// How long a connection may take to be made.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the store may take for an answer, besides the time for the bytes.
pub(super) const OPERATION_TIMEOUT: Duration = Duration::from_mins(1);

/// The slowest rate at which bytes may go, in bytes per second: 8 MiB have 128 seconds more.
pub(super) const SLOWEST_BYTES_PER_SECOND: u64 = 64 << 10;

/// How to reach a bucket of S3, or of a store that speaks its protocol.
///
/// What is left out comes from where the AWS tools take it: environment, profile, and the machine's own role.
///
/// ```
/// use s3_journal::bucket::{S3Bucket, S3Options};
///
/// let mut options = S3Options::new("my-bucket");
/// options.endpoint = Some("http://127.0.0.1:8333".to_owned());
/// options.path_style = true;
/// let bucket = S3Bucket::new(options)?;
/// # Ok::<(), s3_journal::bucket::S3OptionsError>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct S3Options {
    /// The bucket's name. It must exist.
    pub bucket: String,
    /// The region; else `AWS_REGION`, the profile's, with an endpoint `us-east-1`, without one the machine's.
    pub region: Option<String>,
    /// `http://` or `https://` and a host, for a store that isn't Amazon's; else `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`,
    /// the profile's, or Amazon's own.
    pub endpoint: Option<String>,
    /// Puts the bucket's name into the path, not before the host's. Always so where the endpoint's host is `localhost` or an
    /// address.
    pub path_style: bool,
    /// The access key; together with the secret key. When left out: the standard AWS credential chain.
    pub access_key: Option<String>,
    /// The secret key. Never printed.
    pub secret_key: Option<String>,
    /// The session token that goes with temporary keys. Never printed.
    pub session_token: Option<String>,
    /// The profile in the AWS configuration files; else `AWS_PROFILE`, or `default`.
    pub profile: Option<String>,
    /// A role that is assumed with the keys that were found. Its own keys are renewed before they expire.
    pub assume_role: Option<AssumeRole>,
    /// Asks for Amazon's endpoint that answers over IPv4 and IPv6.
    pub dual_stack: bool,
    /// Asks for Amazon's endpoint with validated cryptography (FIPS 140).
    pub fips: bool,
    /// Goes through Amazon's edge locations (Transfer Acceleration), which must be enabled for the bucket.
    pub accelerate: bool,
    /// A PEM file of certificates that are trusted beside the system's; else `AWS_CA_BUNDLE`.
    pub ca_bundle: Option<PathBuf>,
    /// What the store's own logs are to name, up to 50 letters, digits and signs (default `s3-journal`).
    pub application: Option<String>,
    /// What every object is written with: class, encryption, access, tags, lock.
    pub objects: ObjectOptions,
    /// How long a connection may take to be made (default 5 s).
    pub connect_timeout: Duration,
    /// How long the store may take for an answer, besides the time for the bytes (default 60 s); three times as long for
    /// completing an upload, which S3 says may take minutes.
    pub operation_timeout: Duration,
    /// The slowest rate at which bytes may go before a call is given up, in bytes per second (default 64 KiB).
    pub slowest_bytes_per_second: u64,
}

/// A role that is assumed (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssumeRole {
    /// Its ARN.
    pub arn: String,
    /// What the role's owner demands from others, if he does.
    pub external_id: Option<String>,
    /// What the account's logs call who has assumed it (default `s3-journal`).
    pub session_name: Option<String>,
}

impl AssumeRole {
    /// This role, everything else by default.
    pub fn new(arn: impl Into<String>) -> Self {
        Self { arn: arn.into(), external_id: None, session_name: None }
    }
}

/// Why [`S3Options`] can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum S3OptionsError {
    /// The bucket's name.
    #[error(transparent)]
    Bucket(#[from] LocationError),
    /// The endpoint.
    #[error("the endpoint \"{endpoint}\" {problem}: give http:// or https://, a host, and if need be :port")]
    Endpoint {
        /// What was given, without what stood before an `@`.
        endpoint: String,
        /// What is wrong with it, to follow it.
        problem: &'static str,
    },
    /// The region.
    #[error("the region \"{}\" has other characters than a-z, 0-9, - and _", region.escape_debug())]
    Region {
        /// What was given.
        region: String,
    },
    /// Only a part of what makes up the keys, or an empty one.
    #[error(
        "{missing} is missing or empty: give access key and secret key together, or neither to use the AWS credential chain"
    )]
    Keys {
        /// What to add.
        missing: &'static str,
    },
    /// What objects are written with.
    #[error(transparent)]
    Objects(#[from] ObjectOptionsError),
    /// An option of the way to the store.
    #[error("{option} {value:?} can't be used: {remedy}")]
    Way {
        /// Which.
        option: &'static str,
        /// What was given.
        value: String,
        /// What to do instead.
        remedy: &'static str,
    },
    /// A limit that no call could keep.
    #[error("{name} must be more than zero")]
    Zero {
        /// Which.
        name: &'static str,
    },
}

impl S3Options {
    /// The bucket `bucket`, everything else by default.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            region: None,
            endpoint: None,
            path_style: false,
            access_key: None,
            secret_key: None,
            session_token: None,
            profile: None,
            assume_role: None,
            dual_stack: false,
            fips: false,
            accelerate: false,
            ca_bundle: None,
            application: None,
            objects: ObjectOptions::default(),
            connect_timeout: CONNECT_TIMEOUT,
            operation_timeout: OPERATION_TIMEOUT,
            slowest_bytes_per_second: SLOWEST_BYTES_PER_SECOND,
        }
    }

    /// Whether all of it is well-formed.
    ///
    /// # Errors
    /// [`S3OptionsError`] names what to change.
    pub fn check(&self) -> Result<(), S3OptionsError> {
        location::check_bucket(&self.bucket)?;
        self.endpoint.as_deref().map_or(Ok(()), check_endpoint)?;
        if let Some(region) = &self.region {
            let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
            if region.is_empty() || !region.bytes().all(good) {
                return Err(S3OptionsError::Region { region: region.clone() });
            }
        }
        let is_empty = |key: &Option<String>| key.as_ref().is_none_or(String::is_empty);
        let any_given =
            self.access_key.is_some() || self.secret_key.is_some() || self.session_token.is_some();
        for (missing, key) in [("the access key", &self.access_key), ("the secret key", &self.secret_key)] {
            if any_given && is_empty(key) {
                return Err(S3OptionsError::Keys { missing });
            }
        }
        for (name, is_zero) in [
            ("connect_timeout", self.connect_timeout.is_zero()),
            ("operation_timeout", self.operation_timeout.is_zero()),
            ("slowest_bytes_per_second", self.slowest_bytes_per_second == 0),
        ] {
            if is_zero {
                return Err(S3OptionsError::Zero { name });
            }
        }
        self.check_way()?;
        Ok(self.objects.check()?)
    }

    fn check_way(&self) -> Result<(), S3OptionsError> {
        let refuse = |option, value: &str, remedy| {
            Err(S3OptionsError::Way { option, value: value.to_owned(), remedy })
        };
        if let Some(profile) = &self.profile {
            if self.access_key.is_some() {
                return refuse("profile", profile, "keys are given, too: give one of them");
            }
            if profile.is_empty() {
                return refuse("profile", profile, "give its name, or leave it out");
            }
        }
        if let Some(role) = &self.assume_role {
            if !role.arn.starts_with("arn:") || role.arn.chars().any(char::is_whitespace) {
                return refuse(
                    "assume_role",
                    &role.arn,
                    "give its ARN, such as arn:aws:iam::123456789012:role/journal",
                );
            }
            let good = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
            if let Some(name) = &role.session_name
                && (!(2..=64).contains(&name.len()) || !name.bytes().all(good))
            {
                return refuse("role_session_name", name, "give 2 to 64 of A-Z, a-z, 0-9 and _+=,.@-");
            }
        }
        // Amazon's own endpoints, which another one would replace.
        if let Some(endpoint) = &self.endpoint {
            for (option, is_given) in
                [("dual_stack", self.dual_stack), ("fips", self.fips), ("accelerate", self.accelerate)]
            {
                if is_given {
                    return refuse(
                        option,
                        endpoint,
                        "it chooses one of Amazon's endpoints: leave it or endpoint out",
                    );
                }
            }
            let is_plain = endpoint.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
            if is_plain && matches!(self.objects.encryption, Some(Encryption::Customer(_))) {
                return refuse("endpoint", endpoint, "a key for SSE-C goes with each request: use https://");
            }
        }
        if self.accelerate && (self.path_style || self.bucket.contains('.') || self.fips) {
            let remedy = "it needs the bucket's name, without dots, in the host's, and there is no FIPS endpoint of it";
            return refuse("accelerate", &self.bucket, remedy);
        }
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if let Some(name) = &self.application
            && (name.is_empty() || name.len() > 50 || !name.bytes().all(good))
        {
            return refuse("application", name, "give up to 50 letters, digits and !#$%&'*+-.^_`|~");
        }
        Ok(())
    }

    /// Whether the bucket's name has to go into the path.
    pub(super) fn needs_path_style(&self, endpoint: Option<&str>) -> bool {
        let host = endpoint.and_then(authority).unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let is_address = name.starts_with('[') || name.parse::<std::net::Ipv4Addr>().is_ok();
        self.path_style || is_address || name == "localhost"
    }
}

fn authority(endpoint: &str) -> Option<&str> {
    let (_, rest) = endpoint.split_once("://")?;
    rest.split('/').next()
}

fn check_endpoint(endpoint: &str) -> Result<(), S3OptionsError> {
    let bad = |problem| {
        let endpoint = endpoint.rsplit('@').next().unwrap_or_default().escape_debug().to_string();
        Err(S3OptionsError::Endpoint { endpoint, problem })
    };
    let scheme = endpoint.split_once("://").map_or("", |(scheme, _)| scheme);
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return bad("doesn't begin with http:// or https://");
    }
    if endpoint.contains(|character: char| character.is_whitespace() || character.is_control()) {
        return bad("has white space or control characters");
    }
    if endpoint.contains(['?', '#']) {
        return bad("has a query or a fragment");
    }
    let authority = authority(endpoint).unwrap_or_default();
    if authority.contains('@') {
        return bad("has a name or a password");
    }
    let (host, port) = match authority.rsplit_once(':').filter(|_| !authority.ends_with(']')) {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    if host.is_empty() || (host.contains([':', '[', ']']) && !is_bracketed) {
        return bad("has no host, or one that is none");
    }
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return bad("has a port that is none");
    }
    Ok(())
}

impl fmt::Debug for S3Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |secret: &Option<String>| secret.as_ref().map(|_| "(not shown)");
        f.debug_struct("S3Options")
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .field("path_style", &self.path_style)
            .field("access_key", &self.access_key)
            .field("secret_key", &hidden(&self.secret_key))
            .field("session_token", &hidden(&self.session_token))
            .field("profile", &self.profile)
            .field("assume_role", &self.assume_role)
            .field("dual_stack", &self.dual_stack)
            .field("fips", &self.fips)
            .field("accelerate", &self.accelerate)
            .field("ca_bundle", &self.ca_bundle)
            .field("application", &self.application)
            .field("objects", &self.objects)
            .field("connect_timeout", &self.connect_timeout)
            .field("operation_timeout", &self.operation_timeout)
            .field("slowest_bytes_per_second", &self.slowest_bytes_per_second)
            .finish()
    }
}
