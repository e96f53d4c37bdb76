//! The listener, its connections, and the way of one request through the simulator.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, DATE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::endpoint::{Endpoint, ROOT};
use super::object_storage::{Question, Received};
use super::route::{self, Ask, Login, Reply};
use super::world::World;

/// The largest body that a request may have.
const MAX_REQUEST_BODY: usize = 64 * 1024;

/// How long the listener rests after a failed accept, such as for want of file descriptors.
const REST: Duration = Duration::from_millis(50);

/// How the requests of a connection are served.
pub(super) trait Serve: Clone + Send + 'static {
    fn serve(self, stream: TcpStream, shared: Arc<Shared>) -> impl Future<Output = ()> + Send;
}

/// Each request gets the right answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain;

impl Serve for Plain {
    async fn serve(self, stream: TcpStream, shared: Arc<Shared>) {
        let service = hyper::service::service_fn(|request| answer(Arc::clone(&shared), request));
        // A connection that breaks is the client's affair.
        let _ =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Unreadable> {
    let arrived = Arrived::read(request).await?;
    let latency = shared.world().next_latency();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let now = shared.now();
    let reply = arrived.asked().reply(&mut shared.world(), now);
    Ok(dated(head_of(&reply), now).map(|()| Full::new(reply.body)))
}

/// A running listener. Dropping it ends it and every connection of it.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) stop: CancellationToken,
    pub(super) task: JoinHandle<()>,
}

impl Server {
    pub(super) async fn bind(
        address: SocketAddr,
        serve: impl Serve,
        shared: Arc<Shared>,
    ) -> io::Result<(Self, SocketAddr)> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(listen(listener, serve, shared, stop.clone()));
        Ok((Self { stop, task }, address))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}

async fn listen(listener: TcpListener, serve: impl Serve, shared: Arc<Shared>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // An answer is worth sending at once; a system that cannot do that still works.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(serve.clone().serve(stream, Arc::clone(&shared)));
                }
                Err(_) => tokio::time::sleep(REST).await,
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}

/// A request could not be read to its end.
#[derive(Debug, thiserror::Error)]
#[error("the request cannot be read to its end")]
pub(super) struct Unreadable;

/// A request, read to its end.
pub(super) struct Arrived {
    pub(super) head: Parts,
    pub(super) body: Bytes,
}

impl Arrived {
    pub(super) async fn read(request: Request<Incoming>) -> Result<Self, Unreadable> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, MAX_REQUEST_BODY).collect().await.map_err(|_| Unreadable)?;
        Ok(Self { head, body: body.to_bytes() })
    }

    pub(super) fn token(&self) -> Option<&str> {
        self.head.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
    }

    pub(super) fn asked(&self) -> Asked<'_> {
        let (path, query) = (self.head.uri.path(), self.head.uri.query());
        let received = Received {
            method: self.head.method.as_str(),
            path,
            query,
            headers: &self.head.headers,
            body: &self.body,
        };
        match Question::of(received) {
            Some(question) => Asked::ObjectStorage(question),
            None => Asked::account_v2(&self.head.method, path, query, self.token(), &self.body),
        }
    }
}

/// A request, by the API that it is for.
pub(super) enum Asked<'a> {
    AccountV2 { ask: Ask<'a>, login: Option<Login> },
    ObjectStorage(Question<'a>),
}

impl<'a> Asked<'a> {
    fn account_v2(
        method: &Method,
        path: &'a str,
        query: Option<&'a str>,
        token: Option<&'a str>,
        body: &'a [u8],
    ) -> Self {
        let (endpoint, id) = Endpoint::of(method, path);
        let is_violation = method != Method::GET && !is_login(method, path);
        let login = (endpoint == Endpoint::Login).then(|| serde_json::from_slice(body).ok()).flatten();
        Self::AccountV2 { ask: Ask { endpoint, id, is_violation, path, query, token, body }, login }
    }

    pub(super) fn reply(&self, world: &mut World, now: Timestamp) -> Reply {
        match self {
            Self::AccountV2 { ask, login } => route::reply(world, ask, login.as_ref(), now),
            Self::ObjectStorage(question) => question.reply(&mut world.object_storage, &world.settings, now),
        }
    }
}

fn is_login(method: &Method, path: &str) -> bool {
    let path = path.strip_prefix(ROOT).unwrap_or_default();
    method == Method::POST && matches!(path, "/auth/token" | "/auth/token/")
}

pub(super) fn head_of(reply: &Reply) -> Response<()> {
    let headers = reply.headers.iter().map(|(name, value)| (*name, value.as_str()));
    response_head(reply.status, headers)
}

/// With the simulator's time, which need not be the system's.
pub(super) fn dated(mut head: Response<()>, now: Timestamp) -> Response<()> {
    // From 1970 to the beginning of the year 9999, as the crate panics beyond.
    let seconds = u64::try_from(now.as_second()).unwrap_or_default().min(253_370_764_800);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(now)) {
        head.headers_mut().entry(DATE).or_insert(date);
    }
    head
}

/// A status and headers. What cannot be sent at all is left out.
pub(super) fn response_head<'a>(
    status: u16,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Response<()> {
    let mut head = Response::new(());
    *head.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            head.headers_mut().append(name, value);
        }
    }
    head
}
