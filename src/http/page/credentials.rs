//! The table of credentials, the most urgent first.

use jiff::Timestamp;
use maud::{Markup, html};

use super::layout::{cell, columns, head, mark, pager};
use super::query::{List, Query};
use super::rank::window;
use super::urgency::{Owned, by_urgency, credentials};
use super::{advice, words};
use crate::model::{CredentialKind, Expiry};
use crate::store::AccountState;

/// How many are on one page.
const SHOWN: usize = 8;

/// The section with its heading.
pub(super) fn section<'a>(
    credentials: impl Iterator<Item = Owned<'a>> + Clone,
    query: &Query,
    now: Timestamp,
) -> Markup {
    let shown = window(credentials, by_urgency, query.page(List::Credentials), SHOWN);
    let all_accounts = query.account.is_none();
    html! {
        section aria-labelledby=(List::Credentials.anchor()) {
            h2 id=(List::Credentials.anchor()) { "Credentials, the most urgent first" }
            table.stacked.credentials role="table" aria-labelledby=(List::Credentials.anchor()) {
                (columns(&["Status", "Credential", "Ends", "What to do"]))
                tbody role="rowgroup" {
                    @for owned in &shown.items {
                        tr role="row" {
                            (cell("Status", mark(owned.level, &owned.view.status.words(owned.view.expiry, now))))
                            (head(what(owned, all_accounts)))
                            (cell("Ends", ends(owned, now)))
                            (cell("What to do", to_do(owned)))
                        }
                    }
                }
            }
            (pager(query, List::Credentials, &shown, "credentials"))
        }
    }
}

fn what(owned: &Owned<'_>, all_accounts: bool) -> Markup {
    html! {
        (words::name(owned.view.name))
        span.detail {
            @if all_accounts {
                a href=(Query::of_account(owned.account).href()) { (words::name(owned.account)) } ", "
            }
            (advice::kind(owned.view.kind))
        }
    }
}

fn ends(owned: &Owned<'_>, now: Timestamp) -> Markup {
    let view = &owned.view;
    html! {
        @match view.expiry {
            Expiry::At(end) => {
                (words::instant(end))
                // The console's words of the others say it already.
                @if end <= now { span.detail { (words::relative(end, now)) } }
            }
            Expiry::Never => { "Never" }
            Expiry::Unknown => { "Not known" }
        }
        @if view.kind == CredentialKind::AccountApi {
            span.detail {
                @if let Some(at) = view.last_accepted { "Last login " (words::relative(at, now)) } @else { "No login worked yet" }
            }
        }
    }
}

fn to_do(owned: &Owned<'_>) -> Markup {
    let view = &owned.view;
    html! {
        @match advice::renewal(view.kind, view.status, view.expiry, owned.level) {
            Some(advice) => { (advice) }
            None => { span.quiet { "Nothing" } }
        }
    }
}

/// The most urgent credential of an account, for a card.
pub(super) fn brief(state: &AccountState, now: Timestamp) -> Markup {
    html! {
        @if let Some(first) = credentials(state, now).min_by(by_urgency) {
            p {
                (mark(first.level, &first.view.status.words(first.view.expiry, now)))
                span.quiet { ": " (words::name(first.view.name)) }
            }
        }
    }
}
