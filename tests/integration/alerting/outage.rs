//! An outage of the vendor is reported as what it is, also where nothing of the months is missing any more.

use lyve_cloud_exporter::clock::Clock as _;
use lyve_cloud_exporter::config::Config;
use lyve_cloud_exporter::model::{Collector, Expiry, Month};
use lyve_cloud_exporter::simulator::Fault;
use serde_json::Value;

use super::{alerting, hurried_rules, shipped_alertmanager, stage_behind};
use crate::programs::{Program, eventually};
use crate::prometheus::scraping;
use crate::stage::{Stage, minutes};
use crate::webhook::Webhook;

const DOWN: &str = "LyveCloudAccountDown";

/// The shipped intervals, but for the months, so that one of their polls falls into the outage. All months are known.
async fn stage() -> (Stage, Config) {
    let stage = stage_behind(25).await;
    let mut acme = stage.simulator.account("acme").bucket("backups", 1.0);
    let newest = Month::of(stage.clock.now()).plus(-1);
    for back in 0..6 {
        acme = acme.month(newest.plus(-back), &[("backups", 1.0)]);
    }
    let mut account = stage.account("acme");
    account.credential = Expiry::Never;
    let mut config = Config::of(vec![account]);
    config.poll.monthly_usage = minutes(10);
    (stage, config)
}

/// Waits for the mail, and until everything that could make another one fires.
async fn told_once(prometheus: &Program, webhook: &Webhook) {
    eventually("the outage is told", async || webhook.notified("firing", DOWN, "warning").pop()).await;
    let failing = r#"count(ALERTS{alertname="LyveCloudCollectorFailing",alertstate="firing"})"#;
    eventually("collectors fail for longer", async || prometheus.value(failing).await).await;
    let messages = webhook.messages();
    assert_eq!(messages.len(), 1, "{messages:#?}");
    assert!(messages[0].iter().all(|alert| alert["labels"]["alertname"] == DOWN), "{messages:#?}");
}

#[tokio::test]
async fn a_total_outage_is_one_mail_within_a_quarter_of_an_hour() {
    let webhook = Webhook::start().await;
    let alertmanager = Program::alertmanager(&shipped_alertmanager(&webhook)).await;
    let (stage, config) = stage().await;
    let exporter = stage.polled_exporter(config).await;
    let directory = tempfile::tempdir().unwrap();
    let more = alerting(&hurried_rules(&directory, 200), &alertmanager);
    let prometheus = Program::prometheus(&scraping(&exporter, &more)).await;
    let well = "target:lyvecloud_collector_up:max == 1";
    eventually("the account is evaluated", async || prometheus.value(well).await).await;
    assert_eq!(webhook.messages(), [[Value::Null; 0]; 0]);

    stage.simulator.fail_always(None, Fault::empty(503));
    // The lists are not asked for within this time.
    stage.clock.advance(minutes(15));
    let asked = [Collector::CURRENT_USAGE, Collector::MONTHLY_USAGE, Collector::CREDENTIALS];
    exporter
        .until("whatever was asked has failed", |store| {
            let state = store.snapshot().remove(0);
            asked.iter().all(|collector| !state.collector_up(*collector)) && !state.up()
        })
        .await;
    assert!(exporter.state("acme").collector_up(Collector::SERVICE_ACCOUNTS));
    told_once(&prometheus, &webhook).await;
}

#[tokio::test]
async fn an_outage_over_a_restart_is_one_mail_too() {
    let webhook = Webhook::start().await;
    let alertmanager = Program::alertmanager(&shipped_alertmanager(&webhook)).await;
    let (stage, mut config) = stage().await;
    let directory = tempfile::tempdir().unwrap();
    config.state_file = Some(directory.path().join("state.json"));
    stage.polled_exporter(config.clone()).await.stop().await.unwrap();

    stage.simulator.fail_always(None, Fault::empty(503));
    stage.clock.advance(minutes(5));
    let exporter = stage.exporter(config).await;
    exporter
        .until("everything was tried", |store| {
            let state = store.snapshot().remove(0);
            state.spec.collectors.iter().all(|collector| state.health(*collector).failing.is_some())
        })
        .await;
    let months = "lyvecloud_account_monthly_average_usage_bytes";
    assert_eq!(exporter.scrape().await.all(months, &[]).len(), 6, "what was known stays");
    let more = alerting(&hurried_rules(&directory, 200), &alertmanager);
    let prometheus = Program::prometheus(&scraping(&exporter, &more)).await;
    told_once(&prometheus, &webhook).await;
}
