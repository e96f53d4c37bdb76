//! One account.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use jiff::Timestamp;
use maud::{Markup, html};

use super::layout::{cell, columns, head, pager};
use super::overview::{figures, trend};
use super::query::{List, Query};
use super::rank::window;
use super::summary::Summary;
use super::urgency::credentials;
use super::{buckets, chart, collectors, object_storage, words};
use crate::http::answers::stored::Stored;
use crate::model::{Billing, Buckets, CurrentUsage, MonthTotal, Price, SubAccount};
use crate::store::AccountState;

/// How many sub-accounts are on one page.
const SUB_ACCOUNTS: usize = 20;

/// The view of one account.
pub(super) fn view(
    state: &Arc<AccountState>,
    query: &Query,
    now: Timestamp,
    summary: &Summary<'_>,
) -> Markup {
    let stored = Stored::of(state, now);
    let usage = html! {
        section aria-labelledby="usage" {
            h2 id="usage" { "Usage" }
            (figures(state, now))
            (trend(state, now))
            (months(&state.closed_months(now), stored, state.spec.price.as_ref(), now))
        }
    };
    html! {
        nav.back aria-label="Back" { a href=(query.all_accounts().href()) { "All accounts" } }
        h1 { (words::name(&state.spec.name)) }
        p.quiet { "Account id " code { (words::name(&state.spec.account_id)) } }
        (summary.tiles(query, now))
        // Who searches wants to see what was found.
        @if query.filter.is_some() || !query.search.is_empty() {
            (super::credentials::section(credentials(state, now), query, now))
        } @else {
            @if summary.is_well() { (usage) }
            (collectors::faults(std::slice::from_ref(state), query, now))
            (super::credentials::section(credentials(state, now), query, now))
            (object_storage::users(state, query, now))
            @if !summary.is_well() { (usage) }
            @if let Some(good) = state.good::<Billing>(now) { (object_storage::transfer(good.data)) }
            @if let Some(stored) = stored { (sub_accounts(stored.sub_accounts, query)) }
            (collectors::table(state, now))
        }
        // Last, as it is the longest.
        @if query.filter.is_none() && (state.good::<CurrentUsage>(now).is_some() || state.good::<Buckets>(now).is_some()) { (buckets::section(state, query, now)) }
    }
}

fn months(
    months: &[MonthTotal],
    stored: Option<Stored<'_>>,
    price: Option<&Price>,
    now: Timestamp,
) -> Markup {
    let usage = stored.and_then(|stored| stored.usage_bytes);
    let chart = chart::Months::new(months, usage, now);
    let outlined =
        if stored.is_some_and(|stored| stored.day.is_some()) { "newest day" } else { "month to date" };
    html! {
        @if let Some((chart, range)) = chart.zip(chart::range(months)) {
            figure.wide {
                figcaption {
                    "Average of each closed month" @if usage.is_some() { "; the outlined column is the " (outlined) }
                }
                p.quiet { "Highest: " (words::size(chart.highest())) }
                (chart.picture(&format!("Monthly averages, {range}")))
                (chart.labels())
            }
            details {
                summary { "The same as a table" }
                table {
                    caption { "Monthly averages, the newest first" }
                    thead { tr { th scope="col" { "Month" } th.amount scope="col" { "Average" } th.amount scope="col" { "Change" } @if price.is_some() { th.amount scope="col" { "Estimated cost" } } } }
                    tbody {
                        @for (index, total) in months.iter().enumerate().rev() {
                            tr {
                                th scope="row" { (total.month) }
                                td.amount { (words::size(total.average_bytes)) }
                                td.amount { (change(index.checked_sub(1).and_then(|before| months.get(before)), total)) }
                                @if let Some(price) = price { td.amount { (words::money(price.estimate(total.average_bytes), &price.currency)) } }
                            }
                        }
                    }
                }
            }
        } @else { p.quiet { "There are no closed months to show." } }
    }
}

/// By how much a month is more than the one before it; nothing where that one has no data.
fn change(before: Option<&MonthTotal>, total: &MonthTotal) -> String {
    before
        .filter(|before| total.month.since(before.month) == 1)
        .and_then(|before| words::change(before.average_bytes, total.average_bytes))
        .unwrap_or_else(|| "–".to_owned())
}

fn sub_accounts(sub_accounts: &[SubAccount], query: &Query) -> Markup {
    let order = |a: &&SubAccount, b: &&SubAccount| -> Ordering {
        (Reverse(a.usage_bytes), &a.name, &a.id).cmp(&(Reverse(b.usage_bytes), &b.name, &b.id))
    };
    let shown = window(sub_accounts.iter(), order, query.page(List::SubAccounts), SUB_ACCOUNTS);
    let largest = sub_accounts.iter().filter_map(|sub| sub.usage_bytes).max().unwrap_or(0);
    html! {
        @if shown.total > 0 {
            section aria-labelledby=(List::SubAccounts.anchor()) {
                h2 id=(List::SubAccounts.anchor()) { "Sub-accounts, the largest first" }
                table.stacked.numbers role="table" aria-labelledby=(List::SubAccounts.anchor()) {
                    (columns(&["Sub-account", "Size", "Buckets", "Users", "Service accounts", "Trial"]))
                    tbody role="rowgroup" {
                        @for sub in &shown.items { (sub_account_row(sub, largest)) }
                    }
                }
                (pager(query, List::SubAccounts, &shown, "sub-accounts"))
            }
        }
    }
}

fn sub_account_row(sub: &SubAccount, largest: u64) -> Markup {
    let number = |count: Option<u64>| html! { (count.map_or_else(|| "–".to_owned(), words::number)) };
    html! {
        tr role="row" {
            (head(html! { (words::name(&sub.name)) (chart::bar(sub.usage_bytes.unwrap_or(0), largest)) }))
            (cell("Size", html! { (sub.usage_bytes.map_or_else(|| "–".to_owned(), words::size)) }))
            (cell("Buckets", number(sub.buckets)))
            (cell("Users", number(sub.users)))
            (cell("Service accounts", number(sub.service_accounts)))
            (cell("Trial", html! {
                @if let Some(days) = sub.trial_days { (words::count(days, "day")) " left" } @else { "none" }
            }))
        }
    }
}
