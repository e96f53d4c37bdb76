//! The last whole good answer of each (account, collector), with its time, and how its polls went.
//!
//! Pollers write, the metrics and the pages read; neither waits for the other. A reader takes a [`Store::snapshot`]:
//! immutable states that share their data with the store. A writer changes one account's state by copying the small
//! frame around the shared data, so a reader never sees half of a change.
//!
//! A failure never replaces an answer. An answer older than the configured age is withdrawn: it stays in memory, but
//! [`AccountState`] no longer gives it.

mod account;
mod credentials;
mod keys;
mod known_alert;
mod memory;
mod odd;
mod recent;
pub mod state_file;
mod usage;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::watch;

pub use account::{AccountSpec, AccountState, Health};
pub use credentials::{ACCOUNT_CREDENTIAL_NAME, CredentialView};
pub use keys::KeyView;
pub use known_alert::{KnownAlert, Source};
pub use memory::Memory;
pub use recent::RecentUsage;
pub use usage::{BucketNow, UsageNow};

use crate::model::Collector;

/// All accounts.
#[derive(Debug)]
pub struct Store {
    accounts: RwLock<BTreeMap<Arc<str>, Arc<AccountCell>>>,
    changes: watch::Sender<u64>,
}

impl Default for Store {
    fn default() -> Self {
        Self { accounts: RwLock::default(), changes: watch::Sender::new(0) }
    }
}

impl Store {
    /// Makes the store hold exactly these accounts: new ones start empty, those that are gone are forgotten, and those
    /// that stay keep what is known of them.
    pub fn apply(&self, specs: impl IntoIterator<Item = AccountSpec>) {
        let cells = specs.into_iter().map(|spec| {
            let cell = self.account(&spec.name).unwrap_or_else(|| self.new_cell(spec.clone()));
            (spec, cell)
        });
        self.install(cells.collect());
    }

    /// An empty place for an account, which is not shown before it is installed.
    #[must_use]
    pub fn new_cell(&self, spec: AccountSpec) -> Arc<AccountCell> {
        Arc::new(AccountCell {
            state: Mutex::new(Arc::new(AccountState::new(Arc::new(spec)))),
            changes: self.changes.clone(),
        })
    }

    /// Makes the store hold exactly these places, each with what the configuration says of its account now. Places that
    /// it held before and that are not among them are forgotten.
    pub fn install(&self, cells: Vec<(AccountSpec, Arc<AccountCell>)>) {
        // Under one lock, so that a snapshot is of the time before or after. Who waits for changes is told behind it:
        // such a one may look at the store while it holds the watch's lock.
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        accounts.clear();
        for (spec, cell) in cells {
            let spec = Arc::new(spec);
            accounts.insert(Arc::clone(&spec.name), Arc::clone(&cell));
            Arc::make_mut(&mut cell.lock()).set_spec(spec);
        }
        drop(accounts);
        self.changes.send_modify(|version| *version += 1);
    }

    /// The place of one account, for its pollers.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<Arc<AccountCell>> {
        self.accounts.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The state of every account at this moment, in the order of their names.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Arc<AccountState>> {
        self.accounts
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .map(|cell| cell.state())
            .collect()
    }

    /// Counts up with every change; for those who wait for one.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Whether each collector of each account has had its first attempt.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.snapshot().iter().all(|state| {
            state.spec.collectors.iter().all(|collector| state.health(*collector).last_attempt.is_some())
        })
    }
}

/// The place of one account in the store.
#[derive(Debug)]
pub struct AccountCell {
    state: Mutex<Arc<AccountState>>,
    changes: watch::Sender<u64>,
}

impl AccountCell {
    /// The account's state at this moment.
    #[must_use]
    pub fn state(&self) -> Arc<AccountState> {
        Arc::clone(&self.lock())
    }

    /// Changes the state; what `change` does is seen whole or not at all.
    pub fn update<T>(&self, change: impl FnOnce(&mut AccountState) -> T) -> T {
        let result = change(Arc::make_mut(&mut self.lock()));
        self.changes.send_modify(|version| *version += 1);
        result
    }

    // A panic while the lock is held can only come from a change that had not begun to write: the state is whole.
    fn lock(&self) -> MutexGuard<'_, Arc<AccountState>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AccountState {
    /// Whether the last attempt of every collector worked.
    #[must_use]
    pub fn up(&self) -> bool {
        self.spec.collectors.iter().all(|collector| self.collector_up(*collector))
    }

    /// Whether the last attempt of one collector worked.
    #[must_use]
    pub fn collector_up(&self, collector: Collector) -> bool {
        let health = self.health(collector);
        health.last_attempt.is_some() && health.failing.is_none()
    }
}
