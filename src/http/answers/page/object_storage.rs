//! What only an account of the platform since 2024 has: transfer by region, and users.

use std::cmp::{Ordering, Reverse};

use jiff::Timestamp;
use maud::{Markup, html};

use super::layout::{cell, columns, head, mark, pager};
use super::query::{List, Query};
use super::rank::window;
use super::urgency::Level;
use super::words;
use crate::model::{AccessKey, Billing, User};
use crate::store::AccountState;

/// How many users are on one page.
const USERS: usize = 20;

/// How many regions are shown: the vendor has a handful.
const REGIONS: usize = 50;

/// The transfer of the newest day that has figures.
pub(super) fn transfer(billing: &Billing) -> Markup {
    let Some(day) = billing.newest().map(|newest| newest.day) else { return html! {} };
    let amount = |bytes: Option<u64>| html! { (bytes.map_or_else(|| "–".to_owned(), words::size)) };
    html! {
        section aria-labelledby="transfer" {
            h2 id="transfer" { "Transfer by region on " (day) }
            @if billing.transfer(day).next().is_none() { p { "The vendor reports none for this day." } }
            @else {
                table.stacked.numbers role="table" aria-labelledby="transfer" {
                    (columns(&["Region", "Uploaded", "Downloaded", "Deleted"]))
                    tbody role="rowgroup" {
                        @for (region, transfer) in billing.transfer(day).take(REGIONS) {
                            tr role="row" {
                                (head(words::name(region)))
                                (cell("Uploaded", amount(transfer.upload_bytes)))
                                (cell("Downloaded", amount(transfer.download_bytes)))
                                (cell("Deleted", amount(transfer.delete_bytes)))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The users, those first who have to do something.
pub(super) fn users(state: &AccountState, query: &Query, now: Timestamp) -> Markup {
    let Some(good) = state.good::<Vec<User>>(now) else { return html! {} };
    let order = |a: &&User, b: &&User| -> Ordering {
        let key = |user: &User| Reverse(user.password_change_required == Some(true));
        key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
    };
    let shown = window(good.data.iter(), order, query.page(List::Users), USERS);
    html! {
        @if shown.total > 0 {
            section aria-labelledby=(List::Users.anchor()) {
                h2 id=(List::Users.anchor()) { "Users" }
                table.stacked role="table" aria-labelledby=(List::Users.anchor()) {
                    (columns(&["User", "Kind", "Access keys", "Password", "Made"]))
                    tbody role="rowgroup" {
                        @for user in &shown.items { (row(user, now)) }
                    }
                }
                (pager(query, List::Users, &shown, "users"))
            }
        }
    }
}

fn row(user: &User, now: Timestamp) -> Markup {
    let inactive = user.keys.iter().filter(|key: &&AccessKey| key.active == Some(false)).count();
    html! {
        tr role="row" {
            (head(words::name(&user.name)))
            (cell("Kind", html! { @if user.kind.is_empty() { "–" } @else { (words::name(&user.kind)) } }))
            (cell("Access keys", html! {
                @if user.keys.is_empty() { "none" } @else { (words::length(user.keys.len(), "key")) }
                @if inactive > 0 { ", " (words::number(inactive as u64)) " inactive" }
            }))
            (cell("Password", html! {
                @match user.password_change_required {
                    Some(true) => { (mark(Level::Soon, "Must be changed")) }
                    Some(false) => { "No change required" }
                    None => { "–" }
                }
            }))
            (cell("Made", html! { @if let Some(at) = user.created { (words::moment(at, now)) } @else { "–" } }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Page, Web, render};
    use crate::http::answers::stored::testing::{NOW, modern};
    use crate::metrics::testing::{TOOK, answer, at, spec, state};
    use crate::model::{Bucket, Buckets, Collector};
    use crate::store::AccountSpec;

    fn page(query: &str) -> Page {
        let web = Web {
            telemetry_path: "/metrics".to_owned(),
            version: "0.0.0",
            enable_lifecycle: false,
            ..Web::default()
        };
        render(&[modern()], &[], at(NOW), &web, query)
    }

    /// The text of a page without its elements, and with one space where there is any.
    fn text(html: &str) -> String {
        let (_, html) = html.split_once("</head>").unwrap();
        let text = regex::Regex::new("<[^>]*>").unwrap().replace_all(html, " ");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn its_figures_are_those_of_a_day() {
        let html = page("account=modern").html;
        let text = text(&html);
        for told in [
            "6.49 TB in 2 buckets, used on 2026-11-23, read 3 min ago",
            "18,499 objects",
            "402.9 GB ghost space: deleted, still billed",
            "Transfer by region on 2026-11-23 Region Uploaded Downloaded Deleted US-EAST-1 12.0 GB 3.00 GB –",
            "the outlined column is the newest day",
            "2026-10 5.00 TB",
            "backups 6.00 TB 18,000 new – –",
        ] {
            assert!(text.contains(told), "{told} in {text}");
        }
        assert!(!text.contains("month to date") && !text.contains("Of all"), "{text}");
        assert!(
            text.contains("Stored 6.49 TB in 2 buckets +29.7 % on last month's average Figure of 3 min ago"),
            "{text}"
        );
    }

    #[test]
    fn keys_are_due_and_never_expired_the_most_urgent_first() {
        for query in ["", "account=modern"] {
            let html = page(query).html;
            let text = text(&html);
            let places = [
                "Due for rotation since 2026-10-30",
                "Due for rotation in 12 days",
                "Due for rotation in 66 days",
                "Inactive",
            ]
            .map(|words| text.find(words).unwrap_or_else(|| panic!("{words} in {text}")));
            assert!(places.is_sorted(), "{places:?} in {text}");
            assert!(text.contains("4 access keys, 1 due for rotation"), "{text}");
            assert!(text.contains("the access key that this exporter uses"), "{text}");
            assert!(!text.contains("exporter's login"), "{text}");
            assert!(!text.contains("has expired") && !text.contains("Expired"), "{text}");
        }
    }

    #[test]
    fn users_who_must_change_their_password_come_first() {
        let text = text(&page("account=modern").html);
        let expected = "Users User Kind Access keys Password Made \
                        alice admin 1 key, 1 inactive Must be changed 365 days ago \
                        backup user 2 keys No change required";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn without_billing_its_buckets_are_shown_and_not_summed_up() {
        let spec = AccountSpec { collectors: Collector::OBJECT_STORAGE.to_vec(), ..spec("modern") };
        let modern = state(spec, |state| {
            let bucket = Bucket { name: "backups".into(), size_bytes: Some(1_000_000_000), objects: Some(7) };
            let buckets = Buckets { count: 1, buckets: vec![bucket] };
            state.succeed(answer(buckets), at("2026-11-24T11:57:00Z"), TOOK);
        });
        let web = Web {
            telemetry_path: "/metrics".to_owned(),
            version: "0.0.0",
            enable_lifecycle: false,
            ..Web::default()
        };
        let text = text(&render(&[modern], &[], at(NOW), &web, "account=modern").html);
        assert!(text.contains("Not known in 1 bucket, usage by day not known, read 3 min ago"), "{text}");
        assert!(text.contains("backups 1.00 GB 7"), "{text}");
        assert!(!text.contains("Transfer by region"), "{text}");
    }

    #[test]
    fn its_buckets_can_be_searched() {
        assert!(page("account=modern&q=BACK").html.contains("1 bucket found"));
    }
}
