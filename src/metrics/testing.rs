//! What tests of metrics and of pages start from.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::families;
use crate::model::{Collected, Collector, Dropped, Expiry, WarningSteps};
use crate::store::{AccountSpec, AccountState, Store};

pub(crate) const TOOK: Duration = Duration::from_millis(1500);

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An account whose answers are withdrawn after a day.
pub(crate) fn spec(name: &str) -> AccountSpec {
    AccountSpec {
        name: name.into(),
        account_id: format!("id-of-{name}").into(),
        identity: Arc::default(),
        max_key_age: None,
        price: None,
        warning: WarningSteps::default(),
        usage_drop: 0.5,
        intervals: Vec::new(),
        credential: Expiry::Unknown,
        api: "account_v2",
        collectors: Collector::ACCOUNT_V2.to_vec(),
        data_max_age: Duration::from_secs(86_400),
    }
}

/// The same for an account of Lyve Cloud Object Storage.
pub(crate) fn object_storage(name: &str) -> AccountSpec {
    AccountSpec {
        api: "object_storage",
        credential: Expiry::Never,
        collectors: Collector::OBJECT_STORAGE.to_vec(),
        ..spec(name)
    }
}

/// The state of an account after `change`.
pub(crate) fn state(spec: AccountSpec, change: impl FnOnce(&mut AccountState)) -> Arc<AccountState> {
    let store = Store::default();
    store.apply([spec.clone()]);
    let cell = store.account(&spec.name).unwrap();
    cell.update(change);
    cell.state()
}

pub(crate) fn answer<T>(data: T) -> Collected<T> {
    Collected { data, dropped: Dropped::default() }
}

/// The samples of one family: the label values with `|` between them, and the value.
pub(crate) fn samples(name: &str, state: &AccountState, now: Timestamp) -> Vec<String> {
    let family = families().iter().find(|family| family.name == name).unwrap();
    let mut lines = Vec::new();
    (family.walk)(state, now, &mut |labels, value| {
        assert_eq!(labels.len(), family.labels.len());
        lines.push(format!("{} {value}", labels.join("|")));
    });
    lines
}
