//! What goes wrong in exporters, one by one: a fault at the vendor, and what the exporter must make of it.

use std::time::Duration;

use lyve_cloud_exporter::config::{Config, SecretSource};
use lyve_cloud_exporter::model::{Collector, Expiry};
use lyve_cloud_exporter::simulator::{Endpoint, Fault};

use crate::stage::{NOW, Stage, at, hours, minutes, month};

const ACME: (&str, &str) = ("account", "acme");
const CURRENT: (&str, &str) = ("collector", "current_usage");
const USAGE: &str = "lyvecloud_account_usage_bytes";

fn failures(reason: &'static str) -> [(&'static str, &'static str); 3] {
    [ACME, CURRENT, ("reason", reason)]
}

#[tokio::test]
async fn a_lapsed_token_costs_one_login_and_one_replay() {
    let stage = Stage::new().await;
    let (acme, config) = stage.acme();
    let exporter = stage.polled_exporter(config).await;
    assert_eq!(stage.simulator.request_count(Endpoint::Login), 1, "five collectors share one login");

    acme.revoke_sessions();
    exporter.next_poll("acme", Collector::CURRENT_USAGE, minutes(15)).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.value("lyvecloud_collector_up", &[ACME, CURRENT]), Some(1.0));
    assert_eq!(samples.value("lyvecloud_logins_total", &[ACME, ("result", "accepted")]), Some(2.0));
    assert_eq!(stage.simulator.request_count(Endpoint::Login), 2);
}

#[tokio::test]
async fn a_token_that_is_never_good_brings_no_storm_of_logins() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    stage.simulator.fail_always(Endpoint::CurrentUsage, Fault::error(400, "ExpiredToken ", "expired"));
    let exporter = stage.polled_exporter(config).await;
    assert_eq!(stage.simulator.request_count(Endpoint::CurrentUsage), 2, "one request and one replay");
    assert!(stage.simulator.request_count(Endpoint::Login) <= 2);
    for _ in 0..24 {
        exporter.next_poll("acme", Collector::CURRENT_USAGE, hours(1)).await;
    }
    let samples = exporter.scrape().await;
    assert_eq!(samples.value("lyvecloud_collector_failures_total", &failures("auth")), Some(25.0));
    // One for each poll of the faulty endpoint, one for each hour's check of the credentials, and the first.
    assert!(stage.simulator.request_count(Endpoint::Login) <= 25 + 25 + 1);
}

#[tokio::test]
async fn lost_credentials_do_not_hammer_the_login_for_a_week() {
    let stage = Stage::new().await;
    let (acme, config) = stage.acme();
    let exporter = stage.polled_exporter(config).await;
    acme.delete_credentials();
    stage.simulator.forget_requests();
    for _ in 0..7 * 24 {
        exporter.next_poll("acme", Collector::CREDENTIALS, hours(1)).await;
    }
    let logins = stage.simulator.request_count(Endpoint::Login);
    assert!((24..=7 * 24 + 10).contains(&logins), "{logins} logins in a week");
    let samples = exporter.scrape().await;
    assert_eq!(
        samples
            .value("lyvecloud_credential_status", &[ACME, ("kind", "account_api"), ("status", "rejected")]),
        Some(1.0)
    );
}

#[tokio::test]
async fn a_new_secret_in_its_file_is_used_without_a_restart() {
    let stage = Stage::new().await;
    let (acme, mut config) = stage.acme();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("secret");
    // With a newline at its end, as editors and `echo` leave it.
    std::fs::write(&file, format!("{}\n", acme.pair().1)).unwrap();
    config.accounts[0].secret = SecretSource::File(file.clone());
    config.accounts[0].credential = Expiry::Never;
    let exporter = stage.polled_exporter(config).await;
    let rejected = [ACME, ("kind", "account_api"), ("status", "rejected")];
    let never = [ACME, ("kind", "account_api"), ("status", "never_expires")];
    assert_eq!(exporter.scrape().await.value("lyvecloud_credential_status", &never), Some(1.0));

    let secret = acme.regenerate();
    exporter.next_poll("acme", Collector::CREDENTIALS, hours(1)).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.value("lyvecloud_credential_status", &rejected), Some(1.0));
    assert_eq!(samples.value("lyvecloud_logins_total", &[ACME, ("result", "rejected")]), Some(1.0));

    std::fs::write(&file, format!("{secret}\n")).unwrap();
    // Seconds, not the wait after a rejected login.
    exporter.next_poll("acme", Collector::CREDENTIALS, Duration::from_secs(5)).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.value("lyvecloud_credential_status", &rejected), Some(0.0));
    assert_eq!(samples.value("lyvecloud_credential_status", &never), Some(1.0));
}

#[tokio::test]
async fn half_an_answer_is_no_answer() {
    let stage = Stage::new().await;
    let (acme, config) = stage.acme();
    let exporter = stage.polled_exporter(config).await;
    acme.set_bucket_usage("backups", 1.0);
    stage.simulator.fail_once(Endpoint::CurrentUsage, Fault::Truncated);
    exporter.next_poll("acme", Collector::CURRENT_USAGE, minutes(15)).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.value(USAGE, &[ACME]), Some(4_492e9));
    assert_eq!(samples.all("lyvecloud_bucket_usage_bytes", &[ACME]), [534.5e9, 3957.5e9]);
    assert_eq!(samples.value("lyvecloud_collector_up", &[ACME, CURRENT]), Some(0.0));
}

#[tokio::test]
async fn a_history_is_whole_or_not_there() {
    let stage = Stage::new().await;
    let (_, mut config) = stage.acme();
    config.history.months = 12;
    let monthly = "lyvecloud_account_monthly_average_usage_bytes";
    // Of the two queries that twelve months take, the second one fails.
    stage.simulator.fail_once(Endpoint::MonthlyUsage, Fault::Delay(Duration::ZERO));
    stage.simulator.fail_once(Endpoint::MonthlyUsage, Fault::empty(500));
    let exporter = stage.polled_exporter(config).await;
    assert_eq!(exporter.scrape().await.all(monthly, &[ACME]), [0.0; 0]);
    exporter.next_poll("acme", Collector::MONTHLY_USAGE, minutes(1)).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.value(monthly, &[ACME, ("month", "2026-09")]), Some(3500e9));
    assert_eq!(samples.value(monthly, &[ACME, ("month", "2026-10")]), Some(4020e9));
    assert_eq!(samples.all(monthly, &[ACME]).len(), 2, "months without data are absent");
}

#[tokio::test]
async fn a_vendor_that_asks_to_wait_is_given_its_time() {
    for (fault, reason) in [
        (Fault::error(429, "TooManyRequests", "slow down").retry_after("600"), "rate_limited"),
        (Fault::error(503, "ServiceNotReady", "later").retry_after("600"), "server"),
    ] {
        let stage = Stage::new().await;
        let (acme, config) = stage.acme();
        acme.fail_once(Endpoint::CurrentUsage, fault);
        let exporter = stage.polled_exporter(config).await;
        assert_eq!(stage.simulator.request_count(Endpoint::CurrentUsage), 1, "not repeated at once");
        // Another collector's poll shows that the time has passed for all.
        exporter.next_poll("acme", Collector::CREDENTIALS, minutes(9)).await;
        assert_eq!(stage.simulator.request_count(Endpoint::CurrentUsage), 1);
        exporter.next_poll("acme", Collector::CURRENT_USAGE, minutes(1)).await;
        let samples = exporter.scrape().await;
        assert_eq!(samples.value("lyvecloud_collector_failures_total", &failures(reason)), Some(1.0));
        assert_eq!(samples.value("lyvecloud_collector_up", &[ACME, CURRENT]), Some(1.0));
    }
}

#[tokio::test]
async fn requests_under_way_are_capped() {
    let stage = Stage::new().await;
    stage.simulator.configure(|settings| settings.latency = Duration::from_millis(20));
    let names: Vec<String> = (0..20).map(|number| format!("account-{number:02}")).collect();
    let accounts = names.iter().map(|name| {
        stage.simulator.account(name).bucket("data", 1.0);
        stage.account(name)
    });
    let mut config = Config::of(accounts.collect());
    config.poll.max_concurrent_requests = 3;
    stage.polled_exporter(config).await;
    assert_eq!(stage.simulator.max_in_flight(), 3);
}

#[tokio::test]
async fn one_bad_account_hides_no_other() {
    let stage = Stage::new().await;
    stage.simulator.account("good").bucket("data", 1.0);
    stage.simulator.account("bad").bucket("data", 1.0).delete_credentials();
    stage.simulator.account("slow").bucket("data", 1.0).fail_always(None, Fault::HangBeforeHeaders);
    let mut config = Config::of(["bad", "good", "slow"].map(|name| stage.account(name)).into());
    config.poll.timeout = Duration::from_millis(200);
    let exporter = stage.polled_exporter(config).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.value(USAGE, &[("account", "good")]), Some(1e9));
    for (account, up) in [("bad", 0.0), ("good", 1.0), ("slow", 0.0)] {
        assert_eq!(samples.value("lyvecloud_up", &[("account", account)]), Some(up), "{account}");
    }
    let reason = |account, reason| [("account", account), CURRENT, ("reason", reason)];
    assert_eq!(samples.value("lyvecloud_collector_failures_total", &reason("bad", "auth")), Some(1.0));
    assert_eq!(samples.value("lyvecloud_collector_failures_total", &reason("slow", "timeout")), Some(1.0));
}

#[tokio::test]
async fn one_bad_endpoint_hides_no_other() {
    let stage = Stage::new().await;
    let (acme, config) = stage.acme();
    acme.fail_always(Endpoint::Permissions, Fault::error(403, "NoServiceAvailable", "none"));
    let exporter = stage.polled_exporter(config).await;
    let samples = exporter.scrape().await;
    let up = |collector| samples.value("lyvecloud_collector_up", &[ACME, ("collector", collector)]);
    assert_eq!(up("permissions"), Some(0.0));
    for collector in ["current_usage", "monthly_usage", "credentials", "service_accounts"] {
        assert_eq!(up(collector), Some(1.0), "{collector}");
    }
    let forbidden = [ACME, ("collector", "permissions"), ("reason", "forbidden")];
    assert_eq!(samples.value("lyvecloud_collector_failures_total", &forbidden), Some(1.0));
    assert_eq!(samples.value("lyvecloud_up", &[ACME]), Some(0.0));
}

#[tokio::test]
async fn the_last_good_value_stays_with_its_age_until_it_is_too_old() {
    let stage = Stage::new().await;
    let (acme, mut config) = stage.acme();
    config.data_max_age = hours(7);
    let exporter = stage.polled_exporter(config).await;
    let success = "lyvecloud_collector_last_success_timestamp_seconds";
    let attempt = "lyvecloud_collector_last_attempt_timestamp_seconds";
    let first = at(NOW).as_second() as f64;
    acme.fail_always(Endpoint::CurrentUsage, Fault::empty(500));

    exporter.next_poll("acme", Collector::CURRENT_USAGE, hours(6)).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.value(USAGE, &[ACME]), Some(4_492e9), "a failure is no zero");
    assert_eq!(samples.value(success, &[ACME, CURRENT]), Some(first), "a failure is no success");
    assert_eq!(samples.value(attempt, &[ACME, CURRENT]), Some(first + 6.0 * 3600.0));
    assert_eq!(samples.value("lyvecloud_collector_polls_total", &[ACME, CURRENT]), Some(2.0));

    exporter.advance(hours(1)).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.value(USAGE, &[ACME]), None, "withdrawn without any poll");
    assert_eq!(samples.all("lyvecloud_bucket_usage_bytes", &[ACME]), [0.0; 0]);
    assert_eq!(samples.value(success, &[ACME, CURRENT]), Some(first));
}

#[tokio::test]
async fn a_vendor_that_is_down_at_the_start_is_told_and_recovered_from() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    stage.simulator.stop().await;
    let exporter = stage.polled_exporter(config).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.value("lyvecloud_up", &[ACME]), Some(0.0));
    assert_eq!(samples.value("lyvecloud_collector_failures_total", &failures("connect")), Some(1.0));
    assert_eq!(samples.value(USAGE, &[ACME]), None);

    stage.simulator.start_again().await.unwrap();
    stage.clock.advance(hours(1));
    exporter.until("every collector works", |store| store.snapshot()[0].up()).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.value("lyvecloud_up", &[ACME]), Some(1.0));
    assert_eq!(samples.value(USAGE, &[ACME]), Some(4_492e9));
}

#[tokio::test]
async fn scrapes_are_served_while_the_vendor_hangs_and_no_request_is_left_behind() {
    let stage = Stage::new().await;
    let (_, mut config) = stage.acme();
    config.poll.timeout = Duration::from_millis(1500);
    stage.simulator.fail_always(None, Fault::HangBeforeHeaders);
    let exporter = stage.exporter(config).await;
    stage.simulator.wait_for_requests(Endpoint::Login, 1).await;
    let scrapes = (0..50).map(|_| exporter.scrape());
    let scrapes = futures_util::future::join_all(scrapes).await;
    assert!(!exporter.store.ready(), "the polls were still under way");
    for samples in scrapes {
        assert_eq!(samples.value("lyvecloud_up", &[ACME]), Some(0.0));
    }

    exporter.until("every poll was given up", |store| store.ready()).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.value("lyvecloud_collector_failures_total", &failures("timeout")), Some(1.0));
    stage.simulator.clear_faults();
    // Dropping a request closes its connection, which the vendor sees in its own time.
    let gone = async {
        while stage.simulator.in_flight() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("no request left behind");
}

#[tokio::test]
async fn what_the_vendor_no_longer_lists_is_gone_at_the_next_poll() {
    let stage = Stage::new().await;
    let (acme, config) = stage.acme();
    let exporter = stage.polled_exporter(config).await;
    acme.remove_bucket("media");
    acme.remove_service_account("sa-1");
    acme.remove_permission("p-1");
    exporter.next_poll("acme", Collector::CURRENT_USAGE, minutes(15)).await;
    let inventory_polled = async |times| {
        exporter
            .until("the inventory was polled", |store| {
                let state = &store.snapshot()[0];
                [Collector::SERVICE_ACCOUNTS, Collector::PERMISSIONS]
                    .iter()
                    .all(|c| state.health(*c).polls == times)
            })
            .await;
    };
    stage.clock.advance(hours(1));
    inventory_polled(2).await;
    // A list that is empty all at once counts when it is empty again, soon.
    let samples = exporter.scrape().await;
    assert_eq!(samples.all("lyvecloud_service_account_enabled", &[ACME]), [1.0]);
    assert_eq!(samples.all("lyvecloud_permission_ready", &[ACME]), [1.0]);
    assert_eq!(samples.value("lyvecloud_up", &[ACME]), Some(1.0));
    stage.clock.advance(Duration::from_secs(30));
    inventory_polled(3).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.all("lyvecloud_bucket_usage_bytes", &[ACME]), [534.5e9]);
    assert_eq!(samples.value("lyvecloud_account_buckets", &[ACME]), Some(1.0));
    assert_eq!(samples.all("lyvecloud_service_account_enabled", &[ACME]), [0.0; 0]);
    assert_eq!(samples.all("lyvecloud_credential_status", &[ACME, ("kind", "service_account")]), [0.0; 0]);
    assert_eq!(samples.all("lyvecloud_permission_ready", &[ACME]), [0.0; 0]);
}

#[tokio::test]
async fn a_bucket_that_is_listed_twice_is_kept_once_and_counted() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let body = r#"{"usageByBucket": {"numBuckets": "3", "totalUsageGB": 3, "surprise": [1], "buckets": [
        {"name": "a", "usageGB": 1}, {"name": "a", "usageGB": "2"}, {"name": "b", "usageGB": -5},
        {"name": "c", "usageGB": 1e300}, {"name": "", "usageGB": 1}, {"name": "d", "usageGB": null}]}}"#;
    stage.simulator.fail_once(Endpoint::CurrentUsage, Fault::raw("application/json", body));
    let exporter = stage.polled_exporter(config).await;
    let samples = exporter.scrape().await;
    let bucket = |name| samples.value("lyvecloud_bucket_usage_bytes", &[ACME, ("bucket", name)]);
    assert_eq!(bucket("a"), Some(1e9), "the first one is kept");
    assert_eq!(bucket("b"), None);
    assert_eq!(samples.value(USAGE, &[ACME]), Some(3e9));
    let dropped = |reason| samples.value("lyvecloud_series_dropped_total", &[ACME, ("reason", reason)]);
    assert_eq!(dropped("duplicate"), Some(1.0));
    assert_eq!(dropped("invalid"), Some(3.0));
    assert_eq!(samples.value("lyvecloud_collector_up", &[ACME, CURRENT]), Some(1.0));
}

#[tokio::test]
async fn names_are_data() {
    let stage = Stage::new().await;
    let names =
        ["a\"b", "new\nline", "back\\slash", "{}=,#", "\u{202e}rtl", "😀", "<script>alert(1)</script>"];
    let long = "x".repeat(300);
    let names: Vec<&str> = names.into_iter().chain([long.as_str()]).collect();
    let mut acme = stage.simulator.account("acme");
    for name in &names {
        acme = acme.bucket(name, 2.0);
    }
    drop(acme);
    let exporter = stage.polled_exporter(Config::of(vec![stage.account("acme")])).await;
    let samples = exporter.scrape().await;
    for name in names {
        let labels = [ACME, ("bucket", name)];
        assert_eq!(samples.value("lyvecloud_bucket_usage_bytes", &labels), Some(2e9), "{name:?}");
    }
}

#[tokio::test]
async fn totals_have_names_of_their_own() {
    let stage = Stage::new().await;
    let (_, config) = stage.acme();
    let samples = stage.polled_exporter(config).await.scrape().await;
    let parts: f64 = samples.all("lyvecloud_bucket_usage_bytes", &[ACME]).iter().sum();
    assert_eq!(
        samples.value(USAGE, &[ACME]),
        Some(parts),
        "the sum of the parts is not counted among the parts"
    );
}

#[tokio::test]
async fn the_window_of_months_moves_with_the_clock() {
    let stage = Stage::on("2026-12-31T23:00:00Z").await;
    let (_, config) = stage.acme();
    let exporter = stage.polled_exporter(config).await;
    let last_query = || {
        let requests = stage.simulator.requests();
        let monthly = requests.iter().rev().find(|request| request.endpoint == Endpoint::MonthlyUsage);
        monthly.and_then(|request| request.query.clone()).unwrap()
    };
    assert_eq!(last_query(), "fromMonth=5&fromYear=2026&toMonth=10&toYear=2026");
    let acme = stage.simulator.account("acme").month(month(2026, 12), &[("backups", 600.0)]);
    exporter.next_poll("acme", Collector::MONTHLY_USAGE, hours(1)).await;
    assert_eq!(exporter.now(), at("2027-01-01T00:00:00Z"), "the turn of the month makes a poll due");
    assert_eq!(last_query(), "fromMonth=6&fromYear=2026&toMonth=11&toYear=2026");
    let samples = exporter.scrape().await;
    let december = [ACME, ("month", "2026-12")];
    assert_eq!(samples.value("lyvecloud_account_monthly_average_usage_bytes", &december), Some(600e9));
    drop(acme);
}

#[tokio::test]
async fn an_expiry_stays_shown_when_its_date_passes_and_a_renewal_replaces_it() {
    let stage = Stage::new().await;
    let (acme, mut config) = stage.acme();
    // So that no poll comes in between.
    config.poll.inventory = hours(13);
    config.accounts[0].credential_warning = Some(Vec::new());
    acme.set_service_account_expiry("sa-1", at("2026-11-25T00:00:00Z"));
    let exporter = stage.polled_exporter(config).await;
    let labels = [ACME, ("kind", "service_account"), ("credential_id", "sa-1")];
    let expiry = "lyvecloud_credential_expiry_timestamp_seconds";
    let status = |status| [labels[0], labels[1], labels[2], ("status", status)];
    let samples = exporter.scrape().await;
    assert_eq!(samples.value("lyvecloud_credential_status", &status("expires")), Some(1.0));

    exporter.advance(hours(12)).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.value(expiry, &labels), Some(at("2026-11-25T00:00:00Z").as_second() as f64));
    assert_eq!(
        samples.value("lyvecloud_credential_status", &status("expired")),
        Some(1.0),
        "no poll is needed to see it"
    );

    acme.set_service_account_expiry("sa-1", at("2027-11-25T00:00:00Z"));
    exporter.next_poll("acme", Collector::SERVICE_ACCOUNTS, hours(2)).await;
    let samples = exporter.scrape().await;
    assert_eq!(
        samples.value(expiry, &labels),
        Some(at("2027-11-25T00:00:00Z").as_second() as f64),
        "one series, not two"
    );
    assert_eq!(samples.value("lyvecloud_credential_status", &status("expires")), Some(1.0));
}

#[tokio::test]
async fn the_exporter_only_reads() {
    let stage = Stage::new().await;
    let (acme, config) = stage.acme();
    let exporter = stage.polled_exporter(config).await;
    acme.revoke_sessions();
    for _ in 0..26 {
        exporter.next_poll("acme", Collector::CREDENTIALS, hours(1)).await;
    }
    assert_eq!(stage.simulator.violations(), []);
}
