//! Answers that are not as documented: the report names it in words, the gauge counts it, and a replay has the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use lyve_cloud_exporter::clock::{Clock, Manual};
use lyve_cloud_exporter::command::Replay;
use lyve_cloud_exporter::simulator::{Endpoint, Fault, MonthBase, Simulator};
use serde_json::{Value, json};

use super::checked;
use crate::samples::Samples;
use crate::stage::{NOW, Stage, at, fill_archive};

fn clock() -> Manual {
    Manual::new(at(NOW))
}

/// A vendor of both platforms whose answers are as documented.
async fn vendor(clock: &Manual) -> Simulator {
    let simulator = Simulator::start(Arc::new(clock.clone())).await.unwrap();
    simulator
        .account("acme-id")
        .access_key("key")
        .secret("secret")
        .bucket("backups", 12.5)
        .bucket("media", 7.0);
    fill_archive(simulator.object_storage_account("archive")).access_key("key").secret("secret");
    simulator
}

fn config(simulator: &Simulator) -> Value {
    let (base, url) = (simulator.base_url(), simulator.object_storage_url());
    json!({
        "accounts": [
            {"name": "acme", "base_url": base, "account_id": "acme-id", "access_key": "key", "secret": "secret"},
            {"name": "archive", "api": "object_storage", "iam_url": url, "s3_url": url, "access_key": "key",
             "secret": "secret"},
        ],
    })
}

/// The deviations that a report names, by account and endpoint.
fn named(report: &str) -> BTreeMap<(String, String), Vec<String>> {
    let (mut account, mut endpoint) = (String::new(), String::new());
    let mut found: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for line in report.lines() {
        if let Some(heading) = line.strip_prefix("## Account ") {
            account = heading.split(':').next().unwrap().to_owned();
        } else if let Some(name) = line.strip_prefix("### ") {
            endpoint = name.to_owned();
        } else if let Some(words) = line.strip_prefix("- **Not as documented:** ") {
            found.entry((account.clone(), endpoint.clone())).or_default().push(words.to_owned());
        }
    }
    found
}

/// How many deviations the gauge counts, by account and endpoint, where it counts any.
fn counted(metrics: &str, names: &[&str]) -> BTreeMap<(String, String), String> {
    let samples = Samples::parse(metrics);
    let mut counted = BTreeMap::new();
    for (index, account) in names.iter().enumerate() {
        for &endpoint in lyve_cloud_exporter::model::Endpoint::ALL {
            let labels = [("account", *account), ("endpoint", endpoint.name())];
            let value = samples.value("lyvecloud_api_contract_deviations", &labels);
            if let Some(value) = value.filter(|value| *value > 0.0) {
                counted.insert(((index + 1).to_string(), endpoint.name().to_owned()), value.to_string());
            }
        }
    }
    counted
}

async fn metrics(config: lyve_cloud_exporter::config::Config, clock: &Manual) -> String {
    let simulator = Simulator::start(Arc::new(clock.clone())).await.unwrap();
    let stage = Stage { clock: clock.clone(), simulator };
    stage.polled_exporter(config).await.get("/metrics").await.text()
}

fn loaded(config: &Value) -> lyve_cloud_exporter::config::Config {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.json");
    std::fs::write(&path, config.to_string()).unwrap();
    lyve_cloud_exporter::config::load(Some(&path), &BTreeMap::new()).unwrap()
}

/// What the report, the gauge and the replay have of a vendor that answers like this.
async fn shows(name: &str, prepare: impl FnOnce(&Simulator), endpoint: &str, words: &[&str]) {
    let clock = clock();
    let simulator = vendor(&clock).await;
    prepare(&simulator);
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let (findings, report) = checked(&config(&simulator), Arc::clone(&shared)).await;
    let named = named(&report);
    let of_endpoint: Vec<_> =
        named.iter().filter(|((_, of), _)| of == endpoint).flat_map(|(_, w)| w).collect();
    assert_eq!(of_endpoint.len(), words.len(), "{name}: {of_endpoint:#?}");
    for (found, wanted) in of_endpoint.iter().zip(words) {
        assert!(found.contains(wanted), "{name}: {found} has no {wanted}");
        // The terminal says the same.
        assert!(findings.shown(None).contains(found.trim_end_matches('.')), "{name}");
    }
    assert_eq!(named.len(), 1, "{name}: {named:#?}");

    let counts: BTreeMap<_, _> =
        named.iter().map(|(place, words)| (place.clone(), words.len().to_string())).collect();
    let gauge = counted(&metrics(loaded(&config(&simulator)), &clock).await, &["acme", "archive"]);
    assert_eq!(gauge, counts, "{name}: the gauge");

    let replay = Replay::start(&report, Arc::clone(&shared)).await.unwrap();
    let replayed = counted(&metrics(replay.config().unwrap(), &clock).await, &["account-1", "account-2"]);
    assert_eq!(replayed, counts, "{name}: the replay");
    let (_, again) = lyve_cloud_exporter::command::check(
        replay.config().unwrap(),
        &lyve_cloud_exporter::api::Proxies::default(),
        shared,
    )
    .await
    .unwrap();
    let ids = |report: &str| -> Vec<String> {
        self::named(report).into_values().flatten().map(|w| without_counts(&w)).collect()
    };
    assert_eq!(ids(&again), ids(&report), "{name}: the report of the replay");
}

/// A sentence without how many of how many it is about.
fn without_counts(words: &str) -> String {
    words.chars().filter(|c| !c.is_ascii_digit()).collect::<String>().replace("  of ", " of ")
}

fn raw(body: &Value) -> Fault {
    Fault::raw("application/json", body.to_string())
}

fn service_accounts(change: impl Fn(&mut serde_json::Map<String, Value>)) -> Fault {
    let one = |index: u32| {
        let mut fields = json!({
            "id": format!("id-{index}"), "name": "veeam", "description": "", "enabled": true, "readyState": true,
            "expirationDate": "2027-01-31",
        });
        change(fields.as_object_mut().unwrap());
        fields
    };
    raw(&json!([one(1), one(2), one(3)]))
}

#[tokio::test]
async fn each_is_named_counted_and_replayed() {
    let set = |key: &'static str, value: Value| {
        move |simulator: &Simulator| {
            let fault = service_accounts(|fields| {
                if value.is_null() {
                    fields.remove(key)
                } else {
                    fields.insert(key.to_owned(), value.clone())
                };
            });
            simulator.fail_always(Endpoint::ServiceAccounts, fault);
        }
    };
    let answers = |endpoint: Endpoint, body: Value| {
        move |simulator: &Simulator| simulator.fail_always(endpoint, raw(&body))
    };
    let accounts = "GET /service-accounts";
    shows("missing", set("expirationDate", Value::Null), accounts, &["is not in any of 3 service accounts"])
        .await;
    shows("date", set("expirationDate", json!("31/01/2027")), accounts, &["text like `99/99/9999`"]).await;
    shows("epoch", set("expirationDate", json!(1_798_675_200)), accounts, &["a whole number in 3 of 3"])
        .await;
    shows(
        "new",
        set("region", json!("us-east-1")),
        accounts,
        &["`region` is new in 3 of 3 service accounts: a text"],
    )
    .await;
    shows(
        "text",
        answers(
            Endpoint::CurrentUsage,
            json!({"usageByBucket": {"numBuckets": 1, "totalUsageGB": "12.5", "buckets": [{"name": "a", "usageGB": 12.5}]}}),
        ),
        "GET /usage/current",
        &["`totalUsageGB` is a number with a fraction as text"],
    )
    .await;
    shows(
        "enumeration",
        answers(
            Endpoint::Permissions,
            json!([{"id": "p", "name": "n", "type": "tenant-scope", "readyState": true, "actions": "read-only"}]),
        ),
        "GET /permissions",
        &["`type` has a value that is not documented, other (12 letters)"],
    )
    .await;
    shows(
        "page",
        answers(Endpoint::Permissions, json!({"items": [], "nextToken": "x", "total": 0})),
        "GET /permissions",
        &["the answer is an object, where a list was expected"],
    )
    .await;
    let base =
        |simulator: &Simulator| simulator.configure(|settings| settings.answer_month_base = MonthBase::One);
    shows("months", base, "GET /usage/monthly", &["`month` counts from 1, which shows in"]).await;
    shows(
        "names as keys",
        answers(
            Endpoint::CurrentUsage,
            json!({"usageByBucket": {"totalUsageGB": 1.5, "buckets": {"backups": 1.5}}}),
        ),
        "GET /usage/current",
        &["`buckets` is an object, where a list was expected"],
    )
    .await;
    shows(
        "missing here and there",
        answers(
            Endpoint::BucketStats,
            json!({"a": {"size": 1, "objects": 1}, "b": {"size": 2}, "c": {"size": 3}}),
        ),
        "rs-bucket-stats",
        &["`objects` is missing from 2 of 3 buckets"],
    )
    .await;
    shows(
        "null",
        answers(
            Endpoint::Permissions,
            json!([{"id": "p", "name": "n", "type": "policy", "readyState": null}]),
        ),
        "GET /permissions",
        &["`readyState` is null, where true or false was expected"],
    )
    .await;
    shows(
        "an element",
        |simulator: &Simulator| {
            let body = "<ListUsersResponse><ListUsersResult><Users><member><UserName>alice</UserName><CreateDate>yesterday 1\
                        </CreateDate></member></Users></ListUsersResult></ListUsersResponse>";
            simulator.fail_always(Endpoint::ListUsers, Fault::raw("text/xml", body));
        },
        "ListUsers",
        &["`CreateDate` is a text like `aaaaaaaaa 9`"],
    )
    .await;
}

#[tokio::test]
async fn what_is_as_documented_has_no_deviation_and_replays() {
    let clock = clock();
    let simulator = vendor(&clock).await;
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let (_, report) = checked(&config(&simulator), Arc::clone(&shared)).await;
    assert_eq!(named(&report), BTreeMap::new());
    // As it is pasted into an issue.
    let pasted = format!("### The report\r\n\r\n{}\r\n", report.replace('\n', "\r\n"));
    let replay = Replay::start(&pasted, shared).await.unwrap();
    assert_eq!(replay.left_out, Vec::<String>::new());
    let text = metrics(replay.config().unwrap(), &clock).await;
    assert_eq!(counted(&text, &["account-1", "account-2"]), BTreeMap::new());
    let samples = Samples::parse(&text);
    for account in ["account-1", "account-2"] {
        assert_eq!(samples.value("lyvecloud_up", &[("account", account)]), Some(1.0), "{account}\n{report}");
    }
    assert_eq!(samples.value("lyvecloud_account_buckets", &[("account", "account-1")]), Some(1.0), "10^0");
}

#[tokio::test]
async fn a_file_that_is_no_report_is_rejected() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.md");
    let title = "# How Lyve Cloud answers: a report of lyve-cloud-exporter";
    let account = format!("{title}\n## Account 1: account_v2\n### GET /permissions\n");
    for (text, says) in [
        ("# Something else\n".to_owned(), "it does not hold the line"),
        (format!("{title}\n"), "it has no account"),
        (format!("{account}| `[]` | some objects |\n"), "line 4 cannot be understood"),
        (format!("{account}| `[]` | 5000000000 × object |\n"), "line 4 cannot be understood"),
        (format!("{account}| `{}` | 1 × list |\n", "[]".repeat(1000)), "line 4 cannot be understood"),
        (account.replace("GET /permissions", "GET /nothing"), "line 3 cannot be understood"),
    ] {
        std::fs::write(&path, text).unwrap();
        let mut program = crate::binary::program();
        let output =
            program.args(["demo", "--web.listen-address=127.0.0.1:0", "--from-report"]).arg(&path).output();
        let output = output.await.unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), error.contains(says)), (Some(2), true), "{error}");
    }
}

#[tokio::test]
async fn figures_that_do_not_fit_are_told_without_their_values() {
    let clock = clock();
    let simulator = vendor(&clock).await;
    let body = json!({"usageByBucket": {"numBuckets": 1, "totalUsageGB": 125.5, "buckets": [{"name": "a", "usageGB": 12.5}]}});
    simulator.fail_always(Endpoint::CurrentUsage, raw(&body));
    let (findings, report) = checked(&config(&simulator), Arc::new(clock)).await;
    for text in [findings.shown(None), report] {
        assert_eq!(
            text.matches("the buckets together differ from the total by more than 1 %").count(),
            1,
            "{text}"
        );
    }
}
