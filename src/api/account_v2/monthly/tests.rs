use proptest::prelude::*;

use super::*;

fn month(text: &str) -> Month {
    let (year, number) = text.split_once('-').unwrap();
    Month::new(year.parse().unwrap(), number.parse().unwrap()).unwrap()
}

fn window(first: &str, last: &str) -> Window {
    Window { first: month(first), last: month(last) }
}

fn read(body: &str, window: Window) -> Collected<MonthlyUsage> {
    merge([part(body.as_bytes(), window, Zeros::NoData).unwrap()])
}

/// Months and their averages in gigabytes.
fn figures(months: &[MonthTotal]) -> Vec<(String, u64)> {
    months.iter().map(|total| (total.month.to_string(), total.average_bytes / 1_000_000_000)).collect()
}

fn buckets(usage: &MonthlyUsage) -> Vec<(&str, Vec<(String, u64)>)> {
    usage.buckets.iter().map(|bucket| (&*bucket.name, figures(&bucket.months))).collect()
}

fn listed(months: &[(&str, u64)]) -> Vec<(String, u64)> {
    months.iter().map(|(month, figure)| ((*month).to_owned(), *figure)).collect()
}

#[test]
fn months_in_any_order_over_a_year_end() {
    let answer = read(
        r#"{"usageByBucket":[
            {"buckets":[{"usageGB":3,"name":"new"},{"name":"old","usageGB":"2"}],"year":2024,"month":0,"totalUsageGB":5},
            {"year":"2023","month":"11","totalUsageGB":1,"buckets":[{"name":"old","usageGB":1},{"name":"idle"}]}],
          "usageBySubAccount":[
            {"year":2023,"month":11,"totalUsageGB":12,"subAccounts":[{"subAccountName":"before","subAccountId":"x","usageGB":4}]},
            {"year":2024,"month":0,"totalUsageGB":12,"subAccounts":[{"subAccountName":"after","subAccountId":"x","usageGB":6}]}]}"#,
        window("2023-11", "2024-01"),
    );
    assert_eq!(answer.dropped, Dropped::default());
    assert_eq!(figures(&answer.data.months), listed(&[("2023-12", 1), ("2024-01", 5)]));
    assert_eq!(
        buckets(&answer.data),
        [
            ("idle", listed(&[("2023-12", 0)])),
            ("new", listed(&[("2024-01", 3)])),
            ("old", listed(&[("2023-12", 1), ("2024-01", 2)])),
        ]
    );
    let sub_account = &answer.data.sub_accounts[0];
    assert_eq!((&*sub_account.id, &*sub_account.name), ("x", "after"));
    assert_eq!(figures(&sub_account.months), listed(&[("2023-12", 4), ("2024-01", 6)]));
}

#[test]
fn months_that_count_from_1() {
    let answer = read(
        r#"{"usageByBucket":[{"year":2023,"month":12,"totalUsageGB":1},{"year":2024,"month":1,"totalUsageGB":2}]}"#,
        window("2023-11", "2024-01"),
    );
    assert_eq!(figures(&answer.data.months), listed(&[("2023-12", 1), ("2024-01", 2)]));
}

#[test]
fn january_may_have_no_number() {
    let answer = read(
        r#"{"usageByBucket":[{"year":2023,"month":11,"totalUsageGB":1},{"year":2024,"totalUsageGB":2}]}"#,
        window("2023-12", "2024-01"),
    );
    assert_eq!(figures(&answer.data.months), listed(&[("2023-12", 1), ("2024-01", 2)]));
}

#[test]
fn a_month_of_zeros_is_no_data() {
    let asked = window("2026-05", "2026-10");
    let answer = read(
        r#"{"usageByBucket":[
            {"year":2026,"month":4,"totalUsageGB":0,"buckets":[{"name":"a","usageGB":0}]},
            {"year":2026,"month":5},
            {"year":2026,"month":6,"buckets":[{"name":"a"}]},
            {"year":2026,"month":7,"totalUsageGB":1,"buckets":[{"name":"a","usageGB":1},{"name":"b","usageGB":0}]},
            {"year":2026,"month":8},
            {"year":2026,"month":9,"buckets":[{"name":"a","usageGB":2}]}],
          "usageBySubAccount":[
            {"year":2026,"month":4,"totalUsageGB":0},
            {"year":2026,"month":8,"totalUsageGB":3,"subAccounts":[{"subAccountId":"x","usageGB":3},{"subAccountId":"y"}]}]}"#,
        asked,
    );
    assert_eq!(answer.dropped, Dropped::default());
    // In September the sub-accounts had something and the account itself nothing; of October the total is not known.
    assert_eq!(figures(&answer.data.months), listed(&[("2026-08", 1), ("2026-09", 0)]));
    assert_eq!(
        buckets(&answer.data),
        [("a", listed(&[("2026-08", 1), ("2026-10", 2)])), ("b", listed(&[("2026-08", 0)])),]
    );
    let sub_accounts: Vec<_> =
        answer.data.sub_accounts.iter().map(|account| (&*account.id, figures(&account.months))).collect();
    assert_eq!(sub_accounts, [("x", listed(&[("2026-09", 3)])), ("y", listed(&[("2026-09", 0)]))]);
    for body in ["{}", r#"{"usageByBucket":null,"usageBySubAccount":[]}"#, r#"{"usageByBucket":[]}"#] {
        assert_eq!(read(body, asked).data, MonthlyUsage::default(), "{body}");
    }
}

#[test]
fn zeros_are_kept_where_they_are_wanted() {
    let body = r#"{"usageByBucket":[
        {"year":2026,"month":4,"totalUsageGB":0,"buckets":[{"name":"a","usageGB":0}]},
        {"year":2026,"month":5},
        {"year":2026,"month":6,"totalUsageGB":1,"buckets":[{"name":"a","usageGB":1}]}]}"#;
    let part = part(body.as_bytes(), window("2026-05", "2026-10"), Zeros::Kept).unwrap();
    let usage = merge([part]).data;
    // What is not in the answer at all gets no figure.
    assert_eq!(figures(&usage.months), listed(&[("2026-05", 0), ("2026-06", 0), ("2026-07", 1)]));
    assert_eq!(buckets(&usage), [("a", listed(&[("2026-05", 0), ("2026-07", 1)]))]);
}

#[test]
fn what_is_bad_costs_itself_alone() {
    let answer = read(
        r#"{"usageByBucket":[
            {"year":2026,"month":9,"totalUsageGB":-1,"buckets":[{"name":"a","usageGB":1},{"name":"a","usageGB":9},
                {"usageGB":1},{"name":"b","usageGB":[]},7,{"name":"c","usageGB":2}]},
            {"year":2026,"month":9,"totalUsageGB":9,"buckets":[{"name":"a","usageGB":9},{"name":"late","usageGB":9}]},
            {"year":"soon","month":9,"totalUsageGB":9,"buckets":[{"name":"lost","usageGB":9}]},
            {"year":2026,"month":8.5,"totalUsageGB":9},
            {"month":9,"totalUsageGB":9},
            {"year":2026,"totalUsageGB":9},
            null]}"#,
        window("2026-05", "2026-10"),
    );
    assert_eq!(answer.data.months, []);
    assert_eq!(buckets(&answer.data), [("a", listed(&[("2026-10", 1)])), ("c", listed(&[("2026-10", 2)]))]);
    // The bucket a, and the month.
    assert_eq!(answer.dropped.get(DropReason::Duplicate), 2);
    // A total, three buckets, five months: one of them would be a January that nobody asked for.
    assert_eq!(answer.dropped.get(DropReason::Invalid), 9);
}

#[test]
fn an_answer_of_another_shape_or_another_time_is_rejected() {
    let asked = window("2026-05", "2026-10");
    for (body, text) in [
        (
            "[]",
            "the answer is a list, where an object was expected".to_owned(),
        ),
        (
            r#"{"code":"InternalError","message":"canary"}"#,
            "neither usageByBucket nor usageBySubAccount is in the answer".to_owned(),
        ),
        (
            r#"{"usageByBucket":{}}"#,
            "usageByBucket is an object, where a list was expected".to_owned(),
        ),
        (
            r#"{"usageByBucket":[{"year":2026,"month":9,"buckets":{}}]}"#,
            "buckets is an object, where a list was expected".to_owned(),
        ),
        (
            r#"{"usageByBucket":[{"year":2026,"month":9,"totalUsageGB":1}],
                "usageBySubAccount":[{"year":2021,"month":3}]}"#,
            "month 3 of 2021 in the answer does not lie within 2026-05 to 2026-10, which was asked for, whether its \
             months count from 0 or from 1"
                .to_owned(),
        ),
    ] {
        assert_eq!(*part(body.as_bytes(), asked, Zeros::NoData).unwrap_err(), text, "{body}");
    }
}

#[test]
fn windows_are_merged_oldest_month_first() {
    let older = part(
        &br#"{"usageByBucket":[{"year":2026,"month":3,"totalUsageGB":1,"buckets":[{"name":"a","usageGB":1},{"name":"gone","usageGB":1}]}],
             "usageBySubAccount":[{"year":2026,"month":3,"totalUsageGB":1,"subAccounts":[{"subAccountId":"x","subAccountName":"was","usageGB":1}]}]}"#[..],
        window("2026-01", "2026-04"),
        Zeros::NoData,
    )
    .unwrap();
    let newer = part(
        &br#"{"usageByBucket":[{"year":2026,"month":9,"totalUsageGB":2,"buckets":[{"name":"a","usageGB":2},{"name":"a","usageGB":2}]}],
             "usageBySubAccount":[{"year":2026,"month":9,"totalUsageGB":1,"subAccounts":[{"subAccountId":"x","subAccountName":"is","usageGB":1}]}]}"#[..],
        window("2026-05", "2026-10"),
        Zeros::NoData,
    )
    .unwrap();
    let answer = merge([newer, older]);
    assert_eq!(figures(&answer.data.months), listed(&[("2026-04", 1), ("2026-10", 2)]));
    assert_eq!(
        buckets(&answer.data),
        [("a", listed(&[("2026-04", 1), ("2026-10", 2)])), ("gone", listed(&[("2026-04", 1)]))]
    );
    assert_eq!(&*answer.data.sub_accounts[0].name, "is");
    assert_eq!(answer.dropped.get(DropReason::Duplicate), 1);
}

#[test]
fn many_buckets_over_six_months() {
    const BUCKETS: usize = 20_000;
    let months: Vec<_> = (4..10)
        .map(|month| {
            let buckets: Vec<_> = (0..BUCKETS)
                .map(|index| format!(r#"{{"name":"bucket-{index:06}","usageGB":{month}}}"#))
                .collect();
            format!(r#"{{"year":2026,"month":{month},"totalUsageGB":1,"buckets":[{}]}}"#, buckets.join(","))
        })
        .collect();
    let body = format!(r#"{{"usageByBucket":[{}]}}"#, months.join(","));
    let answer = read(&body, window("2026-05", "2026-10"));
    assert_eq!(answer.data.buckets.len(), BUCKETS);
    assert!(answer.data.buckets.iter().all(|bucket| bucket.months.len() == 6));
    assert_eq!(answer.dropped, Dropped::default());
}

#[test]
fn what_an_answer_may_list_has_an_end() {
    use crate::api::wire::MAX_LISTED;
    let many = |item: &str, count: usize| vec![item; count].join(",");
    let rejected = "the answer lists more than 1000000 things, which is the most that is read";
    let window = window("2026-05", "2026-10");
    let months = format!(r#"{{"usageByBucket":[{}]}}"#, many("{}", MAX_LISTED + 1));
    assert_eq!(&*part(months.as_bytes(), window, Zeros::NoData).unwrap_err(), rejected);
    // All months count together, as what they list is kept together; so do lists under one key that comes twice.
    let half = many("0", MAX_LISTED / 2 - 1);
    let month = |rest: &str| format!(r#"{{"year":2026,"month":5,"buckets":[{{"name":"a"}},{half}{rest}]}}"#);
    let body = |rest: &str| format!(r#"{{"usageByBucket":[{},{}]}}"#, month(""), month(rest));
    assert!(part(body("").as_bytes(), window, Zeros::NoData).is_ok());
    assert_eq!(&*part(body(",0").as_bytes(), window, Zeros::NoData).unwrap_err(), rejected);
}

proptest! {
    #[test]
    fn arbitrary_json_never_panics(body in crate::api::arbitrary::json(&[
        "usageByBucket", "usageBySubAccount", "buckets", "subAccounts", "name", "usageGB", "totalUsageGB", "year",
        "month", "subAccountId", "subAccountName",
    ])) {
        if let Ok(part) = part(body.as_bytes(), window("2022-12", "2023-05"), Zeros::NoData) {
            let usage = merge([part]).data;
            prop_assert!(usage.months.is_sorted_by(|a, b| a.month < b.month));
            for bucket in &usage.buckets {
                prop_assert!(!bucket.months.is_empty());
                prop_assert!(bucket.months.is_sorted_by(|a, b| a.month < b.month));
            }
        }
    }

    #[test]
    fn months_like_the_vendors_are_read_whole(
        months in prop::collection::btree_set(0i32..6, 1..6),
        base in 0i32..=1,
        figures in prop::collection::vec(1u32..1000, 6),
    ) {
        let first = month("2025-10");
        // The last month is always answered, so that the base is beyond doubt.
        let months: BTreeSet<_> = months.into_iter().chain([5]).collect();
        let items: Vec<_> = months
            .iter()
            .zip(&figures)
            .map(|(index, figure)| {
                let month = first.plus(*index);
                let (year, number) = (month.year(), month.number() - 1 + base);
                format!(r#"{{"year":{year},"month":{number},"totalUsageGB":{figure}}}"#)
            })
            .collect();
        let body = format!(r#"{{"usageByBucket":[{}]}}"#, items.join(","));
        let answer = read(&body, Window { first, last: first.plus(5) });
        let expected: Vec<_> = months
            .iter()
            .zip(&figures)
            .map(|(index, figure)| MonthTotal {
                month: first.plus(*index),
                average_bytes: u64::from(*figure) * 1_000_000_000,
            })
            .collect();
        prop_assert_eq!(answer.data.months, expected);
    }
}
