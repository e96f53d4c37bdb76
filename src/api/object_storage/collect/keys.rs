//! The users and their access keys.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::object_storage::{Client, MAX_USERS, contract};
use crate::api::{ApiError, Asked, Budget, Collect, Context, Endpoint};
use crate::clock;
use crate::config::{Config, Poll};
use crate::model::{AccessKey, Collected, Collector, Data, Missing, StatePart, User};
use crate::saved::ascending;
use crate::text::length;

const NO_KEYS: &str = "no metrics of access keys; alerts on their rotation cannot fire";

impl Collector {
    /// The users and their access keys.
    pub const KEYS: Self = Self::new("keys", "Users and keys");
}

impl Data for Vec<User> {
    const COLLECTOR: Collector = Collector::KEYS;
    const PARTS: &'static [StatePart] = &[StatePart::Keys];
}

impl Collect for Vec<User> {
    type Api = Client;
    const ASKS: &'static [Asked] = &[
        Asked::new(
            Endpoint::UserInfo,
            contract::USER_INFO,
            "who has to change a password is not known; nothing else is missed",
        ),
        Asked::new(Endpoint::ListUsers, contract::LIST_USERS, NO_KEYS),
        Asked::new(Endpoint::ListAccessKeys, contract::LIST_ACCESS_KEYS, NO_KEYS),
    ];

    fn interval(poll: &Poll) -> Duration {
        poll.inventory
    }

    /// Each user takes one.
    fn requests(_: &Config) -> u32 {
        MAX_USERS + 2
    }

    fn asks_otherwise(now: &Config, before: &Config) -> bool {
        now.series.max_per_account != before.series.max_per_account
    }

    async fn collect(client: &Client, _: Context<'_>) -> Result<Collected<Self>, ApiError> {
        client.keys().await
    }

    fn summary(&self, endpoint: Endpoint, _: Timestamp) -> String {
        if endpoint == Endpoint::ListAccessKeys {
            return length(self.iter().map(|user| user.keys.len()).sum(), "access key");
        }
        length(self.len(), "user")
    }

    /// All users, all keys, or a key that a person is warned of.
    fn missing(&self, last: &Self, context: &Context<'_>) -> Missing {
        let warned = clock::after(context.now, context.warning.rotation);
        let is_warned =
            |key: &AccessKey| key.rotation_due(context.max_key_age).is_some_and(|due| due <= warned);
        let ids = |users: &Self| -> Missing {
            users.iter().flat_map(|user| &user.keys).map(|key| key.id.clone()).collect()
        };
        let listed = ids(self);
        let gone = last.iter().flat_map(|user| &user.keys).filter(|key| !listed.contains(&key.id));
        let mut missing: Missing =
            gone.filter(|key| listed.is_empty() || is_warned(key)).map(|key| key.id.clone()).collect();
        if self.is_empty() && !last.is_empty() {
            missing.insert("users".into());
        }
        missing
    }

    /// A person has to be told of the oldest key.
    fn admit(&mut self, budget: &mut Budget<'_>) {
        let count = budget.counter();
        budget.keep_largest(self, oldest_key, |user| count(vec![user.clone()].into()));
    }

    fn is_in_order(&self) -> bool {
        ascending(self, |user| &user.name) && self.iter().all(|user| ascending(&user.keys, |key| &key.id))
    }
}

/// The greater, the older the oldest key in use.
fn oldest_key(user: &User) -> u64 {
    let in_use = user.keys.iter().filter(|key| key.active != Some(false));
    let made = in_use.filter_map(|key| key.created).min();
    made.map_or(0, |at| u64::MAX.saturating_sub(at.as_second().max(0).unsigned_abs()))
}
