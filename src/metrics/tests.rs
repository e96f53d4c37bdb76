use std::collections::BTreeSet;

use super::testing::{at, samples, spec, state};
use super::{MetricType, catalogue, families};
use crate::model::{Collector, DropReason};
use crate::model::{LoginResult, Reason};

#[test]
fn names_are_sorted_used_once_and_follow_the_conventions() {
    let catalogue = catalogue();
    let names: Vec<_> = catalogue.iter().map(|family| family.name).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    for family in catalogue {
        let counter = family.kind == MetricType::Counter;
        assert_eq!(family.name.ends_with("_total"), counter, "{}", family.name);
        assert!(family.name.starts_with("lyvecloud_"));
        let labels: BTreeSet<_> = family.labels.iter().collect();
        assert_eq!(labels.len(), family.labels.len(), "{}", family.name);
        assert!(family.help.ends_with('.'), "{}", family.name);
        assert!(!family.help.contains("  "), "{}", family.name);
        assert!(family.help.chars().count() <= 100, "{}: docs/metrics.md has room for more", family.name);
    }
}

#[test]
fn an_account_that_was_never_polled_shows_its_health_and_no_data() {
    let now = at("2026-11-24T12:00:00Z");
    let untried = state(spec("acme"), |_| {});
    let shown: Vec<_> = families()
        .iter()
        .map(|family| (family.name, samples(family.name, &untried, now).len()))
        .filter(|(_, count)| *count > 0)
        .collect();
    let collectors = Collector::ACCOUNT_V2.len();
    assert_eq!(
        shown,
        [
            ("lyvecloud_account_data_max_age_seconds", 1),
            ("lyvecloud_account_info", 1),
            ("lyvecloud_account_usage_drop_threshold_ratio", 1),
            ("lyvecloud_collector_failures_total", collectors * Reason::ALL.len()),
            ("lyvecloud_collector_polls_total", collectors),
            ("lyvecloud_collector_up", collectors),
            ("lyvecloud_credential_warning_seconds", 2),
            ("lyvecloud_logins_total", LoginResult::ALL.len()),
            ("lyvecloud_series_dropped_total", DropReason::ALL.len()),
            ("lyvecloud_up", 1),
        ]
    );
}
