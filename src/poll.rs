//! When to ask the vendor, how to back off, and what a failure means.
//!
//! Each (account, collector) has a poller of its own: it waits until it is due, polls on a deadline, and writes what came of it
//! to the store. Its requests wait for their turn at the [`Gate`](crate::api::Gate), which caps those under way; that wait, and
//! the one for its account's login, is no part of the poll's time. Beside the gate and the account's client nothing is
//! shared between pollers: what fails for one does not fail for another, and one that panics is started again.
//!
//! The [`Fleet`] holds them all and takes them from one configuration to the next: what can fail is made first, and
//! only when all of it is there does anything change.

mod connection;
mod deviations;
mod fleet;
mod poll_log;
mod poll_now;
mod poller;
mod recall;
mod recorder;
mod schedule;
mod settings;
mod supervise;

use std::sync::Arc;

use jiff::Timestamp;

use crate::api::{self, Budget, Client, Descriptor};
use crate::config::{self, Config};
use crate::metrics;
use crate::model::{AnyData, Collected};
use crate::store::{AccountCell, AccountSpec};

pub use fleet::{Changes, Fleet, Known, Plan};
pub use poll_log::PollLog;
pub use poll_now::PollNow;
pub use poller::{Polled, Poller, watch_rotation};
pub use recall::{formats, recall, series_text};
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
    let polled: Vec<_> = api::collectors_of(&account.api)
        .into_iter()
        .filter(|declared| (declared.is_enabled)(config))
        .collect();
    AccountSpec {
        name: account.name.as_str().into(),
        account_id: account.account_id.as_str().into(),
        identity: Arc::new(account.identity()),
        credential: account.credential,
        api: account.api.name(),
        max_key_age: account.api.max_key_age(),
        price: account.price.clone(),
        warning: account
            .credential_warning
            .as_deref()
            .map_or(config.warning, |steps| config.warning.with(steps)),
        usage_drop: account.usage_drop.unwrap_or(config.usage_drop),
        intervals: polled
            .iter()
            .map(|declared| (declared.collector, (declared.interval)(&config.poll)))
            .collect(),
        collectors: polled.iter().map(|declared| declared.collector).collect(),
        data_max_age: config.data_max_age,
    }
}

/// Leaves out of an answer what the configuration wants no series for, and counts it.
fn admit(
    declared: &Descriptor,
    answer: Collected<AnyData>,
    series: &config::Series,
    spec: &Arc<AccountSpec>,
    now: Timestamp,
) -> Collected<AnyData> {
    let Collected { data, mut dropped } = answer;
    let count = |data| metrics::series(spec, data, now);
    let data = (declared.admit)(data, &mut Budget::new(series, &mut dropped, &count));
    Collected { data, dropped }
}

/// One account that is polled: its place in the store and its client.
#[derive(Clone, Debug)]
pub struct PolledAccount {
    /// Where its answers go.
    pub cell: Arc<AccountCell>,
    /// How they are asked for.
    pub client: Client,
    /// What its client reports to.
    recorder: Arc<Recorder>,
}

#[cfg(test)]
mod tests;
