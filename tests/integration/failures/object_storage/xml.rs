//! Every field of every answer in XML, written in every way that is right, and in some that are not.

use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::model::Reason;
use lyve_cloud_exporter::simulator::{Endpoint, Fault};

use super::super::bodies::{Expected, Row, json, play_rows};
use super::super::play::play;
use super::before;

/// What comes of a way to write an element.
#[derive(Clone, Copy)]
enum Read {
    /// The text.
    Text,
    /// Nothing: the element is as good as missing.
    Nothing,
    /// The whole answer is of no use.
    Fails,
}

/// Ways to write the element `%E%` with the text `%T%` in it.
fn ways() -> Vec<(&'static str, String, Read)> {
    use Read::{Fails, Nothing, Text};
    let long = format!("<%E%>{}</%E%>", "x".repeat(100_000));
    let ways = [
        ("plain", "<%E%>%T%</%E%>", Text),
        ("with blanks around", "<%E%>\n  %T%\t</%E%>", Text),
        ("as CDATA", "<%E%><![CDATA[%T%]]></%E%>", Text),
        ("half as CDATA", "<%E%><![CDATA[]]>%T%</%E%>", Text),
        ("with a prefix", "<p:%E% xmlns:p=\"urn:x\">%T%</p:%E%>", Text),
        ("with attributes", "<%E% a=\"canary\" b='1'>%T%</%E%>", Text),
        ("with a comment", "<%E%><!-- canary -->%T%</%E%>", Text),
        ("beside an unknown one", "<Canary><%E%>canary</%E%></Canary><%E%>%T%</%E%>", Text),
        ("twice", "<%E%>%T%</%E%><%E%>second</%E%>", Text),
        ("missing", "", Nothing),
        ("empty", "<%E%></%E%>", Nothing),
        ("empty in short", "<%E%/>", Nothing),
        ("blank", "<%E%> \n </%E%>", Nothing),
        ("with an element in its place", "<%E%><T/></%E%>", Nothing),
        ("in another case", "<e>T</e>", Nothing),
        ("with an unknown entity", "<%E%>&canary;</%E%>", Fails),
        ("with no character", "<%E%>&#x110000;</%E%>", Fails),
        ("not closed", "<%E%>%T%", Fails),
        ("closed as another", "<%E%>%T%</F>", Fails),
        ("with half a tag", "<%E%>%T%</%E%", Fails),
    ];
    let mut ways: Vec<_> = ways.map(|(name, text, read)| (name, text.to_owned(), read)).into();
    ways.push(("too long", long, Nothing));
    ways
}

/// A field: its element, a text for it, the document around it, and what is seen of the text and of nothing.
struct Field {
    endpoint: Endpoint,
    collector: Collector,
    element: &'static str,
    text: &'static str,
    document: &'static str,
    metric: &'static str,
    seen: Expected,
    /// What nothing comes to, and whether that is counted.
    unseen: (Expected, f64),
}

fn fields() -> Vec<Field> {
    const CREATED: &str = "lyvecloud_access_key_created_timestamp_seconds";
    const DUE: &str = "lyvecloud_access_key_rotation_due_timestamp_seconds";
    let key = |element, text, document, metric, seen, unseen| Field {
        endpoint: Endpoint::ListAccessKeys,
        collector: Collector::KEYS,
        element,
        text,
        document,
        metric,
        seen,
        unseen,
    };
    vec![
        Field {
            endpoint: Endpoint::ListBuckets,
            collector: Collector::BUCKETS,
            element: "Name",
            text: "backups",
            document: "<ListAllMyBucketsResult><Owner><Name>canary</Name></Owner><Buckets><Bucket>{}\
                       <CreationDate>2026-01-01T00:00:00Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>",
            metric: "lyvecloud_account_buckets",
            seen: Expected::Value(1.0),
            unseen: (Expected::Fails(Reason::Decode, "none of the listed buckets has a name"), 0.0),
        },
        Field {
            endpoint: Endpoint::ListUsers,
            collector: Collector::KEYS,
            element: "UserName",
            text: "veeam",
            document: "<ListUsersResponse><ListUsersResult><Users><member>{}<UserId>7</UserId></member></Users>\
                       </ListUsersResult></ListUsersResponse>",
            metric: CREATED,
            seen: Expected::Label("user", "veeam"),
            unseen: (Expected::Fails(Reason::Decode, "none of the listed users has a name"), 0.0),
        },
        key(
            "AccessKeyId",
            "AK7",
            "<ListAccessKeysResponse><AccessKeyMetadata><member>{}<Status>Active</Status>\
             <CreateDate>1970-01-01T00:00:07Z</CreateDate></member></AccessKeyMetadata></ListAccessKeysResponse>",
            CREATED,
            Expected::Label("access_key_id", "AK7"),
            (Expected::Fails(Reason::Decode, "none of the listed access keys has an id"), 0.0),
        ),
        key(
            "CreateDate",
            "1970-01-01T00:00:07.123Z",
            "<ListAccessKeysResponse><AccessKeyMetadata><member><AccessKeyId>AK7</AccessKeyId>\
             <Status>Active</Status>{}</member></AccessKeyMetadata></ListAccessKeysResponse>",
            CREATED,
            Expected::Value(7.123),
            (Expected::Absent, 0.0),
        ),
        key(
            "Status",
            "Active",
            "<ListAccessKeysResponse><AccessKeyMetadata><member><AccessKeyId>AK7</AccessKeyId>\
             <CreateDate>1970-01-01T00:00:07Z</CreateDate>{}</member></AccessKeyMetadata></ListAccessKeysResponse>",
            DUE,
            Expected::Value(7.0 + 90.0 * 86_400.0),
            (Expected::Absent, 0.0),
        ),
    ]
}

#[test]
fn fields_written_in_every_way() {
    let mut rows = Vec::new();
    for field in fields() {
        for (name, way, read) in ways() {
            let element = way.replace("%E%", field.element).replace("%T%", field.text);
            let body = field.document.replace("{}", &element);
            let (expected, invalid) = match read {
                Read::Text => (field.seen, 0.0),
                Read::Nothing => field.unseen,
                Read::Fails => (Expected::Fails(Reason::Decode, "the answer "), 0.0),
            };
            let mut faults = before(field.endpoint);
            faults.push((field.endpoint, Fault::raw("text/xml", body)));
            if field.endpoint == Endpoint::ListUsers {
                let keys = "<ListAccessKeysResponse><AccessKeyMetadata><member><AccessKeyId>A</AccessKeyId>\
                            <CreateDate>2026-11-01T00:00:00Z</CreateDate></member></AccessKeyMetadata>\
                            </ListAccessKeysResponse>";
                faults.push((Endpoint::ListAccessKeys, Fault::raw("text/xml", keys)));
            }
            let row = json(field.collector, &format!("{:?} {} {name}", field.endpoint, field.element), "");
            rows.push(Row { faults, metric: field.metric, expected, invalid, ..row });
        }
    }
    play(async |log| play_rows(rows, log).await);
}

#[test]
fn dates_of_access_keys() {
    let mut rows = Vec::new();
    let seconds = |second: f64| Expected::Value(1_793_491_200.0 + second);
    for (date, expected) in [
        ("2026-11-01T00:00:00Z", seconds(0.0)),
        ("2026-11-01T00:00:00.5Z", seconds(0.5)),
        ("2026-11-01T00:00:00.123456789Z", seconds(0.123)),
        ("2026-11-01T01:00:00+01:00", seconds(0.0)),
        ("0001-01-01T00:00:00Z", Expected::Absent),
        ("0001-01-01T00:00:00.000000000Z", Expected::Absent),
        ("2026-02-30T00:00:00Z", Expected::Absent),
        ("soon", Expected::Absent),
    ] {
        let body = format!(
            "<ListAccessKeysResponse><AccessKeyMetadata><member><AccessKeyId>A</AccessKeyId><CreateDate>{date}\
             </CreateDate></member></AccessKeyMetadata></ListAccessKeysResponse>"
        );
        let mut faults = before(Endpoint::ListAccessKeys);
        faults.push((Endpoint::ListAccessKeys, Fault::raw("text/xml", body)));
        let metric = "lyvecloud_access_key_created_timestamp_seconds";
        rows.push(Row { faults, metric, expected, ..json(Collector::KEYS, date, "") });
    }
    play(async |log| play_rows(rows, log).await);
}
