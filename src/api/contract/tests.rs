use super::*;
use crate::api::shape::Shape;

fn words(endpoint: Endpoint, body: &str) -> Vec<String> {
    let contract = Contract::of(endpoint);
    contract
        .deviations(&Shape::of(contract, Months::default(), body.as_bytes()))
        .into_iter()
        .map(|found| found.words)
        .collect()
}

#[test]
fn tables_are_in_order() {
    for &endpoint in Endpoint::ALL {
        let contract = Contract::of(endpoint);
        for (index, field) in contract.fields.iter().enumerate() {
            let before = &contract.fields[..index];
            let holder = crate::api::shape::parent(field.path);
            assert!(
                holder.is_none_or(|holder| before.iter().any(|field| field.path == holder)),
                "{}",
                field.path
            );
            assert!(!before.iter().any(|other| other.path == field.path), "{}", field.path);
        }
        assert_eq!(contract.fields[0].path, "");
    }
}

#[test]
fn what_the_guide_shows_is_as_documented() {
    for (endpoint, body) in [
        (Endpoint::Login, r#"{"token": "t", "expirationSec": "86400"}"#),
        (Endpoint::Login, r#"{"token": "t", "expirationSec": 864000}"#),
        (
            Endpoint::CurrentUsage,
            r#"{"usageByBucket": {"numBuckets": 2, "totalUsageGB": 4491.96, "buckets": [{"name": "a", "usageGB": 534}]},
                "usageBySubAccount": {"totalUsageGB": 120.5, "subAccounts": [{"subAccountName": "e", "subAccountId": "8",
                "usageGB": 120.5, "users": 3, "serviceAccounts": 2, "buckets": 7, "trial": -1,
                "createTime": "2022-10-16T14:06:51.494Z"}]}}"#,
        ),
        (Endpoint::CurrentUsage, r#"{"usageByBucket": {}}"#),
        (
            Endpoint::MonthlyUsage,
            r#"{"usageByBucket": [{"year": 2023, "month": 0}, {"year": 2023, "month": 11}]}"#,
        ),
        (
            Endpoint::ServiceAccounts,
            r#"[{"id": "a", "name": "b", "description": "", "enabled": true, "readyState": true, "expirationDate": ""},
                {"id": "a", "name": "b", "enabled": true, "readyState": true, "expirationDate": "2022-11-15"}]"#,
        ),
        (Endpoint::ServiceAccounts, "[]"),
        (
            Endpoint::Permissions,
            r#"[{"id": "a", "name": "b", "type": "policy", "readyState": true, "actions": "", "policy": "{}"}]"#,
        ),
        (
            Endpoint::Billing,
            r#"{"Stats": {"US-EAST-1": [{"Date": "2026-11-23T00:00:00Z", "UploadBytes": 1, "DownloadBytes": 2,
                "DeleteBytes": 3}]}, "UsedSpace": [{"Date": "2026-11-23T00:00:00Z", "UsedSpace": 6485663588183,
                "GhostSpace": 402901552935}], "ObjectCount": null, "UseDecimalByte": true}"#,
        ),
        (Endpoint::BucketStats, r#"{"a": {"size": 1, "objects": 2, "replicationPolicy": ["x"]}}"#),
    ] {
        assert_eq!(words(endpoint, body), Vec::<String>::new(), "{endpoint}");
    }
}

#[test]
fn deviations_are_named_in_words() {
    let accounts = |rest: &str| {
        let one = r#"{"id": "a", "name": "b", "enabled": true, "readyState": true"#;
        format!("[{one}, {rest}}}, {one}, {rest}}}]")
    };
    for (endpoint, body, found) in [
        // A missing field.
        (
            Endpoint::ServiceAccounts,
            accounts(r#""description": """#),
            &[
                "`expirationDate` is not in any of 2 service accounts; the exporter shows `unknown` for when it expires, and \
               no alert can fire",
            ][..],
        ),
        // Missing here and there.
        (
            Endpoint::BucketStats,
            r#"{"a": {"size": 1, "objects": 1}, "b": {"size": 1}}"#.to_owned(),
            &["`objects` is missing from 1 of 2 buckets; the objects of such a bucket are not known"],
        ),
        // A text for a number.
        (
            Endpoint::CurrentUsage,
            r#"{"usageByBucket": {"totalUsageGB": "12.5", "buckets": [{"name": "a", "usageGB": "x"}]}}"#
                .to_owned(),
            &[
                "`totalUsageGB` is a number with a fraction as text, where a number was expected",
                "`usageGB` is a text, where a number was expected",
            ],
        ),
        // A new value of an enumeration.
        (
            Endpoint::Permissions,
            r#"[{"id": "a", "name": "b", "type": "tenant-scope", "readyState": true}]"#.to_owned(),
            &["`type` has a value that is not documented, other (12 letters)"],
        ),
        // Another form of dates.
        (
            Endpoint::ServiceAccounts,
            accounts(r#""expirationDate": "15.11.2026""#),
            &[
                "`expirationDate` is a text like `99.99.9999` in 2 of 2 service accounts, where a date (2026-01-31), an instant \
               or an empty text was expected",
            ],
        ),
        // Seconds since 1970.
        (
            Endpoint::ServiceAccounts,
            accounts(r#""expirationDate": 1795521600"#),
            &[
                "`expirationDate` is a whole number in 2 of 2 service accounts, where a date (2026-01-31), an instant or an \
               empty text was expected",
            ],
        ),
        // A page instead of a list.
        (
            Endpoint::Permissions,
            r#"{"items": [{"id": "a"}], "nextToken": "x"}"#.to_owned(),
            &["the answer is an object, where a list was expected"],
        ),
        // Another base of months.
        (
            Endpoint::MonthlyUsage,
            r#"{"usageByBucket": [{"year": 2025, "month": 12}, {"year": 2026, "month": 1}]}"#.to_owned(),
            &["`month` counts from 1, which shows in 1 of 2 months; in queries months count from 0"],
        ),
        // A new field.
        (
            Endpoint::ServiceAccounts,
            accounts(r#""expirationDate": "", "region": "x""#),
            &["`region` is new in 2 of 2 service accounts: a text"],
        ),
        // An envelope.
        (
            Endpoint::CurrentUsage,
            r#"{"data": {"usageByBucket": {}}}"#.to_owned(),
            &[
                "`usageByBucket` is missing from the answer; usage cannot be read without it",
                "`data` is new in the answer: an object",
            ],
        ),
        // Null where something has to be.
        (
            Endpoint::Login,
            r#"{"token": "t", "expirationSec": null}"#.to_owned(),
            &["`expirationSec` is null, where a whole number, perhaps as text, was expected"],
        ),
        // Names where keys are.
        (
            Endpoint::Session,
            r#"{"expirationSec": 5, "a-b": 1, "c-d": 1}"#.to_owned(),
            &["keys are new in the answer; their names are left out, as they could be names of yours"],
        ),
        (
            Endpoint::Billing,
            "<html>".to_owned(),
            &["the answer cannot be read: it is empty, or in another format"],
        ),
    ] {
        assert_eq!(words(endpoint, &body), found, "{endpoint}");
    }
}

#[test]
fn a_deviation_is_the_same_however_many_have_it() {
    let contract = Contract::of(Endpoint::BucketStats);
    let ids = |body: &str| -> Vec<String> {
        contract
            .deviations(&Shape::of(contract, Months::default(), body.as_bytes()))
            .into_iter()
            .map(|found| found.id)
            .collect()
    };
    let one = ids(r#"{"a": {"size": 1}}"#);
    assert_eq!(one, ids(r#"{"a": {"size": 1}, "b": {"size": 1, "objects": 2}}"#));
    assert_eq!(one, ["*.objects is missing"]);
}

#[test]
fn the_base_of_months_shows_in_any_window() {
    let contract = Contract::of(Endpoint::MonthlyUsage);
    let found = |query: &str, numbers: std::ops::RangeInclusive<i32>| {
        let months = Months::asked(&format!("https://host.test/usage/monthly?{query}").parse().unwrap());
        let items: Vec<_> = numbers.map(|month| format!("{{\"year\": 2026, \"month\": {month}}}")).collect();
        let body = format!("{{\"usageByBucket\": [{}]}}", items.join(","));
        contract.deviations(&Shape::of(contract, months, body.as_bytes())).len()
    };
    let may_to_october = "fromMonth=4&fromYear=2026&toMonth=9&toYear=2026";
    assert_eq!(found(may_to_october, 4..=9), 0);
    assert_eq!(found(may_to_october, 5..=10), 1);
    // Over the end of a year, and what could be either.
    assert_eq!(found("fromMonth=10&fromYear=2025&toMonth=2&toYear=2026", 0..=2), 0);
    assert_eq!(found("fromMonth=10&fromYear=2025&toMonth=2&toYear=2026", 1..=3), 1);
    assert_eq!(found(may_to_october, 5..=9), 0);
    assert_eq!(found("", 1..=11), 0);
    assert_eq!(found("fromMonth=12&toMonth=3", 12..=12), 1);
}
