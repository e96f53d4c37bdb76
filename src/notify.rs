//! Warns of credentials and access keys through Alertmanager without any Prometheus rule.
//!
//! The alerts have the names and labels of the shipped rules, so that one route serves both, and a site that has both
//! gets one notification. They are posted as Prometheus posts its own: to every Alertmanager, again and again well
//! before they would end by themselves, and as resolved for a while once they are cured. A failure is counted and
//! logged, and the next round tries again; nothing else waits for it.

mod alert;
mod rotation;
mod round;
mod send;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::warn;

use crate::clock::{self, Clock};
use crate::config::{BasicAuth, Secret};
use crate::store::Store;

pub use alert::{Alert, alerts};
pub use round::Round;
pub use send::{Counter, Sender};

/// For one post to one Alertmanager.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// How often the credentials are looked at and what is active is sent again.
pub const EVERY: Duration = Duration::from_secs(60);

/// Whom to tell, and when.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Posts to the Alertmanagers.
    pub sender: Arc<Sender>,
    /// The times left at which a person is warned.
    pub steps: Arc<[Duration]>,
}

/// Sends the alerts of the credentials in `store` by the setup of the moment, until it is dropped or nobody can change
/// the setup any more. What was sent is remembered from one setup to the next, so that an alert that a new setup no longer
/// has is resolved.
pub async fn run(store: Arc<Store>, clock: Arc<dyn Clock>, mut setups: watch::Receiver<Option<Setup>>) {
    let mut round = Round::default();
    loop {
        let setup = setups.borrow_and_update().clone();
        let now = clock.now();
        if let Some(Setup { sender, steps }) = setup {
            let posts = round.posts(alerts(&store.snapshot(), now, &steps), now);
            if !posts.is_empty() {
                sender.send(&posts).await;
            }
        }
        tokio::select! {
            () = clock.sleep_until(clock::after(now, EVERY)) => {}
            changed = setups.changed() => if changed.is_err() { return },
        }
    }
}

/// Reads the password for one round; a failure is logged and sends without it, which the Alertmanager refuses and
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
