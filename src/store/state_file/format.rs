mod object_storage;

use std::borrow::Cow;
use std::io::Write;
use std::sync::Arc;

use jiff::Timestamp;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use self::object_storage::{BillingIn, BillingOut, BucketsIn, BucketsOut, UserRecord};
use super::{Saved, State, Unusable, VERSION};
use crate::model::{
    BucketHistory, BucketUsage, CurrentUsage, Expiry, Identity, Logins, Month, MonthTotal, MonthlyUsage,
    Permission, PermissionCount, Permissions, ServiceAccount, SubAccount, SubAccountHistory,
};
use crate::store::{Memory, Settled, Timestamped};
use crate::text::Text;

/// Tells our files from others.
const FORMAT: &str = "lyve-cloud-exporter state";

/// Writes a state as JSON, item by item: what is large is not copied.
///
/// # Errors
/// Where `out` fails.
pub fn encode(state: &State, out: impl Write) -> std::io::Result<()> {
    let mut out = out;
    serde_json::to_writer(&mut out, &Document(state))?;
    out.write_all(b"\n")
}

/// Reads a state.
///
/// # Errors
/// Where it is none that this program wrote.
pub fn decode(bytes: &[u8]) -> Result<State, Unusable> {
    let head: Head = serde_json::from_slice(bytes).map_err(|error| damaged(&error))?;
    match (head.format.as_deref(), head.version) {
        (Some(FORMAT), Some(VERSION)) => {}
        (Some(FORMAT), Some(other)) => return Err(Unusable::Version(other)),
        _ => return Err(Unusable::Foreign),
    }
    let document: DocumentIn = serde_json::from_slice(bytes).map_err(|error| damaged(&error))?;
    let accounts: Result<_, _> = document.accounts.into_iter().map(AccountIn::saved).collect();
    Ok(State { series: document.series, accounts: accounts.map_err(Unusable::Damaged)? })
}

/// Where it went wrong, without any of the content.
fn damaged(error: &serde_json::Error) -> Unusable {
    let kind = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "a value is not what it should be",
        _ => "it is not JSON",
    };
    Unusable::Damaged(format!("{kind}, line {} column {}", error.line(), error.column()))
}

#[derive(Deserialize)]
struct Head {
    format: Option<String>,
    version: Option<u64>,
}

struct Document<'a>(&'a State);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("format", FORMAT)?;
        map.serialize_entry("version", &VERSION)?;
        map.serialize_entry("series", &self.0.series)?;
        map.serialize_entry("accounts", &List(&self.0.accounts, AccountOut))?;
        map.end()
    }
}

#[derive(Deserialize)]
struct DocumentIn {
    series: String,
    accounts: Vec<AccountIn>,
}

/// Each item of a list as what `.1` makes of it, made one at a time.
struct List<'a, T, U>(&'a [T], fn(&'a T) -> U);

impl<T, U: Serialize> Serialize for List<'_, T, U> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

struct AccountOut<'a>(&'a Saved);

impl Serialize for AccountOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Saved { name, identity, memory } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", name)?;
        map.serialize_entry("account_id", &identity.id)?;
        map.serialize_entry("base_url", &identity.address)?;
        map.serialize_entry("last_accepted", &memory.logins.last_accepted.map(Text))?;
        map.serialize_entry("refused_at", &memory.logins.refused_at.map(Text))?;
        map.serialize_entry("credentials_at", &memory.credentials_at.map(Text))?;
        if let Some(Timestamped { at, data }) = &memory.current_usage {
            map.serialize_entry("current_usage", &Dated { at: Text(*at), data: CurrentOut(data) })?;
        }
        if let Some(Timestamped { at, data }) = &memory.monthly_usage {
            map.serialize_entry("monthly_usage", &Dated { at: Text(*at), data: MonthlyOut(data) })?;
        }
        let settled = memory.settled.map(|settled| (Text(settled.first), Text(settled.last)));
        map.serialize_entry("settled", &settled)?;
        if let Some(Timestamped { at, data }) = &memory.service_accounts {
            let data = List(data, ServiceAccountRecord::of);
            map.serialize_entry("service_accounts", &Dated { at: Text(*at), data })?;
        }
        if let Some(Timestamped { at, data }) = &memory.permissions {
            let list = List(&data.permissions, PermissionRecord::of);
            map.serialize_entry("permissions", &Dated { at: Text(*at), data: list })?;
            let sort = |sort: &'_ PermissionCount| ((sort.kind.clone(), sort.actions.clone()), sort.count);
            map.serialize_entry("permission_counts", &List(&data.counts, sort))?;
        }
        if let Some(Timestamped { at, data }) = &memory.billing {
            map.serialize_entry("billing", &Dated { at: Text(*at), data: BillingOut(data) })?;
        }
        if let Some(Timestamped { at, data }) = &memory.buckets {
            map.serialize_entry("buckets", &Dated { at: Text(*at), data: BucketsOut(data) })?;
        }
        if let Some(Timestamped { at, data }) = &memory.keys {
            let data = List(data, UserRecord::of);
            map.serialize_entry("keys", &Dated { at: Text(*at), data })?;
        }
        map.end()
    }
}

#[derive(Deserialize)]
struct AccountIn {
    name: String,
    account_id: String,
    base_url: String,
    last_accepted: Option<Text<Timestamp>>,
    refused_at: Option<Text<Timestamp>>,
    credentials_at: Option<Text<Timestamp>>,
    current_usage: Option<Dated<CurrentIn>>,
    monthly_usage: Option<Dated<MonthlyIn>>,
    settled: Option<(Text<Month>, Text<Month>)>,
    service_accounts: Option<Dated<Vec<ServiceAccountRecord<'static>>>>,
    permissions: Option<Dated<Vec<PermissionRecord<'static>>>>,
    /// It came later than the rest of this version.
    permission_counts: Option<Vec<CountRecord>>,
    billing: Option<Dated<BillingIn>>,
    buckets: Option<Dated<BucketsIn>>,
    keys: Option<Dated<Vec<UserRecord<'static>>>>,
}

impl AccountIn {
    fn saved(self) -> Result<Saved, String> {
        let at = |text: Option<Text<Timestamp>>| text.map(|Text(at)| at);
        let memory = Memory {
            logins: Logins { last_accepted: at(self.last_accepted), refused_at: at(self.refused_at) },
            credentials_at: at(self.credentials_at),
            current_usage: good(self.current_usage, CurrentIn::usage)?,
            monthly_usage: good(self.monthly_usage, MonthlyIn::usage)?,
            settled: self.settled.map(|(Text(first), Text(last))| Settled { first, last }),
            service_accounts: good(self.service_accounts, |list| {
                ascending(list.into_iter().map(ServiceAccountRecord::account), |account| &account.id)
            })?,
            permissions: good(self.permissions, |list| permissions(list, self.permission_counts))?,
            billing: good(self.billing, BillingIn::billing)?,
            buckets: good(self.buckets, BucketsIn::buckets)?,
            keys: good(self.keys, object_storage::users)?,
        };
        let identity = Identity { id: self.account_id, address: self.base_url };
        Ok(Saved { name: self.name, identity, memory })
    }
}

/// An answer with its time.
#[derive(Serialize, Deserialize)]
struct Dated<T> {
    at: Text<Timestamp>,
    data: T,
}

fn good<T, U>(
    dated: Option<Dated<T>>,
    understand: impl FnOnce(T) -> Result<U, String>,
) -> Result<Option<Timestamped<U>>, String> {
    let Some(Dated { at: Text(at), data }) = dated else { return Ok(None) };
    Ok(Some(Timestamped { at, data: Arc::new(understand(data)?) }))
}

/// The items, if they are in the order of their identities and none is there twice: whatever shows them relies on it.
fn ascending<T, K: Ord + ?Sized>(
    items: impl Iterator<Item = T>,
    identity: impl Fn(&T) -> &K,
) -> Result<Vec<T>, String> {
    let items: Vec<T> = items.collect();
    if items.is_sorted_by(|one, next| identity(one) < identity(next)) {
        Ok(items)
    } else {
        Err("a list is out of order".to_owned())
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

struct MonthlyOut<'a>(&'a MonthlyUsage);

impl Serialize for MonthlyOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("months", &months(&self.0.months))?;
        map.serialize_entry(
            "buckets",
            &List(&self.0.buckets, |bucket| (&*bucket.name, months(&bucket.months))),
        )?;
        map.serialize_entry(
            "sub_accounts",
            &List(&self.0.sub_accounts, |sub| (&*sub.id, &*sub.name, months(&sub.months))),
        )?;
        map.end()
    }
}

type MonthRecord = (Text<Month>, u64);

fn months(months: &[MonthTotal]) -> List<'_, MonthTotal, MonthRecord> {
    List(months, |total| (Text(total.month), total.average_bytes))
}

fn totals(months: Vec<MonthRecord>) -> Result<Vec<MonthTotal>, String> {
    let months = months.into_iter().map(|(Text(month), average_bytes)| MonthTotal { month, average_bytes });
    ascending(months, |total| &total.month)
}

#[derive(Deserialize)]
struct MonthlyIn {
    months: Vec<MonthRecord>,
    buckets: Vec<(Box<str>, Vec<MonthRecord>)>,
    sub_accounts: Vec<(Box<str>, Box<str>, Vec<MonthRecord>)>,
}

impl MonthlyIn {
    fn usage(self) -> Result<MonthlyUsage, String> {
        let buckets = self
            .buckets
            .into_iter()
            .map(|(name, months)| Ok(BucketHistory { name, months: totals(months)?.into() }));
        let sub_accounts = self
            .sub_accounts
            .into_iter()
            .map(|(id, name, months)| Ok(SubAccountHistory { id, name, months: totals(months)?.into() }));
        let buckets: Vec<_> = buckets.collect::<Result<_, String>>()?;
        let sub_accounts: Vec<_> = sub_accounts.collect::<Result<_, String>>()?;
        Ok(MonthlyUsage {
            months: totals(self.months)?,
            buckets: ascending(buckets.into_iter(), |bucket| &bucket.name)?,
            sub_accounts: ascending(sub_accounts.into_iter(), |sub_account| &sub_account.id)?,
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
