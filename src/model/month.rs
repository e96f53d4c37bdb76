use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock;
use crate::text::Text;

/// A calendar month, UTC. Written `2026-10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// Months since January of year 0, so that stepping over a year's end is plain arithmetic.
    ordinal: i32,
}

impl Month {
    /// The month number `month` (1 = January) of `year`; `None` outside 1 to 12 or the years 0 to 9999.
    #[must_use]
    pub fn new(year: i32, month: i32) -> Option<Self> {
        ((0..=9999).contains(&year) && (1..=12).contains(&month))
            .then_some(Self { ordinal: year * 12 + month - 1 })
    }

    /// The month in which `instant` lies.
    #[must_use]
    pub fn of(instant: Timestamp) -> Self {
        Self::of_date(Offset::UTC.to_datetime(instant).date())
    }

    /// The month in which a day lies.
    #[must_use]
    pub fn of_date(date: Date) -> Self {
        Self { ordinal: i32::from(date.year()) * 12 + i32::from(date.month()) - 1 }
    }

    /// The year.
    #[must_use]
    pub const fn year(self) -> i32 {
        self.ordinal.div_euclid(12)
    }

    /// The month's number: 1 is January.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.ordinal.rem_euclid(12) + 1
    }

    /// The month `count` months later; earlier where `count` is negative.
    #[must_use]
    pub const fn plus(self, count: i32) -> Self {
        Self { ordinal: self.ordinal.saturating_add(count) }
    }

    /// How many months this one is after `earlier`.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i32 {
        self.ordinal - earlier.ordinal
    }

    /// The first instant of the month; the end of the calendar where it lies past that.
    #[must_use]
    pub fn start(self) -> Timestamp {
        let date = i16::try_from(self.year())
            .ok()
            .zip(i8::try_from(self.number()).ok())
            .and_then(|(year, month)| Date::new(year, month, 1).ok());
        date.map_or(Timestamp::MAX, |date| clock::utc(date.at(0, 0, 0, 0)))
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.number())
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Text(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer).map(|Text(month)| month)
    }
}

/// Not a month as it is written: four digits, `-`, and two more from 01 to 12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a month: write 2026-10")]
pub struct NoMonth;

impl std::str::FromStr for Month {
    type Err = NoMonth;

    fn from_str(text: &str) -> Result<Self, NoMonth> {
        let digits = |text: &str, count| {
            let all = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
            all.then(|| text.parse().ok()).flatten()
        };
        let (year, month) = text.split_once('-').ok_or(NoMonth)?;
        digits(year, 4).zip(digits(month, 2)).and_then(|(year, month)| Self::new(year, month)).ok_or(NoMonth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_over_the_ends_of_years() {
        let january = Month::new(2027, 1).unwrap();
        assert_eq!(january.plus(-1).to_string(), "2026-12");
        assert_eq!(january.plus(-13).to_string(), "2025-12");
        assert_eq!(january.plus(11).to_string(), "2027-12");
        assert_eq!(january.since(Month::new(2025, 12).unwrap()), 13);
    }

    #[test]
    fn an_instant_lies_in_its_utc_month() {
        for (instant, month) in [
            ("2026-11-30T23:59:59.999Z", "2026-11"),
            ("2026-12-01T00:00:00Z", "2026-12"),
            ("2026-12-31T23:00:00-05:00", "2027-01"),
            ("2028-02-29T12:00:00Z", "2028-02"),
        ] {
            assert_eq!(Month::of(instant.parse().unwrap()).to_string(), month);
        }
    }

    #[test]
    fn starts_at_midnight_utc_of_its_first_day() {
        assert_eq!(Month::new(2028, 2).unwrap().start(), "2028-02-01T00:00:00Z".parse().unwrap());
        assert_eq!(Month::new(9999, 12).unwrap().plus(1).start(), Timestamp::MAX);
    }

    #[test]
    fn is_read_as_it_is_written() {
        assert_eq!("2026-10".parse(), Ok(Month::new(2026, 10).unwrap()));
        for text in ["", "2026", "2026-13", "2026-00", "26-10", "+026-10", "2026-1", "2026-10-01", "2026/10"]
        {
            assert_eq!(text.parse::<Month>(), Err(NoMonth), "{text}");
        }
    }

    #[test]
    fn rejects_what_is_no_month() {
        assert_eq!(Month::new(2026, 0), None);
        assert_eq!(Month::new(2026, 13), None);
        assert_eq!(Month::new(-1, 1), None);
    }
}
