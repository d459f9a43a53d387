//! From options to a client: credentials, region, endpoint, connections. Knows the AWS crates' configuration.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    Builder, Credentials, IdentityCache, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedCredentialsProvider, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector, http_client_fn};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::options::{AssumeRole, S3Options};
use crate::bucket::{BucketError, BucketErrorKind};

/// How long all sources of credentials and region together may take. The machine's metadata service is one of them, which
/// doesn't answer where there is none.
pub(super) const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(15);

/// Unused connections are closed after this; S3 closes them after some 20 seconds, and a request that meets the closing of
/// its connection has no answer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// What the account's logs call who has assumed a role, unless told.
const SESSION_NAME: &str = "s3-journal";

/// What the store's own logs name, unless told.
const APPLICATION: &str = "s3-journal";

/// Where the AWS tools look for certificates.
const CA_BUNDLE: &str = "AWS_CA_BUNDLE";

/// What AWS itself calls the region where none is named.
const DEFAULT_REGION: &str = "us-east-1";

/// A client, and what is known of the way to the store.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) client: Client,
    /// Whether bytes go through TLS, which guards them: their signature needs no hash of the body then.
    pub(super) is_encrypted: bool,
}

/// Makes a client. Asks for region (and profile), not yet for credentials: those are fetched when first needed, and renewed
/// before they expire.
pub(super) async fn connect(options: &S3Options) -> Result<Connected, BucketError> {
    let keys = options.access_key.as_ref().zip(options.secret_key.as_ref()).map(|(access, secret)| {
        Credentials::new(
            access.as_str(),
            secret.as_str(),
            options.session_token.clone(),
            None,
            "s3-journal options",
        )
    });
    let is_alone = keys.is_some() && options.assume_role.is_none();
    let needs_tls = !is_alone || !options.endpoint.as_deref().is_some_and(is_plain);
    let http_client = http_client(trust_store(options, needs_tls)?);
    let provider_config = ProviderConfig::without_region().with_http_client(http_client.clone());
    let region = region(options, &provider_config).await;

    let mut loader =
        aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http_client).region(region.clone());
    if let Some(keys) = keys {
        loader = loader.credentials_provider(keys);
    }
    if let Some(profile) = &options.profile {
        // Before the environment's keys, as with the AWS tools where a profile is named.
        let of_region = provider_config.with_region(region.clone());
        let keys = ProfileFileCredentialsProvider::builder().configure(&of_region).profile_name(profile);
        loader = loader.profile_name(profile).credentials_provider(keys.build());
    }
    // Left alone where not asked for: environment and profile may ask for them.
    if options.dual_stack {
        loader = loader.use_dual_stack(true);
    }
    if options.fips {
        loader = loader.use_fips(true);
    }
    let application = options.application.as_deref().unwrap_or(APPLICATION).to_owned();
    if let Ok(name) = AppName::new(application) {
        loader = loader.app_name(name);
    }
    let shared = loader.load().await;
    let endpoint = environment_endpoint(options).or_else(|| shared.endpoint_url().map(ToOwned::to_owned));
    let region = match (shared.region(), &endpoint) {
        (Some(region), _) => region.clone(),
        (None, Some(_)) => Region::from_static(DEFAULT_REGION),
        (None, None) => {
            let message = "no region: set it as an option, in AWS_REGION or in the profile";
            return Err(BucketError::new(BucketErrorKind::NotSent, "MissingRegion", message));
        }
    };
    let mut builder = Builder::from(&shared);
    if let Some(role) = &options.assume_role {
        builder.set_credentials_provider(Some(assume(role, &shared, region.clone()).await));
    }
    if let Some(endpoint) = &options.endpoint {
        // Not for all services: the one that gives out a role's keys is elsewhere.
        builder = builder.endpoint_url(endpoint.as_str());
    }
    let config = builder
        .region(region)
        .accelerate(options.accelerate)
        .force_path_style(options.needs_path_style(endpoint.as_deref()))
        // Whether a repeated call is safe is for the upload protocol to say: it must know of every attempt.
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().connect_timeout(options.connect_timeout).build())
        // It sees a body that is handed over in one piece as sent at once, so it would watch nothing; each call has a
        // limit of its own that grows with its bytes.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        // Checksums are ours, in a header: the body is neither hashed again nor sent in chunks with a trailer.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .identity_cache(IdentityCache::lazy().load_timeout(CREDENTIALS_TIMEOUT).build())
        .build();
    let is_encrypted = !endpoint.as_deref().is_some_and(is_plain);
    Ok(Connected { client: Client::from_conf(config), is_encrypted })
}

/// The keys of a role, got with those that were found.
async fn assume(role: &AssumeRole, shared: &SdkConfig, region: Region) -> SharedCredentialsProvider {
    let mut builder = AssumeRoleProvider::builder(&role.arn)
        .configure(shared)
        .region(region)
        .session_name(role.session_name.as_deref().unwrap_or(SESSION_NAME));
    if let Some(id) = &role.external_id {
        builder = builder.external_id(id);
    }
    SharedCredentialsProvider::new(builder.build().await)
}

/// The certificates that are trusted.
#[expect(clippy::disallowed_methods, reason = "a file of the machine's configuration, none of the journal's")]
fn trust_store(options: &S3Options, needs_tls: bool) -> Result<TrustStore, BucketError> {
    if !needs_tls {
        return Ok(TrustStore::empty());
    }
    let variable = std::env::var_os(CA_BUNDLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let Some(path) = options.ca_bundle.clone().or(variable) else { return Ok(TrustStore::default()) };
    let refused = |problem: String| {
        let message = format!("the certificates in {} can't be used: {problem}", path.display());
        BucketError::new(BucketErrorKind::NotSent, "CaBundle", message)
    };
    let pem = std::fs::read(&path).map_err(|error| refused(error.to_string()))?;
    check_certificates(&pem).map_err(refused)?;
    Ok(TrustStore::default().with_pem_certificate(pem))
}

/// Whether all certificates can be used, and there is one: the client would panic, or trust nobody, later.
fn check_certificates(pem: &[u8]) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("there is none in it; PEM begins with -----BEGIN CERTIFICATE-----".to_owned());
    }
    Ok(())
}

fn is_plain(endpoint: &str) -> bool {
    endpoint.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"))
}

/// The endpoint in the environment that the client will use, if the options name none.
fn environment_endpoint(options: &S3Options) -> Option<String> {
    if options.endpoint.is_some()
        || std::env::var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_ok_and(|set| set == "true")
    {
        return options.endpoint.clone();
    }
    ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|endpoint| !endpoint.is_empty()))
}

async fn region(options: &S3Options, provider_config: &ProviderConfig) -> Option<Region> {
    if let Some(region) = &options.region {
        return Some(Region::new(region.clone()));
    }
    let mut profile = ProfileFileRegionProvider::builder().configure(provider_config);
    if let Some(name) = &options.profile {
        profile = profile.profile_name(name);
    }
    let chain =
        RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(profile.build());
    if environment_endpoint(options).is_some() {
        return chain.region().await;
    }
    // Only Amazon's machines have a metadata service, and only they are without an endpoint.
    let machine = ImdsRegionProvider::builder().configure(provider_config).build();
    chain.or_else(machine).region().await
}

/// Connections through rustls, by the proxies that the environment names (`HTTPS_PROXY`, `NO_PROXY` and the like).
fn http_client(trust: TrustStore) -> SharedHttpClient {
    // A connector owns its pool of connections, so there is one for each setting of time-outs: the store's, and those of
    // the sources of credentials.
    let connectors: Mutex<Vec<(HttpConnectorSettings, SharedHttpConnector)>> = Mutex::default();
    let is_same = |a: &HttpConnectorSettings, b: &HttpConnectorSettings| {
        a.connect_timeout() == b.connect_timeout() && a.read_timeout() == b.read_timeout()
    };
    http_client_fn(move |settings, components| {
        let mut connectors = connectors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, connector)) = connectors.iter().find(|(known, _)| is_same(known, settings)) {
            return connector.clone();
        }
        let context = TlsContext::builder().with_trust_store(trust.clone()).build().unwrap_or_default();
        let mut builder = Connector::builder()
            .connector_settings(settings.clone())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .proxy_config(ProxyConfig::from_env());
        builder.set_sleep_impl(components.sleep_impl());
        let connector = SharedHttpConnector::new(
            builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(context).build(),
        );
        connectors.push((settings.clone(), connector.clone()));
        connector
    })
}
