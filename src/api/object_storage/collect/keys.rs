//! The users and their access keys.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::object_storage::Client;
use crate::api::{ApiError, Budget, Collect, Context, Endpoint};
use crate::config::{Config, Poll};
use crate::model::{AccessKey, Answer, Collector, Data, Part, User};
use crate::saved::{Entries, List, Loaded, Object, ascending};
use crate::text::Text;

/// Each user takes a request; a poll with more than so many slow ones is given up.
const USERS: u32 = 20;

impl Collector {
    /// The users and their access keys.
    pub const KEYS: Self = Self::new("keys", "Users and keys");
}

impl Data for Vec<User> {
    const COLLECTOR: Collector = Collector::KEYS;
    const PARTS: &'static [Part] = &[Part::Keys];
}

impl Collect for Vec<User> {
    type Api = Client;
    const ENDPOINT: Endpoint = Endpoint::ListAccessKeys;
    const RIGHTS: &'static [Endpoint] = &[Endpoint::UserInfo, Endpoint::ListUsers, Endpoint::ListAccessKeys];

    fn interval(poll: &Poll) -> Duration {
        poll.inventory
    }

    fn requests(_: &Config) -> u32 {
        USERS
    }

    fn asks_otherwise(now: &Config, before: &Config) -> bool {
        now.series.max_per_account != before.series.max_per_account
    }

    async fn collect(client: &Client, _: Context<'_>) -> Result<Answer<Self>, ApiError> {
        client.keys().await
    }

    /// A person has to be told of the oldest key.
    fn admit(&mut self, budget: &mut Budget<'_>) {
        let count = budget.counter();
        budget.keep_largest(self, oldest_key, |user| count(vec![user.clone()].into()));
    }

    fn save(data: Option<&Self>, at: Timestamp, out: &mut Object<'_>) -> io::Result<()> {
        let Some(data) = data else { return Ok(()) };
        out.dated(Self::COLLECTOR.name(), at, List(data, UserRecord::of))
    }

    fn load(entries: &Entries<'_>) -> Loaded<Self> {
        entries.dated(Self::COLLECTOR.name(), users)
    }
}

/// The greater, the older the oldest key in use.
fn oldest_key(user: &User) -> u64 {
    let in_use = user.keys.iter().filter(|key| key.active != Some(false));
    let made = in_use.filter_map(|key| key.created).min();
    made.map_or(0, |at| u64::MAX.saturating_sub(at.as_second().max(0).unsigned_abs()))
}

#[derive(Serialize, Deserialize)]
struct UserRecord<'a> {
    name: Cow<'a, str>,
    kind: Cow<'a, str>,
    password_change_required: Option<bool>,
    created: Option<Text<Timestamp>>,
    keys: Vec<KeyRecord<'a>>,
}

#[derive(Serialize, Deserialize)]
struct KeyRecord<'a> {
    id: Cow<'a, str>,
    active: Option<bool>,
    created: Option<Text<Timestamp>>,
}

impl<'a> UserRecord<'a> {
    fn of(user: &'a User) -> Self {
        let key = |key: &'a AccessKey| KeyRecord {
            id: Cow::Borrowed(&key.id),
            active: key.active,
            created: key.created.map(Text),
        };
        Self {
            name: Cow::Borrowed(&user.name),
            kind: Cow::Borrowed(&user.kind),
            password_change_required: user.password_change_required,
            created: user.created.map(Text),
            keys: user.keys.iter().map(key).collect(),
        }
    }

    fn user(self) -> Result<User, String> {
        let key = |key: KeyRecord<'_>| AccessKey {
            id: key.id.into(),
            active: key.active,
            created: key.created.map(|Text(at)| at),
        };
        Ok(User {
            name: self.name.into(),
            kind: self.kind.into(),
            password_change_required: self.password_change_required,
            created: self.created.map(|Text(at)| at),
            keys: ascending(self.keys.into_iter().map(key), |key| &key.id)?,
        })
    }
}

fn users(records: Vec<UserRecord<'_>>) -> Result<Vec<User>, String> {
    let users: Vec<_> = records.into_iter().map(UserRecord::user).collect::<Result<_, String>>()?;
    ascending(users.into_iter(), |user| &user.name)
}
