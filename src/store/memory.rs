use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::{AccountState, RecentUsage};
use crate::model::{AnyData, Collector, Logins, Timestamped};

/// What of an account's state outlives the process: answers with their times, and no session, secret or count.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// What is known of the logins.
    pub logins: Logins,
    /// The last success of each collector, with its answer where that is still known.
    pub answers: BTreeMap<Collector, Timestamped<Option<AnyData>>>,
    /// What the account stored in each of the last hours.
    pub recent: Arc<RecentUsage>,
}

impl Memory {
    /// The same without anything from after `now`: a clock was wrong, then or now, and such an answer would count as fresh
    /// for who knows how long. A rejection stays, as it counts whenever it was.
    #[must_use]
    pub fn until(mut self, now: Timestamp) -> Self {
        let before = |at: Option<Timestamp>| at.filter(|at| *at <= now);
        let Logins { last_accepted, rejected_at } = self.logins;
        self.logins =
            Logins { last_accepted: before(last_accepted), rejected_at: rejected_at.map(|at| at.min(now)) };
        self.answers.retain(|_, answer| answer.at <= now);
        self.recent = Arc::new(RecentUsage::clone(&self.recent).until(now));
        self
    }
}

impl AccountState {
    /// What outlives the process.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let answer = |collector: &Collector, at| {
            let data = self.answers.get(collector).map(|answer| answer.data.clone());
            (*collector, Timestamped { at, data })
        };
        let answers = self.health.iter().filter_map(|(collector, health)| {
            let at = health.last_success?;
            Some(answer(collector, at))
        });
        Memory { logins: self.logins, answers: answers.collect(), recent: Arc::clone(&self.recent) }
    }

    /// Takes up what an earlier process knew, as far as it is still polled. Nothing of it counts as an attempt of this
    /// process.
    pub fn recall(&mut self, memory: Memory) {
        self.logins = memory.logins;
        self.recent = memory.recent;
        for (collector, Timestamped { at, data }) in memory.answers {
            if self.spec.polls(collector) {
                self.health.entry(collector).or_default().last_success = Some(at);
                if let Some(data) = data {
                    self.answers.insert(collector, Timestamped { at, data });
                }
            }
        }
        self.touch_all();
    }
}
