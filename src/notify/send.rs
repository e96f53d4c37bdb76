use std::sync::Arc;

use futures_util::future::join_all;
use tracing::{info, warn};
use url::Url;

use super::round::Post;
use super::password;
use crate::config::BasicAuth;

/// Told how each post ended.
pub trait Outcomes: Send + Sync + 'static {
    /// One post to one Alertmanager.
    fn count(&self, alertmanager: &str, delivered: bool);
}

/// Posts alerts to every Alertmanager.
pub struct Sender {
    client: reqwest::Client,
    targets: Vec<Target>,
    auth: Option<BasicAuth>,
    status_page: String,
    outcomes: Arc<dyn Outcomes>,
}

struct Target {
    /// As configured: the value of the `alertmanager` label.
    name: String,
    alerts: Url,
    /// Whether the last post failed, so that a fault is logged when it begins and when it ends.
    failing: std::sync::atomic::AtomicBool,
}

impl Sender {
    /// A sender to the Alertmanagers at `urls`. `status_page` is where the alerts tell a person to look.
    #[must_use]
    pub fn new(
        client: reqwest::Client,
        urls: &[Url],
        auth: Option<BasicAuth>,
        status_page: String,
        outcomes: Arc<dyn Outcomes>,
    ) -> Self {
        let targets = urls.iter().map(|url| {
            let mut alerts = url.clone();
            alerts.set_path(&format!("{}/api/v2/alerts", url.path().trim_end_matches('/')));
            Target { name: url.as_str().trim_end_matches('/').to_owned(), alerts, failing: false.into() }
        });
        Self { client, targets: targets.collect(), auth, status_page, outcomes }
    }

    /// Posts to all of them side by side, and counts what came of it.
    pub(super) async fn send(&self, posts: &[Post]) {
        let posts: Vec<Post> =
            posts.iter().map(|post| Post { generator_url: self.status_page.clone(), ..post.clone() }).collect();
        // Strings and maps always become JSON.
        let body = bytes::Bytes::from(serde_json::to_vec(&posts).unwrap_or_default());
        let password = match &self.auth {
            Some(auth) => password(auth).await,
            None => None,
        };
        join_all(self.targets.iter().map(|target| {
            let mut request = self.client.post(target.alerts.clone());
            if let Some(auth) = &self.auth {
                request = request.basic_auth(&auth.username, password.as_ref().map(crate::config::Secret::expose));
            }
            let request = request.header("content-type", "application/json").body(body.clone());
            async move { self.note(target, post(request).await) }
        }))
        .await;
    }

    fn note(&self, target: &Target, outcome: Result<(), String>) {
        let alertmanager = target.name.as_str();
        self.outcomes.count(alertmanager, outcome.is_ok());
        let failed_before = target.failing.swap(outcome.is_err(), std::sync::atomic::Ordering::Relaxed);
        match outcome {
            Ok(()) if failed_before => info!(alertmanager, "alerts are delivered again"),
            Err(error) if !failed_before => {
                warn!(alertmanager, error, "cannot deliver alerts; every round tries again, the metric counts");
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
