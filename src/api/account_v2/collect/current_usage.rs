//! Usage of the month to date.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::account_v2::{Client, contract};
use crate::api::{ApiError, Asked, Budget, Collect, Context, Endpoint};
use crate::config::{Config, Poll};
use crate::model::{BucketUsage, Collected, Collector, CurrentUsage, Data, Missing, StatePart, SubAccount};
use crate::saved::ascending;
use crate::text::{count, length, size};

impl Collector {
    /// Usage of the month to date.
    pub const CURRENT_USAGE: Self = Self::new("current_usage", "Usage now");
}

impl Data for CurrentUsage {
    const COLLECTOR: Collector = Collector::CURRENT_USAGE;
    const PARTS: &'static [StatePart] = &[StatePart::CurrentUsage, StatePart::Cost];
}

impl Collect for CurrentUsage {
    type Api = Client;
    const ASKS: &'static [Asked] = &[Asked::new(
        Endpoint::CurrentUsage,
        contract::CURRENT_USAGE,
        "no usage of the account and its buckets; alerts on usage, budget and forecast cannot fire",
    )];

    fn interval(poll: &Poll) -> Duration {
        poll.current_usage
    }

    fn asks_otherwise(now: &Config, before: &Config) -> bool {
        now.series != before.series
    }

    async fn collect(client: &Client, _: Context<'_>) -> Result<Collected<Self>, ApiError> {
        client.current_usage().await
    }

    fn summary(&self, _: Endpoint, _: Timestamp) -> String {
        let buckets = self.bucket_count.map(|buckets| count(buckets, "bucket"));
        let bytes = self.usage_bytes.map(size);
        let subs = (!self.sub_accounts.is_empty()).then(|| length(self.sub_accounts.len(), "sub-account"));
        let parts: Vec<_> =
            [buckets, bytes, subs, Some("month to date".to_owned())].into_iter().flatten().collect();
        parts.join(", ")
    }

    /// The vendor answers 0, or an empty list, where it has no data.
    fn missing(&self, last: &Self, _: &Context<'_>) -> Missing {
        let lacks = [
            ("buckets", self.buckets.is_empty() && !last.buckets.is_empty()),
            ("sub-accounts", self.sub_accounts.is_empty() && !last.sub_accounts.is_empty()),
            ("usage", self.usage_bytes == Some(0) && last.usage_bytes.is_some_and(|bytes| bytes > 0)),
        ];
        lacks.into_iter().filter(|(_, lacks)| *lacks).map(|(name, _)| name.into()).collect()
    }

    fn admit(&mut self, budget: &mut Budget<'_>) {
        let count = budget.counter();
        let bucket = BucketUsage { name: "".into(), usage_bytes: 0 };
        let bucket = count(Self { buckets: vec![bucket], ..Self::default() }.into());
        let sub_account =
            |item: &SubAccount| count(Self { sub_accounts: vec![item.clone()], ..Self::default() }.into());
        budget.filter(&mut self.buckets, |bucket| &bucket.name, |_| bucket);
        budget.keep_largest(&mut self.sub_accounts, |item| item.usage_bytes.unwrap_or(0), sub_account);
        budget.keep_largest(&mut self.buckets, |bucket| bucket.usage_bytes, |_| bucket);
    }

    fn is_in_order(&self) -> bool {
        ascending(&self.buckets, |bucket| &bucket.name)
            && ascending(&self.sub_accounts, |sub_account| &sub_account.id)
    }
}
