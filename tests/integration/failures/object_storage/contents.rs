//! Answers with 200 whose body is another thing than it should be, or has no end.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use lyve_cloud_exporter::model::Reason;
use lyve_cloud_exporter::simulator::{Endpoint, Fault};

use super::super::bodies::{Expected, Row, json, play_rows};
use super::super::play::play;
use super::super::second_poll::{self, Outcome, Wait};
use super::{ENDPOINTS, before};

fn gzipped(body: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// A right answer of each endpoint, and how it shows.
fn right(endpoint: Endpoint) -> (&'static str, &'static str, f64) {
    match endpoint {
        Endpoint::Billing => (
            r#"{"UsedSpace":[{"Date":"2026-11-23T00:00:00Z","UsedSpace":2}]}"#,
            "lyvecloud_account_usage_bytes",
            2.0,
        ),
        Endpoint::ListBuckets => (
            "<ListAllMyBucketsResult><Buckets><Bucket><Name>a</Name></Bucket></Buckets></ListAllMyBucketsResult>",
            "lyvecloud_account_buckets",
            1.0,
        ),
        Endpoint::BucketStats => {
            (r#"{"backups":{"size":2,"objects":1}}"#, "lyvecloud_bucket_usage_bytes", 2.0)
        }
        Endpoint::UserInfo => {
            (r#"[{"Name":"a","PwdMustChange":true}]"#, "lyvecloud_user_password_change_required", 1.0)
        }
        Endpoint::ListUsers => (
            "<ListUsersResponse><Users><member><UserName>veeam</UserName></member></Users></ListUsersResponse>",
            "lyvecloud_access_key_created_timestamp_seconds",
            1_769_904_000.0,
        ),
        Endpoint::ListAccessKeys => (
            "<ListAccessKeysResponse><AccessKeyMetadata><member><AccessKeyId>AK</AccessKeyId>\
             <CreateDate>2026-02-01T00:00:00Z</CreateDate></member></AccessKeyMetadata></ListAccessKeysResponse>",
            "lyvecloud_access_key_created_timestamp_seconds",
            1_769_904_000.0,
        ),
        other => panic!("nobody asks for {other:?}"),
    }
}

/// What is answered to the questions before and after this one, in an account that has nothing.
fn around(endpoint: Endpoint, fault: Fault) -> Vec<(Endpoint, Fault)> {
    let mut faults = before(endpoint);
    faults.push((endpoint, fault));
    match endpoint {
        Endpoint::ListUsers => {
            faults.push((Endpoint::ListAccessKeys, raw(right(Endpoint::ListAccessKeys).0)));
        }
        Endpoint::UserInfo => {
            let none = "<ListAccessKeysResponse/>";
            faults.push((Endpoint::ListAccessKeys, raw(none)));
        }
        _ => {}
    }
    faults
}

fn raw(body: impl Into<bytes::Bytes>) -> Fault {
    Fault::raw("application/octet-stream", body)
}

pub fn other_things() -> Vec<Row> {
    let mut rows = Vec::new();
    for (endpoint, collector) in ENDPOINTS {
        let (right, metric, value) = right(endpoint);
        let is_xml = right.starts_with('<');
        let mut add = |name: &str, fault: Fault, expected| {
            let row = Row { metric, expected, ..json(collector, &format!("{endpoint:?}: {name}"), "") };
            rows.push(Row { faults: around(endpoint, fault), ..row });
        };
        let decode = |says| Expected::Fails(Reason::Decode, says);
        let wrong = decode("the answer ");
        for (name, body) in [("a flag", "true"), ("a number", "7"), ("a text", "\"canary\"")] {
            add(name, raw(body), wrong);
        }
        for (name, body) in [("[]", "[]"), ("{}", "{}"), ("null", "null")] {
            let expected = match (endpoint, body) {
                (Endpoint::Billing, "{}") => decode("none of UsedSpace, ObjectCount and Stats is there"),
                (Endpoint::BucketStats, "{}" | "null") | (Endpoint::UserInfo, "[]" | "null") => {
                    Expected::Absent
                }
                _ => wrong,
            };
            add(name, raw(body), expected);
        }
        add("empty", raw(""), decode("the answer is empty"));
        add("blanks", raw(" \r\n\t"), decode("the answer is empty"));
        add("no content", Fault::empty(204), decode("the answer is empty"));
        add("a page", Fault::html(200), wrong);
        add("prose", raw("canary"), wrong);
        add("an error with 200", raw("<Error><Code>Canary</Code></Error>"), wrong);
        add("more than one", raw(format!("{right}{right}")), wrong);
        add("cut short in itself", raw(right[..right.len() - 1].to_owned()), wrong);
        add("no UTF-8", raw(vec![b'<', b'"', 0xff, b'"']), wrong);
        let deep = if is_xml { "<a>".repeat(100_000) } else { "[".repeat(100_000) };
        add("too deep", raw(deep), wrong);
        add("a type of another kind", Fault::raw("text/html", right), Expected::Value(value));
        let packed = gzipped(right);
        let zipped = |bytes: Vec<u8>| raw(bytes).header("content-encoding", "gzip");
        add("gzip", zipped(packed.clone()), Expected::Value(value));
        let damaged = decode("the answer is damaged: broken compression or chunks");
        add("gzip that is none", zipped(right.into()), damaged);
        add("gzip cut short", zipped(packed[..packed.len() - 9].to_vec()), wrong);
        let mut broken = packed;
        broken[12] ^= 0xff;
        add("gzip with a fault", zipped(broken), damaged);
    }
    rows
}

#[test]
fn that_is_another_thing() {
    play(async |log| play_rows(other_things(), log).await);
}

/// 70 MB of spaces after a right beginning: valid so far, and packed into some kilobytes.
fn bomb(endpoint: Endpoint) -> Fault {
    let (right, _, _) = right(endpoint);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let opening = right.find('>').map_or(1, |end| end + 1);
    encoder.write_all(&right.as_bytes()[..opening]).unwrap();
    let blanks = vec![b' '; 1024 * 1024];
    for _ in 0..70 {
        encoder.write_all(&blanks).unwrap();
    }
    Fault::gzip(encoder.finish().unwrap())
}

pub fn endless() -> Vec<second_poll::Row> {
    const LENGTH: &str = "the answer is longer than 67108864 bytes, which is the most that is read";
    let row = |name: &str, endpoint, collector, fault, says: &str| second_poll::Row {
        name: format!("{endpoint:?}: {name}"),
        collector,
        faults: vec![(endpoint, fault)],
        outcome: Outcome::Fails(Reason::Decode),
        wait: Wait::Backoff,
        requests: 1,
        logins: 0.0,
        says: says.to_owned(),
    };
    let mut rows = Vec::new();
    for (endpoint, collector) in ENDPOINTS {
        match endpoint {
            // Each way to read is there once; more of them take long.
            Endpoint::Billing | Endpoint::ListUsers => {
                rows.push(row("a bomb", endpoint, collector, bomb(endpoint), LENGTH));
            }
            Endpoint::BucketStats | Endpoint::ListAccessKeys => {
                // Whichever bound comes first.
                rows.push(row("endless", endpoint, collector, Fault::Endless, "the answer"));
            }
            _ => {}
        }
    }
    rows
}

#[test]
fn that_is_endless() {
    play(async |log| second_poll::play_rows(endless(), Duration::from_secs(180), log).await);
}
