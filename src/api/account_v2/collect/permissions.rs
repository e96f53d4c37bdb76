//! The permissions.

use std::io;
use std::time::Duration;

use jiff::Timestamp;

use crate::api::account_v2::{Client, contract};
use crate::api::{ApiError, Asked, Budget, Collect, Context, Endpoint};
use crate::config::{Config, Poll};
use crate::model::{
    Collected, Collector, Data, Missing, Permission, PermissionCount, Permissions, StatePart,
};
use crate::saved::{Entries, Loaded, Object, ascending};
use crate::text::length;

/// Kind and actions of permissions, and how many there are.
type Count = ((Box<str>, Box<str>), u64);

impl Collector {
    /// The permissions.
    pub const PERMISSIONS: Self = Self::new("permissions", "Permissions");
}

impl Data for Permissions {
    const COLLECTOR: Collector = Collector::PERMISSIONS;
    const PARTS: &'static [StatePart] = &[StatePart::Permissions];
}

impl Collect for Permissions {
    type Api = Client;
    const ASKS: &'static [Asked] = &[Asked::new(
        Endpoint::Permissions,
        contract::PERMISSIONS,
        "no metrics of permissions; nothing else is missed",
    )];

    fn interval(poll: &Poll) -> Duration {
        poll.inventory
    }

    fn asks_otherwise(now: &Config, before: &Config) -> bool {
        now.series.max_per_account != before.series.max_per_account
    }

    async fn collect(client: &Client, _: Context<'_>) -> Result<Collected<Self>, ApiError> {
        client.permissions().await
    }

    fn summary(&self, _: Endpoint, _: Timestamp) -> String {
        length(self.permissions.len(), "permission")
    }

    fn missing(&self, last: &Self, _: &Context<'_>) -> Missing {
        let is_empty = self.counts.is_empty() && !last.counts.is_empty();
        is_empty.then(|| "permissions".into()).into_iter().collect()
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

    fn is_in_order(&self) -> bool {
        let sort = |one: &PermissionCount| (one.kind.clone(), one.actions.clone());
        self.counts.is_sorted_by(|one, next| sort(one) < sort(next))
            && ascending(&self.permissions, |permission| &permission.id)
    }

    fn save(data: Option<&Self>, at: Timestamp, out: &mut Object<'_>) -> io::Result<()> {
        let Some(data) = data else { return Ok(()) };
        out.dated(Self::COLLECTOR.name(), at, &data.permissions)?;
        let counts = data.counts.iter().map(|sort| ((&sort.kind, &sort.actions), sort.count));
        out.entry("permission_counts", &counts.collect::<Vec<_>>())
    }

    fn load(entries: &Entries<'_>) -> Loaded<Self> {
        // It came later than the rest of this version of the file.
        let counts: Option<Vec<Count>> = entries.get("permission_counts")?;
        let count = |((kind, actions), count): Count| PermissionCount { kind, actions, count };
        let counts = counts.map(|counts| counts.into_iter().map(count).collect());
        entries.dated(Self::COLLECTOR.name(), |permissions: Vec<Permission>| {
            let found = Self::of(permissions);
            Ok(Self { counts: counts.unwrap_or(found.counts), permissions: found.permissions })
        })
    }
}
