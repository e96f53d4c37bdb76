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
        let asked: Vec<Range> = queries(asked.0, asked.1).collect();
        assert_eq!(settled(&usage(months), &asked, before, at(now)), expected, "{months:?} at {now}");
    }
}

#[test]
fn the_oldest_months_that_are_still_answered_are_asked_again_where_there_is_a_doubt() {
    let now = "2026-12-20T00:00:00Z".parse().unwrap();
    let months = ["2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10", "2026-11"];
    let usage = usage(&months);
    let all = range("2025-06", "2026-11");
    let asked: Vec<Range> = queries(all.0, all.1).collect();
    let run = settled(&usage, &asked, None, now).unwrap();
    assert_eq!(Some(run), final_months("2026-06", "2026-11"));
    let again = doubtful(&usage, &asked, None).unwrap();
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
    assert_eq!(doubtful(&usage, &asked, None), None, "nothing is there before");
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
            usage.buckets.push(BucketHistory { name: format!("b{index:02}").into(), months: months.clone() });
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
            if let Some(again) = doubtful(&all, &asked, before) {
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
