use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::simulator::route::Reply;
use crate::simulator::server::{Arrived, Asked, Serve, dated, head_of, response_head};
use crate::simulator::world::World;
use crate::simulator::{Endpoint, Shared};

use super::body::{AnswerBody, Content, Then};
use super::fault::Fault;
use super::log::RequestRecord;

/// Requests are recorded, and meet the faults of the script.
#[derive(Clone, Default)]
pub(in crate::simulator) struct Scripted {
    tls: Option<TlsAcceptor>,
}

impl Scripted {
    pub(super) fn new(tls: Option<Arc<ServerConfig>>) -> Self {
        Self { tls: tls.map(TlsAcceptor::from) }
    }
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scripted").field("tls", &self.tls.is_some()).finish()
    }
}

impl Serve for Scripted {
    async fn serve(self, stream: TcpStream, shared: Arc<Shared>) {
        match self.tls {
            None => serve_over(stream, shared, |stream| stream).await,
            Some(acceptor) => {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve_over(stream, shared, |stream| stream.get_ref().0).await;
                }
            }
        }
    }
}

/// Serves the requests of a connection, until it ends or is to be reset.
async fn serve_over<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    shared: Arc<Shared>,
    socket: impl FnOnce(&S) -> &TcpStream + Send,
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
    let in_flight = shared.script.log.enter();
    let arrived = Arrived::read(request).await.map_err(|_| Reset)?;
    let asked = arrived.asked();
    let endpoint = asked.endpoint();
    let account = asked.account(&shared.world());
    shared.script.log.record(RequestRecord {
        endpoint,
        method: arrived.head.method.to_string(),
        path: arrived.head.uri.path().to_owned(),
        query: arrived.head.uri.query().map(str::to_owned),
        account: account.clone(),
        had_bearer: arrived.token().is_some(),
        body_size: arrived.body.len(),
        is_violation: asked.is_violation(),
    });

    let fault = shared.script.faults().take(account.as_deref(), endpoint);
    let delay = match fault {
        Some(Fault::Delay(delay)) => delay,
        _ => Duration::ZERO,
    };
    let latency = shared.world().next_latency().saturating_add(delay);
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
    Ok(dated(head, shared.now()).map(|()| AnswerBody::new(content, in_flight)))
}

impl Asked<'_> {
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
}

/// Half of an answer that announces the whole.
fn cut(reply: &Reply, then: Then) -> (Response<()>, Content) {
    let mut head = head_of(reply);
    head.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(reply.body.len()));
    (head, Content::half(&reply.body, then))
}
