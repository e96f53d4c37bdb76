//! When to ask the vendor, how to back off, and what a failure means.
//!
//! Each (account, collector) has a poller of its own: it waits until it is due, waits for one of the permits that cap
//! the requests under way, polls on a deadline, and writes what came of it to the store. One poll makes its requests one
//! after the other, so a permit a poll is a cap on requests. A poll keeps its permit to its end, while it waits for its
//! account's login as well, so polls that hang delay others, by no more than their deadlines. Beside the permits and the
//! account's client nothing is shared between pollers: what fails for one does not fail for another, and one that panics
//! is started again.
//!
//! The [`Fleet`] holds them all and takes them from one configuration to the next: what can fail is made first, and
//! only when all of it is there does anything change.

mod admit;
mod backoff;
mod connection;
mod fleet;
mod history;
mod poller;
mod recall;
mod recorder;
mod schedule;
mod settings;
mod supervise;

use std::sync::Arc;

use crate::api::Client;
use crate::config::{self, Config};
use crate::model::Collector;
use crate::store::{AccountCell, AccountSpec};

pub use backoff::Backoff;
pub use fleet::{Changes, Fleet, Known, Plan};
pub use history::final_at;
pub use poller::{Poller, watch_rotation};
pub use recall::{recall, series_text};
pub use recorder::{Meter, Recorder};
pub use schedule::Schedule;
pub use settings::Settings;
pub use supervise::supervise;

/// How far the polls of many accounts are spread, as a share of their interval; 0 in tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jitter(pub f64);

impl Jitter {
    /// A duration between 0 and this share of `of`.
    #[must_use]
    pub fn of(self, of: std::time::Duration) -> std::time::Duration {
        of.mul_f64(self.0.clamp(0.0, 1.0) * fastrand::f64())
    }
}

/// What is shown of an account's configuration.
#[must_use]
pub fn spec(account: &config::Account, config: &Config) -> AccountSpec {
    let history = config.history.months > 0;
    let collectors: Vec<_> = account
        .collectors()
        .iter()
        .copied()
        .filter(|collector| history || *collector != Collector::MonthlyUsage)
        .collect();
    AccountSpec {
        name: account.name.as_str().into(),
        account_id: account.account_id.as_str().into(),
        identity: Arc::new(account.identity()),
        credential: account.credential,
        max_key_age: match &account.api {
            config::Api::ObjectStorage(api) => api.max_age,
            config::Api::AccountV2 { .. } => None,
        },
        price: account.price.clone(),
        warning: account
            .credential_warning
            .as_deref()
            .map_or(config.warning, |steps| config.warning.with(steps)),
        usage_drop: account.usage_drop.unwrap_or(config.usage_drop),
        intervals: collectors
            .iter()
            .map(|collector| (*collector, config.poll.interval(*collector)))
            .collect(),
        collectors,
        data_max_age: config.data_max_age,
    }
}

/// One account that is polled: its place in the store and its client.
#[derive(Clone, Debug)]
pub struct Account {
    /// Where its answers go.
    pub cell: Arc<AccountCell>,
    /// How they are asked for.
    pub client: Client,
}
