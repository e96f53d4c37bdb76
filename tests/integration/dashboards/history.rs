//! Sixty days of the demo in a real Prometheus: the real exporter's scrapes, what the shipped rules record of them, and
//! the alerts that fire. Everything happens on the tests' day, so it comes out the same on every other.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lyve_cloud_exporter::clock::{Clock, Manual};
use lyve_cloud_exporter::command::Demo;
use lyve_cloud_exporter::model::Collector;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::programs::{Program, repository};
use crate::stage::{Exporter, NOW, Stage, at, hours, minutes};

const DAYS: i64 = 60;

/// How many of the days have a scrape every quarter of an hour, as the forecasts need them.
const DENSE_DAYS: i64 = 4;

/// Between two scrapes of the dense days, and two evaluations of the rules.
const STEP: i64 = 900;

/// Between two scrapes of the days before.
const SPARSE_STEP: i64 = 6 * 3600;

/// Longer than between two scrapes: nothing is stale before the next one.
const LOOKBACK: &str = "--query.lookback-delta=6h10m";

/// How long the rules have been evaluated: as long as the forecasts look back, and a little longer.
const RULED: i64 = 76 * 3600;

const TARGET: &str = r#"job="lyve-cloud-exporter",instance="exporter.example:10059""#;

/// A Prometheus that has seen sixty days, which end at `now`.
pub(super) struct History {
    pub(super) prometheus: Program,
    pub(super) now: i64,
    _blocks: TempDir,
}

impl History {
    pub(super) async fn new() -> Self {
        let blocks = tempfile::tempdir().unwrap();
        let now = at(NOW).as_second();
        write_blocks(blocks.path(), &scrapes().await).await;
        // Each makes of what the one before recorded.
        for _ in 0..3 {
            let prometheus = start(blocks.path()).await;
            let recorded = recorded(&prometheus, now).await;
            drop(prometheus);
            write_blocks(blocks.path(), &recorded).await;
        }
        let prometheus = start(blocks.path()).await;
        let alerts = alerts(&prometheus, now).await;
        drop(prometheus);
        write_blocks(blocks.path(), &alerts).await;
        Self { prometheus: start(blocks.path()).await, now, _blocks: blocks }
    }
}

async fn start(blocks: &Path) -> Program {
    Program::prometheus_on(blocks, &[LOOKBACK]).await
}

/// Polls and scrapes an exporter for sixty days, in the text that promtool makes blocks of.
async fn scrapes() -> String {
    let clock = Manual::new(at(NOW));
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let demo = Demo::start(&shared).await.unwrap();
    let mut config = demo.config().unwrap();
    config.poll.current_usage = minutes(10);
    config.poll.credentials = minutes(10);
    config.poll.inventory = minutes(10);
    config.poll.max_concurrent_requests = 1000;
    // The demo's world is made for the last of the days, and knows its past.
    let end = at(NOW);
    clock.set(end - SignedDuration::from_hours(24 * DAYS));
    let stage = Stage { clock, simulator: demo.into_simulator() };
    let exporter = stage.polled_exporter(config).await;
    let mut text = String::new();
    loop {
        let shown = exporter.now();
        let left = end.as_second() - shown.as_second();
        let wait = match left {
            0 => Duration::ZERO,
            1..=21_600 => minutes(15),
            21_601..=86_400 => hours(1),
            86_401..=345_600 => hours(3),
            _ => hours(24),
        };
        append(&mut text, &exporter, wait, end).await;
        if left == 0 {
            break;
        }
        poll(&exporter, wait).await;
    }
    text.push_str("# EOF\n");
    text
}

/// Moves the clock, and waits until every account that can be read was.
async fn poll(exporter: &Exporter, wait: Duration) {
    let reads = [
        ("northwind-master", Collector::CURRENT_USAGE),
        ("contoso-backup", Collector::CURRENT_USAGE),
        ("archive-global", Collector::BILLING),
    ];
    let before = reads.map(|(account, collector)| exporter.polls(account, collector));
    exporter.advance(wait).await;
    exporter
        .until("the next polls", |store| {
            reads.iter().zip(before).all(|((account, collector), before)| {
                store.account(account).is_some_and(|cell| cell.state().health(*collector).polls > before)
            })
        })
        .await;
}

/// Appends what the exporter shows now, at each scrape until the next poll.
async fn append(text: &mut String, exporter: &Exporter, wait: Duration, end: Timestamp) {
    let began = std::time::Instant::now();
    let shown = exporter.get("/metrics").await.text();
    let took = began.elapsed().as_secs_f64();
    let samples: Vec<&str> = shown.lines().filter(|line| !line.starts_with('#')).collect();
    let from = exporter.now().as_second();
    let until = (from + i64::try_from(wait.as_secs()).unwrap()).max(from + 1);
    let dense = end.as_second() - from <= DENSE_DAYS * 86_400;
    let step = if dense { STEP } else { SPARSE_STEP };
    for time in (from..until).step_by(usize::try_from(step).unwrap()) {
        let last_hours = end.as_second() - time <= 3 * 3600;
        for sample in &samples {
            // The process is younger than the days that it has seen.
            if sample.starts_with("process_start_time_seconds") {
                append_sample(
                    text,
                    &format!("process_start_time_seconds {}", end.as_second() - DAYS * 86_400),
                    time,
                );
                continue;
            }
            // Many, and looked at now only.
            let of_closed_months = sample.starts_with("lyvecloud_bucket_monthly_average");
            if last_hours || !(of_closed_months || sample.contains("_seconds_bucket{")) {
                append_sample(text, sample, time);
            }
        }
        let count = samples.len();
        for sample in [
            "up 1".to_owned(),
            format!("scrape_duration_seconds {took}"),
            format!("scrape_samples_scraped {count}"),
        ] {
            append_sample(text, &sample, time);
        }
    }
}

fn append_sample(text: &mut String, sample: &str, time: i64) {
    let (series, value) = sample.rsplit_once(' ').unwrap();
    let (name, labels) = series
        .split_once('{')
        .map_or((series, "}".to_owned()), |(name, labels)| (name, format!(",{labels}")));
    writeln!(text, "{name}{{{TARGET}{labels} {value} {time}").unwrap();
}

async fn write_blocks(blocks: &Path, text: &str) {
    let input = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(input.path(), text).unwrap();
    let mut promtool = Command::new("promtool");
    promtool.args(["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=1458h"]);
    run(promtool.arg(input.path()).arg(blocks)).await;
}

/// What the recording rules make of the dense days: a series of samples for each.
async fn recorded(prometheus: &Program, now: i64) -> String {
    let mut text = String::new();
    for rule in rules().iter().filter(|rule| rule["record"].is_string()) {
        let answer = prometheus.range(rule["expr"].as_str().unwrap(), now - RULED, now, STEP).await;
        for series in answer.as_array().unwrap() {
            let labels = labels(series, rule);
            for sample in series["values"].as_array().unwrap() {
                let (time, value) = (sample[0].as_i64().unwrap(), sample[1].as_str().unwrap());
                let name = rule["record"].as_str().unwrap();
                writeln!(text, "{name}{{{labels}}} {value} {time}").unwrap();
            }
        }
    }
    text.push_str("# EOF\n");
    text
}

fn rules() -> Vec<Value> {
    let file = crate::rules::yaml(&repository("deploy/prometheus/rules.yml"));
    let groups = file["groups"].as_array().into_iter().flatten();
    groups.flat_map(|group| group["rules"].as_array().into_iter().flatten()).cloned().collect()
}

async fn run(command: &mut Command) {
    let output = command.output().await.expect("promtool: ./tests/run installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The series of the alerts that fire, as Prometheus would write them: those whose expression has held for long enough.
async fn alerts(prometheus: &Program, now: i64) -> String {
    let mut text = String::new();
    for rule in &rules() {
        let Some(name) = rule["alert"].as_str() else {
            continue;
        };
        let wait = rule["for"].as_str().map_or(0, seconds);
        let answer = prometheus.range(rule["expr"].as_str().unwrap(), now - RULED, now, STEP).await;
        for series in answer.as_array().unwrap() {
            let mut times: Vec<i64> =
                series["values"].as_array().unwrap().iter().filter_map(|value| value[0].as_i64()).collect();
            times.reverse();
            if times.first() != Some(&now) {
                continue;
            }
            let held = times.windows(2).take_while(|pair| pair[0] - pair[1] == STEP).count();
            let since = times[held];
            if now - since < wait {
                continue;
            }
            let labels = format!("alertname={name:?},{}", labels(series, rule));
            // One sample is enough: it is looked at now.
            writeln!(text, "ALERTS{{alertstate=\"firing\",{labels}}} 1 {now}").unwrap();
            writeln!(text, "ALERTS_FOR_STATE{{{labels}}} {since} {now}").unwrap();
        }
    }
    text.push_str("# EOF\n");
    text
}

/// A duration as the rules have it: a number and one unit.
fn seconds(text: &str) -> i64 {
    let (number, unit) = text.split_at(text.len() - 1);
    let unit = [("m", 60), ("h", 3600), ("d", 86_400)].into_iter().find(|(name, _)| *name == unit);
    number.parse::<i64>().unwrap() * unit.unwrap_or_else(|| panic!("{text}")).1
}

/// The labels of what a rule makes of a series, with commas between them.
fn labels(series: &Value, rule: &Value) -> String {
    let mut labels = series["metric"].as_object().unwrap().clone();
    labels.remove("__name__");
    for (label, value) in rule["labels"].as_object().into_iter().flatten() {
        labels.insert(label.clone(), value.clone());
    }
    let labels: Vec<_> = labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
    labels.join(",")
}
