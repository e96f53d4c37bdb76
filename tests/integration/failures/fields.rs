//! Every field of every answer with every kind of value that does not belong there.

use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::model::Reason;
use lyve_cloud_exporter::simulator::{Endpoint, Fault};
use serde_json::{Value, json};

use super::bodies::{Expected, Row, play_rows};
use super::play::{endpoint, play};

/// What takes a field's place, in the order of the columns.
pub fn kinds() -> [(&'static str, Option<Value>); 8] {
    [
        ("missing", None),
        ("null", Some(Value::Null)),
        ("true", Some(json!(true))),
        ("7", Some(json!(7))),
        ("\"x\"", Some(json!("x"))),
        ("\"7\"", Some(json!("7"))),
        ("[]", Some(json!([]))),
        ("{}", Some(json!({}))),
    ]
}

/// What takes a figure's place, in the order of the columns.
fn figures() -> [(&'static str, Option<Value>); 5] {
    [
        ("-1", Some(json!(-1))),
        ("1.5", Some(json!(1.5))),
        ("1e300", Some(json!(1e300))),
        ("\"\"", Some(json!(""))),
        ("\" 7 \"", Some(json!(" 7 "))),
    ]
}

/// A column's entry.
#[derive(Clone, Copy)]
pub enum Cell {
    /// The whole answer is of no use.
    Fails,
    /// The metric is absent, and nothing is counted.
    Absent,
    /// The metric is absent, and one thing is counted as invalid.
    Invalid,
    /// The metric is absent, and a line of the log says so.
    Warned,
    /// The metric has this value.
    Is(f64),
    /// The metric has this value, and one thing is counted as invalid.
    Less(f64),
    /// The label has this value.
    Named(&'static str),
}

use Cell::{Absent as A, Fails as F, Invalid as I, Is, Less, Named as N, Warned as W};

const GB: f64 = 1e9;
/// A figure that may be left out, beside a list that is not empty.
const TOTAL: [Cell; 8] = [A, A, I, Is(7.0 * GB), I, Is(7.0 * GB), I, I];
/// A figure of one thing: left out it is zero, and nonsense costs the thing.
const USAGE: [Cell; 8] = [Is(0.0), Is(0.0), I, Is(7.0 * GB), I, Is(7.0 * GB), I, I];
const COUNT: [Cell; 8] = [Is(0.0), Is(0.0), I, Is(7.0), I, Is(7.0), I, I];
/// A list, and an item of one.
const LIST: [Cell; 8] = [A, A, F, F, F, F, A, F];
const ITEM: [Cell; 8] = [A, F, F, F, F, F, F, F];
/// What identifies a thing, and what is only shown beside that.
const IDENTITY: [Cell; 8] = [F, F, F, N("7"), N("x"), N("7"), F, F];
const NAME: [Cell; 8] = [N(""), N(""), N(""), N("7"), N("x"), N("7"), N(""), N("")];
/// Whether a permission or service account is ready.
const READY: [Cell; 8] = [A, A, Is(1.0), A, Is(0.0), Is(0.0), A, A];

/// One field: where it is, the metric that shows it and the label that does, and what comes of each kind.
pub type Field = (&'static str, &'static str, &'static str, [Cell; 8]);
/// The same for what is a number and makes no sense.
pub type Figure = (&'static str, &'static str, &'static str, [Cell; 5]);

fn rows(collector: Collector, body: &Value, fields: &[Field], numbers: &[Figure]) -> Vec<Row> {
    rows_at(&Asked { collector, endpoint: endpoint(collector), before: Vec::new() }, body, fields, numbers)
}

/// Where a body comes from.
pub struct Asked {
    pub collector: Collector,
    pub endpoint: Endpoint,
    /// What is answered to the questions before.
    pub before: Vec<(Endpoint, Fault)>,
}

/// The rows of a body with each of these fields in turn replaced by each kind.
pub fn rows_at(asked: &Asked, body: &Value, fields: &[Field], numbers: &[Figure]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (path, metric, label, cells) in fields {
        let kinds = kinds().into_iter().zip(cells);
        rows.extend(
            kinds.map(|((kind, value), cell)| row(asked, body, (path, metric, label), kind, value, *cell)),
        );
    }
    for (path, metric, label, cells) in numbers {
        let kinds = figures().into_iter().zip(cells);
        rows.extend(
            kinds.map(|((kind, value), cell)| row(asked, body, (path, metric, label), kind, value, *cell)),
        );
    }
    rows
}

fn row(
    asked: &Asked,
    body: &Value,
    (path, metric, label): (&str, &'static str, &'static str),
    kind: &str,
    value: Option<Value>,
    cell: Cell,
) -> Row {
    let collector = asked.collector;
    let mut body = body.clone();
    match value {
        Some(value) => *body.pointer_mut(path).expect("a field") = value,
        None => remove(&mut body, path),
    }
    let (expected, invalid, warned) = match cell {
        F => (Expected::Fails(Reason::Decode, "the answer is"), 0.0, false),
        A => (Expected::Absent, 0.0, false),
        I => (Expected::Absent, 1.0, false),
        W => (Expected::Absent, 0.0, true),
        Is(value) => (Expected::Value(value), 0.0, false),
        Less(value) => (Expected::Value(value), 1.0, false),
        N(name) => (Expected::Label(label, name), 0.0, false),
    };
    // Only a list or an object in the wrong place names its field.
    let expected = match expected {
        Expected::Fails(reason, _) => Expected::Fails(reason, ""),
        other => other,
    };
    Row {
        name: format!("{collector} {path} = {kind}"),
        collector,
        faults: [&asked.before[..], &[(asked.endpoint, Fault::raw("application/json", body.to_string()))]]
            .concat(),
        metric,
        labels: if metric.starts_with("lyvecloud_credential") {
            vec![("kind", "service_account")]
        } else {
            vec![]
        },
        expected,
        duplicates: 0.0,
        invalid,
        warned,
    }
}

fn remove(body: &mut Value, path: &str) {
    let (parent, key) = path.rsplit_once('/').expect("a path");
    match body.pointer_mut(parent).expect("a parent") {
        Value::Object(fields) => drop(fields.remove(key).expect("a field")),
        Value::Array(items) => drop(items.remove(key.parse().expect("an index"))),
        other => panic!("{other} has no parts"),
    }
}

#[test]
fn of_the_month_to_date() {
    const OWN: &str = "lyvecloud_account_usage_bytes";
    const BUCKETS: &str = "lyvecloud_account_buckets";
    const BUCKET: &str = "lyvecloud_bucket_usage_bytes";
    const ALL: &str = "lyvecloud_account_usage_with_sub_accounts_bytes";
    const SUB: &str = "lyvecloud_sub_account_usage_bytes";
    const TRIAL: &str = "lyvecloud_sub_account_trial_remaining_seconds";
    const DAY: f64 = 86_400.0;
    let body = json!({
        "usageByBucket": {"numBuckets": 1, "totalUsageGB": 2, "buckets": [{"name": "backups", "usageGB": 2}]},
        "usageBySubAccount": {"totalUsageGB": 3, "subAccounts": [{
            "subAccountName": "emea", "subAccountId": "s-1", "usageGB": 1, "users": 3, "serviceAccounts": 2,
            "buckets": 5, "trial": 14, "createTime": "2022-10-16T14:06:51Z"
        }]}
    });
    let fields: [Field; 16] = [
        ("/usageByBucket", OWN, "", [F, F, F, F, F, F, F, Is(0.0)]),
        ("/usageByBucket/totalUsageGB", OWN, "", TOTAL),
        ("/usageByBucket/numBuckets", BUCKETS, "", [A, A, I, Is(7.0), I, Is(7.0), I, I]),
        ("/usageByBucket/buckets", BUCKET, "", [F; 8]),
        ("/usageByBucket/buckets/0", BUCKET, "", [F; 8]),
        ("/usageByBucket/buckets/0/name", BUCKET, "bucket", IDENTITY),
        ("/usageByBucket/buckets/0/usageGB", BUCKET, "", USAGE),
        ("/usageBySubAccount", ALL, "", [A, A, F, F, F, F, F, A]),
        ("/usageBySubAccount/totalUsageGB", ALL, "", TOTAL),
        ("/usageBySubAccount/subAccounts", SUB, "", LIST),
        ("/usageBySubAccount/subAccounts/0", SUB, "", ITEM),
        ("/usageBySubAccount/subAccounts/0/subAccountId", SUB, "sub_account_id", IDENTITY),
        ("/usageBySubAccount/subAccounts/0/subAccountName", SUB, "sub_account", NAME),
        ("/usageBySubAccount/subAccounts/0/usageGB", SUB, "", USAGE),
        (
            "/usageBySubAccount/subAccounts/0/trial",
            TRIAL,
            "",
            [A, A, I, Is(7.0 * DAY), I, Is(7.0 * DAY), I, I],
        ),
        (
            "/usageBySubAccount/subAccounts/0/createTime",
            "lyvecloud_sub_account_created_timestamp_seconds",
            "",
            [A, A, A, A, A, A, A, A],
        ),
    ];
    let counts = [
        ("/usageBySubAccount/subAccounts/0/users", "lyvecloud_sub_account_users"),
        ("/usageBySubAccount/subAccounts/0/serviceAccounts", "lyvecloud_sub_account_service_accounts"),
        ("/usageBySubAccount/subAccounts/0/buckets", "lyvecloud_sub_account_buckets"),
    ];
    let figure = [I, Is(1.5 * GB), I, I, Is(7.0 * GB)];
    let numbers: [Figure; 6] = [
        ("/usageByBucket/totalUsageGB", OWN, "", figure),
        ("/usageByBucket/numBuckets", BUCKETS, "", [I, I, I, I, Is(7.0)]),
        ("/usageByBucket/buckets/0/usageGB", BUCKET, "", figure),
        ("/usageBySubAccount/totalUsageGB", ALL, "", figure),
        ("/usageBySubAccount/subAccounts/0/usageGB", SUB, "", figure),
        ("/usageBySubAccount/subAccounts/0/trial", TRIAL, "", [A, I, I, I, Is(7.0 * DAY)]),
    ];
    let fields: Vec<Field> =
        fields.into_iter().chain(counts.map(|(path, metric)| (path, metric, "", COUNT))).collect();
    let numbers: Vec<Figure> = numbers
        .into_iter()
        .chain(counts.map(|(path, metric)| (path, metric, "", [I, I, I, I, Is(7.0)])))
        .collect();
    play(async |log| play_rows(rows(Collector::CURRENT_USAGE, &body, &fields, &numbers), log).await);
}

#[test]
fn of_the_months() {
    const OWN: &str = "lyvecloud_account_monthly_average_usage_bytes";
    const BUCKET: &str = "lyvecloud_bucket_monthly_average_usage_bytes";
    const SUB: &str = "lyvecloud_sub_account_monthly_average_usage_bytes";
    // Month 8 is September, and 7 is August: nothing here speaks for months that count from 1.
    let body = json!({
        "usageByBucket": [{"year": 2026, "month": 8, "totalUsageGB": 2, "buckets": [{"name": "backups", "usageGB": 2}]}],
        "usageBySubAccount": [{"year": 2026, "month": 8, "totalUsageGB": 1, "subAccounts": [
            {"subAccountName": "emea", "subAccountId": "s-1", "usageGB": 1}
        ]}]
    });
    // A year 7 lies outside every window that can be asked for, so the answer is to another question.
    let year = [F; 8];
    // A month that is left out is January.
    let month = [I, I, F, N("2026-08"), F, N("2026-08"), F, F];
    let fields: [Field; 17] = [
        ("/usageByBucket", OWN, "", LIST),
        ("/usageByBucket/0", OWN, "", ITEM),
        ("/usageByBucket/0/year", OWN, "", year),
        ("/usageByBucket/0/month", OWN, "month", month),
        ("/usageByBucket/0/totalUsageGB", OWN, "", TOTAL),
        ("/usageByBucket/0/buckets", BUCKET, "", LIST),
        ("/usageByBucket/0/buckets/0", BUCKET, "", ITEM),
        ("/usageByBucket/0/buckets/0/name", BUCKET, "bucket", IDENTITY),
        ("/usageByBucket/0/buckets/0/usageGB", BUCKET, "", USAGE),
        ("/usageBySubAccount", SUB, "", LIST),
        ("/usageBySubAccount/0", SUB, "", ITEM),
        ("/usageBySubAccount/0/year", SUB, "", year),
        ("/usageBySubAccount/0/month", SUB, "month", month),
        // It is shown nowhere, as the sum of the sub-accounts says the same.
        (
            "/usageBySubAccount/0/totalUsageGB",
            SUB,
            "",
            [Is(GB), Is(GB), Less(GB), Is(GB), Less(GB), Is(GB), Less(GB), Less(GB)],
        ),
        ("/usageBySubAccount/0/subAccounts", SUB, "", LIST),
        ("/usageBySubAccount/0/subAccounts/0/subAccountId", SUB, "sub_account_id", IDENTITY),
        ("/usageBySubAccount/0/subAccounts/0/subAccountName", SUB, "sub_account", NAME),
    ];
    let figure = [I, Is(1.5 * GB), I, I, Is(7.0 * GB)];
    let numbers: [Figure; 5] = [
        ("/usageByBucket/0/year", OWN, "", [F; 5]),
        ("/usageByBucket/0/month", OWN, "month", [F, F, F, F, N("2026-08")]),
        ("/usageByBucket/0/totalUsageGB", OWN, "", figure),
        ("/usageByBucket/0/buckets/0/usageGB", BUCKET, "", figure),
        ("/usageBySubAccount/0/subAccounts/0/usageGB", SUB, "", figure),
    ];
    play(async |log| play_rows(rows(Collector::MONTHLY_USAGE, &body, &fields, &numbers), log).await);
}

#[test]
fn of_the_session() {
    const END: &str = "lyvecloud_session_expiry_timestamp_seconds";
    let now = super::bodies::second_poll().as_second() as f64;
    // The last second of the calendar: a life that no calendar holds.
    let never = jiff::Timestamp::MAX.as_millisecond() as f64 / 1000.0;
    let body = json!({"expirationSec": 86_400});
    let fields: [Field; 1] = [("/expirationSec", END, "", [F, F, F, Is(now + 7.0), F, Is(now + 7.0), F, F])];
    let numbers: [Figure; 1] = [("/expirationSec", END, "", [F, Is(now + 1.0), Is(never), F, Is(now + 7.0)])];
    play(async |log| play_rows(rows(Collector::CREDENTIALS, &body, &fields, &numbers), log).await);
}

#[test]
fn of_the_service_accounts() {
    const ENABLED: &str = "lyvecloud_service_account_enabled";
    const EXPIRY: &str = "lyvecloud_credential_expiry_timestamp_seconds";
    let body = json!([
        {"id": "sa-1", "name": "veeam", "enabled": true, "readyState": "ready", "expirationDate": "2027-01-31"}
    ]);
    let fields: [Field; 6] = [
        ("/0", ENABLED, "", ITEM),
        ("/0/id", ENABLED, "service_account_id", IDENTITY),
        ("/0/name", ENABLED, "service_account", NAME),
        ("/0/enabled", ENABLED, "", [A, A, Is(1.0), A, A, A, A, A]),
        ("/0/readyState", "lyvecloud_service_account_ready", "", READY),
        ("/0/expirationDate", EXPIRY, "", [A, A, W, W, W, W, W, W]),
    ];
    // An empty text means never.
    let numbers: [Figure; 1] = [("/0/expirationDate", EXPIRY, "", [W, W, W, A, W])];
    play(async |log| play_rows(rows(Collector::SERVICE_ACCOUNTS, &body, &fields, &numbers), log).await);
}

#[test]
fn of_the_permissions() {
    const READY_METRIC: &str = "lyvecloud_permission_ready";
    const COUNTED: &str = "lyvecloud_permissions";
    let body = json!([{"id": "p-1", "name": "all", "type": "all-buckets", "actions": "read-only", "readyState": true}]);
    let fields: [Field; 6] = [
        ("/0", READY_METRIC, "", ITEM),
        ("/0/id", READY_METRIC, "permission_id", IDENTITY),
        ("/0/name", READY_METRIC, "permission", NAME),
        ("/0/type", COUNTED, "permission_type", NAME),
        ("/0/actions", COUNTED, "actions", NAME),
        ("/0/readyState", READY_METRIC, "", READY),
    ];
    play(async |log| play_rows(rows(Collector::PERMISSIONS, &body, &fields, &[]), log).await);
}
