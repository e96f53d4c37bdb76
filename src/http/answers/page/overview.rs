//! All accounts.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::layout::{cell, columns, found, head, mark, pager, search};
use super::query::{Filter, List, Query};
use super::rank::window;
use super::summary::{Summary, account_state};
use super::urgency::{Level, credentials};
use super::{chart, collectors, words};
use crate::http::answers::stored::{Stored, largest_first};
use crate::model::{Billing, Collector};
use crate::store::{AccountState, BucketNow};

/// How many accounts are shown as cards; more are a table.
const CARDS: usize = 12;

/// How many rows of a table are on one page.
const ROWS: usize = 50;

/// How many of the buckets that a search found are on one page.
const FOUND: usize = 25;

/// How many buckets a card has.
const BUCKETS: usize = 3;

/// What changes are shown over.
pub(super) const MONTH: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The shorter one.
pub(super) const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

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
        @if query.search.is_empty() && summary.is_well() && query.filter.is_none() {
            (accounts(states, query, now))
            (super::credentials::section(all, query, now))
        } @else if query.search.is_empty() {
            @if query.filter.is_none_or(|filter| filter == Filter::Failing) { (collectors::faults(states, query, now)) }
            @if query.filter != Some(Filter::Failing) { (super::credentials::section(all, query, now)) }
            (accounts(states, query, now))
        } @else {
            (accounts(states, query, now))
            (super::credentials::section(all, query, now))
            (buckets(states, query, now))
        }
    }
}

/// An account with what decides about its place in the list: how bad it is, and what it stores.
type Ranked<'a> = (Level, Reverse<Option<u64>>, &'a AccountState);

/// The worst of what is known of an account: its collectors and its credentials.
fn level(state: &AccountState, now: Timestamp) -> Level {
    let credentials = credentials(state, now).map(|owned| owned.level).min();
    credentials.into_iter().fold(account_state(state, now).0, Level::min)
}

/// Whether an account is one of those that are looked for.
fn is_wanted(state: &AccountState, query: &Query, now: Timestamp) -> bool {
    let is_in_state = match query.filter {
        None => true,
        Some(Filter::Failing) => account_state(state, now).0 == Level::Broken,
        Some(filter) => credentials(state, now).any(|owned| filter.takes(&owned, now)),
    };
    is_in_state && query.finds(&state.spec.name)
}

fn accounts(states: &[Arc<AccountState>], query: &Query, now: Timestamp) -> Markup {
    let wanted = states.iter().filter(|state| is_wanted(state, query, now));
    let ranked: Vec<Ranked<'_>> = wanted
        .map(|state| (level(state, now), Reverse(state.usage_now(now).map(|usage| usage.bytes)), &**state))
        .collect();
    let order = |a: &Ranked<'_>, b: &Ranked<'_>| -> Ordering {
        (a.0, a.1, &a.2.spec.name).cmp(&(b.0, b.1, &b.2.spec.name))
    };
    let as_cards = ranked.len() <= CARDS;
    let size = if as_cards { CARDS } else { ROWS };
    let shown = window(ranked.iter().copied(), order, query.page(List::Main), size);
    html! {
        section aria-labelledby=(List::Main.anchor()) {
            h2 id=(List::Main.anchor()) {
                @if ranked.iter().all(|(level, ..)| *level == Level::Good) { "Accounts, the largest first" }
                @else { "Accounts, the most urgent first, then the largest" }
            }
            @if !states.is_empty() { (search(query, "Account, credential or bucket")) }
            @if states.is_empty() { p { "No account is configured." } }
            @else if !query.search.is_empty() { (found(query, shown.total, "account")) }
            @else if query.filter.is_some() && shown.total == 0 { p role="status" { "No account is in this state." } }
            @if as_cards { div.cards { @for (_, _, state) in &shown.items { (card(state, query, now)) } } }
            @else { (table(&shown.items, query, now)) }
            (pager(query, List::Main, &shown, "accounts"))
        }
    }
}

fn table(accounts: &[Ranked<'_>], query: &Query, now: Timestamp) -> Markup {
    let largest = accounts.iter().filter_map(|(_, usage, _)| usage.0).max().unwrap_or(0);
    html! {
        table.stacked.fleet role="table" aria-labelledby=(List::Main.anchor()) {
            (columns(&["Status", "Account", "Most urgent credential", "Stored", "Read"]))
            tbody role="rowgroup" { @for (_, usage, state) in accounts { (row(state, usage.0, largest, query, now)) } }
        }
    }
}

fn row(state: &AccountState, usage: Option<u64>, largest: u64, query: &Query, now: Timestamp) -> Markup {
    let (level, word) = account_state(state, now);
    let name = &state.spec.name;
    let stored = Stored::of(state, now);
    html! {
        tr role="row" {
            (cell("Status", mark(level, &word)))
            (head(html! { a href=(query.of_account(name).href()) { (words::name(name)) } }))
            (cell("Most urgent credential", super::credentials::brief(state, now)))
            (cell("Stored", html! {
                @match usage {
                    Some(bytes) => {
                        (words::size(bytes)) (chart::bar(bytes, largest))
                        (chart::sparkline(state.recent_usage(), now))
                    }
                    None => { "Not known" }
                }
            }))
            (cell("Read", html! { @match stored { Some(stored) => { (words::moment(stored.at, now)) } None => { "–" } } }))
        }
    }
}

/// The buckets of all accounts whose names were searched for; nothing where there is none.
fn buckets(states: &[Arc<AccountState>], query: &Query, now: Timestamp) -> Markup {
    let all =
        states.iter().flat_map(|state| state.buckets_now(now).map(move |bucket| (bucket, &*state.spec.name)));
    let wanted = all.filter(|(bucket, _)| query.finds(bucket.name));
    let order = |a: &(BucketNow<'_>, &str), b: &(BucketNow<'_>, &str)| -> Ordering {
        largest_first(&a.0, &b.0).then_with(|| a.1.cmp(b.1))
    };
    let shown = window(wanted, order, query.page(List::Buckets), FOUND);
    html! {
        @if shown.total > 0 {
            section aria-labelledby=(List::Buckets.anchor()) {
                h2 id=(List::Buckets.anchor()) { "Buckets, the largest first" }
                table.stacked.numbers role="table" aria-labelledby=(List::Buckets.anchor()) {
                    (columns(&["Bucket", "Account", "Size"]))
                    tbody role="rowgroup" {
                        @for (bucket, account) in &shown.items {
                            tr role="row" {
                                (head(words::name(bucket.name)))
                                (cell("Account", html! { a href=(query.of_account(account).href()) { (words::name(account)) } }))
                                (cell("Size", html! { (bucket.bytes.map_or_else(|| "–".to_owned(), words::size)) }))
                            }
                        }
                    }
                }
                (pager(query, List::Buckets, &shown, "buckets"))
            }
        }
    }
}

fn card(state: &AccountState, query: &Query, now: Timestamp) -> Markup {
    let (level, word) = account_state(state, now);
    html! {
        article.card {
            h3 { a href=(query.of_account(&state.spec.name).href()) { (words::name(&state.spec.name)) } }
            p { (mark(level, &word)) }
            (super::credentials::brief(state, now))
            (figures(state, now))
            (trend(state, now))
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

/// How the last 60 days went.
pub(super) fn trend(state: &AccountState, now: Timestamp) -> Markup {
    let change = |age| {
        let before = state.recent_usage().before(now, age);
        state.usage_now(now).zip(before).and_then(|(usage, before)| words::change(before, usage.bytes))
    };
    let spark = chart::sparkline(state.recent_usage(), now);
    html! {
        @if !spark.0.is_empty() {
            figure.trend {
                (spark)
                figcaption.quiet {
                    "The last 60 days"
                    @if let Some(week) = change(WEEK) { "; " (week) " in a week" }
                    @if let Some(month) = change(MONTH) { ", " (month) " in 30 days" }
                }
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
