//! All accounts.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use jiff::Timestamp;
use maud::{Markup, html};

use super::layout::{found, mark, pager, search};
use super::query::{List, Query};
use super::rank::window;
use super::summary::{Summary, account_state};
use super::urgency::credentials;
use super::{chart, collectors, words};
use crate::http::answers::stored::{Stored, largest_first};
use crate::model::{Billing, Collector};
use crate::store::AccountState;

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
    let usage = |state: &AccountState| Stored::of(state, now).and_then(|stored| stored.usage_bytes);
    let order = |a: &&Arc<AccountState>, b: &&Arc<AccountState>| -> Ordering {
        (Reverse(usage(a)), &a.spec.name).cmp(&(Reverse(usage(b)), &b.spec.name))
    };
    let matching = states.iter().filter(|state| query.finds(&state.spec.name));
    let shown = window(matching, order, query.page(List::Main), SHOWN);
    html! {
        section aria-labelledby=(List::Main.anchor()) {
            h2 id=(List::Main.anchor()) { "Accounts, the largest first" }
            @if states.len() > FEW || !query.search.is_empty() { (search(query, "Account")) }
            @if states.is_empty() { p { "No account is configured." } }
            @else if !query.search.is_empty() { (found(query, shown.total, "account")) }
            div.cards { @for state in &shown.items { (card(state, now)) } }
            (pager(query, List::Main, &shown, "accounts"))
        }
    }
}

fn card(state: &AccountState, now: Timestamp) -> Markup {
    let (level, word) = account_state(state, now);
    html! {
        article.card {
            h3 { a href=(Query::of_account(&state.spec.name).href()) { (words::name(&state.spec.name)) } }
            p { (mark(level, &word)) }
            (super::credentials::brief(state, now))
            (figures(state, now))
            (months(state, now))
            (largest(state, now))
            (collectors::brief(state, now))
        }
    }
}

/// What an account stores.
pub(super) fn figures(state: &AccountState, now: Timestamp) -> Markup {
    let Some(stored) = Stored::of(state, now) else {
        return html! { p.usage { span.figure { "No figures" } span.detail { "there is no answer that is new enough to be shown" } } };
    };
    html! {
        p.usage {
            span.figure { (stored.usage_bytes.map_or_else(|| "Not known".to_owned(), words::size)) }
            span.detail {
                @if let Some(buckets) = stored.buckets { "in " (words::count(buckets, "bucket")) ", " }
                @match stored.day {
                    Some(day) => { "used on " (day) ", read " }
                    None if state.good::<Billing>(now).is_some() => { "no day has figures yet, read " }
                    None if state.spec.polls(Collector::BILLING) => { "usage by day not known, read " }
                    None => { "month to date, " }
                }
                (words::moment(stored.at, now))
            }
            @if let Some(objects) = stored.objects { span.detail { (words::count(objects, "object")) } }
            @if let Some(ghost) = stored.ghost_bytes { span.detail { (words::size(ghost)) " ghost space: deleted, still billed" } }
            @if let Some(together) = stored.with_sub_accounts_bytes {
                span.detail { (words::size(together)) " with " (words::length(stored.sub_accounts.len(), "sub-account")) }
            }
            @if let Some((price, usage)) = state.spec.price.as_ref().zip(stored.usage_bytes) {
                span.detail { "about " (words::money(price.estimate(usage), &price.currency)) " this month, estimated" }
            }
        }
    }
}

fn months(state: &AccountState, now: Timestamp) -> Markup {
    let history = state.closed_months(now);
    let usage = Stored::of(state, now).and_then(|stored| stored.usage_bytes);
    html! {
        @if let Some((chart, range)) = chart::Months::new(&history, usage, now).zip(chart::range(&history)) {
            figure {
                (chart.picture(&format!("Monthly averages, {range}")))
                figcaption.quiet { "Monthly averages, " (range) }
            }
        }
    }
}

fn largest(state: &AccountState, now: Timestamp) -> Markup {
    let shown = window(state.buckets_now(now), largest_first, 1, BUCKETS);
    let whole = shown.items.first().and_then(|bucket| bucket.bytes).unwrap_or(0);
    html! {
        @if !shown.items.is_empty() {
            ul.largest aria-label="Largest buckets" {
                @for bucket in shown.items {
                    li {
                        (words::name(bucket.name))
                        span.size { (bucket.bytes.map_or_else(|| "–".to_owned(), words::size)) }
                        (chart::bar(bucket.bytes.unwrap_or(0), whole))
                    }
                }
            }
        }
    }
}
