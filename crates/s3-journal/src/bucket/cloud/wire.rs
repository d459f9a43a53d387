//! The way of each request of `object_store` to the network: TLS by ring with the machine's certificates, one attempt, what
//! came of it noted for the caller, and headers added that `object_store` doesn't send. Knows HTTP, nothing of buckets.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::header::{HeaderName, HeaderValue};
use http::{Response, StatusCode};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};

/// Unused connections are closed after this, before the store closes them: a request that meets the closing has no answer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

tokio::task_local! {
    /// The call that is under way in this task.
    static CALL: Arc<Call>;
}

/// What became of a request, the last one of a call: `object_store`'s own errors tell it in words only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Seen {
    /// None was sent.
    #[default]
    Nothing,
    /// An answer came.
    Answered {
        /// Its status.
        status: u16,
        /// The store's code for an error, if it gave one.
        code: String,
        /// Its words.
        message: String,
    },
    /// No connection could be made: nothing was sent.
    NotSent {
        /// Why.
        why: String,
    },
    /// It was sent, and no answer came.
    Lost {
        /// Why.
        why: String,
    },
}

/// One call of the bucket's.
#[derive(Debug, Default)]
struct Call {
    seen: Mutex<Seen>,
    /// Added to the request that commits a list of blocks.
    on_commit: Vec<(HeaderName, HeaderValue)>,
}

/// Makes a call and says what became of its last request, if it sent any through a [`Wire`].
pub(super) async fn watched<T>(
    on_commit: Vec<(HeaderName, HeaderValue)>,
    work: impl Future<Output = T>,
) -> (T, Seen) {
    let call = Arc::new(Call { seen: Mutex::default(), on_commit });
    let result = CALL.scope(Arc::clone(&call), work).await;
    let seen = call.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (result, seen)
}

fn note(seen: Seen) {
    // Outside of a call nobody asks.
    let _ = CALL.try_with(|call| *call.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen);
}

/// Signs a request again after headers were added to it.
#[async_trait]
pub(super) trait Resign: std::fmt::Debug + Send + Sync {
    async fn resign(&self, request: &mut HttpRequest) -> object_store::Result<()>;
}

/// Makes the clients of one store.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    connect_timeout: Duration,
    resign: Arc<OnceLock<Box<dyn Resign>>>,
}

impl Wire {
    pub(super) fn new(connect_timeout: Duration) -> Self {
        Self { connect_timeout, resign: Arc::default() }
    }

    /// Says who signs again; known only once the store is built.
    #[cfg(feature = "azure")]
    pub(super) fn signs_with(&self, resign: impl Resign + 'static) {
        // It is called once.
        let _ = self.resign.set(Box::new(resign));
    }
}

impl HttpConnector for Wire {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let failed = |why: String| object_store::Error::Generic { store: "client", source: why.into() };
        let mut roots = rustls::RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs();
        // Those that can't be read are none that a server would show.
        let (added, _) = roots.add_parsable_certificates(native.certs);
        if added == 0 {
            tracing::debug!("this machine has no certificates to trust: https can't be spoken");
        }
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .user_agent("s3-journal")
            .build()
            .map_err(|error| failed(error.without_url().to_string()))?;
        Ok(HttpClient::new(Way { client: HttpClient::new(client), resign: Arc::clone(&self.resign) }))
    }
}

#[derive(Debug)]
struct Way {
    client: HttpClient,
    resign: Arc<OnceLock<Box<dyn Resign>>>,
}

#[async_trait]
impl HttpService for Way {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let added = CALL.try_with(|call| call.on_commit.clone()).unwrap_or_default();
        if !added.is_empty() && commits_blocks(&request) {
            for (name, value) in added {
                request.headers_mut().insert(name, value);
            }
            if let Some(resign) = self.resign.get() {
                resign
                    .resign(&mut request)
                    .await
                    .map_err(|error| HttpError::new(HttpErrorKind::Connect, error))?;
            }
        }
        let response = match self.client.execute(request).await {
            Ok(response) => response,
            Err(error) => {
                let why = innermost(&error);
                let is_sent = error.kind() != HttpErrorKind::Connect;
                note(if is_sent { Seen::Lost { why } } else { Seen::NotSent { why } });
                return Err(error);
            }
        };
        let status = response.status();
        if status.is_success() {
            note(Seen::Answered { status: status.as_u16(), code: String::new(), message: String::new() });
            return Ok(response);
        }
        refused(status, response).await
    }
}

/// Reads what the store says of its refusal, and hands it on.
async fn refused(status: StatusCode, response: HttpResponse) -> Result<HttpResponse, HttpError> {
    let (parts, body) = response.into_parts();
    let in_header = parts.headers.get("x-ms-error-code").and_then(|code| code.to_str().ok());
    let in_header = in_header.map(ToOwned::to_owned);
    // Without its words the status alone says enough.
    let body = body.bytes().await.unwrap_or_default();
    let text = String::from_utf8_lossy(&body);
    let code = in_header.or_else(|| element(&text, "Code")).or_else(|| json_error(&text)).unwrap_or_default();
    let message = element(&text, "Message").unwrap_or_default();
    // What Azure appends for its own people: a request's number and time on lines of their own.
    let message = message.lines().next().unwrap_or_default().trim().to_owned();
    note(Seen::Answered { status: status.as_u16(), code, message });
    Ok(Response::from_parts(parts, body.into()))
}

/// The text of the first such element; the stores' errors are flat.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.to_owned())
}

/// The code in an answer of those who give out tokens: `{"error": "invalid_grant", ...}`.
fn json_error(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    value.get("error")?.as_str().map(ToOwned::to_owned)
}

fn commits_blocks(request: &HttpRequest) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.method() == http::Method::PUT && query.split('&').any(|pair| pair == "comp=blocklist")
}

/// The words of the last cause: those before it say that sending failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
