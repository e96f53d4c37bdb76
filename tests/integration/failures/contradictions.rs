//! Answers with 200 that contradict themselves, or what was known before: what was known stays.

use std::time::Duration;

use lyve_cloud_exporter::model::{Collector, Reason};
use lyve_cloud_exporter::simulator::{Endpoint, Fault};

use super::play::play;
use super::second_poll::{Outcome, Row, Wait, play_rows};

/// Long enough for a busy machine: no row waits for it.
const PATIENT: Duration = Duration::from_secs(15);

fn row((endpoint, collector): (Endpoint, Collector), name: &str, body: &str, says: &str) -> Row {
    Row {
        name: format!("{endpoint:?}: {name}"),
        collector,
        faults: vec![(endpoint, Fault::raw("application/json", body.to_owned()))],
        outcome: Outcome::Fails(Reason::Decode),
        wait: Wait::Backoff,
        requests: 1,
        logins: 0.0,
        says: says.to_owned(),
    }
}

pub fn account_v2() -> Vec<Row> {
    let current = |name: &str, body: &str, says: &str| {
        row((Endpoint::CurrentUsage, Collector::CURRENT_USAGE), name, body, says)
    };
    let months = |name: &str, body: &str, says: &str| {
        row((Endpoint::MonthlyUsage, Collector::MONTHLY_USAGE), name, body, says)
    };
    let services = |name: &str, body: &str| {
        let says = "none of the listed service accounts has an id, of ";
        row((Endpoint::ServiceAccounts, Collector::SERVICE_ACCOUNTS), name, body, says)
    };
    let no_name = "none of the listed buckets has a name, of ";
    vec![
        current(
            "a count without a list",
            r#"{"usageByBucket":{"numBuckets":2,"totalUsageGB":30}}"#,
            "buckets are counted, and none is listed",
        ),
        current(
            "a list beside a count of 0",
            r#"{"usageByBucket":{"numBuckets":0,"totalUsageGB":3,"buckets":[{"name":"a","usageGB":3}]}}"#,
            "the count of buckets is 0, and some are listed",
        ),
        current(
            "a total of 0 beside buckets",
            r#"{"usageByBucket":{"numBuckets":1,"totalUsageGB":0,"buckets":[{"name":"a","usageGB":3}]}}"#,
            "the total usage is 0, and buckets with usage are listed",
        ),
        current(
            "a total of 0 beside sub-accounts",
            r#"{"usageByBucket":{},"usageBySubAccount":{"totalUsageGB":0,"subAccounts":[{"subAccountId":"s","usageGB":3}]}}"#,
            "the total usage is 0, and sub-accounts with usage are listed",
        ),
        current(
            "buckets by another field",
            r#"{"usageByBucket":{"totalUsageGB":3,"buckets":[{"bucket":"a","usageGB":1},{"bucket":"b","usageGB":2}]}}"#,
            no_name,
        ),
        current(
            "sub-accounts by another field",
            r#"{"usageByBucket":{},"usageBySubAccount":{"totalUsageGB":1,"subAccounts":[{"id":"s","usageGB":1}]}}"#,
            "none of the listed sub-accounts has an id, of ",
        ),
        months(
            "a total of 0 beside buckets",
            r#"{"usageByBucket":[{"year":2026,"month":8,"totalUsageGB":0,"buckets":[{"name":"a","usageGB":3}]}]}"#,
            "the total of a month of 2026 is 0, and buckets with usage are listed",
        ),
        months(
            "months by another field",
            r#"{"usageByBucket":[{"date":"2026-08","totalUsageGB":3}]}"#,
            "none of the listed months has a year and a month, of ",
        ),
        months(
            "buckets by another field",
            r#"{"usageByBucket":[{"year":2026,"month":8,"totalUsageGB":3,"buckets":[{"bucket":"a","usageGB":3}]}]}"#,
            no_name,
        ),
        services("ids by another field", r#"[{"uid":"sa-1","name":"veeam"},{"uid":"sa-2"}]"#),
        services("no things", "[1,2,null]"),
        row(
            (Endpoint::Permissions, Collector::PERMISSIONS),
            "ids by another field",
            r#"[{"uid":"p-1","type":"policy"}]"#,
            "none of the listed permissions has an id, of ",
        ),
    ]
}

pub fn object_storage() -> Vec<Row> {
    let billing =
        |name: &str, body: &str, says: &str| row((Endpoint::Billing, Collector::BILLING), name, body, says);
    let day = |number: u8, field: &str, figure: u64| {
        format!(r#"{{"Date":"2026-11-{number}T00:00:00Z","{field}":{figure}}}"#)
    };
    let gone = "no day has a figure any more, although 2026-11-23 had one; the last figure stays";
    let zeros = format!(
        r#"{{"Stats":{{}},"UsedSpace":[{},{}],"ObjectCount":[{}]}}"#,
        day(22, "UsedSpace", 0),
        day(23, "UsedSpace", 0),
        day(23, "ObjectCount", 0)
    );
    let objects = format!(
        r#"{{"UsedSpace":[{}],"ObjectCount":[{}]}}"#,
        day(23, "UsedSpace", 0),
        day(23, "ObjectCount", 77)
    );
    let stats = |name: &str, body: &str| {
        let says = "none of the listed buckets has figures, or the name of one that is there, of ";
        row((Endpoint::BucketStats, Collector::BUCKETS), name, body, says)
    };
    let nobody = "<member><Id>1</Id></member>";
    let users = |rest: &str| format!("<ListUsersResponse><Users>{nobody}</Users>{rest}</ListUsersResponse>");
    vec![
        billing("null lists", r#"{"Stats":null,"UsedSpace":null,"ObjectCount":null}"#, gone),
        billing("zeros alone", &zeros, gone),
        billing("days of another time", &format!(r#"{{"UsedSpace":[{}]}}"#, day(25, "UsedSpace", 7)), gone),
        billing(
            "dates of another form",
            r#"{"UsedSpace":[{"Date":"23/11/2026","UsedSpace":7},{"Date":1795392000,"UsedSpace":7}]}"#,
            "none of the listed days of UsedSpace has a date, of ",
        ),
        billing(
            "objects by another field",
            r#"{"UsedSpace":[],"ObjectCount":[{"Day":"2026-11-23","ObjectCount":7}]}"#,
            "none of the listed days of ObjectCount has a date, of ",
        ),
        billing(
            "transfer by another field",
            r#"{"Stats":{"US-EAST-1":[{"Day":"2026-11-23","UploadBytes":7}]}}"#,
            "none of the listed days of Stats has a date, of ",
        ),
        billing("objects without space", &objects, "UsedSpace is 0 on each day, and there are objects"),
        stats("an error", r#"{"code":"AccessDenied","message":"canary"}"#),
        stats("an error within", r#"{"Error":{"Code":"AccessDenied","Message":"canary"}}"#),
        row(
            (Endpoint::ListBuckets, Collector::BUCKETS),
            "buckets by another field",
            "<ListAllMyBucketsResult><Buckets><Bucket><Key>a</Key></Bucket></Buckets></ListAllMyBucketsResult>",
            "none of the listed buckets has a name, of ",
        ),
        row(
            (Endpoint::ListBuckets, Collector::BUCKETS),
            "cut short",
            "<ListAllMyBucketsResult><Buckets><Bucket><Name>a</Name></Bucket></Buckets>\
             <IsTruncated>true</IsTruncated></ListAllMyBucketsResult>",
            "the list of buckets is cut short, and does not say how to ask for the rest",
        ),
        row(
            (Endpoint::UserInfo, Collector::KEYS),
            "users by another field",
            r#"[{"UserName":"veeam","Type":"user"}]"#,
            "none of the listed users has a name, of ",
        ),
        row(
            (Endpoint::ListUsers, Collector::KEYS),
            "users by another field",
            &users(""),
            "none of the listed users has a name, of ",
        ),
        row(
            (Endpoint::ListAccessKeys, Collector::KEYS),
            "keys by another field",
            "<ListAccessKeysResponse><AccessKeyMetadata><member><KeyId>AK</KeyId></member></AccessKeyMetadata>\
             </ListAccessKeysResponse>",
            "none of the listed access keys has an id, of ",
        ),
        endless(),
    ]
}

/// A list that always says that there is more, behind the same marker.
fn endless() -> Row {
    let part = "<ListUsersResponse><Users><member><UserName>veeam</UserName></member></Users>\
                <IsTruncated>true</IsTruncated><Marker>veeam</Marker></ListUsersResponse>";
    let said = "the list has no end: the same marker twice, or more than 100 parts";
    let row = row((Endpoint::ListUsers, Collector::KEYS), "without end", part, said);
    let faults = vec![row.faults[0].clone(), row.faults[0].clone()];
    Row { faults, requests: 2, ..row }
}

#[test]
fn of_an_account_with_the_account_api() {
    play(async |log| play_rows(account_v2(), PATIENT, log).await);
}

#[test]
fn of_an_account_of_object_storage() {
    play(async |log| play_rows(object_storage(), PATIENT, log).await);
}
