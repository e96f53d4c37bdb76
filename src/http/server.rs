use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::connection::{self, Shared};
use super::connections::{Connections, Peer};
use super::{Guard, Limits, Routes};

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
pub async fn serve(
    listeners: Vec<TcpListener>,
    routes: Arc<Routes>,
    guard: Arc<Guard>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let connections = Connections::new(limits.connections);
    let shared = Arc::new(Shared { routes, guard, limits });
    let mut tasks = JoinSet::new();
    for listener in listeners {
        tasks.spawn(accept(listener, Arc::clone(&connections), Arc::clone(&shared), shutdown.clone()));
    }
    let follow = shutdown.run_until_cancelled(shared.guard.follow());
    let listen = async { while tasks.join_next().await.is_some() {} };
    tokio::join!(follow, listen);
}

async fn accept(
    listener: TcpListener,
    connections: Arc<Connections>,
    shared: Arc<Shared>,
    shutdown: CancellationToken,
) {
    let mut tasks = JoinSet::new();
    let mut failing = false;
    loop {
        while let Some(ended) = tasks.try_join_next() {
            tell_panic(ended);
        }
        let next = async {
            let (stream, address) = listener.accept().await?;
            let peer = Peer::from(address.ip());
            Ok::<_, io::Error>((stream, peer, connections.admit(peer).await))
        };
        match shutdown.run_until_cancelled(next).await {
            None => break,
            Some(Ok((stream, peer, slot))) => {
                failing = false;
                tasks.spawn(connection::serve(stream, peer, slot, Arc::clone(&shared), shutdown.clone()));
            }
            // The client left before it was its turn.
            Some(Err(error)) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Some(Err(error)) => {
                if !failing {
                    warn!(%error, "cannot accept connections; the oldest ones are closed to make room");
                    failing = true;
                }
                connections.close_one();
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    drop(listener);
    let drained = async {
        while let Some(ended) = tasks.join_next().await {
            tell_panic(ended);
        }
    };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        warn!(connections = tasks.len(), "stopping although requests are not finished");
    }
}

fn tell_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        error!(%error, "a connection ended by a panic");
    }
}
