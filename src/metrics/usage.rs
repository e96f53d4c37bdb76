//! Usage of the month to date: the account, its buckets, its sub-accounts.

use jiff::Timestamp;

use super::{Family, MetricType, Sink, number};
use crate::clock::unix_seconds;
use crate::model::{CurrentUsage, StatePart, SubAccount};
use crate::store::AccountState;

const SECONDS_PER_DAY: u64 = 86_400;

const SUB_ACCOUNT: &[&str] = &["account", "sub_account_id", "sub_account"];

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "lyvecloud_account_usage_bytes",
        help: "Size of the account's own buckets, month to date; with object_storage on one day.",
        kind: MetricType::Gauge,
        labels: &["account"],
        part: StatePart::CurrentUsage,
        walk: |state, now, sink| {
            if let Some(usage) = state.usage_now(now) {
                sink(&[&state.spec.name], number(usage.bytes));
            }
        },
    },
    Family {
        name: "lyvecloud_account_buckets",
        help: "Number of buckets of the account.",
        kind: MetricType::Gauge,
        labels: &["account"],
        part: StatePart::CurrentUsage,
        walk: |state, now, sink| {
            if let Some(count) = state.bucket_count(now) {
                sink(&[&state.spec.name], number(count));
            }
        },
    },
    Family {
        name: "lyvecloud_account_usage_with_sub_accounts_bytes",
        help: "Size of the buckets of a master account and its sub-accounts, month to date.",
        kind: MetricType::Gauge,
        labels: &["account"],
        part: StatePart::CurrentUsage,
        walk: |state, now, sink| {
            let usage = state.good::<CurrentUsage>(now);
            if let Some(bytes) = usage.and_then(|good| good.data.usage_with_sub_accounts_bytes) {
                sink(&[&state.spec.name], number(bytes));
            }
        },
    },
    Family {
        name: "lyvecloud_bucket_usage_bytes",
        help: "Size of the bucket, month to date; with object_storage its current size.",
        kind: MetricType::Gauge,
        labels: &["account", "bucket"],
        part: StatePart::CurrentUsage,
        walk: buckets,
    },
    Family {
        name: "lyvecloud_sub_account_usage_bytes",
        help: "Size of the sub-account's buckets, month to date.",
        kind: MetricType::Gauge,
        labels: SUB_ACCOUNT,
        part: StatePart::CurrentUsage,
        walk: |state, now, sink| sub_accounts(state, now, sink, |sub| sub.usage_bytes.map(number)),
    },
    Family {
        name: "lyvecloud_sub_account_buckets",
        help: "Number of buckets of the sub-account.",
        kind: MetricType::Gauge,
        labels: SUB_ACCOUNT,
        part: StatePart::CurrentUsage,
        walk: |state, now, sink| sub_accounts(state, now, sink, |sub| sub.buckets.map(number)),
    },
    Family {
        name: "lyvecloud_sub_account_users",
        help: "Number of users of the sub-account.",
        kind: MetricType::Gauge,
        labels: SUB_ACCOUNT,
        part: StatePart::CurrentUsage,
        walk: |state, now, sink| sub_accounts(state, now, sink, |sub| sub.users.map(number)),
    },
    Family {
        name: "lyvecloud_sub_account_service_accounts",
        help: "Number of service accounts of the sub-account.",
        kind: MetricType::Gauge,
        labels: SUB_ACCOUNT,
        part: StatePart::CurrentUsage,
        walk: |state, now, sink| sub_accounts(state, now, sink, |sub| sub.service_accounts.map(number)),
    },
    Family {
        name: "lyvecloud_sub_account_trial_remaining_seconds",
        help: "Remaining time of the sub-account's trial; absent without a trial.",
        kind: MetricType::Gauge,
        labels: SUB_ACCOUNT,
        part: StatePart::CurrentUsage,
        walk: |state, now, sink| {
            sub_accounts(state, now, sink, |sub| {
                sub.trial_days.map(|days| number(days.saturating_mul(SECONDS_PER_DAY)))
            });
        },
    },
    Family {
        name: "lyvecloud_sub_account_created_timestamp_seconds",
        help: "Unix timestamp of when the sub-account was created.",
        kind: MetricType::Gauge,
        labels: SUB_ACCOUNT,
        part: StatePart::CurrentUsage,
        walk: |state, now, sink| sub_accounts(state, now, sink, |sub| sub.created.map(unix_seconds)),
    },
];

fn buckets(state: &AccountState, now: Timestamp, sink: &mut Sink<'_>) {
    for bucket in state.buckets_now(now) {
        if let Some(bytes) = bucket.bytes {
            sink(&[&state.spec.name, bucket.name], number(bytes));
        }
    }
}

fn sub_accounts(
    state: &AccountState,
    now: Timestamp,
    sink: &mut Sink<'_>,
    value: fn(&SubAccount) -> Option<f64>,
) {
    for sub in state.good::<CurrentUsage>(now).iter().flat_map(|good| &good.data.sub_accounts) {
        if let Some(value) = value(sub) {
            sink(&[&state.spec.name, &sub.id, &sub.name], value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{TOOK, answer, at, samples, spec, state};
    use crate::model::{BucketUsage, CurrentUsage};

    fn bucket(name: &str, usage_bytes: u64) -> BucketUsage {
        BucketUsage { name: name.into(), usage_bytes }
    }

    fn sub_account(id: &str) -> SubAccount {
        SubAccount {
            id: id.into(),
            name: format!("name of {id}").into(),
            usage_bytes: None,
            users: None,
            service_accounts: None,
            buckets: None,
            trial_days: None,
            created: None,
        }
    }

    #[test]
    fn what_is_known_is_shown_until_it_is_too_old() {
        let polled = at("2026-11-24T12:00:00Z");
        let usage = CurrentUsage {
            usage_bytes: Some(4_491_960_000_000),
            bucket_count: Some(2),
            buckets: vec![bucket("backups", 534_510_000_000), bucket("media", 0)],
            usage_with_sub_accounts_bytes: Some(9_007_199_254_740_992),
            sub_accounts: vec![
                SubAccount {
                    usage_bytes: Some(1),
                    users: Some(3),
                    service_accounts: Some(0),
                    buckets: Some(7),
                    trial_days: Some(14),
                    created: Some(at("2022-10-16T14:06:51.494Z")),
                    ..sub_account("a")
                },
                sub_account("b"),
            ],
        };
        let state = state(spec("acme"), |state| {
            state.succeed(answer(usage), polled, TOOK);
        });
        for (name, lines) in [
            ("account_usage_bytes", &["acme 4491960000000"][..]),
            ("account_buckets", &["acme 2"]),
            ("account_usage_with_sub_accounts_bytes", &["acme 9007199254740992"]),
            ("bucket_usage_bytes", &["acme|backups 534510000000", "acme|media 0"]),
            ("sub_account_usage_bytes", &["acme|a|name of a 1"]),
            ("sub_account_buckets", &["acme|a|name of a 7"]),
            ("sub_account_users", &["acme|a|name of a 3"]),
            ("sub_account_service_accounts", &["acme|a|name of a 0"]),
            ("sub_account_trial_remaining_seconds", &["acme|a|name of a 1209600"]),
            ("sub_account_created_timestamp_seconds", &["acme|a|name of a 1665929211.494"]),
        ] {
            let name = format!("lyvecloud_{name}");
            assert_eq!(samples(&name, &state, at("2026-11-25T11:59:59Z")), lines, "{name}");
            assert!(samples(&name, &state, at("2026-11-25T12:00:00Z")).is_empty(), "{name}");
        }
    }

    #[test]
    fn what_is_not_known_is_absent() {
        let polled = at("2026-11-24T12:00:00Z");
        let usage = CurrentUsage { sub_accounts: vec![sub_account("a")], ..CurrentUsage::default() };
        let state = state(spec("acme"), |state| {
            state.succeed(answer(usage), polled, TOOK);
        });
        for family in FAMILIES {
            assert!(samples(family.name, &state, polled).is_empty(), "{}", family.name);
        }
    }
}
