//! What Prometheus asks for, in each of its ways, and what it makes of the answer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hyper::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::client::request;
use crate::golden::demo;
use crate::programs::{Program, eventually};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A target that keeps the `Accept` of each path.
struct Recorder {
    address: SocketAddr,
    accepts: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Recorder {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepts: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
        let kept = Arc::clone(&accepts);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { break };
                    head.push(byte);
                }
                let head = String::from_utf8(head).unwrap();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let accept = head.lines().find_map(|line| line.strip_prefix("Accept: "));
                kept.lock().unwrap().insert(path, accept.unwrap_or_default().to_owned());
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: {TEXT}\r\nContent-Length: 4\r\nConnection: close\r\n\r\na 1\n"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, accepts }
    }

    fn accept(&self, path: &str) -> Option<String> {
        self.accepts.lock().unwrap().get(path).cloned()
    }
}

/// The major version of the Prometheus that is tried.
async fn generation() -> u32 {
    let output = Command::new("prometheus").arg("--version").output().await.expect("prometheus");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    let version = said.split_once("version ").expect("a version").1;
    version.split('.').next().unwrap().parse().expect("a number")
}

/// Jobs by name: their settings, and the type of the answer that the exporter gives them.
fn jobs(generation: u32) -> Vec<(&'static str, &'static str, &'static str)> {
    let mut jobs = vec![("default", "", OPEN_METRICS)];
    if generation >= 3 {
        jobs.extend([
            ("protobuf", "scrape_protocols: [PrometheusProto]", TEXT),
            ("protobuf-first", "scrape_protocols: [PrometheusProto, OpenMetricsText1.0.0]", OPEN_METRICS),
            ("openmetrics-1.0.0", "scrape_protocols: [OpenMetricsText1.0.0]", OPEN_METRICS),
            ("openmetrics-0.0.1", "scrape_protocols: [OpenMetricsText0.0.1]", OPEN_METRICS),
            ("text-1.0.0", "scrape_protocols: [PrometheusText1.0.0]", TEXT),
            ("text-0.0.4", "scrape_protocols: [PrometheusText0.0.4]", TEXT),
            ("utf8", "metric_name_validation_scheme: utf8", OPEN_METRICS),
            (
                "legacy",
                "metric_name_validation_scheme: legacy, metric_name_escaping_scheme: underscores",
                OPEN_METRICS,
            ),
            ("underscores", "metric_name_escaping_scheme: underscores", OPEN_METRICS),
        ]);
    }
    jobs
}

#[tokio::test]
async fn prometheus_takes_the_same_in_each_of_its_ways() {
    let (_stage, exporter) = demo().await;
    let recorder = Recorder::start().await;
    let generation = generation().await;
    let jobs = jobs(generation);
    let mut config = String::from("global: {scrape_interval: 1s}\nscrape_configs:\n");
    for (name, settings, _) in &jobs {
        for (job, path, target) in [
            ((*name).to_owned(), "/metrics".to_owned(), exporter.address),
            (format!("recorder-{name}"), format!("/{name}"), recorder.address),
        ] {
            let target = format!("static_configs: [{{targets: ['{target}']}}]");
            config.push_str(&format!("- {{job_name: {job}, metrics_path: {path}, {target}, {settings}}}\n"));
        }
    }
    let prometheus = Program::prometheus(&config.replace(", }", "}")).await;

    let expected = exporter.scrape().await;
    let expected = expected.0.iter().filter(|sample| sample.name.starts_with("lyvecloud_")).count();
    assert!(expected > 100, "{expected}");
    for (name, _, content_type) in &jobs {
        let up = format!("up{{job={name:?}}} == 1");
        eventually(&format!("{name} is up"), async || prometheus.value(&up).await).await;
        let stored = format!("count({{__name__=~\"lyvecloud_.+\", job={name:?}}})");
        assert_eq!(prometheus.value(&stored).await, Some(expected as f64), "{name}");
        // What it asked with is what gets the type that it was just seen to take.
        let path = format!("/{name}");
        let accept = eventually("it asked the recorder", async || recorder.accept(&path)).await;
        let answer = request(exporter.address, Method::GET, "/metrics", &[("accept", &accept)]).await;
        assert_eq!(answer.header("content-type"), Some(*content_type), "{name}: {accept}");
    }
    if generation >= 3 {
        // Its own words, which the table above is there for.
        assert!(recorder.accept("/default").unwrap().contains("escaping=allow-utf-8"));
        assert!(recorder.accept("/protobuf").unwrap().contains("application/vnd.google.protobuf"));
    }
    assert_eq!(prometheus.complaints(), [""; 0]);
}

#[tokio::test]
async fn promtool_finds_the_exporter_healthy_and_ready() {
    let (_stage, exporter) = demo().await;
    // Debian 12's promtool cannot ask yet.
    let checks = if generation().await >= 3 { &["healthy", "ready"][..] } else { &[] };
    for check in checks {
        let url = format!("--url=http://{}", exporter.address);
        let output = Command::new("promtool").args(["check", check, &url]).output().await.expect("promtool");
        assert!(output.status.success(), "{check}: {output:?}");
    }
}
