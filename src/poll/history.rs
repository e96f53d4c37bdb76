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

/// What of `window` has to be asked for: all that is not final. It ends where the window does.
pub(super) fn missing((first, last): Range, settled: Option<Settled>) -> Range {
    match settled {
        Some(settled) if settled.first <= first && first <= settled.last => (settled.last.plus(1), last),
        _ => (first, last),
    }
}

/// The whole of `window`: `fresh`, which is the answer for `asked`, and before that what is `known`.
pub(super) fn join(known: &MonthlyUsage, fresh: MonthlyUsage, window: Range, asked: Range) -> MonthlyUsage {
    let kept = |total: &&MonthTotal| window.0 <= total.month && total.month < asked.0;
    let months = |known: &[MonthTotal], fresh: &[MonthTotal]| -> Vec<MonthTotal> {
        known.iter().filter(kept).chain(fresh).copied().collect()
    };
    let buckets = merge(
        &known.buckets,
        fresh.buckets,
        |bucket| &bucket.name,
        |known, fresh| {
            let months =
                months(known.map_or(&[], |known| &known.months), fresh.as_ref().map_or(&[], |f| &f.months));
            let name = fresh.map(|fresh| fresh.name).or_else(|| known.map(|known| known.name.clone()))?;
            (!months.is_empty()).then(|| BucketHistory { name, months: months.into() })
        },
    );
    let sub_accounts = merge(
        &known.sub_accounts,
        fresh.sub_accounts,
        |sub| &sub.id,
        |known, fresh| {
            let months =
                months(known.map_or(&[], |known| &known.months), fresh.as_ref().map_or(&[], |f| &f.months));
            let (id, name) = match fresh {
                Some(fresh) => (fresh.id, fresh.name),
                None => known.map(|known| (known.id.clone(), known.name.clone()))?,
            };
            (!months.is_empty()).then(|| SubAccountHistory { id, name, months: months.into() })
        },
    );
    MonthlyUsage { months: months(&known.months, &fresh.months), buckets, sub_accounts }
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

/// Which months are final once `usage`, which has all of `window`, is known. Those in `asked` were answered at `now`, and
/// those before them were final `before`.
///
/// The newest one has figures: where the vendor is late, it is asked again. And each query must leave no doubt which
/// months were answered. The answer's months may count from 0 or from 1, which is read from the range that was asked
/// for; where figures for the range's first month are there, the other reading would put them outside of it. A range
/// of one month has no other reading either.
pub(super) fn settled(
    usage: &MonthlyUsage,
    window: Range,
    asked: Range,
    before: Option<Settled>,
    now: Timestamp,
) -> Option<Settled> {
    let of_buckets = usage.buckets.iter().flat_map(|bucket| &bucket.months);
    let of_sub_accounts = usage.sub_accounts.iter().flat_map(|sub_account| &sub_account.months);
    let with_figures: BTreeSet<Month> =
        usage.months.iter().chain(of_buckets).chain(of_sub_accounts).map(|total| total.month).collect();
    // Older months than the window's are not in `usage` any more.
    let up_to = |last| (window.0 <= last).then_some(Settled { first: window.0, last });
    let mut first = asked.0;
    while first <= asked.1 {
        let last = first.plus(MAX_MONTHS - 1).min(asked.1);
        if first != last && !with_figures.contains(&first) {
            return up_to(before?.last);
        }
        first = last.plus(1);
    }
    let is_final = |month: &Month| final_at(*month) <= now;
    up_to(with_figures.into_iter().rfind(is_final)?)
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
        for (settled, asked) in [
            (None, window),
            (final_months("2026-05", "2026-10"), range("2026-11", "2026-11")),
            (final_months("2026-06", "2026-09"), range("2026-10", "2026-11")),
            (final_months("2026-06", "2026-06"), range("2026-07", "2026-11")),
            // A longer history, and one after a long time off: the months in between are not known.
            (final_months("2026-07", "2026-10"), window),
            (final_months("2025-06", "2026-05"), window),
        ] {
            assert_eq!(missing(window, settled), asked, "{settled:?}");
        }
        let (first, last) = missing(window, final_months("2026-06", "2026-11"));
        assert!(first > last, "nothing is left");
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
                final_months("2026-05", "2026-10"),
                "2026-12-04T00:00:00Z",
                final_months("2026-06", "2026-11"),
            ),
            (
                &all[..5],
                range("2026-11", "2026-11"),
                final_months("2026-05", "2026-10"),
                "2026-12-04T00:00:00Z",
                final_months("2026-06", "2026-10"),
            ),
            // Nothing was left to ask for.
            (
                &all,
                range("2026-12", "2026-11"),
                final_months("2026-05", "2026-11"),
                "2026-12-20T00:00:00Z",
                final_months("2026-06", "2026-11"),
            ),
            // Two queries, of which the second has no figures for its first month.
            (&all[..1], range("2026-06", "2027-02"), None, "2027-03-20T00:00:00Z", None),
        ] {
            assert_eq!(
                settled(&usage(months), window, asked, before, at(now)),
                expected,
                "{months:?} at {now}"
            );
        }
    }

    /// What the vendor answers for a range at an instant: figures move until a month is final.
    fn vendor(buckets: &[(u8, u8)], (first, last): Range, now: Timestamp) -> MonthlyUsage {
        let mut usage = MonthlyUsage::default();
        let mut next = first;
        while next <= last {
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
        /// Whenever it polls, asking for what is missing comes to the same as asking for everything.
        #[test]
        fn parts_come_to_the_same_as_the_whole(
            buckets in prop::collection::vec((0u8..20, 1u8..12), 0..8),
            steps in prop::collection::vec((1i64..40 * 24, 1i32..14), 1..24),
        ) {
            let mut now: Timestamp = "2026-06-15T00:00:00Z".parse().unwrap();
            let mut known: Option<MonthlyUsage> = None;
            let mut is_final = None;
            let mut queries = 0;
            for (hours, length) in steps {
                now += jiff::SignedDuration::from_hours(hours);
                let window = (Month::of(now).plus(-length), Month::of(now).plus(-1));
                let asked = missing(window, is_final);
                let fresh = vendor(&buckets, asked, now);
                queries += i32::from(asked.0 <= asked.1);
                let joined = join(known.as_ref().unwrap_or(&MonthlyUsage::default()), fresh, window, asked);
                prop_assert_eq!(without_names(joined.clone()), without_names(vendor(&buckets, window, now)));
                is_final = settled(&joined, window, asked, is_final, now);
                known = Some(joined);
            }
            prop_assert!(queries >= 1);
        }
    }
}
