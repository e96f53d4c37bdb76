//! What only Lyve Cloud Object Storage reports: objects, ghost space, and transfer by region and day.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Family, MetricType, Sink, number};
use crate::clock::{self, unix_seconds};
use crate::model::{BilledDay, Billing, Buckets, StatePart, TransferDay};
use crate::store::AccountState;

const REGION: &[&str] = &["account", "region"];

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "lyvecloud_account_objects",
        help: "Number of objects in the account, on the day of the usage metrics.",
        kind: MetricType::Gauge,
        labels: &["account"],
        part: StatePart::CurrentUsage,
        walk: |state, now, sink| account(state, now, sink, |day| day.objects),
    },
    Family {
        name: "lyvecloud_account_ghost_bytes",
        help: "Size of deleted data that is still billed, on the day of the usage metrics.",
        kind: MetricType::Gauge,
        labels: &["account"],
        part: StatePart::CurrentUsage,
        walk: |state, now, sink| account(state, now, sink, |day| day.ghost_bytes),
    },
    Family {
        name: "lyvecloud_usage_data_timestamp_seconds",
        help: "Unix timestamp of the start of the day (UTC) that the usage metrics refer to.",
        kind: MetricType::Gauge,
        labels: &["account"],
        part: StatePart::CurrentUsage,
        walk: |state, now, sink| {
            if let Some((day, _)) = newest(state, now) {
                sink(&[&state.spec.name], unix_seconds(clock::utc(day.at(0, 0, 0, 0))));
            }
        },
    },
    Family {
        name: "lyvecloud_region_day_upload_bytes",
        help: "Bytes uploaded to the region on the day of the usage metrics.",
        kind: MetricType::Gauge,
        labels: REGION,
        part: StatePart::CurrentUsage,
        walk: |state, now, sink| transfer(state, now, sink, |day| day.upload_bytes),
    },
    Family {
        name: "lyvecloud_region_day_download_bytes",
        help: "Bytes downloaded from the region on the day of the usage metrics.",
        kind: MetricType::Gauge,
        labels: REGION,
        part: StatePart::CurrentUsage,
        walk: |state, now, sink| transfer(state, now, sink, |day| day.download_bytes),
    },
    Family {
        name: "lyvecloud_region_day_delete_bytes",
        help: "Bytes deleted in the region on the day of the usage metrics.",
        kind: MetricType::Gauge,
        labels: REGION,
        part: StatePart::CurrentUsage,
        walk: |state, now, sink| transfer(state, now, sink, |day| day.delete_bytes),
    },
    Family {
        name: "lyvecloud_bucket_objects",
        help: "Number of objects in the bucket.",
        kind: MetricType::Gauge,
        labels: &["account", "bucket"],
        part: StatePart::CurrentUsage,
        walk: buckets,
    },
];

/// The day that is shown, and its figures.
fn newest(state: &AccountState, now: Timestamp) -> Option<(Date, BilledDay)> {
    let day = *state.good::<Billing>(now)?.data.newest()?;
    Some((day.day, day))
}

fn account(state: &AccountState, now: Timestamp, sink: &mut Sink<'_>, value: fn(&BilledDay) -> Option<u64>) {
    if let Some(value) = newest(state, now).and_then(|(_, day)| value(&day)) {
        sink(&[&state.spec.name], number(value));
    }
}

fn transfer(
    state: &AccountState,
    now: Timestamp,
    sink: &mut Sink<'_>,
    value: fn(&TransferDay) -> Option<u64>,
) {
    let Some(good) = state.good::<Billing>(now) else { return };
    let Some((day, _)) = newest(state, now) else { return };
    for (region, transfer) in good.data.transfer(day) {
        if let Some(value) = value(transfer) {
            sink(&[&state.spec.name, region], number(value));
        }
    }
}

fn buckets(state: &AccountState, now: Timestamp, sink: &mut Sink<'_>) {
    for bucket in state.good::<Buckets>(now).into_iter().flat_map(|good| &good.data.buckets) {
        if let Some(objects) = bucket.objects {
            sink(&[&state.spec.name, &bucket.name], number(objects));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{TOOK, answer, at, object_storage, samples, state};
    use crate::model::{Billing, Bucket, Buckets, RegionTransfer};

    const POLLED: &str = "2026-11-24T12:00:00Z";

    fn day(day: &str, used_bytes: Option<u64>) -> BilledDay {
        BilledDay { day: day.parse().unwrap(), used_bytes, ghost_bytes: Some(3), objects: Some(4) }
    }

    fn billing() -> Billing {
        let transfer = |day: &str, bytes| TransferDay {
            day: day.parse().unwrap(),
            upload_bytes: Some(bytes),
            download_bytes: Some(bytes + 1),
            delete_bytes: None,
        };
        Billing {
            first: "2026-05-01".parse().unwrap(),
            last: "2026-11-23".parse().unwrap(),
            days: vec![
                day("2026-10-01", Some(10)),
                day("2026-10-02", Some(20)),
                day("2026-11-22", Some(30)),
                day("2026-11-23", None),
            ],
            regions: vec![RegionTransfer {
                region: "US-EAST-1".into(),
                days: [transfer("2026-11-22", 5), transfer("2026-11-23", 9)].into(),
            }],
        }
    }

    #[test]
    fn all_figures_are_of_the_newest_day_whose_usage_is_known() {
        let state = state(object_storage("acme"), |state| {
            state.succeed(answer(billing()), at(POLLED), TOOK);
        });
        for (name, expected) in [
            ("account_usage_bytes", &["acme 30"][..]),
            ("account_objects", &["acme 4"]),
            ("account_ghost_bytes", &["acme 3"]),
            ("usage_data_timestamp_seconds", &["acme 1795305600"]),
            ("region_day_upload_bytes", &["acme|US-EAST-1 5"]),
            ("region_day_download_bytes", &["acme|US-EAST-1 6"]),
            ("region_day_delete_bytes", &[]),
            ("account_monthly_average_usage_bytes", &["acme|2026-10 15"]),
            ("account_buckets", &[]),
        ] {
            assert_eq!(samples(&format!("lyvecloud_{name}"), &state, at(POLLED)), expected, "{name}");
            let withdrawn = samples(&format!("lyvecloud_{name}"), &state, at("2026-11-25T12:00:00Z"));
            assert_eq!(withdrawn, [""; 0], "{name}");
        }
    }

    #[test]
    fn buckets_have_sizes_and_objects_as_far_as_they_are_known() {
        let bucket = |name: &str, size_bytes, objects| Bucket { name: name.into(), size_bytes, objects };
        let buckets = Buckets {
            count: 3,
            buckets: vec![
                bucket("a", Some(5), Some(2)),
                bucket("b", Some(0), None),
                bucket("c", None, Some(0)),
            ],
        };
        let state = state(object_storage("acme"), |state| {
            state.succeed(answer(buckets), at(POLLED), TOOK);
        });
        assert_eq!(samples("lyvecloud_account_buckets", &state, at(POLLED)), ["acme 3"]);
        assert_eq!(samples("lyvecloud_bucket_usage_bytes", &state, at(POLLED)), ["acme|a 5", "acme|b 0"]);
        assert_eq!(samples("lyvecloud_bucket_objects", &state, at(POLLED)), ["acme|a 2", "acme|c 0"]);
        assert_eq!(samples("lyvecloud_account_usage_bytes", &state, at(POLLED)), [""; 0]);
    }
}
