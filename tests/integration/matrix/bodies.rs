//! Answers with 200 whose body is not what it should be.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use lyve_cloud_exporter::api::Reason;
use lyve_cloud_exporter::clock;
use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::simulator::{Endpoint, Fault};
use serde_json::Value;

use super::play::{
    Log, assert_failures, assert_nothing_leaked, config, data_of, empty_account, endpoint, play, scrape,
};
use super::second_poll::{self, Outcome, Wait};
use crate::stage::{NOW, Stage, at, hours};

/// What a metric must be after the poll that met the body.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// The poll failed, and its log says this; what was known stays.
    Fails(Reason, &'static str),
    /// There is none.
    Absent,
    /// There is one, of this value.
    Value(f64),
    /// There is one, with this label.
    Label(&'static str, &'static str),
    /// There are so many, and this is their sum.
    Sum(usize, f64),
}

/// A body at the second poll of an account that had nothing in it.
#[derive(Clone, Debug)]
pub struct Row {
    pub name: String,
    pub collector: Collector,
    pub faults: Vec<(Endpoint, Fault)>,
    pub metric: &'static str,
    pub labels: Vec<(&'static str, &'static str)>,
    pub expected: Expected,
    pub duplicates: f64,
    pub invalid: f64,
    /// Whether the log must say that a date makes no sense.
    pub warned: bool,
}

/// When the bodies come.
pub fn second_poll() -> Timestamp {
    clock::after(at(NOW), hours(6))
}

pub async fn play_rows(rows: Vec<Row>, log: Log) {
    let stage = Stage::new().await;
    let (vendors, accounts): (Vec<_>, Vec<_>) =
        rows.iter().map(|row| empty_account(&stage, &row.name)).unzip();
    assert_eq!(rows.iter().map(|row| &row.name).collect::<BTreeSet<_>>().len(), rows.len());
    let exporter = stage.polled_exporter(config(accounts)).await;
    let first = scrape(&exporter).await;
    for (row, vendor) in rows.iter().zip(&vendors) {
        for (endpoint, fault) in &row.faults {
            vendor.fail_once(*endpoint, fault.clone());
        }
    }
    stage.clock.set(second_poll());
    let polled = |_: &_| rows.iter().all(|row| exporter.polls(&row.name, row.collector) == 2);
    exporter.until("every body was met", polled).await;
    let samples = scrape(&exporter).await;
    let warnings = log.warnings();
    let text = log.text();
    let no_dates: Vec<&str> = text.lines().filter(|line| line.contains("is no date")).collect();
    for row in &rows {
        let key = (row.name.as_str(), row.collector);
        let (name, collector) = key;
        let samples = &samples[name];
        let collector_label = [("collector", collector.name())];
        let up = samples.value("lyvecloud_collector_up", &collector_label);
        let dropped = |reason| samples.value("lyvecloud_series_dropped_total", &[("reason", reason)]);
        let found: Vec<_> = samples.matching(row.metric, &row.labels).collect();
        if let Expected::Fails(reason, says) = row.expected {
            assert_eq!(up, Some(0.0), "{name}");
            assert_failures(samples, key, Some(reason), 1.0);
            assert_eq!(data_of(samples, collector), data_of(&first[name], collector), "{name}: kept");
            warnings.assert_failure(key, reason, says, Wait::Backoff.seconds(collector));
        } else {
            assert_eq!(up, Some(1.0), "{name}");
            assert_failures(samples, key, None, 0.0);
            let mut told = warnings.of(name, collector).to_vec();
            for (reason, count) in [("duplicate", row.duplicates), ("invalid", row.invalid)] {
                told.retain(|line| {
                    let counts = line["reason"] == reason && line["count"].as_f64() == Some(count);
                    !(counts && line["message"] == "part of the answer gets no series")
                });
            }
            assert_eq!(told, [] as [Value; 0], "{name}: nothing else to tell");
            let drops = [row.duplicates, row.invalid].iter().filter(|count| **count > 0.0).count();
            assert_eq!(warnings.of(name, collector).len(), drops, "{name}: a line for each kind of drop");
        }
        match row.expected {
            Expected::Fails(..) => {}
            Expected::Absent => assert_eq!(found, [] as [&crate::samples::Sample; 0], "{name}"),
            Expected::Value(value) => {
                assert_eq!(found.iter().map(|sample| sample.value).collect::<Vec<_>>(), [value], "{name}");
            }
            Expected::Label(label, value) => {
                assert_eq!(
                    found.iter().map(|sample| &sample.labels[label]).collect::<Vec<_>>(),
                    [value],
                    "{name}"
                );
            }
            Expected::Sum(count, sum) => {
                assert_eq!(found.len(), count, "{name}: {found:?}");
                assert_eq!(found.iter().map(|sample| sample.value).sum::<f64>(), sum, "{name}");
            }
        }
        assert_eq!(dropped("duplicate"), Some(row.duplicates), "{name}: duplicates");
        assert_eq!(dropped("invalid"), Some(row.invalid), "{name}: invalid");
        let name_text = Value::from(name).to_string();
        let dates = no_dates.iter().filter(|line| line.contains(&name_text)).count();
        assert_eq!(dates, usize::from(row.warned), "{name}: lines about a date");
    }
    assert_nothing_leaked(&stage, &exporter, &log).await;
}

fn json(collector: Collector, name: &str, body: impl Into<bytes::Bytes>) -> Row {
    Row {
        name: format!("{collector}: {name}"),
        collector,
        faults: vec![(endpoint(collector), Fault::raw("application/json", body))],
        metric: "",
        labels: Vec::new(),
        expected: Expected::Absent,
        duplicates: 0.0,
        invalid: 0.0,
        warned: false,
    }
}

fn gzipped(body: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// A right answer of each endpoint, and how it shows.
fn right(collector: Collector) -> (&'static str, &'static str, f64) {
    match collector {
        Collector::CurrentUsage => {
            (r#"{"usageByBucket":{"totalUsageGB":2}}"#, "lyvecloud_account_usage_bytes", 2e9)
        }
        Collector::MonthlyUsage => (
            r#"{"usageByBucket":[{"year":2026,"month":8,"totalUsageGB":2}]}"#,
            "lyvecloud_account_monthly_average_usage_bytes",
            2e9,
        ),
        Collector::Credentials => (
            r#"{"expirationSec":7}"#,
            "lyvecloud_session_expiry_timestamp_seconds",
            second_poll().as_second() as f64 + 7.0,
        ),
        Collector::ServiceAccounts => {
            (r#"[{"id":"sa-1","enabled":true}]"#, "lyvecloud_service_account_enabled", 1.0)
        }
        Collector::Permissions => (r#"[{"id":"p-1","readyState":true}]"#, "lyvecloud_permission_ready", 1.0),
    }
}

#[test]
fn that_is_another_thing() {
    let mut rows = Vec::new();
    for collector in Collector::ALL {
        let (right, metric, value) = right(collector);
        let is_list = right.starts_with('[');
        let wanted = if is_list { "where a list was expected" } else { "where an object was expected" };
        let decode = |says| Expected::Fails(Reason::Decode, says);
        let mut add = |name: &str, fault: Fault, expected| {
            let row = Row { metric, expected, ..json(collector, name, "") };
            rows.push(Row { faults: vec![(endpoint(collector), fault)], ..row });
        };
        let raw = |body: &str| Fault::raw("application/json", body.to_owned());
        for (name, body) in [("a flag", "true"), ("a number", "7"), ("a text", "\"canary\"")] {
            add(name, raw(body), decode(wanted));
        }
        let (empty_list, empty_object, null) = match collector {
            Collector::ServiceAccounts | Collector::Permissions => {
                (Expected::Absent, decode(wanted), Expected::Absent)
            }
            // The wire leaves out what is empty: there is no month with data.
            Collector::MonthlyUsage => (decode(wanted), Expected::Absent, decode(wanted)),
            Collector::CurrentUsage => (decode(wanted), decode("usageByBucket is missing"), decode(wanted)),
            Collector::Credentials => (decode(wanted), decode("expirationSec is missing"), decode(wanted)),
        };
        add("[]", raw("[]"), empty_list);
        add("{}", raw("{}"), empty_object);
        add("null", raw("null"), null);
        add(
            "an error with 200",
            raw(r#"{"code":"Canary","message":"canary"}"#),
            match collector {
                Collector::MonthlyUsage => decode("neither usageByBucket nor usageBySubAccount"),
                _ => empty_object,
            },
        );
        add("empty", raw(""), decode("the answer is empty"));
        add("blanks", raw(" \r\n\t"), decode("the answer is empty"));
        add("no content", Fault::empty(204), decode("the answer is empty"));
        add("a page", Fault::html(200), decode("the answer is not JSON (it begins with `<`)"));
        add("prose", raw("canary"), decode("the answer is not JSON"));
        add("more than one", raw(&format!("{right}{right}")), decode("the answer is not JSON"));
        add("cut short in itself", raw(&right[..right.len() - 1]), decode("the answer ended early"));
        add("a byte order mark", raw(&format!("\u{feff}{right}")), decode("the answer is not JSON"));
        add("no UTF-8", Fault::raw("application/json", vec![b'"', 0xff, b'"']), decode("the answer "));
        add("too deep", raw(&"[".repeat(100_000)), decode("the answer "));
        add(
            "too deep within",
            raw(&format!("{}{}", "{\"x\":".repeat(100_000), right)),
            decode("the answer "),
        );
        add("a type of another kind", Fault::raw("text/html", right), Expected::Value(value));
        add("202", with_status(202, right), Expected::Value(value));
        add("gzip", Fault::gzip(gzipped(right)), Expected::Value(value));
        let damaged = decode("the answer is damaged: broken compression or chunks");
        add("gzip that is none", Fault::gzip(right), damaged);
        let packed = gzipped(right);
        add("gzip cut short", Fault::gzip(packed[..packed.len() - 9].to_vec()), decode("the answer "));
        let mut broken = packed;
        broken[12] ^= 0xff;
        add("gzip with a fault", Fault::gzip(broken), damaged);
    }
    play(async |log| play_rows(rows, log).await);
}

fn with_status(status: u16, body: &str) -> Fault {
    Fault::Answer {
        status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_owned().into(),
    }
}

#[test]
fn that_lists_things_twice_or_not_at_all() {
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
        row(Collector::CurrentUsage, name, &body, "lyvecloud_bucket_usage_bytes", found, duplicates, invalid)
    };
    let subs = |name: &str, subs: &str, found, duplicates, invalid| {
        let body = format!(
            r#"{{"usageByBucket":{{}},"usageBySubAccount":{{"totalUsageGB":9,"subAccounts":[{subs}]}}}}"#
        );
        row(
            Collector::CurrentUsage,
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
        row(Collector::MonthlyUsage, name, &body, metric, found, duplicates, invalid)
    };
    let monthly = "lyvecloud_account_monthly_average_usage_bytes";
    let bucket = "lyvecloud_bucket_monthly_average_usage_bytes";
    let services = |name: &str, body: &str, found, duplicates, invalid| {
        let metric = "lyvecloud_service_account_enabled";
        row(Collector::ServiceAccounts, name, body, metric, found, duplicates, invalid)
    };
    let permissions = |name: &str, body: &str, metric, found, duplicates, invalid| {
        row(Collector::Permissions, name, body, metric, found, duplicates, invalid)
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
        current("none", "", (0, 0.0), 0.0, 0.0),
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
            expected: Expected::Fails(Reason::Decode, "month 8 of 2025 in the answer"),
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
            expected: Expected::Fails(Reason::Decode, "month 13 of 2026 in the answer"),
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
            r#"[{"name":"n","enabled":true},{"id":"","enabled":true}]"#,
            (0, 0.0),
            0.0,
            2.0,
        ),
        Row {
            labels: vec![("kind", "service_account"), ("status", "never_expires")],
            ..row(
                Collector::ServiceAccounts,
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
                Collector::ServiceAccounts,
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
                Collector::ServiceAccounts,
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
    ];
    play(async |log| play_rows(rows, log).await);
}

/// 70 MB of spaces after a right beginning: valid so far, and packed into some kilobytes.
fn bomb(collector: Collector) -> Fault {
    let (right, _, _) = right(collector);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&right.as_bytes()[..1]).unwrap();
    let blanks = vec![b' '; 1024 * 1024];
    for _ in 0..70 {
        encoder.write_all(&blanks).unwrap();
    }
    Fault::gzip(encoder.finish().unwrap())
}

#[test]
fn that_is_endless() {
    let says = "the answer is longer than 67108864 bytes, which is the most that is read";
    let row = |name: &str, collector: Collector, fault| second_poll::Row {
        name: format!("{collector}: {name}"),
        collector,
        faults: vec![(endpoint(collector), fault)],
        outcome: Outcome::Fails(Reason::Decode),
        wait: Wait::Backoff,
        requests: 1,
        logins: 0.0,
        says: says.to_owned(),
    };
    let rows = vec![
        row("endless", Collector::Permissions, Fault::Endless),
        row("a bomb", Collector::CurrentUsage, bomb(Collector::CurrentUsage)),
    ];
    play(async |log| second_poll::play_rows(rows, Duration::from_secs(60), log).await);
}
