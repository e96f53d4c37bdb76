//! The table of credentials and access keys, the most urgent first.

use jiff::Timestamp;
use maud::{Markup, html};

use super::layout::{cell, columns, head, mark, pager};
use super::query::{List, Query};
use super::rank::{Window, window};
use super::urgency::{Access, Owned, by_urgency, credentials};
use super::{advice, words};
use crate::model::{CredentialKind, Expiry};
use crate::store::{AccountState, CredentialView};

/// How many are on one page.
const SHOWN: usize = 10;

/// The same where nothing else is looked for.
const SHOWN_ALONE: usize = 50;

/// The section with its heading.
pub(super) fn section<'a>(
    credentials: impl Iterator<Item = Owned<'a>> + Clone,
    query: &Query,
    now: Timestamp,
) -> Markup {
    let is_whole = query.filter.is_none() && query.search.is_empty();
    let wanted = credentials.filter(|owned| query.wants(owned, now));
    let size = if is_whole { SHOWN } else { SHOWN_ALONE };
    let shown = window(wanted, by_urgency, query.page(List::Credentials), size);
    html! {
        @if is_whole || shown.total > 0 { (list(query, &shown, now)) }
        @else if query.search.is_empty() { p role="status" { "No credential or access key is in this state." } }
    }
}

fn list(query: &Query, shown: &Window<Owned<'_>>, now: Timestamp) -> Markup {
    let all_accounts = query.account.is_none();
    html! {
        section aria-labelledby=(List::Credentials.anchor()) {
            h2 id=(List::Credentials.anchor()) {
                "Credentials" @if let Some(filter) = query.filter { ": " (filter.words().to_lowercase()) }
                ", the most urgent first"
            }
            table.stacked.credentials role="table" aria-labelledby=(List::Credentials.anchor()) {
                (columns(&["Status", "Credential", "Ends", "What to do"]))
                tbody role="rowgroup" {
                    @for owned in &shown.items {
                        tr role="row" {
                            (cell("Status", mark(owned.level, owned.words(now))))
                            (head(what(owned, query, all_accounts)))
                            (cell("Ends", ends(owned, now)))
                            (cell("What to do", to_do(owned)))
                        }
                    }
                }
            }
            (pager(query, List::Credentials, shown, "credentials"))
        }
    }
}

fn what(owned: &Owned<'_>, query: &Query, all_accounts: bool) -> Markup {
    html! {
        (words::name(owned.name()))
        span.detail {
            @if all_accounts {
                a href=(query.of_account(owned.account).href()) { (words::name(owned.account)) } ", "
            }
            (kind(owned))
        }
    }
}

fn kind(owned: &Owned<'_>) -> Markup {
    match owned.access {
        // There the console knows access keys alone, of which this is one: it is among those that are listed, too.
        Access::Credential(view) if owned.own_is_listed && view.kind == CredentialKind::AccountApi => {
            html! { "the access key that this exporter uses" }
        }
        Access::Credential(view) => html! { (advice::kind(view.kind)) },
        Access::Key(view) => html! { "access key of " (words::name(view.user)) },
    }
}

fn ends(owned: &Owned<'_>, now: Timestamp) -> Markup {
    match &owned.access {
        Access::Credential(view) => credential_ends(view, now),
        Access::Key(view) => html! {
            "No end"
            @if let Some(made) = view.key.created { span.detail { "Made " (words::moment(made, now)) } }
        },
    }
}

fn credential_ends(view: &CredentialView<'_>, now: Timestamp) -> Markup {
    html! {
        @match view.expiry {
            Expiry::At(end) => {
                (words::instant(end))
                // The console's words of the others say it already.
                @if end <= now { span.detail { (words::moment(end, now)) } }
            }
            Expiry::Never => { "Never" }
            Expiry::Unknown => { "Not known" }
        }
        @if view.kind == CredentialKind::AccountApi {
            span.detail {
                @if let Some(at) = view.last_accepted { "Last login " (words::moment(at, now)) } @else { "No login worked yet" }
            }
        }
    }
}

fn to_do(owned: &Owned<'_>) -> Markup {
    let advice = match &owned.access {
        Access::Credential(view) => {
            let ever_worked = view.last_accepted.is_some();
            advice::renewal(view.kind, view.status, view.expiry, owned.level, ever_worked)
        }
        Access::Key(_) => advice::rotation(owned.level),
    };
    html! {
        @match advice {
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
                (mark(first.level, first.words(now)))
                span.detail { (words::name(first.name())) ", " (kind(&first)) }
            }
        }
    }
}
