//! How Google's or Azure's store is reached, beyond its name. Keys aren't among it: the environment has them, under the names
//! that their own tools use.

use std::time::Duration;

/// The way to a bucket of Google Cloud Storage or a container of Azure Blob Storage.
///
/// Credentials come from the environment: `GOOGLE_APPLICATION_CREDENTIALS` (or `GOOGLE_SERVICE_ACCOUNT`, or the machine's
/// own); `AZURE_STORAGE_ACCOUNT_KEY`, `AZURE_STORAGE_SAS_TOKEN`, `AZURE_CLIENT_ID` and the like, or the machine's own.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloudOptions {
    /// The URL of an emulator or a private endpoint, instead of the public one. `http://` is taken as it stands: bytes and
    /// keys go unencrypted then.
    pub endpoint: Option<String>,
    /// Azure's account (default: `AZURE_STORAGE_ACCOUNT_NAME`). Google has none.
    pub account: Option<String>,
    /// How long a connection may take to be made (default 5 s).
    pub connect_timeout: Duration,
    /// How long the store may take for an answer, besides the time for the bytes (default 1 min).
    pub operation_timeout: Duration,
    /// At least so many bytes per second are given time for (default 64 KiB).
    pub slowest_bytes_per_second: u64,
}

impl Default for CloudOptions {
    fn default() -> Self {
        Self {
            endpoint: None,
            account: None,
            connect_timeout: Duration::from_secs(5),
            operation_timeout: Duration::from_mins(1),
            slowest_bytes_per_second: 64 << 10,
        }
    }
}

impl CloudOptions {
    /// How long a call may take that moves this many bytes.
    pub(super) fn limit(&self, bytes: u64) -> Duration {
        let for_bytes = Duration::from_secs(bytes / self.slowest_bytes_per_second.max(1));
        self.operation_timeout.saturating_add(for_bytes)
    }
}

/// Options, or an environment, with which no client can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {value}: {remedy}")]
pub struct CloudOptionsError {
    /// The option.
    pub what: &'static str,
    /// Its value; never a secret.
    pub value: String,
    /// What to do about it.
    pub remedy: String,
}
