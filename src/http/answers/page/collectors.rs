//! How fresh the data is, and what fails.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;
use maud::{Markup, html};

use super::layout::{cell, columns, head, mark, pager};
use super::query::{List, Query};
use super::rank::window;
use super::urgency::{Access, Freshness, Level, credentials, freshness};
use super::{advice, words};
use crate::model::Collector;
use crate::model::Failure;
use crate::model::Reason;
use crate::store::AccountState;

/// How many faults are on one page.
const SHOWN: usize = 8;

/// The collectors of one account that fail for the same reason: one thing to see to.
#[derive(Clone, Debug)]
struct Fault<'a> {
    state: &'a AccountState,
    reason: Reason,
    /// What it is, and what to do about it.
    cause: (&'static str, &'static str),
    collectors: Vec<Collector>,
    /// The newest failure of them.
    failure: &'a Failure,
    /// The oldest last success of them; `None` where one never had any.
    last_success: Option<Timestamp>,
    withdrawn: bool,
}

/// What fails, by cause and account: the causes that only a person can mend come first, and each is explained once.
pub(super) fn faults(states: &[Arc<AccountState>], query: &Query, now: Timestamp) -> Markup {
    let all = states
        .iter()
        .flat_map(|state| Reason::ALL.iter().copied().filter_map(move |reason| fault(state, reason, now)));
    let order = |a: &Fault<'_>, b: &Fault<'_>| -> Ordering {
        let key = |fault: &Fault<'_>| (fault.reason as usize, fault.cause);
        key(a).cmp(&key(b)).then_with(|| a.state.spec.name.cmp(&b.state.spec.name))
    };
    let shown = window(all.clone(), order, query.page(List::Errors), SHOWN);
    html! {
        @if shown.total > 0 {
            section aria-labelledby=(List::Errors.anchor()) {
                h2 id=(List::Errors.anchor()) { "What fails" }
                ul.faults {
                    @for group in shown.items.chunk_by(|a, b| a.cause == b.cause) {
                        @if let Some(first) = group.first() {
                            @let alike = all.clone().filter(|fault| fault.cause == first.cause).count();
                            li { (cause(first, group, alike, query, now)) }
                        }
                    }
                }
                (pager(query, List::Errors, &shown, "errors"))
            }
        }
    }
}

/// One cause, of which `alike` accounts suffer, with those of this page.
fn cause(first: &Fault<'_>, group: &[Fault<'_>], alike: usize, query: &Query, now: Timestamp) -> Markup {
    let link = |fault: &Fault<'_>| {
        let name = &fault.state.spec.name;
        html! { a href=(query.of_account(name).href()) { (words::name(name)) } ": " }
    };
    let (what, remedy) = first.cause;
    html! {
        @if alike == 1 {
            h3 { @if query.account.is_none() { (link(first)) } (what) }
            p { (extent(first, now)) }
            p { strong { "What to do: " } (remedy) }
            (last_attempt(first, now))
        } @else {
            h3 { (what) ": " (words::length(alike, "account")) }
            p { strong { "What to do: " } (remedy) }
            @let same = group.iter().all(|fault| fault.failure.message == first.failure.message);
            @if same { p.quiet { code { (first.failure.message) } } }
            ul.accounts {
                @for fault in group {
                    li {
                        (link(fault)) (extent(fault, now))
                        @if same { " " span.quiet { "Last attempt " (words::moment(fault.failure.at, now)) "." } }
                        @else { (last_attempt(fault, now)) }
                    }
                }
            }
        }
    }
}

fn fault(state: &AccountState, reason: Reason, now: Timestamp) -> Option<Fault<'_>> {
    let fails = |collector: Collector| {
        state.health(collector).failing.as_ref().filter(|failure| failure.reason == reason)
    };
    let failing = || state.spec.collectors.iter().copied().filter(|collector| fails(*collector).is_some());
    let failure = failing().filter_map(fails).max_by_key(|failure| failure.at)?;
    let freshness = || failing().map(|collector| freshness(state, collector, now));
    Some(Fault {
        state,
        reason,
        cause: explained(state, failure, now),
        collectors: failing().collect(),
        failure,
        last_success: freshness().map(|fresh| fresh.last_success).min().flatten(),
        withdrawn: freshness().any(|fresh| fresh.withdrawn),
    })
}

/// What a fault is and what to do about it. Where it is known how the rejected credentials stand, that says more.
fn explained(state: &AccountState, failure: &Failure, now: Timestamp) -> (&'static str, &'static str) {
    if is_unreadable(failure) {
        return advice::UNREADABLE;
    }
    let reason = failure.reason;
    let known =
        (reason == Reason::Auth).then(|| credentials(state, now).next()).flatten().and_then(|own| match own
            .access
        {
            Access::Credential(view) => advice::rejection(view.status, view.last_accepted.is_some()),
            Access::Key(_) => None,
        });
    known.unwrap_or((advice::fault(reason), advice::remedy(reason)))
}

/// Credentials that failed without an answer of the vendor were not read from their files, or cannot be sent.
fn is_unreadable(failure: &Failure) -> bool {
    failure.reason == Reason::Auth && !failure.answered
}

/// What of an account cannot be read, and what is shown in its place.
fn extent(fault: &Fault<'_>, now: Timestamp) -> Markup {
    html! {
        @if fault.collectors.len() == fault.state.spec.collectors.len() { "Nothing can be read. " }
        @else {
            "Cannot be read: "
            @for (index, collector) in fault.collectors.iter().enumerate() {
                @if index > 0 { ", " }
                (collector.title().to_lowercase())
            }
            ". "
        }
        @match (fault.last_success, fault.withdrawn) {
            (Some(at), false) => { "Shown are the figures of " (words::moment(at, now)) "." }
            (Some(at), true) => { "The last good answer, of " (words::moment(at, now)) ", is too old to be shown." }
            (None, _) => { "There has been no good answer since the start." }
        }
    }
}

fn last_attempt(fault: &Fault<'_>, now: Timestamp) -> Markup {
    html! { p.quiet { "Last attempt " (words::moment(fault.failure.at, now)) ": " code { (fault.failure.message) } } }
}

/// Each collector's state in few words, for a card.
pub(super) fn brief(state: &AccountState, now: Timestamp) -> Markup {
    html! {
        ul.fresh aria-label="How fresh the data is" {
            @for collector in state.spec.collectors.iter().copied() {
                @let fresh = freshness(state, collector, now);
                li {
                    (mark(fresh.level, collector.title()))
                    span.quiet { (age(state, collector, fresh, now)) }
                }
            }
        }
    }
}

fn age(state: &AccountState, collector: Collector, fresh: Freshness, now: Timestamp) -> String {
    let failing = state.health(collector).failing.is_some();
    match fresh.last_success {
        Some(at) if fresh.withdrawn => format!("withdrawn, {}", words::relative(at, now)),
        Some(at) if failing => format!("fails, data {}", words::relative(at, now)),
        Some(at) => words::relative(at, now),
        None if failing => "fails, no data".to_owned(),
        None => "not polled yet".to_owned(),
    }
}

/// Every collector of an account, in full.
pub(super) fn table(state: &AccountState, now: Timestamp) -> Markup {
    html! {
        section aria-labelledby="collectors" {
            h2 id="collectors" { "How fresh the data is" }
            table.stacked role="table" aria-labelledby="collectors" {
                (columns(&["State", "What is read", "Last success", "Last attempt", "Next", "Polls"]))
                tbody role="rowgroup" {
                    @for collector in state.spec.collectors.iter().copied() { (row(state, collector, now)) }
                }
            }
        }
    }
}

fn row(state: &AccountState, collector: Collector, now: Timestamp) -> Markup {
    let health = state.health(collector);
    let fresh = freshness(state, collector, now);
    let word = match (&health.failing, fresh.withdrawn, fresh.level) {
        (Some(failure), ..) if is_unreadable(failure) => advice::UNREADABLE.0,
        (Some(failure), ..) => advice::fault(failure.reason),
        (None, true, _) => "Too old to be shown",
        (None, false, Level::Waiting) => "Not polled yet",
        (None, false, _) => "Works",
    };
    html! {
        tr role="row" {
            (cell("State", mark(fresh.level, word)))
            (head(html! { (collector.title()) span.detail { code { (collector) } } }))
            (cell("Last success", html! {
                @if let Some(at) = fresh.last_success {
                    (words::moment(at, now))
                    span.detail { (words::instant(at)) @if fresh.withdrawn { ", withdrawn" } }
                } @else { "none yet" }
            }))
            (cell("Last attempt", html! {
                @if let Some(at) = health.last_attempt {
                    (words::moment(at, now))
                    @if let Some(took) = health.last_duration { span.detail { "took " (words::took(took)) } }
                } @else { "none yet" }
            }))
            (cell("Next", html! {
                @match health.next_attempt {
                    Some(at) if at > now => { (words::moment(at, now)) }
                    Some(_) => { "now" }
                    None => { "–" }
                }
            }))
            (cell("Polls", html! {
                (words::number(health.polls))
                span.detail { (words::count(health.failures.values().sum(), "failure")) }
            }))
        }
    }
}
