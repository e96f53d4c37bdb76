use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use super::RecentUsage;
use crate::clock;
use crate::model::{
    AnyData, Collected, Collector, Data, Dropped, Endpoint, Expiry, Failure, Identity, LoginResult, Logins,
    Missing, Price, Reason, RequestCode, ServiceAccount, Session, StatePart, Timestamped, WarningSteps,
};

/// What the configuration says of an account, as far as it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountSpec {
    /// The label `account`.
    pub name: Arc<str>,
    /// The vendor's id of the account. It identifies the account's own pair of credentials too, as it stays the same
    /// when the pair is regenerated.
    pub account_id: Arc<str>,
    /// The API that it is watched through, as the configuration names it.
    pub api: &'static str,
    /// What tells the account from one that had its name before.
    pub identity: Arc<Identity>,
    /// When its own pair of credentials ends.
    pub credential: Expiry,
    /// The age at which one of its access keys is due for rotation, where the operator told.
    pub max_key_age: Option<Duration>,
    /// What its storage costs, where the operator told.
    pub price: Option<Price>,
    /// How long before something ends a person is warned.
    pub warning: WarningSteps,
    /// The share of its usage that it may lose within a day before an alert fires.
    pub usage_drop: f64,
    /// What is polled of it.
    pub collectors: Vec<Collector>,
    /// The configured time between two polls of each of them.
    pub intervals: Vec<(Collector, Duration)>,
    /// After this long without a success a collector's answer is withdrawn.
    pub data_max_age: Duration,
}

impl AccountSpec {
    /// Whether it has this collector.
    #[must_use]
    pub fn polls(&self, collector: Collector) -> bool {
        self.collectors.contains(&collector)
    }
}

/// How the polls of one collector went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// When the last poll ended, however it ended.
    pub last_attempt: Option<Timestamp>,
    /// When the next poll is due; `None` where no poller runs.
    pub next_attempt: Option<Timestamp>,
    /// When the last poll that was a whole success ended.
    pub last_success: Option<Timestamp>,
    /// How long the last poll took.
    pub last_duration: Option<Duration>,
    /// How many polls ended.
    pub polls: u64,
    /// How many polls failed, by reason.
    pub failures: BTreeMap<Reason, u64>,
    /// The last poll's failure; `None` where it worked.
    pub failing: Option<Failure>,
    /// What the last answer lacked, if that has to be confirmed before it counts.
    pub missing: Missing,
}

impl Health {
    const NONE: &'static Self = &Self {
        last_attempt: None,
        next_attempt: None,
        last_success: None,
        last_duration: None,
        polls: 0,
        failures: BTreeMap::new(),
        failing: None,
        missing: Missing::new(),
    };

    fn attempt(&mut self, at: Timestamp, took: Duration) {
        self.last_attempt = Some(at);
        self.last_duration = Some(took);
        self.polls += 1;
    }
}

/// Everything that is known of one account.
#[derive(Clone, Debug)]
pub struct AccountState {
    /// What the configuration says.
    pub spec: Arc<AccountSpec>,
    /// What is known of the logins with its own credentials.
    pub logins: Logins,
    /// How many logins ended, by result.
    pub login_results: BTreeMap<LoginResult, u64>,
    /// How many requests ended, by endpoint and by status, or by the reason why there was none.
    pub requests: BTreeMap<(Endpoint, RequestCode), u64>,
    /// In what way the answers of each endpoint are not as documented, in sentences; empty where they are.
    pub deviations: BTreeMap<Endpoint, Box<[Box<str>]>>,
    /// How many listed things got no series.
    pub dropped: Dropped,
    /// What it stored in each of the last hours.
    pub(super) recent: Arc<RecentUsage>,
    /// The last good answer of each collector.
    pub(super) answers: BTreeMap<Collector, Timestamped<AnyData>>,
    pub(super) health: BTreeMap<Collector, Health>,
    /// Of the parts that changed since all of them did.
    versions: BTreeMap<StatePart, u64>,
    all_changed: u64,
}

/// Versions are never used twice, in no part of no account, so that equal versions mean equal content.
fn next_version() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

impl AccountState {
    /// The state of an account of which nothing is known yet.
    #[must_use]
    pub fn new(spec: Arc<AccountSpec>) -> Self {
        Self {
            spec,
            logins: Logins::default(),
            login_results: BTreeMap::new(),
            requests: BTreeMap::new(),
            deviations: BTreeMap::new(),
            dropped: Dropped::default(),
            recent: Arc::default(),
            answers: BTreeMap::new(),
            health: BTreeMap::new(),
            versions: BTreeMap::new(),
            all_changed: next_version(),
        }
    }

    pub(super) fn set_spec(&mut self, spec: Arc<AccountSpec>) {
        if self.spec != spec {
            self.answers.retain(|collector, _| spec.polls(*collector));
            self.health.retain(|collector, _| spec.polls(*collector));
            if self.spec.api != spec.api {
                self.deviations.clear();
            }
            self.spec = spec;
            self.touch_all();
        }
    }

    /// Which version of a part this is; two equal versions are of the same account with the same content.
    #[must_use]
    pub fn version(&self, part: StatePart) -> u64 {
        self.versions.get(&part).copied().unwrap_or(self.all_changed)
    }

    fn touch(&mut self, part: StatePart) {
        self.versions.insert(part, next_version());
    }

    pub(super) fn touch_all(&mut self) {
        self.versions.clear();
        self.all_changed = next_version();
    }

    /// How the polls of one collector went.
    #[must_use]
    pub fn health(&self, collector: Collector) -> &Health {
        self.health.get(&collector).unwrap_or(Health::NONE)
    }

    /// Takes the answer of a poll that was a whole success and ended at `at`.
    pub fn succeed(&mut self, answer: Collected<impl Into<AnyData>>, at: Timestamp, took: Duration) {
        let data = answer.data.into();
        let collector = data.collector();
        data.parts().iter().for_each(|part| self.touch(*part));
        self.answers.insert(collector, Timestamped { at, data });
        if answer.dropped != Dropped::default() {
            self.dropped.merge(&answer.dropped);
            self.touch(StatePart::Failures);
        }
        self.end_failure(collector);
        let health = self.health.entry(collector).or_default();
        health.attempt(at, took);
        health.last_success = Some(at);
        health.missing.clear();
        self.touch(StatePart::Health);
        if matches!(collector, Collector::CURRENT_USAGE | Collector::BILLING)
            && let Some(usage) = self.usage_now(at)
        {
            self.record_usage(at, usage.bytes);
        }
    }

    /// Takes note of what the account stored at `at`.
    pub fn record_usage(&mut self, at: Timestamp, bytes: u64) {
        if !self.recent.has(at, bytes) {
            Arc::make_mut(&mut self.recent).record(at, bytes);
        }
    }

    /// What the account stored in each of the last hours.
    #[must_use]
    pub fn recent_usage(&self) -> &RecentUsage {
        &self.recent
    }

    /// Takes note of an answer that does not count yet, as it lacks too much. What was known stays.
    pub fn withhold(&mut self, collector: Collector, missing: Missing, at: Timestamp, took: Duration) {
        self.end_failure(collector);
        let health = self.health.entry(collector).or_default();
        health.attempt(at, took);
        health.missing = missing;
        self.touch(StatePart::Health);
    }

    /// Takes note that a poll ended without a failure.
    fn end_failure(&mut self, collector: Collector) {
        let health = self.health.entry(collector).or_default();
        if health.failing.take().is_some() || health.last_attempt.is_none() {
            self.touch(StatePart::Failures);
        }
    }

    /// Takes the failure of a poll. What was known stays.
    pub fn fail(&mut self, collector: Collector, failure: Failure, took: Duration) {
        let health = self.health.entry(collector).or_default();
        health.attempt(failure.at, took);
        *health.failures.entry(failure.reason).or_default() += 1;
        health.failing = Some(failure);
        self.touch(StatePart::Health);
        self.touch(StatePart::Failures);
    }

    /// Takes note of when a collector is polled next. No metric shows it, so that no part changes.
    pub fn schedule(&mut self, collector: Collector, next: Timestamp) {
        self.health.entry(collector).or_default().next_attempt = Some(next);
    }

    /// Puts what `change` makes of a collector's last good answer in its place.
    pub fn amend(&mut self, collector: Collector, change: impl FnOnce(AnyData) -> AnyData) {
        if let Some(Timestamped { at, data }) = self.answers.remove(&collector) {
            let data = change(data);
            data.parts().iter().for_each(|part| self.touch(*part));
            self.answers.insert(collector, Timestamped { at, data });
        }
    }

    /// Counts one request.
    pub fn count_request(&mut self, endpoint: Endpoint, outcome: Result<u16, Reason>) {
        *self.requests.entry((endpoint, RequestCode::of(outcome))).or_default() += 1;
        self.touch(StatePart::Health);
    }

    /// Takes note of how an endpoint's answers differ from what is documented.
    pub fn set_deviations(&mut self, endpoint: Endpoint, words: Box<[Box<str>]>) {
        if self.deviations.get(&endpoint) != Some(&words) {
            self.deviations.insert(endpoint, words);
            self.touch(StatePart::Failures);
        }
    }

    /// Takes note of a login that ended at `at`.
    pub fn count_login(&mut self, result: LoginResult, at: Timestamp) {
        *self.login_results.entry(result).or_default() += 1;
        match result {
            LoginResult::Accepted => self.logins = Logins { last_accepted: Some(at), rejected_at: None },
            LoginResult::Rejected => {
                self.logins.rejected_at = Some(at);
                // The token of rejected credentials is dead with them.
                self.answers.remove(&Session::COLLECTOR);
            }
            LoginResult::Failed => {}
        }
        self.touch(StatePart::Credentials);
        self.touch(StatePart::Failures);
    }

    /// Whether this process has tried the account's own credentials: a login ended, or a poll of every collector did.
    /// Where requests are signed, one that the vendor did not judge is no login.
    #[must_use]
    pub fn credentials_tried(&self) -> bool {
        let polled = |collector: &Collector| self.health(*collector).polls > 0;
        !self.login_results.is_empty() || self.spec.collectors.iter().all(polled)
    }

    /// A collector's last good answer, unless it is too old to be shown at `now`.
    #[must_use]
    pub fn good<T: Data>(&self, now: Timestamp) -> Option<Timestamped<&T>> {
        self.last_good().filter(|good| now < self.withdrawn_at(good.at))
    }

    /// A collector's last good answer, whatever its age.
    #[must_use]
    pub fn last_good<T: Data>(&self) -> Option<Timestamped<&T>> {
        let Timestamped { at, data } = self.answers.get(&T::COLLECTOR)?;
        Some(Timestamped { at: *at, data: data.get()? })
    }

    /// The same, of a collector that is known by name alone.
    #[must_use]
    pub fn last_answer(&self, collector: Collector) -> Option<&Timestamped<AnyData>> {
        self.answers.get(&collector)
    }

    /// The same, unless it is too old to be shown at `now`.
    #[must_use]
    pub fn good_answer(&self, collector: Collector, now: Timestamp) -> Option<&AnyData> {
        let answer = self.last_answer(collector).filter(|answer| now < self.withdrawn_at(answer.at));
        answer.map(|answer| &answer.data)
    }

    fn withdrawn_at(&self, at: Timestamp) -> Timestamp {
        clock::after(at, self.spec.data_max_age)
    }

    /// The first instant after `now` at which something is shown differently although nothing was polled: an answer
    /// is withdrawn, or a credential reaches its date.
    #[must_use]
    pub fn changes_at(&self, now: Timestamp) -> Timestamp {
        let withdrawn = self.answers.values().map(|answer| self.withdrawn_at(answer.at));
        let service_accounts = self.last_good::<Vec<ServiceAccount>>().into_iter().flat_map(|good| good.data);
        let expiries = service_accounts.map(|account| account.expiry).chain([self.spec.credential]);
        let ends = expiries.filter_map(|expiry| if let Expiry::At(end) = expiry { Some(end) } else { None });
        ends.chain(withdrawn).filter(|at| *at > now).min().unwrap_or(Timestamp::MAX)
    }
}
