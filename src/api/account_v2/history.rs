//! Which closed months still have to be asked for, and how the answer joins what is known.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::queries;
use crate::clock;
use crate::model::{BucketHistory, Month, MonthTotal, MonthlyUsage, Settled, SubAccountHistory};

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
        [self.older, self.newer].into_iter().flat_map(|(first, last)| queries(first, last)).collect()
    }
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
    MonthlyUsage { months: months(&earlier.months, &later.months), buckets, sub_accounts, settled: None }
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
    let first = clear_from(&with_figures, asked, before)?;
    let is_newer = |query: &&Range| before.is_some_and(|before| query.0 > before.last);
    if !asked.iter().filter(is_newer).all(|query| is_clear(&with_figures, query)) {
        return before.map(|before| Settled { first, last: before.last });
    }
    let is_final = |month: &Month| final_at(*month) <= now;
    let last = with_figures.into_iter().rfind(is_final)?;
    (first <= last).then_some(Settled { first, last })
}

/// Whether it is clear which months a query was answered with.
fn is_clear(with_figures: &BTreeSet<Month>, query: &Range) -> bool {
    query.0 == query.1 || with_figures.contains(&query.0)
}

/// The first month of the run of clear queries and months that were final `before`, which ends with those, or else with the
/// newest query.
fn clear_from(with_figures: &BTreeSet<Month>, asked: &[Range], before: Option<Settled>) -> Option<Month> {
    let older = asked.iter().rev().filter(|query| before.is_none_or(|before| query.1 < before.first));
    let clear = older.take_while(|query| is_clear(with_figures, query)).last();
    clear.map(|query| query.0).or(before.map(|before| before.first))
}

/// What to ask again so that no figure is lost: the months with figures of the query right before the clear ones, if it
/// leaves a doubt which months they are of. They are the oldest ones that the vendor still answers, and it soon may not.
pub(super) fn doubtful(usage: &MonthlyUsage, asked: &[Range], before: Option<Settled>) -> Option<Range> {
    let with_figures = with_figures(usage);
    let clear = clear_from(&with_figures, asked, before)?;
    let query = asked.iter().find(|query| query.1.plus(1) == clear)?;
    let first = with_figures.range(query.0..=query.1).next().copied()?;
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
mod tests;
