//! The daemon put together: the store, the pollers that fill it, the notifier, and the server that shows it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::api::{Endpoint, Transport};
use crate::build_info;
use crate::clock::Clock;
use crate::config::{Alertmanager, Config};
use crate::exposition::Exposition;
use crate::http::{Guard, Limits, Routes, Web, serve};
use crate::metrics::{Build, Own};
use crate::notify::{self, Sender};
use crate::poll::{self, Account, Jitter, RequestTimes};
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

/// Everything that a configuration is watched with, not yet running.
pub struct Daemon {
    config: Config,
    clock: Arc<dyn Clock>,
    jitter: Jitter,
    web: Web,
    store: Arc<Store>,
    accounts: Vec<Account>,
    own: Arc<Own>,
    guard: Arc<Guard>,
    limits: Limits,
}

impl RequestTimes for Own {
    fn observe(&self, endpoint: Endpoint, took: Duration) {
        self.observe_request(endpoint, took);
    }
}

/// Polls and answers until `shutdown` is cancelled; then finishes the requests under way, for seconds at most.
///
/// # Errors
/// Where the clients cannot be made.
pub async fn run(deps: Deps, listeners: Vec<TcpListener>, shutdown: CancellationToken) -> io::Result<()> {
    Daemon::new(deps)?.run(listeners, shutdown).await
}

impl Daemon {
    /// Makes the store, and each account's client.
    ///
    /// # Errors
    /// Where a client cannot be made: a certificate file went missing since the configuration was checked.
    pub fn new(deps: Deps) -> io::Result<Self> {
        let Deps { config, clock, jitter, web } = deps;
        let store = Arc::new(Store::default());
        let build =
            Build { version: build_info::VERSION, revision: build_info::REVISION, rustc: build_info::RUSTC };
        let own = Arc::new(Own::new(build).map_err(io::Error::other)?);
        let times: Arc<dyn RequestTimes> = Arc::clone(&own) as _;
        let accounts = poll::accounts(&config, &store, &clock, &times).map_err(io::Error::other)?;
        let guard = Arc::new(Guard::open().map_err(io::Error::other)?);
        let limits = Limits::default();
        Ok(Self { config, clock, jitter, web, store, accounts, own, guard, limits })
    }

    /// The same, with what a web configuration says of TLS, headers and passwords.
    #[must_use]
    pub fn guarded_by(self, guard: Guard) -> Self {
        Self { guard: Arc::new(guard), ..self }
    }

    /// The same, with other limits to what clients may take.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// What is known.
    #[must_use]
    pub fn store(&self) -> Arc<Store> {
        Arc::clone(&self.store)
    }

    /// The accounts, each with its client.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// Polls and answers until `shutdown` is cancelled; then finishes the requests under way, for seconds at most.
    ///
    /// # Errors
    /// Where a listener has no address, or the client for the Alertmanagers cannot be made.
    pub async fn run(self, listeners: Vec<TcpListener>, shutdown: CancellationToken) -> io::Result<()> {
        for listener in &listeners {
            info!(
                address = %listener.local_addr()?,
                tls = self.guard.speaks_tls(),
                passwords = self.guard.asks_passwords(),
                accounts = self.accounts.len(),
                "listening"
            );
        }
        self.guard.register(self.own.registry())?;
        let mut tasks = poll::start(&self.accounts, &self.config, &self.clock, self.jitter, &shutdown);
        if let Some(alertmanager) = &self.config.alertmanager {
            self.start_notifier(alertmanager, &listeners, &shutdown, &mut tasks)?;
        }
        let Self { clock, web, store, own, guard, limits, .. } = self;
        let exposition = Exposition::new(Arc::clone(&store), Arc::clone(&clock), own);
        let routes = Arc::new(Routes { store, clock, exposition, web });
        serve(listeners, routes, guard, limits, shutdown.clone()).await;
        shutdown.cancel();
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                error!(%error, "a task ended by a panic");
            }
        }
        info!("stopped");
        Ok(())
    }

    fn start_notifier(
        &self,
        alertmanager: &Alertmanager,
        listeners: &[TcpListener],
        shutdown: &CancellationToken,
        tasks: &mut JoinSet<()>,
    ) -> io::Result<()> {
        let mut transport = Transport::new(notify::TIMEOUT).map_err(io::Error::other)?;
        if let Some(ca_file) = &alertmanager.ca_file {
            transport = transport.trusting(ca_file).map_err(io::Error::other)?;
        }
        let status_page = match &alertmanager.external_url {
            Some(url) => url.to_string(),
            None => own_address(listeners, self.guard.speaks_tls())?,
        };
        let counter = notify::Counter::new(self.own.registry(), alertmanager).map_err(io::Error::other)?;
        let sender = Sender::new(transport, alertmanager, status_page, counter);
        let steps = self.config.credential_warning.clone().into();
        let notifier = notify::run(Arc::clone(&self.store), Arc::clone(&self.clock), steps, sender);
        let shutdown = shutdown.clone();
        tasks.spawn(async move {
            shutdown.run_until_cancelled(notifier).await;
        });
        Ok(())
    }
}

/// How people reach this machine's status page, as far as it can be guessed: its name and the first listener's port.
fn own_address(listeners: &[TcpListener], tls: bool) -> io::Result<String> {
    let port =
        listeners.first().map(TcpListener::local_addr).transpose()?.map_or(0, |address| address.port());
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = match name.trim() {
        "" => "localhost",
        name => name,
    };
    let scheme = if tls { "https" } else { "http" };
    Ok(format!("{scheme}://{name}:{port}/"))
}
