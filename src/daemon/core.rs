use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::Alerting;
use crate::clock::Clock;
use crate::config::Config;
use crate::metrics::{ExporterMetrics, RELOAD};
use crate::notify::Sender;
use crate::poll::{Fleet, Plan};
use crate::problems::{Problems, Subject};
use crate::reload::{Loader, ReloadError, Requests};

/// What runs by the configuration, and takes it from one to the next.
pub(super) struct Core {
    pub(super) fleet: Fleet,
    pub(super) alerting: Alerting,
    pub(super) loader: Option<Loader>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) own: Arc<ExporterMetrics>,
    pub(super) problems: Arc<Problems>,
}

/// A configuration that is good, with all that can fail already made.
struct Prepared {
    config: Arc<Config>,
    plan: Plan,
    sender: Option<Arc<Sender>>,
}

impl Core {
    /// Answers requests for reloads until `shutdown` is cancelled; then stops the pollers.
    pub(super) async fn run(mut self, requests: &mut Requests, shutdown: CancellationToken) {
        loop {
            let reloads = shutdown.run_until_cancelled(self.serve(requests));
            if AssertUnwindSafe(reloads).catch_unwind().await.is_ok() {
                break;
            }
            error!("a reload panicked: please report this bug");
            self.own.count_panic(RELOAD);
            self.config_failed("a reload panicked: please report this error");
            // Whatever it had stopped by then goes on.
            self.fleet.start();
        }
        // Where nobody can ask for a reload any more, there is still polling to do.
        shutdown.cancelled().await;
        self.fleet.stop().await;
    }

    async fn serve(&mut self, requests: &mut Requests) {
        while let Some(waiting) = requests.next().await {
            let outcome = self.reload().await;
            waiting.tell(&outcome);
        }
    }

    /// Reads the configuration again and goes over to it, or leaves all as it is.
    async fn reload(&mut self) -> Result<(), ReloadError> {
        let Some(loader) = self.loader.clone() else {
            self.config_worked();
            info!("there is no configuration to reload");
            return Ok(());
        };
        match self.prepare(loader).await {
            Ok(prepared) => {
                self.change(prepared).await;
                Ok(())
            }
            Err(error) => {
                self.config_failed(error.to_string());
                error!(%error, "the reload failed: the running configuration stays");
                Err(error)
            }
        }
    }

    async fn prepare(&self, loader: Loader) -> Result<Prepared, ReloadError> {
        let (known, alerting) = (self.fleet.known(), self.alerting.clone());
        let preparing = tokio::task::spawn_blocking(move || {
            let config = Arc::new(loader.load().map_err(ReloadError::Faults)?);
            let setup = |error: &dyn std::fmt::Display| ReloadError::Setup(error.to_string().into());
            let plan = known.plan(Arc::clone(&config)).map_err(|error| setup(&error))?;
            let sender = alerting.plan(&config).map_err(|error| setup(&error))?;
            Ok(Prepared { config, plan, sender })
        });
        preparing.await.unwrap_or_else(|panic| {
            self.own.count_panic(RELOAD);
            error!(%panic, "reading the configuration panicked: please report this bug");
            Err(ReloadError::Unfinished)
        })
    }

    fn config_failed(&self, message: impl Into<Arc<str>>) {
        self.own.config_read(None);
        self.problems.failed(Subject::Config, message);
    }

    fn config_worked(&self) {
        self.own.config_read(Some(self.clock.now()));
        self.problems.over(&Subject::Config);
    }

    async fn change(&mut self, Prepared { config, plan, sender }: Prepared) {
        let changes = self.fleet.change(plan).await;
        self.alerting.change(sender);
        self.config_worked();
        info!(
            accounts = config.accounts.len(),
            added = changes.added,
            changed = changes.changed,
            removed = changes.removed,
            "reloaded the configuration"
        );
    }
}
