//! What may be drawn: the exporter's metrics, and what is there without its doing.

use std::collections::BTreeMap;

/// What kind of metric a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    Counter,
    Histogram,
}

/// The metrics that may be drawn, with the labels that each has beside `job` and `instance`.
pub(super) fn exported() -> BTreeMap<&'static str, (Kind, &'static [&'static str])> {
    use Kind::{Counter, Gauge, Histogram};
    const ACCOUNT: &[&str] = &["account"];
    const SUB_ACCOUNT: &[&str] = &["account", "sub_account_id", "sub_account"];
    const CREDENTIAL: &[&str] = &["account", "kind", "credential_id", "credential"];
    const SERVICE_ACCOUNT: &[&str] = &["account", "service_account_id", "service_account"];
    const COLLECTOR: &[&str] = &["account", "collector"];
    BTreeMap::from([
        ("lyvecloud_account_usage_bytes", (Gauge, ACCOUNT)),
        ("lyvecloud_account_buckets", (Gauge, ACCOUNT)),
        (
            "lyvecloud_account_usage_with_sub_accounts_bytes",
            (Gauge, ACCOUNT),
        ),
        ("lyvecloud_bucket_usage_bytes", (Gauge, &["account", "bucket"])),
        ("lyvecloud_sub_account_usage_bytes", (Gauge, SUB_ACCOUNT)),
        ("lyvecloud_sub_account_buckets", (Gauge, SUB_ACCOUNT)),
        ("lyvecloud_sub_account_users", (Gauge, SUB_ACCOUNT)),
        ("lyvecloud_sub_account_service_accounts", (Gauge, SUB_ACCOUNT)),
        (
            "lyvecloud_sub_account_trial_remaining_seconds",
            (Gauge, SUB_ACCOUNT),
        ),
        (
            "lyvecloud_sub_account_created_timestamp_seconds",
            (Gauge, SUB_ACCOUNT),
        ),
        (
            "lyvecloud_account_monthly_average_usage_bytes",
            (Gauge, &["account", "month"]),
        ),
        (
            "lyvecloud_bucket_monthly_average_usage_bytes",
            (Gauge, &["account", "bucket", "month"]),
        ),
        (
            "lyvecloud_sub_account_monthly_average_usage_bytes",
            (Gauge, &["account", "sub_account_id", "sub_account", "month"]),
        ),
        (
            "lyvecloud_credential_expiry_timestamp_seconds",
            (Gauge, CREDENTIAL),
        ),
        (
            "lyvecloud_credential_status",
            (
                Gauge,
                &["account", "kind", "credential_id", "credential", "status"],
            ),
        ),
        (
            "lyvecloud_credential_last_accepted_timestamp_seconds",
            (Gauge, CREDENTIAL),
        ),
        ("lyvecloud_session_expiry_timestamp_seconds", (Gauge, ACCOUNT)),
        ("lyvecloud_service_account_enabled", (Gauge, SERVICE_ACCOUNT)),
        ("lyvecloud_service_account_ready", (Gauge, SERVICE_ACCOUNT)),
        (
            "lyvecloud_permissions",
            (Gauge, &["account", "permission_type", "actions"]),
        ),
        (
            "lyvecloud_permission_ready",
            (Gauge, &["account", "permission_id", "permission"]),
        ),
        ("lyvecloud_up", (Gauge, ACCOUNT)),
        ("lyvecloud_collector_up", (Gauge, COLLECTOR)),
        (
            "lyvecloud_collector_last_attempt_timestamp_seconds",
            (Gauge, COLLECTOR),
        ),
        (
            "lyvecloud_collector_last_success_timestamp_seconds",
            (Gauge, COLLECTOR),
        ),
        ("lyvecloud_collector_last_duration_seconds", (Gauge, COLLECTOR)),
        (
            "lyvecloud_collector_failures_total",
            (Counter, &["account", "collector", "reason"]),
        ),
        ("lyvecloud_collector_polls_total", (Counter, COLLECTOR)),
        (
            "lyvecloud_api_requests_total",
            (Counter, &["account", "endpoint", "code"]),
        ),
        (
            "lyvecloud_api_request_duration_seconds",
            (Histogram, &["endpoint"]),
        ),
        ("lyvecloud_logins_total", (Counter, &["account", "result"])),
        (
            "lyvecloud_series_dropped_total",
            (Counter, &["account", "reason"]),
        ),
        (
            "lyvecloud_exporter_build_info",
            (Gauge, &["version", "revision", "rustc"]),
        ),
    ])
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
        None => AROUND
            .iter()
            .find(|(name, _)| *name == series)
            .map(|(_, kind)| (*kind, Vec::new())),
    }
}
