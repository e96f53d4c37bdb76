use proptest::prelude::*;

use super::*;
use crate::model::Endpoint;

fn shape(endpoint: Endpoint, body: &str) -> Shape {
    Shape::of(Contract::of(endpoint), Months::default(), body.as_bytes())
}

fn rows(shape: &Shape) -> Vec<String> {
    shape.to_string().lines().skip(2).map(str::to_owned).collect()
}

#[test]
fn a_shape_has_types_and_counts_and_no_value() {
    let body = r#"[{"id": "canary", "name": "canary", "enabled": true, "expirationDate": "2026-01-31"},
        {"id": 7654321, "name": "", "enabled": "true", "expirationDate": "31/01/2026", "weight": 1234.5},
        {"id": "canary", "expirationDate": "2026-01-31T10:00:00.123Z", "enabled": null, "weight": -0.5}]"#;
    assert_eq!(
        rows(&shape(Endpoint::ServiceAccounts, body)),
        [
            "| `(answer)` | 1 × list |",
            "| `[]` | 3 × object |",
            "| `[].enabled` | 1 × null, 1 × true or false, 1 × true or false as text |",
            "| `[].expirationDate` | 1 × date, 1 × instant (3 digits of a second), 1 × text like `99/99/9999` |",
            "| `[].id` | 1 × whole number, 2 × text, of the order 10^6 |",
            "| `[].name` | 1 × empty text, 1 × text |",
            "| `[].weight` | 2 × number with a fraction, of the orders -10^-1 to 10^3 |",
        ]
    );
}

#[test]
fn xml_has_the_same_shapes() {
    let body = "<?xml version=\"1.0\"?><x:ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata><member>\
                <AccessKeyId>CANARY</AccessKeyId><Status>Active</Status><CreateDate>2026-01-31T10:00:00Z</CreateDate>\
                </member><member><Status>Paused</Status><CreateDate/></member></AccessKeyMetadata></ListAccessKeysResult>\
                <ResponseMetadata><RequestId>canary</RequestId></ResponseMetadata></x:ListAccessKeysResponse>";
    assert_eq!(
        rows(&shape(Endpoint::ListAccessKeys, body)),
        [
            "| `(answer)` | 1 × object |",
            "| `AccessKeyMetadata` | 1 × list |",
            "| `AccessKeyMetadata[]` | 2 × object |",
            "| `AccessKeyMetadata[].AccessKeyId` | 1 × text |",
            "| `AccessKeyMetadata[].CreateDate` | 1 × empty text, 1 × instant (0 digits of a second) |",
            "| `AccessKeyMetadata[].Status` | 1 × `Active`, 1 × other (6 letters) |",
        ]
    );
}

#[test]
fn keys_that_could_be_names_are_left_out() {
    for (endpoint, body) in [
        // Names where names belong.
        (
            Endpoint::BucketStats,
            r#"{"canary": {"size": 1, "objects": 2}, "canarytwo": {"size": 1, "objects": 2}}"#,
        ),
        // A map where a list was.
        (Endpoint::CurrentUsage, r#"{"usageByBucket": {"buckets": {"canary": {"usageGB": 1}}}}"#),
        // Names among known keys.
        (Endpoint::ServiceAccounts, r#"[{"id": "1", "canary": 1, "canaryb": 2, "canaryc": 3}]"#),
        (Endpoint::ServiceAccounts, r#"[{"id": "1", "name": "x", "canary": 1}, {"id": "1"}, {"id": "1"}]"#),
        // Names below what is new.
        (Endpoint::Session, r#"{"expirationSec": 1, "token": "x", "owners": {"canary": 1}}"#),
        (Endpoint::Session, r#"{"canary": 1}"#),
    ] {
        let shape = shape(endpoint, body);
        assert!(!shape.to_string().contains("canary"), "{shape}");
    }
    let named =
        shape(Endpoint::ServiceAccounts, r#"{"data": [{"id": "a", "region": "x"}], "nextToken": ""}"#);
    let rows = rows(&named);
    assert!(rows.contains(&"| `data[].id` | 1 × text |".to_owned()), "{rows:?}");
    assert!(rows.contains(&"| `nextToken` | 1 × empty text |".to_owned()), "{rows:?}");
}

#[test]
fn a_beginning_does_not_tell_what_is_missing() {
    let cut = shape(
        Endpoint::CurrentUsage,
        r#"{"usageByBucket": {"buckets": [{"name": "a", "usageGB": 1}, {"usageGB""#,
    );
    assert_eq!(cut.at("").map(Seen::whole_objects), Some(0));
    assert_eq!(cut.at("usageByBucket.buckets[]").map(Seen::whole_objects), Some(1));
    assert_eq!(Contract::of(Endpoint::CurrentUsage).deviations(&cut), []);
}

#[test]
fn answers_of_one_endpoint_add_up() {
    let mut both = shape(Endpoint::MonthlyUsage, r#"{"usageByBucket": [{"year": 2026, "month": 0}]}"#);
    both.merge(shape(Endpoint::MonthlyUsage, r#"{"usageByBucket": [{"year": 2025, "month": 11}]}"#));
    let month = both.at("usageByBucket[].month").unwrap();
    assert_eq!(month.to_string(), "2 × whole number, from 0 to 11");
}

proptest! {
    #[test]
    fn a_shape_reads_back(body in crate::api::arbitrary::json(&[
        "usageByBucket", "buckets", "name", "usageGB", "month", "expirationDate", "data",
    ])) {
        for endpoint in [Endpoint::MonthlyUsage, Endpoint::ServiceAccounts, Endpoint::BucketStats] {
            let shape = shape(endpoint, &body);
            let mut again = Shape::default();
            for row in rows(&shape) {
                again.add_row(&row).unwrap();
            }
            prop_assert_eq!(again.to_string(), shape.to_string());
        }
    }

    #[test]
    fn the_largest_answers_have_small_shapes(keys in prop::collection::vec("[a-zA-Z]{1,60}", 0..300)) {
        let object: serde_json::Map<String, serde_json::Value> =
            keys.iter().map(|key| (key.clone(), serde_json::json!({ key.as_str(): { key.as_str(): [[1]] } }))).collect();
        let body = serde_json::json!({ "usageByBucket": object }).to_string();
        prop_assert!(shape(Endpoint::CurrentUsage, &body).nodes.len() <= 500);
    }
}
