//! When to ask the vendor, how to back off, and what a failure means.
//!
//! Each (account, collector) has a poller of its own: it waits until it is due, waits for one of the permits that cap
//! the requests under way, polls on a deadline, and writes what came of it to the store. One poll makes its requests one
//! after the other, so a permit a poll is a cap on requests. Nothing here is shared between pollers but the permits and
//! the account's client, so nothing that fails for one is felt by another.

mod admit;
mod backoff;
mod poller;
mod recorder;
mod schedule;

use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::api::account_v2::Client;
use crate::api::{Transport, TransportError};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::model::Collector;
use crate::store::{AccountCell, AccountSpec, Store};

pub use backoff::Backoff;
pub use poller::{Poller, watch_rotation};
pub use recorder::{Recorder, RequestTimes};
pub use schedule::Schedule;

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
    AccountSpec {
        name: account.name.as_str().into(),
        account_id: account.account_id.as_str().into(),
        credential: account.credential,
        price: account.price.clone(),
        collectors: Collector::ALL
            .into_iter()
            .filter(|collector| history || *collector != Collector::MonthlyUsage)
            .collect(),
        data_max_age: config.data_max_age,
    }
}

/// One account that is polled: its place in the store and its client.
#[derive(Clone)]
pub struct Account {
    /// Where its answers go.
    pub cell: Arc<AccountCell>,
    /// How they are asked for.
    pub client: Arc<Client>,
}

/// Puts the configuration's accounts in the store and gives each its client.
///
/// # Errors
/// Where a client cannot be made, which a checked configuration does not bring about.
pub fn accounts(
    config: &Config,
    store: &Store,
    clock: &Arc<dyn Clock>,
    times: &Arc<dyn RequestTimes>,
) -> Result<Vec<Account>, TransportError> {
    store.apply(config.accounts.iter().map(|account| spec(account, config)));
    let shared = Transport::new(config.poll.timeout)?;
    let mut made = Vec::with_capacity(config.accounts.len());
    for account in &config.accounts {
        let Some(cell) = store.account(&account.name) else { continue };
        let recorder = Recorder::new(Arc::clone(&cell), Arc::clone(clock), Arc::clone(times));
        let client = Client::new(account, shared.clone(), Arc::clone(clock), Arc::new(recorder))?;
        made.push(Account { cell, client: Arc::new(client) });
    }
    Ok(made)
}

/// Starts a poller for each collector of each account. They end when `shutdown` is cancelled or the set is dropped.
pub fn start(
    accounts: &[Account],
    config: &Config,
    clock: &Arc<dyn Clock>,
    jitter: Jitter,
    shutdown: &CancellationToken,
) -> JoinSet<()> {
    let permits = Arc::new(Semaphore::new(config.poll.max_concurrent_requests));
    let pollers = accounts.len() * Collector::ALL.len();
    let mut tasks = JoinSet::new();
    for account in accounts {
        let rotated = Arc::new(Notify::new());
        for collector in account.cell.state().spec.collectors.iter().copied() {
            let poller = Poller {
                account: account.clone(),
                collector,
                schedule: Schedule::new(collector, config, jitter, pollers),
                series: config.series.clone(),
                clock: Arc::clone(clock),
                permits: Arc::clone(&permits),
                rotated: Arc::clone(&rotated),
            };
            let shutdown = shutdown.clone();
            tasks.spawn(async move {
                // Dropping the poll closes its connection and frees its permit.
                shutdown.run_until_cancelled(poller.run()).await;
            });
        }
        let (account, clock, shutdown) = (account.clone(), Arc::clone(clock), shutdown.clone());
        tasks.spawn(async move {
            shutdown.run_until_cancelled(watch_rotation(account, clock, rotated)).await;
        });
    }
    tasks
}
