//! The answers of the API as JSON: what the vendor knows, in the form of the wire.

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::model::Month;

use super::inventory::{Actions, ExpirationDate, IssuedPair, Permission, Scope, ServiceAccount};
use super::settings::Settings;
use super::world::{AccountState, SubAccountPart};

/// `GET /usage/current`.
pub(super) fn current_usage(account: &AccountState, settings: &Settings, now: Timestamp) -> Bytes {
    let form = Form(settings);
    let buckets: Vec<_> = account
        .buckets
        .iter()
        .filter_map(|bucket| {
            let usage_gb = bucket.usage.at(now)?;
            Some(Bucket { name: &bucket.name, usage_gb })
        })
        .collect();
    let sub_accounts: Vec<_> = account
        .sub_accounts
        .iter()
        .filter_map(|sub| {
            Some(SubAccount {
                sub_account_name: &sub.name,
                sub_account_id: &sub.id,
                usage_gb: sub.usage.at(now)?,
                users: form.count(sub.users),
                service_accounts: form.count(sub.service_accounts),
                buckets: form.count(sub.buckets),
                trial: Some(sub.trial_on_the_wire(now)),
                create_time: Some(&sub.created),
            })
        })
        .collect();
    let own = sum(buckets.iter().map(|bucket| bucket.usage_gb));
    render(&Current {
        usage_by_sub_account: form.sub_account_part(account, own, sub_accounts),
        usage_by_bucket: ByBucket {
            num_buckets: form.count(buckets.len() as u64),
            total_usage_gb: form.figure(own),
            buckets: form.list(buckets),
        },
    })
}

/// `GET /usage/monthly` from one month to another, both included.
pub(super) fn monthly_usage(
    account: &AccountState,
    settings: &Settings,
    (from, to): (Month, Month),
    now: Timestamp,
) -> Bytes {
    let form = Form(settings);
    // The order of the wire is not promised, so it is none that a reader could rely on; yet always the same.
    let mut order = fastrand::Rng::with_seed(u64::from(from.since(to).unsigned_abs()));
    let mut months: Vec<Month> = (0..=to.since(from)).map(|step| from.plus(step)).collect();
    order.shuffle(&mut months);
    let mut by_bucket = Vec::with_capacity(months.len());
    let mut by_sub_account = Vec::with_capacity(months.len());
    for month in months {
        let number = month.number() - 1 + settings.answer_month_base.january();
        let mut buckets = month_buckets(account, month, now);
        order.shuffle(&mut buckets);
        let own = sum(buckets.iter().map(|bucket| bucket.usage_gb));
        by_sub_account.extend(
            form.sub_account_part(account, own, month_sub_accounts(account, month, now))
                .map(|part| OfMonth { year: month.year(), month: number, part }),
        );
        by_bucket.push(OfMonth {
            year: month.year(),
            month: number,
            part: ByBucket {
                num_buckets: None,
                total_usage_gb: form.figure(own),
                buckets: form.list(buckets),
            },
        });
    }
    render(&Monthly {
        usage_by_bucket: by_bucket,
        usage_by_sub_account: (account.sub_account_part != SubAccountPart::Absent).then_some(by_sub_account),
    })
}

fn month_buckets(account: &AccountState, month: Month, now: Timestamp) -> Vec<Bucket<'_>> {
    let recorded = account.months.get(&month).into_iter().flat_map(|figures| &figures.buckets);
    let recorded = recorded.map(|(name, usage_gb)| Bucket { name, usage_gb: *usage_gb });
    let from_curves = account.buckets.iter().filter_map(|bucket| {
        let usage_gb = bucket.usage.mean_of(month, now)?;
        Some(Bucket { name: &bucket.name, usage_gb })
    });
    recorded.chain(from_curves).collect()
}

fn month_sub_accounts(account: &AccountState, month: Month, now: Timestamp) -> Vec<SubAccount<'_>> {
    let recorded = account.months.get(&month).into_iter().flat_map(|figures| &figures.sub_accounts);
    let recorded = recorded.map(|sub| (&sub.id, &sub.name, sub.gigabytes, None));
    let from_curves = account.sub_accounts.iter().filter_map(|sub| {
        let usage_gb = sub.usage.mean_of(month, now)?;
        Some((&sub.id, &sub.name, usage_gb, Some(sub.created.as_str())))
    });
    recorded
        .chain(from_curves)
        .map(|(id, name, usage_gb, create_time)| SubAccount {
            sub_account_name: name,
            sub_account_id: id,
            usage_gb,
            users: None,
            service_accounts: None,
            buckets: None,
            trial: None,
            create_time,
        })
        .collect()
}

/// `GET /service-accounts`.
pub(super) fn service_accounts(account: &AccountState, now: Timestamp) -> Bytes {
    let list = account.service_accounts.iter().map(|service| service_account(service, now));
    render(&list.collect::<Vec<_>>())
}

/// `GET /service-accounts/{id}`.
pub(super) fn one_service_account(account: &AccountState, id: &str, now: Timestamp) -> Option<Bytes> {
    let found = account.service_accounts.iter().find(|service| service.id == id)?;
    let mut fields = service_account(found, now);
    fields.insert("permissions".to_owned(), json!(found.permissions));
    Some(render(&fields))
}

fn service_account(service: &ServiceAccount, now: Timestamp) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("id", json!(service.id));
    set("name", json!(service.name));
    set("description", json!(service.description));
    set("enabled", json!(service.enabled));
    set("readyState", json!(service.ready.at(now)));
    if let Some(expiration_date) = expiration_date(&service.expiration_date) {
        set("expirationDate", expiration_date);
    }
    fields
}

fn expiration_date(date: &ExpirationDate) -> Option<Value> {
    match date {
        ExpirationDate::Missing => None,
        ExpirationDate::Null => Some(Value::Null),
        ExpirationDate::Never => Some(json!("")),
        ExpirationDate::On(date) => Some(json!(date.to_string())),
        ExpirationDate::At(instant) => Some(json!(instant.to_string())),
        ExpirationDate::Text(text) => Some(json!(text)),
    }
}

/// A service account as the answer to its creation: its secret is in no other one.
pub(super) fn new_service_account(service: &ServiceAccount, pair: &IssuedPair) -> Bytes {
    let mut fields = Map::new();
    fields.insert("id".to_owned(), json!(service.id));
    fields.insert("accessKey".to_owned(), json!(pair.access_key));
    fields.insert("secret".to_owned(), json!(pair.secret));
    if let Some(date) = expiration_date(&service.expiration_date) {
        fields.insert("expirationDate".to_owned(), date);
    }
    render(&fields)
}

/// A permission as the answer to its creation.
pub(super) fn new_permission(permission: &Permission) -> Bytes {
    render(&json!({"id": permission.id}))
}

/// `GET /permissions`.
pub(super) fn permissions(account: &AccountState, now: Timestamp) -> Bytes {
    let list = account.permissions.iter().map(|listed| permission(listed, now));
    render(&list.collect::<Vec<_>>())
}

/// `GET /permissions/{id}`.
pub(super) fn one_permission(account: &AccountState, id: &str, now: Timestamp) -> Option<Bytes> {
    let found = account.permissions.iter().find(|permission| permission.id == id)?;
    Some(render(&permission(found, now)))
}

fn permission(permission: &Permission, now: Timestamp) -> Value {
    let none: &[String] = &[];
    let (kind, actions, prefix, buckets, policy) = match &permission.scope {
        Scope::AllBuckets(actions) => ("all-buckets", Some(*actions), "", none, ""),
        Scope::BucketPrefix(prefix, actions) => ("bucket-prefix", Some(*actions), prefix.as_str(), none, ""),
        Scope::BucketNames(buckets, actions) => ("bucket-names", Some(*actions), "", buckets.as_slice(), ""),
        Scope::Policy(document) => ("policy", None, "", none, document.as_str()),
    };
    let actions = match actions {
        Some(Actions::AllOperations) => "all-operations",
        Some(Actions::ReadOnly) => "read-only",
        Some(Actions::WriteOnly) => "write-only",
        None => "",
    };
    json!({
        "id": permission.id,
        "name": permission.name,
        "description": permission.description,
        "type": kind,
        "readyState": permission.ready.at(now),
        "actions": actions,
        "prefix": prefix,
        "buckets": buckets,
        "policy": policy,
        "createTime": permission.created,
    })
}

/// An error in the vendor's form.
pub(super) fn error(code: &str, message: &str) -> Bytes {
    render(&json!({"code": code, "message": message}))
}

/// A session: with its token as the answer to a login, without as the answer to a question about it.
pub(super) fn session(token: Option<&str>, seconds_left: u64, settings: &Settings) -> Bytes {
    let expiration = match &settings.stated_expiration {
        Some(stated) => stated.clone(),
        None if settings.expiration_as_number => json!(seconds_left),
        None => json!(seconds_left.to_string()),
    };
    render(&match token {
        Some(token) => json!({"token": token, "expirationSec": expiration}),
        None => json!({"expirationSec": expiration}),
    })
}

fn render(answer: &impl Serialize) -> Bytes {
    // Nothing here has a map with keys that are no text, which is all that JSON cannot say.
    serde_json::to_vec(answer).map(Bytes::from).unwrap_or_default()
}

/// The sum; written out because the sum of no floats is -0.0.
fn sum(figures: impl Iterator<Item = f64>) -> f64 {
    figures.fold(0.0, |total, figure| total + figure)
}

/// What is said and what is left out.
struct Form<'a>(&'a Settings);

impl Form<'_> {
    fn count(&self, count: u64) -> Option<u64> {
        (count != 0 || !self.0.leave_out_empty).then_some(count)
    }

    fn figure(&self, figure: f64) -> Option<f64> {
        (figure != 0.0 || !self.0.leave_out_empty).then_some(figure)
    }

    fn list<T>(&self, list: Vec<T>) -> Option<Vec<T>> {
        (!list.is_empty() || !self.0.leave_out_empty).then_some(list)
    }

    fn sub_account_part<'a>(
        &self,
        account: &AccountState,
        own: f64,
        sub_accounts: Vec<SubAccount<'a>>,
    ) -> Option<BySubAccount<'a>> {
        match account.sub_account_part {
            SubAccountPart::Absent => None,
            SubAccountPart::Zero => Some(BySubAccount { total_usage_gb: Some(0.0), sub_accounts: None }),
            SubAccountPart::Listed => Some(BySubAccount {
                total_usage_gb: self.figure(own + sum(sub_accounts.iter().map(|sub| sub.usage_gb))),
                sub_accounts: self.list(sub_accounts),
            }),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Current<'a> {
    usage_by_bucket: ByBucket<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_by_sub_account: Option<BySubAccount<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Monthly<'a> {
    usage_by_bucket: Vec<OfMonth<ByBucket<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_by_sub_account: Option<Vec<OfMonth<BySubAccount<'a>>>>,
}

#[derive(Serialize)]
struct OfMonth<Part> {
    year: i32,
    month: i32,
    #[serde(flatten)]
    part: Part,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ByBucket<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    num_buckets: Option<u64>,
    #[serde(rename = "totalUsageGB", skip_serializing_if = "Option::is_none")]
    total_usage_gb: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buckets: Option<Vec<Bucket<'a>>>,
}

#[derive(Serialize)]
struct Bucket<'a> {
    name: &'a str,
    #[serde(rename = "usageGB")]
    usage_gb: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BySubAccount<'a> {
    #[serde(rename = "totalUsageGB", skip_serializing_if = "Option::is_none")]
    total_usage_gb: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_accounts: Option<Vec<SubAccount<'a>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SubAccount<'a> {
    sub_account_name: &'a str,
    sub_account_id: &'a str,
    #[serde(rename = "usageGB")]
    usage_gb: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_accounts: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buckets: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trial: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_time: Option<&'a str>,
}
