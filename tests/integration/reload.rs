//! A new configuration while the exporter runs: all of it or nothing, and no more is disturbed than has to be.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hyper::Method;
use lyve_cloud_exporter::config::{self, Config};
use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::reload::Loader;
use lyve_cloud_exporter::simulator::{Endpoint, Fault};
use lyve_cloud_exporter::store::Store;
use tempfile::TempDir;

use crate::client::{Answer, request};
use crate::stage::{Exporter, NOW, Stage, at, hours, minutes, month};

const ACME: (&str, &str) = ("account", "acme");
const USAGE: &str = "lyvecloud_account_usage_bytes";
const SUCCESSFUL: &str = "lyvecloud_exporter_config_last_reload_successful";
const SUCCESS_AT: &str = "lyvecloud_exporter_config_last_reload_success_timestamp_seconds";

/// A configuration file, and the exporter's way to read it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("config.yaml")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
    }

    fn load(&self) -> Config {
        config::load(Some(&self.path()), &BTreeMap::new()).unwrap()
    }

    fn loader(&self) -> Loader {
        let path = self.path();
        Loader::new(move || config::load(Some(&path), &BTreeMap::new()))
    }

    /// An exporter of what the file says, that has polled everything once.
    async fn exporter(&self, stage: &Stage) -> Exporter {
        let exporter = stage.exporter_from(self.load(), Some(self.loader())).await;
        exporter.until("everything was polled once", |store| store.ready()).await;
        exporter
    }
}

/// The entry of an account, with further keys.
fn entry(stage: &Stage, name: &str, more: &str) -> String {
    let (access_key, secret) = stage.simulator.account(name).pair();
    let base_url = stage.simulator.base_url();
    format!(
        "  - {{name: {name}, account_id: {name}, base_url: '{base_url}', access_key: '{access_key}', \
         secret: '{secret}'{more}}}\n"
    )
}

fn accounts(stage: &Stage, names: &[&str]) -> String {
    names.iter().fold("accounts:\n".to_owned(), |text, name| text + &entry(stage, name, ""))
}

async fn reload(exporter: &Exporter) -> Answer {
    request(exporter.address, Method::POST, "/-/reload", &[]).await
}

async fn gauges(exporter: &Exporter) -> (f64, f64) {
    let samples = exporter.scrape().await;
    (samples.value(SUCCESSFUL, &[]).unwrap(), samples.value(SUCCESS_AT, &[]).unwrap())
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_the_next_good_one_clears_the_gauge() {
    let stage = Stage::new().await;
    let _acme = stage.acme();
    let place = Place::new();
    let good = accounts(&stage, &["acme"]);
    place.write(&good);
    let exporter = place.exporter(&stage).await;
    let start = at(NOW).as_second() as f64;
    assert_eq!(gauges(&exporter).await, (1.0, start));

    exporter.advance(minutes(1)).await;
    place.write(&format!("{good}poll: {{timeout: 5, inventory: 0s}}\nnonsense: 1\n"));
    let answer = reload(&exporter).await;
    assert_eq!(answer.status, 500);
    let text = answer.text();
    for fault in ["3 errors", "poll.timeout: has no unit", "poll.inventory", "nonsense: is not a known key"] {
        assert!(text.contains(fault), "{fault} in {text}");
    }
    assert!(!text.contains(&stage.simulator.account("acme").pair().1), "no secret in {text}");
    assert_eq!(gauges(&exporter).await, (0.0, start));
    assert_eq!(exporter.scrape().await.value(USAGE, &[ACME]), Some(4_492e9), "the old one goes on");

    place.write(&good);
    let requests = stage.simulator.request_count(None);
    let answer = reload(&exporter).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "reloaded\n"));
    assert_eq!(gauges(&exporter).await, (1.0, start + 60.0), "although nothing changed");
    assert_eq!(stage.simulator.request_count(None), requests, "nothing was asked for");
}

#[tokio::test]
async fn an_account_that_stays_keeps_its_session_and_is_not_polled_anew() {
    let stage = Stage::new().await;
    let _acme = stage.acme();
    stage.simulator.account("other").bucket("data", 1.0);
    stage.simulator.account("new").bucket("data", 7.0);
    let place = Place::new();
    place.write(&accounts(&stage, &["acme", "other"]));
    let exporter = place.exporter(&stage).await;
    let before = exporter.state("acme");
    stage.simulator.forget_requests();

    place.write(&accounts(&stage, &["new", "acme"]));
    assert_eq!(reload(&exporter).await.status, 200);
    exporter.until("the new account was polled", |store| store.ready()).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.value(USAGE, &[("account", "new")]), Some(7e9));
    assert_eq!(
        samples.0.iter().filter(|sample| sample.labels.get("account").is_some_and(|a| a == "other")).count(),
        0
    );
    for record in stage.simulator.requests() {
        assert_eq!(record.account.as_deref(), Some("new"), "only the new account is asked: {record:?}");
    }
    let after = exporter.state("acme");
    assert_eq!(after.requests, before.requests);
    assert_eq!(after.health(Collector::CURRENT_USAGE), before.health(Collector::CURRENT_USAGE));

    // Its next poll comes when it was due anyway, with the session that it has; the one that is gone is asked no more.
    stage.simulator.forget_requests();
    exporter.next_poll("acme", Collector::CURRENT_USAGE, minutes(15)).await;
    exporter.next_poll("new", Collector::CURRENT_USAGE, minutes(15)).await;
    assert_eq!(stage.simulator.request_count(Endpoint::Login), 0);
    assert!(stage.simulator.requests().iter().all(|record| record.account.as_deref() != Some("other")));
}

#[tokio::test]
async fn an_account_that_is_reached_in_another_way_is_polled_at_once_and_keeps_its_data() {
    let stage = Stage::new().await;
    let (acme, _) = stage.acme();
    let place = Place::new();
    place.write(&accounts(&stage, &["acme"]));
    let exporter = place.exporter(&stage).await;
    acme.set_bucket_usage("media", 1.0);
    acme.regenerate();
    stage.simulator.fail_once(Endpoint::Login, Fault::empty(500));
    stage.simulator.forget_requests();

    place.write(&accounts(&stage, &["acme"]));
    assert_eq!(reload(&exporter).await.status, 200);
    exporter
        .until("the usage was polled again", |store| {
            store.account("acme").unwrap().state().health(Collector::CURRENT_USAGE).polls == 2
        })
        .await;
    assert!(stage.simulator.request_count(Endpoint::Login) >= 1, "a new client has no session");
    let usage = exporter.scrape().await.value(USAGE, &[ACME]);
    assert!(usage.is_some(), "whatever came of the poll, what was known is not lost");
    assert_eq!(
        exporter
            .scrape()
            .await
            .value("lyvecloud_collector_polls_total", &[ACME, ("collector", "current_usage")]),
        Some(2.0),
        "counters go on"
    );
}

#[tokio::test]
async fn another_account_behind_the_same_name_starts_empty() {
    let stage = Stage::new().await;
    let _acme = stage.acme();
    stage.simulator.account("other").bucket("data", 1.0);
    stage.simulator.fail_always(Endpoint::ServiceAccounts, Fault::empty(500));
    let place = Place::new();
    place.write(&accounts(&stage, &["acme"]));
    let exporter = place.exporter(&stage).await;
    place.write(&accounts(&stage, &["other"]).replace("name: other", "name: acme"));
    stage.simulator.fail_always(Endpoint::CurrentUsage, Fault::empty(500));
    assert_eq!(reload(&exporter).await.status, 200);
    exporter.until("everything was polled once", |store| store.ready()).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.value(USAGE, &[ACME]), None, "these are figures of another account");
    assert_eq!(samples.value("lyvecloud_collector_up", &[ACME, ("collector", "permissions")]), Some(1.0));
}

#[tokio::test]
async fn the_date_of_a_credential_shows_in_the_next_scrape_and_loses_nothing() {
    let stage = Stage::new().await;
    let _acme = stage.acme();
    let place = Place::new();
    place.write(&accounts(&stage, &["acme"]));
    let exporter = place.exporter(&stage).await;
    let status = |status| [ACME, ("kind", "account_api"), ("status", status)];
    let credential = "lyvecloud_credential_status";
    assert_eq!(exporter.scrape().await.value(credential, &status("unknown")), Some(1.0));
    let requests = stage.simulator.request_count(None);

    let dated = entry(&stage, "acme", ", credential: {expires: '2026-11-24T13:00:00Z'}");
    place.write(&format!("accounts:\n{dated}"));
    assert_eq!(reload(&exporter).await.status, 200);
    let samples = exporter.scrape().await;
    assert_eq!(samples.value(credential, &status("expires")), Some(1.0));
    assert_eq!(samples.value(USAGE, &[ACME]), Some(4_492e9));
    assert_eq!(
        samples.value("lyvecloud_credential_last_accepted_timestamp_seconds", &[ACME]),
        Some(at(NOW).as_second() as f64)
    );
    assert_eq!(stage.simulator.request_count(None), requests, "the vendor was not asked");
}

#[tokio::test]
async fn intervals_change_without_a_poll() {
    let stage = Stage::new().await;
    let _acme = stage.acme();
    let place = Place::new();
    place.write(&accounts(&stage, &["acme"]));
    let exporter = place.exporter(&stage).await;
    stage.simulator.forget_requests();
    let text = accounts(&stage, &["acme"]);
    place.write(&format!(
        "{text}poll: {{current_usage: 2m, max_concurrent_requests: 1}}\ndata_max_age: 12h\n"
    ));
    assert_eq!(reload(&exporter).await.status, 200);
    // Two minutes after the last poll, not after the reload and not after fifteen.
    exporter.next_poll("acme", Collector::CURRENT_USAGE, minutes(2)).await;
    assert_eq!(stage.simulator.request_count(Endpoint::CurrentUsage), 1);
    assert_eq!(stage.simulator.request_count(Endpoint::ServiceAccounts), 0);
    stage.simulator.fail_always(None, Fault::empty(500));
    exporter.advance(hours(12)).await;
    assert_eq!(exporter.scrape().await.value(USAGE, &[ACME]), None, "withdrawn by the new age");
}

#[tokio::test]
async fn filters_and_the_length_of_the_history_show_at_once() {
    let stage = Stage::new().await;
    let (acme, _) = stage.acme();
    let _acme = acme.month(month(2025, 11), &[("backups", 100.0)]);
    let place = Place::new();
    let text = accounts(&stage, &["acme"]);
    place.write(&text);
    let exporter = place.exporter(&stage).await;
    let polls = |count| {
        move |store: &Store| {
            let state = store.account("acme").unwrap().state();
            state.health(Collector::CURRENT_USAGE).polls >= count
                && state.health(Collector::MONTHLY_USAGE).polls >= count
        }
    };
    place.write(&format!("{text}series: {{buckets: {{exclude: [media]}}}}\nhistory: {{months: 12}}\n"));
    assert_eq!(reload(&exporter).await.status, 200);
    exporter.until("usage and months were asked for anew", polls(2)).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.all("lyvecloud_bucket_usage_bytes", &[ACME]), [534.5e9]);
    let monthly = "lyvecloud_bucket_monthly_average_usage_bytes";
    assert_eq!(samples.all(monthly, &[ACME, ("bucket", "media")]), [0.0; 0]);
    assert_eq!(samples.value(monthly, &[ACME, ("month", "2025-11")]), Some(100e9));

    // Switched off: its series go, and nothing more is asked. Switched on again: it starts.
    place.write(&format!("{text}history: {{months: 0}}\n"));
    assert_eq!(reload(&exporter).await.status, 200);
    let samples = exporter.scrape().await;
    assert_eq!(samples.all(monthly, &[ACME]), [0.0; 0]);
    assert_eq!(samples.all("lyvecloud_collector_up", &[ACME, ("collector", "monthly_usage")]), [0.0; 0]);
    let asked = stage.simulator.request_count(Endpoint::MonthlyUsage);
    exporter.next_poll("acme", Collector::CURRENT_USAGE, hours(7)).await;
    assert_eq!(stage.simulator.request_count(Endpoint::MonthlyUsage), asked);
    place.write(&text);
    assert_eq!(reload(&exporter).await.status, 200);
    exporter.until("the months were asked for", polls(1)).await;
    assert_eq!(exporter.scrape().await.all(monthly, &[ACME]).len(), 4);
}

#[tokio::test]
async fn a_poll_that_was_begun_under_another_filter_is_begun_anew() {
    let stage = Stage::new().await;
    let _acme = stage.acme();
    let place = Place::new();
    let text = accounts(&stage, &["acme"]);
    place.write(&text);
    stage.simulator.fail_once(Endpoint::CurrentUsage, Fault::HangBeforeHeaders);
    let exporter = stage.exporter_from(place.load(), Some(place.loader())).await;
    stage.simulator.wait_for_requests(Endpoint::CurrentUsage, 1).await;
    place.write(&format!("{text}series: {{buckets: {{include: [media]}}}}\n"));
    assert_eq!(reload(&exporter).await.status, 200);
    exporter.until("everything was polled once", |store| store.ready()).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.all("lyvecloud_bucket_usage_bytes", &[ACME]), [3957.5e9]);
    let failures = samples.all("lyvecloud_collector_failures_total", &[ACME]);
    assert_eq!(failures.iter().sum::<f64>(), 0.0, "given up by us, not failed");
}

#[tokio::test]
async fn reloads_under_load_are_done_one_after_the_other() {
    let stage = Stage::new().await;
    let _acme = stage.acme();
    let place = Place::new();
    place.write(&accounts(&stage, &["acme"]));
    let exporter = place.exporter(&stage).await;
    let answers = futures_util::future::join_all((0..100).map(|_| reload(&exporter))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert!(exporter.reloader.reload().await.is_ok(), "the signal's way is the same");
    exporter.stop().await.unwrap();
}

#[tokio::test]
async fn without_a_configuration_to_read_a_reload_is_good() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let exporter = stage.polled_exporter(config).await;
    exporter.advance(minutes(1)).await;
    assert_eq!(reload(&exporter).await.status, 200);
    assert_eq!(gauges(&exporter).await, (1.0, at(NOW).as_second() as f64 + 60.0));
}

#[tokio::test]
async fn a_loader_that_panics_is_a_failed_reload_and_no_more() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let loader = Loader::new(|| panic!("injected"));
    let exporter = stage.exporter_from(config, Some(loader)).await;
    exporter.until("everything was polled once", |store| store.ready()).await;
    assert_eq!(reload(&exporter).await.status, 500);
    let samples = exporter.scrape().await;
    assert_eq!(samples.value(SUCCESSFUL, &[]), Some(0.0));
    assert_eq!(samples.value("lyvecloud_exporter_task_panics_total", &[("task", "reload")]), Some(1.0));
    exporter.next_poll("acme", Collector::CURRENT_USAGE, minutes(15)).await;
}

#[tokio::test]
async fn the_methods_of_the_reload() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let exporter = stage.exporter(config).await;
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
        let answer = request(exporter.address, method, "/-/reload", &[]).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    }
    for (header, value, status) in [
        ("origin", "http://evil.example", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("sec-fetch-site", "same-origin", 200),
        ("origin", "http://localhost", 200),
    ] {
        let answer = request(exporter.address, Method::POST, "/-/reload", &[(header, value)]).await;
        assert_eq!(answer.status, status, "{header}: {value}");
    }
    let mut deps = stage.deps(Config::of(vec![stage.account("acme")]));
    deps.web.enable_lifecycle = false;
    let closed = stage.start(deps).await;
    let answer = request(closed.address, Method::POST, "/-/reload", &[]).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("--web.enable-lifecycle"));
}

#[tokio::test]
async fn alertmanagers_come_and_go() {
    let stage = Stage::new().await;
    let _acme = stage.acme();
    let place = Place::new();
    let text = format!("accounts:\n{}", entry(&stage, "acme", ", credential: {expires: '2026-11-26'}"));
    place.write(&text);
    let exporter = place.exporter(&stage).await;
    let posts = "lyvecloud_exporter_notifications_total";
    assert_eq!(exporter.scrape().await.all(posts, &[]), [0.0; 0]);

    // Nobody listens there, so every post fails, and is counted.
    place.write(&format!("{text}alertmanager: {{urls: ['http://127.0.0.1:1']}}\n"));
    assert_eq!(reload(&exporter).await.status, 200);
    let labels = [("alertmanager", "http://127.0.0.1:1"), ("result", "failed")];
    let posted = async {
        while exporter.scrape().await.value(posts, &labels).unwrap() < 2.0 {
            exporter.advance(minutes(1)).await;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), posted).await.expect("posts to the new one");

    place.write(&format!("{text}alertmanager: {{urls: ['http://127.0.0.1:2']}}\n"));
    assert_eq!(reload(&exporter).await.status, 200);
    let samples = exporter.scrape().await;
    assert_eq!(samples.all(posts, &[("alertmanager", "http://127.0.0.1:1")]), [0.0; 0]);
    assert_eq!(samples.all(posts, &[("alertmanager", "http://127.0.0.1:2")]).len(), 2);

    place.write(&text);
    assert_eq!(reload(&exporter).await.status, 200);
    assert_eq!(exporter.scrape().await.all(posts, &[]), [0.0; 0]);
}

#[tokio::test]
async fn a_poll_can_be_asked_for_once_a_minute() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let collectors = Collector::ACCOUNT_V2;
    let exporter = stage.polled_exporter(config.clone()).await;
    let poll = async || request(exporter.address, Method::POST, "/-/poll", &[]).await;
    assert_eq!(poll().await.status, 202);
    let polled = |count| {
        move |store: &Store| {
            let state = store.snapshot().remove(0);
            collectors.iter().all(|collector| state.health(*collector).polls == count)
        }
    };
    exporter.until("everything was polled once more", polled(2)).await;
    stage.clock.advance(std::time::Duration::from_secs(20));
    let answer = poll().await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("40")));
    stage.clock.advance(std::time::Duration::from_secs(40));
    assert_eq!(poll().await.status, 202);
    exporter.until("and once more", polled(3)).await;

    for method in [Method::GET, Method::PUT] {
        let answer = request(exporter.address, method, "/-/poll", &[]).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    }
    let foreign = [("sec-fetch-site", "cross-site")];
    assert_eq!(request(exporter.address, Method::POST, "/-/poll", &foreign).await.status, 403);
    let mut deps = stage.deps(config);
    deps.web.enable_lifecycle = false;
    let closed = stage.start(deps).await;
    assert_eq!(request(closed.address, Method::POST, "/-/poll", &[]).await.status, 403);
}

/// A regular poll asks for the second answer after half a minute. Whoever asks for a poll is not left waiting for it.
#[tokio::test]
async fn a_poll_that_was_asked_for_confirms_itself_at_once() {
    let stage = Stage::new().await;
    let (acme, config) = stage.acme();
    acme.set_service_account_expiry("sa-1", at("2026-11-30T00:00:00Z"));
    let exporter = stage.polled_exporter(config).await;
    let listed = async || {
        let id = [("credential_id", "sa-1")];
        exporter.scrape().await.all("lyvecloud_credential_expiry_timestamp_seconds", &id).len()
    };
    assert_eq!(listed().await, 1);
    acme.remove_service_account("sa-1");
    assert_eq!(request(exporter.address, Method::POST, "/-/poll", &[]).await.status, 202);
    exporter
        .until("the service accounts were polled twice more", |store| {
            store.snapshot()[0].health(Collector::SERVICE_ACCOUNTS).polls == 3
        })
        .await;
    assert_eq!(listed().await, 0);
    assert_eq!(exporter.now(), at(NOW));
}

#[tokio::test]
async fn service_accounts_are_polled_oftener_around_an_end_date() {
    for (end, wait) in [
        ("2026-11-30T00:00:00Z", minutes(15)),
        ("2026-11-20T00:00:00Z", minutes(15)),
        ("2026-12-24T00:00:00Z", hours(1)),
        ("2026-11-01T00:00:00Z", hours(1)),
    ] {
        let stage = Stage::new().await;
        let (acme, config) = stage.acme();
        acme.set_service_account_expiry("sa-1", at(end));
        let exporter = stage.polled_exporter(config).await;
        let due = lyve_cloud_exporter::clock::after(at(NOW), wait);
        let scheduled =
            |store: &Store| store.snapshot()[0].health(Collector::SERVICE_ACCOUNTS).next_attempt == Some(due);
        exporter.until(&format!("the next poll for {end} is known"), scheduled).await;
    }
}
