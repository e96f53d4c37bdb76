use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{Jitter, Schedule};
use crate::config::Config;
use crate::model::Collector;

/// What all pollers go by. It is replaced as a whole when the configuration changes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration.
    pub config: Arc<Config>,
    /// One for each request that may be under way.
    pub permits: Arc<Semaphore>,
    /// How far polls are spread.
    pub jitter: Jitter,
}

impl Settings {
    /// The settings of `config`.
    #[must_use]
    pub fn new(config: Arc<Config>, jitter: Jitter) -> Self {
        let permits = Arc::new(Semaphore::new(config.poll.max_concurrent_requests));
        Self { config, permits, jitter }
    }

    /// The settings that follow these; requests under way go on counting where their number may stay.
    #[must_use]
    pub fn changed_to(&self, config: Arc<Config>) -> Self {
        let same = config.poll.max_concurrent_requests == self.config.poll.max_concurrent_requests;
        if same { Self { config, ..self.clone() } } else { Self::new(config, self.jitter) }
    }

    /// The schedule of one collector.
    #[must_use]
    pub fn schedule(&self, collector: Collector) -> Schedule {
        let pollers = self.config.accounts.iter().map(|account| account.collectors().len()).sum();
        Schedule::new(collector, &self.config, self.jitter, pollers)
    }

    /// Whether a collector's answer would be another one than under `other`, so that it has to be asked for anew.
    #[must_use]
    pub fn asks_otherwise(&self, other: &Self, collector: Collector) -> bool {
        let (one, other) = (&self.config, &other.config);
        match collector {
            Collector::CurrentUsage | Collector::Buckets => one.series != other.series,
            Collector::MonthlyUsage => one.series != other.series || one.history != other.history,
            Collector::Billing => one.history != other.history,
            Collector::ServiceAccounts | Collector::Permissions | Collector::Keys => {
                one.series.max_per_account != other.series.max_per_account
            }
            Collector::Credentials => false,
        }
    }
}
