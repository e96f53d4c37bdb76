//! The exporter's own warnings and those of the shipped rules are the same, word for word: each credential's situation is
//! shown to both, and promtool compares them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use lyve_cloud_exporter::config::Config;
use lyve_cloud_exporter::model::{Collector, Expiry};
use lyve_cloud_exporter::notify::{Round, Sources, alerts};
use lyve_cloud_exporter::simulator::{ExpirationDate, ServiceAccount, User};
use serde_json::{Value, json};

use crate::programs::repository;
use crate::stage::{Exporter, Stage, at, hours};

/// promtool's time begins in 1970, and it counts every hour up to here.
const NOW: &str = "1970-06-01T00:00:00Z";

/// Longer than any alert waits before it is reported.
const HELD: Duration = hours(2);

/// Accounts whose credentials and access keys are in each of the situations that are warned of.
async fn troubled(stage: &Stage) -> Exporter {
    let acme = stage.simulator.account("acme");
    let mut acme =
        acme.service_account(ServiceAccount::new("sa-vague", "vague").expires(ExpirationDate::Missing));
    for (id, end) in [
        ("weeks", "1970-06-21T06:30:00Z"),
        ("days", "1970-06-06T00:00:00Z"),
        ("day", "1970-06-02T12:00:00Z"),
        ("hour", "1970-06-01T01:59:59Z"),
        ("minute", "1970-06-01T00:01:00Z"),
        ("now", NOW),
        ("past", "1970-05-01T00:00:00Z"),
    ] {
        acme = acme.service_account(ServiceAccount::new(id, &format!("{id} of \"acme\"")).expires(at(end)));
    }
    let ended = at("1970-05-31T00:00:00Z");
    stage.simulator.account("ended").expire_credentials_at(ended);
    let accounts = [
        ("acme", Expiry::Unknown),
        ("ended", Expiry::At(ended)),
        ("ends", Expiry::At(at("1970-06-04T00:00:00Z"))),
        ("contradicted", Expiry::At(at("1970-05-20T00:00:00Z"))),
        ("rejected", Expiry::Never),
    ];
    let accounts = accounts.map(|(name, credential)| {
        let mut account = stage.account(name);
        account.credential = credential;
        account
    });
    stage.simulator.account("rejected").regenerate();
    let backup = User::new("backup \"a\"", at("1970-01-01T00:00:00Z"))
        .key("AK-YOUNG", at("1970-05-01T00:00:00Z"))
        .key("AK-WEEKS", at("1970-03-15T12:00:00Z"))
        .key("AK-HOURS", at("1970-03-03T20:00:00Z"))
        .key("AK-NOW", at("1970-03-03T00:00:00Z"))
        .key("AK-OLD", at("1970-01-05T00:00:00Z"))
        .inactive_key("AK-OFF", at("1970-01-05T00:00:00Z"));
    let _ = stage.simulator.object_storage_account("keys").user(backup);
    // Due after 90 days.
    let keys = stage.object_storage_account("keys");
    stage.polled_exporter(Config::of(accounts.into_iter().chain([keys]).collect())).await
}

/// Every alert that the notifier sends, by its name, as promtool expects alerts. Those of the rules have the target's job.
fn sent(exporter: &Exporter) -> BTreeMap<String, Vec<Value>> {
    let (mut round, now) = (Round::default(), exporter.now());
    let states = exporter.store.snapshot();
    let (active, sources) = (alerts(&states, now), Sources::of(&states));
    round.update(active.clone(), &sources, now.saturating_sub(HELD).expect("an instant"));
    round.update(active, &sources, now);
    let mut sent: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for post in round.posts(now) {
        let post = serde_json::to_value(post).expect("JSON");
        let mut labels = post["labels"].as_object().expect("labels").clone();
        let name = labels.remove("alertname").expect("a name");
        labels.insert("job".to_owned(), "j".into());
        let expected = json!({"exp_labels": labels, "exp_annotations": post["annotations"]});
        sent.entry(name.as_str().expect("a text").to_owned()).or_default().push(expected);
    }
    sent
}

#[tokio::test]
async fn the_exporters_own_warnings_and_the_rules_are_the_same_word_for_word() {
    let stage = Stage::on(NOW).await;
    let exporter = troubled(&stage).await;
    assert_eq!(exporter.polls("acme", Collector::SERVICE_ACCOUNTS), 1);
    let hour = at(NOW).as_second() / 3600;
    let samples = exporter.scrape().await;
    let of_credentials =
        |name: &str| name.starts_with("lyvecloud_credential_") || name.starts_with("lyvecloud_access_key_");
    let series = samples.0.iter().filter(|sample| of_credentials(&sample.name)).map(|sample| {
        let labels = sample.labels.iter().fold(String::new(), |mut labels, (name, value)| {
            write!(labels, "{name}={value:?},").expect("memory");
            labels
        });
        // Absent at first, then the same for some hours.
        json!({
            "series": format!("{}{{{labels}job=\"j\",instance=\"i\"}}", sample.name),
            "values": format!("_x{} {}x9", hour - 5, sample.value),
        })
    });
    let sent = sent(&exporter);
    let names: BTreeSet<&str> = sent.keys().map(String::as_str).collect();
    let cases = sent.iter().map(
        |(name, alerts)| json!({"eval_time": format!("{hour}h"), "alertname": name, "exp_alerts": alerts}),
    );
    let test = json!({
        "rule_files": [repository("deploy/prometheus/rules.yml")],
        "evaluation_interval": "1h",
        "tests": [{
            "interval": "1h",
            "input_series": series.collect::<Vec<_>>(),
            "alert_rule_test": cases.collect::<Vec<_>>(),
        }],
    });
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("same.json");
    std::fs::write(&file, test.to_string()).expect("a file");
    let output = Command::new("promtool").args(["test", "rules"]).arg(&file).output().expect("promtool");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));

    let rules = std::fs::read_to_string(repository("deploy/prometheus/rules.yml")).expect("the rules");
    let about_credentials =
        regex::Regex::new(r"alert: (LyveCloud(?:Credential|AccessKey)\w+)").expect("a pattern");
    let all: BTreeSet<&str> =
        about_credentials.captures_iter(&rules).map(|found| found.extract::<1>().1[0]).collect();
    assert_eq!(names, all, "each is compared");
}
