//! The service accounts, with their expiry.

use std::time::Duration;

use crate::api::account_v2::Client;
use crate::api::{ApiError, Budget, Collect, Context, Endpoint};
use crate::config::{Config, Poll};
use crate::model::{Collected, Collector, Data, Expiry, ServiceAccount, StatePart};
use crate::saved::ascending;

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
    const ENDPOINT: Endpoint = Endpoint::ServiceAccounts;

    fn interval(poll: &Poll) -> Duration {
        poll.inventory
    }

    fn asks_otherwise(now: &Config, before: &Config) -> bool {
        now.series.max_per_account != before.series.max_per_account
    }

    async fn collect(client: &Client, _: Context<'_>) -> Result<Collected<Self>, ApiError> {
        client.service_accounts().await
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
