//! The whole way of an account of the vendor's current platform: simulator, exporter, `/metrics`.

use std::collections::BTreeMap;
use std::time::Duration;

use lyve_cloud_exporter::config::Config;
use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::model::Reason;
use lyve_cloud_exporter::simulator::{Endpoint, ErrorForm, Fault, User};

use crate::samples::Samples;
use crate::stage::{Exporter, NOW, Stage, at, fill_archive, hours, minutes};

const ARCHIVE: &str = "archive";

/// After a 403 the same is asked once more.
const SECOND_TRY: Duration = Duration::from_secs(10);

const DAY: f64 = 86_400.0;

fn second(text: &str) -> f64 {
    at(text).as_second() as f64
}

fn failures(samples: &Samples, collector: Collector, reason: Reason) -> Option<f64> {
    let labels = [("account", ARCHIVE), ("collector", collector.name()), ("reason", reason.name())];
    samples.value("lyvecloud_collector_failures_total", &labels)
}

fn up(samples: &Samples, collector: Collector) -> Option<f64> {
    samples.value("lyvecloud_collector_up", &[("account", ARCHIVE), ("collector", collector.name())])
}

/// Each series of a metric by one of its labels.
fn by(samples: &Samples, metric: &str, label: &str) -> BTreeMap<String, f64> {
    samples.matching(metric, &[]).map(|sample| (sample.labels[label].clone(), sample.value)).collect()
}

fn map(entries: &[(&str, f64)]) -> BTreeMap<String, f64> {
    entries.iter().map(|(label, value)| ((*label).to_owned(), *value)).collect()
}

async fn status(exporter: &Exporter) -> String {
    let samples = exporter.scrape().await;
    let own = [("account", ARCHIVE), ("kind", "account_api")];
    let shown: Vec<_> = samples
        .matching("lyvecloud_credential_status", &own)
        .filter(|sample| sample.value > 0.5)
        .map(|sample| sample.labels["status"].clone())
        .collect();
    assert_eq!(shown.len(), 1, "exactly one status is 1: {shown:?}");
    shown[0].clone()
}

#[tokio::test]
async fn everything_that_the_platform_tells_is_shown() {
    let stage = Stage::new().await;
    let (_, config) = stage.archive();
    let exporter = stage.polled_exporter(config).await;
    let samples = exporter.scrape().await;
    let value = |metric: &str| samples.value(metric, &[("account", ARCHIVE)]);
    assert_eq!(value("lyvecloud_up"), Some(1.0));
    assert_eq!(value("lyvecloud_account_usage_bytes"), Some(6_485_663_588_183.0));
    assert_eq!(value("lyvecloud_account_ghost_bytes"), Some(402_901_552_935.0));
    assert_eq!(value("lyvecloud_account_objects"), Some(18_499.0));
    // The day that is not over is not shown.
    let day = value("lyvecloud_usage_data_timestamp_seconds").unwrap();
    assert!(day <= second("2026-11-24T00:00:00Z") && day >= second("2026-11-23T00:00:00Z"), "{day}");

    // The deleted bucket has statistics still, and the buckets do not add up to what is billed.
    assert_eq!(value("lyvecloud_account_buckets"), Some(2.0));
    let sizes = by(&samples, "lyvecloud_bucket_usage_bytes", "bucket");
    assert_eq!(sizes, map(&[("backups", 534_500_000_000.0), ("media", 3_957_500_000_000.0)]));
    let objects = by(&samples, "lyvecloud_bucket_objects", "bucket");
    assert_eq!(objects, map(&[("backups", 1_200.0), ("media", 9_000.0)]));

    for (metric, east, west) in [
        ("lyvecloud_region_day_upload_bytes", 1_000.0, 5.0),
        ("lyvecloud_region_day_download_bytes", 200.0, 6.0),
        ("lyvecloud_region_day_delete_bytes", 30.0, 7.0),
    ] {
        let found: Vec<f64> = by(&samples, metric, "region").into_values().collect();
        assert_eq!(found, [west, east], "{metric}, in the order of the names");
    }

    let months = by(&samples, "lyvecloud_account_monthly_average_usage_bytes", "month");
    let each = 6_485_663_588_183.0;
    assert_eq!(months, map(&[("2026-08", each), ("2026-09", each), ("2026-10", each)]));

    let created = by(&samples, "lyvecloud_access_key_created_timestamp_seconds", "access_key_id");
    let old = second("2026-02-01T00:00:00Z");
    let fresh = second("2026-11-01T00:00:00Z");
    assert_eq!(
        created,
        map(&[("AKOFF", second("2026-02-02T00:00:00Z")), ("AKOLD", old), ("AKOWNER", fresh)])
    );
    let due = by(&samples, "lyvecloud_access_key_rotation_due_timestamp_seconds", "access_key_id");
    assert_eq!(
        due,
        map(&[("AKOLD", old + 90.0 * DAY), ("AKOWNER", fresh + 90.0 * DAY)]),
        "not the one that is off"
    );
    let must_change = by(&samples, "lyvecloud_user_password_change_required", "user");
    assert_eq!(must_change, map(&[("j.doe", 1.0), ("owner", 0.0), ("veeam", 0.0)]));

    assert_eq!(status(&exporter).await, "never_expires");
    assert_eq!(stage.simulator.violations(), [], "it only reads");
    assert_eq!(stage.simulator.request_count(Endpoint::Other), 0);
}

#[tokio::test]
async fn what_moves_at_the_vendor_moves_here() {
    let stage = Stage::new().await;
    let (archive, config) = stage.archive();
    let exporter = stage.polled_exporter(config).await;
    archive.set_bucket("backups", 7, 8);
    archive.delete_bucket("media");
    archive.remove_user("j.doe");
    archive.set_user(User::new("veeam", at("2026-02-01T00:00:00Z")).key("AKNEW", at("2026-11-24T00:00:00Z")));
    exporter.next_poll(ARCHIVE, Collector::BUCKETS, hours(1)).await;
    let polled = |_: &_| Collector::OBJECT_STORAGE.iter().all(|c| exporter.polls(ARCHIVE, *c) == 2);
    exporter.until("everything was polled again", polled).await;
    // A key that a person is warned of is gone once two answers say so.
    let samples = exporter.scrape().await;
    let due = by(&samples, "lyvecloud_access_key_rotation_due_timestamp_seconds", "access_key_id");
    assert!(due.contains_key("AKOLD"), "{due:?}");
    exporter.next_poll(ARCHIVE, Collector::KEYS, Duration::from_secs(30)).await;
    let samples = exporter.scrape().await;
    assert_eq!(by(&samples, "lyvecloud_bucket_usage_bytes", "bucket"), map(&[("backups", 7.0)]));
    assert_eq!(samples.value("lyvecloud_account_buckets", &[]), Some(1.0));
    let created = by(&samples, "lyvecloud_access_key_created_timestamp_seconds", "access_key_id");
    assert_eq!(created.into_keys().collect::<Vec<_>>(), ["AKNEW", "AKOWNER"]);
    let users = by(&samples, "lyvecloud_user_password_change_required", "user");
    assert_eq!(users.into_keys().collect::<Vec<_>>(), ["owner", "veeam"]);

    // The figures of the day before are known from midnight on.
    archive.set_used_space(9);
    stage.clock.set(at("2026-11-25T00:10:00Z"));
    exporter.until("polled", |_| exporter.polls(ARCHIVE, Collector::BILLING) == 3).await;
    assert_eq!(exporter.scrape().await.value("lyvecloud_account_usage_bytes", &[]), Some(9.0));
}

#[tokio::test]
async fn a_key_that_is_not_the_root_users_sees_all_but_what_is_billed() {
    for form in [ErrorForm::Xml, ErrorForm::Json, ErrorForm::Text] {
        let stage = Stage::new().await;
        let (archive, config) = stage.archive();
        archive.set_root(false);
        stage.simulator.configure(|settings| settings.object_storage.error_form = form);
        let exporter = stage.polled_exporter(config).await;
        let samples = exporter.scrape().await;
        assert_eq!(failures(&samples, Collector::BILLING, Reason::Forbidden), Some(1.0), "{form:?}");
        assert_eq!(up(&samples, Collector::BILLING), Some(0.0));
        for collector in [Collector::BUCKETS, Collector::KEYS] {
            assert_eq!(up(&samples, collector), Some(1.0), "{form:?} {collector}");
        }
        assert_eq!(samples.value("lyvecloud_account_usage_bytes", &[]), None);
        assert_eq!(samples.value("lyvecloud_account_buckets", &[]), Some(2.0));
        let health = exporter.state(ARCHIVE).health(Collector::BILLING).clone();
        let message = &health.failing.as_ref().expect("a failure").message;
        assert!(message.contains("root key"), "{message}");
        assert_eq!(status(&exporter).await, "never_expires", "nobody rejected it");

        archive.set_root(true);
        exporter.next_poll(ARCHIVE, Collector::BILLING, minutes(15)).await;
        let samples = exporter.scrape().await;
        assert_eq!(samples.value("lyvecloud_up", &[]), Some(1.0));
        assert_eq!(samples.value("lyvecloud_account_usage_bytes", &[]), Some(6_485_663_588_183.0));
    }
}

#[tokio::test]
async fn the_form_of_the_answers_makes_no_difference() {
    let shown = async |digits: u8, newest_first: bool| {
        let stage = Stage::new().await;
        stage.simulator.configure(|settings| {
            settings.object_storage.date_digits = digits;
            settings.object_storage.newest_first = newest_first;
        });
        let (_, config) = stage.archive();
        let exporter = stage.polled_exporter(config).await;
        let mut samples = exporter.scrape().await;
        let is_data = |name: &str| {
            ["account_", "bucket_", "region_", "access_key_", "user_", "usage_data_"]
                .iter()
                .any(|start| name.strip_prefix("lyvecloud_").is_some_and(|name| name.starts_with(start)))
        };
        samples.0.retain(|sample| is_data(&sample.name));
        assert!(samples.0.len() > 20);
        samples.0
    };
    let usual = shown(0, false).await;
    for digits in 1..=9 {
        assert_eq!(shown(digits, digits % 2 == 0).await, usual, "{digits} digits");
    }
}

#[tokio::test]
async fn an_account_without_anything_has_no_figures_and_no_fault() {
    for null_lists in [false, true] {
        let stage = Stage::new().await;
        stage.simulator.configure(|settings| settings.object_storage.null_lists = null_lists);
        let account = stage.object_storage_account(ARCHIVE);
        let exporter = stage.polled_exporter(Config::of(vec![account])).await;
        let samples = exporter.scrape().await;
        assert_eq!(samples.value("lyvecloud_up", &[]), Some(1.0));
        assert_eq!(samples.value("lyvecloud_account_buckets", &[]), Some(0.0));
        // A zero can mean that there is no data.
        assert_eq!(samples.value("lyvecloud_account_usage_bytes", &[]), None);
        assert_eq!(samples.all("lyvecloud_series_dropped_total", &[]).iter().sum::<f64>(), 0.0);
    }
}

#[tokio::test]
async fn a_lone_403_is_waited_out() {
    let stage = Stage::new().await;
    let (archive, config) = stage.archive();
    let exporter = stage.polled_exporter(config).await;
    let rejected = || Fault::xml_error(403, "SignatureDoesNotMatch", "no");
    archive.fail_once(Endpoint::Billing, rejected());
    stage.simulator.forget_requests();
    stage.clock.advance(minutes(15));
    stage.simulator.wait_for_requests(Endpoint::Billing, 1).await;
    // Until the ten seconds are over, it is not asked again.
    stage.clock.advance(SECOND_TRY - Duration::from_secs(1));
    for _ in 0..3 {
        exporter.get("/-/healthy").await;
    }
    assert_eq!(exporter.polls(ARCHIVE, Collector::BILLING), 1);
    assert_eq!(stage.simulator.request_count(Endpoint::Billing), 1);
    // The poll may have begun to wait after the step of the clock.
    for _ in 0..2 {
        stage.clock.advance(SECOND_TRY);
        exporter.get("/-/healthy").await;
    }
    exporter.until("polled", |_| exporter.polls(ARCHIVE, Collector::BILLING) == 2).await;
    let samples = exporter.scrape().await;
    assert_eq!(failures(&samples, Collector::BILLING, Reason::Auth), Some(0.0));
    assert_eq!(samples.value("lyvecloud_up", &[]), Some(1.0));
    assert_eq!(samples.value("lyvecloud_logins_total", &[("result", "rejected")]), Some(0.0));
}

#[tokio::test]
async fn a_wrong_key_is_rejected_and_nothing_else_is_claimed() {
    let stage = Stage::new().await;
    let (archive, config) = stage.archive();
    archive.delete_credentials();
    let exporter = stage.exporter(config).await;
    exporter.walk_until("everything was tried", |exporter| exporter.store.ready()).await;
    assert_eq!(status(&exporter).await, "rejected");
    let samples = exporter.scrape().await;
    for collector in Collector::OBJECT_STORAGE {
        assert!(failures(&samples, collector, Reason::Auth) >= Some(1.0), "{collector}");
    }
    assert_eq!(samples.value("lyvecloud_account_usage_bytes", &[]), None);
    assert_eq!(samples.value("lyvecloud_account_buckets", &[]), None);
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told_from_a_key_that_is() {
    let stage = Stage::new().await;
    let (_, config) = stage.archive();
    let theirs = lyve_cloud_exporter::clock::Manual::new(at("2026-11-24T13:00:00Z"));
    let vendor =
        lyve_cloud_exporter::simulator::Simulator::start(std::sync::Arc::new(theirs.clone())).await.unwrap();
    let (access_key, secret) = stage.simulator.object_storage_account(ARCHIVE).pair();
    let _archive =
        fill_archive(vendor.object_storage_account(ARCHIVE)).access_key(&access_key).secret(&secret);
    let mut config = config;
    let url: url::Url = vendor.object_storage_url().parse().unwrap();
    if let lyve_cloud_exporter::config::Api::ObjectStorage(api) = &mut config.accounts[0].api {
        (api.iam_url, api.s3_url) = (url.clone(), url);
    }
    let exporter = stage.polled_exporter(config).await;
    let message = |collector| {
        let state = exporter.state(ARCHIVE);
        state
            .health(collector)
            .failing
            .as_ref()
            .map(|failing| failing.message.to_string())
            .unwrap_or_default()
    };
    for collector in Collector::OBJECT_STORAGE {
        assert!(message(collector).contains("clock"), "{collector}: {}", message(collector));
    }
    assert_eq!(status(&exporter).await, "never_expires", "nobody rejected the key");
    theirs.set(at(NOW));
    stage.clock.advance(hours(1));
    theirs.set(exporter.now());
    exporter.until("all works", |store| store.snapshot().iter().all(|state| state.up())).await;
}

#[tokio::test]
async fn accounts_of_both_platforms_do_not_harm_each_other() {
    let stage = Stage::new().await;
    let (_, acme) = stage.acme();
    let (archive, config) = stage.archive();
    archive.fail_always(None, Fault::empty(503));
    let accounts = acme.accounts.into_iter().chain(config.accounts).collect();
    let exporter = stage.polled_exporter(Config::of(accounts)).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.value("lyvecloud_up", &[("account", "acme")]), Some(1.0));
    assert_eq!(samples.value("lyvecloud_up", &[("account", ARCHIVE)]), Some(0.0));
    for collector in Collector::OBJECT_STORAGE {
        assert_eq!(failures(&samples, collector, Reason::Server), Some(1.0), "{collector}");
    }
    let of = |account: &'static str| {
        let mut collectors: Vec<String> = samples
            .matching("lyvecloud_collector_up", &[("account", account)])
            .map(|sample| sample.labels["collector"].clone())
            .collect();
        collectors.sort_unstable();
        collectors
    };
    assert_eq!(
        of("acme"),
        ["credentials", "current_usage", "monthly_usage", "permissions", "service_accounts"]
    );
    assert_eq!(of(ARCHIVE), ["billing", "buckets", "keys"]);
}

#[tokio::test]
async fn a_list_that_comes_in_parts_is_asked_for_to_its_end() {
    let stage = Stage::new().await;
    let (archive, config) = stage.archive();
    let xml = |body: &str| Fault::raw("text/xml", body.to_owned());
    for (endpoint, parts) in [
        (
            Endpoint::ListUsers,
            [
                "<ListUsersResponse><Users><member><UserName>a</UserName></member></Users>\
                 <IsTruncated>true</IsTruncated><Marker>m/1+ =</Marker></ListUsersResponse>",
                "<ListUsersResponse><Users><member><UserName>b</UserName></member></Users>\
                 <IsTruncated>false</IsTruncated></ListUsersResponse>",
            ],
        ),
        (
            Endpoint::ListAccessKeys,
            [
                "<ListAccessKeysResponse><AccessKeyMetadata><member><AccessKeyId>AK1</AccessKeyId>\
                 <CreateDate>2026-11-01T00:00:00Z</CreateDate></member></AccessKeyMetadata>\
                 <IsTruncated>true</IsTruncated><Marker>1</Marker></ListAccessKeysResponse>",
                "<ListAccessKeysResponse><AccessKeyMetadata><member><AccessKeyId>AK2</AccessKeyId>\
                 <CreateDate>2026-11-01T00:00:00Z</CreateDate></member></AccessKeyMetadata></ListAccessKeysResponse>",
            ],
        ),
        (
            Endpoint::ListBuckets,
            [
                "<ListAllMyBucketsResult><Buckets><Bucket><Name>backups</Name></Bucket></Buckets>\
                 <ContinuationToken>m/1+ =</ContinuationToken></ListAllMyBucketsResult>",
                "<ListAllMyBucketsResult><Buckets><Bucket><Name>media</Name></Bucket></Buckets>\
                 </ListAllMyBucketsResult>",
            ],
        ),
    ] {
        parts.into_iter().for_each(|part| archive.fail_once(endpoint, xml(part)));
    }
    // Nobody but those of the list has a key.
    archive.fail_once(Endpoint::UserInfo, Fault::raw("application/json", "[]"));
    archive.fail_once(Endpoint::ListAccessKeys, xml("<ListAccessKeysResponse/>"));
    let exporter = stage.polled_exporter(config).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.value("lyvecloud_up", &[]), Some(1.0));
    assert_eq!(samples.value("lyvecloud_account_buckets", &[]), Some(2.0));
    let keys = by(&samples, "lyvecloud_access_key_created_timestamp_seconds", "access_key_id");
    assert_eq!(keys.into_keys().collect::<Vec<_>>(), ["AK1", "AK2"]);
    let requests = stage.simulator.requests();
    let queries: Vec<_> = requests
        .iter()
        .filter(|request| request.endpoint == Endpoint::ListBuckets)
        .map(|request| request.query.as_deref().unwrap_or_default())
        .collect();
    assert_eq!(queries, ["", "continuation-token=m%2F1%2B+%3D"]);
    assert_eq!(stage.simulator.request_count(Endpoint::ListUsers), 2);
    assert_eq!(
        stage.simulator.request_count(Endpoint::ListAccessKeys),
        3,
        "two of the first user, one of the second"
    );
}

#[tokio::test]
async fn one_answer_without_anything_changes_nothing() {
    let stage = Stage::new().await;
    let (archive, config) = stage.archive();
    let exporter = stage.polled_exporter(config).await;
    let shown = async || {
        let mut samples = exporter.scrape().await;
        let is_data = |name: &str| {
            ["lyvecloud_account_b", "lyvecloud_bucket_", "lyvecloud_access_key_", "lyvecloud_user_"]
                .iter()
                .any(|start| name.starts_with(start))
        };
        samples.0.retain(|sample| is_data(&sample.name));
        samples.0
    };
    let before = shown().await;
    archive.fail_once(Endpoint::ListBuckets, Fault::raw("text/xml", "<ListAllMyBucketsResult/>"));
    archive.fail_once(Endpoint::UserInfo, Fault::raw("application/json", "[]"));
    archive.fail_once(Endpoint::ListUsers, Fault::raw("text/xml", "<ListUsersResponse/>"));
    exporter.next_poll(ARCHIVE, Collector::BUCKETS, hours(1)).await;
    exporter.until("the keys were polled", |_| exporter.polls(ARCHIVE, Collector::KEYS) == 2).await;
    assert_eq!(shown().await, before);
    let samples = exporter.scrape().await;
    let success = samples.value(
        "lyvecloud_collector_last_success_timestamp_seconds",
        &[("account", ARCHIVE), ("collector", "keys")],
    );
    assert_eq!(success, Some(second(NOW)));
    assert_eq!(samples.value("lyvecloud_up", &[]), Some(1.0));
    // Figures that are gone all at once, of buckets that are there, are asked for again as well.
    exporter.next_poll(ARCHIVE, Collector::BUCKETS, Duration::from_secs(30)).await;
    // A clock that moves on within a poll of the keys makes their signatures too old.
    exporter.until("the keys were polled again", |_| exporter.polls(ARCHIVE, Collector::KEYS) == 3).await;
    archive.fail_once(Endpoint::BucketStats, Fault::raw("application/json", "{}"));
    exporter.next_poll(ARCHIVE, Collector::BUCKETS, hours(1)).await;
    assert_eq!(shown().await, before);
}
