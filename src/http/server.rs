use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::Routes;

/// The most connections at once. Prometheus keeps one; this many are probes, people and replicas.
const MAX_CONNECTIONS: usize = 512;

/// For the whole head of a request, and for how long a connection may idle between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(90);

/// The largest head of a request, bytes.
const MAX_HEAD: usize = 64 * 1024;

/// How long requests under way may take to finish when the exporter stops.
const DRAIN: Duration = Duration::from_secs(4);

/// The wait after a connection could not be accepted: the process is out of files or memory for the moment.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Listens on `address`. Every address of the machine (`[::]`) means both families, or IPv4 alone where the machine has no
/// IPv6.
///
/// # Errors
/// Where the address is taken, or cannot be had.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let bound = std::net::TcpListener::bind(address).or_else(|error| match address.ip() {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) if error.kind() != io::ErrorKind::AddrInUse => {
            std::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port()))
        }
        _ => Err(error),
    })?;
    bound.set_nonblocking(true)?;
    TcpListener::from_std(bound)
}

/// Answers on all `listeners` until `shutdown` is cancelled and the requests under way are finished.
/// A listener that fails is tried again.
pub async fn serve(listeners: Vec<TcpListener>, routes: Arc<Routes>, shutdown: CancellationToken) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut tasks = JoinSet::new();
    for listener in listeners {
        tasks.spawn(accept(listener, Arc::clone(&routes), Arc::clone(&permits), shutdown.clone()));
    }
    while tasks.join_next().await.is_some() {}
}

async fn accept(
    listener: TcpListener,
    routes: Arc<Routes>,
    permits: Arc<Semaphore>,
    shutdown: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let next = async {
            // The semaphore is never closed.
            let permit = Arc::clone(&permits).acquire_owned().await.ok();
            (listener.accept().await, permit)
        };
        match shutdown.run_until_cancelled(next).await {
            None => break,
            Some((Ok((stream, _peer)), permit)) => {
                let (routes, shutdown) = (Arc::clone(&routes), shutdown.clone());
                connections.spawn(async move {
                    connection(stream, routes, shutdown).await;
                    drop(permit);
                });
            }
            Some((Err(error), _permit)) => {
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        warn!(connections = connections.len(), "stopping although requests are not finished");
    }
}

async fn connection(stream: TcpStream, routes: Arc<Routes>, shutdown: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "cannot switch off the delay of small packets");
    }
    let service = service_fn(move |request| {
        let routes = Arc::clone(&routes);
        async move { Ok::<_, std::convert::Infallible>(routes.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection ended early");
    }
}
