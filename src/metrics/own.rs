//! The exporter's own families, which no account's state feeds.

use std::time::Duration;

use jiff::Timestamp;
use prometheus::core::Desc;
use prometheus::proto::MetricFamily;
use prometheus::{
    Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use super::{FamilyInfo, MetricType};
use crate::api::account_v2;
use crate::clock::unix_seconds;
use crate::logging;
use crate::model::Endpoint;
use crate::shard::Shard;

const BUILD_INFO: FamilyInfo = FamilyInfo {
    name: "lyvecloud_exporter_build_info",
    kind: MetricType::Gauge,
    labels: &["version", "revision", "rustc"],
    help: "Version, revision and compiler from which the exporter was built; always 1.",
};

const REQUEST_DURATION: FamilyInfo = FamilyInfo {
    name: "lyvecloud_api_request_duration_seconds",
    kind: MetricType::Histogram,
    labels: &["endpoint"],
    help: "Duration of requests to the vendor until the answer was read.",
};

/// Where the exporter itself sends alerts.
pub(crate) const NOTIFICATIONS: FamilyInfo = FamilyInfo {
    name: "lyvecloud_exporter_notifications_total",
    kind: MetricType::Counter,
    labels: &["alertmanager", "result"],
    help: "Total number of posts of alerts to the Alertmanager, by result.",
};

/// What became of the last change of the web configuration.
pub(crate) const WEB_CONFIG_RELOAD: FamilyInfo = FamilyInfo {
    name: "lyvecloud_exporter_web_config_last_reload_successful",
    kind: MetricType::Gauge,
    labels: &[],
    help: "Whether the last read of the web configuration and its certificates was successful.",
};

const RELOAD_SUCCESSFUL: FamilyInfo = FamilyInfo {
    name: "lyvecloud_exporter_config_last_reload_successful",
    kind: MetricType::Gauge,
    labels: &[],
    help: "Whether the last configuration reload attempt was successful.",
};

const RELOAD_TIMESTAMP: FamilyInfo = FamilyInfo {
    name: "lyvecloud_exporter_config_last_reload_success_timestamp_seconds",
    kind: MetricType::Gauge,
    labels: &[],
    help: "Unix timestamp of the last successful configuration reload.",
};

const SHARD_INFO: FamilyInfo = FamilyInfo {
    name: "lyvecloud_exporter_shard_info",
    kind: MetricType::Gauge,
    labels: &["shard", "count"],
    help: "Shard of this exporter and number of shards; always 1.",
};

const STATE_FILE_WRITTEN: FamilyInfo = FamilyInfo {
    name: "lyvecloud_exporter_state_file_last_write_successful",
    kind: MetricType::Gauge,
    labels: &[],
    help: "Whether the last write of the state file was successful.",
};

const PANICS: FamilyInfo = FamilyInfo {
    name: "lyvecloud_exporter_task_panics_total",
    kind: MetricType::Counter,
    labels: &["task"],
    help: "Total number of panics of the task, which was restarted after each.",
};

const LOG_LINES_DROPPED: FamilyInfo = FamilyInfo {
    name: "lyvecloud_exporter_log_lines_dropped_total",
    kind: MetricType::Counter,
    labels: &[],
    help: "Total number of log lines dropped because their reader was too slow.",
};

/// The library's `process_*` apart.
pub(super) const CATALOGUE: [FamilyInfo; 10] = [
    BUILD_INFO,
    REQUEST_DURATION,
    LOG_LINES_DROPPED,
    NOTIFICATIONS,
    RELOAD_SUCCESSFUL,
    RELOAD_TIMESTAMP,
    SHARD_INFO,
    STATE_FILE_WRITTEN,
    PANICS,
    WEB_CONFIG_RELOAD,
];

/// From an answer out of a cache to the longest that a request is usually given.
const REQUEST_DURATION_BUCKETS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The tasks that can panic, beside one for each collector.
pub(crate) const TASKS: [&str; 4] = [NOTIFIER, RELOAD, ROTATION, STATE_FILE];
pub(crate) const NOTIFIER: &str = "notifier";
pub(crate) const RELOAD: &str = "reload";
pub(crate) const ROTATION: &str = "rotation";
pub(crate) const STATE_FILE: &str = "state_file";

/// What the exporter was built from.
#[derive(Clone, Copy, Debug)]
pub struct Build<'a> {
    /// Its version.
    pub version: &'a str,
    /// The source's revision.
    pub revision: &'a str,
    /// The compiler's version.
    pub rustc: &'a str,
}

/// The exporter's own metrics.
#[derive(Debug)]
pub struct ExporterMetrics {
    registry: Registry,
    request_duration: HistogramVec,
    reload_successful: IntGauge,
    reload_timestamp: Gauge,
    shard_info: IntGaugeVec,
    /// Without labels; a vector, so that it can be absent.
    state_file_written: IntGaugeVec,
    panics: IntCounterVec,
}

impl ExporterMetrics {
    /// The metrics of an exporter that was built like this and has these collectors.
    ///
    /// # Errors
    ///
    /// None of the names that it registers is wrong or taken, so none in practice.
    pub fn new(
        build: Build<'_>,
        collectors: impl IntoIterator<Item = &'static str>,
    ) -> prometheus::Result<Self> {
        let registry = Registry::new();

        let build_info = IntGauge::with_opts(
            Opts::new(BUILD_INFO.name, BUILD_INFO.help)
                .const_label("version", build.version)
                .const_label("revision", build.revision)
                .const_label("rustc", build.rustc),
        )?;
        build_info.set(1);
        registry.register(Box::new(build_info))?;

        let request_duration = HistogramVec::new(
            HistogramOpts::new(REQUEST_DURATION.name, REQUEST_DURATION.help)
                .buckets(REQUEST_DURATION_BUCKETS.to_vec()),
            REQUEST_DURATION.labels,
        )?;
        // The others are there from their first request on, so that those who do not use them have none of their many series.
        for endpoint in account_v2::endpoints() {
            request_duration.get_metric_with_label_values(&[endpoint.name()])?;
        }
        registry.register(Box::new(request_duration.clone()))?;

        let reload_successful = IntGauge::new(RELOAD_SUCCESSFUL.name, RELOAD_SUCCESSFUL.help)?;
        registry.register(Box::new(reload_successful.clone()))?;
        let reload_timestamp = Gauge::new(RELOAD_TIMESTAMP.name, RELOAD_TIMESTAMP.help)?;
        registry.register(Box::new(reload_timestamp.clone()))?;

        let shard_info = IntGaugeVec::new(Opts::new(SHARD_INFO.name, SHARD_INFO.help), SHARD_INFO.labels)?;
        registry.register(Box::new(shard_info.clone()))?;

        let state_file_written = IntGaugeVec::new(
            Opts::new(STATE_FILE_WRITTEN.name, STATE_FILE_WRITTEN.help),
            STATE_FILE_WRITTEN.labels,
        )?;
        registry.register(Box::new(state_file_written.clone()))?;

        let panics = IntCounterVec::new(Opts::new(PANICS.name, PANICS.help), PANICS.labels)?;
        for task in TASKS.into_iter().chain(collectors) {
            panics.get_metric_with_label_values(&[task])?;
        }
        registry.register(Box::new(panics.clone()))?;

        registry
            .register(Box::new(LogLines(IntCounter::new(LOG_LINES_DROPPED.name, LOG_LINES_DROPPED.help)?)))?;

        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;

        let own = Self {
            registry,
            request_duration,
            reload_successful,
            reload_timestamp,
            shard_info,
            state_file_written,
            panics,
        };
        own.is_shard(Shard::WHOLE);
        Ok(own)
    }

    /// Shows which of several replicas this is.
    pub fn is_shard(&self, shard: Shard) {
        self.shard_info.reset();
        let labels = [shard.index().to_string(), shard.count().to_string()];
        self.shard_info.with_label_values(&labels).set(1);
    }

    /// Takes note of a reading of the configuration: when it was good, or that it was not.
    pub fn config_read(&self, good_at: Option<Timestamp>) {
        self.reload_successful.set(good_at.is_some().into());
        if let Some(now) = good_at {
            self.reload_timestamp.set(unix_seconds(now));
        }
    }

    /// Takes note of an attempt to write the state file; `None` where there is none any more.
    pub fn state_file_written(&self, worked: Option<bool>) {
        match worked {
            Some(worked) => self.state_file_written.with_label_values::<&str>(&[]).set(worked.into()),
            None => self.state_file_written.reset(),
        }
    }

    /// Counts a task that ended by a panic.
    pub fn count_panic(&self, task: &str) {
        self.panics.with_label_values(&[task]).inc();
    }

    /// Takes note of how long one request took.
    pub fn observe_request(&self, endpoint: Endpoint, took: Duration) {
        self.request_duration.with_label_values(&[endpoint.name()]).observe(took.as_secs_f64());
    }

    /// Where further metrics of the exporter itself are registered.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The families as they are now, in the order of their names.
    #[must_use]
    pub fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }
}

/// What the log counts by itself.
struct LogLines(IntCounter);

impl prometheus::core::Collector for LogLines {
    fn desc(&self) -> Vec<&Desc> {
        prometheus::core::Collector::desc(&self.0)
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // A new one each time: two scrapes at once would count twice.
        let counter = IntCounter::new(LOG_LINES_DROPPED.name, LOG_LINES_DROPPED.help);
        counter.map_or_else(
            |_| Vec::new(),
            |counter| {
                counter.inc_by(logging::lines_dropped());
                prometheus::core::Collector::collect(&counter)
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_of_the_account_api_is_there_from_the_start() {
        let own =
            ExporterMetrics::new(Build { version: "1.2.3", revision: "abc", rustc: "1.90.0" }, []).unwrap();
        own.observe_request(Endpoint::Login, Duration::from_millis(80));
        let families = own.gather();
        assert!(families.is_sorted_by(|a, b| a.name() < b.name()));

        let durations = families.iter().find(|family| family.name() == REQUEST_DURATION.name).unwrap();
        let mut endpoints: Vec<_> = account_v2::endpoints().map(Endpoint::name).collect();
        endpoints.sort_unstable();
        let shown = durations.get_metric().iter().map(|metric| metric.get_label()[0].value());
        assert_eq!(shown.collect::<Vec<_>>(), endpoints);
        let observed: u64 =
            durations.get_metric().iter().map(|metric| metric.get_histogram().get_sample_count()).sum();
        assert_eq!(observed, 1);

        let build = families.iter().find(|family| family.name() == BUILD_INFO.name).unwrap();
        let [metric] = build.get_metric() else {
            panic!("{build:?}");
        };
        let mut labels: Vec<_> =
            metric.get_label().iter().map(|label| (label.name(), label.value())).collect();
        labels.sort_unstable();
        assert_eq!(labels, [("revision", "abc"), ("rustc", "1.90.0"), ("version", "1.2.3")]);
    }
}
