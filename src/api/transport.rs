//! HTTP to the vendor: connections, deadlines, redirects, proxies, and answers that are decoded while they arrive.
//!
//! One [`Transport`] is shared by all accounts. It knows nothing of what the vendor's answers mean: a success is handed
//! to a decoder piece by piece, and a failure is handed back with its status and the beginning of its body.
//!
//! A redirect is followed once, for a `GET`, and within the same origin only, so a token never goes anywhere else.
//! Proxies are those of the usual environment variables.

mod body;
mod decoders;
mod exchange;
mod failure;
mod proxies;
mod reply;
mod tls;
mod unpacked;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION,
};
use reqwest::{Response, StatusCode, redirect};
use rustls::RootCertStore;
use tokio::time::{Instant as Deadline, timeout_at};
use url::Url;
use zeroize::Zeroizing;

use super::contract::{Contract, Months};
use super::{ApiError, Endpoint, Lane, Observation, Reason, Telemetry};
use crate::config::Secret;

pub(super) use body::Incoming;
pub(super) use exchange::{RawResponse, Request};
pub use proxies::{Proxies, Proxy, ProxyError};
pub(super) use reply::{FailureReply, Reply};
pub use tls::TransportError;

/// The longest wait for a connection, as part of a call.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The most headers that an answer may have.
const MAX_HEADERS: usize = 1000;

/// Makes requests. A clone shares its connections.
#[derive(Clone)]
pub struct Transport {
    client: reqwest::Client,
    proxies: Proxies,
    system_roots: Arc<RootCertStore>,
    timeout: Duration,
    /// After decompression.
    bounds: body::Bounds,
    /// Where its calls wait for their turn.
    lane: Option<Arc<Lane>>,
}

// Written by hand, as a client shows its proxies, and a proxy's URL may hold a password.
impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// A request.
pub(super) struct Call<'a> {
    pub(super) endpoint: Endpoint,
    pub(super) url: Url,
    pub(super) bearer: Option<&'a Secret>,
    /// What to `POST`; without it the request is a `GET`.
    pub(super) json: Option<&'a Zeroizing<String>>,
    /// What a request that proves by itself who makes it is sent with, instead of the two above.
    pub(super) signed: Option<&'a Signed>,
}

/// A request that got no answer.
struct Unsent {
    error: ApiError,
    /// The connection was closed as it went out: most likely one that was kept and that the server had given up.
    closed: bool,
}

/// A request with a signature.
pub(super) struct Signed {
    /// Everything that was signed but the host, the signature itself, and what need not be signed.
    pub(super) headers: HeaderMap,
    /// The form to `POST`; without it the request is a `GET`.
    pub(super) form: Option<String>,
}

impl Transport {
    /// A transport that gives each call, from connecting to the end of its answer, `timeout`.
    ///
    /// Trusts the system's certificates. Where there are none it can still be used for plain HTTP, and for accounts
    /// that bring certificates of their own.
    ///
    /// # Errors
    /// Where the HTTP client cannot be set up, or the environment names a proxy that cannot be used.
    pub fn new(timeout: Duration) -> Result<Self, TransportError> {
        Self::through(Proxies::from_environment()?, timeout)
    }

    /// The same, with these proxies.
    ///
    /// # Errors
    /// Where the HTTP client cannot be set up.
    pub fn through(proxies: Proxies, timeout: Duration) -> Result<Self, TransportError> {
        Self::build(proxies, Arc::new(tls::system_roots()), None, timeout, body::Bounds::default())
    }

    /// The same, trusting the certificates in `ca_file` (PEM) as well.
    ///
    /// # Errors
    /// Where the file cannot be read, or holds no certificate or a broken one.
    pub fn trusting(&self, ca_file: &Path) -> Result<Self, TransportError> {
        let (proxies, roots) = (self.proxies.clone(), Arc::clone(&self.system_roots));
        let lane = self.lane.clone();
        Ok(Self { lane, ..Self::build(proxies, roots, Some(ca_file), self.timeout, self.bounds.clone())? })
    }

    /// The same, whose calls wait in `lane` for their turn before their time begins.
    #[must_use]
    pub fn in_lane(self, lane: Arc<Lane>) -> Self {
        Self { lane: Some(lane), ..self }
    }

    fn build(
        proxies: Proxies,
        system_roots: Arc<RootCertStore>,
        ca_file: Option<&Path>,
        timeout: Duration,
        bounds: body::Bounds,
    ) -> Result<Self, TransportError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config(&system_roots, ca_file)?)
            .user_agent(concat!("lyve-cloud-exporter/", env!("CARGO_PKG_VERSION")))
            .default_headers(HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]))
            // Less than the call has: a place that is silent is told from an answer that is late.
            .connect_timeout(CONNECT_TIMEOUT.min(timeout * 3 / 4))
            .redirect(redirect::Policy::none())
            .referer(false)
            // Gateways set cookies by the dozen, and old ones fold headers.
            .http1_max_headers(MAX_HEADERS)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            // In place of the library's own reading of the environment.
            .proxy(proxies.interceptor())
            .build()
            .map_err(|error| TransportError::Setup(failure::root_cause(&error)))?;
        Ok(Self { client, proxies, system_roots, timeout, bounds, lane: None })
    }

    /// The HTTP client. It has no deadline of its own.
    #[must_use]
    pub const fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// The proxy through which a request to `url` goes, where it goes through one.
    #[must_use]
    pub fn proxy(&self, url: &Url) -> Option<&Proxy> {
        self.proxies.for_url(url)
    }

    #[cfg(test)]
    pub(super) fn with_bounds(self, longest: usize, large: usize) -> Self {
        let bounds = body::Bounds { longest, large, ..self.bounds };
        Self { bounds, ..self }
    }

    /// Makes one request, once it is its turn. `decode` reads the body of a success on a thread of its own, a large one while it arrives, and
    /// says what it cannot understand in words that hold nothing of the body.
    ///
    /// When the call runs out of time or is dropped, the connection is closed, and `decode` gets a read error.
    pub(super) async fn call<T, D>(
        &self,
        call: Call<'_>,
        telemetry: &dyn Telemetry,
        decode: D,
    ) -> Result<Reply<T>, ApiError>
    where
        T: Send + 'static,
        D: FnOnce(Incoming) -> Result<T, Box<str>> + Send + 'static,
    {
        let Some(lane) = &self.lane else { return self.call_now(call, telemetry, decode).await };
        let place = lane.enter(&call.url).await;
        let reply = self.call_now(call, telemetry, decode).await;
        match &reply {
            Err(ApiError { reason: Reason::Timeout, .. }) => place.ended(false),
            Err(ApiError { status: None, .. }) => {}
            Ok(_) | Err(_) => place.ended(true),
        }
        reply
    }

    async fn call_now<T, D>(
        &self,
        call: Call<'_>,
        telemetry: &dyn Telemetry,
        decode: D,
    ) -> Result<Reply<T>, ApiError>
    where
        T: Send + 'static,
        D: FnOnce(Incoming) -> Result<T, Box<str>> + Send + 'static,
    {
        let deadline = Deadline::now() + self.timeout;
        let started = Instant::now();
        let sent = self.send(&call, &call.url, deadline).await;
        if let Ok(response) = &sent
            && let Some(next) = redirect_target(&call, response)
        {
            telemetry.request(call.endpoint, Ok(response.status().as_u16()), started.elapsed());
            let next = next.map_err(|detail| ApiError {
                status: Some(response.status().as_u16()),
                ..ApiError::new(Reason::Request, call.endpoint, detail)
            })?;
            let started = Instant::now();
            let sent = self.send(&call, &next, deadline).await;
            self.finish(&call, sent, started, deadline, telemetry, decode).await
        } else {
            self.finish(&call, sent, started, deadline, telemetry, decode).await
        }
    }

    async fn send(&self, call: &Call<'_>, url: &Url, deadline: Deadline) -> Result<Response, ApiError> {
        let client = &self.client;
        let mut request = match call.json {
            Some(json) => client
                .post(url.clone())
                .header(CONTENT_TYPE, "application/json")
                .body(json.as_bytes().to_vec()),
            None => match call.signed.and_then(|signed| signed.form.as_ref()) {
                Some(form) => client.post(url.clone()).body(form.clone()),
                None => client.get(url.clone()),
            },
        };
        if let Some(signed) = call.signed {
            request = request.headers(signed.headers.clone());
        }
        if let Some(token) = call.bearer {
            let text = Zeroizing::new(format!("Bearer {}", token.expose()));
            let mut value = HeaderValue::from_str(&text).map_err(|_| {
                ApiError::new(
                    Reason::Decode,
                    call.endpoint,
                    "the token holds characters that a header cannot carry",
                )
            })?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        request = request.header(ACCEPT_ENCODING, "gzip");
        // A form is one that only reads. A login is never sent twice.
        let again = if call.json.is_none() { request.try_clone() } else { None };
        match self.attempt(call, request, deadline).await {
            Err(Unsent { closed: true, .. }) if let Some(again) = again => {
                self.attempt(call, again, deadline).await.map_err(|unsent| unsent.error)
            }
            sent => sent.map_err(|unsent| unsent.error),
        }
    }

    async fn attempt(
        &self,
        call: &Call<'_>,
        request: reqwest::RequestBuilder,
        deadline: Deadline,
    ) -> Result<Response, Unsent> {
        match timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                let (reason, detail) = failure::before_answer(&error, &call.url, self.proxy(&call.url));
                let closed = failure::is_closed(&error);
                Err(Unsent { error: ApiError::new(reason, call.endpoint, detail), closed })
            }
            Err(_) => Err(Unsent { error: self.out_of_time(call.endpoint), closed: false }),
        }
    }

    async fn finish<T, D>(
        &self,
        call: &Call<'_>,
        sent: Result<Response, ApiError>,
        started: Instant,
        deadline: Deadline,
        telemetry: &dyn Telemetry,
        decode: D,
    ) -> Result<Reply<T>, ApiError>
    where
        T: Send + 'static,
        D: FnOnce(Incoming) -> Result<T, Box<str>> + Send + 'static,
    {
        let endpoint = call.endpoint;
        let response = sent.inspect_err(|error| {
            telemetry.request(endpoint, Err(error.reason), started.elapsed());
        })?;
        let status = response.status();
        let headers: Vec<HeaderName> = response.headers().keys().cloned().collect();
        let date = reply::date(response.headers());
        let mut outline = body::Outline::default();
        let reply = if status.is_success() {
            let contract = (Contract::of(endpoint), Months::asked(&call.url));
            match body::decode(response, deadline, &self.bounds, contract, &mut outline, decode).await {
                Ok(value) => Ok(Reply::Success { value, date }),
                Err(body::Fault::OutOfTime) => Err(self.out_of_time(endpoint)),
                Err(body::Fault::Other(reason, detail)) => Err(ApiError::new(reason, endpoint, detail)),
            }
        } else if let Some(proxy) = self.proxy(&call.url).filter(|_| status.as_u16() == 407) {
            Err(ApiError::new(Reason::Connect, endpoint, failure::wants_password(proxy)))
        } else {
            let headers = response.headers().clone();
            let body = body::beginning(response, deadline).await;
            outline.bytes = body.len();
            Ok(Reply::Failure(FailureReply { status: status.as_u16(), headers, body }))
        };
        let took = started.elapsed();
        telemetry.request(endpoint, Ok(status.as_u16()), took);
        let body::Outline { bytes, shape } = outline;
        telemetry.answered(Observation { endpoint, status: status.as_u16(), took, bytes, headers, shape });
        reply.map_err(|error| ApiError { status: Some(status.as_u16()), ..error })
    }

    fn out_of_time(&self, endpoint: Endpoint) -> ApiError {
        let detail = format!("no whole answer within {:?}", self.timeout);
        ApiError::new(Reason::Timeout, endpoint, detail)
    }
}

/// Where an answer sends this request, or why it is not followed there; `None` where it is no redirect.
fn redirect_target(call: &Call<'_>, response: &Response) -> Option<Result<Url, String>> {
    let status = response.status();
    let moved = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    if !moved.contains(&status) {
        return None;
    }
    let target = response
        .headers()
        .get(LOCATION)
        .and_then(|location| location.to_str().ok())
        .and_then(|location| call.url.join(location).ok());
    Some(follow(call, target).map_err(|why| format!("redirected ({}) {why}", status.as_u16())))
}

fn follow(call: &Call<'_>, target: Option<Url>) -> Result<Url, String> {
    let keys = if call.signed.is_some() { "iam_url, s3_url or region" } else { "base_url" };
    let mut target = target.ok_or_else(|| format!("without a place to go to; check {keys}"))?;
    if target.origin() != call.url.origin() {
        // Not named: a host is a text of the vendor's choice, which may repeat what we sent.
        return Err(format!("to another origin; not followed, check {keys}"));
    }
    if call.signed.is_some() {
        return Err(format!("though the signature is for this place alone; not followed, check {keys}"));
    }
    if call.json.is_some() {
        return Err(format!("though a login is never sent twice; not followed, check {keys}"));
    }
    // A name and password in the target would be sent beside the token.
    let _ = target.set_username("");
    let _ = target.set_password(None);
    Ok(target)
}

#[cfg(test)]
mod tests;
