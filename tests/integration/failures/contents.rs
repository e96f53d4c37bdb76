//! Answers with 200 whose body is another thing than it should be, or has no end.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::model::Reason;
use lyve_cloud_exporter::simulator::Fault;

use super::bodies::{Expected, Row, json, play_rows, second_poll};
use super::play::{endpoint, play};
use super::second_poll::{self, Outcome, Wait};

fn gzipped(body: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// A right answer of each endpoint, and how it shows.
fn right(collector: Collector) -> (&'static str, &'static str, f64) {
    match collector {
        Collector::CURRENT_USAGE => {
            (r#"{"usageByBucket":{"totalUsageGB":2}}"#, "lyvecloud_account_usage_bytes", 2e9)
        }
        Collector::MONTHLY_USAGE => (
            r#"{"usageByBucket":[{"year":2026,"month":8,"totalUsageGB":2}]}"#,
            "lyvecloud_account_monthly_average_usage_bytes",
            2e9,
        ),
        Collector::CREDENTIALS => (
            r#"{"expirationSec":7}"#,
            "lyvecloud_session_expiry_timestamp_seconds",
            second_poll().as_second() as f64 + 7.0,
        ),
        Collector::SERVICE_ACCOUNTS => {
            (r#"[{"id":"sa-1","enabled":true}]"#, "lyvecloud_service_account_enabled", 1.0)
        }
        Collector::PERMISSIONS => (r#"[{"id":"p-1","readyState":true}]"#, "lyvecloud_permission_ready", 1.0),
        other => panic!("the Account API v2 has no {other}"),
    }
}

pub fn other_things() -> Vec<Row> {
    let mut rows = Vec::new();
    for collector in Collector::ACCOUNT_V2 {
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
            Collector::SERVICE_ACCOUNTS | Collector::PERMISSIONS => {
                (Expected::Absent, decode(wanted), Expected::Absent)
            }
            // The wire leaves out what is empty: there is no month with data.
            Collector::MONTHLY_USAGE => (decode(wanted), Expected::Absent, decode(wanted)),
            Collector::CURRENT_USAGE => (decode(wanted), decode("usageByBucket is missing"), decode(wanted)),
            Collector::CREDENTIALS => (decode(wanted), decode("expirationSec is missing"), decode(wanted)),
            other => panic!("the Account API v2 has no {other}"),
        };
        add("[]", raw("[]"), empty_list);
        add("{}", raw("{}"), empty_object);
        add("null", raw("null"), null);
        add(
            "an error with 200",
            raw(r#"{"code":"Canary","message":"canary"}"#),
            match collector {
                Collector::MONTHLY_USAGE => decode("neither usageByBucket nor usageBySubAccount"),
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
        add(
            "two byte order marks",
            raw(&format!("\u{feff}\u{feff}{right}")),
            decode("the answer is not JSON"),
        );
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
    rows
}

#[test]
fn that_is_another_thing() {
    play(async |log| play_rows(other_things(), log).await);
}

fn with_status(status: u16, body: &str) -> Fault {
    Fault::Answer {
        status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_owned().into(),
    }
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

/// More of nothing than any list has.
fn far_too_many() -> Fault {
    Fault::raw("application/json", format!("[{}0]", "0,".repeat(1_000_000)))
}

pub fn endless() -> Vec<second_poll::Row> {
    let long = "the answer is longer than 67108864 bytes, which is the most that is read";
    let many = "the answer lists more than 1000000 things, which is the most that is read";
    let row = |name: &str, collector: Collector, fault, says: &str| second_poll::Row {
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
        row("endless", Collector::CREDENTIALS, Fault::Endless, long),
        row("a list of too many", Collector::SERVICE_ACCOUNTS, far_too_many(), many),
        row("a bomb", Collector::CURRENT_USAGE, bomb(Collector::CURRENT_USAGE), long),
    ];
    rows
}

#[test]
fn that_is_endless() {
    play(async |log| second_poll::play_rows(endless(), Duration::from_secs(180), log).await);
}
