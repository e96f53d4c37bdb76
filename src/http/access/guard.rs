//! The live web configuration: TLS, headers, and who may ask. It follows its files; a broken one changes nothing.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use hyper::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{HeaderMap, StatusCode};
use prometheus::{IntGauge, Registry};
use tokio::sync::watch;
use tracing::{info, warn};

use super::passwords::{Authenticator, Verdict};
use crate::config::{ConfigErrors, Stamps, WebConfig};
use crate::http::answers::{HttpResponse, text};
use crate::http::peer::Peer;
use crate::metrics::WEB_CONFIG_RELOAD;
use crate::problems::{Problems, Subject};

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(1);

/// A broken configuration is read again after so many looks even if nothing seems to have changed: what it names may be
/// behind a network.
const LOOKS_TO_RETRY: u32 = 15;

/// Keeps the web side as its configuration wants it.
#[derive(Debug)]
pub struct Guard {
    followed: Option<Followed>,
    current: watch::Sender<Arc<WebConfig>>,
    authenticator: Arc<Authenticator>,
}

/// The file of the configuration, and what is known of it.
#[derive(Debug)]
struct Followed {
    path: PathBuf,
    /// How the files were when they were last read.
    stamps: Mutex<Option<Stamps>>,
    /// Whether that went well.
    good: IntGauge,
    problems: OnceLock<Arc<Problems>>,
}

/// Why there is no guard.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The configuration is wrong.
    #[error("{0}")]
    Misconfigured(#[from] ConfigErrors),
    /// The system does not give what it takes.
    #[error("cannot guard the web side: {0}")]
    Failed(String),
}

impl Guard {
    /// Plain HTTP for everybody.
    ///
    /// # Errors
    /// Where the system gives no random numbers.
    pub fn open() -> Result<Self, GuardError> {
        Self::of(WebConfig::default(), None)
    }

    /// What the web configuration at `path` says, now and, while [`Guard::follow`] runs, after it has changed. Blocks on
    /// the file system.
    ///
    /// # Errors
    /// With everything that is wrong with the configuration.
    pub fn from_file(path: PathBuf) -> Result<Self, GuardError> {
        let (config, stamps) = WebConfig::load_stamped(&path);
        let config = config?;
        warn_of(&config);
        let good = IntGauge::new(WEB_CONFIG_RELOAD.name, WEB_CONFIG_RELOAD.help)
            .map_err(|error| GuardError::Failed(error.to_string()))?;
        good.set(1);
        Self::of(
            config,
            Some(Followed { path, stamps: Mutex::new(Some(stamps)), good, problems: OnceLock::new() }),
        )
    }

    fn of(config: WebConfig, followed: Option<Followed>) -> Result<Self, GuardError> {
        let authenticator = Authenticator::new()
            .map_err(|_| GuardError::Failed("the system gives no random numbers".to_owned()))?;
        Ok(Self { followed, current: watch::Sender::new(Arc::new(config)), authenticator })
    }

    /// Registers the metric about reloads, where there is a file to reload, and has a broken one among the `problems`.
    ///
    /// # Errors
    /// Where it is registered already.
    pub(crate) fn register(&self, registry: &Registry, problems: &Arc<Problems>) -> io::Result<()> {
        let Some(followed) = &self.followed else { return Ok(()) };
        let _ = followed.problems.set(Arc::clone(problems));
        registry.register(Box::new(followed.good.clone())).map_err(io::Error::other)
    }

    /// Whether the listeners speak TLS.
    #[must_use]
    pub fn speaks_tls(&self) -> bool {
        self.current.borrow().tls.is_some()
    }

    /// Whether a password is asked for.
    #[must_use]
    pub fn asks_passwords(&self) -> bool {
        !self.current.borrow().users.is_empty()
    }

    pub(in crate::http) fn current(&self) -> watch::Receiver<Arc<WebConfig>> {
        self.current.subscribe()
    }

    /// Reads the configuration again whenever one of its files has changed. Never ends, where there is a file at all.
    pub async fn follow(&self) {
        let Some(followed) = &self.followed else { return };
        let mut told: Option<String> = None;
        let mut looks_while_broken = 0;
        loop {
            tokio::time::sleep(LOOK).await;
            let retry = told.is_some() && {
                looks_while_broken += 1;
                looks_while_broken % LOOKS_TO_RETRY == 0
            };
            let Some(outcome) = followed.read_if_changed(retry).await else { continue };
            let outcome = outcome
                .map_err(|faults| {
                    let faults: Vec<String> = faults.all().iter().map(ToString::to_string).collect();
                    faults.join("; ")
                })
                .and_then(|config| match config.weaker_than(&self.current.borrow()) {
                    Some(fault) => Err(fault),
                    None => Ok(config),
                });
            followed.note(&outcome);
            match outcome {
                Ok(config) => {
                    told = None;
                    warn_of(&config);
                    self.authenticator.keep_only(&config.users);
                    self.current.send_replace(Arc::new(config));
                    info!("the web configuration was read again, as its files have changed");
                }
                Err(faults) => {
                    if told.as_ref() != Some(&faults) {
                        warn!(%faults, "the changed web configuration is broken, and the former one stays in force");
                        told = Some(faults);
                        looks_while_broken = 0;
                    }
                }
            }
        }
    }

    /// Whether what a request to `path` asks for may be answered; the answer to give instead, where not.
    pub(in crate::http) async fn reject(
        &self,
        config: &WebConfig,
        path: &str,
        headers: &HeaderMap,
        peer: Peer,
    ) -> Option<HttpResponse> {
        // Whoever watches over the process needs to know no password.
        if config.users.is_empty() || matches!(path, "/-/healthy" | "/-/ready") {
            return None;
        }
        match self.authenticator.check(&config.users, headers, peer).await {
            Verdict::Good => None,
            Verdict::Bad => {
                let mut answer = text(StatusCode::UNAUTHORIZED, "a user's name and password are needed\n");
                let challenge =
                    HeaderValue::from_static("Basic realm=\"lyve-cloud-exporter\", charset=\"UTF-8\"");
                answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                Some(answer)
            }
            Verdict::Busy => {
                let mut answer = text(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "too many passwords of this address are being checked\n",
                );
                answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                Some(answer)
            }
        }
    }
}

impl Followed {
    fn note(&self, outcome: &Result<WebConfig, String>) {
        self.good.set(i64::from(outcome.is_ok()));
        let Some(problems) = self.problems.get() else { return };
        match outcome {
            Ok(_) => problems.over(&Subject::WebConfig),
            Err(message) => problems.failed(Subject::WebConfig, message.as_str()),
        }
    }

    /// The configuration as it is now, if its files are not as they were, or if `anyway`.
    async fn read_if_changed(&self, anyway: bool) -> Option<Result<WebConfig, ConfigErrors>> {
        let before = self.stamps().take();
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || match before {
            Some(stamps) if stamps.hold() && !anyway => (None, stamps),
            _ => {
                let (config, stamps) = WebConfig::load_stamped(&path);
                (Some(config), stamps)
            }
        });
        // It fails only when the runtime stops.
        let (outcome, stamps) = read.await.ok()?;
        *self.stamps() = Some(stamps);
        outcome
    }

    fn stamps(&self) -> std::sync::MutexGuard<'_, Option<Stamps>> {
        self.stamps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn warn_of(config: &WebConfig) {
    if config.tls.is_none() && !config.users.is_empty() {
        warn!(
            "passwords are asked for and cross the network in clear: add tls_server_config to the web configuration"
        );
    }
}
