//! Restarts of Prometheus and of the exporter, with the shipped rules in a hurry.

use std::time::Duration;

use lyve_cloud_exporter::config::Config;
use lyve_cloud_exporter::model::Expiry;
use lyve_cloud_exporter::simulator::Fault;
use regex::Regex;

use super::restarts::{patient_alertmanager, told};
use super::{alerting, hurried_rules, stage_behind};
use crate::programs::{Program, eventually, free_port};
use crate::stage::minutes;
use crate::webhook::Webhook;

/// What stands for a minute, milliseconds.
const MINUTE: u64 = 4000;

#[tokio::test]
async fn a_restart_of_prometheus_or_the_exporter_or_both_ends_no_alert_of_the_rules() {
    let webhook = Webhook::start().await;
    let alertmanager = Program::alertmanager(&patient_alertmanager(&webhook)).await;
    let stage = stage_behind(30).await;
    let account = |name: &str| {
        let mut account = stage.account(name);
        account.credential = Expiry::Never;
        account
    };
    stage.simulator.account("unreadable").fail_always(None, Fault::empty(503));
    let mut config = Config::of(vec![account("unreadable"), account("rejected")]);
    (config.poll.current_usage, config.poll.credentials, config.poll.inventory) =
        (minutes(1), minutes(1), minutes(1));
    let _ = stage.simulator.account("rejected").regenerate();
    let start = async |address| {
        let exporter = stage.start_at(address, stage.deps(config.clone())).await;
        exporter.until("everything was polled once", |store| store.ready()).await;
        exporter
    };
    let address = free_port();
    let mut exporter = Some(start(address).await);
    let other = stage.start(stage.deps(Config::of(vec![]))).await;

    let directory = tempfile::tempdir().unwrap();
    let rules = hurried_rules(&directory, MINUTE);
    let text = std::fs::read_to_string(&rules).unwrap();
    let ranges = Regex::new(r"(\[|offset )5m\b").unwrap();
    let text = ranges.replace_all(&text, format!("${{1}}{}s", 5 * MINUTE / 1000));
    let text = text.replace("interval: 30s", &format!("interval: {}ms", MINUTE / 2));
    std::fs::write(&rules, text).unwrap();
    let targets = format!("['{address}', '{}']", other.address);
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: {MINUTE}ms}}\nscrape_configs:\n  - job_name: lyve-cloud-exporter\n    \
         static_configs: [{{targets: {targets}}}]\n{}",
        alerting(&rules, &alertmanager)
    );
    // As it is by default: a minute between two posts, and ten minutes of grace.
    let resend = format!("--rules.alert.resend-delay={MINUTE}ms");
    let grace = format!("--rules.alert.for-grace-period={}ms", 10 * MINUTE);
    let mut prometheus = Program::prometheus_with(&config, &[&resend, &grace]).await;
    eventually("both exporters are known", async || {
        prometheus.value("count(target:lyvecloud_exporter_up:last == 1) == 2").await
    })
    .await;
    other.stop().await.unwrap();
    let alerts = [
        "LyveCloudExporterDown critical",
        "LyveCloudAccountDown warning unreadable",
        "LyveCloudCredentialRejected critical",
    ];
    let names = alerts.map(|alert| alert.split(' ').next().unwrap()).join("|");
    let firing = format!("count(ALERTS{{alertname=~\"{names}\",account!=\"\",alertstate=\"firing\"}}) >= 2");
    let all_told = || {
        let told = told(&webhook);
        alerts.iter().all(|alert| told.keys().any(|key| key.starts_with(alert)))
    };
    let patience = Duration::from_millis(40 * MINUTE);
    tokio::time::timeout(patience, async {
        while !all_told() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("{:?}", told(&webhook)));

    for (prometheus_ends, exporter_restarts) in
        [(Some("-TERM"), false), (None, true), (Some("-KILL"), true), (Some("-TERM"), false)]
    {
        if exporter_restarts && let Some(exporter) = exporter.take() {
            exporter.stop().await.unwrap();
        }
        if let Some(signal) = prometheus_ends {
            prometheus.restart(signal).await;
        }
        if exporter_restarts {
            exporter = Some(start(address).await);
        }
        eventually("the alerts fire again", async || prometheus.value(&firing).await).await;
        // For longer than an Alertmanager keeps what is not sent again.
        tokio::time::sleep(Duration::from_millis(6 * MINUTE)).await;
    }
    let told = told(&webhook);
    for alert in alerts {
        let of: Vec<_> = told.iter().filter(|(key, _)| key.starts_with(alert)).collect();
        assert!(of.len() == 1 && *of[0].1 == ["firing"], "{alert}: {told:#?}");
    }
}
