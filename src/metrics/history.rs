//! Averages of closed months: the account, its buckets, its sub-accounts.

use jiff::Timestamp;

use super::{Family, MetricType, Sink, number};
use crate::model::{MonthlyUsage, StatePart};
use crate::store::AccountState;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "lyvecloud_account_monthly_average_usage_bytes",
        help: "Average size of the account's own buckets in a closed month (UTC).",
        kind: MetricType::Gauge,
        labels: &["account", "month"],
        part: StatePart::MonthlyUsage,
        walk: account,
    },
    Family {
        name: "lyvecloud_bucket_monthly_average_usage_bytes",
        help: "Average size of the bucket in a closed month (UTC).",
        kind: MetricType::Gauge,
        labels: &["account", "bucket", "month"],
        part: StatePart::MonthlyUsage,
        walk: buckets,
    },
    Family {
        name: "lyvecloud_sub_account_monthly_average_usage_bytes",
        help: "Average size of the sub-account's buckets in a closed month (UTC).",
        kind: MetricType::Gauge,
        labels: &["account", "sub_account_id", "sub_account", "month"],
        part: StatePart::MonthlyUsage,
        walk: sub_accounts,
    },
];

fn account(state: &AccountState, now: Timestamp, sink: &mut Sink<'_>) {
    for total in state.closed_months(now).iter() {
        let month = total.month.to_string();
        sink(&[&state.spec.name, &month], number(total.average_bytes));
    }
}

fn buckets(state: &AccountState, now: Timestamp, sink: &mut Sink<'_>) {
    for bucket in state.good::<MonthlyUsage>(now).iter().flat_map(|good| &good.data.buckets) {
        for total in &bucket.months {
            let month = total.month.to_string();
            sink(&[&state.spec.name, &bucket.name, &month], number(total.average_bytes));
        }
    }
}

fn sub_accounts(state: &AccountState, now: Timestamp, sink: &mut Sink<'_>) {
    for sub in state.good::<MonthlyUsage>(now).iter().flat_map(|good| &good.data.sub_accounts) {
        for total in &sub.months {
            let month = total.month.to_string();
            sink(&[&state.spec.name, &sub.id, &sub.name, &month], number(total.average_bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::metrics::testing::{TOOK, answer, at, samples, spec, state};
    use crate::model::{BucketHistory, Month, MonthTotal, MonthlyUsage, SubAccountHistory};

    #[test]
    fn each_month_has_its_sample_until_it_is_too_old() {
        let polled = at("2027-01-01T00:10:00Z");
        let total = |year, month, average_bytes| MonthTotal {
            month: Month::new(year, month).unwrap(),
            average_bytes,
        };
        let usage = MonthlyUsage {
            months: vec![total(2026, 11, 10), total(2026, 12, 20)],
            buckets: vec![
                BucketHistory { name: "backups".into(), months: [total(2026, 12, 5)].into() },
                BucketHistory {
                    name: "media".into(),
                    months: [total(2026, 11, 10), total(2026, 12, 15)].into(),
                },
            ],
            sub_accounts: vec![SubAccountHistory {
                id: "8d1c".into(),
                name: "emea".into(),
                months: [total(2026, 11, 3)].into(),
            }],
            settled: None,
        };
        let state = state(spec("acme"), |state| {
            state.succeed(answer(usage), polled, TOOK);
        });
        for (name, lines) in [
            ("account", &["acme|2026-11 10", "acme|2026-12 20"][..]),
            ("bucket", &["acme|backups|2026-12 5", "acme|media|2026-11 10", "acme|media|2026-12 15"]),
            ("sub_account", &["acme|8d1c|emea|2026-11 3"]),
        ] {
            let name = format!("lyvecloud_{name}_monthly_average_usage_bytes");
            assert_eq!(samples(&name, &state, polled), lines);
            assert!(samples(&name, &state, at("2027-01-02T00:10:00Z")).is_empty());
        }
    }
}
