//! Rows whose body meets the second poll of an account that had nothing in it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use lyve_cloud_exporter::clock;
use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::model::Reason;
use lyve_cloud_exporter::simulator::{Endpoint, Fault};
use serde_json::Value;

use super::play::{Log, Vendor, assert_failures, assert_nothing_leaked, config, data_of, endpoint, scrape};
use super::second_poll::Wait;
use crate::stage::{NOW, PATIENCE, Stage, at, hours};

/// What a metric must be after the poll that met the body.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// The poll failed, and its log says this; what was known stays.
    Fails(Reason, &'static str),
    /// There is none.
    Absent,
    /// There is one, of this value.
    Value(f64),
    /// There is one, with this label.
    Label(&'static str, &'static str),
    /// There are so many, and this is their sum.
    Sum(usize, f64),
}

/// A body at the second poll of an account that had nothing in it.
#[derive(Clone, Debug)]
pub struct Row {
    pub name: String,
    pub collector: Collector,
    pub faults: Vec<(Endpoint, Fault)>,
    pub metric: &'static str,
    pub labels: Vec<(&'static str, &'static str)>,
    pub expected: Expected,
    pub duplicates: f64,
    pub invalid: f64,
    /// Whether the log must say that a date makes no sense.
    pub warned: bool,
}

/// When the bodies come.
pub fn second_poll() -> Timestamp {
    clock::after(at(NOW), hours(6))
}

pub async fn play_rows(rows: Vec<Row>, log: Log) {
    let stage = Stage::new().await;
    let (vendors, accounts): (Vec<_>, Vec<_>) =
        rows.iter().map(|row| Vendor::empty(&stage, &row.name, row.collector)).unzip();
    assert_eq!(rows.iter().map(|row| &row.name).collect::<BTreeSet<_>>().len(), rows.len());
    let exporter = stage.polled_exporter(config(accounts)).await;
    let first = scrape(&exporter).await;
    for (row, vendor) in rows.iter().zip(&vendors) {
        for (endpoint, fault) in &row.faults {
            vendor.fail_once(*endpoint, fault.clone());
        }
    }
    stage.clock.set(second_poll());
    let polled = |_: &_| rows.iter().all(|row| exporter.polls(&row.name, row.collector) == 2);
    exporter.until("every body was met", polled).await;
    // While a page is made, the one of a moment ago may be shown.
    let fresh = async {
        loop {
            let samples = scrape(&exporter).await;
            let told = |row: &Row| {
                let labels = [("collector", row.collector.name())];
                samples[&row.name].value("lyvecloud_collector_polls_total", &labels) == Some(2.0)
            };
            if rows.iter().all(told) {
                break samples;
            }
        }
    };
    let samples = tokio::time::timeout(PATIENCE, fresh).await.expect("a page of now");
    let warnings = log.warnings();
    let text = log.text();
    let no_dates: Vec<&str> = text.lines().filter(|line| line.contains("is no date")).collect();
    for row in &rows {
        let key = (row.name.as_str(), row.collector);
        let (name, collector) = key;
        let samples = &samples[name];
        let collector_label = [("collector", collector.name())];
        let up = samples.value("lyvecloud_collector_up", &collector_label);
        let dropped = |reason| samples.value("lyvecloud_series_dropped_total", &[("reason", reason)]);
        let found: Vec<_> = samples.matching(row.metric, &row.labels).collect();
        if let Expected::Fails(reason, says) = row.expected {
            assert_eq!(up, Some(0.0), "{name}");
            assert_failures(samples, key, Some(reason), 1.0);
            assert_eq!(data_of(samples, collector), data_of(&first[name], collector), "{name}: kept");
            warnings.assert_failure(key, reason, says, Wait::Backoff.seconds(collector));
        } else {
            assert_eq!(up, Some(1.0), "{name}");
            assert_failures(samples, key, None, 0.0);
            let mut told = warnings.of(name, collector).to_vec();
            for (reason, count) in [("duplicate", row.duplicates), ("invalid", row.invalid)] {
                told.retain(|line| {
                    let counts = line["reason"] == reason && line["count"].as_f64() == Some(count);
                    !(counts && line["msg"] == "part of the answer gets no series")
                });
            }
            assert_eq!(told, [] as [Value; 0], "{name}: nothing else to tell");
            let drops = [row.duplicates, row.invalid].iter().filter(|count| **count > 0.0).count();
            assert_eq!(warnings.of(name, collector).len(), drops, "{name}: a line for each kind of drop");
        }
        match row.expected {
            Expected::Fails(..) => {}
            Expected::Absent => assert_eq!(found, [] as [&crate::samples::Sample; 0], "{name}"),
            Expected::Value(value) => {
                assert_eq!(found.iter().map(|sample| sample.value).collect::<Vec<_>>(), [value], "{name}");
            }
            Expected::Label(label, value) => {
                assert_eq!(
                    found.iter().map(|sample| &sample.labels[label]).collect::<Vec<_>>(),
                    [value],
                    "{name}"
                );
            }
            Expected::Sum(count, sum) => {
                assert_eq!(found.len(), count, "{name}: {found:?}");
                assert_eq!(found.iter().map(|sample| sample.value).sum::<f64>(), sum, "{name}");
            }
        }
        assert_eq!(dropped("duplicate"), Some(row.duplicates), "{name}: duplicates");
        assert_eq!(dropped("invalid"), Some(row.invalid), "{name}: invalid");
        let name_text = Value::from(name).to_string();
        let dates = no_dates.iter().filter(|line| line.contains(&name_text)).count();
        assert_eq!(dates, usize::from(row.warned), "{name}: lines about a date");
    }
    assert_nothing_leaked(&stage, &exporter, &log).await;
}

/// A row of this body, of which nothing is expected yet.
pub fn json(collector: Collector, name: &str, body: impl Into<bytes::Bytes>) -> Row {
    Row {
        name: format!("{collector}: {name}"),
        collector,
        faults: vec![(endpoint(collector), Fault::raw("application/json", body))],
        metric: "",
        labels: Vec::new(),
        expected: Expected::Absent,
        duplicates: 0.0,
        invalid: 0.0,
        warned: false,
    }
}
