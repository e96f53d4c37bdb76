//! The daemon put together: the store, the pollers that fill it, the notifier, and the server that shows it.

mod address_space;
mod alerting;
mod core;
mod state_writer;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use self::alerting::Alerting;
use self::core::Core;
use self::state_writer::StateWriter;
use crate::api;
use crate::build_info;
use crate::clock::Clock;
use crate::config::Config;
use crate::exposition::Exposition;
use crate::http::{Guard, Limits, Routes, Web, serve};
use crate::metrics::{Build, ExporterMetrics, NOTIFIER, STATE_FILE};
use crate::model::Endpoint;
use crate::notify::{self, Notebook};
use crate::poll::{Fleet, Jitter, Meter, Poller, supervise};
use crate::problems::Problems;
use crate::reload::{self, Loader, Reloader, Requests};
use crate::shard::Shard;
use crate::store::Store;

/// What the daemon is made of that differs between a server, a demonstration and a test.
#[derive(Debug)]
pub struct Deps {
    /// What to watch, and how.
    pub config: Config,
    /// Where it came from, for reading it again; `None` where there is nothing to read.
    pub loader: Option<Loader>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// How far polls are spread.
    pub jitter: Jitter,
    /// Choices of the command line that show on the web side.
    pub web: Web,
}

/// Everything that a configuration is watched with, not yet running.
pub struct Daemon {
    config: Arc<Config>,
    loader: Option<Loader>,
    clock: Arc<dyn Clock>,
    web: Web,
    store: Arc<Store>,
    own: Arc<ExporterMetrics>,
    problems: Arc<Problems>,
    guard: Arc<Guard>,
    limits: Limits,
    fleet: Fleet,
    reloader: Reloader,
    requests: Requests,
    when_ready: Box<dyn FnOnce() + Send>,
    shard: Shard,
}

impl Meter for ExporterMetrics {
    fn request(&self, endpoint: Endpoint, took: Duration) {
        self.observe_request(endpoint, took);
    }

    fn panicked(&self, task: &'static str) {
        self.count_panic(task);
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
        let Deps { config, loader, clock, jitter, web } = deps;
        let config = Arc::new(config);
        let store = Arc::new(Store::default());
        let build =
            Build { version: build_info::VERSION, revision: build_info::REVISION, rustc: build_info::RUSTC };
        let own = Arc::new(
            ExporterMetrics::new(build, api::collectors().map(|declared| declared.collector.name()))
                .map_err(io::Error::other)?,
        );
        own.config_read(Some(clock.now()));
        let problems = Arc::new(Problems::new(Arc::clone(&clock)));
        let meter: Arc<dyn Meter> = Arc::clone(&own) as _;
        let fleet = Fleet::new(Arc::clone(&config), Arc::clone(&store), Arc::clone(&clock), meter, jitter)
            .map_err(io::Error::other)?;
        let (reloader, requests) = reload::channel();
        let guard = Arc::new(Guard::open().map_err(io::Error::other)?);
        let limits = Limits::default();
        Ok(Self {
            config,
            loader,
            clock,
            web,
            store,
            own,
            problems,
            guard,
            limits,
            fleet,
            reloader,
            requests,
            when_ready: Box::new(|| ()),
            shard: Shard::WHOLE,
        })
    }

    /// The same, with what a web configuration says of TLS, headers and passwords.
    #[must_use]
    pub fn guarded_by(self, guard: Guard) -> Self {
        Self { guard: Arc::new(guard), ..self }
    }

    /// The same, shown as one of several replicas. Its configuration holds no others' accounts.
    #[must_use]
    pub fn as_shard(self, shard: Shard) -> Self {
        self.own.is_shard(shard);
        Self { shard, ..self }
    }

    /// The same, with other limits to what clients may take.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same, with something to do once it polls, knows what an earlier process knew, and is about to answer.
    #[must_use]
    pub fn when_ready(self, when_ready: impl FnOnce() + Send + 'static) -> Self {
        Self { when_ready: Box::new(when_ready), ..self }
    }

    /// What is known.
    #[must_use]
    pub fn store(&self) -> Arc<Store> {
        Arc::clone(&self.store)
    }

    /// A poller for each collector of each account, in the order of the configuration; not running.
    #[must_use]
    pub fn pollers(&self) -> Vec<Poller> {
        self.fleet.pollers()
    }

    /// A way to have the configuration read again once the daemon runs.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Polls and answers until `shutdown` is cancelled; then finishes the requests under way, for seconds at most.
    ///
    /// # Errors
    /// Where a listener has no address or is lost, or the client for the Alertmanagers cannot be made.
    pub async fn run(self, listeners: Vec<TcpListener>, shutdown: CancellationToken) -> io::Result<()> {
        let Self {
            config,
            loader,
            clock,
            web,
            store,
            own,
            problems,
            guard,
            limits,
            mut fleet,
            reloader,
            mut requests,
            when_ready,
            shard,
        } = self;
        for listener in &listeners {
            info!(
                address = %listener.local_addr()?,
                tls = guard.speaks_tls(),
                passwords = guard.asks_passwords(),
                accounts = config.accounts.len(),
                "listening"
            );
        }
        address_space::warn_if_small();
        guard.register(own.registry(), &problems)?;
        let alerting = Alerting::new(&own, &problems, &listeners, guard.speaks_tls(), &web)?;
        alerting.change(alerting.plan(&config)?);
        let notebook = Arc::new(Notebook::default());
        let writer = Arc::new(StateWriter::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            Arc::clone(&own),
            Arc::clone(&problems),
            fleet.settings(),
            Arc::clone(&notebook),
        ));
        writer.recall(shard).await;
        let writing = tokio::spawn({
            let (writer, shutdown) = (Arc::clone(&writer), shutdown.clone());
            let running = supervise(STATE_FILE, Arc::clone(&own) as _, move || {
                let writer = Arc::clone(&writer);
                async move { writer.run().await }
            });
            async move {
                shutdown.run_until_cancelled(running).await;
            }
        });
        // Behind the recalling, so that it goes on with what an earlier process posted.
        let notifier = tokio::spawn({
            let (store, clock, sender) = (Arc::clone(&store), Arc::clone(&clock), alerting.sender());
            let writer = Arc::clone(&writer);
            let running = supervise(NOTIFIER, Arc::clone(&own) as _, move || {
                let writer = Arc::clone(&writer);
                let save = move || {
                    let writer = Arc::clone(&writer);
                    async move { writer.save().await }.boxed()
                };
                notify::run(
                    Arc::clone(&store),
                    Arc::clone(&clock),
                    sender.clone(),
                    Arc::clone(&notebook),
                    save,
                )
            });
            let shutdown = shutdown.clone();
            async move {
                shutdown.run_until_cancelled(running).await;
            }
        });
        fleet.start();
        let poll_now = fleet.poll_now();
        let core = Core {
            fleet,
            alerting,
            loader,
            clock: Arc::clone(&clock),
            own: Arc::clone(&own),
            problems: Arc::clone(&problems),
        };
        let core = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { core.run(&mut requests, shutdown).await }
        });

        let exposition = Exposition::new(Arc::clone(&store), Arc::clone(&clock), own);
        let routes = Arc::new(Routes { store, clock, problems, exposition, web, reloader, poll_now });
        when_ready();
        let served = serve(listeners, routes, guard, limits, shutdown.clone()).await;
        if let Err(error) = &served {
            error!(%error, "stopping, because some requests can no longer be answered; please report this bug");
        }
        shutdown.cancel();
        for task in [core, notifier, writing] {
            if let Err(error) = task.await {
                error!(%error, "a task ended by a panic");
            }
        }
        // Behind the pollers, so that it has their last word.
        writer.finish().await;
        info!("stopped");
        served
    }
}
