use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;

use super::testing::{buckets, own, own_families, read, text};
use super::{Encoding, Exposition, Format, Page, Remade};
use crate::api::ApiError;
use crate::clock::{Clock, Manual};
use crate::metrics::families;
use crate::metrics::testing::{TOOK, answer, at, spec, state};
use crate::model::{
    AnyData, BucketHistory, BucketUsage, Collector, CurrentUsage, Expiry, Month, MonthTotal, MonthlyUsage,
    Permission, Permissions, ServiceAccount, Session, SubAccount,
};
use crate::model::{Endpoint, LoginResult, Reason};
use crate::store::{AccountSpec, AccountState, Store};

const NOW: &str = "2026-11-24T12:00:00Z";

fn page(states: &[Arc<AccountState>], now: Timestamp) -> Page {
    let mut page = Page::new();
    page.refresh(states, now);
    page
}

fn shown(page: &Page, format: Format) -> String {
    text(&page.body(&[], format, Encoding::Identity).unwrap())
}

/// One account with something in every family, and one that was never polled.
fn small() -> Vec<Arc<AccountState>> {
    let month =
        |number, average_bytes| MonthTotal { month: Month::new(2026, number).unwrap(), average_bytes };
    let east = AccountSpec {
        credential: Expiry::At(at("2027-01-31T00:00:00Z")),
        max_key_age: None,
        collectors: vec![Collector::CURRENT_USAGE, Collector::CREDENTIALS],
        ..spec("acme \"east\"")
    };
    let east = state(east, |state| {
        let usage = CurrentUsage {
            usage_bytes: Some(4_491_960_000_000),
            bucket_count: Some(2),
            buckets: vec![
                BucketUsage { name: "back\\slash".into(), usage_bytes: 534_510_000_000 },
                BucketUsage { name: "two\nlines".into(), usage_bytes: 0 },
            ],
            usage_with_sub_accounts_bytes: Some(4_612_460_000_000),
            sub_accounts: vec![SubAccount {
                id: "8d1c".into(),
                name: "Köln".into(),
                usage_bytes: Some(120_500_000_000),
                users: Some(3),
                service_accounts: Some(2),
                buckets: Some(7),
                trial_days: Some(14),
                created: Some(at("2022-10-16T14:06:51.494Z")),
            }],
        };
        let months = MonthlyUsage {
            months: vec![month(9, 1), month(10, 2)],
            buckets: vec![BucketHistory { name: "back\\slash".into(), months: [month(10, 2)].into() }],
            sub_accounts: Vec::new(),
            settled: None,
        };
        let service_account = ServiceAccount {
            id: "s1".into(),
            name: "writer".into(),
            enabled: Some(true),
            ready: Some(true),
            expiry: Expiry::Never,
        };
        let permission = Permission {
            id: "p1".into(),
            name: "all".into(),
            kind: "all-buckets".into(),
            actions: "read-only".into(),
            ready: Some(false),
        };
        let session = Session { expires_at: at("2026-11-25T12:00:00Z") };
        let now = at(NOW);
        state.count_login(LoginResult::Accepted, now);
        state.count_request(Endpoint::Login, Ok(200));
        let answers: [AnyData; 5] = [
            usage.into(),
            months.into(),
            session.into(),
            vec![service_account].into(),
            Permissions::of(vec![permission]).into(),
        ];
        for data in answers {
            state.succeed(answer(data), now, TOOK);
        }
        let error = ApiError::new(Reason::Timeout, Endpoint::CurrentUsage, "no answer in 30 s");
        state.fail(Collector::CURRENT_USAGE, error.failure(now), Duration::from_secs(30));
    });
    let west = AccountSpec { collectors: vec![Collector::CURRENT_USAGE], ..spec("west") };
    vec![east, state(west, |_| {})]
}

#[test]
fn a_small_page_is_this_in_both_formats() {
    let page = page(&small(), at(NOW));
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/exposition/testdata");
    for (format, name) in [(Format::Text, "small.txt"), (Format::OpenMetrics, "small.om")] {
        let path = std::path::Path::new(directory).join(name);
        let body = page.body(&own_families(), format, Encoding::Identity).unwrap();
        let text = text(&body);
        read(&text, format);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, golden, "if this is meant: UPDATE_GOLDEN=1, and read the difference");
    }
}

#[test]
fn a_page_without_accounts_is_the_exporters_own() {
    let page = page(&[], at(NOW));
    assert_eq!(shown(&page, Format::Text), "");
    assert_eq!(shown(&page, Format::OpenMetrics), "# EOF\n");
    let body = page.body(&own_families(), Format::OpenMetrics, Encoding::Gzip).unwrap();
    let names: Vec<_> =
        read(&text(&body), Format::OpenMetrics).into_iter().map(|family| family.name).collect();
    assert_eq!(
        names,
        [
            "lyvecloud_api_request_duration_seconds",
            "lyvecloud_exporter_build_info",
            "lyvecloud_exporter_config_last_reload_success_timestamp_seconds",
            "lyvecloud_exporter_config_last_reload_successful",
            "lyvecloud_exporter_log_lines_dropped",
            "lyvecloud_exporter_shard_info",
            "lyvecloud_exporter_task_panics",
        ]
    );
}

#[test]
fn gzip_of_an_account_with_a_hundred_thousand_buckets_costs_little_more_than_of_the_whole() {
    let acme = state(spec("production"), |state| {
        state.succeed(answer(buckets(100_000)), at(NOW), TOOK);
    });
    let page = page(&[acme], at(NOW));
    let identity = page.body(&[], Format::Text, Encoding::Identity).unwrap();
    let packed = page.body(&[], Format::Text, Encoding::Gzip).unwrap();
    assert_eq!(text(&packed), text(&identity));
    let longest = identity.parts.iter().map(|part| part.len()).max().unwrap();
    assert!(longest < 256 * 1024, "{longest}");

    let mut whole = GzEncoder::new(Vec::new(), Compression::new(6));
    whole.write_all(&identity.parts.concat()).unwrap();
    let whole = whole.finish().unwrap().len() as f64;
    let ratio = packed.length() as f64 / whole;
    assert!(ratio < 1.05, "{ratio}");
}

#[test]
fn only_what_changed_is_made_again() {
    let store = Store::default();
    store.apply(["a", "b", "c"].map(spec));
    let now = at(NOW);
    let poll = |name: &str, count| {
        let data = buckets(count);
        store.account(name).unwrap().update(|state| state.succeed(answer(data), now, TOOK));
    };
    poll("b", 2000);
    let reads = |part| families().iter().filter(|family| family.part == part).count();
    let usage = reads(crate::model::StatePart::CurrentUsage);
    let health = reads(crate::model::StatePart::Health);
    let cost = reads(crate::model::StatePart::Cost);
    let failures = reads(crate::model::StatePart::Failures);

    let mut page = Page::new();
    assert_eq!(page.refresh(&store.snapshot(), now).walks, 3 * families().len());
    assert_eq!(page.refresh(&store.snapshot(), now), Remade::default());

    // Account a is in a run with b where texts are short; where b's is long, each has a run of its own.
    poll("a", 1);
    let first = page.refresh(&store.snapshot(), now).walks;
    assert_eq!(first, 3 * (usage - 1) + 1 + 3 * (cost + health + failures));
    // Whether it works shows only where that has changed.
    poll("a", 1);
    let second = page.refresh(&store.snapshot(), now).walks;
    assert_eq!(second, 3 * (usage - 1) + 1 + 3 * (cost + health));
    store.account("c").unwrap().update(|state| {
        state.count_request(Endpoint::Login, Ok(200));
    });
    assert_eq!(page.refresh(&store.snapshot(), now).walks, 3 * health);

    // Each answer is withdrawn by itself, and a clock that is set back shows it again.
    let withdrawn = at("2026-11-25T12:00:00Z");
    assert!(page.holds_at(at("2026-11-25T11:59:59Z")));
    assert!(!page.holds_at(withdrawn));
    let before = shown(&page, Format::Text);
    page.refresh(&store.snapshot(), withdrawn);
    assert!(!shown(&page, Format::Text).contains("lyvecloud_account_buckets"));
    assert!(!page.holds_at(now));
    page.refresh(&store.snapshot(), now);
    assert_eq!(shown(&page, Format::Text), before);
}

#[test]
fn a_poll_of_one_account_among_many_makes_few_again() {
    let store = Store::default();
    let names: Vec<_> = (0..1000).map(|number| format!("account-{number:04}")).collect();
    store.apply(names.iter().map(|name| spec(name)));
    let now = at(NOW);
    let poll = |name: &str| {
        let data = buckets(40);
        store.account(name).unwrap().update(|state| state.succeed(answer(data), now, TOOK));
    };
    names.iter().for_each(|name| poll(name));
    let mut page = Page::new();
    assert_eq!(page.refresh(&store.snapshot(), now).walks, 1000 * families().len());
    poll("account-0500");
    let remade = page.refresh(&store.snapshot(), now).bytes;
    let whole = shown(&page, Format::Text).len();
    assert!(remade < whole / 10, "{remade} of {whole}");
}

#[test]
fn an_expiry_shows_at_its_instant_without_a_poll() {
    let end = at("2026-11-25T00:00:00Z");
    let acme = AccountSpec { credential: Expiry::At(end), ..spec("acme") };
    let states = [state(acme, |state| state.count_login(LoginResult::Failed, at(NOW)))];
    let mut page = page(&states, at(NOW));
    let expired = "credential=\"API credentials\",status=\"expired\"} ";
    assert!(shown(&page, Format::Text).contains(&format!("{expired}0\n")));
    assert!(!page.holds_at(end));
    assert!(page.refresh(&states, end) != Remade::default());
    assert!(shown(&page, Format::Text).contains(&format!("{expired}1\n")));
    assert!(page.holds_at(Timestamp::MAX - Duration::from_secs(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scrapes_follow_the_store_and_the_clock() {
    let store = Arc::new(Store::default());
    store.apply([spec("acme")]);
    let clock = Manual::new(at(NOW));
    let exposition = Arc::new(Exposition::new(
        Arc::clone(&store),
        Arc::new(clock.clone()) as Arc<dyn Clock>,
        Arc::new(own()),
    ));
    let scrapes = (0..8).map(|number| {
        let exposition = Arc::clone(&exposition);
        let encoding = [Encoding::Identity, Encoding::Gzip][number % 2];
        tokio::spawn(async move { text(&exposition.scrape(Format::OpenMetrics, encoding).await.unwrap()) })
    });
    for scrape in scrapes.collect::<Vec<_>>() {
        let families = read(&scrape.await.unwrap(), Format::OpenMetrics);
        assert!(families.iter().any(|family| family.name == "lyvecloud_up"));
        #[cfg(target_os = "linux")]
        assert!(families.iter().any(|family| family.name == "process_cpu_seconds"));
    }

    let text_now = async || text(&exposition.scrape(Format::Text, Encoding::Identity).await.unwrap());
    let sample = "lyvecloud_account_buckets{account=\"acme\"} 3\n";
    assert!(!text_now().await.contains(sample));
    store.account("acme").unwrap().update(|state| {
        state.succeed(answer(buckets(3)), at(NOW), TOOK);
    });
    assert!(text_now().await.contains(sample));
    clock.set(at("2026-11-25T12:00:00Z"));
    assert!(!text_now().await.contains(sample));
    store.apply([]);
    assert!(!text_now().await.contains("acme"));
}

#[tokio::test]
async fn a_scrape_without_a_change_hands_out_what_is_kept() {
    let store = Arc::new(Store::default());
    store.apply([spec("acme")]);
    let clock = Arc::new(Manual::new(at(NOW)));
    let exposition = Exposition::new(Arc::clone(&store), clock, Arc::new(own()));
    let poll = || {
        let data = buckets(5000);
        store.account("acme").unwrap().update(|state| state.succeed(answer(data), at(NOW), TOOK));
    };
    let long_parts = async |encoding| {
        let body = exposition.scrape(Format::Text, encoding).await.unwrap();
        let long = body.parts.into_iter().filter(|part| part.len() > 10_000);
        long.map(|part| part.as_ptr()).collect::<Vec<_>>()
    };
    poll();
    for encoding in [Encoding::Identity, Encoding::Gzip] {
        let first = long_parts(encoding).await;
        assert!(first.len() > 1, "{encoding:?}");
        assert_eq!(long_parts(encoding).await, first);
    }
}

#[test]
fn what_is_made_for_gzip_is_kept_packed_alone() {
    let now = at(NOW);
    let states = [state(spec("large"), |state| state.succeed(answer(buckets(5000)), now, TOOK))];
    let mut packed = Page::new();
    packed.refresh_for(&states, now, Encoding::Gzip);
    let whole = shown(&page(&states, now), Format::Text);
    let body = packed.body(&[], Format::Text, Encoding::Gzip).unwrap();
    assert_eq!(text(&body), whole);
    assert!(packed.held() < whole.len() / 5, "{} of {}", packed.held(), whole.len());
    // The text is there again for whoever wants it, and stays.
    assert!(!packed.is_at_hand(Encoding::Identity));
    assert_eq!(shown(&packed, Format::Text), whole);
    assert!(packed.is_at_hand(Encoding::Identity));
}

#[tokio::test]
async fn much_is_made_ahead_and_little_at_once() {
    let store = Arc::new(Store::default());
    store.apply([spec("large"), spec("small")]);
    let clock = Arc::new(Manual::new(at(NOW)));
    let exposition = Exposition::new(Arc::clone(&store), clock, Arc::new(own()));
    let poll = |account: &str, count| {
        let data = buckets(count);
        store.account(account).unwrap().update(|state| state.succeed(answer(data), at(NOW), TOOK));
    };
    let polls = async |account: &str| {
        let body = exposition.scrape(Format::Text, Encoding::Identity).await.unwrap();
        let polls =
            format!("lyvecloud_collector_polls_total{{account=\"{account}\",collector=\"current_usage\"}} ");
        let text = text(&body);
        let line = text.lines().find_map(|line| line.strip_prefix(&polls)).unwrap();
        line.parse::<u64>().unwrap()
    };
    poll("large", 5000);
    poll("small", 50);
    // Where nobody scraped for long, nothing is on its way, and a scrape waits for what it shows.
    assert_eq!((polls("large").await, polls("small").await), (1, 1));
    poll("small", 50);
    assert_eq!(polls("small").await, 2);
    poll("large", 5000);
    assert_eq!(polls("large").await, 1);
    let made = async {
        while polls("large").await < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), made).await.unwrap();
}

#[tokio::test]
async fn an_account_that_is_gone_is_gone_at_once_however_much_is_made() {
    let store = Arc::new(Store::default());
    store.apply([spec("large"), spec("small")]);
    let clock = Arc::new(Manual::new(at(NOW)));
    let exposition = Exposition::new(Arc::clone(&store), clock, Arc::new(own()));
    let poll = || {
        let data = buckets(5000);
        store.account("large").unwrap().update(|state| state.succeed(answer(data), at(NOW), TOOK));
    };
    let shows_small = async || {
        let body = exposition.scrape(Format::Text, Encoding::Identity).await.unwrap();
        text(&body).contains("account=\"small\"")
    };
    poll();
    assert!(shows_small().await);
    poll();
    store.apply([spec("large")]);
    assert!(!shows_small().await);
}
