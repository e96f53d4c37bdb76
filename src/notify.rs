//! Warns of credentials and access keys through Alertmanager without any Prometheus rule.
//!
//! The alerts have the names and labels of the shipped rules, so that one route serves both, and a site that has both
//! gets one notification. They are posted as Prometheus posts its own: to every Alertmanager, again and again well
//! before they would end by themselves, and as resolved for a while once they have ended. A failure is counted and
//! logged, and the next round tries again; nothing else waits for it.
//!
//! What was posted outlives the process: a restart neither ends an alert nor begins it again.

mod alert;
mod notebook;
mod rotation;
mod round;
mod send;
mod sources;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tracing::warn;

use crate::clock::{self, Clock};
use crate::config::{BasicAuth, Secret};
use crate::store::Store;

pub use alert::{Alert, alerts};
pub use notebook::{Alerts, Notebook};
pub use round::{ENDS_AFTER, Round, runbook};
pub use send::{Outcomes, Sender};
pub use sources::{Knowledge, Sources, Subject};

/// For one post to one Alertmanager.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// How often the credentials are looked at and what is active is sent again.
pub const EVERY: Duration = Duration::from_secs(60);

/// Sends the alerts of the credentials in `store` with the sender of the moment, until it is dropped or nobody can change
/// the sender any more. What was sent is remembered from one configuration to the next, so that an alert that is no longer
/// due is resolved. What the next process is to know goes into `notebook`, and is saved by `save` before it is posted.
pub async fn run(
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    mut senders: watch::Receiver<Option<Arc<Sender>>>,
    notebook: Arc<Notebook>,
    save: impl Fn() -> BoxFuture<'static, ()>,
) {
    let mut round = Round::recall(notebook.read().1);
    let mut changes = store.changes();
    let mut asked = false;
    loop {
        let sender = senders.borrow_and_update().clone();
        let now = clock.now();
        if let Some(sender) = sender {
            asked = asked || store.ready();
            let states = store.snapshot();
            let mut active = alerts(&states, now);
            active.push(heartbeat(&sender.instance()));
            round.update(active, &Sources::of(&states), now);
            if let Some(alerts) = round.changes(now) {
                notebook.write(alerts);
                save().await;
            }
            sender.send(round.posts(now)).await;
        }
        // What an earlier process posted goes on as soon as the vendor was asked about it.
        let all_asked = async {
            match asked {
                false => changes.wait_for(|_| store.ready()).await.is_ok(),
                true => std::future::pending().await,
            }
        };
        tokio::select! {
            () = clock.sleep_until(clock::after(now, EVERY)) => {}
            changed = senders.changed() => if changed.is_err() { return },
            _ = all_asked => asked = true,
        }
    }
}

/// The alert that is always active while this exporter runs: a service that raises an alarm when it stops notices an
/// exporter that is dead, or that cannot reach its Alertmanager.
fn heartbeat(instance: &str) -> Alert {
    Alert {
        labels: vec![
            ("alertname", "LyveCloudExporterHeartbeat".to_owned()),
            ("instance", instance.to_owned()),
            ("severity", "none".to_owned()),
        ],
        summary: format!("Lyve Cloud exporter at {instance} runs"),
        description: "The exporter posts this alert as long as it runs. It shows that the exporter reaches Alertmanager. \
                      First: do nothing. If it stops, check whether the exporter runs."
            .to_owned(),
        hold: Duration::ZERO,
        subject: None,
    }
}

/// Reads the password for one round; a failure is logged and sends without it, which the Alertmanager rejects and
/// the failure counter shows.
pub(crate) async fn password(auth: &BasicAuth) -> Option<Secret> {
    match auth.password.read().await {
        Ok(password) => Some(password),
        Err(error) => {
            warn!(%error, "cannot read the Alertmanager's password");
            None
        }
    }
}
