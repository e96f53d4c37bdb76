//! Which closed months still have to be asked for, and how the answer joins what is known.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::api::account_v2::MAX_MONTHS;
use crate::clock;
use crate::model::{BucketHistory, Month, MonthTotal, MonthlyUsage, SubAccountHistory};
use crate::store::Settled;

/// A month's figures count as final this long after its end. The last day's mean can be computed only once that day is
/// over, in the vendor's regions too, and the vendor's daily computation has run; the rest is for a late one.
const SETTLES_AFTER: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// When the figures of a month count as final.
#[must_use]
pub fn final_at(month: Month) -> Timestamp {
    clock::after(month.plus(1).start(), SETTLES_AFTER)
}

/// A range of months, both ends included; empty where the last is before the first.
pub(super) type Range = (Month, Month);

/// What of a window has to be asked for, each end included; either range may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    /// What is before the final months: wanted only now, or without figures so far.
    pub(super) older: Range,
    /// What is behind them. It ends where the window does.
    pub(super) newer: Range,
}

impl Missing {
    /// The queries that it takes, oldest first, as the client divides them.
    pub(super) fn queries(self) -> Vec<Range> {
        [self.older, self.newer].into_iter().flat_map(queries).collect()
    }
}

fn queries((mut first, last): Range) -> impl Iterator<Item = Range> {
    std::iter::from_fn(move || {
        let query = (first <= last).then(|| (first, first.plus(MAX_MONTHS - 1).min(last)))?;
        first = query.1.plus(1);
        Some(query)
    })
}

/// The final months as far as they lie in `window`.
pub(super) fn within(settled: Settled, (first, last): Range) -> Option<Settled> {
    let within = Settled { first: settled.first.max(first), last: settled.last.min(last) };
    (within.first <= within.last).then_some(within)
}

/// What of `window` has to be asked for, given the final months in it: all the rest.
pub(super) fn missing((first, last): Range, settled: Option<Settled>) -> Missing {
    match settled {
        Some(settled) => {
            Missing { older: (first, settled.first.plus(-1)), newer: (settled.last.plus(1), last) }
        }
        None => Missing { older: (first, first.plus(-1)), newer: (first, last) },
    }
}

/// Puts two histories together, of `earlier` only the months that are `kept`; what is left is older than all of `later`.
pub(super) fn join(
    earlier: &MonthlyUsage,
    later: MonthlyUsage,
    kept: impl Fn(Month) -> bool,
) -> MonthlyUsage {
    let months = |earlier: &[MonthTotal], later: &[MonthTotal]| -> Vec<MonthTotal> {
        earlier.iter().filter(|total| kept(total.month)).chain(later).copied().collect()
    };
    let buckets = merge(
        &earlier.buckets,
        later.buckets,
        |bucket| &bucket.name,
        |earlier, later| {
            let months = months(
                earlier.map_or(&[], |earlier| &earlier.months),
                later.as_ref().map_or(&[], |l| &l.months),
            );
            let name =
                later.map(|later| later.name).or_else(|| earlier.map(|earlier| earlier.name.clone()))?;
            (!months.is_empty()).then(|| BucketHistory { name, months: months.into() })
        },
    );
    let sub_accounts = merge(
        &earlier.sub_accounts,
        later.sub_accounts,
        |sub| &sub.id,
        |earlier, later| {
            let months = months(
                earlier.map_or(&[], |earlier| &earlier.months),
                later.as_ref().map_or(&[], |l| &l.months),
            );
            // The newest name counts.
            let (id, name) = match later {
                Some(later) => (later.id, later.name),
                None => earlier.map(|earlier| (earlier.id.clone(), earlier.name.clone()))?,
            };
            (!months.is_empty()).then(|| SubAccountHistory { id, name, months: months.into() })
        },
    );
    MonthlyUsage { months: months(&earlier.months, &later.months), buckets, sub_accounts }
}

/// Everything that is known now: the answers, and between them the final ones of the months that were `known`.
pub(super) fn whole(
    older: &MonthlyUsage,
    known: &MonthlyUsage,
    settled: Option<Settled>,
    newer: MonthlyUsage,
) -> MonthlyUsage {
    let all = match settled {
        Some(settled) => join(known, newer, |month| (settled.first..=settled.last).contains(&month)),
        None => newer,
    };
    if *older == MonthlyUsage::default() { all } else { join(older, all, |_| true) }
}

/// Goes through two lists, each in the order of its identities, and makes one item of what has the same identity.
fn merge<T>(
    known: &[T],
    fresh: Vec<T>,
    identity: impl Fn(&T) -> &str,
    mut make: impl FnMut(Option<&T>, Option<T>) -> Option<T>,
) -> Vec<T> {
    let mut known = known.iter().peekable();
    let mut all = Vec::new();
    for fresh in fresh {
        while let Some(earlier) = known.next_if(|known| identity(known) < identity(&fresh)) {
            all.extend(make(Some(earlier), None));
        }
        let same = known.next_if(|known| identity(known) == identity(&fresh));
        all.extend(make(same, Some(fresh)));
    }
    all.extend(known.filter_map(|known| make(Some(known), None)));
    all
}

/// The months with figures.
fn with_figures(usage: &MonthlyUsage) -> BTreeSet<Month> {
    let of_buckets = usage.buckets.iter().flat_map(|bucket| &bucket.months);
    let of_sub_accounts = usage.sub_accounts.iter().flat_map(|sub_account| &sub_account.months);
    usage.months.iter().chain(of_buckets).chain(of_sub_accounts).map(|total| total.month).collect()
}

/// Which months are final once `usage` is known, which is the whole of a window. `asked` are the queries that were
/// answered at `now`, oldest first; what lies between two of them was final `before`.
///
/// The newest final month has figures: where the vendor is late, it is asked again. And each query must leave no doubt which
/// months were answered. The answer's months may count from 0 or from 1, which is read from the range that was asked
/// for; where figures for the range's first month are there, the other reading would put them outside of it. A range
/// of one month has no other reading either. So the run of final months ends, towards the past, at the first query that
/// leaves a doubt or has no figures; what is older is asked again.
pub(super) fn settled(
    usage: &MonthlyUsage,
    asked: &[Range],
    before: Option<Settled>,
    now: Timestamp,
) -> Option<Settled> {
    let with_figures = with_figures(usage);
    let is_clear = |query: &Range| query.0 == query.1 || with_figures.contains(&query.0);
    let mut queries = asked.to_vec();
    queries.extend(before.map(|before| (before.first, before.last)));
    queries.sort_unstable();
    let was_final = |query: &Range| before.is_some_and(|before| (before.first, before.last) == *query);
    let newest = queries.iter().rposition(was_final).unwrap_or(queries.len().checked_sub(1)?);
    let (older, newer) = queries.split_at(newest + 1);
    let first = older.iter().rev().take_while(|query| was_final(query) || is_clear(query)).last()?.0;
    if !newer.iter().all(is_clear) {
        return before.map(|before| Settled { first, last: before.last });
    }
    let is_final = |month: &Month| final_at(*month) <= now;
    let last = with_figures.into_iter().rfind(is_final)?;
    (first <= last).then_some(Settled { first, last })
}

/// What to ask again so that no figure is lost: the months with figures of the query right before the `settled` ones, if it
/// leaves a doubt which months they are of. They are the oldest ones that the vendor still answers, and it soon may not.
pub(super) fn doubtful(usage: &MonthlyUsage, asked: &[Range], settled: Settled) -> Option<Range> {
    let query = asked.iter().find(|query| query.1.plus(1) == settled.first)?;
    let first = with_figures(usage).range(query.0..=query.1).next().copied()?;
    (first > query.0).then_some((first, query.1))
}

/// `usage` with `fresh` in the place of what it says of `again`.
pub(super) fn around(usage: &MonthlyUsage, fresh: MonthlyUsage, again: Range) -> MonthlyUsage {
    let newer = join(usage, MonthlyUsage::default(), |month| month > again.1);
    let fresh = join(&fresh, newer, |_| true);
    join(usage, fresh, |month| month < again.0)
}

/// The queries once a part of one was asked again.
pub(super) fn refined(asked: &[Range], again: Range) -> Vec<Range> {
    let split = |query: &Range| {
        if query.1 == again.1 { vec![(query.0, again.0.plus(-1)), again] } else { vec![*query] }
    };
    asked.iter().flat_map(split).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn range(first: &str, last: &str) -> Range {
        (month(first), month(last))
    }

    fn final_months(first: &str, last: &str) -> Option<Settled> {
        Some(Settled { first: month(first), last: month(last) })
    }

    fn usage(months: &[&str]) -> MonthlyUsage {
        let total = |text: &&str| MonthTotal { month: month(text), average_bytes: 1 };
        MonthlyUsage { months: months.iter().map(total).collect(), ..MonthlyUsage::default() }
    }

    #[test]
    fn only_what_is_not_final_is_asked_for() {
        let window = range("2026-06", "2026-11");
        let nothing = |(first, last): Range| first > last;
        for (settled, older, newer) in [
            (None, None, Some(window)),
            (final_months("2026-05", "2026-10"), None, Some(range("2026-11", "2026-11"))),
            (final_months("2026-06", "2026-09"), None, Some(range("2026-10", "2026-11"))),
            (final_months("2026-06", "2026-06"), None, Some(range("2026-07", "2026-11"))),
            (final_months("2026-06", "2026-11"), None, None),
            (final_months("2026-05", "2027-01"), None, None),
            // A longer history, or months without figures so far.
            (
                final_months("2026-08", "2026-10"),
                Some(range("2026-06", "2026-07")),
                Some(range("2026-11", "2026-11")),
            ),
            // After a long time off.
            (final_months("2025-06", "2026-05"), None, Some(window)),
        ] {
            let missing = missing(window, settled.and_then(|settled| within(settled, window)));
            let some = |range| (!nothing(range)).then_some(range);
            assert_eq!((some(missing.older), some(missing.newer)), (older, newer), "{settled:?}");
        }
    }

    #[test]
    fn a_month_is_final_three_days_after_its_end_if_it_has_figures_and_no_doubt_is_left() {
        let at = |text: &str| text.parse().unwrap();
        let window = range("2026-06", "2026-11");
        let all = ["2026-06", "2026-07", "2026-08", "2026-09", "2026-10", "2026-11"];
        for (months, asked, before, now, expected) in [
            (&all[..], window, None, "2026-12-03T23:59:59Z", final_months("2026-06", "2026-10")),
            (&all, window, None, "2026-12-04T00:00:00Z", final_months("2026-06", "2026-11")),
            // The vendor is late with November.
            (&all[..5], window, None, "2026-12-20T00:00:00Z", final_months("2026-06", "2026-10")),
            // Without June it could be that July is June, counted from the other base.
            (&all[1..], window, None, "2026-12-20T00:00:00Z", None),
            (&[], window, None, "2026-12-20T00:00:00Z", None),
            (
                &all,
                range("2026-11", "2026-11"),
                final_months("2026-06", "2026-10"),
                "2026-12-04T00:00:00Z",
                final_months("2026-06", "2026-11"),
            ),
            (
                &all[..5],
                range("2026-11", "2026-11"),
                final_months("2026-06", "2026-10"),
                "2026-12-04T00:00:00Z",
                final_months("2026-06", "2026-10"),
            ),
            // Nothing was left to ask for.
            (
                &all,
                range("2026-12", "2026-11"),
                final_months("2026-06", "2026-11"),
                "2026-12-20T00:00:00Z",
                final_months("2026-06", "2026-11"),
            ),
            // Two queries, of which the second has no figures for its first month.
            (&all[..1], range("2026-06", "2027-02"), None, "2027-03-20T00:00:00Z", None),
            // Two, of which the first has none: what the second one says is final all the same.
            (
                &all[1..],
                range("2026-01", "2026-12"),
                None,
                "2026-12-20T00:00:00Z",
                final_months("2026-07", "2026-11"),
            ),
            (
                &all[..4],
                range("2025-12", "2026-11"),
                None,
                "2026-12-20T00:00:00Z",
                final_months("2026-06", "2026-09"),
            ),
        ] {
            let asked: Vec<Range> = queries(asked).collect();
            assert_eq!(settled(&usage(months), &asked, before, at(now)), expected, "{months:?} at {now}");
        }
    }

    #[test]
    fn the_oldest_months_that_are_still_answered_are_asked_again_where_there_is_a_doubt() {
        let now = "2026-12-20T00:00:00Z".parse().unwrap();
        let months = ["2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10", "2026-11"];
        let usage = usage(&months);
        let asked: Vec<Range> = queries(range("2025-06", "2026-11")).collect();
        let run = settled(&usage, &asked, None, now).unwrap();
        assert_eq!(Some(run), final_months("2026-06", "2026-11"));
        let again = doubtful(&usage, &asked, run).unwrap();
        assert_eq!(again, range("2026-04", "2026-05"));
        let asked = refined(&asked, again);
        assert_eq!(
            asked,
            [
                range("2025-06", "2025-11"),
                range("2025-12", "2026-03"),
                range("2026-04", "2026-05"),
                range("2026-06", "2026-11")
            ]
        );
        let run = settled(&usage, &asked, None, now).unwrap();
        assert_eq!(Some(run), final_months("2026-04", "2026-11"));
        assert_eq!(doubtful(&usage, &asked, run), None, "nothing is there before");
        // The next time that is what is final, and only the rest is asked for.
        let missing = missing(range("2025-06", "2026-11"), Some(run));
        assert_eq!(missing.queries(), [range("2025-06", "2025-11"), range("2025-12", "2026-03")]);
        assert_eq!(settled(&usage, &missing.queries(), Some(run), now), Some(run));
    }

    /// What the vendor answers for a range at an instant: figures move until a month is final.
    /// It no longer answers what is `reach` months back.
    fn vendor(buckets: &[(u8, u8)], (first, last): Range, now: Timestamp, reach: i32) -> MonthlyUsage {
        let mut usage = MonthlyUsage::default();
        let mut next = first;
        while next <= last {
            if Month::of(now).since(next) > reach {
                next = next.plus(1);
                continue;
            }
            let is_final = final_at(next) <= now;
            let moving = if is_final { 0 } else { now.as_second().unsigned_abs() };
            usage.months.push(MonthTotal { month: next, average_bytes: moving + 7 });
            next = next.plus(1);
        }
        for (index, (from, length)) in buckets.iter().enumerate() {
            let from = month("2026-01").plus(i32::from(*from));
            let has = |total: &&MonthTotal| (0..i32::from(*length)).contains(&total.month.since(from));
            let months: Box<[_]> = usage.months.iter().filter(has).copied().collect();
            if !months.is_empty() {
                usage
                    .buckets
                    .push(BucketHistory { name: format!("b{index:02}").into(), months: months.clone() });
                let (id, name) = (format!("s{index:02}").into(), format!("{}", months.len()).into());
                usage.sub_accounts.push(SubAccountHistory { id, name, months });
            }
        }
        usage
    }

    fn without_names(mut usage: MonthlyUsage) -> MonthlyUsage {
        usage.sub_accounts.iter_mut().for_each(|sub_account| sub_account.name = "".into());
        usage
    }

    proptest! {
        /// Whenever it polls, asking for what is missing comes to the same as asking for everything; and what a vendor has
        /// forgotten meanwhile stays, as long as the history reaches.
        #[test]
        fn parts_come_to_the_same_as_the_whole(
            buckets in prop::collection::vec((0u8..20, 1u8..12), 0..8),
            steps in prop::collection::vec((1i64..40 * 24, 1i32..20), 1..24),
            reach in prop_oneof![Just(100), 6..15],
        ) {
            let mut now: Timestamp = "2026-06-15T00:00:00Z".parse().unwrap();
            let mut known = MonthlyUsage::default();
            let mut is_final: Option<Settled> = None;
            let mut oldest = month("9999-12");
            for (hours, length) in steps {
                now += jiff::SignedDuration::from_hours(hours);
                let window = (Month::of(now).plus(-length), Month::of(now).plus(-1));
                oldest = oldest.min(Month::of(now).plus(-reach)).max(window.0);
                let before = is_final.and_then(|settled| within(settled, window));
                let missing = missing(window, before);
                let ask = |range| vendor(&buckets, range, now, reach);
                let mut asked = missing.queries();
                let mut all = whole(&ask(missing.older), &known, before, ask(missing.newer));
                is_final = settled(&all, &asked, before, now);
                if let Some(again) = is_final.and_then(|run| doubtful(&all, &asked, run)) {
                    all = around(&all, ask(again), again);
                    asked = refined(&asked, again);
                    is_final = settled(&all, &asked, before, now);
                }
                let mut expected = vendor(&buckets, window, now, 1000);
                expected = join(&expected, MonthlyUsage::default(), |month| month >= oldest);
                prop_assert_eq!(without_names(all.clone()), without_names(expected));
                known = all;
            }
        }
    }
}
