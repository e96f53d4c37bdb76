//! How the polls went, and what the exporter counts of each account. There from the first scrape on.

use jiff::Timestamp;

use super::{Family, MetricType, Sink, flag, number};
use crate::clock::unix_seconds;
use crate::model::{Collector, DropReason, StatePart};
use crate::model::{LoginResult, Reason};
use crate::store::{AccountState, Health};

const COLLECTOR: &[&str] = &["account", "collector"];

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "lyvecloud_up",
        help: "Whether the last poll of every collector of the account was successful.",
        kind: MetricType::Gauge,
        labels: &["account"],
        part: StatePart::Failures,
        walk: |state, _, sink| sink(&[&state.spec.name], flag(state.up())),
    },
    Family {
        name: "lyvecloud_collector_up",
        help: "Whether the last poll of the collector was successful; 0 before the first.",
        kind: MetricType::Gauge,
        labels: COLLECTOR,
        part: StatePart::Failures,
        walk: |state, _, sink| {
            for collector in collectors(state) {
                let up = state.collector_up(collector);
                sink(&[&state.spec.name, collector.name()], flag(up));
            }
        },
    },
    Family {
        name: "lyvecloud_collector_last_attempt_timestamp_seconds",
        help: "Unix timestamp of the end of the last poll, successful or not.",
        kind: MetricType::Gauge,
        labels: COLLECTOR,
        part: StatePart::Health,
        walk: |state, _, sink| each(state, sink, |health| health.last_attempt.map(unix_seconds)),
    },
    Family {
        name: "lyvecloud_collector_last_success_timestamp_seconds",
        help: "Unix timestamp of the end of the last successful poll: the time of the shown data.",
        kind: MetricType::Gauge,
        labels: COLLECTOR,
        part: StatePart::Health,
        walk: |state, _, sink| each(state, sink, |health| health.last_success.map(unix_seconds)),
    },
    Family {
        name: "lyvecloud_collector_last_duration_seconds",
        help: "Duration of the last poll, successful or not.",
        kind: MetricType::Gauge,
        labels: COLLECTOR,
        part: StatePart::Health,
        walk: |state, _, sink| {
            each(state, sink, |health| health.last_duration.map(|took| took.as_secs_f64()));
        },
    },
    Family {
        name: "lyvecloud_collector_polls_total",
        help: "Total number of polls, successful or not.",
        kind: MetricType::Counter,
        labels: COLLECTOR,
        part: StatePart::Health,
        walk: |state, _, sink| each(state, sink, |health| Some(number(health.polls))),
    },
    Family {
        name: "lyvecloud_collector_failures_total",
        help: "Total number of failed polls, by reason.",
        kind: MetricType::Counter,
        labels: &["account", "collector", "reason"],
        part: StatePart::Failures,
        walk: failures,
    },
    Family {
        name: "lyvecloud_api_requests_total",
        help: "Total number of requests to the vendor, by HTTP status or by the reason of the failure.",
        kind: MetricType::Counter,
        labels: &["account", "endpoint", "code"],
        part: StatePart::Health,
        walk: requests,
    },
    Family {
        name: "lyvecloud_api_contract_deviations",
        help: "Number of ways in which the endpoint's last answer differed from its documentation.",
        kind: MetricType::Gauge,
        labels: &["account", "endpoint"],
        part: StatePart::Failures,
        walk: |state, _, sink| {
            for (endpoint, deviations) in &state.deviations {
                sink(&[&state.spec.name, endpoint.name()], number(deviations.len() as u64));
            }
        },
    },
    Family {
        name: "lyvecloud_logins_total",
        help: "Total number of logins, by result; with object_storage of signed requests.",
        kind: MetricType::Counter,
        labels: &["account", "result"],
        part: StatePart::Failures,
        walk: |state, _, sink| {
            for &result in LoginResult::ALL {
                let count = state.login_results.get(&result).copied().unwrap_or_default();
                sink(&[&state.spec.name, result.name()], number(count));
            }
        },
    },
    Family {
        name: "lyvecloud_series_dropped_total",
        help: "Total number of series dropped, by reason.",
        kind: MetricType::Counter,
        labels: &["account", "reason"],
        part: StatePart::Failures,
        walk: |state, _, sink| {
            for &reason in DropReason::ALL {
                let count = state.dropped.get(reason);
                sink(&[&state.spec.name, reason.name()], number(count));
            }
        },
    },
];

/// What is polled of the account.
fn collectors(state: &AccountState) -> impl Iterator<Item = Collector> {
    state.spec.collectors.iter().copied()
}

fn each(state: &AccountState, sink: &mut Sink<'_>, value: fn(&Health) -> Option<f64>) {
    for collector in collectors(state) {
        if let Some(value) = value(state.health(collector)) {
            sink(&[&state.spec.name, collector.name()], value);
        }
    }
}

fn failures(state: &AccountState, _now: Timestamp, sink: &mut Sink<'_>) {
    for collector in collectors(state) {
        let failures = &state.health(collector).failures;
        for &reason in Reason::ALL {
            let count = failures.get(&reason).copied().unwrap_or_default();
            sink(&[&state.spec.name, collector.name(), reason.name()], number(count));
        }
    }
}

fn requests(state: &AccountState, _now: Timestamp, sink: &mut Sink<'_>) {
    for ((endpoint, code), count) in &state.requests {
        let code = code.to_string();
        sink(&[&state.spec.name, endpoint.name(), &code], number(*count));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::api::ApiError;
    use crate::metrics::testing::{TOOK, answer, at, samples, spec, state};
    use crate::model::Endpoint;
    use crate::model::{Collected, Dropped, Permissions};
    use crate::store::AccountSpec;

    fn two_collectors() -> AccountSpec {
        AccountSpec { collectors: vec![Collector::CURRENT_USAGE, Collector::PERMISSIONS], ..spec("acme") }
    }

    #[test]
    fn statuses_that_nobody_registered_share_one_series() {
        let state = state(spec("acme"), |state| {
            (0..=u16::MAX).for_each(|status| state.count_request(Endpoint::Login, Ok(status)));
        });
        let counted = samples("lyvecloud_api_requests_total", &state, at("2026-11-24T12:00:00Z"));
        let has = |code: &str| {
            counted.iter().any(|line| line.starts_with(&format!("acme|POST /auth/token|{code} ")))
        };
        for code in ["200", "307", "403", "429", "503", "other"] {
            assert!(has(code), "{code}");
        }
        assert!(!has("0") && !has("299") && !has("599") && !has("65535"));
        assert!(counted.len() < 80, "{}", counted.len());
    }

    #[test]
    fn a_success_and_a_failure_show_in_their_own_collector() {
        let now = at("2026-11-24T12:00:00Z");
        let before = at("2026-11-24T11:00:00Z");
        let mut dropped = Dropped::default();
        dropped.add(DropReason::Duplicate, 2);
        let timeout = ApiError::new(Reason::Timeout, Endpoint::Permissions, "no answer in 30 s");
        let state = state(two_collectors(), |state| {
            let data = crate::model::CurrentUsage::default();
            state.succeed(Collected { data, dropped }, before, TOOK);
            state.fail(Collector::PERMISSIONS, timeout.failure(now), Duration::from_secs(30));
            state.count_request(Endpoint::CurrentUsage, Ok(200));
            state.count_request(Endpoint::CurrentUsage, Ok(200));
            state.count_request(Endpoint::Permissions, Err(Reason::Timeout));
            state.count_login(LoginResult::Accepted, before);
        });
        for (name, lines) in [
            ("up", &["acme 0"][..]),
            ("collector_up", &["acme|current_usage 1", "acme|permissions 0"]),
            (
                "collector_last_attempt_timestamp_seconds",
                &["acme|current_usage 1795518000", "acme|permissions 1795521600"],
            ),
            ("collector_last_success_timestamp_seconds", &["acme|current_usage 1795518000"]),
            ("collector_last_duration_seconds", &["acme|current_usage 1.5", "acme|permissions 30"]),
            ("collector_polls_total", &["acme|current_usage 1", "acme|permissions 1"]),
            ("api_requests_total", &["acme|GET /usage/current|200 2", "acme|GET /permissions|timeout 1"]),
            ("logins_total", &["acme|accepted 1", "acme|rejected 0", "acme|failed 0"]),
            (
                "series_dropped_total",
                &["acme|filtered 0", "acme|limit 0", "acme|duplicate 2", "acme|invalid 0"],
            ),
        ] {
            assert_eq!(samples(&format!("lyvecloud_{name}"), &state, now), lines, "{name}");
        }
        let failures = samples("lyvecloud_collector_failures_total", &state, now);
        assert_eq!(failures.len(), 2 * Reason::ALL.len());
        let counted: Vec<_> = failures.iter().filter(|line| !line.ends_with(" 0")).collect();
        assert_eq!(counted, ["acme|permissions|timeout 1"]);
    }

    #[test]
    fn an_account_is_up_once_all_its_collectors_are() {
        let now = at("2026-11-24T12:00:00Z");
        let half = state(two_collectors(), |state| {
            state.succeed(answer(Permissions::default()), now, TOOK);
        });
        assert_eq!(samples("lyvecloud_up", &half, now), ["acme 0"]);
        let mut whole = (*half).clone();
        whole.succeed(answer(crate::model::CurrentUsage::default()), now, TOOK);
        assert_eq!(samples("lyvecloud_up", &whole, now), ["acme 1"]);
    }
}
