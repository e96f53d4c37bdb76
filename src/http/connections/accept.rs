use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::Limits;
use super::connection::{self, Shared};
use super::slots::Connections;
use crate::http::peer::Peer;
use crate::http::{Guard, Routes};

/// How long requests under way may take to finish when the exporter stops.
const DRAIN: Duration = Duration::from_secs(4);

/// The wait after a connection could not be accepted: the process is out of files or memory for the moment.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Answers on all `listeners` until `shutdown` is cancelled and the requests under way are finished.
/// A listener that cannot accept is tried again.
///
/// # Errors
/// Where one of them is lost by a fault. The others are closed then too: half a server is what nobody looks for.
pub async fn serve(
    listeners: Vec<TcpListener>,
    routes: Arc<Routes>,
    guard: Arc<Guard>,
    limits: Limits,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let most = limits.affordable_connections();
    if most < limits.connections {
        warn!(
            connections = most,
            "few open files are allowed (ulimit -n): fewer connections at once are served"
        );
    }
    let connections = Connections::new(most);
    let shared = Arc::new(Shared { routes, guard, limits });
    let stop = shutdown.child_token();
    let mut tasks = JoinSet::new();
    for listener in listeners {
        tasks.spawn(accept(listener, Arc::clone(&connections), Arc::clone(&shared), stop.clone()));
    }
    let follow = stop.run_until_cancelled(shared.guard.follow());
    let (_, ended) = tokio::join!(follow, join(tasks, &stop));
    ended
}

/// Waits for all listeners to end, which they may do only once `stop` is cancelled; the first that does so before stops the
/// others.
async fn join(mut listeners: JoinSet<()>, stop: &CancellationToken) -> io::Result<()> {
    let mut outcome = Ok(());
    while let Some(ended) = listeners.join_next().await {
        if !stop.is_cancelled() {
            outcome = Err(match ended {
                Ok(()) => io::Error::other("a listener ended by itself"),
                Err(error) => io::Error::other(format!("a listener ended by an error: {error}")),
            });
            stop.cancel();
        }
    }
    outcome
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listener_that_is_lost_ends_all() {
        for panics in [true, false] {
            let stop = CancellationToken::new();
            let mut listeners = JoinSet::new();
            listeners.spawn(stop.clone().cancelled_owned());
            listeners.spawn(async move { assert!(!panics, "as meant") });
            let error = join(listeners, &stop).await.unwrap_err().to_string();
            assert!(error.starts_with("a listener ended by"), "{error}");
            assert_eq!(error.contains("panicked"), panics, "{error}");
        }
    }

    #[tokio::test]
    async fn an_orderly_end_is_none() {
        let stop = CancellationToken::new();
        let mut listeners = JoinSet::new();
        listeners.spawn(stop.clone().cancelled_owned());
        stop.cancel();
        assert!(join(listeners, &stop).await.is_ok());
    }
}
