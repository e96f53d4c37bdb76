//! What concerns a thousand things is told in few messages.

use std::time::Duration;

use lyve_cloud_exporter::clock::{Clock as _, System, after};
use lyve_cloud_exporter::config::{Alertmanager, Config};
use lyve_cloud_exporter::model::{Collector, Expiry};
use lyve_cloud_exporter::simulator::{Fault, ServiceAccount};
use serde_json::Value;

use super::{alerting, hurried_rules, shipped_alertmanager, stage_behind};
use crate::programs::{Program, eventually};
use crate::prometheus::scraping;
use crate::stage::minutes;
use crate::webhook::Webhook;

const ACCOUNTS: usize = 1000;

/// How many alerts of a name an Alertmanager holds, and how many of them another one silences.
async fn held(alertmanager: &Program, name: &str) -> (usize, usize) {
    let path = format!("/api/v2/alerts?filter=alertname%3D{name}");
    let alerts = alertmanager.get(&path).await.json();
    let alerts = alerts.as_array().expect("a list");
    let silenced = alerts.iter().filter(|alert| alert["status"]["state"] == "suppressed");
    (alerts.len(), silenced.count())
}

/// Polls everything each minute, so that an outage is seen soon.
fn quick(config: &mut Config) {
    (config.poll.current_usage, config.poll.credentials, config.poll.inventory) =
        (minutes(1), minutes(1), minutes(1));
}

#[tokio::test]
async fn the_vendor_is_down_for_a_thousand_accounts_and_a_person_gets_three_messages_at_most() {
    let webhook = Webhook::start().await;
    let alertmanager = Program::alertmanager(&shipped_alertmanager(&webhook)).await;
    let stage = stage_behind(30).await;
    let accounts = (0..ACCOUNTS).map(|number| {
        let name = format!("account-{number}");
        stage.simulator.account(&name).bucket("backups", 1.0);
        let mut account = stage.account(&name);
        account.credential = Expiry::Never;
        account
    });
    let mut config = Config::of(accounts.collect());
    quick(&mut config);
    // The rare polls say nothing of an outage, and would only take time.
    config.poll.inventory = minutes(60);
    let exporter = stage.exporter(config).await;
    let patience = Duration::from_secs(300);
    exporter.until_within(patience, "everything was polled once", |store| store.ready()).await;
    let directory = tempfile::tempdir().unwrap();
    let more = alerting(&hurried_rules(&directory, 4000), &alertmanager);
    let prometheus = Program::prometheus(&scraping(&exporter, &more)).await;
    let all = format!("count(target:lyvecloud_collector_up:max == 1) == {ACCOUNTS}");
    eventually("all accounts are evaluated", async || prometheus.value(&all).await).await;
    assert_eq!(webhook.messages(), [[Value::Null; 0]; 0]);

    let polled_by_all = async |what: &str, up: bool| {
        stage.clock.advance(minutes(2));
        exporter
            .until_within(patience, what, |store| {
                store.snapshot().iter().all(|state| {
                    let mut asked = [Collector::CURRENT_USAGE, Collector::CREDENTIALS].into_iter();
                    asked.all(|collector| state.collector_up(collector) == up)
                })
            })
            .await;
    };
    stage.simulator.fail_always(None, Fault::empty(503));
    polled_by_all("nothing can be read", false).await;
    eventually("the outage is told", async || {
        webhook.notified("firing", "LyveCloudVendorDown", "warning").pop()
    })
    .await;
    eventually("all accounts are down, and silenced", async || {
        (held(&alertmanager, "LyveCloudAccountDown").await == (ACCOUNTS, ACCOUNTS)).then_some(())
    })
    .await;

    stage.simulator.clear_faults();
    polled_by_all("everything can be read", true).await;
    eventually("the end is told", async || {
        webhook.notified("resolved", "LyveCloudVendorDown", "warning").pop()
    })
    .await;
    let messages = webhook.messages();
    assert!(messages.len() <= 3, "{}: {messages:#?}", messages.len());
    let names = messages.iter().flatten().map(|alert| alert["labels"]["alertname"].clone());
    assert!(names.clone().all(|name| name == "LyveCloudVendorDown"), "{:?}", names.collect::<Vec<_>>());
}

#[tokio::test]
async fn an_emptied_account_is_told_once_and_not_for_each_of_its_buckets() {
    const BUCKETS: usize = 300;
    let webhook = Webhook::start().await;
    let alertmanager = Program::alertmanager(&shipped_alertmanager(&webhook)).await;
    let stage = stage_behind(30).await;
    let mut archive = stage.simulator.object_storage_account("archive").used_space(900_000_000_000_u64);
    for bucket in 0..BUCKETS {
        archive = archive.bucket(&format!("bucket-{bucket}"), 3_000_000_000_u64, 10_u64);
    }
    let mut config = Config::of(vec![stage.object_storage_account("archive")]);
    quick(&mut config);
    let exporter = stage.polled_exporter(config).await;
    let directory = tempfile::tempdir().unwrap();
    let more = alerting(&hurried_rules(&directory, 200), &alertmanager);
    let prometheus = Program::prometheus(&scraping(&exporter, &more)).await;
    let recorded = format!("count(bucket:lyvecloud_bucket_usage_bytes:max) == {BUCKETS}");
    eventually("the usage is recorded", async || prometheus.value(&recorded).await).await;

    archive.set_used_space(1_000_000_000_u64);
    for bucket in 0..BUCKETS {
        archive.set_bucket(&format!("bucket-{bucket}"), 1_000_000_u64, 1_u64);
    }
    exporter.next_poll("archive", Collector::BILLING, minutes(1)).await;
    exporter.next_poll("archive", Collector::BUCKETS, minutes(1)).await;
    eventually("the loss is told", async || {
        webhook.notified("firing", "LyveCloudAccountUsageHalved", "critical").pop()
    })
    .await;
    eventually("the buckets are silenced", async || {
        (held(&alertmanager, "LyveCloudBucketUsageHalved").await == (BUCKETS, BUCKETS)).then_some(())
    })
    .await;
    let messages = webhook.messages();
    assert_eq!(messages.len(), 1, "{messages:#?}");
}

#[tokio::test]
async fn the_exporter_posts_many_alerts_some_at_a_time_and_beats_its_heart() {
    const EXPIRED: usize = 150;
    let webhook = Webhook::start().await;
    let alertmanager = Program::alertmanager(&shipped_alertmanager(&webhook)).await;
    let stage = stage_behind(3).await;
    let mut acme = stage.simulator.account("acme");
    let past =
        after(System.now(), Duration::ZERO).saturating_sub(jiff::SignedDuration::from_hours(48)).unwrap();
    for number in 0..EXPIRED {
        acme = acme.service_account(ServiceAccount::new(&format!("sa-{number}"), "old").expires(past));
    }
    let mut account = stage.account("acme");
    account.credential = Expiry::Never;
    let mut config = Config::of(vec![account]);
    config.alertmanager = Some(Alertmanager {
        urls: vec![format!("http://{}", alertmanager.address).parse().unwrap()],
        basic_auth: None,
        ca_file: None,
        external_url: None,
    });
    let exporter = stage.polled_exporter(config).await;
    // The first round may have come before the first poll.
    stage.clock.advance(minutes(1));
    eventually("the exporter is alive", async || {
        webhook.notified("firing", "LyveCloudExporterHeartbeat", "none").pop()
    })
    .await;
    // Each is expired, and past both steps.
    eventually("all alerts are there", async || {
        let expired = held(&alertmanager, "LyveCloudCredentialExpired").await;
        let soon = held(&alertmanager, "LyveCloudCredentialExpiresSoon").await;
        (expired.0 == EXPIRED && soon == (2 * EXPIRED, 2 * EXPIRED)).then_some(())
    })
    .await;
    eventually("the posts are counted", async || {
        let metrics = alertmanager.get("/metrics").await.text();
        let start = "alertmanager_alerts_received_total{status=\"firing\",version=\"v2\"} ";
        let received: f64 = metrics.lines().find_map(|line| line.strip_prefix(start))?.parse().ok()?;
        let samples = exporter.scrape().await;
        let posts = samples.value("lyvecloud_exporter_notifications_total", &[("result", "delivered")])?;
        (received > (3 * EXPIRED) as f64 && received <= 64.0 * posts).then_some(())
    })
    .await;
}
