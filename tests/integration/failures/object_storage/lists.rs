//! Lists with things in them twice, or out of order, or that are nobody's.

use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::simulator::{Endpoint, Fault};

use super::super::bodies::{Expected, Row, json, play_rows};
use super::super::play::play;
use super::before;

#[test]
fn that_list_things_twice_or_not_at_all() {
    let row = |(endpoint, collector), name: &str, body: &str, metric, (count, sum), duplicates, invalid| {
        let row = json(collector, &format!("{endpoint:?}: {name}"), "");
        let mut faults = before(endpoint);
        faults.push((endpoint, Fault::raw("application/json", body.to_owned())));
        Row { faults, metric, expected: Expected::Sum(count, sum), duplicates, invalid, ..row }
    };
    let used = |name: &str, days: &str, found, duplicates, invalid| {
        let body = format!(r#"{{"UsedSpace":[{days}]}}"#);
        let metric = "lyvecloud_account_usage_bytes";
        row((Endpoint::Billing, Collector::BILLING), name, &body, metric, found, duplicates, invalid)
    };
    let upload = |name: &str, regions: &str, found, duplicates, invalid| {
        let used = r#""UsedSpace":[{"Date":"2026-11-23T00:00:00Z","UsedSpace":1}]"#;
        let body = format!(r#"{{{used},"Stats":{{{regions}}}}}"#);
        let metric = "lyvecloud_region_day_upload_bytes";
        row((Endpoint::Billing, Collector::BILLING), name, &body, metric, found, duplicates, invalid)
    };
    let listed = |name: &str, buckets: &str, found, duplicates, invalid| {
        let body = format!("<ListAllMyBucketsResult><Buckets>{buckets}</Buckets></ListAllMyBucketsResult>");
        let metric = "lyvecloud_account_buckets";
        row((Endpoint::ListBuckets, Collector::BUCKETS), name, &body, metric, found, duplicates, invalid)
    };
    let sizes = |name: &str, buckets: &str, found, duplicates, invalid| {
        let body = format!("{{{buckets}}}");
        let metric = "lyvecloud_bucket_usage_bytes";
        row((Endpoint::BucketStats, Collector::BUCKETS), name, &body, metric, found, duplicates, invalid)
    };
    let keys = |name: &str, keys: &str, found, duplicates, invalid| {
        let body = format!(
            "<ListAccessKeysResponse><AccessKeyMetadata>{keys}</AccessKeyMetadata></ListAccessKeysResponse>"
        );
        let metric = "lyvecloud_access_key_created_timestamp_seconds";
        row((Endpoint::ListAccessKeys, Collector::KEYS), name, &body, metric, found, duplicates, invalid)
    };
    let day = |date: &str, used: u64| format!(r#"{{"Date":"{date}T00:00:00Z","UsedSpace":{used}}}"#);
    let days =
        |days: &[(&str, u64)]| days.iter().map(|(date, used)| day(date, *used)).collect::<Vec<_>>().join(",");
    let bucket = |name: &str| format!("<Bucket><Name>{name}</Name></Bucket>");
    let key = |id: &str, second: u32| {
        let date = format!("<CreateDate>1970-01-01T00:00:0{second}Z</CreateDate>");
        format!("<member><AccessKeyId>{id}</AccessKeyId><Status>Active</Status>{date}</member>")
    };
    let region = |name: &str, upload: u64| {
        format!(r#""{name}":[{{"Date":"2026-11-23T00:00:00Z","UploadBytes":{upload}}}]"#)
    };
    let rows = vec![
        used("newest first", &days(&[("2026-11-23", 2), ("2026-11-22", 1)]), (1, 2.0), 0.0, 0.0),
        used("oldest first", &days(&[("2026-11-22", 1), ("2026-11-23", 2)]), (1, 2.0), 0.0, 0.0),
        used(
            "in no order",
            &days(&[("2026-11-23", 2), ("2026-11-21", 3), ("2026-11-22", 1)]),
            (1, 2.0),
            0.0,
            0.0,
        ),
        used("the first of two", &days(&[("2026-11-23", 2), ("2026-11-23", 1)]), (1, 2.0), 1.0, 0.0),
        used("a day missing", &days(&[("2026-11-21", 3), ("2026-11-23", 2)]), (1, 2.0), 0.0, 0.0),
        used("the day that is not over", &days(&[("2026-11-23", 2), ("2026-11-24", 9)]), (1, 2.0), 0.0, 0.0),
        used("a day to come", &days(&[("2026-11-23", 2), ("2026-11-25", 9)]), (1, 2.0), 0.0, 0.0),
        used(
            "a day that nobody asked for",
            &days(&[("2020-01-01", 9), ("2026-11-23", 2)]),
            (1, 2.0),
            0.0,
            0.0,
        ),
        used("a last day of zeros", &days(&[("2026-11-22", 2), ("2026-11-23", 0)]), (1, 2.0), 0.0, 0.0),
        used("nothing but zeros", &days(&[("2026-11-22", 0), ("2026-11-23", 0)]), (0, 0.0), 0.0, 0.0),
        used("none", "", (0, 0.0), 0.0, 0.0),
        used("nobody's", &format!(r#"{{}},[],null,"canary",{}"#, day("2026-11-23", 2)), (1, 2.0), 0.0, 4.0),
        used(
            "a figure that no number holds",
            &[r#"{"Date":"2026-11-23T00:00:00Z","UsedSpace":1e400}"#.to_owned(), day("2026-11-22", 2)]
                .join(","),
            (1, 2.0),
            0.0,
            1.0,
        ),
        upload("two regions", &[region("A", 1), region("B", 2)].join(","), (2, 3.0), 0.0, 0.0),
        upload("names differ by case", &[region("A", 1), region("a", 2)].join(","), (2, 3.0), 0.0, 0.0),
        upload("no region", "", (0, 0.0), 0.0, 0.0),
        listed("two", &[bucket("a"), bucket("b")].concat(), (1, 2.0), 0.0, 0.0),
        listed("the first of two", &[bucket("a"), bucket("a"), bucket("b")].concat(), (1, 2.0), 1.0, 0.0),
        listed("nobody's", &[bucket(""), "<Bucket/>".to_owned(), bucket("b")].concat(), (1, 1.0), 0.0, 2.0),
        listed("none", "", (1, 0.0), 0.0, 0.0),
        sizes("one of two", r#""backups":{"size":1},"ghost":{"size":2}"#, (1, 1.0), 0.0, 0.0),
        sizes("the first of two", r#""backups":{"size":1},"backups":{"size":2}"#, (1, 1.0), 1.0, 0.0),
        sizes("none", "", (0, 0.0), 0.0, 0.0),
        keys("two", &[key("A", 1), key("B", 2)].concat(), (2, 3.0), 0.0, 0.0),
        keys("the first of two", &[key("A", 1), key("A", 2)].concat(), (1, 1.0), 1.0, 0.0),
        keys("nobody's", &[key("", 1), key("B", 2)].concat(), (1, 2.0), 0.0, 1.0),
        keys("none", "", (0, 0.0), 0.0, 0.0),
    ];
    play(async |log| play_rows(rows, log).await);
}
