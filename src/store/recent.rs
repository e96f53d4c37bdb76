use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a step is, seconds: six hours.
const STEP_SECONDS: i64 = 6 * 3600;

const STEPS_OF_A_DAY: i64 = 86_400 / STEP_SECONDS;

/// How many steps are kept: 60 days.
const STEPS: usize = 60 * 4;

/// The newest figure of each step of six hours, for the last 60 days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentUsage {
    /// The number of the first step, counted from 1970.
    first: i64,
    /// Bytes; `None` where a step has no figure. The last one has one.
    bytes: VecDeque<Option<u64>>,
}

fn step(at: Timestamp) -> i64 {
    at.as_second().div_euclid(STEP_SECONDS)
}

impl RecentUsage {
    /// Whether there is no figure.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes a figure of `at`. Figures of later steps are of a clock that was wrong, and go.
    pub fn record(&mut self, at: Timestamp, bytes: u64) {
        let place = usize::try_from(step(at) - self.first).ok().filter(|place| *place < 2 * STEPS);
        match place.filter(|_| !self.bytes.is_empty()) {
            Some(place) => self.bytes.resize(place + 1, None),
            None => *self = Self { first: step(at), bytes: VecDeque::from([None]) },
        }
        if let Some(last) = self.bytes.back_mut() {
            *last = Some(bytes);
        }
        while self.bytes.len() > STEPS {
            self.bytes.pop_front();
            self.first += 1;
        }
    }

    /// Whether the figure of `at` is this one already.
    #[must_use]
    pub fn has(&self, at: Timestamp, bytes: u64) -> bool {
        self.last_step() == Some(step(at)) && self.bytes.back() == Some(&Some(bytes))
    }

    /// The same without anything from after `now`.
    #[must_use]
    pub fn until(mut self, now: Timestamp) -> Self {
        let kept = usize::try_from(step(now) + 1 - self.first).unwrap_or(0);
        self.bytes.truncate(kept);
        while self.bytes.back() == Some(&None) {
            self.bytes.pop_back();
        }
        self
    }

    /// The same with no more steps than are kept.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.bytes.truncate(STEPS);
        self
    }

    fn last_step(&self) -> Option<i64> {
        Some(self.first + i64::try_from(self.bytes.len()).ok()? - 1)
    }

    /// The figure of `age` ago: of the step in which that is, or else of one at most a day before.
    #[must_use]
    pub fn before(&self, now: Timestamp, age: SignedDuration) -> Option<u64> {
        let end = step(now.checked_sub(age).ok()?) - self.first;
        (0..STEPS_OF_A_DAY).find_map(|back| *self.bytes.get(usize::try_from(end - back).ok()?)?)
    }

    /// The figures, oldest first, each with the number of steps since the first one that is kept at `now`.
    pub fn figures(&self, now: Timestamp) -> impl Iterator<Item = (usize, u64)> + '_ {
        let start = step(now) + 1 - i64::try_from(STEPS).unwrap_or(0);
        let first = self.first;
        self.bytes.iter().enumerate().filter_map(move |(index, bytes)| {
            let place = usize::try_from(first + i64::try_from(index).ok()? - start).ok()?;
            Some((place, (*bytes)?))
        })
    }

    /// How many steps are kept.
    #[must_use]
    pub const fn steps() -> usize {
        STEPS
    }

    /// How long a step is.
    #[must_use]
    pub const fn step() -> SignedDuration {
        SignedDuration::from_secs(STEP_SECONDS)
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
    fn a_step_has_its_newest_figure_and_old_steps_go() {
        let mut recent = RecentUsage::default();
        for back in (0..3000).rev() {
            recent.record(hours_ago(back), 1);
            recent.record(hours_ago(back), u64::try_from(back).unwrap());
        }
        let figures: Vec<_> = recent.figures(at(NOW)).collect();
        assert_eq!(figures.len(), STEPS);
        assert_eq!(figures.first(), Some(&(0, 1429)));
        assert_eq!(figures.last(), Some(&(239, 0)));
        assert_eq!(recent.before(at(NOW), SignedDuration::from_hours(7 * 24)), Some(163));
        assert!(recent.has(at(NOW), 0) && !recent.has(at(NOW), 1) && !recent.has(hours_ago(1), 0));
        let written = serde_json::to_string(&recent).unwrap();
        assert!(written.len() < 4096, "{} bytes", written.len());
        assert_eq!(serde_json::from_str::<RecentUsage>(&written).unwrap(), recent);
    }

    #[test]
    fn gaps_stay_gaps_and_a_clock_that_was_ahead_leaves_nothing() {
        let mut recent = RecentUsage::default();
        assert_eq!(recent.before(at(NOW), SignedDuration::ZERO), None);
        recent.record(hours_ago(30), 5);
        recent.record(hours_ago(6), 1);
        assert_eq!(recent.figures(at(NOW)).collect::<Vec<_>>(), [(234, 5), (238, 1)]);
        assert_eq!(recent.before(at(NOW), SignedDuration::from_hours(12)), Some(5));
        assert_eq!(recent.before(at(NOW), SignedDuration::from_hours(60)), None);
        recent.record(hours_ago(-8760), 9);
        recent.record(at(NOW), 0);
        assert_eq!(recent.figures(at(NOW)).collect::<Vec<_>>(), [(239, 0)]);
        recent.record(hours_ago(-18), 3);
        let recent = recent.until(at(NOW));
        assert_eq!(recent.figures(at(NOW)).collect::<Vec<_>>(), [(239, 0)]);
        assert!(recent.until(hours_ago(9)).is_empty());
    }

    #[test]
    fn hours_of_an_earlier_build_are_not_taken_for_steps() {
        let hours = at(NOW).as_second() / 3600;
        let written = format!(r#"{{"first":{},"bytes":[1,2,3]}}"#, hours - 2);
        let recent: RecentUsage = serde_json::from_str(&written).unwrap();
        assert!(recent.until(at(NOW)).is_empty());
    }
}
