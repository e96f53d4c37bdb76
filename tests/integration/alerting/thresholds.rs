//! The configuration decides when an alert fires.

use std::collections::BTreeMap;

use lyve_cloud_exporter::clock::{Clock as _, System, after};
use lyve_cloud_exporter::config;
use lyve_cloud_exporter::reload::Loader;
use lyve_cloud_exporter::simulator::ServiceAccount;

use super::{DAY, SOON, active, alerting, shipped_alertmanager, stage_behind};
use crate::programs::{Program, eventually, repository};
use crate::prometheus::scraping;
use crate::webhook::Webhook;

#[tokio::test]
async fn another_threshold_in_the_configuration_and_a_reload_change_when_the_alert_fires() {
    let webhook = Webhook::start().await;
    let alertmanager = Program::alertmanager(&shipped_alertmanager(&webhook)).await;
    let stage = stage_behind(3).await;
    let end = after(System.now(), 20 * DAY);
    let acme =
        stage.simulator.account("acme").service_account(ServiceAccount::new("sa-1", "veeam").expires(end));
    let (access_key, secret) = acme.pair();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.yaml");
    let write = |steps: &str| {
        let text = format!(
            "accounts: [{{name: acme, account_id: acme, base_url: '{}', access_key: '{access_key}', secret: '{secret}', \
             credential: {{expires: never}}}}]\ncredential_warning: {steps}\n",
            stage.simulator.base_url()
        );
        std::fs::write(&path, text).unwrap();
    };
    write("[14d, 3d]");
    let load = {
        let path = path.clone();
        move || config::load(Some(&path), &BTreeMap::new())
    };
    let exporter = stage.exporter_from(load().unwrap(), Some(Loader::new(load))).await;
    exporter.until("everything was polled once", |store| store.ready()).await;
    // The rules are those that are shipped, and stay so.
    let more = alerting(&repository("deploy/prometheus/rules.yml"), &alertmanager);
    let prometheus = Program::prometheus(&scraping(&exporter, &more)).await;
    let left = "credential:lyvecloud_credential_remaining_seconds:min";
    eventually("the time left is known", async || prometheus.value(left).await).await;
    let step = |severity: &str, seconds: u64| {
        format!("account:lyvecloud_credential_warning_seconds:max{{severity=\"{severity}\"}} == {seconds}")
    };
    eventually("the step is known", async || prometheus.value(&step("warning", 14 * 86_400)).await).await;
    assert_eq!(prometheus.value(&format!("ALERTS{{alertname=\"{SOON}\"}}")).await, None);

    write("[30d, 7d]");
    exporter.reloader.reload().await.unwrap();
    eventually("it is a warning", async || webhook.notified("firing", SOON, "warning").pop()).await;

    write("[60d, 25d]");
    exporter.reloader.reload().await.unwrap();
    eventually("it is critical", async || webhook.notified("firing", SOON, "critical").pop()).await;

    write("[14d, 3d]");
    exporter.reloader.reload().await.unwrap();
    eventually("it is over", async || active(&alertmanager, SOON).await.is_empty().then_some(())).await;
}
