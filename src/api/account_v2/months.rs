//! Which calendar month an answer's `month` means.
//!
//! In a query months count from 0, as the guide says. What they count from in the answer is documented nowhere, so each
//! answer is read by what was asked for.

use crate::api::wire::Undecodable;
use crate::model::Month;

/// The most months that one query may ask for; more is rejected as `InvalidTimeRange` (vendor guide).
pub const MAX_MONTHS: i32 = 6;

/// The months that were asked for, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) first: Month,
    pub(super) last: Month,
}

impl Window {
    fn contains(self, month: Month) -> bool {
        (self.first..=self.last).contains(&month)
    }
}

/// The queries that it takes to ask for `first` to `last`, both included: ranges of months, both ends included, oldest
/// first; none where `last` is earlier.
pub fn queries(first: Month, last: Month) -> impl Iterator<Item = (Month, Month)> {
    let mut first = first;
    std::iter::from_fn(move || {
        let query = (first <= last).then(|| (first, first.plus(MAX_MONTHS - 1).min(last)))?;
        first = query.1.plus(1);
        Some(query)
    })
}

/// A month as the answer writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) year: i32,
    /// `None` where it was left out, as the wire leaves out what is zero.
    pub(super) month: Option<i32>,
}

/// What the months of an answer count from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    Zero,
    One,
}

impl Base {
    /// The month that is meant, where it lies inside the window.
    pub(super) fn place(self, written: Written, window: Window) -> Option<Month> {
        let number = match (self, written.month) {
            (Self::Zero, month) => month.unwrap_or(0) + 1,
            (Self::One, month) => month?,
        };
        Month::new(written.year, number).filter(|month| window.contains(*month))
    }

    /// Decides the base: the one under which every month lies inside the window, 0 where both do.
    ///
    /// A month 0 is none that counts from 1 and a month 12 none that counts from 0, so either one decides by itself. A
    /// month that was left out has no voice.
    pub(super) fn of(written: &[Written], window: Window) -> Result<Self, Undecodable> {
        let outside = |base: Self| {
            written.iter().find(|written| written.month.is_some() && base.place(**written, window).is_none())
        };
        let Some(stranger) = outside(Self::Zero) else {
            return Ok(Self::Zero);
        };
        if outside(Self::One).is_none() {
            return Ok(Self::One);
        }
        let neither = |written: &&Written| {
            written.month.is_some()
                && Self::Zero.place(**written, window).is_none()
                && Self::One.place(**written, window).is_none()
        };
        let stranger = written.iter().find(neither).unwrap_or(stranger);
        Err(format!(
            "month {} of {} in the answer does not lie within {} to {}, which was asked for, whether its months count \
             from 0 or from 1",
            stranger.month.unwrap_or(0),
            stranger.year,
            window.first,
            window.last
        )
        .into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn month(text: &str) -> Month {
        let (year, number) = text.split_once('-').unwrap();
        Month::new(year.parse().unwrap(), number.parse().unwrap()).unwrap()
    }

    fn window(first: &str, last: &str) -> Window {
        Window { first: month(first), last: month(last) }
    }

    fn written(months: &[(i32, i32)]) -> Vec<Written> {
        months.iter().map(|&(year, month)| Written { year, month: Some(month) }).collect()
    }

    #[test]
    fn long_ranges_are_split() {
        let split = |first, last| {
            queries(month(first), month(last))
                .map(|(first, last)| format!("{first}..{last}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(split("2026-05", "2026-10"), ["2026-05..2026-10"]);
        assert_eq!(split("2025-10", "2026-10"), ["2025-10..2026-03", "2026-04..2026-09", "2026-10..2026-10"]);
        assert_eq!(split("2026-10", "2026-10"), ["2026-10..2026-10"]);
        assert!(split("2026-11", "2026-10").is_empty());
    }

    #[test]
    fn the_base_is_decided_by_the_window() {
        let year_end = window("2025-11", "2026-02");
        for (months, base) in [
            (&[(2025, 10), (2025, 11), (2026, 0), (2026, 1)][..], Base::Zero),
            (&[(2025, 11), (2025, 12), (2026, 1), (2026, 2)], Base::One),
            (&[(2026, 0)], Base::Zero),
            (&[(2025, 12)], Base::One),
            (&[(2025, 11)], Base::Zero),
            (&[(2026, 2)], Base::One),
            (&[(2025, 10)], Base::Zero),
            (&[(2026, 1), (2025, 11)], Base::Zero),
            (&[(2026, 1), (2025, 12)], Base::One),
            (&[], Base::Zero),
        ] {
            assert_eq!(Base::of(&written(months), year_end), Ok(base), "{months:?}");
        }
    }

    #[test]
    fn a_month_outside_under_both_bases_is_named() {
        let asked = window("2026-05", "2026-10");
        for (months, named) in [
            (&[(2026, 5), (2024, 7)][..], "month 7 of 2024"),
            (&[(2026, 5), (2026, 13)], "month 13 of 2026"),
            (&[(2026, 0)], "month 0 of 2026"),
            (&[(2026, 12)], "month 12 of 2026"),
            // Each could be meant, but not both at once.
            (&[(2026, 4), (2026, 10)], "month 10 of 2026"),
        ] {
            let error = Base::of(&written(months), asked).unwrap_err();
            assert!(error.contains(named), "{error}");
            assert!(error.contains("2026-05 to 2026-10"), "{error}");
        }
    }

    #[test]
    fn a_month_that_was_left_out_is_january_where_months_count_from_0() {
        let asked = window("2025-12", "2026-03");
        let left_out = Written { year: 2026, month: None };
        let mut months = written(&[(2025, 11), (2026, 2)]);
        months.push(left_out);
        assert_eq!(Base::of(&months, asked), Ok(Base::Zero));
        assert_eq!(Base::Zero.place(left_out, asked), Some(month("2026-01")));
        assert_eq!(Base::One.place(left_out, asked), None);
    }

    /// The rule, word by word and the slow way.
    fn by_the_book(months: &[(i32, i32)], window: Window) -> Option<Base> {
        let inside = |base: i32| {
            months.iter().all(|(year, number)| {
                Month::new(*year, number + 1 - base).is_some_and(|month| window.contains(month))
            })
        };
        let zero = months.iter().any(|(_, month)| *month == 0);
        let twelve = months.iter().any(|(_, month)| *month == 12);
        match (zero, twelve) {
            (true, true) => None,
            (true, false) => inside(0).then_some(Base::Zero),
            (false, true) => inside(1).then_some(Base::One),
            (false, false) if inside(0) => Some(Base::Zero),
            (false, false) if inside(1) => Some(Base::One),
            (false, false) => None,
        }
    }

    #[test]
    fn every_answer_to_every_window_over_two_years() {
        for start in 0..24 {
            for length in 1..=MAX_MONTHS {
                let first = month("2025-01").plus(start);
                let asked = Window { first, last: first.plus(length - 1) };
                for chosen in 1u32..1 << length {
                    let meant: Vec<Month> = (0..length)
                        .filter(|index| chosen & (1 << index) != 0)
                        .map(|index| first.plus(index))
                        .collect();
                    for truth in [0, 1] {
                        let months: Vec<_> =
                            meant.iter().map(|month| (month.year(), month.number() - 1 + truth)).collect();
                        let base = Base::of(&written(&months), asked);
                        assert_eq!(base.clone().ok(), by_the_book(&months, asked), "{months:?} in {asked:?}");
                        // With the last month of the window, or a December, there is no doubt.
                        let sure = truth == 0 || meant.last() == Some(&asked.last);
                        if sure || meant.iter().any(|month| month.number() == 12) {
                            let base = base.unwrap();
                            let placed: Vec<_> = written(&months)
                                .iter()
                                .filter_map(|written| base.place(*written, asked))
                                .collect();
                            assert_eq!(placed, meant, "{months:?} in {asked:?}");
                        }
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_months_are_decided_by_the_book(
            start in 0i32..30,
            length in 1i32..=6,
            months in prop::collection::vec((2024i32..2028, -1i32..15), 0..8),
        ) {
            let first = month("2025-01").plus(start);
            let asked = Window { first, last: first.plus(length - 1) };
            let base = Base::of(&written(&months), asked).ok();
            prop_assert_eq!(base, by_the_book(&months, asked));
        }
    }
}
