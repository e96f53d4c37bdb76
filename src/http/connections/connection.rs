//! One connection, from its first byte to its end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Limits;
use super::pace::{Pace, Paced, PacedBody};
use super::slots::Slot;
use crate::config::WebConfig;
use crate::http::answers::{HttpResponse, dress, text};
use crate::http::peer::Peer;
use crate::http::{Guard, Routes};

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) routes: Arc<Routes>,
    pub(super) guard: Arc<Guard>,
    pub(super) limits: Limits,
}

/// Answers what comes on a connection, until it ends, is too slow or has to give way. When `shutdown` is cancelled, or
/// the web configuration has changed, the request under way is finished first.
pub(super) async fn serve(
    stream: TcpStream,
    peer: Peer,
    slot: Slot,
    shared: Arc<Shared>,
    shutdown: CancellationToken,
) {
    let pace = Pace::new(shared.limits);
    let slot = Arc::new(slot);
    let connection = Connection {
        peer,
        slot: Arc::clone(&slot),
        pace: Arc::clone(&pace),
        shared,
        turns: Turns::default(),
    };
    tokio::select! {
        () = slot.gives_way() => debug!("a connection had to give way to a new one"),
        () = pace.overdue() => debug!("a connection was too slow"),
        ended = connection.run(stream, &shutdown) => {
            if let Err(error) = ended {
                debug!(%error, "a connection ended early");
            }
        }
    }
}

struct Connection {
    peer: Peer,
    slot: Arc<Slot>,
    pace: Arc<Pace>,
    shared: Arc<Shared>,
    turns: Turns,
}

/// The runtime's turns of a connection. Requests that are there already, one behind the other, would all be answered in
/// one, and others would wait for that; so one turn has one answer.
#[derive(Debug, Default)]
struct Turns {
    now: AtomicU64,
    answered: AtomicU64,
}

impl Turns {
    fn begin(&self) {
        self.now.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits for the next turn where this one has had its answer.
    async fn take(&self) {
        if self.answered.load(Ordering::Relaxed) == self.now.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
        self.answered.store(self.now.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

impl Connection {
    async fn run(self, stream: TcpStream, shutdown: &CancellationToken) -> io::Result<()> {
        stream.set_nodelay(true)?;
        #[cfg(target_os = "linux")]
        socket2::SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT)?;
        let mut config = self.shared.guard.current();
        let tls = config.borrow_and_update().tls.clone();
        let Some(tls) = tls else { return self.talk(stream, config, shutdown).await };
        match shutdown.run_until_cancelled(handshake(stream, tls.server)).await {
            Some(stream) => self.talk(stream?, config, shutdown).await,
            None => Ok(()),
        }
    }

    async fn talk(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        config: watch::Receiver<Arc<WebConfig>>,
        shutdown: &CancellationToken,
    ) -> io::Result<()> {
        self.pace.opened();
        let stream = Paced::new(stream, Arc::clone(&self.pace));
        let (head_bytes, mut changes) = (self.shared.limits.head_bytes, config.clone());
        let this = Arc::new(self);
        let own = Arc::clone(&this);
        let service = service_fn(move |request| {
            // Not in the future: the next request may be looked at before this one is answered.
            this.slot.used();
            this.pace.asked();
            let (this, config) = (Arc::clone(&this), Arc::clone(&config.borrow()));
            async move {
                this.turns.take().await;
                Ok::<_, Infallible>(this.answer(&config, request).await)
            }
        });
        let connection = http1::Builder::new()
            // The pace keeps the time.
            .header_read_timeout(None)
            // Who has asked and has nothing more to say, as `nc -N` does, still gets its answer.
            .half_close(true)
            .max_buf_size(head_bytes.max(SMALLEST_BUFFER))
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let turned = poll_fn(|context| {
            own.turns.begin();
            connection.as_mut().poll(context)
        });
        let ended = tokio::select! {
            ended = turned => ended,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            // Whoever connected under former rules does so again under the new ones.
            _ = changes.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        ended.map_err(io::Error::other)
    }

    async fn answer(&self, config: &WebConfig, request: Request<Incoming>) -> Response<PacedBody> {
        let path = self.shared.routes.local(request.uri().path()).unwrap_or_default();
        let rejection = if head_length(&request) > self.shared.limits.head_bytes {
            Some(head_too_large())
        } else if !has_host(&request) {
            Some(text(StatusCode::BAD_REQUEST, "a request must have one Host header\n"))
        } else {
            self.shared.guard.reject(config, path, request.headers(), self.peer).await
        };
        let mut answer = match rejection {
            Some(rejection) => rejection,
            None => self.shared.routes.answer(request).await,
        };
        dress(config, &mut answer);
        answer.map(|parts| PacedBody::new(parts, Arc::clone(&self.pace)))
    }
}

/// The length of a request's head, bytes. What the HTTP library buffers, and so rejects by itself, is somewhat more than it
/// is told.
fn head_length<B>(request: &Request<B>) -> usize {
    let line = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri()).len();
    let header =
        |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + ": \r\n".len();
    line + request.headers().iter().map(header).sum::<usize>() + "\r\n".len()
}

/// Whether a request says once which host it is for, as HTTP/1.1 demands (RFC 9112, 3.2). Two programs on the way may each
/// believe another one of two. HTTP/1.0 knows no such header.
fn has_host<B>(request: &Request<B>) -> bool {
    match request.headers().get_all(HOST).iter().count() {
        0 => request.version() == Version::HTTP_10,
        1 => true,
        _ => false,
    }
}

fn head_too_large() -> HttpResponse {
    let code = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    let mut answer = text(code, "the head of the request is too large\n");
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// How much of an answer the kernel may hold that it cannot send yet, bytes. It would take in several times that, and a
/// crowd of clients that read nothing could use up the memory that all connections of the machine share.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 1024 * 1024;

/// The HTTP library wants no less.
const SMALLEST_BUFFER: usize = 8192;

const NOT_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Connection: close\r\n\r\nthis port speaks HTTPS only\n";

async fn handshake(
    mut stream: TcpStream,
    config: Arc<rustls::ServerConfig>,
) -> io::Result<TlsStream<TcpStream>> {
    let mut first = [0];
    let count = stream.peek(&mut first).await?;
    // A request of plain HTTP begins with a letter, a handshake with a 22.
    if count > 0 && first[0].is_ascii_uppercase() {
        // What is left unread would make the answer be lost.
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await?;
        stream.write_all(NOT_TLS).await?;
        stream.shutdown().await?;
        return Err(io::Error::other("a request of plain HTTP where TLS is spoken"));
    }
    TlsAcceptor::from(config).accept(stream).await
}
