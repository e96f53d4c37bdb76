use std::time::Duration;

use super::*;
use crate::api::ApiError;
use crate::metrics::testing::{TOOK, answer, at, spec, state};
use crate::model::{
    BucketUsage, Collector, CurrentUsage, Expiry, Month, MonthTotal, MonthlyUsage, Price, ServiceAccount,
    Session, SubAccount, WarningSteps,
};
use crate::model::{Endpoint, Reason};

const NOW: &str = "2026-11-24T12:00:00Z";

fn page(states: &[Arc<AccountState>], query: &str) -> Page {
    let web = Web {
        telemetry_path: "/metrics".to_owned(),
        version: "0.0.0",
        enable_lifecycle: false,
        ..Web::default()
    };
    render(states, &[], at(NOW), &web, query)
}

fn bucket(name: &str, usage_bytes: u64) -> BucketUsage {
    BucketUsage { name: name.into(), usage_bytes }
}

fn usage(buckets: Vec<BucketUsage>) -> CurrentUsage {
    CurrentUsage {
        usage_bytes: Some(buckets.iter().map(|bucket| bucket.usage_bytes).sum()),
        bucket_count: Some(buckets.len() as u64),
        buckets,
        ..CurrentUsage::default()
    }
}

fn with_buckets(name: &str, buckets: Vec<BucketUsage>) -> Arc<AccountState> {
    state(spec(name), |state| state.succeed(answer(usage(buckets)), at("2026-11-24T11:57:00Z"), TOOK))
}

fn many_buckets(count: u64) -> Vec<BucketUsage> {
    (0..count).map(|number| bucket(&format!("bucket-{number:06}"), number * 1_000_000_000)).collect()
}

#[test]
fn before_any_poll_it_says_that_it_waits() {
    let html = page(&[state(spec("acme"), |_| ())], "").html;
    assert!(html.contains("No figures"), "{html}");
    assert!(html.contains("not polled yet"), "{html}");
    assert!(!html.contains("What fails"), "{html}");
    let html = page(&[], "").html;
    assert!(html.contains("No account is configured."), "{html}");
}

#[test]
fn a_fault_is_told_once_for_an_account_with_what_to_do() {
    let error = ApiError::new(Reason::Auth, Endpoint::Login, "403: the credentials are rejected");
    let error = ApiError { status: Some(403), ..error };
    let failing = state(spec("acme"), |state| {
        for collector in Collector::ACCOUNT_V2 {
            state.fail(collector, error.failure(at("2026-11-24T11:59:00Z")), TOOK);
        }
    });
    let html = page(&[failing], "").html;
    assert_eq!(html.matches("POST /auth/token: 403: the credentials are rejected").count(), 1, "{html}");
    assert!(html.contains("Nothing can be read. There has been no good answer since the start."), "{html}");
    assert!(html.contains("A secret file is read again by itself"), "{html}");
    assert!(html.contains("Broken: \u{2068}acme\u{2069} cannot be read<"), "{html}");
}

#[test]
fn an_error_that_accounts_have_in_common_is_shown_once() {
    let failing = |name: &str, message: &str| {
        let error = ApiError::new(Reason::Server, Endpoint::CurrentUsage, message);
        state(spec(name), |state| state.fail(Collector::CURRENT_USAGE, error.failure(at(NOW)), TOOK))
    };
    let html = page(&[failing("one", "503: down"), failing("two", "503: down")], "").html;
    assert_eq!(html.matches("503: down").count(), 1, "{html}");
    let html = page(&[failing("one", "503: down"), failing("two", "500: gone")], "").html;
    assert!(html.contains("503: down") && html.contains("500: gone"), "{html}");
}

#[test]
fn a_secret_that_cannot_be_read_is_no_reason_to_make_a_new_one() {
    let error =
        ApiError::new(Reason::Auth, Endpoint::Login, "cannot read the secret file secret: No such file");
    let failing = state(spec("acme"), |state| {
        state.fail(Collector::CURRENT_USAGE, error.failure(at("2026-11-24T11:59:00Z")), TOOK);
    });
    let html = page(&[failing], "").html;
    assert!(html.contains("The exporter cannot read its credentials"), "{html}");
    assert!(html.contains("do not generate new ones for this"), "{html}");
    assert!(html.contains("cannot read the secret file secret"), "{html}");
    assert!(!html.contains("generate a new pair") && !html.contains("are rejected"), "{html}");
}

#[test]
fn figures_that_are_too_old_are_not_shown_but_told_of() {
    let old = state(spec("acme"), |state| {
        let buckets = vec![bucket("backups", 534_510_000_000)];
        state.succeed(answer(usage(buckets)), at("2026-11-22T11:00:00Z"), TOOK);
        let error = ApiError::new(Reason::Timeout, Endpoint::CurrentUsage, "no whole answer in time");
        state.fail(Collector::CURRENT_USAGE, error.failure(at("2026-11-24T11:00:00Z")), TOOK);
    });
    let html = page(&[old], "account=acme").html;
    assert!(!html.contains("534.5 GB") && !html.contains("backups"), "{html}");
    assert!(html.contains("is too old to be shown"), "{html}");
    assert!(html.contains("2 days ago"), "{html}");
    assert!(html.contains("Broken: \u{2068}acme\u{2069} cannot be read in full<"), "{html}");
}

#[test]
fn an_account_of_thousands_of_buckets_is_shown_page_by_page() {
    let states = [with_buckets("acme", many_buckets(10_000))];
    let first = page(&states, "account=acme").html;
    assert!(first.contains("bucket-009999") && first.contains("bucket-009950"), "{first}");
    assert!(!first.contains("bucket-009949"));
    assert!(first.contains("1–50 of 10,000"));
    assert!(first.len() < 100_000, "{} bytes", first.len());
    let last = page(&states, "account=acme&page=9999").html;
    assert!(last.contains("9,951–10,000 of 10,000") && last.contains("bucket-000000"));
    let found = page(&states, "account=acme&q=00777").html;
    assert!(found.contains("11 buckets found") && found.contains("bucket-007775"), "{found}");
    let nothing = page(&states, "account=acme&q=%3Cnothing").html;
    assert!(nothing.contains("No bucket has “<bdi>&lt;nothing</bdi>” in its name."), "{nothing}");
}

#[test]
fn a_thousand_accounts_make_a_page_of_bounded_size() {
    let error = ApiError::new(Reason::Connect, Endpoint::Login, "cannot connect");
    let states: Vec<_> = (0..1000)
        .map(|number| {
            state(spec(&format!("account-{number:04}")), |state| {
                for hours in 1..1500 {
                    state.record_usage(
                        at(NOW) - jiff::SignedDuration::from_hours(1500 - hours),
                        1000 + hours.unsigned_abs(),
                    );
                }
                state.succeed(answer(usage(many_buckets(20))), at("2026-11-24T11:57:00Z"), TOOK);
                state.fail(Collector::MONTHLY_USAGE, error.failure(at("2026-11-24T11:59:00Z")), TOOK);
            })
        })
        .collect();
    let html = page(&states, "").html;
    assert!(html.len() < 300_000, "{} bytes", html.len());
    assert_eq!(html.matches("<svg class=\"spark\"").count(), 50);
    assert!(html.contains("1–50 of 1,000") && html.contains("1–10 of 1,000"), "{html}");
    assert!(html.contains("No connection: 1,000 accounts"), "{html}");
    assert_eq!(html.matches("check name resolution").count(), 1, "explained once");
    let found = page(&states, "q=0042").html;
    assert!(found.contains("account=account-0042") && found.contains("1 account found"), "{found}");
    assert!(page(&states, "q=nobody").html.contains("No account has “<bdi>nobody</bdi>” in its name."));
    assert_eq!(found.matches("<article").count(), 1);
}

/// A healthy account, a larger one with a credential that ends in 5 days, and one whose pair is rejected.
fn in_every_state() -> Vec<Arc<AccountState>> {
    let service = |name: &str, expiry: &str| ServiceAccount {
        id: format!("id-of-{name}").into(),
        name: name.into(),
        enabled: Some(true),
        ready: Some(true),
        expiry: Expiry::At(at(expiry)),
    };
    let with = |name: &str, bytes: u64, services: Vec<ServiceAccount>| {
        let spec = crate::store::AccountSpec { credential: Expiry::Never, ..spec(name) };
        state(spec, |state| {
            state.succeed(answer(usage(vec![bucket("nightly", bytes)])), at(NOW), TOOK);
            state.succeed(answer(services), at(NOW), TOOK);
            state.succeed(answer(crate::model::Permissions::default()), at(NOW), TOOK);
            state.succeed(answer(MonthlyUsage::default()), at(NOW), TOOK);
        })
    };
    let rejected = state(spec("rejected"), |state| {
        let error = ApiError::new(Reason::Auth, Endpoint::Login, "403: the credentials are rejected");
        let error = ApiError { status: Some(403), ..error };
        state.count_login(crate::model::LoginResult::Rejected, at(NOW));
        state.fail(Collector::CURRENT_USAGE, error.failure(at(NOW)), TOOK);
    });
    vec![
        with("calm", 9_000_000_000_000, vec![service("next year", "2027-11-24T00:00:00Z")]),
        with("ending", 5_000, vec![service("writer", "2026-11-29T12:00:00Z")]),
        rejected,
    ]
}

#[test]
fn credentials_that_never_worked_may_be_mistyped() {
    let advice = |worked: bool| {
        let rejected = state(spec("acme"), |state| {
            let error = ApiError::new(Reason::Auth, Endpoint::Login, "403: the credentials are rejected");
            let error = ApiError { status: Some(403), ..error };
            if worked {
                state.count_login(crate::model::LoginResult::Accepted, at("2026-11-24T11:00:00Z"));
            }
            state.count_login(crate::model::LoginResult::Rejected, at(NOW));
            state.fail(Collector::CURRENT_USAGE, error.failure(at(NOW)), TOOK);
        });
        page(&[rejected], "").html
    };
    let compare =
        "They are mistyped, or expired, regenerated or deleted. Compare account_id, access_key and secret";
    let renewal =
        "Rejected: mistyped, or expired, regenerated or deleted. Compare account_id, access_key and secret.";
    for text in [compare, renewal] {
        assert!(advice(false).contains(text), "{text}");
        assert!(!advice(true).contains(text), "{text}");
    }
}

#[test]
fn accounts_come_in_order_of_urgency_and_then_of_size() {
    let states = in_every_state();
    let html = page(&states, "").html;
    let places: Vec<_> = ["rejected", "ending", "calm"]
        .map(|name| html.find(&format!("<h3><a href=\"./?account={name}\">")).unwrap())
        .into();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn where_all_is_well_usage_leads() {
    let well = |end: &str| {
        let spec = crate::store::AccountSpec { credential: Expiry::At(at(end)), ..spec("acme") };
        state(spec, |state| {
            state.succeed(answer(usage(vec![bucket("nightly", 1_000_000)])), at(NOW), TOOK);
            state.succeed(answer(Vec::<ServiceAccount>::new()), at(NOW), TOOK);
            state.succeed(answer(crate::model::Permissions::default()), at(NOW), TOOK);
            state.succeed(answer(MonthlyUsage::default()), at(NOW), TOOK);
            state.succeed(answer(Session { expires_at: at("2026-11-25T00:00:00Z") }), at(NOW), TOOK);
        })
    };
    let order = |html: &str, parts: [&str; 4]| -> bool {
        parts.map(|part| html.find(part).unwrap_or_else(|| panic!("{part} in {html}"))).is_sorted()
    };
    let acme = [well("2027-01-23T06:00:00Z")];
    let html = page(&acme, "").html;
    assert!(html.contains("All is well: 1 credential, none ends within 59 days<"), "{html}");
    assert!(order(
        &html,
        ["Stored</dt>", "Ends next</dt>", "Accounts, the largest first", "id=\"credentials\""]
    ));
    assert!(!html.contains("Show only") && page(&acme, "state=expires").html.contains("Show only"), "{html}");
    let html = page(&acme, "account=acme").html;
    assert!(order(&html, ["Stored</dt>", "Ends next</dt>", "id=\"usage\"", "id=\"credentials\""]));

    // What has to be done comes before it.
    let html = page(&[well("2026-12-04T06:00:00Z")], "").html;
    assert!(order(
        &html,
        ["Ends next</dt>", "Stored</dt>", "id=\"credentials\"", "the most urgent first, then"]
    ));
    assert!(page(&[], "").html.contains("No account is configured<"));
}

#[test]
fn links_filter_by_state_and_by_time_left() {
    let states = in_every_state();
    let html = page(&states, "refresh=60").html;
    for link in ["state=failing", "state=rejected", "within=7d"] {
        assert!(html.contains(&format!("href=\"./?{link}&amp;refresh=60\"")), "{link}: {html}");
    }
    for (query, there, gone) in [
        ("state=failing", vec!["account=rejected"], vec!["account=calm", "account=ending", "<bdi>writer"]),
        ("state=rejected", vec!["account=rejected", ">Rejected"], vec!["account=calm", "<bdi>writer"]),
        ("within=7d", vec!["account=ending", "<bdi>writer"], vec!["account=calm", "account=rejected"]),
        ("within=5d", vec!["No account is in this state"], vec!["<bdi>writer"]),
        ("account=ending&within=7d", vec!["<bdi>writer"], vec!["nightly"]),
    ] {
        let html = page(&states, query).html;
        let (_, lists) = html.split_once("</nav>").unwrap().1.split_once("</nav>").unwrap();
        for words in there {
            assert!(lists.contains(words), "{query}: no {words} in {lists}");
        }
        for words in gone {
            assert!(!lists.contains(words), "{query}: {words} in {lists}");
        }
        assert!(html.contains("aria-current=\"true\""), "{query}");
    }
}

#[test]
fn a_search_finds_accounts_credentials_and_buckets() {
    let states = in_every_state();
    let html = page(&states, "q=WRITE").html;
    assert!(html.contains("<bdi>writer") && !html.contains("<bdi>next year"), "{html}");
    let html = page(&states, "q=nightly").html;
    assert!(html.contains("Buckets, the largest first"), "{html}");
    let places = ["account=calm", "account=ending"].map(|account| html.find(account).unwrap());
    assert!(places.is_sorted(), "{html}");
}

#[test]
fn what_is_stored_has_its_change_over_a_week_and_on_the_last_month() {
    let week_ago = at(NOW) - jiff::SignedDuration::from_hours(7 * 24);
    let month_ago = at(NOW) - jiff::SignedDuration::from_hours(30 * 24);
    let grown_since = |name: &str, past: &[(Timestamp, u64)]| {
        state(spec(name), |state| {
            past.iter().for_each(|(at, bytes)| state.record_usage(*at, *bytes));
            let october = MonthTotal { month: Month::new(2026, 10).unwrap(), average_bytes: 800_000 };
            let history = MonthlyUsage { months: vec![october], ..MonthlyUsage::default() };
            state.succeed(answer(usage(vec![bucket("b", 1_200_000)])), at(NOW), TOOK);
            state.succeed(answer(history), at(NOW), TOOK);
        })
    };
    let grown = |name: &str| grown_since(name, &[(week_ago, 1_000_000)]);
    // It counts for neither: nothing is known of its past.
    let html =
        page(&[grown("one"), grown("two"), with_buckets("young", vec![bucket("b", 9_000_000)])], "").html;
    assert!(html.contains("+20.0 % in a week"), "{html}");
    assert!(
        html.contains("+50.0 % on last month&#39;s average")
            || html.contains("+50.0 % on last month's average"),
        "{html}"
    );
    assert_eq!(html.matches("<svg class=\"spark\"").count(), 2);
    assert!(html.contains(r#"aria-label="The last 60 days: 1.00 MB to 1.20 MB""#), "{html}");
    let html = page(&[grown_since("old", &[(month_ago, 600_000), (week_ago, 1_000_000)])], "").html;
    assert_eq!(html.matches("+100.0 % in 30 days").count(), 2, "for all and for the account: {html}");
    assert!(!html.contains("on last month"), "{html}");
    let html = page(&[with_buckets("young", vec![bucket("b", 9_000_000)])], "").html;
    assert!(!html.contains("in a week") && !html.contains("<svg class=\"spark\""), "{html}");
}

#[test]
fn the_open_month_has_its_cost_and_what_is_left_of_the_budget() {
    let priced = |name: &str, currency: &str, budget| {
        let price =
            Price { per_terabyte_month: 8.0, minimum_terabytes: 0.0, currency: currency.to_owned(), budget };
        let spec = crate::store::AccountSpec { price: Some(price), ..spec(name) };
        let usage = usage(vec![bucket("b", 100_000_000_000_000)]);
        state(spec, |state| state.succeed(answer(usage), at(NOW), TOOK))
    };
    let html = page(&[priced("a", "EUR", Some(1000.0)), priced("b", "EUR", None)], "").html;
    for words in ["1,600.00 EUR", "200.00 EUR left of the budget"] {
        assert!(html.contains(words), "{words} in {html}");
    }
    assert!(!html.contains("over the budget"), "{html}");
    let states = [priced("a", "EUR", Some(1000.0)), priced("b", "USD", Some(500.0))];
    let html = page(&states, "").html;
    for words in ["800.00 EUR, 800.00 USD", "300.00 USD over the budget", "1 account is over its budget"] {
        assert!(html.contains(words), "{words} in {html}");
    }
    assert!(!page(&[with_buckets("acme", Vec::new())], "").html.contains("left of the budget"));
}

#[test]
fn a_page_says_whether_it_reloads_itself() {
    let states = [with_buckets("acme", Vec::new())];
    let still = page(&states, "account=acme");
    assert_eq!(still.refresh, None);
    assert!(still.html.contains(r#"<a href="./?account=acme&amp;refresh=60">reload every minute"#));
    let reloading = page(&states, "account=acme&refresh=60");
    assert_eq!(reloading.refresh, Some(60));
    assert!(reloading.html.contains(r#"reloads every minute (<a href="./?account=acme">stop"#));
}

#[test]
fn credentials_of_all_accounts_are_in_order_of_urgency() {
    let service = |name: &str, expiry| ServiceAccount {
        id: format!("id-of-{name}").into(),
        name: name.into(),
        enabled: Some(true),
        ready: Some(true),
        expiry,
    };
    let with = |account: &str, services: Vec<ServiceAccount>| {
        let spec = crate::store::AccountSpec { credential: Expiry::Never, ..spec(account) };
        state(spec, |state| {
            state.succeed(answer(services), at("2026-11-24T11:57:00Z"), TOOK);
        })
    };
    let states = [
        with("one", vec![service("later", Expiry::At(at("2027-11-24T00:00:00Z")))]),
        with(
            "two",
            vec![
                service("gone", Expiry::At(at("2026-11-20T00:00:00Z"))),
                service("next", Expiry::At(at("2026-11-29T00:00:00Z"))),
            ],
        ),
    ];
    let html = page(&states, "").html;
    let places: Vec<_> = ["<bdi>gone", "Expires in 4 days", "Expires in 364 days", "Never expires</span>"]
        .map(|text| html.find(text).unwrap_or_else(|| panic!("{text} in {html}")))
        .into();
    assert!(places.is_sorted(), "{places:?}");
    assert!(html.contains("Broken: 1 credential has expired"), "{html}");
    assert!(html.contains("In 4 days"), "{html}");
    for words in [">2 will expire</a>", ">2 never expire</a>; 5 in all"] {
        assert!(html.contains(words), "{words} in {html}");
    }
}

#[test]
fn urgency_follows_the_configured_steps() {
    let day = Duration::from_secs(86_400);
    let verdict = |warning| {
        let credential = Expiry::At(at("2026-12-04T12:00:00Z"));
        let spec = crate::store::AccountSpec { credential, warning, ..spec("acme") };
        let acme = state(spec, |state| {
            state.succeed(answer(usage(Vec::new())), at(NOW), TOOK);
            state.succeed(answer(Vec::<ServiceAccount>::new()), at(NOW), TOOK);
        });
        page(&[acme], "").html
    };
    let urgent = "Urgent: 1 credential ends within";
    assert!(!verdict(WarningSteps::default()).contains(urgent), "it ends in 10 days");
    let html = verdict(WarningSteps::of(&[14 * day]));
    assert!(html.contains(&format!("{urgent} 14 days")), "{html}");
    let html = verdict(WarningSteps::of(&[]));
    assert!(!html.contains(urgent) && !html.contains("need attention"), "{html}");
}

#[test]
fn names_are_data() {
    let evil = "<script>alert(1)</script>\"'&\u{202e}";
    let hostile = state(spec(evil), |state| {
        let mut data = CurrentUsage { usage_bytes: Some(1), ..CurrentUsage::default() };
        data.buckets = vec![bucket(evil, 1)];
        data.sub_accounts = vec![SubAccount {
            id: evil.into(),
            name: evil.into(),
            usage_bytes: Some(1),
            users: None,
            service_accounts: None,
            buckets: None,
            trial_days: None,
            created: None,
        }];
        state.succeed(answer(data), at(NOW), TOOK);
    });
    let query = Query::overview().of_account(evil).href();
    for query in ["", query.trim_start_matches("./?"), "account=<script>&q=\"><script>", "q=\"><script>"] {
        let page = page(std::slice::from_ref(&hostile), query);
        assert!(!page.html.contains("<script"), "{query}: {}", page.html);
    }
    assert!(page(&[hostile], query.trim_start_matches("./?")).found);
}

#[test]
fn a_price_makes_estimates() {
    let price =
        Price { per_terabyte_month: 8.0, minimum_terabytes: 0.0, currency: "EUR".to_owned(), budget: None };
    let spec = crate::store::AccountSpec { price: Some(price), ..spec("acme") };
    let priced = state(spec, |state| {
        let months =
            vec![MonthTotal { month: Month::new(2026, 10).unwrap(), average_bytes: 150_000_000_000_000 }];
        let history = MonthlyUsage { months, ..MonthlyUsage::default() };
        state.succeed(answer(usage(vec![bucket("backups", 200_000_000_000_000)])), at(NOW), TOOK);
        state.succeed(answer(history), at(NOW), TOOK);
    });
    let html = page(&[priced], "account=acme").html;
    assert!(html.contains("about 1,600.00 EUR this month, estimated"), "{html}");
    assert!(html.contains("1,200.00 EUR"), "{html}");
    assert!(!page(&[with_buckets("acme", Vec::new())], "account=acme").html.contains("stimated"));
}

#[test]
fn an_account_that_is_not_there_is_not_found() {
    let states = [with_buckets("acme", Vec::new())];
    assert!(page(&states, "account=acme").html.contains("The account has no bucket."));
    let missing = page(&states, "account=other");
    assert!(!missing.found);
    assert!(missing.html.contains("No such account"), "{}", missing.html);
}
