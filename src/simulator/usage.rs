use std::sync::Arc;

use jiff::Timestamp;

use crate::model::Month;

const DAY_SECONDS: i64 = 86_400;

/// How much something holds, in GB of 10^9 bytes: a figure, or a curve over time.
#[derive(Clone)]
pub struct Usage(Source);

type Curve = dyn Fn(Timestamp) -> Option<f64> + Send + Sync;

#[derive(Clone)]
enum Source {
    Fixed(f64),
    Curve(Arc<Curve>),
}

impl Usage {
    /// Usage that follows the simulator's clock. `None` is a time at which the thing does not exist.
    ///
    /// Its past months need no entry of their own: each is the mean of the curve over its days.
    pub fn curve(curve: impl Fn(Timestamp) -> Option<f64> + Send + Sync + 'static) -> Self {
        Self(Source::Curve(Arc::new(curve)))
    }

    /// The usage at `now`.
    pub(super) fn at(&self, now: Timestamp) -> Option<f64> {
        match &self.0 {
            Source::Fixed(gigabytes) => Some(*gigabytes),
            Source::Curve(curve) => curve(now),
        }
    }

    /// Whether it depends on the clock.
    pub(super) fn moves(&self) -> bool {
        matches!(self.0, Source::Curve(_))
    }

    /// The mean of `month` as far as it has passed. A fixed figure has no past but the one it was given.
    pub(super) fn mean_of(&self, month: Month, now: Timestamp) -> Option<f64> {
        let Source::Curve(curve) = &self.0 else {
            return None;
        };
        let end = month.plus(1).start().min(now).as_second();
        let noon = month.start().as_second() + DAY_SECONDS / 2;
        let (mut sum, mut days) = (0.0, 0.0);
        let mut second = noon;
        while second < end {
            if let Some(gigabytes) = Timestamp::from_second(second).ok().and_then(|time| curve(time)) {
                sum += gigabytes;
                days += 1.0;
            }
            second += DAY_SECONDS;
        }
        (days > 0.0).then(|| sum / days)
    }
}

impl From<f64> for Usage {
    fn from(gigabytes: f64) -> Self {
        Self(Source::Fixed(gigabytes))
    }
}

impl std::fmt::Debug for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Source::Fixed(gigabytes) => write!(f, "{gigabytes} GB"),
            Source::Curve(_) => f.write_str("a curve"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_mean_of_a_curve_counts_the_days_it_existed_and_that_have_passed() {
        let born = at("2026-10-30T00:00:00Z");
        let usage = Usage::curve(move |time| (time >= born).then_some(7.0));
        let now = at("2026-11-24T12:00:00Z");
        let month = |number| Month::new(2026, number).unwrap();
        assert_eq!(usage.mean_of(month(9), now), None);
        assert_eq!(usage.mean_of(month(10), now), Some(7.0));
        assert_eq!(usage.mean_of(month(11), now), Some(7.0));
        assert_eq!(usage.mean_of(month(12), now), None);
        assert_eq!(Usage::from(7.0).mean_of(month(10), now), None);
    }
}
