use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How many hours are kept: two weeks.
const HOURS: usize = 14 * 24;

const HOUR_SECONDS: i64 = 3600;

/// The newest figure of each of the last hours; no more than two weeks of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentUsage {
    /// The number of the first hour, counted from 1970.
    first: i64,
    /// Bytes; `None` where an hour has no figure. The last one has one.
    bytes: VecDeque<Option<u64>>,
}

fn hour(at: Timestamp) -> i64 {
    at.as_second().div_euclid(HOUR_SECONDS)
}

impl RecentUsage {
    /// Whether there is no figure.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes a figure of `at`. Figures of later hours are of a clock that was wrong, and go.
    pub fn record(&mut self, at: Timestamp, bytes: u64) {
        let place = usize::try_from(hour(at) - self.first).ok().filter(|place| *place < 2 * HOURS);
        match place.filter(|_| !self.bytes.is_empty()) {
            Some(place) => self.bytes.resize(place + 1, None),
            None => *self = Self { first: hour(at), bytes: VecDeque::from([None]) },
        }
        if let Some(last) = self.bytes.back_mut() {
            *last = Some(bytes);
        }
        while self.bytes.len() > HOURS {
            self.bytes.pop_front();
            self.first += 1;
        }
    }

    /// Whether the figure of `at` is this one already.
    #[must_use]
    pub fn has(&self, at: Timestamp, bytes: u64) -> bool {
        self.last_hour() == Some(hour(at)) && self.bytes.back() == Some(&Some(bytes))
    }

    /// The same without anything from after `now`.
    #[must_use]
    pub fn until(mut self, now: Timestamp) -> Self {
        let kept = usize::try_from(hour(now) + 1 - self.first).unwrap_or(0);
        self.bytes.truncate(kept);
        while self.bytes.back() == Some(&None) {
            self.bytes.pop_back();
        }
        self
    }

    /// The same with no more hours than are kept.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.bytes.truncate(HOURS);
        self
    }

    fn last_hour(&self) -> Option<i64> {
        Some(self.first + i64::try_from(self.bytes.len()).ok()? - 1)
    }

    /// The newest figure that is at least `age` old at `now`, and at most a day older than that.
    #[must_use]
    pub fn before(&self, now: Timestamp, age: SignedDuration) -> Option<u64> {
        let end = hour(now.checked_sub(age).ok()?) - self.first;
        (0..24).find_map(|back| *self.bytes.get(usize::try_from(end - back).ok()?)?)
    }

    /// The figures, oldest first, each with the number of hours since the first hour that is kept at `now`.
    pub fn figures(&self, now: Timestamp) -> impl Iterator<Item = (usize, u64)> + '_ {
        let start = hour(now) + 1 - i64::try_from(HOURS).unwrap_or(0);
        let first = self.first;
        self.bytes.iter().enumerate().filter_map(move |(index, bytes)| {
            let place = usize::try_from(first + i64::try_from(index).ok()? - start).ok()?;
            Some((place, (*bytes)?))
        })
    }

    /// How many hours are kept.
    #[must_use]
    pub const fn hours() -> usize {
        HOURS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const NOW: &str = "2026-11-24T12:30:00Z";

    fn hours_ago(hours: i64) -> Timestamp {
        at(NOW) - SignedDuration::from_hours(hours)
    }

    #[test]
    fn an_hour_has_its_newest_figure_and_old_hours_go() {
        let mut recent = RecentUsage::default();
        for back in (0..1000).rev() {
            recent.record(hours_ago(back), 1);
            recent.record(hours_ago(back), u64::try_from(back).unwrap());
        }
        let figures: Vec<_> = recent.figures(at(NOW)).collect();
        assert_eq!(figures.len(), HOURS);
        assert_eq!(figures.first(), Some(&(0, 335)));
        assert_eq!(figures.last(), Some(&(335, 0)));
        assert_eq!(recent.before(at(NOW), SignedDuration::from_hours(7 * 24)), Some(168));
        assert!(recent.has(at(NOW), 0) && !recent.has(at(NOW), 1) && !recent.has(hours_ago(1), 0));
        let written = serde_json::to_string(&recent).unwrap();
        assert!(written.len() < 4096, "{} bytes", written.len());
        assert_eq!(serde_json::from_str::<RecentUsage>(&written).unwrap(), recent);
    }

    #[test]
    fn gaps_stay_gaps_and_a_clock_that_was_ahead_leaves_nothing() {
        let mut recent = RecentUsage::default();
        assert_eq!(recent.before(at(NOW), SignedDuration::ZERO), None);
        recent.record(hours_ago(5), 5);
        recent.record(hours_ago(1), 1);
        assert_eq!(recent.figures(at(NOW)).collect::<Vec<_>>(), [(330, 5), (334, 1)]);
        assert_eq!(recent.before(at(NOW), SignedDuration::from_hours(2)), Some(5));
        assert_eq!(recent.before(at(NOW), SignedDuration::from_hours(48)), None);
        recent.record(hours_ago(-8760), 9);
        recent.record(at(NOW), 0);
        assert_eq!(recent.figures(at(NOW)).collect::<Vec<_>>(), [(335, 0)]);
        recent.record(hours_ago(-3), 3);
        let recent = recent.until(at(NOW));
        assert_eq!(recent.figures(at(NOW)).collect::<Vec<_>>(), [(335, 0)]);
        assert!(recent.until(hours_ago(9)).is_empty());
    }
}
