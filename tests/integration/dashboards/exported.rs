//! What may be drawn: the exporter's metrics, and what is there without its doing.

use std::collections::BTreeMap;

use lyve_cloud_exporter::metrics;
pub(super) use lyve_cloud_exporter::metrics::Kind;

use crate::programs::repository;

/// The metrics that may be drawn, with the labels that each has beside `job` and `instance`.
fn exported() -> BTreeMap<&'static str, (Kind, &'static [&'static str])> {
    metrics::catalogue().into_iter().map(|family| (family.name, (family.kind, family.labels))).collect()
}

/// What is there without the exporter's doing: its process, and what Prometheus itself notes of a scrape.
const AROUND: [(&str, Kind); 10] = [
    ("process_cpu_seconds_total", Kind::Counter),
    ("process_open_fds", Kind::Gauge),
    ("process_max_fds", Kind::Gauge),
    ("process_virtual_memory_bytes", Kind::Gauge),
    ("process_resident_memory_bytes", Kind::Gauge),
    ("process_start_time_seconds", Kind::Gauge),
    ("process_threads", Kind::Gauge),
    ("scrape_duration_seconds", Kind::Gauge),
    ("scrape_samples_scraped", Kind::Gauge),
    ("up", Kind::Gauge),
];

/// Kind and labels of the metric behind the name of a series.
pub(super) fn metric(series: &str) -> Option<(Kind, Vec<&'static str>)> {
    let exported = exported();
    let histogram = ["_bucket", "_sum", "_count"]
        .into_iter()
        .find_map(|suffix| exported.get(series.strip_suffix(suffix)?))
        .filter(|(kind, _)| *kind == Kind::Histogram);
    if let Some((kind, labels)) = histogram {
        return Some((*kind, [*labels, &["le"]].concat()));
    }
    match exported.get(series) {
        Some((Kind::Histogram, _)) => None,
        Some((kind, labels)) => Some((*kind, labels.to_vec())),
        None => AROUND.iter().find(|(name, _)| *name == series).map(|(_, kind)| (*kind, Vec::new())),
    }
}

/// Whether the shipped rules make this series, or Prometheus of their alerts.
pub(super) fn made_by_the_rules(series: &str) -> bool {
    let rules = std::fs::read_to_string(repository("deploy/prometheus/rules.yml")).unwrap();
    series.starts_with("ALERTS") || rules.contains(&format!("- record: {series}\n"))
}
