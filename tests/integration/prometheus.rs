//! Real Prometheus scrapes the exporter.

use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::dashboards::{every_query_answers, exporters_stay_apart, no_query_takes_in_another_target};
use crate::golden::{demo, scrape_of_the_demo};
use crate::programs::{Program, eventually};
use crate::samples::Samples;
use crate::stage::Exporter;

/// A configuration that scrapes one exporter each second.
pub fn scraping(exporter: &Exporter, more: &str) -> String {
    format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nscrape_configs:\n  - job_name: lyve-cloud-exporter\n    static_configs: [{{targets: ['{}']}}]\n{more}",
        exporter.address
    )
}

#[tokio::test]
async fn prometheus_scrapes_the_demo_whole_and_without_a_complaint() {
    let (_stage, exporter) = demo().await;
    let prometheus = Program::prometheus(&scraping(&exporter, "")).await;
    let up = r#"up{job="lyve-cloud-exporter"} == 1"#;
    eventually("the target is up", async || prometheus.value(up).await).await;

    let samples = exporter.scrape().await;
    let expected = samples.0.iter().filter(|sample| sample.name.starts_with("lyvecloud_")).count();
    let stored = prometheus.value(r#"count({__name__=~"lyvecloud_.+"})"#).await;
    assert_eq!(stored, Some(expected as f64));

    let targets = prometheus.get("/api/v1/targets").await.json();
    let target = &targets["data"]["activeTargets"][0];
    assert_eq!((target["health"].as_str(), target["lastError"].as_str()), (Some("up"), Some("")));
    assert_eq!(prometheus.complaints(), [""; 0]);

    // Names and values arrive as they were.
    for sample in samples.0.iter().filter(|sample| sample.name == "lyvecloud_bucket_usage_bytes") {
        let query = format!(
            "lyvecloud_bucket_usage_bytes{{account={:?},bucket={:?}}}",
            sample.labels["account"], sample.labels["bucket"]
        );
        assert_eq!(prometheus.value(&query).await, Some(sample.value), "{query}");
    }
}

#[tokio::test]
async fn every_query_of_the_dashboards_has_something_to_draw() {
    let (_stage, exporter) = demo().await;
    let prometheus = Program::prometheus(&scraping(&exporter, "")).await;
    eventually("rates can be computed", async || prometheus.value("count_over_time(up[1m]) >= 4").await)
        .await;
    every_query_answers(&format!("http://{}/", prometheus.address)).await;
}

#[tokio::test]
async fn dashboards_leave_out_what_is_not_the_exporter() {
    let (_stage, exporter) = demo().await;
    // Another program with the same names of metrics: process_*, scrape_*, up.
    let foreign = Program::prometheus("scrape_configs: []").await;
    let more = format!("  - job_name: node\n    static_configs: [{{targets: ['{}']}}]\n", foreign.address);
    let prometheus = Program::prometheus(&scraping(&exporter, &more)).await;
    eventually("rates can be computed of both", async || {
        prometheus.value("min(count_over_time(process_cpu_seconds_total[1m])) >= 4").await
    })
    .await;
    assert_eq!(prometheus.value("count(process_open_fds)").await, Some(2.0));
    let url = format!("http://{}/", prometheus.address);
    no_query_takes_in_another_target(&url, "lyve-cloud-exporter").await;
}

/// Two organisations, each with an exporter of its own, may both call an account `production`.
#[tokio::test]
async fn dashboards_keep_apart_accounts_of_one_name_of_two_exporters() {
    let (_stage, exporter) = demo().await;
    let second =
        format!("  - job_name: second\n    static_configs: [{{targets: ['{}']}}]\n", exporter.address);
    let prometheus = Program::prometheus(&scraping(&exporter, &second)).await;
    eventually("increases can be computed of both", async || {
        prometheus.value("min(count_over_time(up[1m])) >= 4").await
    })
    .await;
    let url = format!("http://{}/", prometheus.address);
    exporters_stay_apart(&url, ["lyve-cloud-exporter", "second"]).await;
}

#[tokio::test]
async fn promtool_has_nothing_to_say_about_the_metrics() {
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = promtool.spawn().expect("promtool: ./tests/run installs it");
    let text = scrape_of_the_demo().await;
    assert!(!Samples::parse(&text).0.is_empty());
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).await.unwrap();
    let output = promtool.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert_eq!((output.status.code(), &*said), (Some(0), ""));
}
