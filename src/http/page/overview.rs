//! All accounts.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use jiff::Timestamp;
use maud::{Markup, html};

use super::layout::{mark, pager, search};
use super::query::{List, Query};
use super::rank::window;
use super::summary::{Summary, account_state};
use super::urgency::credentials;
use super::{chart, collectors, words};
use crate::model::{BucketUsage, CurrentUsage};
use crate::store::{AccountState, Good, UsageNow};

/// How many accounts are on one page.
const SHOWN: usize = 12;

/// With no more accounts than this there is nothing to search.
const FEW: usize = 4;

/// How many buckets a card has.
const BUCKETS: usize = 3;

/// The view of all accounts.
pub(super) fn view(
    states: &[Arc<AccountState>],
    query: &Query,
    now: Timestamp,
    summary: &Summary<'_>,
) -> Markup {
    let all = states.iter().flat_map(|state| credentials(state, now));
    html! {
        h1 { "Status of " (words::length(states.len(), "account")) }
        (summary.tiles(query, now))
        // Who searches wants to see what was found.
        @if query.search.is_empty() {
            (collectors::faults(states, query, now))
            (super::credentials::section(all, query, now))
        }
        (accounts(states, query, now))
    }
}

fn accounts(states: &[Arc<AccountState>], query: &Query, now: Timestamp) -> Markup {
    let usage = |state: &AccountState| state.usage_now(now).map(|usage| usage.bytes);
    let order = |a: &&Arc<AccountState>, b: &&Arc<AccountState>| -> Ordering {
        (Reverse(usage(a)), &a.spec.name).cmp(&(Reverse(usage(b)), &b.spec.name))
    };
    let found = states.iter().filter(|state| query.finds(&state.spec.name));
    let shown = window(found, order, query.page(List::Main), SHOWN);
    html! {
        section aria-labelledby=(List::Main.anchor()) {
            h2 id=(List::Main.anchor()) { "Accounts, the largest first" }
            @if states.len() > FEW { (search(query, "Account")) }
            @if shown.total == 0 {
                p { @if states.is_empty() { "No account is configured." } @else { "No account has this in its name." } }
            }
            div.cards { @for state in &shown.items { (card(state, now)) } }
            (pager(query, List::Main, &shown, "accounts"))
        }
    }
}

fn card(state: &AccountState, now: Timestamp) -> Markup {
    let (level, word) = account_state(state, now);
    let usage = state.current_usage(now);
    html! {
        article.card {
            h3 { a href=(Query::of_account(&state.spec.name).href()) { (words::name(&state.spec.name)) } }
            p { (mark(level, &word)) }
            (super::credentials::brief(state, now))
            (figures(state, now))
            (months(state, now))
            @if let Some(good) = usage { (largest(&good.data)) }
            (collectors::brief(state, now))
        }
    }
}

/// What an account stores.
pub(super) fn figures(state: &AccountState, now: Timestamp) -> Markup {
    let Some(Good { at, data }) = state.current_usage(now) else {
        if let Some(usage) = state.usage_now(now) {
            return by_day(state, usage, now);
        }
        return html! { p.usage { span.figure { "No figures" } span.detail { "there is no answer that is new enough to be shown" } } };
    };
    html! {
        p.usage {
            span.figure { (data.usage_bytes.map_or_else(|| "Not known".to_owned(), words::size)) }
            span.detail {
                @if let Some(buckets) = data.bucket_count { "in " (words::count(buckets, "bucket")) ", " }
                "month to date, " (words::relative(*at, now))
            }
            @if let Some(together) = data.usage_with_sub_accounts_bytes {
                span.detail { (words::size(together)) " with " (words::length(data.sub_accounts.len(), "sub-account")) }
            }
            @if let Some((price, usage)) = state.spec.price.as_ref().zip(data.usage_bytes) {
                span.detail { "about " (words::money(price.estimate(usage), &price.currency)) " this month, estimated" }
            }
        }
    }
}

/// What an account stores whose usage is told by day.
fn by_day(state: &AccountState, usage: UsageNow, now: Timestamp) -> Markup {
    html! {
        p.usage {
            span.figure { (words::size(usage.bytes)) }
            span.detail {
                @if let Some(buckets) = state.bucket_count(now) { "in " (words::count(buckets, "bucket")) ", " }
                "newest whole day, " (words::relative(usage.at, now))
            }
            @if let Some(price) = &state.spec.price {
                span.detail { "about " (words::money(price.estimate(usage.bytes), &price.currency)) " this month, estimated" }
            }
        }
    }
}

fn months(state: &AccountState, now: Timestamp) -> Markup {
    let history = state.closed_months(now);
    let usage = state.usage_now(now).map(|usage| usage.bytes);
    html! {
        @if let Some((chart, range)) = chart::Months::new(&history, usage, now).zip(chart::range(&history)) {
            figure {
                (chart.picture(&format!("Monthly averages, {range}")))
                figcaption.quiet { "Monthly averages, " (range) }
            }
        }
    }
}

fn largest(usage: &CurrentUsage) -> Markup {
    let shown = window(usage.buckets.iter(), largest_first, 1, BUCKETS);
    let whole = shown.items.first().map_or(0, |bucket| bucket.usage_bytes);
    html! {
        @if !shown.items.is_empty() {
            ul.largest aria-label="Largest buckets" {
                @for bucket in shown.items {
                    li { (words::name(&bucket.name)) span.size { (words::size(bucket.usage_bytes)) } (chart::bar(bucket.usage_bytes, whole)) }
                }
            }
        }
    }
}

/// Which of two buckets comes first.
pub(super) fn largest_first(a: &&BucketUsage, b: &&BucketUsage) -> Ordering {
    (Reverse(a.usage_bytes), &a.name).cmp(&(Reverse(b.usage_bytes), &b.name))
}
