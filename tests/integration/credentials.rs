//! What is known of the account's own pair of credentials, checked against what is seen.

use lyve_cloud_exporter::model::{Collector, Expiry};
use lyve_cloud_exporter::simulator::Endpoint;

use crate::stage::{Exporter, NOW, Stage, at, hours, minutes};

/// The status of acme's own pair: the one that is 1.
async fn status(exporter: &Exporter) -> String {
    let samples = exporter.scrape().await;
    let own = [("account", "acme"), ("kind", "account_api")];
    let shown: Vec<_> = samples
        .matching("lyvecloud_credential_status", &own)
        .filter(|sample| sample.value.to_bits() == 1.0_f64.to_bits())
        .map(|sample| sample.labels["status"].clone())
        .collect();
    assert_eq!(shown.len(), 1, "exactly one status is 1: {shown:?}");
    shown[0].clone()
}

#[tokio::test]
async fn past_the_configured_date_a_fresh_login_is_tried_at_once() {
    let end = at("2026-11-24T12:12:00Z");
    // Whether the vendor keeps to that date decides what the pair becomes.
    for (ends, becomes) in [(true, "expired"), (false, "unknown")] {
        let stage = Stage::new().await;
        let (acme, mut config) = stage.acme();
        config.accounts[0].credential = Expiry::At(end);
        if ends {
            acme.expire_credentials_at(end);
        }
        let exporter = stage.polled_exporter(config).await;
        assert_eq!(status(&exporter).await, "expires");
        for _ in 0..2 {
            exporter.next_poll("acme", Collector::CREDENTIALS, minutes(5)).await;
        }
        assert_eq!(
            stage.simulator.request_count(Endpoint::Login),
            1,
            "the session lives, and was only looked at"
        );

        exporter.next_poll("acme", Collector::CREDENTIALS, minutes(2)).await;
        assert_eq!(exporter.now(), end, "not at the next interval, and not when the session ends");
        assert_eq!(stage.simulator.request_count(Endpoint::Login), 2);
        exporter.next_poll("acme", Collector::CREDENTIALS, hours(1)).await;
        assert_eq!(status(&exporter).await, becomes);
        let expiry = [("account", "acme"), ("kind", "account_api")];
        let shown = exporter.scrape().await.value("lyvecloud_credential_expiry_timestamp_seconds", &expiry);
        assert_eq!(shown, Some(end.as_second() as f64), "the date stays shown after it has passed");
    }
}

#[tokio::test]
async fn a_regenerated_pair_is_found_within_one_interval_of_verification() {
    let stage = Stage::new().await;
    let (acme, mut config) = stage.acme();
    config.accounts[0].credential = Expiry::At(at("2027-01-31T00:00:00Z"));
    let exporter = stage.polled_exporter(config).await;
    let accepted = || exporter.state("acme").logins.last_accepted;
    assert_eq!(accepted(), Some(at(NOW)));
    acme.regenerate();
    exporter.next_poll("acme", Collector::CREDENTIALS, hours(1)).await;
    assert_eq!(status(&exporter).await, "rejected");
    assert_eq!(accepted(), Some(at(NOW)), "the last login that worked is still told");
    let samples = exporter.scrape().await;
    assert_eq!(
        samples.value("lyvecloud_session_expiry_timestamp_seconds", &[]),
        None,
        "its session is dead with it"
    );
}

#[tokio::test]
async fn service_accounts_have_the_status_that_their_dates_say() {
    use lyve_cloud_exporter::simulator::{ExpirationDate, ServiceAccount};
    let stage = Stage::on("2022-11-10T00:00:00Z").await;
    let text = |text: &str| ExpirationDate::Text(text.to_owned());
    let cases = [
        ("none", ExpirationDate::Missing, "unknown", None),
        ("null", ExpirationDate::Null, "unknown", None),
        ("never", ExpirationDate::Never, "never_expires", None),
        ("date", text("2022-11-15"), "expires", Some("2022-11-15T00:00:00Z")),
        ("instant", text("2022-11-15T14:02:20.319Z"), "expires", Some("2022-11-15T14:02:20.319Z")),
        ("offset", text("2022-11-15T01:00:00+02:00"), "expires", Some("2022-11-14T23:00:00Z")),
        ("past", text("2022-11-09"), "expired", Some("2022-11-09T00:00:00Z")),
        ("today", text("2022-11-10"), "expired", Some("2022-11-10T00:00:00Z")),
        ("no-day", text("2026-02-30"), "unknown", None),
        ("far", text("9999-12-31"), "expires", Some("9999-12-30T22:00:00.999Z")),
        ("text", text("soon"), "unknown", None),
    ];
    let mut acme = stage.simulator.account("acme");
    for (id, date, _, _) in &cases {
        acme = acme.service_account(ServiceAccount::new(id, id).expires(date.clone()));
    }
    let exporter =
        stage.polled_exporter(lyve_cloud_exporter::config::Config::of(vec![stage.account("acme")])).await;
    let samples = exporter.scrape().await;
    for (id, _, status, end) in cases {
        let labels = [("kind", "service_account"), ("credential_id", id), ("status", status)];
        assert_eq!(samples.value("lyvecloud_credential_status", &labels), Some(1.0), "{id}");
        assert_eq!(samples.all("lyvecloud_credential_status", &labels[..2]).iter().sum::<f64>(), 1.0, "{id}");
        let shown = samples.value("lyvecloud_credential_expiry_timestamp_seconds", &labels[..2]);
        assert_eq!(shown, end.map(|end| at(end).as_millisecond() as f64 / 1000.0), "{id}");
    }
}
