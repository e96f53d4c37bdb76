use std::time::Duration;

use jiff::Timestamp;

use super::Jitter;
use crate::api::{ApiError, Context, Descriptor};
use crate::backoff::Backoff;
use crate::clock;
use crate::config::Config;

/// When one collector is due.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    descriptor: &'static Descriptor,
    interval: Duration,
    jitter: Jitter,
    first_within: Duration,
    deadline: Duration,
}

/// How far the first polls are spread for each poller that there is: a single account is polled at once, a thousand
/// accounts over the time that their requests need anyway.
const SPREAD_EACH: Duration = Duration::from_millis(5);

/// How many more requests than its own a poll may make: a login, and the replay after it.
const SESSION_REQUESTS: u32 = 3;

/// A poll of more requests than these has no more time for them than its interval.
const FEW_REQUESTS: u32 = 20;

impl Schedule {
    /// The schedule of a collector, one of `pollers` in all.
    #[must_use]
    pub fn new(descriptor: &'static Descriptor, config: &Config, jitter: Jitter, pollers: usize) -> Self {
        let interval = (descriptor.interval)(&config.poll);
        let spread = SPREAD_EACH.saturating_mul(u32::try_from(pollers).unwrap_or(u32::MAX)).min(interval);
        let requests = (descriptor.requests)(config) + SESSION_REQUESTS;
        Self {
            descriptor,
            interval,
            jitter,
            first_within: if jitter.0 > 0.0 { spread } else { Duration::ZERO },
            deadline: config
                .poll
                .timeout
                .saturating_mul(requests)
                .min(interval.max(config.poll.timeout.saturating_mul(FEW_REQUESTS))),
        }
    }

    /// When the first poll is due.
    #[must_use]
    pub fn first(&self, now: Timestamp) -> Timestamp {
        clock::after(now, Jitter(1.0).of(self.first_within))
    }

    /// When the next poll is due after one that worked.
    #[must_use]
    pub fn after_success(&self, context: &Context<'_>) -> Timestamp {
        let regular = clock::after(context.now, self.interval + self.jitter.of(self.interval / 10));
        match (self.descriptor.due_early)(context) {
            Some((early, spread)) => regular.min(clock::after(early, self.jitter.of(spread))),
            None => regular,
        }
    }

    /// When the next poll is due after an answer that has to be confirmed.
    #[must_use]
    pub fn ask_again(&self, now: Timestamp) -> Timestamp {
        clock::after(now, Backoff::poll(self.interval).delay(1))
    }

    /// When the next poll is due after `failures` failures in a row, the last of which was `error`.
    #[must_use]
    pub fn after_failure(&self, now: Timestamp, error: &ApiError, failures: u32) -> Timestamp {
        let delay = Backoff::poll(self.interval).after(error.reason, error.retry_after, failures);
        clock::after(now, delay + self.jitter.of(delay / 10))
    }

    /// The longest that a poll may take.
    #[must_use]
    pub const fn deadline(&self) -> Duration {
        self.deadline
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Collector, Expiry, Logins};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn schedule(collector: Collector, jitter: Jitter, pollers: usize) -> Schedule {
        let descriptor = crate::api::collectors().find(|known| known.collector == collector).unwrap();
        Schedule::new(descriptor, &Config::of(Vec::new()), jitter, pollers)
    }

    fn next(collector: Collector, now: &str, credential: Expiry, accepted: Option<&str>) -> Timestamp {
        let config = Config::of(Vec::new());
        let logins = Logins { last_accepted: accepted.map(at), rejected_at: None };
        let context = Context {
            now: at(now),
            config: &config,
            account: "acme",
            credential,
            logins,
            warning: config.warning,
            max_key_age: None,
            last: None,
        };
        schedule(collector, Jitter(0.0), 5).after_success(&context)
    }

    #[test]
    fn a_poll_of_the_months_follows_each_turn() {
        let next = |now| next(Collector::MONTHLY_USAGE, now, Expiry::Unknown, None);
        assert_eq!(next("2026-11-15T03:00:00Z"), at("2026-11-15T09:00:00Z"));
        assert_eq!(next("2026-11-30T20:00:00Z"), at("2026-12-01T00:00:00Z"));
        assert_eq!(next("2026-12-01T00:00:00Z"), at("2026-12-01T06:00:00Z"));
        assert_eq!(next("2026-12-31T23:59:59Z"), at("2027-01-01T00:00:00Z"));
    }

    #[test]
    fn credentials_are_looked_at_when_their_date_comes_and_verified_in_their_interval() {
        let next = |now, credential, accepted| next(Collector::CREDENTIALS, now, credential, Some(accepted));
        let end = Expiry::At(at("2026-11-25T00:00:00Z"));
        let due = next("2026-11-24T23:57:00Z", end, "2026-11-24T23:50:00Z");
        assert_eq!(due, at("2026-11-25T00:00:00Z"));
        let due = next("2026-11-24T10:57:00Z", Expiry::Never, "2026-11-24T10:00:00Z");
        assert_eq!(due, at("2026-11-24T11:00:00Z"));
    }

    #[test]
    fn a_poll_has_time_for_all_that_it_may_ask() {
        let mut config = Config::of(Vec::new());
        config.poll.timeout = Duration::from_secs(1);
        let deadline = |collector, config: &Config| {
            let descriptor = crate::api::collectors().find(|known| known.collector == collector).unwrap();
            Schedule::new(descriptor, config, Jitter(0.0), 1).deadline()
        };
        assert_eq!(deadline(Collector::CURRENT_USAGE, &config), Duration::from_secs(4));
        // One request for each of up to a thousand users, with a second for each.
        assert_eq!(deadline(Collector::KEYS, &config), Duration::from_secs(1005));
        config.poll.timeout = Duration::from_secs(30);
        assert_eq!(deadline(Collector::KEYS, &config), config.poll.inventory);
        config.poll.inventory = Duration::from_secs(60);
        assert_eq!(deadline(Collector::KEYS, &config), Duration::from_secs(600));
    }

    #[test]
    fn many_first_polls_are_spread_and_few_are_not() {
        let now = at("2026-11-24T10:00:00Z");
        let first = |pollers| schedule(Collector::CURRENT_USAGE, Jitter(1.0), pollers).first(now);
        assert!(clock::until(now, first(5)) <= Duration::from_millis(25));
        assert!(clock::until(now, first(5000)) <= Duration::from_secs(25));
    }
}
