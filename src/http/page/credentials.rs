//! The table of credentials, the most urgent first.

use jiff::Timestamp;
use maud::{Markup, html};

use super::layout::{cell, columns, head, mark, pager};
use super::query::{List, Query};
use super::rank::window;
use super::urgency::{Owned, by_urgency};
use super::{advice, words};
use crate::model::{CredentialKind, CredentialStatus, Expiry};

/// How many are on one page.
const SHOWN: usize = 12;

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
            table.stacked role="table" aria-labelledby=(List::Credentials.anchor()) {
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
        @match (view.expiry, view.status) {
            (Expiry::At(end), _) => { (words::instant(end)) span.detail { (words::relative(end, now)) } }
            (Expiry::Never, _) => { "never" }
            (Expiry::Unknown, _) => { "not known" }
        }
        @if view.kind == CredentialKind::AccountApi && view.status != CredentialStatus::NeverExpires {
            span.detail {
                @if let Some(at) = view.last_accepted { "last login that worked: " (words::relative(at, now)) }
                @else { "no login has worked since the start" }
            }
        }
    }
}

fn to_do(owned: &Owned<'_>) -> Markup {
    let view = &owned.view;
    html! { (advice::renewal(view.kind, view.status, view.expiry, owned.level).unwrap_or("Nothing")) }
}
