use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use super::Settled;
use crate::clock;
use crate::model::{
    Answer, Billing, Buckets, Collector, CurrentUsage, Data, Dropped, Endpoint, Expiry, Failure, Identity,
    LoginResult, Logins, MonthlyUsage, PerCollector, Permissions, Price, Reason, RequestCode, ServiceAccount,
    Session, User, WarningSteps,
};

/// What the configuration says of an account, as far as it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountSpec {
    /// The label `account`.
    pub name: Arc<str>,
    /// The vendor's id of the account. It identifies the account's own pair of credentials too, as it stays the same
    /// when the pair is regenerated.
    pub account_id: Arc<str>,
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
    /// Whether the account is one of the platform since 2024.
    #[must_use]
    pub fn is_object_storage(&self) -> bool {
        self.collectors.contains(&Collector::Billing)
    }
}

/// A part of an account's state that is shown together; each has a version of its own, so that what is made from one
/// part is not made again when another changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What is used now: the answer of [`Collector::CurrentUsage`], or those of [`Collector::Billing`] and
    /// [`Collector::Buckets`].
    CurrentUsage,
    /// The closed months: the answer of [`Collector::MonthlyUsage`] or of [`Collector::Billing`].
    MonthlyUsage,
    /// Whatever tells how credentials stand: configuration, logins, session, service accounts.
    Credentials,
    /// What costs are estimated from: configuration, and both kinds of usage.
    Cost,
    /// The answer of [`Collector::Permissions`].
    Permissions,
    /// The answer of [`Collector::Keys`], and the age that the configuration allows a key.
    Keys,
    /// How the polls went, requests, and counts.
    Health,
}

impl Part {
    const COUNT: usize = 7;

    pub(super) const ALL: [Self; Self::COUNT] = [
        Self::CurrentUsage,
        Self::MonthlyUsage,
        Self::Credentials,
        Self::Cost,
        Self::Permissions,
        Self::Keys,
        Self::Health,
    ];
}

/// A whole good answer.
#[derive(Debug)]
pub struct Timestamped<T> {
    /// When it came.
    pub at: Timestamp,
    /// What it says; shared, never copied.
    pub data: Arc<T>,
}

impl<T> Clone for Timestamped<T> {
    fn clone(&self) -> Self {
        Self { at: self.at, data: Arc::clone(&self.data) }
    }
}

/// How the polls of one collector went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// When the last poll ended, however it ended.
    pub last_attempt: Option<Timestamp>,
    /// When the last poll that was a whole success ended.
    pub last_success: Option<Timestamp>,
    /// How long the last poll took.
    pub last_duration: Option<Duration>,
    /// How many polls ended.
    pub polls: u64,
    /// How many polls failed, by reason.
    pub failures: [u64; Reason::ALL.len()],
    /// The last poll's failure; `None` where it worked.
    pub failing: Option<Failure>,
}

impl Health {
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
    pub login_results: [u64; LoginResult::ALL.len()],
    /// How many requests ended, by endpoint and by status, or by the reason why there was none.
    pub requests: BTreeMap<(Endpoint, RequestCode), u64>,
    /// How many listed things got no series.
    pub dropped: Dropped,
    pub(super) current_usage: Option<Timestamped<CurrentUsage>>,
    pub(super) monthly_usage: Option<Timestamped<MonthlyUsage>>,
    pub(super) settled: Option<Settled>,
    session: Option<Timestamped<Session>>,
    pub(super) service_accounts: Option<Timestamped<Vec<ServiceAccount>>>,
    pub(super) permissions: Option<Timestamped<Permissions>>,
    pub(super) billing: Option<Timestamped<Billing>>,
    pub(super) buckets: Option<Timestamped<Buckets>>,
    pub(super) keys: Option<Timestamped<Vec<User>>>,
    pub(super) health: PerCollector<Health>,
    versions: [u64; Part::COUNT],
}

/// Versions are never used twice, in no part of no account, so that equal versions mean equal content.
fn next_version() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

impl AccountState {
    pub(super) fn new(spec: Arc<AccountSpec>) -> Self {
        Self {
            spec,
            logins: Logins::default(),
            login_results: [0; LoginResult::ALL.len()],
            requests: BTreeMap::new(),
            dropped: Dropped::default(),
            current_usage: None,
            monthly_usage: None,
            settled: None,
            session: None,
            service_accounts: None,
            permissions: None,
            billing: None,
            buckets: None,
            keys: None,
            health: PerCollector::default(),
            versions: std::array::from_fn(|_| next_version()),
        }
    }

    pub(super) fn set_spec(&mut self, spec: Arc<AccountSpec>) {
        if self.spec != spec {
            self.spec = spec;
            for collector in Collector::ALL {
                if !self.spec.collectors.contains(&collector) {
                    self.forget(collector);
                }
            }
            self.versions = std::array::from_fn(|_| next_version());
        }
    }

    /// Forgets what is known by a collector that is no longer polled.
    fn forget(&mut self, collector: Collector) {
        match collector {
            Collector::CurrentUsage => self.current_usage = None,
            Collector::MonthlyUsage => (self.monthly_usage, self.settled) = (None, None),
            Collector::Credentials => self.session = None,
            Collector::ServiceAccounts => self.service_accounts = None,
            Collector::Permissions => self.permissions = None,
            Collector::Billing => self.billing = None,
            Collector::Buckets => self.buckets = None,
            Collector::Keys => self.keys = None,
        }
        self.health[collector] = Health::default();
    }

    /// Which version of a part this is; two equal versions are of the same account with the same content.
    #[must_use]
    pub const fn version(&self, part: Part) -> u64 {
        self.versions[part as usize]
    }

    pub(super) fn touch(&mut self, part: Part) {
        self.versions[part as usize] = next_version();
    }

    /// How the polls of one collector went.
    #[must_use]
    pub fn health(&self, collector: Collector) -> &Health {
        &self.health[collector]
    }

    /// Takes the answer of a poll that was a whole success and ended at `at`.
    pub fn succeed(&mut self, answer: Answer<Data>, at: Timestamp, took: Duration) {
        let Answer { data, dropped } = answer;
        let collector = match data {
            Data::CurrentUsage(data) => {
                self.current_usage = Some(Timestamped { at, data: Arc::new(data) });
                self.touch(Part::CurrentUsage);
                self.touch(Part::Cost);
                Collector::CurrentUsage
            }
            Data::MonthlyUsage(data) => {
                self.monthly_usage = Some(Timestamped { at, data: Arc::new(data) });
                self.settled = None;
                self.touch(Part::MonthlyUsage);
                self.touch(Part::Cost);
                Collector::MonthlyUsage
            }
            Data::Credentials(data) => {
                self.session = Some(Timestamped { at, data: Arc::new(data) });
                self.touch(Part::Credentials);
                Collector::Credentials
            }
            Data::ServiceAccounts(data) => {
                self.service_accounts = Some(Timestamped { at, data: Arc::new(data) });
                self.touch(Part::Credentials);
                Collector::ServiceAccounts
            }
            Data::Permissions(data) => {
                self.permissions = Some(Timestamped { at, data: Arc::new(data) });
                self.touch(Part::Permissions);
                Collector::Permissions
            }
            Data::Billing(data) => {
                self.billing = Some(Timestamped { at, data: Arc::new(data) });
                self.touch(Part::CurrentUsage);
                self.touch(Part::MonthlyUsage);
                self.touch(Part::Cost);
                Collector::Billing
            }
            Data::Buckets(data) => {
                self.buckets = Some(Timestamped { at, data: Arc::new(data) });
                self.touch(Part::CurrentUsage);
                Collector::Buckets
            }
            Data::Keys(data) => {
                self.keys = Some(Timestamped { at, data: Arc::new(data) });
                self.touch(Part::Keys);
                Collector::Keys
            }
        };
        self.dropped.merge(dropped);
        let health = &mut self.health[collector];
        health.attempt(at, took);
        health.last_success = Some(at);
        health.failing = None;
        self.touch(Part::Health);
    }

    /// Takes note of which months of the last answer are final.
    pub fn settle(&mut self, settled: Option<Settled>) {
        self.settled = settled;
    }

    /// The months that are final, with the answer that they are in; `None` where none is, or where the answer is from
    /// after `now`: a clock was wrong, and may have taken a running month for a closed one.
    #[must_use]
    pub fn settled(&self, now: Timestamp) -> Option<(Settled, &Arc<MonthlyUsage>)> {
        let good = self.monthly_usage.as_ref().filter(|good| good.at <= now)?;
        Some((self.settled?, &good.data))
    }

    /// Takes the failure of a poll. What was known stays.
    pub fn fail(&mut self, collector: Collector, failure: Failure, took: Duration) {
        let health = &mut self.health[collector];
        health.attempt(failure.at, took);
        health.failures[failure.reason as usize] += 1;
        health.failing = Some(failure);
        self.touch(Part::Health);
    }

    /// Counts one request.
    pub fn count_request(&mut self, endpoint: Endpoint, outcome: Result<u16, Reason>) {
        *self.requests.entry((endpoint, RequestCode::of(outcome))).or_default() += 1;
        self.touch(Part::Health);
    }

    /// Takes note of a login that ended at `at`.
    pub fn count_login(&mut self, result: LoginResult, at: Timestamp) {
        self.login_results[result as usize] += 1;
        match result {
            LoginResult::Accepted => self.logins = Logins { last_accepted: Some(at), refused_at: None },
            LoginResult::Refused => {
                self.logins.refused_at = Some(at);
                // The token of refused credentials is dead with them.
                self.session = None;
            }
            LoginResult::Failed => {}
        }
        self.touch(Part::Credentials);
        self.touch(Part::Health);
    }

    /// The month-to-date usage, unless it is too old to be shown at `now`.
    #[must_use]
    pub fn current_usage(&self, now: Timestamp) -> Option<&Timestamped<CurrentUsage>> {
        self.shown(self.current_usage.as_ref(), now)
    }

    /// The closed months, unless they are too old to be shown at `now`.
    #[must_use]
    pub fn monthly_usage(&self, now: Timestamp) -> Option<&Timestamped<MonthlyUsage>> {
        self.shown(self.monthly_usage.as_ref(), now)
    }

    /// The session, unless what is known of it is too old to be shown at `now`.
    #[must_use]
    pub fn session(&self, now: Timestamp) -> Option<&Timestamped<Session>> {
        self.shown(self.session.as_ref(), now)
    }

    /// The service accounts, unless they are too old to be shown at `now`.
    #[must_use]
    pub fn service_accounts(&self, now: Timestamp) -> Option<&Timestamped<Vec<ServiceAccount>>> {
        self.shown(self.service_accounts.as_ref(), now)
    }

    /// The permissions, unless they are too old to be shown at `now`.
    #[must_use]
    pub fn permissions(&self, now: Timestamp) -> Option<&Timestamped<Permissions>> {
        self.shown(self.permissions.as_ref(), now)
    }

    /// The days that are billed, unless they are too old to be shown at `now`.
    #[must_use]
    pub fn billing(&self, now: Timestamp) -> Option<&Timestamped<Billing>> {
        self.shown(self.billing.as_ref(), now)
    }

    /// The buckets with their sizes, unless they are too old to be shown at `now`.
    #[must_use]
    pub fn buckets(&self, now: Timestamp) -> Option<&Timestamped<Buckets>> {
        self.shown(self.buckets.as_ref(), now)
    }

    /// The users with their access keys, unless they are too old to be shown at `now`.
    #[must_use]
    pub fn keys(&self, now: Timestamp) -> Option<&Timestamped<Vec<User>>> {
        self.shown(self.keys.as_ref(), now)
    }

    fn shown<'a, T>(&self, good: Option<&'a Timestamped<T>>, now: Timestamp) -> Option<&'a Timestamped<T>> {
        good.filter(|good| now < self.withdrawn_at(good))
    }

    fn withdrawn_at<T>(&self, good: &Timestamped<T>) -> Timestamp {
        clock::after(good.at, self.spec.data_max_age)
    }

    /// The first instant after `now` at which something is shown differently although nothing was polled: an answer
    /// is withdrawn, or a credential reaches its date.
    #[must_use]
    pub fn changes_at(&self, now: Timestamp) -> Timestamp {
        let withdrawn = [
            self.current_usage.as_ref().map(|good| self.withdrawn_at(good)),
            self.monthly_usage.as_ref().map(|good| self.withdrawn_at(good)),
            self.session.as_ref().map(|good| self.withdrawn_at(good)),
            self.service_accounts.as_ref().map(|good| self.withdrawn_at(good)),
            self.permissions.as_ref().map(|good| self.withdrawn_at(good)),
            self.billing.as_ref().map(|good| self.withdrawn_at(good)),
            self.buckets.as_ref().map(|good| self.withdrawn_at(good)),
            self.keys.as_ref().map(|good| self.withdrawn_at(good)),
        ];
        let service_accounts = self.service_accounts.iter().flat_map(|good| good.data.iter());
        let expiries = service_accounts.map(|account| account.expiry).chain([self.spec.credential]);
        let ends = expiries.map(|expiry| if let Expiry::At(end) = expiry { Some(end) } else { None });
        ends.chain(withdrawn).flatten().filter(|at| *at > now).min().unwrap_or(Timestamp::MAX)
    }
}
