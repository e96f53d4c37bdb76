//! An answer that cannot be true resolves no alert.

use std::time::Duration;

use jiff::Span;
use jiff::tz::Offset;
use lyve_cloud_exporter::clock::{Clock as _, System, after};
use lyve_cloud_exporter::config::Config;
use lyve_cloud_exporter::model::{Collector, Expiry};
use lyve_cloud_exporter::simulator::{Endpoint, Fault, ServiceAccount, User};

use super::{DAY, SOON, alerting, hurried_rules, shipped_alertmanager, stage_behind};
use crate::programs::{Program, eventually};
use crate::prometheus::scraping;
use crate::stage::minutes;
use crate::webhook::Webhook;

const ROTATION: &str = "LyveCloudAccessKeyRotationDue";
const TOO_OLD: &str = "LyveCloudUsageDataTooOld";

/// What fires all along, and how often.
const FIRING: [(&str, f64); 3] = [(SOON, 2.0), (ROTATION, 2.0), (TOO_OLD, 1.0)];

#[tokio::test]
async fn answers_that_contradict_themselves_or_lack_everything_resolve_no_alert() {
    let webhook = Webhook::start().await;
    let alertmanager = Program::alertmanager(&shipped_alertmanager(&webhook)).await;
    let stage = stage_behind(60).await;
    let now = stage.clock.now();
    let acme = stage
        .simulator
        .account("acme")
        .bucket("backups", 1.0)
        .service_account(ServiceAccount::new("sa-1", "veeam").expires(after(System.now(), 5 * DAY)));
    let made = now - jiff::SignedDuration::from_hours(100 * 24);
    let day = Offset::UTC.to_datetime(now).date() - Span::new().days(5);
    let archive = stage
        .simulator
        .object_storage_account("archive")
        .day(day, 1000, 0, 10)
        .bucket("backups", 900, 10)
        .user(User::new("veeam", made).key("AKOLD", made));
    let mut accounts = vec![stage.account("acme"), stage.object_storage_account("archive")];
    accounts[0].credential = Expiry::Never;
    let mut config = Config::of(accounts);
    config.poll.inventory = minutes(1);
    config.poll.current_usage = minutes(1);
    let exporter = stage.polled_exporter(config).await;
    let directory = tempfile::tempdir().unwrap();
    let rules = hurried_rules(&directory, 1);
    // The shipped rules look back a quarter of an hour, so that a missed scrape resolves nothing.
    let text = std::fs::read_to_string(&rules).unwrap().replace("[15m]", "[5s]");
    std::fs::write(&rules, text).unwrap();
    let prometheus = Program::prometheus(&scraping(&exporter, &alerting(&rules, &alertmanager))).await;
    let firing = async |name: &str| {
        let count = format!(r#"count(ALERTS{{alertname="{name}",alertstate="firing"}})"#);
        prometheus.value(&count).await
    };
    for (name, count) in FIRING {
        let fires = async || firing(name).await.filter(|found| *found == count);
        eventually(&format!("{name} fires"), fires).await;
    }
    eventually("a person is warned", async || webhook.notified("firing", SOON, "critical").pop()).await;

    let json = |body: &str| Fault::raw("application/json", body.to_owned());
    let xml = |body: &str| Fault::raw("text/xml", body.to_owned());
    let useless = [
        json(r#"[{"uid":"sa-1","name":"veeam"}]"#),
        json(r#"{"Stats":null,"UsedSpace":null,"ObjectCount":null}"#),
        xml("<ListAccessKeysResponse><AccessKeyMetadata><member><Id>1</Id></member></AccessKeyMetadata>\
             </ListAccessKeysResponse>"),
    ];
    let empty = [
        json("[]"),
        json(r#"{"Stats":{},"UsedSpace":[],"ObjectCount":[]}"#),
        xml("<ListAccessKeysResponse/>"),
    ];
    let polled = [
        ("acme", Collector::SERVICE_ACCOUNTS),
        ("archive", Collector::BILLING),
        ("archive", Collector::KEYS),
    ];
    for [services, billing, keys] in [useless, empty] {
        let before = polled.map(|(account, collector)| exporter.polls(account, collector));
        acme.fail_once(Endpoint::ServiceAccounts, services);
        archive.fail_once(Endpoint::Billing, billing);
        archive.fail_once(Endpoint::ListAccessKeys, keys);
        stage.clock.advance(minutes(2));
        let all_polled = |_: &_| {
            polled
                .iter()
                .zip(before)
                .all(|((name, collector), count)| exporter.polls(name, *collector) > count)
        };
        exporter.until("each has met its answer", all_polled).await;
        for ((account, collector), count) in polled.iter().zip(before) {
            // For longer than the rules look back.
            let known = format!(
                r#"min_over_time(lyvecloud_collector_polls_total{{account="{account}",collector="{collector}"}}[8s]) > {count}"#
            );
            eventually("the rules have seen nothing else", async || prometheus.value(&known).await).await;
        }
        for (name, count) in FIRING {
            assert_eq!(firing(name).await, Some(count), "{name}");
        }
        stage.clock.advance(Duration::from_secs(60));
    }
    for (name, severity) in [(SOON, "critical"), (ROTATION, "warning"), (TOO_OLD, "warning")] {
        assert_eq!(webhook.notified("resolved", name, severity), [serde_json::Value::Null; 0], "{name}");
    }

    // What is really gone is over soon.
    acme.remove_service_account("sa-1");
    let before = exporter.polls("acme", Collector::SERVICE_ACCOUNTS);
    while exporter.polls("acme", Collector::SERVICE_ACCOUNTS) < before + 3 {
        exporter.next_poll("acme", Collector::SERVICE_ACCOUNTS, minutes(2)).await;
    }
    eventually("the end is told", async || webhook.notified("resolved", SOON, "critical").pop()).await;
}
