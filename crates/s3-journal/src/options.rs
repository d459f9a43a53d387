//! How a journal is set up: the options under the names the original has, and what they must keep to. Nothing is opened
//! here.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use durable_queue::{Environment, FreeSpace};

use crate::bucket::{Bucket, LimitedBucket, LocalBucket, Location, RateLimits, check_prefix};
use crate::compressor::{COMPRESSOR_NAME_BYTES_MAX, Compressor};
use crate::directory_format::DirectoryFormat;
use crate::encode::AsIs;
use crate::error::OpenError;
use crate::object::{Id, KEY_BYTES_MAX, KeyLayout, check_suffix};

/// The longest delimiter, in bytes.
pub const DELIMITER_BYTES_MAX: usize = 64;

/// The largest batch, in bytes, and the longest entry.
pub const BATCH_BYTES_MAX: usize = 256 << 20;

/// The most parts that one batch may fill, more or less.
const BATCH_PARTS_MAX: u64 = 2_000;

/// The smallest slab, in bytes; a queue has at least eight.
const SLAB_BYTES_MIN: u64 = 1 << 20;

/// The largest slab, in bytes.
const SLAB_BYTES_MAX: u64 = 64 << 20;

/// What `submit` does when a limit of the queue is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// Waits.
    #[default]
    Block,
    /// Refuses the entry.
    Refuse,
}

/// The options of a journal whose entries are encoded by `E`.
///
/// Required are a place for objects ([`Options::to`], [`Options::s3_bucket`] or [`Options::bucket`]), a
/// [`Options::local_directory`], and a bound for batches ([`Options::max_batch_latency`] or
/// [`Options::max_batch_size`]).
///
/// ```no_run
/// use std::time::Duration;
/// use s3_journal::{Compressor, Options};
///
/// let journal = s3_journal::journal(
///     Options::new()
///         .to("s3://my-bucket/events")
///         .local_directory("/var/lib/app/journal")
///         .compressor(Compressor::Gzip)
///         .max_batch_latency(Duration::from_millis(50))
///         .max_batch_size(10_000),
/// )?;
/// let receipt = journal.submit("an entry")?;
/// receipt.durable().wait()?;
/// journal.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "options do nothing until a journal is opened with them"]
pub struct Options<E = AsIs> {
    pub(crate) encoder: E,
    pub(crate) raw: RawOptions,
}

/// The options as they were given.
#[derive(Clone)]
pub(crate) struct RawOptions {
    to: Option<String>,
    s3_bucket: Option<String>,
    bucket: Option<Arc<dyn Bucket>>,
    bucket_prefix: String,
    s3_access_key: Option<String>,
    s3_secret_key: Option<String>,
    s3_session_token: Option<String>,
    region: Option<String>,
    endpoint: Option<String>,
    path_style: Option<bool>,
    azure_account: Option<String>,
    #[cfg(feature = "s3")]
    s3_options: Option<Box<crate::bucket::S3Options>>,
    s3_directory_format: Option<String>,
    local_directory: Option<PathBuf>,
    compressor: Compressor,
    compression_level: Option<i32>,
    delimiter: Vec<u8>,
    allow_delimiter_in_entries: bool,
    max_batch_latency: Option<Duration>,
    max_batch_size: Option<u64>,
    max_batch_bytes: usize,
    max_entry_bytes: usize,
    fsync: bool,
    id: Option<String>,
    shards: Option<u32>,
    expiration: Option<Duration>,
    suffix: Option<String>,
    max_queue_size: Option<u64>,
    max_queue_bytes: Option<u64>,
    free_space_kept: FreeSpace,
    when_full: WhenFull,
    max_object_size: u64,
    max_object_age: Duration,
    part_size: u64,
    max_concurrent_uploads: usize,
    max_requests_per_second: Option<u32>,
    max_upload_bytes_per_second: Option<u64>,
    quarantine: bool,
    environment: Environment,
}

impl std::fmt::Debug for RawOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The keys are left out on purpose.
        f.debug_struct("RawOptions")
            .field("to", &self.to)
            .field("s3_bucket", &self.s3_bucket)
            .field("endpoint", &self.endpoint)
            .field("local_directory", &self.local_directory)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The defaults; entries are bytes or strings.
    pub fn new() -> Self {
        Self {
            encoder: AsIs,
            raw: RawOptions {
                to: None,
                s3_bucket: None,
                bucket: None,
                bucket_prefix: String::new(),
                s3_access_key: None,
                s3_secret_key: None,
                s3_session_token: None,
                region: None,
                endpoint: None,
                path_style: None,
                azure_account: None,
                #[cfg(feature = "s3")]
                s3_options: None,
                s3_directory_format: None,
                local_directory: None,
                compressor: Compressor::None,
                compression_level: None,
                delimiter: b"\n".to_vec(),
                allow_delimiter_in_entries: false,
                max_batch_latency: None,
                max_batch_size: None,
                max_batch_bytes: 1 << 20,
                max_entry_bytes: 16 << 20,
                fsync: true,
                id: None,
                shards: None,
                expiration: None,
                suffix: None,
                max_queue_size: None,
                max_queue_bytes: None,
                free_space_kept: FreeSpace::Percent(5),
                when_full: WhenFull::Block,
                max_object_size: 128 << 20,
                max_object_age: Duration::from_mins(5),
                part_size: 8 << 20,
                max_concurrent_uploads: 4,
                max_requests_per_second: None,
                max_upload_bytes_per_second: None,
                quarantine: false,
                environment: Environment::system(),
            },
        }
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty => |$raw:ident, $value:ident| $set:expr;)*) => {
        impl<E> Options<E> {
            $($(#[$doc])*
            pub fn $name(mut self, $value: $type) -> Self {
                let $raw = &mut self.raw;
                $set;
                self
            })*
        }
    };
}

setters! {
    /// Where objects go: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`, `file:///path`, or a path. The
    /// bucket must exist; a directory is made. `gs://` needs the feature `gcs`, `az://` the feature `azure`.
    to: impl Into<String> => |raw, value| raw.to = Some(value.into());
    /// The S3 bucket, which must exist: `to("s3://bucket")` by its original name.
    s3_bucket: impl Into<String> => |raw, value| raw.s3_bucket = Some(value.into());
    /// A static access key. Default: the standard AWS credential chain.
    s3_access_key: impl Into<String> => |raw, value| raw.s3_access_key = Some(value.into());
    /// The static access key's secret. Never shown.
    s3_secret_key: impl Into<String> => |raw, value| raw.s3_secret_key = Some(value.into());
    /// The session token that belongs to temporary static keys. Never shown.
    s3_session_token: impl Into<String> => |raw, value| raw.s3_session_token = Some(value.into());
    /// The AWS region. Default: as everywhere (`AWS_REGION`, profile, instance).
    region: impl Into<String> => |raw, value| raw.region = Some(value.into());
    /// The URL of a store that isn't Amazon's; of an emulator or a private endpoint of Google's or Azure's. Default: as
    /// everywhere (`AWS_ENDPOINT_URL_S3`, profile), else the public one.
    endpoint: impl Into<String> => |raw, value| raw.endpoint = Some(value.into());
    /// Whether the bucket's name is in the path of URLs rather than in the host. Default: only with an endpoint.
    path_style: bool => |raw, value| raw.path_style = Some(value);
    /// The account of Azure Blob Storage that has the container. Default: `AZURE_STORAGE_ACCOUNT_NAME`. Its keys are taken from
    /// the environment alone.
    azure_account: impl Into<String> => |raw, value| raw.azure_account = Some(value.into());
    /// All else about a bucket of S3: what objects are written with (class, encryption, access, tags, lock), profile, assumed
    /// role, kind of endpoint, time-outs. Bucket, region, endpoint and keys given by the options above come before its own.
    #[cfg(feature = "s3")]
    s3_options: crate::bucket::S3Options => |raw, value| raw.s3_options = Some(Box::new(value));
    /// Directories of objects: a pattern of Java's `SimpleDateFormat` in UTC, or of `strftime` when it has a `%`.
    /// Default `yyyy/MM/dd`.
    s3_directory_format: impl Into<String> => |raw, value| raw.s3_directory_format = Some(value.into());
    /// Where the queue lives. Made when missing.
    local_directory: impl Into<PathBuf> => |raw, value| raw.local_directory = Some(value.into());
    /// How objects are compressed. Default: not.
    compressor: Compressor => |raw, value| raw.compressor = value;
    /// How hard: gzip 1 to 9 (7), zstd -7 to 22 (3), lzma2 0 to 9 (3).
    compression_level: i32 => |raw, value| raw.compression_level = Some(value);
    /// What follows each entry. Default: a newline. Empty: nothing, and readers can't count entries.
    delimiter: impl Into<Vec<u8>> => |raw, value| raw.delimiter = value.into();
    /// Whether an entry may have the delimiter inside; readers then see several. Default: no.
    allow_delimiter_in_entries: bool => |raw, value| raw.allow_delimiter_in_entries = value;
    /// How long an entry waits, at most, before its batch is written to disk.
    max_batch_latency: Duration => |raw, value| raw.max_batch_latency = Some(value);
    /// How many entries, at most, are batched before they are written to disk.
    max_batch_size: u64 => |raw, value| raw.max_batch_size = Some(value);
    /// How many bytes are batched before they are written to disk. Default 1 MiB.
    max_batch_bytes: usize => |raw, value| raw.max_batch_bytes = value;
    /// The longest entry, in bytes, without the delimiter. Default 16 MiB.
    max_entry_bytes: usize => |raw, value| raw.max_entry_bytes = value;
    /// Whether a batch is on the medium before it counts as durable. Default: yes. Without, a power loss may take what
    /// counted as durable; what is uploaded is synced before all the same.
    fsync: bool => |raw, value| raw.fsync = value;
    /// Unique among the journals that write to one place, the same across restarts. Default: the id that the directory
    /// was made with, else the host's name.
    id: impl Into<String> => |raw, value| raw.id = Some(value.into());
    /// Spreads objects over so many top-level directories, up to 36. Default: none.
    shards: u32 => |raw, value| raw.shards = Some(value);
    /// Aborts uploads that other incarnations of this id (a directory that was lost) left open for longer than this.
    /// Default: off. It never completes them.
    expiration: Duration => |raw, value| raw.expiration = Some(value);
    /// What follows `.journal.` in keys. Default: the compressor's.
    suffix: impl Into<String> => |raw, value| raw.suffix = Some(value.into());
    /// The most entries that wait to be uploaded. Default: no such limit.
    max_queue_size: u64 => |raw, value| raw.max_queue_size = Some(value);
    /// The most bytes that the queue takes on disk. Default: no such limit. It doesn't lift [`Options::free_space_kept`]:
    /// both hold, the smaller counts, and [`FullCause`](crate::FullCause) says which it was.
    max_queue_bytes: u64 => |raw, value| raw.max_queue_bytes = Some(value);
    /// What the queue leaves free on its file system, whoever fills it: a share of it in whole percent, or so many bytes.
    /// Default 5 %; `FreeSpace::Bytes(0)` keeps nothing. (A full queue that has to grow a little so that it can be emptied
    /// passes it by one small file.)
    free_space_kept: FreeSpace => |raw, value| raw.free_space_kept = value;
    /// What `submit` does when a limit of the queue is met. Default: wait.
    when_full: WhenFull => |raw, value| raw.when_full = value;
    /// Stored size at which an object is ended, in bytes. Default 128 MiB. Passed by at most the batches in work.
    max_object_size: u64 => |raw, value| raw.max_object_size = value;
    /// Age at which an object is ended. Default 5 minutes.
    max_object_age: Duration => |raw, value| raw.max_object_age = value;
    /// Size of an upload's parts in bytes. Default 8 MiB. Objects below two parts go up in one request.
    part_size: u64 => |raw, value| raw.part_size = value;
    /// Parts that go up side by side; each takes `part_size` of memory. Default 4. A store that asks to slow down gets fewer
    /// until it has answered for a while without.
    max_concurrent_uploads: usize => |raw, value| raw.max_concurrent_uploads = value;
    /// The most requests that the store is asked per second, evenly spread. Default: no limit.
    max_requests_per_second: u32 => |raw, value| raw.max_requests_per_second = Some(value);
    /// The most bytes that are sent to the store per second, on average: a part goes as fast as the line, then the next one
    /// waits. Default: no limit.
    max_upload_bytes_per_second: u64 => |raw, value| raw.max_upload_bytes_per_second = Some(value);
    /// Whether damage in the local queue is passed by. Default: no, the upload stops there and submitting goes on. With it the object ends
    /// before the damage, what is damaged and what of the object follows is kept aside in the directory `quarantine` below the local
    /// one, later objects are uploaded, and the gap shows in the next one's metadata.
    quarantine: bool => |raw, value| raw.quarantine = value;
    /// Disk, clock and randomness other than the computer's own, for tests and simulations.
    environment: Environment => |raw, value| raw.environment = value;
}

impl<E> Options<E> {
    /// How entries become bytes.
    pub fn encoder<F>(self, encoder: F) -> Options<F> {
        Options { encoder, raw: self.raw }
    }

    /// A store of the caller's own, under `prefix`, instead of [`Options::to`].
    pub fn bucket(mut self, bucket: Arc<dyn Bucket>, prefix: impl Into<String>) -> Self {
        self.raw.bucket = Some(bucket);
        self.raw.bucket_prefix = prefix.into();
        self
    }

    /// The store that these options name, and the prefix in it: for readers. Makes no request.
    ///
    /// # Errors
    /// [`OpenError::Option`].
    pub fn open_bucket(&self) -> Result<(Arc<dyn Bucket>, String), OpenError> {
        self.raw.open_bucket()
    }
}

/// The options, checked.
#[derive(Debug)]
pub(crate) struct Settings {
    pub bucket: Arc<dyn Bucket>,
    pub keys: KeyLayout,
    pub format: DirectoryFormat,
    pub local_directory: PathBuf,
    pub compressor: Compressor,
    pub level: Option<i32>,
    pub suffix: Option<String>,
    pub delimiter: Vec<u8>,
    pub allow_delimiter_in_entries: bool,
    pub max_batch_latency: Option<Duration>,
    pub max_batch_size: u64,
    pub max_batch_bytes: usize,
    pub max_entry_bytes: usize,
    pub fsync: bool,
    pub id: Option<Id>,
    pub expiration: Option<Duration>,
    pub max_queue_size: u64,
    pub max_queue_bytes: Option<u64>,
    pub free_space_kept: FreeSpace,
    pub slab_size_bytes: u64,
    pub when_full: WhenFull,
    pub max_object_size: u64,
    pub max_object_age: Duration,
    pub part_size: u64,
    pub max_concurrent_uploads: usize,
    pub quarantine: bool,
    pub environment: Environment,
}

/// An option that can't be used.
fn refuse<T>(
    option: &'static str,
    value: impl std::fmt::Display,
    remedy: impl std::fmt::Display,
) -> Result<T, OpenError> {
    // Values come from outside: control characters in them must not reach a terminal.
    let value = value.to_string().escape_debug().to_string();
    let value = if value.is_empty() { "empty".to_owned() } else { value };
    Err(OpenError::Option { option, value, remedy: remedy.to_string() })
}

fn checked<T, F: std::fmt::Display>(
    option: &'static str,
    value: impl std::fmt::Display,
    result: Result<T, F>,
) -> Result<T, OpenError> {
    result.or_else(|error| refuse(option, value, error))
}

impl RawOptions {
    fn open_bucket(&self) -> Result<(Arc<dyn Bucket>, String), OpenError> {
        let limits = self.rate_limits()?;
        let (bucket, prefix) = self.open_store()?;
        let is_free = limits.is_none();
        Ok((if is_free { bucket } else { Arc::new(LimitedBucket::new(bucket, limits)) }, prefix))
    }

    fn rate_limits(&self) -> Result<RateLimits, OpenError> {
        let remedy = "give at least 1, or leave it out for no limit";
        let mut limits = RateLimits::default();
        if let Some(requests) = self.max_requests_per_second {
            limits.requests_per_second = NonZeroU32::new(requests);
            if limits.requests_per_second.is_none() {
                return refuse("max_requests_per_second", requests, remedy);
            }
        }
        if let Some(bytes) = self.max_upload_bytes_per_second {
            limits.upload_bytes_per_second = NonZeroU64::new(bytes);
            if limits.upload_bytes_per_second.is_none() {
                return refuse("max_upload_bytes_per_second", bytes, remedy);
            }
        }
        Ok(limits)
    }

    fn open_store(&self) -> Result<(Arc<dyn Bucket>, String), OpenError> {
        let text = match (&self.bucket, &self.to, &self.s3_bucket) {
            (Some(bucket), None, None) => {
                checked("prefix", &self.bucket_prefix, check_prefix(&self.bucket_prefix))?;
                return Ok((Arc::clone(bucket), self.bucket_prefix.clone()));
            }
            (None, Some(to), None) => to.clone(),
            (None, None, Some(bucket)) => format!("s3://{bucket}"),
            (None, None, None) => {
                return refuse(
                    "to",
                    "",
                    "give s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, file:///path or a path, or s3_bucket",
                );
            }
            _ => return refuse("to", "given twice", "give only one of to, s3_bucket and bucket"),
        };
        let option = if self.to.is_some() { "to" } else { "s3_bucket" };
        match checked(option, &text, Location::parse(&text))? {
            Location::Local { directory } => {
                self.refuse_ways(&text, "the directory", true)?;
                // The directory records where its entries go: that must not depend on where the program was started.
                let directory = std::path::absolute(&directory).unwrap_or(directory);
                let environment = &self.environment;
                let (disk, clock) = (Arc::clone(&environment.disk), Arc::clone(&environment.clock));
                Ok((Arc::new(LocalBucket::with_clock(disk, clock, directory)), String::new()))
            }
            Location::S3 { bucket, prefix } => {
                self.refuse_account(&text)?;
                self.open_s3(&bucket, prefix)
            }
            Location::Gcs { bucket, prefix } => {
                self.refuse_ways(&text, "the bucket", false)?;
                self.refuse_account(&text)?;
                self.open_gcs(&bucket, prefix)
            }
            Location::Azure { container, prefix } => {
                self.refuse_ways(&text, "the container", false)?;
                self.open_azure(&container, prefix)
            }
        }
    }

    /// Refuses what has a meaning for S3 alone; the endpoint, too, where there is none.
    fn refuse_ways(&self, text: &str, what: &str, is_local: bool) -> Result<(), OpenError> {
        let only_s3 = [
            ("endpoint", is_local && self.endpoint.is_some()),
            ("region", self.region.is_some()),
            ("s3_access_key", self.s3_access_key.is_some()),
            ("s3_secret_key", self.s3_secret_key.is_some()),
            ("s3_session_token", !is_local && self.s3_session_token.is_some()),
            ("path_style", !is_local && self.path_style.is_some()),
            #[cfg(feature = "s3")]
            ("s3_options", self.s3_options.is_some()),
        ];
        if let Some((option, _)) = only_s3.into_iter().find(|(_, given)| *given) {
            let remedy = format!("it has no meaning for {what} {text}; leave it out, or write to s3://");
            return refuse(option, "given", remedy);
        }
        if is_local { self.refuse_account(text) } else { Ok(()) }
    }

    fn refuse_account(&self, text: &str) -> Result<(), OpenError> {
        match &self.azure_account {
            Some(account) => refuse(
                "azure_account",
                account,
                format!("it has no meaning for {text}; leave it out, or write to az://"),
            ),
            None => Ok(()),
        }
    }

    #[cfg(not(feature = "gcs"))]
    #[expect(clippy::unused_self, reason = "it is with the feature")]
    fn open_gcs(&self, bucket: &str, _: String) -> Result<(Arc<dyn Bucket>, String), OpenError> {
        let remedy = "this build has no client for Google Cloud Storage; build it with the feature gcs";
        refuse("to", format!("gs://{bucket}"), remedy)
    }

    #[cfg(feature = "gcs")]
    fn open_gcs(&self, bucket: &str, prefix: String) -> Result<(Arc<dyn Bucket>, String), OpenError> {
        let bucket = crate::bucket::CloudBucket::gcs(bucket, &self.cloud_options());
        Ok((Arc::new(bucket.or_else(|error| refuse(error.what, error.value, error.remedy))?), prefix))
    }

    #[cfg(not(feature = "azure"))]
    #[expect(clippy::unused_self, reason = "it is with the feature")]
    fn open_azure(&self, container: &str, _: String) -> Result<(Arc<dyn Bucket>, String), OpenError> {
        let remedy = "this build has no client for Azure Blob Storage; build it with the feature azure";
        refuse("to", format!("az://{container}"), remedy)
    }

    #[cfg(feature = "azure")]
    fn open_azure(&self, container: &str, prefix: String) -> Result<(Arc<dyn Bucket>, String), OpenError> {
        let bucket = crate::bucket::CloudBucket::azure(container, &self.cloud_options());
        Ok((Arc::new(bucket.or_else(|error| refuse(error.what, error.value, error.remedy))?), prefix))
    }

    #[cfg(any(feature = "gcs", feature = "azure"))]
    fn cloud_options(&self) -> crate::bucket::CloudOptions {
        let mut options = crate::bucket::CloudOptions::default();
        options.endpoint.clone_from(&self.endpoint);
        options.account.clone_from(&self.azure_account);
        options
    }

    #[cfg(not(feature = "s3"))]
    fn open_s3(&self, bucket: &str, prefix: String) -> Result<(Arc<dyn Bucket>, String), OpenError> {
        let _ = (prefix, &self.s3_session_token, self.path_style);
        refuse("to", format!("s3://{bucket}"), "this build has no S3 client; build it with the feature s3")
    }

    #[cfg(feature = "s3")]
    fn open_s3(&self, bucket: &str, prefix: String) -> Result<(Arc<dyn Bucket>, String), OpenError> {
        use crate::bucket::{ObjectOptionsError, S3Bucket, S3Options, S3OptionsError};
        match (&self.s3_access_key, &self.s3_secret_key) {
            (Some(_), None) => {
                return refuse("s3_secret_key", "", "s3_access_key is given, so its secret is needed too");
            }
            (None, Some(_)) => {
                return refuse(
                    "s3_access_key",
                    "",
                    "s3_secret_key is given, so its access key is needed too",
                );
            }
            _ => {}
        }
        let mut options =
            self.s3_options.as_ref().map_or_else(|| S3Options::new(bucket), |base| S3Options::clone(base));
        bucket.clone_into(&mut options.bucket);
        for (of_base, given) in [(&mut options.region, &self.region), (&mut options.endpoint, &self.endpoint)]
        {
            if given.is_some() {
                of_base.clone_from(given);
            }
        }
        options.path_style = self.path_style.unwrap_or(options.path_style || self.endpoint.is_some());
        if self.s3_access_key.is_some() {
            options.access_key.clone_from(&self.s3_access_key);
            options.secret_key.clone_from(&self.s3_secret_key);
            options.session_token.clone_from(&self.s3_session_token);
        }
        let shown = self.endpoint.clone().unwrap_or_else(|| format!("s3://{bucket}"));
        let bucket = S3Bucket::new(options).or_else(|error| match error {
            S3OptionsError::Objects(ObjectOptionsError { what, value, remedy }) => {
                refuse(what, value, remedy)
            }
            S3OptionsError::Way { option, value, remedy } => refuse(option, value, remedy),
            error => refuse("endpoint", shown, error),
        })?;
        Ok((Arc::new(bucket), prefix))
    }

    /// Checks every option.
    pub(crate) fn check(self) -> Result<Settings, OpenError> {
        let (bucket, prefix) = self.open_bucket()?;
        let abilities = bucket.abilities();
        let Some(local_directory) = self.local_directory.clone() else {
            return refuse("local_directory", "", "give a directory for the queue");
        };
        if local_directory.as_os_str().is_empty() {
            return refuse("local_directory", "", "give a directory for the queue");
        }
        let same = std::path::absolute(&local_directory).map(|directory| LocalBucket::open(directory).name());
        if same.is_ok_and(|name| name == bucket.name()) {
            return refuse(
                "local_directory",
                local_directory.display(),
                "it is where objects go, too; give another",
            );
        }
        let pattern = self.s3_directory_format.as_deref();
        let format = match pattern {
            None => DirectoryFormat::default(),
            Some(pattern) => checked("s3_directory_format", pattern, DirectoryFormat::parse(pattern))?,
        };
        if format.is_finer_than_a_second() {
            tracing::warn!(
                pattern = format.pattern(),
                "the directory format changes within a second, so that nearly every batch becomes an object"
            );
        }
        let id = self.id.as_deref().map(|id| checked("id", id, Id::new(id))).transpose()?;
        let keys = checked("shards", self.shards.unwrap_or(0), KeyLayout::new(&prefix, self.shards))?;
        if let Compressor::Custom(custom) = &self.compressor {
            let name = custom.name();
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
            let taken = name.parse::<Compressor>().is_ok();
            if name.is_empty()
                || name.len() > COMPRESSOR_NAME_BYTES_MAX
                || !name.bytes().all(allowed)
                || taken
            {
                let remedy = format!(
                    "give a custom compressor a name of 1 to {COMPRESSOR_NAME_BYTES_MAX} of A-Z a-z 0-9 . _ - that no built-in one has"
                );
                return refuse("compressor", name, remedy);
            }
            if self.compression_level.is_some() {
                return refuse("compression_level", "given", "a custom compressor has none; leave it out");
            }
        }
        let level = self.compression_level;
        let level_shown = level.map_or_else(String::new, |level| level.to_string());
        checked("compression_level", level_shown, self.compressor.codec().check_level(level))?;
        let suffix = self.suffix.clone().or_else(|| self.compressor.suffix().map(str::to_owned));
        if let Some(suffix) = &suffix {
            checked("suffix", suffix, check_suffix(suffix))?;
        }
        let max_bytes = abilities.key_bytes_max.min(KEY_BYTES_MAX);
        let longest_id = id.clone().unwrap_or_else(|| Id::from_host_name(&crate::hostname()));
        let longest_directory = format.format(self.environment.clock.wall());
        let key = keys.check_len(&longest_directory, &longest_id, suffix.as_deref(), max_bytes);
        checked("prefix", &prefix, key)?;
        if self.delimiter.len() > DELIMITER_BYTES_MAX {
            let remedy = format!("a delimiter may have {DELIMITER_BYTES_MAX} bytes at most");
            return refuse("delimiter", format!("{} bytes long", self.delimiter.len()), remedy);
        }
        self.check_batches()?;
        let slab_size_bytes = self.check_queue()?;
        self.check_objects(abilities)?;
        Ok(Settings {
            bucket,
            keys,
            format,
            local_directory,
            level,
            suffix,
            delimiter: self.delimiter,
            allow_delimiter_in_entries: self.allow_delimiter_in_entries,
            max_batch_latency: self.max_batch_latency,
            max_batch_size: self.max_batch_size.unwrap_or(u64::MAX),
            max_batch_bytes: self.max_batch_bytes,
            max_entry_bytes: self.max_entry_bytes,
            fsync: self.fsync,
            id,
            expiration: self.expiration,
            max_queue_size: self.max_queue_size.unwrap_or(u64::MAX),
            max_queue_bytes: self.max_queue_bytes,
            free_space_kept: self.free_space_kept,
            slab_size_bytes,
            when_full: self.when_full,
            max_object_size: self.max_object_size,
            max_object_age: self.max_object_age,
            part_size: self.part_size,
            max_concurrent_uploads: self.max_concurrent_uploads,
            quarantine: self.quarantine,
            environment: self.environment,
            compressor: self.compressor,
        })
    }

    fn check_batches(&self) -> Result<(), OpenError> {
        if self.max_batch_latency.is_none() && self.max_batch_size.is_none() {
            return refuse("max_batch_latency", "", "give it or max_batch_size, so that a batch ends");
        }
        if self.max_batch_size == Some(0) {
            return refuse("max_batch_size", 0, "give at least 1");
        }
        for (option, value) in
            [("max_batch_bytes", self.max_batch_bytes), ("max_entry_bytes", self.max_entry_bytes)]
        {
            if !(1..=BATCH_BYTES_MAX).contains(&value) {
                return refuse(option, value, format!("give 1 to {BATCH_BYTES_MAX} bytes"));
            }
        }
        Ok(())
    }

    /// Checks the queue's limits; returns the size of its slabs.
    fn check_queue(&self) -> Result<u64, OpenError> {
        if self.max_queue_size == Some(0) {
            return refuse("max_queue_size", 0, "give at least 1");
        }
        if let FreeSpace::Percent(100..) = self.free_space_kept {
            return refuse(
                "free_space_kept",
                self.free_space_kept,
                "give less than 100%: nothing would be left",
            );
        }
        let Some(max_queue_bytes) = self.max_queue_bytes else { return Ok(SLAB_BYTES_MAX) };
        let batch_bytes = (self.max_batch_bytes + self.max_entry_bytes) as u64;
        let least = (8 * SLAB_BYTES_MIN).max(4 * batch_bytes);
        if max_queue_bytes < least {
            let remedy = format!(
                "a queue needs {least} bytes at least with these max_batch_bytes and max_entry_bytes; raise it, or lower them"
            );
            return refuse("max_queue_bytes", max_queue_bytes, remedy);
        }
        Ok((max_queue_bytes / 8).clamp(SLAB_BYTES_MIN, SLAB_BYTES_MAX))
    }

    fn check_objects(&self, abilities: crate::bucket::Abilities) -> Result<(), OpenError> {
        let (least, most) = (abilities.part_size_min_bytes, abilities.part_size_max_bytes);
        if !(least..=most).contains(&self.part_size) {
            return refuse(
                "part_size",
                self.part_size,
                format!("this store takes parts of {least} to {most} bytes"),
            );
        }
        // The log's record of a batch names the sum of each part that it fills, and must stay small.
        let least = (self.max_batch_bytes + self.max_entry_bytes) as u64 / BATCH_PARTS_MAX;
        if self.part_size < least {
            let remedy = format!(
                "give at least {least} bytes with these max_batch_bytes and max_entry_bytes, or lower them"
            );
            return refuse("part_size", self.part_size, remedy);
        }
        if self.max_object_size == 0 {
            return refuse("max_object_size", 0, "give at least 1 byte");
        }
        // The mark may be passed by the batches in work.
        let slack = 4 * (self.max_batch_bytes + self.max_entry_bytes) as u64;
        let largest = self.part_size.saturating_mul(u64::from(abilities.parts_max)).saturating_sub(slack);
        if self.max_object_size > largest {
            let remedy = format!(
                "with this part_size an object can have {largest} bytes; lower it, or raise part_size"
            );
            return refuse("max_object_size", self.max_object_size, remedy);
        }
        if self.max_object_age < Duration::from_millis(1) {
            return refuse(
                "max_object_age",
                format!("{:?}", self.max_object_age),
                "give at least a millisecond",
            );
        }
        if self.expiration.is_some_and(|expiration| expiration < Duration::from_mins(1)) {
            return refuse(
                "expiration",
                format!("{:?}", self.expiration),
                "give at least a minute: uploads that are under way must not be aborted",
            );
        }
        if !(1..=256).contains(&self.max_concurrent_uploads) {
            return refuse("max_concurrent_uploads", self.max_concurrent_uploads, "give 1 to 256");
        }
        Ok(())
    }
}
