use proptest::prelude::*;

use super::*;

fn read(body: &str) -> Collected<CurrentUsage> {
    current(body.as_bytes()).unwrap()
}

fn invalid<T>(answer: &Collected<T>) -> u64 {
    answer.dropped.get(DropReason::Invalid)
}

#[test]
fn a_master_account() {
    let answer = read(
        r#"{"usageByBucket": {"numBuckets": 2, "totalUsageGB": 4491.96,
            "buckets": [{"name": "media", "usageGB": 3957.45}, {"name": "backups", "usageGB": "534.51"}]},
         "usageBySubAccount": {"totalUsageGB": 4612.46,
            "subAccounts": [{"subAccountName": "emea", "subAccountId": "8d1c", "usageGB": 120.5, "users": 3,
                "serviceAccounts": "2", "buckets": 7, "trial": -1, "createTime": "2022-10-16T14:06:51.494Z"},
                {"subAccountId": 17, "trial": 12, "createTime": "soon", "region": {"a": []}}]}}"#,
    );
    assert_eq!(answer.dropped, Dropped::default());
    let bucket = |name: &str, usage_bytes| BucketUsage { name: name.into(), usage_bytes };
    assert_eq!(
        answer.data,
        CurrentUsage {
            usage_bytes: Some(4_491_960_000_000),
            bucket_count: Some(2),
            buckets: vec![bucket("backups", 534_510_000_000), bucket("media", 3_957_450_000_000)],
            usage_with_sub_accounts_bytes: Some(4_612_460_000_000),
            sub_accounts: vec![
                SubAccount {
                    id: "17".into(),
                    name: "".into(),
                    usage_bytes: Some(0),
                    users: Some(0),
                    service_accounts: Some(0),
                    buckets: Some(0),
                    trial_days: Some(12),
                    created: None,
                },
                SubAccount {
                    id: "8d1c".into(),
                    name: "emea".into(),
                    usage_bytes: Some(120_500_000_000),
                    users: Some(3),
                    service_accounts: Some(2),
                    buckets: Some(7),
                    trial_days: None,
                    created: Some("2022-10-16T14:06:51.494Z".parse().unwrap()),
                },
            ],
        }
    );
}

#[test]
fn totals_that_are_left_out_are_zero_only_beside_an_empty_list() {
    for (body, usage, count) in [
        (r#"{"usageByBucket":{}}"#, Some(0), Some(0)),
        (r#"{"usageByBucket":{"buckets":null}}"#, Some(0), Some(0)),
        (r#"{"usageByBucket":{"buckets":[],"totalUsageGB":null}}"#, Some(0), Some(0)),
        (r#"{"usageByBucket":{"buckets":[{"name":"a","usageGB":1}]}}"#, None, None),
        (r#"{"usageByBucket":{"totalUsageGB":3}}"#, Some(3_000_000_000), Some(0)),
    ] {
        let answer = read(body);
        assert_eq!(answer.data.usage_bytes, usage, "{body}");
        assert_eq!(answer.data.bucket_count, count, "{body}");
        assert_eq!(invalid(&answer), 0);
    }
}

#[test]
fn who_is_a_master_account() {
    for (subs, expected) in [
        ("null", None),
        ("{}", None),
        (r#"{"totalUsageGB":0,"subAccounts":[]}"#, None),
        (r#"{"totalUsageGB":0}"#, None),
        (r#"{"totalUsageGB":2}"#, Some(2_000_000_000)),
        (r#"{"totalUsageGB":0,"subAccounts":[{"subAccountId":"a"}]}"#, Some(0)),
        (r#"{"subAccounts":[{"subAccountId":"a"}]}"#, None),
        (r#"{"totalUsageGB":-2}"#, None),
    ] {
        let answer = read(&format!(r#"{{"usageBySubAccount":{subs},"usageByBucket":{{}}}}"#));
        assert_eq!(answer.data.usage_with_sub_accounts_bytes, expected, "{subs}");
    }
    assert_eq!(read(r#"{"usageByBucket":{}}"#).data.usage_with_sub_accounts_bytes, None);
}

#[test]
fn one_bad_item_costs_itself_alone() {
    let answer = read(
        r#"{"usageByBucket":{"totalUsageGB":1e11,"numBuckets":"many","buckets":[
            {"name":"a","usageGB":-1},{"name":"b","usageGB":{}},{"name":"","usageGB":1},{"usageGB":1},
            {"name":["c"]},{"name":"d","usageGB":"NaN"},null,5,{"name":"e","usageGB":1},{"name":"f"}]},
          "usageBySubAccount":{"totalUsageGB":1,"subAccounts":[{"subAccountName":"x","usageGB":1},
            {"subAccountId":"y","usageGB":1e12},{"subAccountId":"z","users":-3,"buckets":[1],"trial":"x"}]}}"#,
    );
    let names: Vec<_> = answer.data.buckets.iter().map(|bucket| &*bucket.name).collect();
    assert_eq!(names, ["e", "f"]);
    assert_eq!(answer.data.usage_bytes, None);
    assert_eq!(answer.data.bucket_count, None);
    assert_eq!(answer.data.sub_accounts.len(), 1);
    let sub_account = &answer.data.sub_accounts[0];
    assert_eq!(&*sub_account.id, "z");
    assert_eq!((sub_account.users, sub_account.buckets, sub_account.trial_days), (None, None, None));
    assert_eq!(sub_account.service_accounts, Some(0));
    // Eight buckets, two totals, two sub-accounts, three figures of the third.
    assert_eq!(invalid(&answer), 15);
}

#[test]
fn of_duplicates_the_first_stays() {
    let answer = read(
        r#"{"usageByBucket":{"totalUsageGB":1,"numBuckets":1,"buckets":[{"name":"b","usageGB":1},
            {"name":"a","usageGB":2},{"name":"b","usageGB":3},{"name":"b","usageGB":4}]},
          "usageBySubAccount":{"totalUsageGB":1,"subAccounts":[{"subAccountId":"x","subAccountName":"first"},
            {"subAccountId":"x","subAccountName":"second"}]}}"#,
    );
    let buckets: Vec<_> = answer
        .data
        .buckets
        .iter()
        .map(|bucket| (&*bucket.name, bucket.usage_bytes / 1_000_000_000))
        .collect();
    assert_eq!(buckets, [("a", 2), ("b", 1)]);
    assert_eq!(&*answer.data.sub_accounts[0].name, "first");
    assert_eq!(answer.dropped.get(DropReason::Duplicate), 3);
}

#[test]
fn an_answer_of_another_shape_is_rejected() {
    for (body, text) in [
        ("{}", "usageByBucket is missing"),
        (r#"{"usageByBucket":null}"#, "usageByBucket is missing"),
        (r#"{"usageByBucket":[]}"#, "usageByBucket is a list, where an object was expected"),
        (r#"{"usageByBucket":{"buckets":"canary"}}"#, "buckets is a text, where a list was expected"),
        (
            r#"{"usageByBucket":{},"usageBySubAccount":7}"#,
            "usageBySubAccount is a number, where an object was expected",
        ),
        (
            r#"{"usageByBucket":{},"usageBySubAccount":{"subAccounts":{}}}"#,
            "subAccounts is an object, where a list was expected",
        ),
        ("[]", "the answer is a list, where an object was expected"),
        (r#"{"usageByBucket":{"buckets":[{"name":"a"}"#, "the answer ended early, in line 1 column 41"),
    ] {
        assert_eq!(&*current(body.as_bytes()).unwrap_err(), text, "{body}");
    }
}

#[test]
fn a_list_that_comes_again_and_again_has_an_end_too() {
    let list = format!(r#""buckets":[{}]"#, vec![r#"{"name":"a"}"#; 500_001].join(","));
    let body = format!(r#"{{"usageByBucket":{{{list},{list}}}}}"#);
    let rejected = "the answer lists more than 1000000 things, which is the most that is read";
    assert_eq!(&*current(body.as_bytes()).unwrap_err(), rejected);
}

proptest! {
    #[test]
    fn arbitrary_json_never_panics(body in crate::api::arbitrary::json(&[
        "usageByBucket", "usageBySubAccount", "buckets", "subAccounts", "name", "usageGB", "totalUsageGB",
        "numBuckets", "subAccountId", "trial", "users", "createTime",
    ])) {
        if let Ok(answer) = current(body.as_bytes()) {
            prop_assert!(answer.data.buckets.is_sorted_by(|a, b| a.name < b.name));
            prop_assert!(answer.data.sub_accounts.is_sorted_by(|a, b| a.id < b.id));
        }
    }
}
