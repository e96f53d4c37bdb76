//! Usage of the month to date.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::api::account_v2::Client;
use crate::api::{ApiError, Budget, Collect, Context, Endpoint};
use crate::config::{Config, Poll};
use crate::model::{Answer, BucketUsage, Collector, CurrentUsage, Data, Part, SubAccount};
use crate::saved::{Entries, List, Loaded, Object, ascending};
use crate::text::Text;

impl Collector {
    /// Usage of the month to date.
    pub const CURRENT_USAGE: Self = Self::new("current_usage", "Usage now");
}

impl Data for CurrentUsage {
    const COLLECTOR: Collector = Collector::CURRENT_USAGE;
    const PARTS: &'static [Part] = &[Part::CurrentUsage, Part::Cost];
}

impl Collect for CurrentUsage {
    type Api = Client;
    const ENDPOINT: Endpoint = Endpoint::CurrentUsage;

    fn interval(poll: &Poll) -> Duration {
        poll.current_usage
    }

    fn asks_otherwise(now: &Config, before: &Config) -> bool {
        now.series != before.series
    }

    async fn collect(client: &Client, _: Context<'_>) -> Result<Answer<Self>, ApiError> {
        client.current_usage().await
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

    fn save(data: Option<&Self>, at: Timestamp, out: &mut Object<'_>) -> io::Result<()> {
        data.map_or(Ok(()), |data| out.dated(Self::COLLECTOR.name(), at, CurrentOut(data)))
    }

    fn load(entries: &Entries<'_>) -> Loaded<Self> {
        entries.dated(Self::COLLECTOR.name(), CurrentIn::usage)
    }
}

struct CurrentOut<'a>(&'a CurrentUsage);

impl Serialize for CurrentOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let usage = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("usage_bytes", &usage.usage_bytes)?;
        map.serialize_entry("bucket_count", &usage.bucket_count)?;
        map.serialize_entry("usage_with_sub_accounts_bytes", &usage.usage_with_sub_accounts_bytes)?;
        map.serialize_entry("buckets", &List(&usage.buckets, |bucket| (&*bucket.name, bucket.usage_bytes)))?;
        map.serialize_entry("sub_accounts", &List(&usage.sub_accounts, SubAccountRecord::of))?;
        map.end()
    }
}

#[derive(Deserialize)]
struct CurrentIn {
    usage_bytes: Option<u64>,
    bucket_count: Option<u64>,
    usage_with_sub_accounts_bytes: Option<u64>,
    buckets: Vec<(Box<str>, u64)>,
    sub_accounts: Vec<SubAccountRecord<'static>>,
}

impl CurrentIn {
    fn usage(self) -> Result<CurrentUsage, String> {
        let buckets = self.buckets.into_iter().map(|(name, usage_bytes)| BucketUsage { name, usage_bytes });
        let sub_accounts = self.sub_accounts.into_iter().map(SubAccountRecord::sub_account);
        Ok(CurrentUsage {
            usage_bytes: self.usage_bytes,
            bucket_count: self.bucket_count,
            buckets: ascending(buckets, |bucket| &bucket.name)?,
            usage_with_sub_accounts_bytes: self.usage_with_sub_accounts_bytes,
            sub_accounts: ascending(sub_accounts, |sub_account| &sub_account.id)?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct SubAccountRecord<'a> {
    id: Cow<'a, str>,
    name: Cow<'a, str>,
    usage_bytes: Option<u64>,
    users: Option<u64>,
    service_accounts: Option<u64>,
    buckets: Option<u64>,
    trial_days: Option<u64>,
    created: Option<Text<Timestamp>>,
}

impl<'a> SubAccountRecord<'a> {
    fn of(sub: &'a SubAccount) -> Self {
        Self {
            id: Cow::Borrowed(&sub.id),
            name: Cow::Borrowed(&sub.name),
            usage_bytes: sub.usage_bytes,
            users: sub.users,
            service_accounts: sub.service_accounts,
            buckets: sub.buckets,
            trial_days: sub.trial_days,
            created: sub.created.map(Text),
        }
    }

    fn sub_account(self) -> SubAccount {
        SubAccount {
            id: self.id.into(),
            name: self.name.into(),
            usage_bytes: self.usage_bytes,
            users: self.users,
            service_accounts: self.service_accounts,
            buckets: self.buckets,
            trial_days: self.trial_days,
            created: self.created.map(|Text(at)| at),
        }
    }
}
