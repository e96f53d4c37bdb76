//! The permissions.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::account_v2::Client;
use crate::api::{ApiError, Budget, Collect, Context, Endpoint};
use crate::config::{Config, Poll};
use crate::model::{Answer, Collector, Data, Part, Permission, PermissionCount, Permissions};
use crate::saved::{Entries, List, Loaded, Object, ascending};

impl Collector {
    /// The permissions.
    pub const PERMISSIONS: Self = Self::new("permissions", "Permissions");
}

impl Data for Permissions {
    const COLLECTOR: Collector = Collector::PERMISSIONS;
    const PARTS: &'static [Part] = &[Part::Permissions];
}

impl Collect for Permissions {
    type Api = Client;
    const ENDPOINT: Endpoint = Endpoint::Permissions;

    fn interval(poll: &Poll) -> Duration {
        poll.inventory
    }

    fn asks_otherwise(now: &Config, before: &Config) -> bool {
        now.series.max_per_account != before.series.max_per_account
    }

    async fn collect(client: &Client, _: Context<'_>) -> Result<Answer<Self>, ApiError> {
        client.permissions().await
    }

    /// The counts are of all of them, and a handful: the vendor has few kinds and actions.
    fn admit(&mut self, budget: &mut Budget<'_>) {
        let count = budget.counter();
        let counted = |sort: &PermissionCount| {
            count(Self { counts: vec![sort.clone()], permissions: Vec::new() }.into())
        };
        let listed = |permission: &Permission| {
            count(Self { counts: Vec::new(), permissions: vec![permission.clone()] }.into())
        };
        budget.keep_largest(&mut self.counts, |sort| sort.count, counted);
        budget.keep_largest(&mut self.permissions, |_| 0, listed);
    }

    fn save(data: Option<&Self>, at: Timestamp, out: &mut Object<'_>) -> io::Result<()> {
        let Some(data) = data else { return Ok(()) };
        out.dated(Self::COLLECTOR.name(), at, List(&data.permissions, PermissionRecord::of))?;
        let sort = |sort: &'_ PermissionCount| ((sort.kind.clone(), sort.actions.clone()), sort.count);
        out.entry("permission_counts", &List(&data.counts, sort))
    }

    fn load(entries: &Entries<'_>) -> Loaded<Self> {
        // The counts came later than the rest of this version of the file.
        let counts = entries.get("permission_counts")?;
        entries.dated(Self::COLLECTOR.name(), |list| permissions(list, counts))
    }
}

/// Kind and actions of permissions, and how many there are.
type CountRecord = ((Box<str>, Box<str>), u64);

fn permissions(
    list: Vec<PermissionRecord<'_>>,
    counts: Option<Vec<CountRecord>>,
) -> Result<Permissions, String> {
    let list = list.into_iter().map(PermissionRecord::permission);
    let found = Permissions::of(ascending(list, |permission| &permission.id)?);
    let Some(counts) = counts else { return Ok(found) };
    let counts = ascending(counts.into_iter(), |(sort, _)| sort)?;
    let counts =
        counts.into_iter().map(|((kind, actions), count)| PermissionCount { kind, actions, count }).collect();
    Ok(Permissions { counts, ..found })
}

#[derive(Serialize, Deserialize)]
struct PermissionRecord<'a> {
    id: Cow<'a, str>,
    name: Cow<'a, str>,
    kind: Cow<'a, str>,
    actions: Cow<'a, str>,
    ready: Option<bool>,
}

impl<'a> PermissionRecord<'a> {
    fn of(permission: &'a Permission) -> Self {
        Self {
            id: Cow::Borrowed(&permission.id),
            name: Cow::Borrowed(&permission.name),
            kind: Cow::Borrowed(&permission.kind),
            actions: Cow::Borrowed(&permission.actions),
            ready: permission.ready,
        }
    }

    fn permission(self) -> Permission {
        Permission {
            id: self.id.into(),
            name: self.name.into(),
            kind: self.kind.into(),
            actions: self.actions.into(),
            ready: self.ready,
        }
    }
}
