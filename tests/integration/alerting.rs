//! From what the vendor shows to a message that a person reads, with the real programs in between.

mod doubtful;
mod many;
mod outage;
mod restarts;
mod rules_restarts;
mod thresholds;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lyve_cloud_exporter::clock::{Clock as _, Manual, System, after};
use lyve_cloud_exporter::config::{Alertmanager, Config};
use lyve_cloud_exporter::model::{Collector, Expiry};
use lyve_cloud_exporter::simulator::{ServiceAccount, Simulator};
use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

use crate::programs::{Program, eventually, repository};
use crate::prometheus::scraping;
use crate::samples::Samples;
use crate::stage::{Exporter, Stage, minutes};
use crate::webhook::Webhook;

/// What `--web.external-url` says.
const STATUS_PAGE: &str = "https://monitoring.example/lyve/";
const SOON: &str = "LyveCloudCredentialExpiresSoon";
const EXPIRED: &str = "LyveCloudCredentialExpired";
const DAY: Duration = Duration::from_secs(86_400);

/// The shipped configuration, with one receiver for all and without its patience.
pub fn shipped_alertmanager(webhook: &Webhook) -> String {
    let shipped = std::fs::read_to_string(repository("deploy/alertmanager/alertmanager.yml")).unwrap();
    let (routing, _) = shipped.split_once("\nreceivers:").expect("receivers");
    let routing = Regex::new(r"(group_wait|group_interval): \w+").unwrap().replace_all(routing, "$1: 1s");
    let template = repository("deploy/alertmanager/lyve-cloud.tmpl");
    let routing = routing.replace("lyve-cloud.tmpl", template.to_str().unwrap());
    let hook = format!("webhook_configs: [{{url: 'http://{}/', send_resolved: true}}]", webhook.address);
    let receivers: String = ["lyve-cloud-page", "lyve-cloud-mail", "lyve-cloud-note", "lyve-cloud-watchdog"]
        .map(|name| format!("  - name: {name}\n    {hook}\n"))
        .concat();
    format!("{routing}\nreceivers:\n  - name: everything-else\n{receivers}")
}

/// A stage whose clock is so many minutes behind the system's, which the real programs follow: what is moved forwards
/// stays in their past.
async fn stage_behind(minutes: i64) -> Stage {
    let clock = Manual::new(System.now().saturating_sub(jiff::SignedDuration::from_mins(minutes)).unwrap());
    let simulator = Simulator::start(Arc::new(clock.clone())).await.unwrap();
    Stage { clock, simulator }
}

/// What lets Prometheus evaluate these rules and send to an Alertmanager.
fn alerting(rules: &Path, alertmanager: &Program) -> String {
    format!(
        "rule_files: ['{}']\nalerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}\n",
        rules.display(),
        alertmanager.address
    )
}

/// The shipped rules with waits that a test can wait for, so many milliseconds for a minute, and each group every second.
fn hurried_rules(directory: &TempDir, minute: u64) -> PathBuf {
    let rules = std::fs::read_to_string(repository("deploy/prometheus/rules.yml")).unwrap();
    // The accounts recover one after the other, as fast as this machine polls them.
    let rules = rules.replace("keep_firing_for: 10m", "keep_firing_for: 45s");
    let wait = Regex::new(r"(?m)^( +for: )(\d+)(m|h|d)$").unwrap();
    let rules = wait.replace_all(&rules, |found: &regex::Captures<'_>| {
        let number: u64 = found[2].parse().unwrap();
        let minutes = match &found[3] {
            "m" => number,
            "h" => number * 60,
            _ => number * 24 * 60,
        };
        format!("{}{}ms", &found[1], minutes * minute)
    });
    let path = directory.path().join("rules.yml");
    std::fs::write(
        &path,
        rules.replace("interval: 4m", "interval: 1s").replace("interval: 30s", "interval: 1s"),
    )
    .unwrap();
    path
}

/// A vendor whose service account `veeam` ends in five days, and an exporter of it.
pub async fn ending_soon(alertmanager: Option<&Program>) -> (Stage, Exporter, jiff::Timestamp) {
    let stage = stage_behind(3).await;
    let end = after(System.now(), 5 * DAY + minutes(60));
    stage
        .simulator
        .account("acme")
        .bucket("backups", 1.0)
        .service_account(ServiceAccount::new("sa-1", "veeam").expires(end));
    let mut account = stage.account("acme");
    account.credential = Expiry::Never;
    let mut config = Config::of(vec![account]);
    config.poll.inventory = minutes(1);
    config.alertmanager = alertmanager.map(|program| Alertmanager {
        urls: vec![format!("http://{}", program.address).parse().unwrap()],
        basic_auth: None,
        ca_file: None,
        external_url: None,
    });
    let mut deps = stage.deps(config);
    deps.web.external_url = Some(STATUS_PAGE.parse().unwrap());
    let exporter = stage.start(deps).await;
    exporter.until("everything was polled once", |store| store.ready()).await;
    (stage, exporter, end)
}

/// The alerts that an Alertmanager holds as active and not silenced by another.
async fn active(alertmanager: &Program, name: &str) -> Vec<Value> {
    let path = format!("/api/v2/alerts?active=true&inhibited=false&filter=alertname%3D{name}");
    alertmanager.get(&path).await.json().as_array().expect("a list").clone()
}

fn says_all(alert: &Value, end: jiff::Timestamp) {
    let labels = &alert["labels"];
    assert_eq!(labels["account"], "acme");
    assert_eq!(labels["kind"], "service_account");
    assert_eq!((&labels["credential_id"], &labels["credential"]), (&"sa-1".into(), &"veeam".into()));
    let description = alert["annotations"]["description"].as_str().unwrap();
    let date = end.to_string();
    for told in ["acme", "veeam", &date[..10], "5d"] {
        let told_in_words = told == "5d" && description.contains("5 days");
        assert!(description.contains(told) || told_in_words, "{told} in: {description}");
    }
    assert!(
        alert["annotations"]["runbook_url"].as_str().unwrap().ends_with(&format!("#{}", SOON.to_lowercase()))
    );
}

#[tokio::test]
async fn a_service_account_that_ends_in_five_days_reaches_a_person_through_the_rules() {
    let webhook = Webhook::start().await;
    let alertmanager = Program::alertmanager(&shipped_alertmanager(&webhook)).await;
    let (stage, exporter, end) = ending_soon(None).await;
    let more = alerting(&repository("deploy/prometheus/rules.yml"), &alertmanager);
    let _prometheus = Program::prometheus(&scraping(&exporter, &more)).await;
    let acme = stage.simulator.account("acme");

    let notified =
        eventually("a person is warned", async || webhook.notified("firing", SOON, "critical").pop()).await;
    says_all(&notified, end);
    assert_eq!(active(&alertmanager, SOON).await.len(), 1, "the critical step silences the warning");

    acme.set_service_account_expiry("sa-1", after(end, 400 * DAY));
    exporter.next_poll("acme", Collector::SERVICE_ACCOUNTS, minutes(1)).await;
    eventually("the cure is told", async || webhook.notified("resolved", SOON, "critical").pop()).await;

    webhook.forget();
    acme.set_service_account_expiry("sa-1", stage.clock.now());
    exporter.next_poll("acme", Collector::SERVICE_ACCOUNTS, minutes(1)).await;
    let expired =
        eventually("the end is told", async || webhook.notified("firing", EXPIRED, "critical").pop()).await;
    assert_eq!(expired["labels"]["credential"], "veeam");
    let path = format!("/api/v2/alerts?active=true&filter=alertname%3D{SOON}");
    let still = alertmanager.get(&path).await.json();
    assert_eq!(still.as_array().unwrap().len(), 2, "both steps fire on past the end: {still}");
    assert_eq!(
        webhook.notified("resolved", SOON, "critical"),
        [Value::Null; 0],
        "and nothing is called cured"
    );
}

#[tokio::test]
async fn the_same_reaches_a_person_without_any_prometheus() {
    let webhook = Webhook::start().await;
    let alertmanager = Program::alertmanager(&shipped_alertmanager(&webhook)).await;
    let (stage, exporter, end) = ending_soon(Some(&alertmanager)).await;
    let acme = stage.simulator.account("acme");
    // The first round may have come before the first poll.
    exporter.next_poll("acme", Collector::SERVICE_ACCOUNTS, minutes(1)).await;
    let notified =
        eventually("a person is warned", async || webhook.notified("firing", SOON, "critical").pop()).await;
    says_all(&notified, end);
    assert_eq!(notified["generatorURL"], STATUS_PAGE);
    assert_eq!(active(&alertmanager, SOON).await.len(), 1);
    assert_eq!(active(&alertmanager, "LyveCloudCredentialExpiryUnknown").await, [Value::Null; 0]);

    webhook.forget();
    acme.set_service_account_expiry("sa-1", stage.clock.now());
    exporter.next_poll("acme", Collector::SERVICE_ACCOUNTS, minutes(1)).await;
    stage.clock.advance(minutes(1));
    eventually("the end is told", async || webhook.notified("firing", EXPIRED, "critical").pop()).await;
    assert_eq!(webhook.notified("resolved", SOON, "critical"), [Value::Null; 0]);

    let delivered = [("result", "delivered")];
    let counted = async || {
        let samples: Samples = exporter.scrape().await;
        samples.value("lyvecloud_exporter_notifications_total", &delivered).filter(|count| *count >= 2.0)
    };
    eventually("the posts are counted", counted).await;
}

#[tokio::test]
async fn a_cure_is_told_without_any_prometheus() {
    let webhook = Webhook::start().await;
    let alertmanager = Program::alertmanager(&shipped_alertmanager(&webhook)).await;
    let (stage, exporter, end) = ending_soon(Some(&alertmanager)).await;
    exporter.next_poll("acme", Collector::SERVICE_ACCOUNTS, minutes(1)).await;
    eventually("a person is warned", async || webhook.notified("firing", SOON, "critical").pop()).await;
    stage.simulator.account("acme").set_service_account_expiry("sa-1", after(end, 400 * DAY));
    exporter.next_poll("acme", Collector::SERVICE_ACCOUNTS, minutes(1)).await;
    stage.clock.advance(minutes(1));
    eventually("the cure is told", async || webhook.notified("resolved", SOON, "critical").pop()).await;
}

#[tokio::test]
async fn an_alertmanager_that_is_away_is_counted_and_holds_up_nothing() {
    let away = crate::programs::free_port();
    let stage = Stage::new().await;
    let (_, mut config) = stage.acme();
    config.accounts[0].credential = Expiry::At(stage.clock.now());
    config.alertmanager = Some(Alertmanager {
        urls: vec![format!("http://{away}").parse().unwrap()],
        basic_auth: None,
        ca_file: None,
        external_url: None,
    });
    let exporter = stage.polled_exporter(config).await;
    let failed = [("result", "failed")];
    let counted = async || {
        let samples = exporter.scrape().await;
        samples.value("lyvecloud_exporter_notifications_total", &failed).filter(|count| *count >= 1.0)
    };
    eventually("the failure is counted", counted).await;
    exporter.next_poll("acme", Collector::CURRENT_USAGE, minutes(15)).await;
}
