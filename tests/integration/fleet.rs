//! One fleet watched by several replicas, and its data beyond one Prometheus.

use std::collections::BTreeSet;

use lyve_cloud_exporter::config::Config;
use lyve_cloud_exporter::shard::Shard;

use crate::programs::{Program, eventually};
use crate::stage::{Exporter, Stage};

const ACCOUNTS: usize = 20;

/// As many replicas of one configuration, polled once.
async fn replicas(stage: &Stage, count: u32) -> Vec<Exporter> {
    let name = |account| format!("account-{account}");
    for account in 0..ACCOUNTS {
        stage.simulator.account(&name(account)).bucket("backups", 1.5);
    }
    let config = Config::of((0..ACCOUNTS).map(|account| stage.account(&name(account))).collect());
    let mut replicas = Vec::new();
    for index in 0..count {
        let shard = Shard::new(Some(index), Some(count)).unwrap();
        let exporter =
            stage.exporter_with(config.clone().of_shard(shard), |daemon| daemon.as_shard(shard)).await;
        exporter.until("everything was polled once", |store| store.ready()).await;
        replicas.push(exporter);
    }
    replicas
}

fn scraping(replicas: &[Exporter], more: &str) -> String {
    let targets: Vec<String> = replicas.iter().map(|exporter| format!("'{}'", exporter.address)).collect();
    format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n  - job_name: lyve-cloud-exporter\n    static_configs: [{{targets: [{}]}}]\n{more}",
        targets.join(", ")
    )
}

#[tokio::test]
async fn three_shards_under_one_prometheus_count_every_account_once() {
    let stage = Stage::new().await;
    let replicas = replicas(&stage, 3).await;
    let prometheus = Program::prometheus(&scraping(&replicas, "")).await;
    let all = format!("count(lyvecloud_account_usage_bytes) == {ACCOUNTS}");
    eventually("all accounts are there", async || prometheus.value(&all).await).await;
    let value = async |query: &str| prometheus.value(query).await;
    assert_eq!(
        value("count(count by (account) (lyvecloud_account_usage_bytes))").await,
        Some(ACCOUNTS as f64)
    );
    assert_eq!(value("max(count by (account) (lyvecloud_account_usage_bytes))").await, Some(1.0));
    assert_eq!(value("count(count by (instance) (lyvecloud_account_usage_bytes))").await, Some(3.0));
    assert_eq!(value("sum(lyvecloud_account_usage_bytes)").await, Some(ACCOUNTS as f64 * 1.5e9));
    let shards = prometheus.query("lyvecloud_exporter_shard_info == 1").await;
    let label =
        |series: &serde_json::Value, label: &str| series["metric"][label].as_str().unwrap().to_owned();
    let shards: BTreeSet<_> =
        shards.as_array().unwrap().iter().map(|s| (label(s, "shard"), label(s, "count"))).collect();
    let expected = ["0", "1", "2"].map(|shard| (shard.to_owned(), "3".to_owned()));
    assert_eq!(shards, BTreeSet::from(expected));
    // Nobody asks the vendor twice: each account was logged in to once.
    assert_eq!(stage.simulator.request_count(lyve_cloud_exporter::simulator::Endpoint::Login), ACCOUNTS);
}

#[tokio::test]
async fn prometheus_writes_on_to_victoria_metrics() {
    let stage = Stage::new().await;
    let replicas = replicas(&stage, 2).await;
    let victoria = Program::victoria_metrics().await;
    let more = format!("remote_write: [{{url: 'http://{}/api/v1/write'}}]\n", victoria.address);
    let _prometheus = Program::prometheus(&scraping(&replicas, &more)).await;
    let all = format!("count(lyvecloud_account_usage_bytes) == {ACCOUNTS}");
    eventually("all accounts were written on", async || victoria.value(&all).await).await;
    assert_eq!(victoria.value("sum(lyvecloud_account_usage_bytes)").await, Some(ACCOUNTS as f64 * 1.5e9));
    let info = victoria.value(r#"count(lyvecloud_exporter_shard_info{count="2"})"#).await;
    assert_eq!(info, Some(2.0));
}
