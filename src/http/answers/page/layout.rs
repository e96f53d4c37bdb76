//! What every view has: the frame, the style, and marks.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, Render, html};
use ring::digest;

use super::query::{List, Query};
use super::rank::Window;
use super::urgency::Level;
use super::{Web, words};

const STYLE: &str = include_str!("style.css");

const README: &str = "https://github.com/lyve-cloud-exporter/lyve-cloud-exporter#readme";

/// Nothing of the page comes from elsewhere, runs, or is framed; of styles only the page's own is taken.
pub(super) static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = BASE64_STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    )
});

/// The whole document around `main`.
pub(super) fn document(
    title: &str,
    level: Level,
    query: &Query,
    now: Timestamp,
    web: &Web,
    main: &Markup,
) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href=(favicon(level));
                style { (PreEscaped(STYLE)) }
            }
            body {
                header.site {
                    p.brand { a href=(query.all_accounts().href()) { "Lyve Cloud exporter" } }
                    nav aria-label="More" {
                        a href=(relative(&web.telemetry_path)) { "Metrics" }
                        a href="./api/v1/status" { "Status as JSON" }
                        a href=(README) { "README" }
                    }
                    p.quiet { "As of " (words::instant(now)) ", " (reloads(query)) }
                }
                main { (main) }
                footer {
                    p.quiet { "Version " (web.version) ". Made from the last answers of the vendor; looking at it asks the vendor nothing." }
                }
            }
        }
    }
}

/// How often a page reloads itself that is left open.
const REFRESH: u32 = 60;

/// Whether the page reloads itself, with the link that changes it.
fn reloads(query: &Query) -> Markup {
    html! {
        @match query.refresh {
            Some(REFRESH) => { "reloads every minute (" a href=(query.with_refresh(None).href()) { "stop" } ")" }
            Some(seconds) => {
                "reloads every " (words::span(seconds.into())) " (" a href=(query.with_refresh(None).href()) { "stop" } ")"
            }
            None => { a href=(query.with_refresh(Some(REFRESH)).href()) { "reload every minute" } }
        }
    }
}

/// A path of this server as seen from the page.
fn relative(path: &str) -> String {
    format!("./{}", path.trim_start_matches('/'))
}

/// The tab shows whether there is anything to see to.
fn favicon(level: Level) -> String {
    let (colour, sign) = match level {
        Level::Broken => ("c62828", "M5 5l6 6M11 5l-6 6"),
        Level::Urgent => ("c62828", "M8 4v5M8 11v1"),
        Level::Soon => ("b26a00", "M8 4v5M8 11v1"),
        Level::Waiting => ("607080", "M5 8h6"),
        Level::Good => ("2e7d4f", "M4.5 8.5l2.5 2.5 4.5-5"),
    };
    format!(
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='8' \
         fill='%23{colour}'/%3E%3Cpath d='{sign}' stroke='white' stroke-width='2' fill='none'/%3E%3C/svg%3E"
    )
}

/// The name of a level in the style.
pub(super) const fn class(level: Level) -> &'static str {
    match level {
        Level::Broken => "broken",
        Level::Urgent => "urgent",
        Level::Soon => "soon",
        Level::Waiting => "waiting",
        Level::Good => "good",
    }
}

/// A sign of a form of its own for each level, so that nobody has to tell colours apart.
pub(super) fn icon(level: Level) -> Markup {
    html! {
        svg class={ "icon " (class(level)) } viewBox="0 0 16 16" aria-hidden="true" {
            @match level {
                Level::Broken => {
                    path.solid d="M5 .5h6L15.500 5v6L11 15.500H5L.5 11V5z" {}
                    path.sign d="M5.300 5.300l5.400 5.400M10.700 5.300l-5.400 5.400" {}
                }
                Level::Urgent => {
                    path.solid d="M8 .8L15.800 15H.2z" {}
                    path.sign d="M8 5.600v4.400M8 11.800v1.400" {}
                }
                Level::Soon => {
                    path.outline d="M8 1.800L14.600 14H1.400z" {}
                    path.line d="M8 6v4M8 11.400v1.200" {}
                }
                Level::Waiting => {
                    circle.outline cx="8" cy="8" r="6.700" stroke-dasharray="2.600 2.600" {}
                }
                Level::Good => {
                    circle.outline cx="8" cy="8" r="6.900" {}
                    path.line d="M4.800 8.300l2.300 2.300 4.200-4.800" {}
                }
            }
        }
    }
}

/// A level's sign with the words that say the same.
pub(super) fn mark(level: Level, words: impl Render) -> Markup {
    html! { span class={ "mark " (class(level)) } { (icon(level)) span { (words) } } }
}

/// The form that looks for a part of a name.
pub(super) fn search(query: &Query, label: &str) -> Markup {
    html! {
        form.search method="get" action="./" role="search" {
            @if let Some(account) = &query.account { input type="hidden" name="account" value=(account); }
            @if let Some(seconds) = query.refresh { input type="hidden" name="refresh" value=(seconds); }
            label for="search" { (label) }
            input id="search" type="search" name="q" value=(query.search) autocomplete="off" spellcheck="false";
            button type="submit" { "Search" }
            @if !query.search.is_empty() { a href=(query.without_search().href()) { "Show all" } }
        }
    }
}

/// What a search for a part of a name came to; where that is nothing, what was looked for.
pub(super) fn found(query: &Query, count: usize, thing: &str) -> Markup {
    html! {
        p role="status" {
            @if count == 0 {
                "No " (thing) " has “" (words::name(&query.search)) "” in its name."
            } @else { (words::length(count, thing)) " found" }
        }
    }
}

/// The links to the other pages of a list; nothing where there is only one.
pub(super) fn pager<T>(query: &Query, list: List, window: &Window<T>, thing: &str) -> Markup {
    let to = |page: usize| format!("{}#{}", query.with_page(list, page).href(), list.anchor());
    html! {
        @if window.pages > 1 {
            nav.pager aria-label={ "Pages of " (thing) } {
                @if window.page > 1 {
                    @if window.page > 2 { a href=(to(1)) { "First" } }
                    a href=(to(window.page - 1)) rel="prev" { "Previous" }
                }
                span {
                    (words::number(window.start as u64 + 1)) "–" (words::number((window.start + window.items.len()) as u64))
                    " of " (words::number(window.total as u64))
                }
                @if window.page < window.pages {
                    a href=(to(window.page + 1)) rel="next" { "Next" }
                    @if window.page + 1 < window.pages { a href=(to(window.pages)) { "Last" } }
                }
            }
        }
    }
}

/// The heading of a table that becomes a list on a phone. Its roles are named, as some browsers forget them where
/// the style changes how a table is laid out.
pub(super) fn columns(names: &[&str]) -> Markup {
    html! {
        thead role="rowgroup" { tr role="row" {
            @for name in names { th scope="col" role="columnheader" { (name) } }
        } }
    }
}

/// A cell of such a table.
pub(super) fn cell(column: &str, content: Markup) -> Markup {
    html! { td role="cell" data-column=(column) { (content) } }
}

/// A cell that says what its row is about.
pub(super) fn head(content: Markup) -> Markup {
    html! { th scope="row" role="rowheader" { (content) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::answers::page::rank::window;

    #[test]
    fn only_the_pages_own_style_is_allowed() {
        let policy = &*CONTENT_SECURITY_POLICY;
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains('<'));
    }

    #[test]
    fn links_keep_what_was_searched_for() {
        let query = Query::parse("account=acme&q=log&page=2&credentials=3");
        let shown = window(0..30, Ord::cmp, 2, 10);
        let links = pager(&query, List::Main, &shown, "buckets").into_string();
        assert!(links.contains(r##"href="./?account=acme&amp;q=log&amp;credentials=3#list""##), "{links}");
        assert!(links.contains("page=3"), "{links}");
        assert!(links.contains("11–20 of 30"), "{links}");
        let form = search(&query, "Bucket").into_string();
        assert!(form.contains(r#"name="account" value="acme""#), "{form}");
        assert!(form.contains(r#"href="./?account=acme&amp;credentials=3""#), "{form}");
        assert_eq!(pager(&query, List::Main, &window(0..3, Ord::cmp, 1, 10), "").into_string(), "");
    }

    #[test]
    fn a_path_of_the_server_is_found_behind_a_proxy() {
        assert_eq!(relative("/metrics"), "./metrics");
        assert_eq!(relative("//elsewhere"), "./elsewhere");
    }
}
