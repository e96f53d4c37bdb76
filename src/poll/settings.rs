use std::sync::Arc;

use super::{Jitter, PollLog, Schedule};
use crate::api::{self, Descriptor};
use crate::config::Config;

/// What all pollers go by. It is replaced as a whole when the configuration changes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration.
    pub config: Arc<Config>,
    /// How far polls are spread.
    pub jitter: Jitter,
    /// What the log says of polls.
    pub log: Arc<PollLog>,
}

impl Settings {
    /// The settings of `config`.
    #[must_use]
    pub fn new(config: Arc<Config>, jitter: Jitter) -> Self {
        Self { config, jitter, log: Arc::default() }
    }

    /// The settings that follow these.
    #[must_use]
    pub fn changed_to(&self, config: Arc<Config>) -> Self {
        Self { config, ..self.clone() }
    }

    /// The schedule of one collector.
    #[must_use]
    pub fn schedule(&self, descriptor: &'static Descriptor) -> Schedule {
        let accounts = self.config.accounts.iter();
        let pollers = accounts.map(|account| api::collectors_of(&account.api).len()).sum();
        Schedule::new(descriptor, &self.config, self.jitter, pollers)
    }
}
