use jiff::Timestamp;

use super::{AccountState, Part, Timestamped};
use crate::model::{
    Billing, Buckets, Collector, CurrentUsage, Logins, Month, MonthlyUsage, Permissions, ServiceAccount, User,
};

/// What of an account's state outlives the process: answers with their times, and no session, secret or count.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// What is known of the logins.
    pub logins: Logins,
    /// The last success of [`Collector::Credentials`], whose answer dies with the session.
    pub credentials_at: Option<Timestamp>,
    /// The last good answer.
    pub current_usage: Option<Timestamped<CurrentUsage>>,
    /// The last good answer.
    pub monthly_usage: Option<Timestamped<MonthlyUsage>>,
    /// Which of its months are final.
    pub settled: Option<Settled>,
    /// The last good answer.
    pub service_accounts: Option<Timestamped<Vec<ServiceAccount>>>,
    /// The last good answer.
    pub permissions: Option<Timestamped<Permissions>>,
    /// The last good answer.
    pub billing: Option<Timestamped<Billing>>,
    /// The last good answer.
    pub buckets: Option<Timestamped<Buckets>>,
    /// The last good answer.
    pub keys: Option<Timestamped<Vec<User>>>,
}

/// A run of closed months that are known whole and whose figures do not change any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The oldest one.
    pub first: Month,
    /// The newest one.
    pub last: Month,
}

impl Memory {
    /// The same without anything from after `now`: a clock was wrong, then or now, and such an answer would count as fresh
    /// for who knows how long.
    #[must_use]
    pub fn until(self, now: Timestamp) -> Self {
        fn until<T>(good: Option<Timestamped<T>>, now: Timestamp) -> Option<Timestamped<T>> {
            good.filter(|good| good.at <= now)
        }
        let before = |at: Option<Timestamp>| at.filter(|at| *at <= now);
        let Logins { last_accepted, refused_at } = self.logins;
        let monthly_usage = until(self.monthly_usage, now);
        Self {
            logins: Logins { last_accepted: before(last_accepted), refused_at: before(refused_at) },
            credentials_at: before(self.credentials_at),
            current_usage: until(self.current_usage, now),
            settled: self.settled.filter(|_| monthly_usage.is_some()),
            monthly_usage,
            service_accounts: until(self.service_accounts, now),
            permissions: until(self.permissions, now),
            billing: until(self.billing, now),
            buckets: until(self.buckets, now),
            keys: until(self.keys, now),
        }
    }
}

impl AccountState {
    /// What outlives the process.
    #[must_use]
    pub fn memory(&self) -> Memory {
        Memory {
            logins: self.logins,
            credentials_at: self.health(Collector::Credentials).last_success,
            current_usage: self.current_usage.clone(),
            monthly_usage: self.monthly_usage.clone(),
            settled: self.settled,
            service_accounts: self.service_accounts.clone(),
            permissions: self.permissions.clone(),
            billing: self.billing.clone(),
            buckets: self.buckets.clone(),
            keys: self.keys.clone(),
        }
    }

    /// Takes up what an earlier process knew, as far as it is still polled. Nothing of it counts as an attempt of this
    /// process.
    pub fn recall(&mut self, memory: Memory) {
        let Memory { logins, credentials_at, .. } = memory;
        self.logins = logins;
        self.recalled(Collector::Credentials, credentials_at);
        if self.recalled(Collector::CurrentUsage, memory.current_usage.as_ref().map(|good| good.at)) {
            self.current_usage = memory.current_usage;
        }
        if self.recalled(Collector::MonthlyUsage, memory.monthly_usage.as_ref().map(|good| good.at)) {
            self.monthly_usage = memory.monthly_usage;
            self.settled = memory.settled;
        }
        if self.recalled(Collector::ServiceAccounts, memory.service_accounts.as_ref().map(|good| good.at)) {
            self.service_accounts = memory.service_accounts;
        }
        if self.recalled(Collector::Permissions, memory.permissions.as_ref().map(|good| good.at)) {
            self.permissions = memory.permissions;
        }
        if self.recalled(Collector::Billing, memory.billing.as_ref().map(|good| good.at)) {
            self.billing = memory.billing;
        }
        if self.recalled(Collector::Buckets, memory.buckets.as_ref().map(|good| good.at)) {
            self.buckets = memory.buckets;
        }
        if self.recalled(Collector::Keys, memory.keys.as_ref().map(|good| good.at)) {
            self.keys = memory.keys;
        }
        for part in Part::ALL {
            self.touch(part);
        }
    }

    fn recalled(&mut self, collector: Collector, success: Option<Timestamp>) -> bool {
        let taken = success.is_some() && self.spec.collectors.contains(&collector);
        if taken {
            self.health[collector].last_success = success;
        }
        taken
    }
}
