use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Span, Timestamp};

use super::{Backoff, Jitter};
use crate::api::ApiError;
use crate::api::account_v2::MAX_MONTHS;
use crate::clock;
use crate::config::Config;
use crate::model::{Collector, Expiry, Logins, Month};

/// When one collector is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    collector: Collector,
    interval: Duration,
    verify_login: Duration,
    backoff: Backoff,
    jitter: Jitter,
    first_within: Duration,
    /// How many months the history has.
    pub months: u32,
    timeout: Duration,
}

/// The wait after a first failure.
const BACKOFF_MIN: Duration = Duration::from_secs(30);

/// How far the first polls are spread for each poller that there is: a single account is polled at once, a thousand
/// accounts over the time that their requests need anyway.
const SPREAD_EACH: Duration = Duration::from_millis(5);

/// How far the polls that follow the turn of a month are spread.
const SPREAD_TURN: Duration = Duration::from_secs(60);

/// How many more requests than its own a poll may make: a login, and the replay after it.
const SESSION_REQUESTS: u32 = 3;

/// The whole list of an account's users takes a request for each; a poll with more than so many slow ones is given up.
const USERS: u32 = 20;

impl Schedule {
    /// The schedule of `collector`, one of `pollers` in all.
    #[must_use]
    pub fn new(collector: Collector, config: &Config, jitter: Jitter, pollers: usize) -> Self {
        let interval = config.poll.interval(collector);
        let spread = SPREAD_EACH.saturating_mul(u32::try_from(pollers).unwrap_or(u32::MAX)).min(interval);
        Self {
            collector,
            interval,
            verify_login: config.poll.verify_login,
            backoff: Backoff { min: BACKOFF_MIN, max: interval },
            jitter,
            first_within: if jitter.0 > 0.0 { spread } else { Duration::ZERO },
            months: config.history.months,
            timeout: config.poll.timeout,
        }
    }

    /// When the first poll is due.
    #[must_use]
    pub fn first(&self, now: Timestamp) -> Timestamp {
        clock::after(now, Jitter(1.0).of(self.first_within))
    }

    /// When the next poll is due after one that worked. `expiry` and `logins` are those of the account's own pair.
    #[must_use]
    pub fn after_success(&self, now: Timestamp, expiry: Expiry, logins: &Logins) -> Timestamp {
        let regular = clock::after(now, self.interval + self.jitter.of(self.interval / 10));
        match self.collector {
            Collector::MonthlyUsage => {
                let turn = Month::of(now).plus(1).start();
                regular.min(clock::after(turn, self.jitter.of(SPREAD_TURN)))
            }
            Collector::Credentials => {
                let verify = logins.last_accepted.map(|accepted| clock::after(accepted, self.verify_login));
                let end = if let Expiry::At(end) = expiry { Some(end) } else { None };
                [verify, end].into_iter().flatten().filter(|at| *at > now).fold(regular, Timestamp::min)
            }
            Collector::CurrentUsage
            | Collector::ServiceAccounts
            | Collector::Permissions
            | Collector::Billing
            | Collector::Buckets
            | Collector::Keys => regular,
        }
    }

    /// When the next poll is due after `failures` failures in a row, the last of which was `error`.
    #[must_use]
    pub fn after_failure(&self, now: Timestamp, error: &ApiError, failures: u32) -> Timestamp {
        let delay = self.backoff.after(error, failures);
        clock::after(now, delay + self.jitter.of(delay / 10))
    }

    /// Whether a look at the session is not enough and the credentials must be tried with a fresh login: none worked
    /// yet, the last one is older than `verify_login` or, by a clock that was set back, from the future; or their date has
    /// passed since.
    #[must_use]
    pub fn login_due(&self, now: Timestamp, expiry: Expiry, logins: &Logins) -> bool {
        let Some(accepted) = logins.last_accepted else { return true };
        let date_passed = matches!(expiry, Expiry::At(end) if accepted < end && end <= now);
        date_passed || accepted > now || clock::after(accepted, self.verify_login) <= now
    }

    /// The months to ask for at `now`: the closed ones, as many as the history has.
    #[must_use]
    pub fn window(&self, now: Timestamp) -> (Month, Month) {
        let open = Month::of(now);
        (open.plus(-i32::try_from(self.months).unwrap_or(i32::MAX)), open.plus(-1))
    }

    /// The days of billing to ask for at `now`, UTC: from the first of the closed months that the history has, and never less
    /// than a week, as the vendor may be late; to the day that is not over.
    #[must_use]
    pub fn days(&self, now: Timestamp) -> (Date, Date) {
        let day = |at: Timestamp| Offset::UTC.to_datetime(at).date();
        let today = day(now);
        let week = today.saturating_sub(Span::new().days(7));
        (day(self.window(now).0.start()).min(week), today)
    }

    /// The longest that a whole poll may take.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        let requests = match self.collector {
            // Where months are asked for on both sides of those that are final, and one part again, it is two more.
            Collector::MonthlyUsage => self.months.div_ceil(MAX_MONTHS.unsigned_abs()) + 2,
            // Fewer than this, as one request covers a year.
            Collector::Billing => self.months.div_ceil(MAX_MONTHS.unsigned_abs()) + 1,
            Collector::Buckets => 2,
            Collector::Keys => USERS,
            _ => 1,
        };
        self.timeout.saturating_mul(requests + SESSION_REQUESTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn schedule(collector: Collector) -> Schedule {
        Schedule::new(collector, &Config::of(Vec::new()), Jitter(0.0), 5)
    }

    fn accepted(text: &str) -> Logins {
        Logins { last_accepted: Some(at(text)), refused_at: None }
    }

    #[test]
    fn a_poll_of_the_months_follows_each_turn() {
        let monthly = schedule(Collector::MonthlyUsage);
        let next = |now| monthly.after_success(at(now), Expiry::Unknown, &Logins::default());
        assert_eq!(next("2026-11-15T03:00:00Z"), at("2026-11-15T09:00:00Z"));
        assert_eq!(next("2026-11-30T20:00:00Z"), at("2026-12-01T00:00:00Z"));
        assert_eq!(next("2026-12-01T00:00:00Z"), at("2026-12-01T06:00:00Z"));
        assert_eq!(next("2026-12-31T23:59:59Z"), at("2027-01-01T00:00:00Z"));
    }

    #[test]
    fn the_window_is_of_the_closed_months_at_each_poll() {
        let monthly = schedule(Collector::MonthlyUsage);
        for (now, first, last) in [
            ("2026-11-30T23:59:59Z", "2026-05", "2026-10"),
            ("2026-12-01T00:00:00Z", "2026-06", "2026-11"),
            ("2027-01-01T00:00:00Z", "2026-07", "2026-12"),
            ("2028-02-29T12:00:00Z", "2027-08", "2028-01"),
        ] {
            let window = monthly.window(at(now));
            assert_eq!(
                (window.0.to_string(), window.1.to_string()),
                (first.to_owned(), last.to_owned()),
                "{now}"
            );
        }
    }

    #[test]
    fn days_begin_with_the_oldest_month_and_never_less_than_a_week_ago() {
        let days = |now: &str, months| {
            let mut config = Config::of(Vec::new());
            config.history.months = months;
            let (first, last) = Schedule::new(Collector::Billing, &config, Jitter(0.0), 3).days(at(now));
            (first.to_string(), last.to_string())
        };
        for (now, months, first, last) in [
            ("2026-11-24T23:59:59Z", 6, "2026-05-01", "2026-11-24"),
            ("2026-12-01T00:00:00Z", 6, "2026-06-01", "2026-12-01"),
            ("2027-01-01T00:00:00Z", 1, "2026-12-01", "2027-01-01"),
            ("2026-11-24T12:00:00Z", 0, "2026-11-01", "2026-11-24"),
            ("2026-11-02T12:00:00Z", 0, "2026-10-26", "2026-11-02"),
            ("2028-03-01T12:00:00Z", 0, "2028-02-23", "2028-03-01"),
        ] {
            assert_eq!(days(now, months), (first.to_owned(), last.to_owned()), "{now}, {months}");
        }
    }

    #[test]
    fn credentials_are_looked_at_when_their_date_comes() {
        let credentials = schedule(Collector::Credentials);
        let end = Expiry::At(at("2026-11-25T00:00:00Z"));
        let logins = accepted("2026-11-24T23:50:00Z");
        assert_eq!(
            credentials.after_success(at("2026-11-24T23:57:00Z"), end, &logins),
            at("2026-11-25T00:00:00Z")
        );
        assert!(!credentials.login_due(at("2026-11-24T23:59:59Z"), end, &logins));
        assert!(credentials.login_due(at("2026-11-25T00:00:00Z"), end, &logins));
        assert!(!credentials.login_due(at("2026-11-25T00:05:00Z"), end, &accepted("2026-11-25T00:00:00Z")));
    }

    #[test]
    fn a_login_is_verified_in_its_interval() {
        let credentials = schedule(Collector::Credentials);
        let logins = accepted("2026-11-24T10:00:00Z");
        assert!(!credentials.login_due(at("2026-11-24T10:59:59Z"), Expiry::Never, &logins));
        assert!(credentials.login_due(at("2026-11-24T11:00:00Z"), Expiry::Never, &logins));
        assert!(credentials.login_due(at("2026-11-24T10:00:00Z"), Expiry::Never, &Logins::default()));
        assert!(
            credentials.login_due(at("2026-11-24T09:59:59Z"), Expiry::Never, &logins),
            "a clock was set back"
        );
        assert_eq!(
            credentials.after_success(at("2026-11-24T10:57:00Z"), Expiry::Never, &logins),
            at("2026-11-24T11:00:00Z")
        );
    }

    #[test]
    fn many_first_polls_are_spread_and_few_are_not() {
        let now = at("2026-11-24T10:00:00Z");
        let config = Config::of(Vec::new());
        let first =
            |pollers| Schedule::new(Collector::CurrentUsage, &config, Jitter(1.0), pollers).first(now);
        assert!(clock::until(now, first(5)) <= Duration::from_millis(25));
        assert!(clock::until(now, first(5000)) <= Duration::from_secs(25));
    }
}
