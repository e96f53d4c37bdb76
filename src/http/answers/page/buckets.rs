//! The buckets of an account, the largest first.

use jiff::Timestamp;
use maud::{Markup, html};

use super::layout::{cell, columns, found, head, pager, search};
use super::query::{List, Query};
use super::rank::window;
use super::{chart, words};
use crate::http::answers::stored::{Stored, largest_first};
use crate::model::{Collector, CurrentUsage, DropReason, MonthlyUsage};
use crate::store::{AccountState, BucketNow};

/// How many are on one page.
const BUCKETS: usize = 50;

/// The section with its heading.
pub(super) fn section(state: &AccountState, query: &Query, now: Timestamp) -> Markup {
    let all = state.buckets_now(now);
    let shown = window(
        all.clone().filter(|bucket| query.finds(bucket.name)),
        largest_first,
        query.page(List::Main),
        BUCKETS,
    );
    let largest = all.clone().filter_map(|bucket| bucket.bytes).max().unwrap_or(0);
    let listed = all.count();
    let count = Stored::of(state, now).and_then(|stored| stored.buckets);
    let cut = state.dropped.get(DropReason::Limit) + state.dropped.get(DropReason::Filtered) > 0;
    let table =
        if state.spec.polls(Collector::BUCKETS) { Columns::Objects } else { Columns::of_months(state, now) };
    html! {
        section aria-labelledby=(List::Main.anchor()) {
            h2 id=(List::Main.anchor()) { "Buckets, the largest first" }
            @if let Some(count) = count.filter(|count| cut && *count > listed as u64) {
                p.quiet {
                    (words::number(listed as u64)) " of " (words::count(count, "bucket"))
                    " are listed: the others are left out by series in the configuration."
                }
            }
            @if listed > BUCKETS || !query.search.is_empty() { (search(query, "Bucket")) }
            @if !query.search.is_empty() { (found(query, shown.total, "bucket")) }
            @else if shown.items.is_empty() { p { "The account has no bucket." } }
            @if !shown.items.is_empty() {
                table.stacked.numbers role="table" aria-labelledby=(List::Main.anchor()) {
                    (columns(table.names()))
                    tbody role="rowgroup" {
                        @for bucket in &shown.items {
                            tr role="row" {
                                (head(html! { (words::name(bucket.name)) (chart::bar(bucket.bytes.unwrap_or(0), largest)) }))
                                (cell("Size", html! { (bucket.bytes.map_or_else(|| "–".to_owned(), words::size)) }))
                                (table.cells(bucket))
                            }
                        }
                    }
                }
            }
            (pager(query, List::Main, &shown, "buckets"))
        }
    }
}

/// What the table of buckets tells beside the size, which is not the same of both APIs.
enum Columns<'a> {
    /// The share of the whole, and the average of the newest closed month.
    Months { whole: u64, history: Option<&'a MonthlyUsage> },
    /// How many objects. No share: the sizes of the buckets do not add up to what the account uses.
    Objects,
}

impl<'a> Columns<'a> {
    fn of_months(state: &'a AccountState, now: Timestamp) -> Self {
        let whole = state.good::<CurrentUsage>(now).and_then(|good| good.data.usage_bytes).unwrap_or(0);
        Self::Months { whole, history: state.good::<MonthlyUsage>(now).map(|good| good.data) }
    }

    const fn names(&self) -> &'static [&'static str] {
        match self {
            Self::Months { .. } => &["Bucket", "Size", "Of all", "Last month's average"],
            Self::Objects => &["Bucket", "Size", "Objects"],
        }
    }

    fn cells(&self, bucket: &BucketNow<'_>) -> Markup {
        let dash = || "–".to_owned();
        match self {
            Self::Months { whole, history } => {
                let share = bucket.bytes.and_then(|bytes| words::share(bytes, *whole));
                let average = history.and_then(|history| last_month(history, bucket.name));
                html! {
                    (cell("Of all", html! { (share.unwrap_or_else(dash)) }))
                    (cell("Last month's average", html! { (average.map_or_else(dash, words::size)) }))
                }
            }
            Self::Objects => {
                html! { (cell("Objects", html! { (bucket.objects.map_or_else(dash, words::number)) })) }
            }
        }
    }
}

/// The average of a bucket in the newest closed month.
fn last_month(history: &MonthlyUsage, bucket: &str) -> Option<u64> {
    let newest = history.months.last()?.month;
    let place = history.buckets.binary_search_by(|other| (*other.name).cmp(bucket)).ok()?;
    let months = &history.buckets.get(place)?.months;
    months.iter().rev().find(|total| total.month == newest).map(|total| total.average_bytes)
}
