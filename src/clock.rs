//! Wall time behind a trait, so that month edges, expiry and ageing can be tested on any date.
//!
//! Everything that has a date (a month window, the age of an answer, the expiry of a credential, the next poll) uses
//! this. Deadlines of network calls do not: they measure how long something takes and use the runtime's own timer.

use std::fmt::Debug;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use tokio::sync::watch;
use tokio::time::Instant;

/// The time of day, and a way to wait for one.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Ends once [`Clock::now`] has reached `deadline`.
    fn sleep_until(&self, deadline: Timestamp) -> BoxFuture<'_, ()>;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

/// The longest wait after which [`System`] looks at the wall clock again, so that a clock that was set right, or a
/// machine that slept, delays nothing for longer.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl Clock for System {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the system's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep_until(&self, deadline: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(wait(|| self.now(), deadline))
    }
}

/// Ends once `now` gives `deadline`.
async fn wait(now: impl Fn() -> Timestamp, deadline: Timestamp) {
    // A clock that is set back must not stretch the wait: the time that passes counts as well.
    let started = Instant::now();
    let wanted = until(now(), deadline);
    loop {
        let by_wall = until(now(), deadline);
        let by_time_passed = wanted.saturating_sub(started.elapsed());
        let left = by_wall.min(by_time_passed);
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LOOK_AGAIN)).await;
    }
}

/// A clock that stands still until it is moved: for tests and fixed fixtures.
#[derive(Clone, Debug)]
pub struct Manual {
    time: watch::Sender<Timestamp>,
}

impl Manual {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self { time: watch::Sender::new(start) }
    }

    /// Sets the clock, forwards or backwards.
    pub fn set(&self, time: Timestamp) {
        self.time.send_replace(time);
    }

    /// Moves the clock forwards.
    pub fn advance(&self, by: Duration) {
        self.time.send_modify(|time| *time = after(*time, by));
    }
}

impl Clock for Manual {
    fn now(&self) -> Timestamp {
        *self.time.borrow()
    }

    fn sleep_until(&self, deadline: Timestamp) -> BoxFuture<'_, ()> {
        let mut time = self.time.subscribe();
        Box::pin(async move {
            // The sender lives as long as `self`, so the channel cannot close under this wait.
            let _ = time.wait_for(|now| *now >= deadline).await;
        })
    }
}

/// `instant` plus `by`, held at the end of the calendar where it would pass it.
#[must_use]
pub fn after(instant: Timestamp, by: Duration) -> Timestamp {
    instant
        .saturating_add(jiff::SignedDuration::try_from(by).unwrap_or(jiff::SignedDuration::MAX))
        .unwrap_or(Timestamp::MAX)
}

/// The instant at which clocks in UTC show `civil`, held at the ends of the calendar: its last instant lies some hours
/// before the end of the year 9999, so that every offset has room.
#[must_use]
pub fn utc(civil: DateTime) -> Timestamp {
    let end = if civil.year() > 0 { Timestamp::MAX } else { Timestamp::MIN };
    Offset::UTC.to_timestamp(civil).unwrap_or(end)
}

/// How long it is from `from` to `to`; zero where `to` is not later.
#[must_use]
pub fn until(from: Timestamp, to: Timestamp) -> Duration {
    from.duration_until(to).try_into().unwrap_or(Duration::ZERO)
}

/// An instant as Prometheus shows it: seconds since 1970-01-01 UTC.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "milliseconds of every calendar date fit a double exactly")]
pub fn unix_seconds(instant: Timestamp) -> f64 {
    instant.as_millisecond() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_a_sleeper_when_it_is_moved_past_the_deadline() {
        let clock = Manual::new(at("2026-11-30T23:59:00Z"));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move {
                clock.sleep_until(at("2026-12-01T00:00:00Z")).await;
                clock.now()
            }
        });
        clock.advance(Duration::from_secs(59));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        assert_eq!(sleeper.await.unwrap(), at("2026-12-01T00:00:00Z"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wall_clock_that_is_set_right_is_noticed_within_seconds_and_one_set_back_stretches_nothing() {
        let hour = Duration::from_secs(3600);
        for (before, after, most) in [
            ("1970-01-01T00:00:10Z", "2026-11-24T12:00:00Z", Duration::from_secs(5)),
            ("2026-11-24T12:00:00Z", "2020-01-01T00:00:00Z", hour),
        ] {
            let wall = watch::Sender::new(at(before));
            let started = Instant::now();
            let deadline = super::after(at(before), hour);
            let waiting = wait(|| *wall.borrow(), deadline);
            let setting = async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                wall.send_replace(at(after));
            };
            tokio::join!(waiting, setting);
            assert!(started.elapsed() <= most, "{:?}", started.elapsed());
        }
    }

    #[test]
    fn arithmetic_holds_at_the_ends_of_the_calendar() {
        assert_eq!(after(Timestamp::MAX, Duration::from_secs(1)), Timestamp::MAX);
        assert_eq!(after(at("2026-01-01T00:00:00Z"), Duration::MAX), Timestamp::MAX);
        assert_eq!(utc("9999-12-31".parse().unwrap()), Timestamp::MAX);
        assert_eq!(utc("-009999-01-01".parse().unwrap()), Timestamp::MIN);
        assert_eq!(utc("2028-02-29".parse().unwrap()), at("2028-02-29T00:00:00Z"));
        assert_eq!(until(at("2026-01-02T00:00:00Z"), at("2026-01-01T00:00:00Z")), Duration::ZERO);
    }
}
