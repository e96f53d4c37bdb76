//! Keys that are rejected: no collector goes on asking with one, and all of them say why.

use std::time::Duration;

use lyve_cloud_exporter::clock;
use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::model::Reason;
use lyve_cloud_exporter::simulator::{Endpoint, Fault};
use lyve_cloud_exporter::store::AccountState;

use super::super::play::{
    Log, assert_failures, assert_nothing_leaked, config, full_object_storage_account, play, scrape, settle,
};
use crate::stage::{Exporter, Stage, hours};

/// An answer that rejects the key, whatever was asked.
pub struct Row {
    pub name: &'static str,
    fault: Fault,
    /// How often the vendor is asked before the key counts as rejected.
    requests: usize,
    pub says: &'static str,
}

pub fn rows() -> Vec<Row> {
    let xml = |status, code| Fault::xml_error(status, code, "a canary that the vendor says");
    let rejected =
        "the key or its signature is rejected: deleted, switched off, or not the secret of this key";
    let row = |name, fault, requests| Row { name, fault, requests, says: rejected };
    vec![
        row("401 that nobody knows", xml(401, "Canary"), 1),
        row("401 Unauthorized", xml(401, "Unauthorized"), 1),
        row("400 Unauthorized", xml(400, "Unauthorized"), 1),
        row("400 InvalidClientTokenId", xml(400, "InvalidClientTokenId"), 1),
        row("400 IncompleteSignature", xml(400, "IncompleteSignature"), 1),
        row("400 AuthorizationHeaderMalformed", xml(400, "AuthorizationHeaderMalformed"), 1),
        row("400 ExpiredToken in JSON", Fault::error(400, "ExpiredToken", "canary"), 1),
        row("403 SignatureDoesNotMatch", xml(403, "SignatureDoesNotMatch"), 2),
        row("403 InvalidAccessKeyId", xml(403, "InvalidAccessKeyId"), 2),
        row("403 InvalidClientTokenId", xml(403, "InvalidClientTokenId"), 2),
        row("403 in JSON", Fault::error(403, "InactiveAccessKey", "canary"), 2),
    ]
}

/// Moves the clock on to the second tries of those who wait for theirs, until every poll has ended.
async fn second_tries(exporter: &Exporter, polls: u64) {
    let ended =
        |state: &AccountState| Collector::OBJECT_STORAGE.iter().all(|c| state.health(*c).polls >= polls);
    exporter
        .until_in_steps(Duration::from_secs(10), "every poll ended", |store| {
            store.snapshot().iter().all(|state| ended(state))
        })
        .await;
}

#[test]
fn that_are_rejected_from_the_start() {
    play(scene);
}

async fn scene(log: Log) {
    let rows = rows();
    let stage = Stage::new().await;
    let (vendors, accounts): (Vec<_>, Vec<_>) =
        rows.iter().map(|row| full_object_storage_account(&stage, row.name)).unzip();
    for (row, vendor) in rows.iter().zip(&vendors) {
        vendor.fail_always(None, row.fault.clone());
    }
    let exporter = stage.exporter(config(accounts)).await;
    second_tries(&exporter, 1).await;
    let samples = scrape(&exporter).await;
    let warnings = log.warnings();
    let requests = stage.simulator.requests();
    for row in &rows {
        let name = row.name;
        let samples = &samples[name];
        for collector in Collector::OBJECT_STORAGE {
            let key = (name, collector);
            assert_failures(samples, key, Some(Reason::Auth), 1.0);
            warnings.assert_failure(key, Reason::Auth, row.says, 30);
        }
        for metric in ["account_usage_bytes", "account_buckets", "access_key_active"] {
            assert_eq!(samples.all(&format!("lyvecloud_{metric}"), &[]), [] as [f64; 0], "{name}: {metric}");
        }
        let rejected = [("kind", "account_api"), ("status", "rejected")];
        assert_eq!(samples.value("lyvecloud_credential_status", &rejected), Some(1.0), "{name}");
        for (result, count) in [("rejected", 1.0), ("failed", 0.0), ("accepted", 0.0)] {
            let logins = samples.value("lyvecloud_logins_total", &[("result", result)]);
            assert_eq!(logins, Some(count), "{name}: three collectors share one rejection, {result}");
        }
        let asked = requests.iter().filter(|request| request.account.as_deref() == Some(name));
        assert_eq!(asked.count(), row.requests, "{name}: no collector repeats what another was told");
    }

    // The rejection is believed for a minute. Then one of them tries, for all.
    let asked_at = exporter.now();
    stage.simulator.forget_requests();
    let step = Duration::from_secs(5);
    while exporter.now() < clock::after(asked_at, Duration::from_secs(50)) {
        stage.clock.advance(step);
        settle(&stage, &exporter).await;
    }
    assert_eq!(stage.simulator.request_count(None), 0, "within the minute nobody asks");

    // The key is a good one again.
    stage.simulator.clear_faults();
    exporter
        .until_in_steps(Duration::from_secs(30), "all works", |store| {
            store.snapshot().iter().all(|state| state.up())
        })
        .await;
    let samples = scrape(&exporter).await;
    for row in &rows {
        let samples = &samples[row.name];
        assert_eq!(samples.value("lyvecloud_up", &[]), Some(1.0), "{}", row.name);
        let never = [("kind", "account_api"), ("status", "never_expires")];
        assert_eq!(samples.value("lyvecloud_credential_status", &never), Some(1.0), "{}", row.name);
    }
    assert_nothing_leaked(&stage, &exporter, &log).await;
}

/// What only some keys are told of users is done without: the others' ages are still known.
#[test]
fn that_may_not_ask_for_everything() {
    play(async |log| {
        let stage = Stage::new().await;
        let rejections = [
            ("400 not supported", Fault::xml_error(400, "BadRequest", "Action not supported")),
            ("403 AccessDenied", Fault::xml_error(403, "AccessDenied", "canary")),
            ("403 without a body", Fault::empty(403)),
        ];
        let mut accounts = Vec::new();
        for (name, fault) in &rejections {
            let (vendor, account) = full_object_storage_account(&stage, name);
            vendor.fail_always(Endpoint::UserInfo, fault.clone());
            accounts.push(account);
        }
        let exporter = stage.exporter(config(accounts)).await;
        second_tries(&exporter, 1).await;
        let samples = scrape(&exporter).await;
        for (name, _) in &rejections {
            let samples = &samples[*name];
            assert_eq!(samples.value("lyvecloud_up", &[]), Some(1.0), "{name}");
            assert_eq!(
                samples.all("lyvecloud_user_password_change_required", &[]),
                [] as [f64; 0],
                "{name}: not known"
            );
            let keys = samples.all("lyvecloud_access_key_created_timestamp_seconds", &[]);
            assert_eq!(keys.len(), 2, "{name}: those of the users that are listed");
            assert_eq!(log.warnings().of(name, Collector::KEYS), [] as [serde_json::Value; 0]);
        }
        assert_nothing_leaked(&stage, &exporter, &log).await;
    });
}

/// Only the vendor's clear word that the root user's keys may not be listed is one to go on without them. Any other error
/// is an error, and what was known stays.
#[test]
fn of_the_root_user_stay_unless_the_vendor_says_that_they_are_not_listed() {
    play(async |log| {
        let xml = |status, code| Fault::xml_error(status, code, "canary");
        let kept = [
            ("skewed", xml(403, "RequestTimeTooSkewed"), 1, Reason::Request),
            ("expired signature", xml(400, "SignatureExpired"), 1, Reason::Request),
            ("wrong parameters", xml(400, "BadRequest"), 1, Reason::Request),
            ("nobody knows", xml(404, "Canary"), 1, Reason::Request),
            ("moved", Fault::empty(307), 1, Reason::Request),
            ("403 of no known word", xml(403, "Canary"), 2, Reason::Forbidden),
            ("403 without a body", Fault::empty(403), 2, Reason::Connect),
        ];
        let lost = [
            ("denied", xml(403, "AccessDenied"), 2),
            ("not supported", xml(400, "Action not supported"), 1),
            ("no such user", xml(404, "NoSuchEntity"), 1),
        ];
        let stage = Stage::new().await;
        let names = kept.iter().map(|row| row.0).chain(lost.iter().map(|row| row.0));
        let (vendors, accounts): (Vec<_>, Vec<_>) =
            names.map(|name| full_object_storage_account(&stage, name)).unzip();
        let exporter = stage.polled_exporter(config(accounts)).await;
        let faults = kept.iter().map(|row| (&row.1, row.2)).chain(lost.iter().map(|row| (&row.1, row.2)));
        for (vendor, (fault, times)) in vendors.iter().zip(faults) {
            // The keys of `j.doe`, who has none, are asked for before those of the root user, `owner`.
            vendor.fail_once(Endpoint::ListAccessKeys, Fault::raw("text/xml", "<ListAccessKeysResponse/>"));
            (0..times).for_each(|_| vendor.fail_once(Endpoint::ListAccessKeys, fault.clone()));
        }
        stage.clock.advance(hours(1));
        second_tries(&exporter, 2).await;
        let samples = scrape(&exporter).await;
        let keys =
            |name: &str| samples[name].all("lyvecloud_access_key_created_timestamp_seconds", &[]).len();
        for (name, _, _, reason) in kept {
            assert_eq!(keys(name), 3, "{name}: what was known stays");
            assert_failures(&samples[name], (name, Collector::KEYS), Some(reason), 1.0);
        }
        for (name, ..) in lost {
            assert_eq!(keys(name), 2, "{name}: those of the other users");
            assert_failures(&samples[name], (name, Collector::KEYS), None, 0.0);
        }
        assert_nothing_leaked(&stage, &exporter, &log).await;
    });
}
