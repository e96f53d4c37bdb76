//! `/`: the page for people.
//!
//! It is made when it is asked for, from a snapshot of the store, and nothing of it is kept. Lists are shown page by
//! page, and only what is on the page is put in order and written, so that an account with a hundred thousand buckets,
//! or a thousand accounts, cost about as much as small ones. Everything that somebody else named is data: the template
//! escapes it, and sets it apart from the direction in which the page is written.

mod account;
mod advice;
mod buckets;
mod chart;
mod collectors;
mod credentials;
mod layout;
mod object_storage;
mod overview;
mod problems;
mod query;
mod rank;
mod summary;
#[cfg(test)]
mod tests;
mod urgency;
pub(crate) mod words;

use std::sync::Arc;

use jiff::Timestamp;
use maud::{Markup, html};

use self::query::Query;
use self::summary::Summary;
use self::urgency::Level;
use super::Web;
use crate::problems::Problem;
use crate::store::AccountState;

/// A page that was made.
#[derive(Debug)]
pub(super) struct Page {
    /// The document.
    pub(super) html: String,
    /// Whether there is what was asked for.
    pub(super) found: bool,
    /// The browser loads it again after so many seconds.
    pub(super) refresh: Option<u32>,
}

/// The status page that an address with this query has, for measuring.
#[must_use]
pub fn status_page(states: &[Arc<AccountState>], now: Timestamp, query: &str) -> String {
    render(states, &[], now, &Web::default(), query).html
}

/// What the browser may do with the page.
pub(super) fn content_security_policy() -> &'static str {
    &layout::CONTENT_SECURITY_POLICY
}

/// The page that `query`, what follows the `?` of its address, asks for.
pub(super) fn render(
    states: &[Arc<AccountState>],
    problems: &[Problem],
    now: Timestamp,
    web: &Web,
    query: &str,
) -> Page {
    let query = Query::parse(query);
    let refresh = query.refresh;
    let document = |title: &str, level, main: &Markup| {
        layout::document(title, level, &query, now, web, main).into_string()
    };
    let Some(name) = &query.account else {
        let summary = Summary::of(states, problems, now);
        let main = overview::view(states, &query, now, &summary);
        let title = format!("{} – Lyve Cloud exporter", summary.verdict(now));
        return Page { html: document(&title, summary.level, &main), found: true, refresh };
    };
    // The store lists them by name.
    let place = states.binary_search_by(|state| (*state.spec.name).cmp(name.as_str()));
    let Some(state) = place.ok().and_then(|place| states.get(place)) else {
        let main = html! {
            h1 { "No such account" }
            p { "The configuration has no account " (words::name(name)) "." }
            p { a href=(query.all_accounts().href()) { "All accounts" } }
        };
        return Page {
            html: document("No such account – Lyve Cloud exporter", Level::Waiting, &main),
            found: false,
            refresh,
        };
    };
    let summary = Summary::of(std::slice::from_ref(state), problems, now);
    let main = account::view(state, &query, now, &summary);
    let title = format!("{} – Lyve Cloud exporter", words::plain(name));
    Page { html: document(&title, summary.level, &main), found: true, refresh }
}
