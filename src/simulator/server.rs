//! The listener, its connections, and the way of one request through the simulator.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::body::{AnswerBody, Content, Then};
use super::endpoint::{Endpoint, ROOT};
use super::fault::Fault;
use super::log::RequestRecord;
use super::object_storage::{Question, Received};
use super::route::{self, Ask, Login, Reply};
use super::world::World;

/// The largest body that a request may have.
const MAX_REQUEST_BODY: usize = 64 * 1024;

/// How long the listener rests after a failed accept, such as for want of file descriptors.
const REST: Duration = Duration::from_millis(50);

/// A running listener. Dropping it ends it and every connection of it.
#[derive(Debug)]
pub(super) struct Server {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    pub(super) async fn bind(
        address: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
        shared: Arc<Shared>,
    ) -> io::Result<(Self, SocketAddr)> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(listen(listener, tls.map(TlsAcceptor::from), shared, stop.clone()));
        Ok((Self { stop, task }, address))
    }

    /// Closes the listener and every connection.
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        // It can end only as it should, or with a panic that was shown where it happened.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    stop: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connect(stream, tls.clone(), Arc::clone(&shared)));
                }
                Err(_) => tokio::time::sleep(REST).await,
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn connect(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    // An answer is worth sending at once; a system that cannot do that still works.
    let _ = stream.set_nodelay(true);
    match tls {
        None => serve(stream, shared, |stream| stream).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, shared, |stream| stream.get_ref().0).await;
            }
        }
    }
}

/// Serves the requests of a connection, until it ends or is to be reset.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    shared: Arc<Shared>,
    socket: impl FnOnce(&S) -> &TcpStream,
) {
    let service = hyper::service::service_fn(|request| answer(Arc::clone(&shared), request));
    let mut connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let ended = Pin::new(&mut connection).await;
    let is_reset = ended.is_err_and(|error| {
        let cause = std::error::Error::source(&error);
        cause.is_some_and(|cause| cause.is::<Reset>())
    });
    if is_reset {
        let stream = connection.into_parts().io.into_inner();
        // Without lingering the system sends a reset; a plain close is the next best.
        let _ = socket(&stream).set_zero_linger();
    }
}

/// The connection is to be reset.
#[derive(Debug, thiserror::Error)]
#[error("the connection is reset by a scripted fault")]
struct Reset;

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<AnswerBody>, Reset> {
    let in_flight = shared.log.enter();
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let query = head.uri.query();
    let token =
        head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let body = Limited::new(body, MAX_REQUEST_BODY).collect().await.map_err(|_| Reset)?.to_bytes();
    let received =
        Received { method: head.method.as_str(), path, query, headers: &head.headers, body: &body };
    let asked = match Question::of(received) {
        Some(question) => Asked::ObjectStorage(question),
        None => Asked::account_v2(&head.method, path, query, token, &body),
    };
    let endpoint = asked.endpoint();
    let account = asked.account(&shared.world());
    shared.log.record(RequestRecord {
        endpoint,
        method: head.method.to_string(),
        path: path.to_owned(),
        query: query.map(str::to_owned),
        account: account.clone(),
        had_bearer: token.is_some(),
        body_size: body.len(),
        is_violation: asked.is_violation(),
    });

    let fault = shared.faults().take(account.as_deref(), endpoint);
    let delay = match fault {
        Some(Fault::Delay(delay)) => delay,
        _ => Duration::ZERO,
    };
    let latency = shared.world().settings.latency.saturating_add(delay);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let right = || {
        let now = shared.now();
        asked.reply(&mut shared.world(), now)
    };
    let (head, content) = match fault {
        None | Some(Fault::Delay(_)) => {
            let reply = right();
            (head_of(&reply), Content::Whole(reply.body))
        }
        Some(Fault::Answer { status, headers, body }) => {
            let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            (response_head(status, headers), Content::Whole(body))
        }
        Some(Fault::Truncated) => cut(&right(), Then::FlushAndClose),
        Some(Fault::HangMidBody) => cut(&right(), Then::Hang),
        Some(Fault::Endless) => {
            let (content_type, content) = Content::endless(endpoint);
            (response_head(200, [("content-type", content_type)]), content)
        }
        Some(Fault::HangBeforeHeaders) => match std::future::pending::<Infallible>().await {},
        Some(Fault::Reset) => return Err(Reset),
    };
    Ok(head.map(|()| AnswerBody::new(content, in_flight)))
}

/// A request, by the API that it is for.
enum Asked<'a> {
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

    fn endpoint(&self) -> Endpoint {
        match self {
            Self::AccountV2 { ask, .. } => ask.endpoint,
            Self::ObjectStorage(question) => question.endpoint,
        }
    }

    fn is_violation(&self) -> bool {
        match self {
            Self::AccountV2 { ask, .. } => ask.is_violation,
            Self::ObjectStorage(question) => question.is_violation,
        }
    }

    /// Whose it is, whether it is accepted or not.
    fn account(&self, world: &World) -> Option<String> {
        match self {
            Self::AccountV2 { login: Some(login), .. } => Some(login.account_id.clone()),
            Self::AccountV2 { ask, .. } => world.owner(ask.token?).map(str::to_owned),
            Self::ObjectStorage(question) => {
                world.object_storage.owner(question.access_key()?).map(str::to_owned)
            }
        }
    }

    fn reply(&self, world: &mut World, now: Timestamp) -> Reply {
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

/// Half of an answer that announces the whole.
fn cut(reply: &Reply, then: Then) -> (Response<()>, Content) {
    let mut head = head_of(reply);
    head.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(reply.body.len()));
    (head, Content::half(&reply.body, then))
}

fn head_of(reply: &Reply) -> Response<()> {
    let headers = reply.headers.iter().map(|(name, value)| (*name, value.as_str()));
    response_head(reply.status, headers)
}

/// A status and headers. What cannot be sent at all is left out.
fn response_head<'a>(status: u16, headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Response<()> {
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
