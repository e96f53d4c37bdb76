//! The service accounts, with their expiry.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::account_v2::{Client, contract};
use crate::api::{ApiError, Asked, Budget, Collect, Context, Endpoint};
use crate::clock;
use crate::config::{Config, Poll};
use crate::model::{Collected, Collector, Data, Expiry, Missing, ServiceAccount, StatePart};
use crate::saved::ascending;
use crate::text::length;

/// The shortest wait for the next poll that is due early.
const NEAR_AN_END_AT_LEAST: Duration = Duration::from_secs(300);

impl Collector {
    /// The service accounts, with their expiry.
    pub const SERVICE_ACCOUNTS: Self = Self::new("service_accounts", "Service accounts");
}

impl Data for Vec<ServiceAccount> {
    const COLLECTOR: Collector = Collector::SERVICE_ACCOUNTS;
    const PARTS: &'static [StatePart] = &[StatePart::Credentials];
}

impl Collect for Vec<ServiceAccount> {
    type Api = Client;
    const ASKS: &'static [Asked] = &[Asked::new(
        Endpoint::ServiceAccounts,
        contract::SERVICE_ACCOUNTS,
        "no end dates of service accounts; alerts on their expiry cannot fire",
    )];

    fn interval(poll: &Poll) -> Duration {
        poll.inventory
    }

    fn asks_otherwise(now: &Config, before: &Config) -> bool {
        now.series.max_per_account != before.series.max_per_account
    }

    /// Around an end date oftener, so that an alert about it ends soon after the renewal: from the last warning step before it
    /// until as long after it.
    fn due_early(context: &Context<'_>) -> Option<(Timestamp, Duration)> {
        let step = context.warning.critical?;
        let is_near =
            |end: Timestamp| end <= clock::after(context.now, step) && context.now <= clock::after(end, step);
        let listed = context.last::<Self>()?;
        let is_any = listed.iter().any(|account| matches!(account.expiry, Expiry::At(end) if is_near(end)));
        let wait = (context.config.poll.inventory / 4).max(NEAR_AN_END_AT_LEAST);
        is_any.then(|| (clock::after(context.now, wait), wait / 10))
    }

    async fn collect(client: &Client, _: Context<'_>) -> Result<Collected<Self>, ApiError> {
        client.service_accounts().await
    }

    fn summary(&self, _: Endpoint, _: Timestamp) -> String {
        let ends = self.iter().filter(|account| matches!(account.expiry, Expiry::At(_))).count();
        let unknown = self.iter().filter(|account| account.expiry == Expiry::Unknown).count();
        let mut text = format!("{}, {ends} with an end date", length(self.len(), "service account"));
        if unknown > 0 {
            text.push_str(&format!(", {unknown} of which it is not known"));
        }
        text
    }

    /// All of them, or one that a person is warned of.
    fn missing(&self, last: &Self, context: &Context<'_>) -> Missing {
        let steps = [context.warning.warning, context.warning.critical];
        let warned = clock::after(context.now, steps.into_iter().flatten().max().unwrap_or_default());
        let is_warned = |expiry| matches!(expiry, Expiry::At(end) if end <= warned);
        let is_listed = |id: &str| self.binary_search_by(|account| (*account.id).cmp(id)).is_ok();
        let gone = last.iter().filter(|account| !is_listed(&account.id));
        gone.filter(|account| self.is_empty() || is_warned(account.expiry))
            .map(|account| account.id.clone())
            .collect()
    }

    /// A person has to be warned of what ends first.
    fn admit(&mut self, budget: &mut Budget<'_>) {
        let count = budget.counter();
        budget.keep_largest(self, |account| urgency(account.expiry), |item| count(vec![item.clone()].into()));
    }

    fn is_in_order(&self) -> bool {
        ascending(self, |account| &account.id)
    }
}

/// The greater, the sooner something ends.
fn urgency(expiry: Expiry) -> u64 {
    match expiry {
        Expiry::At(end) => u64::MAX.saturating_sub(end.as_second().max(0).unsigned_abs()),
        Expiry::Unknown => 1,
        Expiry::Never => 0,
    }
}
