//! What was read from an endpoint, in a few words.

use jiff::Timestamp;

use crate::http::answers::page::words::{count, length, size};
use crate::model::{
    Billing, Buckets, CurrentUsage, Endpoint, Expiry, MonthlyUsage, Permissions, ServiceAccount, Session,
    User, time_left,
};
use crate::store::AccountState;

/// What was read from an endpoint, as far as its collector knows it.
pub(super) fn summary(endpoint: Endpoint, state: &AccountState, now: Timestamp) -> String {
    match endpoint {
        Endpoint::Login => Some("logged in".to_owned()),
        Endpoint::Session => state
            .good::<Session>(now)
            .map(|session| format!("the session ends in {}", time_left(session.data.expires_at, now))),
        Endpoint::CurrentUsage => state.good::<CurrentUsage>(now).map(|usage| current(usage.data)),
        Endpoint::MonthlyUsage => state.good::<MonthlyUsage>(now).map(|usage| months(usage.data)),
        Endpoint::ServiceAccounts => {
            state.good::<Vec<ServiceAccount>>(now).map(|accounts| service_accounts(accounts.data))
        }
        Endpoint::Permissions => state
            .good::<Permissions>(now)
            .map(|permissions| length(permissions.data.permissions.len(), "permission")),
        Endpoint::Billing => state.good::<Billing>(now).map(|billing| days(billing.data)),
        Endpoint::ListBuckets => {
            state.good::<Buckets>(now).map(|buckets| count(buckets.data.count, "bucket"))
        }
        Endpoint::BucketStats => state.good::<Buckets>(now).map(|buckets| {
            let bytes = buckets.data.buckets.iter().filter_map(|bucket| bucket.size_bytes);
            format!("{} in them", size(bytes.fold(0, u64::saturating_add)))
        }),
        Endpoint::UserInfo | Endpoint::ListUsers => {
            state.good::<Vec<User>>(now).map(|users| length(users.data.len(), "user"))
        }
        Endpoint::ListAccessKeys => state
            .good::<Vec<User>>(now)
            .map(|users| length(users.data.iter().map(|user| user.keys.len()).sum(), "access key")),
    }
    .unwrap_or_else(|| "answered".to_owned())
}

fn current(usage: &CurrentUsage) -> String {
    let buckets = usage.bucket_count.map(|buckets| count(buckets, "bucket"));
    let bytes = usage.usage_bytes.map(size);
    let subs = (!usage.sub_accounts.is_empty()).then(|| length(usage.sub_accounts.len(), "sub-account"));
    let parts: Vec<_> =
        [buckets, bytes, subs, Some("month to date".to_owned())].into_iter().flatten().collect();
    parts.join(", ")
}

fn months(usage: &MonthlyUsage) -> String {
    match (
        usage.months.iter().map(|total| total.month).min(),
        usage.months.iter().map(|total| total.month).max(),
    ) {
        (Some(first), Some(last)) => format!("{}, {first} to {last}", length(usage.months.len(), "month")),
        _ => "no month has data".to_owned(),
    }
}

fn service_accounts(accounts: &[ServiceAccount]) -> String {
    let ends = accounts.iter().filter(|account| matches!(account.expiry, Expiry::At(_))).count();
    let unknown = accounts.iter().filter(|account| account.expiry == Expiry::Unknown).count();
    let mut text = format!("{}, {ends} with an end date", length(accounts.len(), "service account"));
    if unknown > 0 {
        text.push_str(&format!(", {unknown} of which it is not known"));
    }
    text
}

fn days(billing: &Billing) -> String {
    let newest = billing.newest();
    let used = newest.and_then(|day| day.used_bytes).map(size);
    let parts = [Some(length(billing.days.len(), "day")), newest.map(|day| format!("to {}", day.day)), used];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
