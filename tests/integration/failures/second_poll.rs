//! Rows whose fault meets the second poll: the first one worked, so that there is something to keep.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use lyve_cloud_exporter::clock;
use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::model::Reason;
use lyve_cloud_exporter::simulator::{Endpoint, Fault, RequestRecord};
use lyve_cloud_exporter::store::AccountState;

use super::play::{
    Log, Vendor, assert_failures, assert_nothing_leaked, collectors_beside, config, data_of, endpoint,
    scrape, settle,
};
use crate::stage::{Exporter, NOW, PATIENCE, Stage, at, hours};

/// What comes of a poll.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// The collector shows what the vendor has now.
    Works,
    /// The collector shows what it showed before, and says why.
    Fails(Reason),
}

/// When the next poll is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wait {
    /// After the first wait of the backoff.
    Backoff,
    /// When it would have been due anyway.
    Interval,
    /// After so many seconds: the vendor's wish.
    Seconds(u64),
}

impl Wait {
    pub fn seconds(self, collector: Collector) -> u64 {
        match self {
            Self::Backoff => 30,
            Self::Interval => super::play::interval(collector).as_secs(),
            Self::Seconds(seconds) => seconds,
        }
    }
}

/// One row: a fault of one collector's endpoint, and what must come of it.
#[derive(Clone, Debug)]
pub struct Row {
    pub name: String,
    pub collector: Collector,
    /// Met one after the other.
    pub faults: Vec<(Endpoint, Fault)>,
    pub outcome: Outcome,
    pub wait: Wait,
    /// How many requests the poll makes to the collector's endpoint.
    pub requests: usize,
    /// How many logins it makes.
    pub logins: f64,
    /// What the log's error says.
    pub says: String,
}

impl Row {
    fn key(&self) -> (&str, Collector) {
        (&self.name, self.collector)
    }
}

/// The account without a fault.
const CONTROL: &str = "control";

/// Plays rows that all meet their faults at the same instant. They are of one API.
pub async fn play_rows(rows: Vec<Row>, timeout: Duration, log: Log) {
    play_rows_for(rows, timeout, Duration::ZERO, log).await;
}

/// The same for rows whose polls wait so long, once each has met its first fault, and ask once more.
pub async fn play_rows_for(rows: Vec<Row>, timeout: Duration, second_try: Duration, log: Log) {
    let stage = Stage::new().await;
    let of_api = rows.first().expect("a row").collector;
    let collectors = collectors_beside(of_api);
    assert!(rows.iter().all(|row| collectors.contains(&row.collector)));
    let mut vendors = Vec::new();
    let mut accounts = Vec::new();
    for name in rows.iter().map(|row| row.name.as_str()).chain([CONTROL]) {
        let (vendor, account) = Vendor::full(&stage, name, of_api);
        vendors.push(vendor);
        accounts.push(account);
    }
    assert_eq!(accounts.iter().map(|account| &account.name).collect::<BTreeSet<_>>().len(), accounts.len());
    let mut config = config(accounts);
    config.poll.timeout = timeout;
    if collectors == Collector::OBJECT_STORAGE {
        // The days of a longer history, four lists of them, take most of the time.
        config.history.months = 2;
    }
    let exporter = stage.polled_exporter(config).await;
    let first = scrape(&exporter).await;
    for collector in collectors {
        assert_eq!(log.warnings().of(CONTROL, *collector), [] as [serde_json::Value; 0]);
        assert_ne!(data_of(&first[CONTROL], *collector), [], "{collector} has something to keep");
    }

    for vendor in &vendors {
        vendor.change_everything();
    }
    for (row, vendor) in rows.iter().zip(&vendors) {
        for (endpoint, fault) in &row.faults {
            vendor.fail_once(*endpoint, fault.clone());
        }
    }
    stage.simulator.forget_requests();
    stage.clock.advance(hours(6));
    if !second_try.is_zero() {
        first_faults_met(&stage, &rows).await;
        settle(&stage, &exporter).await;
        stage.clock.advance(second_try);
    }
    let second = |store: &lyve_cloud_exporter::store::Store| {
        store.snapshot().iter().all(|state| collectors.iter().all(|c| state.health(*c).polls == 2))
    };
    exporter.until_within(timeout.max(PATIENCE), "everything was polled twice", second).await;
    let samples = scrape(&exporter).await;
    let warnings = log.warnings();
    let requests = stage.simulator.requests();
    for row in &rows {
        let (name, collector) = row.key();
        let (before, after) = (&first[name], &samples[name]);
        let labels = [("collector", collector.name())];
        let value = |metric: &str| after.value(metric, &labels);
        let found = data_of(after, collector);
        let success;
        if let Outcome::Fails(reason) = row.outcome {
            success = at(NOW);
            assert_eq!(value("lyvecloud_collector_up"), Some(0.0), "{name}");
            assert_eq!(after.value("lyvecloud_up", &[]), Some(0.0), "{name}");
            assert_failures(after, row.key(), Some(reason), 1.0);
            assert_eq!(found, data_of(before, collector), "{name}: what was known stays");
            warnings.assert_failure(row.key(), reason, &row.says, row.wait.seconds(collector));
        } else {
            success = exporter.now();
            assert_eq!(value("lyvecloud_collector_up"), Some(1.0), "{name}");
            assert_eq!(after.value("lyvecloud_up", &[]), Some(1.0), "{name}");
            assert_failures(after, row.key(), None, 0.0);
            assert_eq!(warnings.of(name, collector), [] as [serde_json::Value; 0], "{name}: nothing to tell");
            if row.logins == 0.0 {
                assert_eq!(found, data_of(&samples[CONTROL], collector), "{name}: what there is now");
            }
        }
        let last_success = value("lyvecloud_collector_last_success_timestamp_seconds");
        assert_eq!(last_success, Some(success.as_second() as f64), "{name}: moves on a whole success only");
        let last_attempt = value("lyvecloud_collector_last_attempt_timestamp_seconds");
        assert_eq!(last_attempt, Some(exporter.now().as_second() as f64), "{name}");
        let asked_of = row.faults.first().map_or(endpoint(collector), |(endpoint, _)| *endpoint);
        let asked = requests
            .iter()
            .filter(|request| request.account.as_deref() == Some(name) && request.endpoint == asked_of);
        assert_eq!(asked.count(), row.requests, "{name}: requests");
        if collectors == Collector::ACCOUNT_V2 {
            let logins: f64 = after.all("lyvecloud_logins_total", &[]).iter().sum();
            assert_eq!(logins, 1.0 + row.logins, "{name}: logins");
        } else {
            let rejected = after.value("lyvecloud_logins_total", &[("result", "rejected")]);
            assert_eq!(rejected, Some(0.0), "{name}: nobody rejected the key");
        }
        let dropped: f64 = after.all("lyvecloud_series_dropped_total", &[]).iter().sum();
        assert_eq!(dropped, 0.0, "{name}: dropped");
        for other in collectors.iter().copied().filter(|other| *other != collector) {
            assert_failures(after, (name, other), None, 0.0);
            assert_eq!(
                data_of(after, other),
                data_of(&samples[CONTROL], other),
                "{name}: {other} is not harmed"
            );
        }
    }
    next_polls(&rows, &stage, &exporter).await;
    assert_nothing_leaked(&stage, &exporter, &log).await;
}

/// Ends once each row's first fault was met.
async fn first_faults_met(stage: &Stage, rows: &[Row]) {
    let mut count = 1;
    let met = |row: &Row, requests: &[RequestRecord]| {
        row.faults.first().is_none_or(|(endpoint, _)| {
            let is_met = |request: &RequestRecord| {
                request.account.as_deref() == Some(&row.name) && request.endpoint == *endpoint
            };
            requests.iter().any(is_met)
        })
    };
    let all = async {
        while !rows.iter().all(|row| met(row, &stage.simulator.requests())) {
            stage.simulator.wait_for_requests(None, count).await;
            count = stage.simulator.request_count(None) + 1;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("every fault was met in time");
}

/// Each row's next poll is made when it is due, and not before; and it works.
async fn next_polls(rows: &[Row], stage: &Stage, exporter: &Exporter) {
    let faulty = exporter.now();
    let due = |row: &Row| -> Timestamp {
        let wait = if matches!(row.outcome, Outcome::Fails(_)) { row.wait } else { Wait::Interval };
        clock::after(faulty, Duration::from_secs(wait.seconds(row.collector)))
    };
    let polls = |row: &Row| exporter.polls(&row.name, row.collector);
    let instants: BTreeSet<Timestamp> = rows.iter().map(due).collect();
    for instant in instants {
        // A session's end is computed from when its request was sent: no clock moves while one is under way.
        settle(stage, exporter).await;
        stage.clock.set(instant - jiff::SignedDuration::from_secs(1));
        settle(stage, exporter).await;
        for row in rows.iter().filter(|row| due(row) >= instant) {
            assert_eq!(polls(row), 2, "{}: polled before it was due", row.name);
        }
        stage.clock.set(instant);
        let now_due: Vec<&Row> = rows.iter().filter(|row| due(row) == instant).collect();
        let polled = |_: &_| now_due.iter().all(|row| polls(row) == 3);
        exporter.until(&format!("the polls due at {instant} were made"), polled).await;
    }
    // Longer than the interval of every collector since the change.
    settle(stage, exporter).await;
    stage.clock.set(clock::after(faulty, hours(7)));
    let latest = exporter.now();
    let works = |store: &lyve_cloud_exporter::store::Store| {
        // The months may not be due yet.
        let up_to_date = |state: &AccountState, collector: Collector| {
            collector == Collector::MONTHLY_USAGE || state.health(collector).last_attempt == Some(latest)
        };
        store.snapshot().iter().all(|state| {
            state.up() && state.spec.collectors.iter().all(|collector| up_to_date(state, *collector))
        })
    };
    exporter.until("everything works again", works).await;
    settle(stage, exporter).await;
    let samples = scrape(exporter).await;
    for row in rows {
        let reason = if let Outcome::Fails(reason) = row.outcome { Some(reason) } else { None };
        assert_failures(&samples[&row.name], row.key(), reason, 1.0);
        if row.logins == 0.0 {
            // But for the session's end: it is computed from when its request was sent, which may be before or behind a
            // step of the clock.
            let known = |name: &str| -> Vec<_> {
                let data = data_of(&samples[name], row.collector).into_iter();
                data.filter(|sample| sample.name != "lyvecloud_session_expiry_timestamp_seconds").collect()
            };
            assert_eq!(known(&row.name), known(CONTROL), "{}: recovered", row.name);
        }
    }
}
