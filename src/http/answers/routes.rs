use std::sync::Arc;
use std::time::Duration;

use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue,
    LOCATION, REFRESH, RETRY_AFTER, VARY,
};
use hyper::{HeaderMap, Method, Request, StatusCode};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tracing::error;
use url::Url;

use super::headers::dress_page;
use super::plain::text;
use super::{HttpResponse, Parts, page, status};
use crate::clock::Clock;
use crate::exposition::{Encoding, Exposition, Format, gzip};
use crate::http::access::may_act;
use crate::poll::PollNow;
use crate::problems::{Problem, Problems};
use crate::reload::Reloader;
use crate::store::{AccountState, Store};

/// The choices of the command line that show on the web side.
#[derive(Clone, Debug, Default)]
pub struct Web {
    /// Where the metrics are, behind the prefix.
    pub telemetry_path: String,
    /// What every path begins with: empty, or as in `/lyve`.
    pub route_prefix: String,
    /// Where people reach the status page, as far as the command line says.
    pub external_url: Option<Url>,
    /// The exporter's version, for the pages.
    pub version: &'static str,
    /// Whether `POST /-/reload` and `POST /-/poll` are answered.
    pub enable_lifecycle: bool,
}

/// Answers requests.
#[derive(Debug)]
pub struct Routes {
    /// What the pages are made from.
    pub store: Arc<Store>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// What of the exporter itself does not work.
    pub problems: Arc<Problems>,
    /// What `/metrics` is made by.
    pub exposition: Exposition,
    /// Choices of the command line.
    pub web: Web,
    /// How the configuration is read again.
    pub reloader: Reloader,
    /// How everything is polled out of turn.
    pub poll_now: PollNow,
}

/// How many status pages are made at once, for people or for programs: enough for them, too few to keep scrapes from the
/// processor.
static PAGES: Semaphore = Semaphore::const_new(2);

/// How long the store may take to answer before the process counts as unable to work.
const HEALTHY_WITHIN: Duration = Duration::from_secs(5);

impl Routes {
    /// Answers one request. Its body, if it has one, is not read.
    pub(in crate::http) async fn answer<B>(&self, request: Request<B>) -> HttpResponse {
        let Some(path) = self.local(request.uri().path()) else {
            return self.elsewhere(request.uri().path());
        };
        if path == "/-/reload" {
            return self.reload(request.method(), request.headers()).await;
        }
        if path == "/-/poll" {
            return self.poll(request.method(), request.headers());
        }
        let known = path == self.web.telemetry_path
            || matches!(path, "/" | "/api/v1/status" | "/-/healthy" | "/-/ready");
        if !known {
            return text(StatusCode::NOT_FOUND, "not found: see / for what there is\n");
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return other_method("only GET and HEAD are answered here\n", "GET, HEAD");
        }
        let mut answer = match path {
            "/" => self.page(request.uri().query().unwrap_or_default(), request.headers()).await,
            "/api/v1/status" => self.status(request.headers()).await,
            "/-/healthy" => self.healthy().await,
            "/-/ready" if self.store.ready() => text(StatusCode::OK, "ready\n"),
            "/-/ready" => {
                text(StatusCode::SERVICE_UNAVAILABLE, "not ready: some collectors had no first attempt yet\n")
            }
            _ => self.metrics(request.headers()).await,
        };
        if request.method() == Method::HEAD {
            let length = answer.body().len();
            answer.headers_mut().insert(CONTENT_LENGTH, length.into());
            *answer.body_mut() = Parts::default();
        }
        answer
    }

    /// A request's path behind the prefix; `None` where it does not begin with that.
    pub(in crate::http) fn local<'path>(&self, path: &'path str) -> Option<&'path str> {
        path.strip_prefix(&self.web.route_prefix).filter(|path| path.starts_with('/'))
    }

    /// The root and the bare prefix lead to the page. The way there is relative, as a proxy may have a prefix of its own.
    fn elsewhere(&self, path: &str) -> HttpResponse {
        let prefix = &self.web.route_prefix;
        let way = if path == "/" { prefix.strip_prefix('/') } else { prefix.rsplit('/').next() };
        let location = way.and_then(|way| HeaderValue::from_str(&format!("./{way}/")).ok());
        match location {
            Some(location) if !prefix.is_empty() && (path == "/" || path == prefix) => {
                let mut answer = text(StatusCode::FOUND, "the page is elsewhere\n");
                answer.headers_mut().insert(LOCATION, location);
                answer
            }
            _ => text(StatusCode::NOT_FOUND, "not found: see / for what there is\n"),
        }
    }

    /// Whether the process can do its work: its tasks run, and the store answers, from which everything is made.
    async fn healthy(&self) -> HttpResponse {
        let store = Arc::clone(&self.store);
        // Off the runtime's threads, which a lock that is never released would take away one by one.
        let looked = tokio::task::spawn_blocking(move || store.snapshot().len());
        match tokio::time::timeout(HEALTHY_WITHIN, looked).await {
            Ok(Ok(_accounts)) => text(StatusCode::OK, "healthy\n"),
            _ => text(StatusCode::SERVICE_UNAVAILABLE, "not healthy: the store does not answer\n"),
        }
    }

    /// Why a request that has the exporter do something is not done.
    fn rejected(&self, method: &Method, headers: &HeaderMap) -> Option<HttpResponse> {
        if *method != Method::POST {
            return Some(other_method("only POST is answered here\n", "POST"));
        }
        let why = may_act(self.web.enable_lifecycle, headers).err()?;
        Some(text(StatusCode::FORBIDDEN, why))
    }

    /// Has everything polled now, at most once a minute.
    fn poll(&self, method: &Method, headers: &HeaderMap) -> HttpResponse {
        if let Some(rejection) = self.rejected(method, headers) {
            return rejection;
        }
        match self.poll_now.ask(self.clock.now()) {
            Ok(()) => text(
                StatusCode::ACCEPTED,
                "polling all accounts: /api/v1/status shows when each was polled\n",
            ),
            Err(wait) => {
                let mut answer = text(StatusCode::TOO_MANY_REQUESTS, "polled less than a minute ago\n");
                answer.headers_mut().insert(RETRY_AFTER, wait.as_secs().max(1).into());
                answer
            }
        }
    }

    async fn reload(&self, method: &Method, headers: &HeaderMap) -> HttpResponse {
        if let Some(rejection) = self.rejected(method, headers) {
            return rejection;
        }
        match self.reloader.reload().await {
            Ok(()) => text(StatusCode::OK, "reloaded\n"),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("failed to reload: {error}\n")),
        }
    }

    async fn metrics(&self, headers: &HeaderMap) -> HttpResponse {
        let accept = joined(headers, &ACCEPT);
        let accept_encoding = joined(headers, &ACCEPT_ENCODING);
        let format = Format::negotiate(accept.as_deref());
        let encoding = Encoding::negotiate(accept_encoding.as_deref());
        let body = match self.exposition.scrape(format, encoding).await {
            Ok(body) => body,
            Err(error) => {
                error!(%error, "cannot make the metrics");
                return text(StatusCode::INTERNAL_SERVER_ERROR, "cannot make the metrics: see the log\n");
            }
        };
        let mut answer = HttpResponse::new(Parts::from(body.parts));
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
        headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        if let Some(encoding) = encoding.content_encoding() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        answer
    }

    async fn page(&self, query: &str, headers: &HeaderMap) -> HttpResponse {
        let (web, query) = (self.web.clone(), query.to_owned());
        let encoding = encoding(headers);
        let page = match self
            .made(move |states, problems, now| {
                let page::Page { html, found, refresh } = page::render(states, problems, now, &web, &query);
                (packed(html, encoding, "text/html; charset=utf-8"), found, refresh)
            })
            .await
        {
            Ok(page) => page,
            Err(answer) => return answer,
        };
        let (mut answer, found, refresh) = page;
        if !found {
            *answer.status_mut() = StatusCode::NOT_FOUND;
        }
        if let Some(seconds) = refresh {
            answer.headers_mut().insert(REFRESH, seconds.into());
        }
        dress_page(&mut answer);
        answer
    }

    async fn status(&self, headers: &HeaderMap) -> HttpResponse {
        let encoding = encoding(headers);
        let made = self.made(move |states, problems, now| {
            packed(status::render(states, problems, now), encoding, "application/json")
        });
        made.await.unwrap_or_else(|answer| answer)
    }

    /// What `make` makes of the store as it is now, where it holds up nothing else.
    async fn made<T: Send + 'static>(
        &self,
        make: impl FnOnce(&[Arc<AccountState>], &[Problem], Timestamp) -> T + Send + 'static,
    ) -> Result<T, HttpResponse> {
        // The semaphore is never closed.
        let permit = PAGES.acquire().await.ok();
        let (states, problems, now) = (self.store.snapshot(), self.problems.list(), self.clock.now());
        let making = tokio::task::spawn_blocking(move || {
            // Held to the end, even where the client has gone by then.
            let _permit = permit;
            make(&states, &problems, now)
        });
        making.await.map_err(|error| {
            error!(%error, "cannot make the status page");
            text(StatusCode::INTERNAL_SERVER_ERROR, "cannot make the page: see the log\n")
        })
    }
}

/// What the client takes.
fn encoding(headers: &HeaderMap) -> Encoding {
    Encoding::negotiate(joined(headers, &ACCEPT_ENCODING).as_deref())
}

/// A text as the client takes it.
fn packed(text: String, encoding: Encoding, content_type: &'static str) -> HttpResponse {
    let gzip = match encoding {
        Encoding::Gzip => gzip(text.as_bytes()).ok(),
        Encoding::Identity => None,
    };
    let is_packed = gzip.is_some();
    let parts = gzip.map_or_else(|| Parts::from(text), |bytes| Parts::from(vec![bytes]));
    let mut answer = HttpResponse::new(parts);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(name) = encoding.content_encoding().filter(|_| is_packed) {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    answer
}

fn other_method(explanation: &str, allowed: &'static str) -> HttpResponse {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, explanation);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

/// A header that may come in several lines, as one; lines that are no text count as absent.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}
