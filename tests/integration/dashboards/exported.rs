//! What may be drawn: the exporter's metrics, and what is there without its doing.

use std::collections::BTreeMap;

use lyve_cloud_exporter::metrics;
pub(super) use lyve_cloud_exporter::metrics::MetricType;

use crate::programs::repository;

/// The metrics that may be drawn, with the labels that each has beside `job` and `instance`.
fn exported() -> BTreeMap<&'static str, (MetricType, &'static [&'static str])> {
    metrics::catalogue().into_iter().map(|family| (family.name, (family.kind, family.labels))).collect()
}

/// What is there without the exporter's doing: its process, and what Prometheus itself notes of a scrape.
const AROUND: [(&str, MetricType); 10] = [
    ("process_cpu_seconds_total", MetricType::Counter),
    ("process_open_fds", MetricType::Gauge),
    ("process_max_fds", MetricType::Gauge),
    ("process_virtual_memory_bytes", MetricType::Gauge),
    ("process_resident_memory_bytes", MetricType::Gauge),
    ("process_start_time_seconds", MetricType::Gauge),
    ("process_threads", MetricType::Gauge),
    ("scrape_duration_seconds", MetricType::Gauge),
    ("scrape_samples_scraped", MetricType::Gauge),
    ("up", MetricType::Gauge),
];

/// Kind and labels of the metric behind the name of a series.
pub(super) fn metric(series: &str) -> Option<(MetricType, Vec<&'static str>)> {
    let exported = exported();
    let histogram = ["_bucket", "_sum", "_count"]
        .into_iter()
        .find_map(|suffix| exported.get(series.strip_suffix(suffix)?))
        .filter(|(kind, _)| *kind == MetricType::Histogram);
    if let Some((kind, labels)) = histogram {
        return Some((*kind, [*labels, &["le"]].concat()));
    }
    match exported.get(series) {
        Some((MetricType::Histogram, _)) => None,
        Some((kind, labels)) => Some((*kind, labels.to_vec())),
        None => AROUND.iter().find(|(name, _)| *name == series).map(|(_, kind)| (*kind, Vec::new())),
    }
}

/// Whether the shipped rules make this series, or Prometheus of their alerts.
pub(super) fn made_by_the_rules(series: &str) -> bool {
    let rules = std::fs::read_to_string(repository("deploy/prometheus/rules.yml")).unwrap();
    series.starts_with("ALERTS") || rules.contains(&format!("- record: {series}\n"))
}
