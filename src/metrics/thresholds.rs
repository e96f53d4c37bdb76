//! What the configuration sets for alerts, so that rules compare series with series and hold no number of their own.

use super::{Family, MetricType};
use crate::model::StatePart;

const SEVERITY: &[&str] = &["account", "severity"];

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "lyvecloud_account_info",
        help: "Watched account, with its id at the vendor and its API; always 1.",
        kind: MetricType::Gauge,
        labels: &["account", "account_id", "api"],
        part: StatePart::Configuration,
        walk: |state, _, sink| {
            sink(&[&state.spec.name, &state.spec.account_id, state.spec.api], 1.0);
        },
    },
    Family {
        name: "lyvecloud_collector_interval_seconds",
        help: "Configured interval between two polls of the collector.",
        kind: MetricType::Gauge,
        labels: &["account", "collector"],
        part: StatePart::Configuration,
        walk: |state, _, sink| {
            for (collector, interval) in &state.spec.intervals {
                sink(&[&state.spec.name, collector.name()], interval.as_secs_f64());
            }
        },
    },
    Family {
        name: "lyvecloud_account_data_max_age_seconds",
        help: "Configured age at which data without a successful poll is withdrawn.",
        kind: MetricType::Gauge,
        labels: &["account"],
        part: StatePart::Configuration,
        walk: |state, _, sink| sink(&[&state.spec.name], state.spec.data_max_age.as_secs_f64()),
    },
    Family {
        name: "lyvecloud_credential_warning_seconds",
        help: "Configured remaining life of a credential below which an alert of the severity fires.",
        kind: MetricType::Gauge,
        labels: SEVERITY,
        part: StatePart::Configuration,
        walk: |state, _, sink| {
            let steps = state.spec.warning;
            for (severity, step) in [("critical", steps.critical), ("warning", steps.warning)] {
                if let Some(step) = step {
                    sink(&[&state.spec.name, severity], step.as_secs_f64());
                }
            }
        },
    },
    Family {
        name: "lyvecloud_access_key_rotation_warning_seconds",
        help: "Configured time to an access key's rotation below which an alert of the severity fires.",
        kind: MetricType::Gauge,
        labels: SEVERITY,
        part: StatePart::Configuration,
        walk: |state, _, sink| {
            if state.spec.max_key_age.is_some() {
                sink(&[&state.spec.name, "info"], state.spec.warning.rotation.as_secs_f64());
                sink(&[&state.spec.name, "warning"], 0.0);
            }
        },
    },
    Family {
        name: "lyvecloud_account_budget",
        help: "Configured budget of the account for one month.",
        kind: MetricType::Gauge,
        labels: &["account", "currency"],
        part: StatePart::Configuration,
        walk: |state, _, sink| {
            if let Some(price) = &state.spec.price
                && let Some(budget) = price.budget
            {
                sink(&[&state.spec.name, &price.currency], budget);
            }
        },
    },
    Family {
        name: "lyvecloud_account_usage_drop_threshold_ratio",
        help: "Configured share of usage that may disappear within a day before an alert fires.",
        kind: MetricType::Gauge,
        labels: &["account"],
        part: StatePart::Configuration,
        walk: |state, _, sink| sink(&[&state.spec.name], state.spec.usage_drop),
    },
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::metrics::testing::{at, object_storage, samples, spec, state};
    use crate::model::{Collector, Price, WarningSteps};
    use crate::store::AccountSpec;

    const HOUR: Duration = Duration::from_secs(3600);

    fn shown(spec: AccountSpec, name: &str) -> Vec<String> {
        samples(&format!("lyvecloud_{name}"), &state(spec, |_| ()), at("2026-11-24T12:00:00Z"))
    }

    #[test]
    fn each_account_shows_what_it_is_alerted_by_before_its_first_poll() {
        let price = Price {
            per_terabyte_month: 8.0,
            minimum_terabytes: 0.0,
            currency: "EUR".to_owned(),
            budget: Some(1500.5),
        };
        let acme = || AccountSpec {
            intervals: vec![(Collector::CURRENT_USAGE, 4 * HOUR), (Collector::CREDENTIALS, HOUR / 12)],
            data_max_age: 48 * HOUR,
            usage_drop: 0.25,
            warning: WarningSteps::of(&[240 * HOUR, 48 * HOUR]),
            price: Some(price.clone()),
            ..spec("acme")
        };
        for (name, lines) in [
            ("account_info", &["acme|id-of-acme|account_v2 1"][..]),
            ("collector_interval_seconds", &["acme|current_usage 14400", "acme|credentials 300"]),
            ("account_data_max_age_seconds", &["acme 172800"]),
            ("credential_warning_seconds", &["acme|critical 172800", "acme|warning 864000"]),
            ("access_key_rotation_warning_seconds", &[]),
            ("account_budget", &["acme|EUR 1500.5"]),
            ("account_usage_drop_threshold_ratio", &["acme 0.25"]),
        ] {
            assert_eq!(shown(acme(), name), lines, "{name}");
        }
    }

    #[test]
    fn what_is_not_set_has_no_series() {
        let warning = WarningSteps::of(&[HOUR]);
        assert_eq!(
            shown(AccountSpec { warning, ..spec("acme") }, "credential_warning_seconds"),
            ["acme|critical 3600"]
        );
        let warning = WarningSteps::of(&[]);
        assert!(shown(AccountSpec { warning, ..spec("acme") }, "credential_warning_seconds").is_empty());
        assert!(shown(spec("acme"), "account_budget").is_empty());
        let keys = AccountSpec { max_key_age: Some(HOUR), ..object_storage("acme") };
        assert_eq!(
            shown(keys, "access_key_rotation_warning_seconds"),
            ["acme|info 1209600", "acme|warning 0"]
        );
        assert_eq!(shown(object_storage("acme"), "account_info"), ["acme|id-of-acme|object_storage 1"]);
    }
}
