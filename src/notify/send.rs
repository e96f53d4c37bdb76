use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use prometheus::{IntCounterVec, Opts, Registry};
use tracing::{info, warn};
use url::Url;

use super::round::Post;
use super::{TIMEOUT, password};
use crate::api::Transport;
use crate::config::{Alertmanager, BasicAuth};
use crate::metrics;

/// Counts how each post ended. A clone counts in the same place.
#[derive(Clone, Debug)]
pub struct Counter {
    posts: IntCounterVec,
    /// The Alertmanagers that have series.
    shown: Arc<Mutex<Vec<String>>>,
}

impl Counter {
    /// A counter in `registry`; it shows nothing yet.
    ///
    /// # Errors
    /// Where the registry has it already.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let info = &metrics::NOTIFICATIONS;
        let posts = IntCounterVec::new(Opts::new(info.name, info.help), info.labels)?;
        registry.register(Box::new(posts.clone()))?;
        Ok(Self { posts, shown: Arc::default() })
    }

    /// Shows the Alertmanagers of `sender` and no others; new ones begin at 0.
    pub fn show(&self, sender: Option<&Sender>) {
        let targets = sender.iter().flat_map(|sender| &sender.targets);
        let wanted: Vec<String> = targets.map(|target| target.name.clone()).collect();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        for result in [DELIVERED, FAILED] {
            for gone in shown.iter().filter(|name| !wanted.contains(name)) {
                // What is not there need not be removed.
                let _ = self.posts.remove_label_values(&[gone, result]);
            }
            for name in &wanted {
                self.posts.with_label_values(&[name.as_str(), result]);
            }
        }
        *shown = wanted;
    }

    /// Counts a post, unless its Alertmanager is shown no longer.
    fn count(&self, alertmanager: &str, result: &str) {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.iter().any(|name| name == alertmanager) {
            self.posts.with_label_values(&[alertmanager, result]).inc();
        }
    }
}

const DELIVERED: &str = "delivered";
const FAILED: &str = "failed";

/// An Alertmanager as it was configured: the value of the `alertmanager` label.
fn name(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

/// Posts alerts to every Alertmanager.
pub struct Sender {
    transport: Transport,
    targets: Vec<Target>,
    auth: Option<BasicAuth>,
    status_page: String,
    counter: Counter,
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender").field("targets", &self.targets).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Target {
    name: String,
    alerts: Url,
    /// Whether the last post failed, so that a fault is logged when it begins and when it ends.
    failing: AtomicBool,
}

impl Sender {
    /// A sender to every one of the Alertmanagers. `status_page` is where the alerts tell a person to look.
    #[must_use]
    pub fn new(
        transport: Transport,
        alertmanager: &Alertmanager,
        status_page: String,
        counter: Counter,
    ) -> Self {
        let targets = alertmanager.urls.iter().map(|url| {
            let mut alerts = url.clone();
            alerts.set_path(&format!("{}/api/v2/alerts", url.path().trim_end_matches('/')));
            Target { name: name(url).to_owned(), alerts, failing: AtomicBool::new(false) }
        });
        Self {
            transport,
            targets: targets.collect(),
            auth: alertmanager.basic_auth.clone(),
            status_page,
            counter,
        }
    }

    /// Posts to all of them side by side, and counts what came of it.
    pub(super) async fn send(&self, posts: &[Post]) {
        let posts: Vec<Post> = posts.iter().map(|post| post.clone().seen_at(&self.status_page)).collect();
        // Strings and maps always become JSON.
        let body = bytes::Bytes::from(serde_json::to_vec(&posts).unwrap_or_default());
        let password = match &self.auth {
            Some(auth) => password(auth).await,
            None => None,
        };
        join_all(self.targets.iter().map(|target| {
            let proxy = self.transport.proxy(&target.alerts);
            let mut request = self.transport.client().post(target.alerts.clone()).timeout(TIMEOUT);
            if let Some(auth) = &self.auth {
                request =
                    request.basic_auth(&auth.username, password.as_ref().map(crate::config::Secret::expose));
            }
            let request = request.header("content-type", "application/json").body(body.clone());
            async move {
                let posted = post(request).await;
                self.note(
                    target,
                    posted.map_err(|error| match proxy {
                        Some(proxy) => format!("{error}, through the proxy {proxy}"),
                        None => error,
                    }),
                );
            }
        }))
        .await;
    }

    fn note(&self, target: &Target, outcome: Result<(), String>) {
        let alertmanager = target.name.as_str();
        self.counter.count(alertmanager, if outcome.is_ok() { DELIVERED } else { FAILED });
        let failed_before = target.failing.swap(outcome.is_err(), Ordering::Relaxed);
        match outcome {
            Ok(()) if failed_before => info!(alertmanager, "alerts are delivered again"),
            Err(error) if !failed_before => {
                warn!(
                    alertmanager,
                    error, "cannot deliver alerts; every round tries again, the metric counts"
                );
            }
            _ => {}
        }
    }
}

async fn post(request: reqwest::RequestBuilder) -> Result<(), String> {
    match request.send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("answered {}", answer.status())),
        // Without the URL, which the log line names already, and without anything that the request held.
        Err(error) if error.is_timeout() => Err("no answer in time".to_owned()),
        Err(error) if error.is_connect() => Err("no connection".to_owned()),
        Err(_) => Err("the connection broke".to_owned()),
    }
}
