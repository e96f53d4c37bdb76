//! A server with answers of somebody else's choice, for replaying what another vendor's answers looked like.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::server::{Arrived, Serve, Server, Unreadable, response_head};
use super::{ANY_PORT, Shared, endpoint};
use crate::clock::Clock;

/// A request, as far as an answer can depend on it.
#[derive(Clone, Copy, Debug)]
pub struct CannedRequest<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path below the base URL.
    pub path: &'a str,
    /// Its query.
    pub query: &'a str,
    /// Its body.
    pub body: &'a [u8],
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct CannedAnswer {
    /// The status.
    pub status: u16,
    /// The type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

type Answers = Arc<dyn Fn(CannedRequest<'_>) -> CannedAnswer + Send + Sync>;

/// A server with canned answers. It stops when it is dropped.
#[derive(Debug)]
pub struct Canned {
    address: SocketAddr,
    _server: Server,
}

impl Canned {
    /// Starts on a loopback port of the system's choice.
    ///
    /// # Errors
    /// Where the system gives no port.
    pub async fn start(
        clock: Arc<dyn Clock>,
        answers: impl Fn(CannedRequest<'_>) -> CannedAnswer + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let (server, address) = Server::bind(ANY_PORT, Replay(Arc::new(answers)), Shared::new(clock)).await?;
        Ok(Self { address, _server: server })
    }

    /// Where the Account API v2 is.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}{}", self.address, endpoint::ROOT)
    }

    /// Where Lyve Cloud Object Storage is.
    #[must_use]
    pub fn object_storage_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

#[derive(Clone)]
struct Replay(Answers);

impl Serve for Replay {
    async fn serve(self, stream: TcpStream, _: Arc<Shared>) {
        let service = hyper::service::service_fn(|request| answer(Arc::clone(&self.0), request));
        // A connection that breaks is the client's affair.
        let _ =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }
}

async fn answer(
    answers: Answers,
    request: Request<hyper::body::Incoming>,
) -> Result<Response<Full<Bytes>>, Unreadable> {
    let Arrived { head, body } = Arrived::read(request).await?;
    let path = head.uri.path();
    let answer = answers(CannedRequest {
        method: head.method.as_str(),
        path: path.strip_prefix(endpoint::ROOT).unwrap_or(path),
        query: head.uri.query().unwrap_or_default(),
        body: &body,
    });
    let headers = [("content-type", answer.content_type)];
    Ok(response_head(answer.status, headers).map(|()| Full::new(Bytes::from(answer.body))))
}
