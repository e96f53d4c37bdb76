use std::sync::Arc;

use super::*;
use crate::config::{Filter, Series};
use crate::metrics::testing::spec;
use crate::model::{
    AccessKey, Bucket, BucketHistory, BucketUsage, Buckets, CurrentUsage, Data, DropReason, Dropped, Expiry,
    Month, MonthTotal, MonthlyUsage, Permission, Permissions, ServiceAccount, User,
};

/// What a choice of series leaves of an answer.
fn admitted<T: Data + Clone>(data: T, series: &Series) -> Collected<T> {
    let declared = api::collectors().find(|declared| declared.collector == T::COLLECTOR).unwrap();
    let answer = Collected { data: data.into(), dropped: Dropped::default() };
    let now = "2026-11-24T12:00:00Z".parse().unwrap();
    let answer = admit(declared, answer, series, &Arc::new(spec("acme")), now);
    answer.map(|data| data.get::<T>().unwrap().clone())
}

fn current(buckets: &[(&str, u64)]) -> CurrentUsage {
    let buckets = buckets
        .iter()
        .map(|(name, usage_bytes)| BucketUsage { name: (*name).into(), usage_bytes: *usage_bytes });
    CurrentUsage { usage_bytes: Some(600), buckets: buckets.collect(), ..CurrentUsage::default() }
}

fn names(answer: &Collected<CurrentUsage>) -> Vec<&str> {
    answer.data.buckets.iter().map(|bucket| &*bucket.name).collect()
}

#[test]
fn the_largest_stay_in_their_order_and_the_total_is_kept() {
    let series = Series { max_per_account: 2, ..Series::default() };
    let answer = admitted(current(&[("a", 200), ("b", 100), ("c", 300)]), &series);
    assert_eq!(names(&answer), ["a", "c"]);
    assert_eq!(answer.dropped.get(DropReason::Limit), 1);
    assert_eq!(answer.data.usage_bytes, Some(600));
}

#[test]
fn what_ends_first_stays() {
    let account = |id: &str, expiry| ServiceAccount {
        id: id.into(),
        name: id.into(),
        enabled: Some(true),
        ready: Some(true),
        expiry,
    };
    let end = |second| Expiry::At(Timestamp::from_second(second).unwrap());
    let listed = vec![
        account("a", Expiry::Never),
        account("b", end(2_000_000_000)),
        account("c", Expiry::Unknown),
        account("d", end(1_500_000_000)),
    ];
    let answer = admitted(listed, &Series { max_per_account: 16, ..Series::default() });
    let kept = &answer.data;
    assert_eq!(kept.iter().map(|account| &*account.id).collect::<Vec<_>>(), ["b", "d"]);
    // Two have no date to show, so each makes seven series.
    assert_eq!(answer.dropped.get(DropReason::Limit), 14);
}

#[test]
fn permissions_that_are_not_listed_are_counted_all_the_same() {
    let permission = |id: &str, actions: &str| Permission {
        id: id.into(),
        name: id.into(),
        kind: "bucket-names".into(),
        actions: actions.into(),
        ready: Some(true),
    };
    let listed = [("a", "read-only"), ("b", "write-only"), ("c", "read-only"), ("d", "read-only")];
    let all = Permissions::of(listed.map(|(id, actions)| permission(id, actions)).to_vec());
    let answer = admitted(all.clone(), &Series { max_per_account: 4, ..Series::default() });
    let kept = &answer.data;
    assert_eq!(kept.counts, all.counts);
    assert_eq!(kept.counts.iter().map(|sort| sort.count).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(kept.permissions, all.permissions[..2]);
    assert_eq!(answer.dropped.get(DropReason::Limit), 2);
}

#[test]
fn buckets_with_sizes_are_chosen_as_others_and_their_count_stays() {
    let bucket = |name: &str, size_bytes, objects| Bucket { name: name.into(), size_bytes, objects };
    let buckets = Buckets {
        count: 4,
        buckets: vec![
            bucket("a", Some(1), Some(1)),
            bucket("b", None, None),
            bucket("c", Some(9), Some(1)),
            bucket("tmp-1", Some(99), None),
        ],
    };
    let exclude = vec![regex::Regex::new("^(?:tmp-.*)$").unwrap()];
    let series = Series { max_per_account: 3, buckets: Filter { include: Vec::new(), exclude } };
    let answer = admitted(buckets, &series);
    let kept = &answer.data;
    assert_eq!(kept.count, 4);
    assert_eq!(kept.buckets, [bucket("c", Some(9), Some(1))]);
    assert_eq!(answer.dropped.get(DropReason::Filtered), 1);
    assert_eq!(answer.dropped.get(DropReason::Limit), 2);
}

#[test]
fn users_with_the_oldest_keys_in_use_stay() {
    let user = |name: &str, active, year: i64| User {
        name: name.into(),
        kind: "user".into(),
        password_change_required: None,
        created: None,
        keys: vec![AccessKey {
            id: name.into(),
            active: Some(active),
            created: Timestamp::from_second(year * 31_556_952).ok(),
        }],
    };
    let users = vec![user("a", true, 50), user("b", false, 40), user("c", true, 45)];
    let answer = admitted(users, &Series { max_per_account: 4, ..Series::default() });
    let kept = &answer.data;
    assert_eq!(kept.iter().map(|user| &*user.name).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(answer.dropped.get(DropReason::Limit), 2);
}

#[test]
fn filtered_buckets_do_not_use_up_the_limit() {
    let exclude = vec![regex::Regex::new("^(?:tmp-.*)$").unwrap()];
    let series = Series { max_per_account: 1, buckets: Filter { include: Vec::new(), exclude } };
    let answer = admitted(current(&[("data", 1), ("tmp-1", 2), ("tmp-2", 3)]), &series);
    assert_eq!(names(&answer), ["data"]);
    assert_eq!(answer.dropped.get(DropReason::Filtered), 2);
    assert_eq!(answer.dropped.get(DropReason::Limit), 0);
}

#[test]
fn a_bucket_is_kept_with_all_its_months_or_not_at_all() {
    let month =
        |number, average_bytes| MonthTotal { month: Month::new(2026, number).unwrap(), average_bytes };
    let bucket =
        |name: &str, months: &[MonthTotal]| BucketHistory { name: name.into(), months: months.into() };
    let usage = MonthlyUsage {
        buckets: vec![
            bucket("large", &[month(8, 9), month(9, 9)]),
            bucket("small", &[month(8, 1), month(9, 1)]),
        ],
        ..MonthlyUsage::default()
    };
    let answer = admitted(usage, &Series { max_per_account: 3, ..Series::default() });
    let kept: Vec<_> = answer.data.buckets.iter().map(|bucket| &*bucket.name).collect();
    assert_eq!(kept, ["large"]);
    assert_eq!(answer.dropped.get(DropReason::Limit), 2);
}
