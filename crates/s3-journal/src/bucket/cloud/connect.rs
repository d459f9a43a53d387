//! From options and environment to a client of the store. Knows the builders of `object_store`; makes no request.

use std::sync::Arc;
use std::time::Duration;

use object_store::RetryConfig;

use super::wire::Wire;
use super::{CloudBucket, CloudOptions, CloudOptionsError, Dialect};

/// Whether a repeated call is safe is for the upload protocol to say: it must know of every attempt.
fn no_retry() -> RetryConfig {
    RetryConfig { max_retries: 0, retry_timeout: Duration::from_secs(0), ..RetryConfig::default() }
}

fn refused(what: &'static str, value: impl Into<String>, remedy: impl Into<String>) -> CloudOptionsError {
    CloudOptionsError { what, value: value.into(), remedy: remedy.into() }
}

/// The endpoint without a slash at its end, if it is one.
fn endpoint(options: &CloudOptions) -> Result<Option<String>, CloudOptionsError> {
    let Some(endpoint) = &options.endpoint else { return Ok(None) };
    let is_url =
        |scheme: &str| endpoint.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    // What stands before an @ may be a password.
    if !(is_url("http://") || is_url("https://")) || endpoint.contains('@') {
        return Err(refused(
            "endpoint",
            "no URL",
            "write http://host:port or https://host, without a name and a password",
        ));
    }
    Ok(Some(endpoint.trim_end_matches('/').to_owned()))
}

impl CloudBucket {
    /// The bucket of Google Cloud Storage with this name. Sends nothing; reads the file of credentials, if the environment
    /// names one.
    ///
    /// # Errors
    /// [`CloudOptionsError`] names what to change.
    #[cfg(feature = "gcs")]
    pub fn gcs(bucket: &str, options: &CloudOptions) -> Result<Self, CloudOptionsError> {
        Self::gcs_with(object_store::gcp::GoogleCloudStorageBuilder::from_env(), bucket, options)
    }

    #[cfg(feature = "gcs")]
    pub(super) fn gcs_with(
        builder: object_store::gcp::GoogleCloudStorageBuilder,
        bucket: &str,
        options: &CloudOptions,
    ) -> Result<Self, CloudOptionsError> {
        if options.account.is_some() {
            return Err(refused("account", "given", "Google Cloud Storage has none: leave it out"));
        }
        let mut builder = builder
            .with_bucket_name(bucket)
            .with_retry(no_retry())
            .with_http_connector(Wire::new(options.connect_timeout));
        if let Some(endpoint) = endpoint(options)? {
            builder = builder.with_base_url(&endpoint);
        }
        let store = builder.build().map_err(|error| {
            let remedy = format!("{error}; see GOOGLE_APPLICATION_CREDENTIALS");
            refused("credentials", "unusable", remedy)
        })?;
        Ok(Self::new(format!("gs://{bucket}"), Dialect::Gcs, Arc::new(store), true, options.clone()))
    }

    /// The container of Azure Blob Storage with this name. Sends nothing.
    ///
    /// # Errors
    /// [`CloudOptionsError`] names what to change.
    #[cfg(feature = "azure")]
    pub fn azure(container: &str, options: &CloudOptions) -> Result<Self, CloudOptionsError> {
        Self::azure_with(object_store::azure::MicrosoftAzureBuilder::from_env(), container, options)
    }

    #[cfg(feature = "azure")]
    pub(super) fn azure_with(
        builder: object_store::azure::MicrosoftAzureBuilder,
        container: &str,
        options: &CloudOptions,
    ) -> Result<Self, CloudOptionsError> {
        use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
        let wire = Wire::new(options.connect_timeout);
        let mut builder: MicrosoftAzureBuilder =
            builder.with_container_name(container).with_retry(no_retry()).with_http_connector(wire.clone());
        if let Some(account) = &options.account {
            builder = builder.with_account(account);
        }
        if let Some(endpoint) = endpoint(options)? {
            let is_plain = endpoint.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
            builder = builder.with_endpoint(endpoint).with_allow_http(is_plain);
        }
        let account = builder.get_config_value(&AzureConfigKey::AccountName).unwrap_or_default();
        let store = builder.build().map_err(|error| {
            refused(
                "account",
                "unusable",
                format!("{error}; see AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"),
            )
        })?;
        wire.signs_with(azure::Again { credentials: Arc::clone(store.credentials()), account });
        Ok(Self::new(format!("az://{container}"), Dialect::Azure, Arc::new(store), true, options.clone()))
    }
}

#[cfg(feature = "azure")]
mod azure {
    use std::fmt;

    use async_trait::async_trait;
    use http::header::{AUTHORIZATION, DATE};
    use object_store::azure::{AzureAuthorizer, AzureCredential, AzureCredentialProvider};
    use object_store::client::HttpRequest;

    use crate::bucket::cloud::wire::Resign;

    /// A signature with the account's key covers the headers, so what was added to them must be signed; tokens don't.
    pub(super) struct Again {
        pub(super) credentials: AzureCredentialProvider,
        pub(super) account: String,
    }

    impl fmt::Debug for Again {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Again").field("account", &self.account).finish_non_exhaustive()
        }
    }

    #[async_trait]
    impl Resign for Again {
        async fn resign(&self, request: &mut HttpRequest) -> object_store::Result<()> {
            let credential = self.credentials.get_credential().await?;
            if matches!(*credential, AzureCredential::AccessKey(_)) {
                request.headers_mut().remove(AUTHORIZATION);
                request.headers_mut().remove(DATE);
                AzureAuthorizer::new(&credential, &self.account).try_authorize(request)?;
            }
            Ok(())
        }
    }
}
