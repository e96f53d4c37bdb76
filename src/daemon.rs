//! The daemon put together: the store, the pollers that fill it and the server that shows it.

use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::api::ApiError;
use crate::clock::Clock;
use crate::config::Config;
use crate::exposition::Exposition;
use crate::http::{Routes, Web, serve};
use crate::metrics::{Build, OwnMetrics};
use crate::poll::{self, Account, Jitter};
use crate::store::Store;

/// What the daemon is made of that differs between a server, a demonstration and a test.
#[derive(Debug)]
pub struct Deps {
    /// What to watch, and how.
    pub config: Config,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// How far polls are spread.
    pub jitter: Jitter,
    /// Choices of the command line that show on the web side.
    pub web: Web,
}

/// The parts that both the daemon and the commands that poll once need.
pub struct Parts {
    /// What is known.
    pub store: Arc<Store>,
    /// The accounts, each with its client.
    pub accounts: Vec<Account>,
    /// What the metrics are made by.
    pub exposition: Arc<Exposition>,
}

/// Makes the store, the clients and the exposition of a configuration.
///
/// # Errors
/// Where a client cannot be made: a certificate file went missing since the configuration was checked.
pub fn assemble(config: &Config, clock: &Arc<dyn Clock>) -> Result<Parts, ApiError> {
    let store = Arc::new(Store::default());
    let own = Arc::new(OwnMetrics::new(&Build::this()));
    let times: Arc<dyn poll::RequestTimes> = Arc::clone(&own) as _;
    let accounts = poll::accounts(config, &store, clock, &times)?;
    let exposition = Arc::new(Exposition::new(Arc::clone(&store), Arc::clone(clock), own));
    Ok(Parts { store, accounts, exposition })
}

/// Polls and answers until `shutdown` is cancelled; then finishes the requests under way, for seconds at most.
///
/// # Errors
/// Where the clients cannot be made.
pub async fn run(deps: Deps, listeners: Vec<TcpListener>, shutdown: CancellationToken) -> io::Result<()> {
    let Deps { config, clock, jitter, web } = deps;
    let Parts { store, accounts, exposition } = assemble(&config, &clock).map_err(io::Error::other)?;
    for listener in &listeners {
        info!(address = %listener.local_addr()?, accounts = accounts.len(), "listening");
    }
    let mut pollers = poll::start(&accounts, &config, &clock, jitter, &shutdown);
    let routes = Arc::new(Routes { store, clock, exposition, web });
    let served = serve(listeners, routes, shutdown.clone()).await;
    shutdown.cancel();
    while let Some(ended) = pollers.join_next().await {
        if let Err(error) = ended {
            error!(%error, "a poller ended by a panic");
        }
    }
    info!("stopped");
    served
}
