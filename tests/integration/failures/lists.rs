//! Lists with things in them twice, or out of order, or that are nobody's.

use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::model::Reason;

use super::bodies::{Expected, Row, json, play_rows};
use super::play::play;

pub fn rows() -> Vec<Row> {
    let row = |collector, name: &str, body: &str, metric, (count, sum), duplicates, invalid| Row {
        metric,
        expected: Expected::Sum(count, sum),
        duplicates,
        invalid,
        ..json(collector, name, body.to_owned())
    };
    let current = |name: &str, buckets: &str, found, duplicates, invalid| {
        let body =
            format!(r#"{{"usageByBucket":{{"numBuckets":1,"totalUsageGB":1,"buckets":[{buckets}]}}}}"#);
        row(Collector::CURRENT_USAGE, name, &body, "lyvecloud_bucket_usage_bytes", found, duplicates, invalid)
    };
    let subs = |name: &str, subs: &str, found, duplicates, invalid| {
        let body = format!(
            r#"{{"usageByBucket":{{}},"usageBySubAccount":{{"totalUsageGB":9,"subAccounts":[{subs}]}}}}"#
        );
        row(
            Collector::CURRENT_USAGE,
            name,
            &body,
            "lyvecloud_sub_account_usage_bytes",
            found,
            duplicates,
            invalid,
        )
    };
    let months = |name: &str, months: &str, metric, found, duplicates, invalid| {
        let body = format!(r#"{{"usageByBucket":[{months}]}}"#);
        row(Collector::MONTHLY_USAGE, name, &body, metric, found, duplicates, invalid)
    };
    let monthly = "lyvecloud_account_monthly_average_usage_bytes";
    let bucket = "lyvecloud_bucket_monthly_average_usage_bytes";
    let services = |name: &str, body: &str, found, duplicates, invalid| {
        let metric = "lyvecloud_service_account_enabled";
        row(Collector::SERVICE_ACCOUNTS, name, body, metric, found, duplicates, invalid)
    };
    let permissions = |name: &str, body: &str, metric, found, duplicates, invalid| {
        row(Collector::PERMISSIONS, name, body, metric, found, duplicates, invalid)
    };
    let rows = vec![
        current(
            "the first of two",
            r#"{"name":"a","usageGB":1},{"name":"a","usageGB":2}"#,
            (1, 1e9),
            1.0,
            0.0,
        ),
        current("one bucket five times", &[r#"{"name":"a","usageGB":1}"#; 5].join(","), (1, 1e9), 4.0, 0.0),
        current(
            "names differ by case",
            r#"{"name":"a","usageGB":1},{"name":"A","usageGB":2}"#,
            (2, 3e9),
            0.0,
            0.0,
        ),
        current(
            "an invalid one first",
            r#"{"name":"a","usageGB":-1},{"name":"a","usageGB":2}"#,
            (1, 2e9),
            0.0,
            1.0,
        ),
        current(
            "nobody's",
            r#"{"usageGB":1},{},[],null,"canary",{"name":"b","usageGB":1}"#,
            (1, 1e9),
            0.0,
            5.0,
        ),
        current(
            "more fields than known",
            r#"{"name":"a","usageGB":1,"x":{"name":"b"},"y":[[]]}"#,
            (1, 1e9),
            0.0,
            0.0,
        ),
        current("a field twice", r#"{"name":"a","name":"b","usageGB":1,"usageGB":2}"#, (1, 2e9), 0.0, 0.0),
        row(
            Collector::CURRENT_USAGE,
            "none",
            r#"{"usageByBucket":{"totalUsageGB":1,"buckets":[]}}"#,
            "lyvecloud_bucket_usage_bytes",
            (0, 0.0),
            0.0,
            0.0,
        ),
        subs(
            "sub-accounts twice",
            r#"{"subAccountId":"s","usageGB":1},{"subAccountId":"s","usageGB":2}"#,
            (1, 1e9),
            1.0,
            0.0,
        ),
        subs(
            "sub-accounts of one name",
            r#"{"subAccountId":"s","subAccountName":"n"},{"subAccountId":"t","subAccountName":"n"}"#,
            (2, 0.0),
            0.0,
            0.0,
        ),
        months(
            "a month twice",
            r#"{"year":2026,"month":8,"totalUsageGB":1},{"year":2026,"month":8,"totalUsageGB":2}"#,
            monthly,
            (1, 1e9),
            1.0,
            0.0,
        ),
        months(
            "months out of order",
            r#"{"year":2026,"month":9,"totalUsageGB":1},{"year":2026,"month":4,"totalUsageGB":2},{"year":2026,"month":7,"totalUsageGB":4}"#,
            monthly,
            (3, 7e9),
            0.0,
            0.0,
        ),
        months(
            "a month missing",
            r#"{"year":2026,"month":9,"totalUsageGB":1},{"year":2026,"month":7,"totalUsageGB":4}"#,
            monthly,
            (2, 5e9),
            0.0,
            0.0,
        ),
        months(
            "a month of zeros",
            r#"{"year":2026,"month":9,"totalUsageGB":0,"buckets":[{"name":"a","usageGB":0}]}"#,
            bucket,
            (0, 0.0),
            0.0,
            0.0,
        ),
        months(
            "a bucket twice in a month",
            r#"{"year":2026,"month":8,"buckets":[{"name":"a","usageGB":1},{"name":"a","usageGB":2}]}"#,
            bucket,
            (1, 1e9),
            1.0,
            0.0,
        ),
        months(
            "a bucket in two months",
            r#"{"year":2026,"month":8,"buckets":[{"name":"a","usageGB":1}]},{"year":2026,"month":9,"buckets":[{"name":"a","usageGB":2}]}"#,
            bucket,
            (2, 3e9),
            0.0,
            0.0,
        ),
        Row {
            expected: Expected::Fails(
                Reason::Decode,
                "month 3 of 2026 in the answer does not lie within 2026-05 to 2026-10",
            ),
            ..months(
                "a month before the window",
                r#"{"year":2026,"month":3,"totalUsageGB":1}"#,
                monthly,
                (0, 0.0),
                0.0,
                0.0,
            )
        },
        Row {
            expected: Expected::Fails(
                Reason::Decode,
                "month 8 of 2025 in the answer does not lie within 2026-05 to 2026-10",
            ),
            ..months(
                "a month of another year",
                r#"{"year":2026,"month":8,"totalUsageGB":1},{"year":2025,"month":8}"#,
                monthly,
                (0, 0.0),
                0.0,
                0.0,
            )
        },
        Row {
            expected: Expected::Fails(
                Reason::Decode,
                "month 13 of 2026 in the answer does not lie within 2026-05 to 2026-10",
            ),
            ..months(
                "a month 13",
                r#"{"year":2026,"month":13,"totalUsageGB":1}"#,
                monthly,
                (0, 0.0),
                0.0,
                0.0,
            )
        },
        services(
            "a service account twice",
            r#"[{"id":"a","enabled":true},{"id":"a","enabled":false}]"#,
            (1, 1.0),
            1.0,
            0.0,
        ),
        services(
            "service accounts of one name",
            r#"[{"id":"a","name":"n","enabled":true},{"id":"b","name":"n","enabled":true}]"#,
            (2, 2.0),
            0.0,
            0.0,
        ),
        services(
            "a service account without an id",
            r#"[{"name":"n","enabled":true},{"id":"","enabled":true},{"id":"a","enabled":true}]"#,
            (1, 1.0),
            0.0,
            2.0,
        ),
        Row {
            labels: vec![("kind", "service_account"), ("status", "never_expires")],
            ..row(
                Collector::SERVICE_ACCOUNTS,
                "a key that never ends",
                r#"[{"id":"a","expirationDate":""}]"#,
                "lyvecloud_credential_status",
                (1, 1.0),
                0.0,
                0.0,
            )
        },
        Row {
            labels: vec![("kind", "service_account"), ("status", "unknown")],
            ..row(
                Collector::SERVICE_ACCOUNTS,
                "a key of which nobody said",
                r#"[{"id":"a"},{"id":"b","expirationDate":null}]"#,
                "lyvecloud_credential_status",
                (2, 2.0),
                0.0,
                0.0,
            )
        },
        Row {
            labels: vec![("kind", "service_account"), ("status", "expired")],
            ..row(
                Collector::SERVICE_ACCOUNTS,
                "a key that has ended",
                r#"[{"id":"a","expirationDate":"2026-11-24T17:59:59Z"},{"id":"b","expirationDate":"2026-11-24T23:59:59+09:00"}]"#,
                "lyvecloud_credential_status",
                (2, 2.0),
                0.0,
                0.0,
            )
        },
        Row {
            warned: true,
            ..services(
                "a day that is not in the calendar",
                r#"[{"id":"a","enabled":true,"expirationDate":"2027-02-29"}]"#,
                (1, 1.0),
                0.0,
                0.0,
            )
        },
        permissions(
            "a permission twice",
            r#"[{"id":"a","readyState":true},{"id":"a","readyState":false}]"#,
            "lyvecloud_permission_ready",
            (1, 1.0),
            1.0,
            0.0,
        ),
        permissions(
            "a permission twice, counted",
            r#"[{"id":"a","type":"policy"},{"id":"a","type":"policy"}]"#,
            "lyvecloud_permissions",
            (1, 1.0),
            1.0,
            0.0,
        ),
        permissions(
            "a permission without an id",
            r#"[{"type":"policy"},{"id":null},{"id":"a","type":"policy"}]"#,
            "lyvecloud_permissions",
            (1, 1.0),
            0.0,
            2.0,
        ),
        current(
            "a figure that no number holds",
            &format!(
                r#"{{"name":"a","usageGB":1e400}},{{"name":"b","usageGB":{}}},{{"name":"c","usageGB":-1E+0999}},{{"name":"d","usageGB":2}}"#,
                "9".repeat(400)
            ),
            (1, 2e9),
            0.0,
            3.0,
        ),
    ];
    rows
}

#[test]
fn that_lists_things_twice_or_not_at_all() {
    play(async |log| play_rows(rows(), log).await);
}
