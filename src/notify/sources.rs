use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Collector, Identity, Logins, ServiceAccount, User};
use crate::store::{AccountState, Source};

/// Which account an alert is about, and where what it says is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The account's name.
    pub account: Arc<str>,
    /// What tells the account from another of the same name.
    pub identity: Arc<Identity>,
    /// Where it is read.
    pub source: Source,
}

impl Subject {
    /// What one source says of an account.
    pub(super) fn of(state: &AccountState, source: Source) -> Self {
        let spec = &state.spec;
        Self { account: Arc::clone(&spec.name), identity: Arc::clone(&spec.identity), source }
    }
}

/// What is known of an alert's subject, for telling an alert that ended from one of which nobody can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knowledge {
    /// The account is not watched any more.
    Gone,
    /// This process has not asked the vendor yet. What an earlier one knew may be out of date.
    NotAsked,
    /// The vendor was asked and gave no answer, and no earlier answer is known.
    Nothing,
    /// The last answer is known.
    Answer,
}

/// The accounts that are watched, by their names.
#[derive(Debug, Default)]
pub struct Sources<'a>(BTreeMap<&'a str, &'a AccountState>);

impl<'a> Sources<'a> {
    /// Those of a snapshot of the store.
    #[must_use]
    pub fn of(states: &'a [Arc<AccountState>]) -> Self {
        Self(states.iter().map(|state| (&*state.spec.name, &**state)).collect())
    }

    /// What is known of a subject.
    pub(super) fn knowledge(&self, subject: &Subject) -> Knowledge {
        let state = self.0.get(&*subject.account).filter(|state| state.spec.identity == subject.identity);
        let Some(state) = state else { return Knowledge::Gone };
        let polled = |collector: Collector| state.health(collector).polls > 0;
        let (asked, answered) = match subject.source {
            Source::Logins => (state.credentials_tried(), state.logins != Logins::default()),
            Source::ServiceAccounts => {
                (polled(Collector::SERVICE_ACCOUNTS), state.last_good::<Vec<ServiceAccount>>().is_some())
            }
            Source::AccessKeys => (polled(Collector::KEYS), state.last_good::<Vec<User>>().is_some()),
        };
        match (asked, answered) {
            (false, _) => Knowledge::NotAsked,
            (true, false) => Knowledge::Nothing,
            (true, true) => Knowledge::Answer,
        }
    }
}
