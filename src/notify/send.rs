use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::join_all;
use prometheus::{IntCounterVec, Opts, Registry};
use tracing::{info, warn};
use url::Url;

use super::round::Post;
use super::{TIMEOUT, password};
use crate::api::Transport;
use crate::config::{Alertmanager, BasicAuth, Secret};
use crate::metrics;
use crate::problems::{Problems, Subject};

/// Takes note of how each post ended. A clone does so in the same place.
#[derive(Clone, Debug)]
pub struct Outcomes {
    posts: IntCounterVec,
    /// The Alertmanagers that have series.
    shown: Arc<Mutex<Vec<String>>>,
    problems: Arc<Problems>,
}

impl Outcomes {
    /// A counter in `registry`; it shows nothing yet. What fails is also one of the `problems`.
    ///
    /// # Errors
    /// Where the registry has it already.
    pub fn new(registry: &Registry, problems: Arc<Problems>) -> prometheus::Result<Self> {
        let info = &metrics::NOTIFICATIONS;
        let posts = IntCounterVec::new(Opts::new(info.name, info.help), info.labels)?;
        registry.register(Box::new(posts.clone()))?;
        Ok(Self { posts, shown: Arc::default(), problems })
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
        for gone in shown.iter().filter(|name| !wanted.contains(name)) {
            self.problems.over(&Subject::Alertmanager(gone.clone()));
        }
        *shown = wanted;
    }

    /// Takes note of a post, unless its Alertmanager is shown no longer.
    fn note(&self, alertmanager: &str, outcome: &Result<(), String>) {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if !shown.iter().any(|name| name == alertmanager) {
            return;
        }
        let subject = Subject::Alertmanager(alertmanager.to_owned());
        let result = match outcome {
            Ok(()) => {
                self.problems.over(&subject);
                DELIVERED
            }
            Err(error) => {
                self.problems.failed(subject, error.as_str());
                FAILED
            }
        };
        self.posts.with_label_values(&[alertmanager, result]).inc();
    }
}

const DELIVERED: &str = "delivered";
const FAILED: &str = "failed";

/// How many alerts one post holds at most, as Prometheus has it.
const BATCH: usize = 64;

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
    outcomes: Outcomes,
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
        outcomes: Outcomes,
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
            outcomes,
        }
    }

    /// The machine and the port by which this exporter is told from others.
    pub(super) fn instance(&self) -> String {
        Url::parse(&self.status_page)
            .map(|url| {
                let host = url.host_str().unwrap_or_default();
                url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
            })
            .unwrap_or_default()
    }

    /// Posts to all of them side by side, some alerts at a time, and counts what came of each post. One that fails gets
    /// no more until the next round.
    pub(super) async fn send(&self, posts: impl Iterator<Item = Post> + Send) {
        let password = match &self.auth {
            Some(auth) => password(auth).await,
            None => None,
        };
        let mut targets: Vec<&Target> = self.targets.iter().collect();
        let mut posts = posts.map(|post| post.seen_at(&self.status_page)).peekable();
        while posts.peek().is_some() && !targets.is_empty() {
            let batch: Vec<Post> = posts.by_ref().take(BATCH).collect();
            // Strings and maps always become JSON.
            let body = Bytes::from(serde_json::to_vec(&batch).unwrap_or_default());
            let outcomes = join_all(targets.iter().map(|target| {
                let request = self.request(target, password.as_ref(), body.clone());
                async move { self.note(target, self.through(target, post(request).await)) }
            }));
            let mut worked = outcomes.await.into_iter();
            targets.retain(|_| worked.next() == Some(true));
        }
    }

    fn request(&self, target: &Target, password: Option<&Secret>, body: Bytes) -> reqwest::RequestBuilder {
        let client = self.transport.client();
        let mut request = client.post(target.alerts.clone()).timeout(TIMEOUT);
        if let Some(auth) = &self.auth {
            request = request.basic_auth(&auth.username, password.map(Secret::expose));
        }
        request.header("content-type", "application/json").body(body)
    }

    /// The same outcome, with the proxy in its error where the post goes through one.
    fn through(&self, target: &Target, outcome: Result<(), String>) -> Result<(), String> {
        outcome.map_err(|error| match self.transport.proxy(&target.alerts) {
            Some(proxy) => format!("{error}, through the proxy {proxy}"),
            None => error,
        })
    }

    /// Counts and logs what came of a post, and says whether it worked.
    fn note(&self, target: &Target, outcome: Result<(), String>) -> bool {
        let worked = outcome.is_ok();
        let alertmanager = target.name.as_str();
        self.outcomes.note(alertmanager, &outcome);
        let failed_before = target.failing.swap(!worked, Ordering::Relaxed);
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
        worked
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
