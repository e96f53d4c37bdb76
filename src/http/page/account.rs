//! One account.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use jiff::Timestamp;
use maud::{Markup, html};

use super::layout::{cell, columns, found, head, pager, search};
use super::overview::{figures, largest_first};
use super::query::{List, Query};
use super::rank::window;
use super::summary::Summary;
use super::urgency::credentials;
use super::{chart, collectors, words};
use crate::model::{BucketUsage, CurrentUsage, DropReason, MonthTotal, MonthlyUsage, Price, SubAccount};
use crate::store::AccountState;

/// How many buckets are on one page.
const BUCKETS: usize = 50;

/// How many sub-accounts are on one page.
const SUB_ACCOUNTS: usize = 20;

/// The view of one account.
pub(super) fn view(
    state: &Arc<AccountState>,
    query: &Query,
    now: Timestamp,
    summary: &Summary<'_>,
) -> Markup {
    let usage = state.current_usage(now);
    let history = state.monthly_usage(now);
    html! {
        nav.back aria-label="Back" { a href="./" { "All accounts" } }
        h1 { (words::name(&state.spec.name)) }
        p.quiet { "Account id " code { (words::name(&state.spec.account_id)) } }
        (summary.tiles(query, now))
        // Who searches wants to see what was found.
        @if query.search.is_empty() {
            (collectors::faults(std::slice::from_ref(state), query, now))
            (super::credentials::section(credentials(state, now), query, now))
            section aria-labelledby="usage" {
                h2 id="usage" { "Usage" }
                (figures(state, now))
                (months(history.map(|good| &*good.data), usage.and_then(|good| good.data.usage_bytes), state.spec.price.as_ref(), now))
            }
            @if let Some(good) = usage { (sub_accounts(&good.data, query)) }
            (collectors::table(state, now))
        }
        // Last, as it is the longest.
        @if let Some(good) = usage { (buckets(state, &good.data, history.map(|good| &*good.data), query)) }
    }
}

fn months(
    history: Option<&MonthlyUsage>,
    usage: Option<u64>,
    price: Option<&Price>,
    now: Timestamp,
) -> Markup {
    let months = history.map_or(&[][..], |history| &history.months);
    let chart = chart::Months::new(months, usage, now);
    html! {
        @if let Some((chart, range)) = chart.zip(chart::range(months)) {
            figure.wide {
                figcaption {
                    "Average of each closed month" @if usage.is_some() { "; the outlined column is the month to date" }
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

fn buckets(
    state: &AccountState,
    usage: &CurrentUsage,
    history: Option<&MonthlyUsage>,
    query: &Query,
) -> Markup {
    let matching = usage.buckets.iter().filter(|bucket| query.finds(&bucket.name));
    let shown = window(matching, largest_first, query.page(List::Main), BUCKETS);
    let whole = usage.usage_bytes.unwrap_or(0);
    let largest = usage.buckets.iter().map(|bucket| bucket.usage_bytes).max().unwrap_or(0);
    let cut = state.dropped.get(DropReason::Limit) + state.dropped.get(DropReason::Filtered) > 0;
    let listed = usage.buckets.len() as u64;
    html! {
        section aria-labelledby=(List::Main.anchor()) {
            h2 id=(List::Main.anchor()) { "Buckets, the largest first" }
            @if cut && usage.bucket_count.is_some_and(|count| count > listed) {
                p.quiet {
                    (words::number(listed)) " of " (words::count(usage.bucket_count.unwrap_or(listed), "bucket"))
                    " are listed: the others are left out by series in the configuration."
                }
            }
            @if usage.buckets.len() > BUCKETS || !query.search.is_empty() { (search(query, "Bucket")) }
            @if !query.search.is_empty() { (found(query, shown.total, "bucket")) }
            @else if shown.items.is_empty() { p { "The account has no bucket." } }
            @if !shown.items.is_empty() {
                table.stacked.numbers role="table" aria-labelledby=(List::Main.anchor()) {
                    (columns(&["Bucket", "Size", "Of all", "Last month's average"]))
                    tbody role="rowgroup" {
                        @for bucket in &shown.items { (bucket_row(bucket, history, whole, largest)) }
                    }
                }
            }
            (pager(query, List::Main, &shown, "buckets"))
        }
    }
}

fn bucket_row(bucket: &BucketUsage, history: Option<&MonthlyUsage>, whole: u64, largest: u64) -> Markup {
    let last_month = history.and_then(|history| {
        let newest = history.months.last()?.month;
        let place = history.buckets.binary_search_by(|other| other.name.cmp(&bucket.name)).ok()?;
        history.buckets.get(place)?.months.iter().rev().find(|total| total.month == newest)
    });
    html! {
        tr role="row" {
            (head(html! { (words::name(&bucket.name)) (chart::bar(bucket.usage_bytes, largest)) }))
            (cell("Size", html! { (words::size(bucket.usage_bytes)) }))
            (cell("Of all", html! { (words::share(bucket.usage_bytes, whole).unwrap_or_else(|| "–".to_owned())) }))
            (cell("Last month's average", html! {
                @if let Some(total) = last_month { (words::size(total.average_bytes)) } @else { "–" }
            }))
        }
    }
}

fn sub_accounts(usage: &CurrentUsage, query: &Query) -> Markup {
    let order = |a: &&SubAccount, b: &&SubAccount| -> Ordering {
        (Reverse(a.usage_bytes), &a.name, &a.id).cmp(&(Reverse(b.usage_bytes), &b.name, &b.id))
    };
    let shown = window(usage.sub_accounts.iter(), order, query.page(List::SubAccounts), SUB_ACCOUNTS);
    let largest = usage.sub_accounts.iter().filter_map(|sub| sub.usage_bytes).max().unwrap_or(0);
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
