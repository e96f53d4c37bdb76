//! The service accounts, with their expiry.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::account_v2::Client;
use crate::api::{ApiError, Budget, Collect, Context, Endpoint};
use crate::config::{Config, Poll};
use crate::model::{Answer, Collector, Data, Expiry, Part, ServiceAccount};
use crate::saved::{Entries, List, Loaded, Object, ascending};
use crate::text::Text;

impl Collector {
    /// The service accounts, with their expiry.
    pub const SERVICE_ACCOUNTS: Self = Self::new("service_accounts", "Service accounts");
}

impl Data for Vec<ServiceAccount> {
    const COLLECTOR: Collector = Collector::SERVICE_ACCOUNTS;
    const PARTS: &'static [Part] = &[Part::Credentials];
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

    async fn collect(client: &Client, _: Context<'_>) -> Result<Answer<Self>, ApiError> {
        client.service_accounts().await
    }

    /// A person has to be warned of what ends first.
    fn admit(&mut self, budget: &mut Budget<'_>) {
        let count = budget.counter();
        budget.keep_largest(self, |account| urgency(account.expiry), |item| count(vec![item.clone()].into()));
    }

    fn save(data: Option<&Self>, at: Timestamp, out: &mut Object<'_>) -> io::Result<()> {
        let Some(data) = data else { return Ok(()) };
        out.dated(Self::COLLECTOR.name(), at, List(data, ServiceAccountRecord::of))
    }

    fn load(entries: &Entries<'_>) -> Loaded<Self> {
        entries.dated(Self::COLLECTOR.name(), |list: Vec<ServiceAccountRecord<'_>>| {
            ascending(list.into_iter().map(ServiceAccountRecord::account), |account| &account.id)
        })
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

#[derive(Serialize, Deserialize)]
struct ServiceAccountRecord<'a> {
    id: Cow<'a, str>,
    name: Cow<'a, str>,
    enabled: Option<bool>,
    ready: Option<bool>,
    expiry: ExpiryRecord,
}

impl<'a> ServiceAccountRecord<'a> {
    fn of(account: &'a ServiceAccount) -> Self {
        Self {
            id: Cow::Borrowed(&account.id),
            name: Cow::Borrowed(&account.name),
            enabled: account.enabled,
            ready: account.ready,
            expiry: match account.expiry {
                Expiry::Unknown => ExpiryRecord::Unknown,
                Expiry::Never => ExpiryRecord::Never,
                Expiry::At(at) => ExpiryRecord::At(Text(at)),
            },
        }
    }

    fn account(self) -> ServiceAccount {
        ServiceAccount {
            id: self.id.into(),
            name: self.name.into(),
            enabled: self.enabled,
            ready: self.ready,
            expiry: match self.expiry {
                ExpiryRecord::Unknown => Expiry::Unknown,
                ExpiryRecord::Never => Expiry::Never,
                ExpiryRecord::At(Text(at)) => Expiry::At(at),
            },
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ExpiryRecord {
    Unknown,
    Never,
    At(Text<Timestamp>),
}
