use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

/// Something that is counted, in bytes or in objects: a figure, or a curve over time.
#[derive(Clone)]
pub struct Figure(Source);

type Curve = dyn Fn(Timestamp) -> u64 + Send + Sync;

#[derive(Clone)]
enum Source {
    Fixed(u64),
    Curve(Arc<Curve>),
}

impl Figure {
    /// A figure that follows the simulator's clock.
    pub fn curve(curve: impl Fn(Timestamp) -> u64 + Send + Sync + 'static) -> Self {
        Self(Source::Curve(Arc::new(curve)))
    }

    pub(super) fn at(&self, time: Timestamp) -> u64 {
        match &self.0 {
            Source::Fixed(figure) => *figure,
            Source::Curve(curve) => curve(time),
        }
    }
}

impl From<u64> for Figure {
    fn from(figure: u64) -> Self {
        Self(Source::Fixed(figure))
    }
}

impl std::fmt::Debug for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Source::Fixed(figure) => write!(f, "{figure}"),
            Source::Curve(_) => f.write_str("a curve"),
        }
    }
}

/// What went over the wire in a day, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    /// Written by clients.
    pub upload: u64,
    /// Read by clients.
    pub download: u64,
    /// Deleted.
    pub delete: u64,
}

impl Transfer {
    /// The part of it that had passed after so many seconds of the day.
    fn after(self, seconds: u64) -> Self {
        const DAY_SECONDS: u64 = 86_400;
        let part = |bytes: u64| {
            let part = u128::from(bytes) * u128::from(seconds.min(DAY_SECONDS)) / u128::from(DAY_SECONDS);
            u64::try_from(part).unwrap_or(bytes)
        };
        Self { upload: part(self.upload), download: part(self.download), delete: part(self.delete) }
    }
}

type Days = dyn Fn(Date) -> Transfer + Send + Sync;

/// The transfer of each whole day in a region.
#[derive(Clone)]
pub struct DailyTransfer(Arc<Days>);

impl DailyTransfer {
    /// Transfer that depends on the day.
    pub fn by_day(days: impl Fn(Date) -> Transfer + Send + Sync + 'static) -> Self {
        Self(Arc::new(days))
    }

    /// What has passed of a day's transfer: all of a day that is over, nothing of one to come.
    pub(super) fn of(&self, day: Date, passed_seconds: u64) -> Transfer {
        (self.0)(day).after(passed_seconds)
    }
}

impl From<Transfer> for DailyTransfer {
    fn from(each_day: Transfer) -> Self {
        Self::by_day(move |_| each_day)
    }
}

impl std::fmt::Debug for DailyTransfer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the transfer of each day")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_is_under_way_has_its_part() {
        let day = jiff::civil::date(2026, 11, 24);
        let each_day = Transfer { upload: u64::MAX, download: 100, delete: 7 };
        let daily = DailyTransfer::from(each_day);
        assert_eq!(daily.of(day, 0), Transfer::default());
        assert_eq!(daily.of(day, 43_200), Transfer { upload: u64::MAX / 2, download: 50, delete: 3 });
        assert_eq!(daily.of(day, 86_400), each_day);
        assert_eq!(daily.of(day, 90_000), each_day);
    }
}
