//! A pair of credentials that is replaced at the vendor and then in its file, with both APIs.

use std::path::Path;
use std::time::Duration;

use lyve_cloud_exporter::config::{Account, Config, SecretSource};
use lyve_cloud_exporter::simulator::{self, Fault};

use crate::stage::{Exporter, Stage, fill_archive, hours, minutes};

const NAME: &str = "acme";

/// An account of either API, with its secret in a file.
enum Vendor {
    AccountV2(simulator::SimulatedAccount),
    ObjectStorage(simulator::ObjectStorageAccount),
}

impl Vendor {
    fn both(stage: &Stage, file: &Path) -> [(Self, Config); 2] {
        let with_file =
            |account| Config::of(vec![Account { secret: SecretSource::File(file.into()), ..account }]);
        let (account_v2, _) = stage.acme();
        let archive = fill_archive(stage.simulator.object_storage_account(NAME));
        [
            (Self::AccountV2(account_v2.secret("first")), with_file(stage.account(NAME))),
            (Self::ObjectStorage(archive.secret("first")), with_file(stage.object_storage_account(NAME))),
        ]
    }

    fn rotate(&self, secret: &str) {
        match self {
            Self::AccountV2(account) => account.regenerate_as(&account.pair().0, secret),
            Self::ObjectStorage(account) => account.rotate(&account.pair().0, secret),
        }
    }

    fn fail_always(&self, fault: Fault) {
        match self {
            Self::AccountV2(account) => account.fail_always(None, fault),
            Self::ObjectStorage(account) => account.fail_always(None, fault),
        }
    }
}

/// The status of the account's own pair: the one that is 1.
async fn status(exporter: &Exporter) -> String {
    let samples = exporter.scrape().await;
    let shown = samples.matching("lyvecloud_credential_status", &[("kind", "account_api")]);
    let mut shown = shown.filter(|sample| sample.value > 0.0).map(|sample| sample.labels["status"].clone());
    shown.next().expect("a status that is 1")
}

async fn all_works(exporter: &Exporter) {
    exporter
        .walk_until("all works with the new secret", |exporter| {
            exporter.store.snapshot().iter().all(|state| state.up())
        })
        .await;
}

/// An exporter whose secret has been replaced at the vendor, and was rejected since.
async fn rejected(stage: &Stage, vendor: &Vendor, config: Config) -> Exporter {
    let exporter = stage.polled_exporter(config).await;
    assert_eq!(exporter.scrape().await.value("lyvecloud_up", &[]), Some(1.0));
    vendor.rotate("second");
    stage.clock.advance(hours(1));
    exporter
        .walk_until("the old secret is rejected", |exporter| exporter.state(NAME).logins.rejected())
        .await;
    exporter
}

#[tokio::test]
async fn a_secret_that_was_rotated_is_picked_up_from_its_file() {
    let stage = Stage::new().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("secret");
    for (vendor, config) in Vendor::both(&stage, &file) {
        std::fs::write(&file, "first\n").unwrap();
        let exporter = rejected(&stage, &vendor, config).await;
        assert_eq!(status(&exporter).await, "rejected");
        let samples = exporter.scrape().await;
        assert_eq!(samples.value("lyvecloud_up", &[]), Some(0.0));
        assert!(samples.value("lyvecloud_account_usage_bytes", &[]).is_some(), "the last good one stays");
        // It is remembered: the vendor is not hammered with it.
        stage.simulator.forget_requests();
        exporter.walk(Duration::from_secs(50)).await;
        let asked = stage.simulator.request_count(None);
        assert!(asked <= 1, "{asked} requests in less than a minute");

        std::fs::write(&file, "second\n").unwrap();
        all_works(&exporter).await;
        assert_ne!(status(&exporter).await, "rejected");
        exporter.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_secret_that_could_not_be_read_is_used_as_soon_as_it_can_be() {
    let stage = Stage::new().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("secret");
    for (_vendor, config) in Vendor::both(&stage, &file) {
        std::fs::write(&file, "first\n").unwrap();
        let exporter = stage.polled_exporter(config).await;
        let before = status(&exporter).await;
        std::fs::remove_file(&file).unwrap();
        // Sessions end meanwhile, and the waits after failures have grown.
        exporter.walk(minutes(5)).await;
        stage.clock.advance(hours(48));
        exporter
            .walk_until("nothing can be read", |exporter| {
                let state = exporter.state(NAME);
                state.spec.collectors.iter().all(|collector| state.health(*collector).failing.is_some())
            })
            .await;
        exporter.walk(minutes(20)).await;
        assert_eq!(status(&exporter).await, before, "nobody rejected it");
        let page = exporter.get("/").await.text();
        assert!(page.contains("The exporter cannot read its credentials"), "{page}");

        stage.simulator.forget_requests();
        std::fs::write(&file, "first\n").unwrap();
        exporter.walk(Duration::from_secs(10)).await;
        exporter.until("all works again", |store| store.snapshot().iter().all(|state| state.up())).await;
        assert!(stage.simulator.request_count(None) > 0);
        exporter.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_new_secret_that_the_vendor_cannot_judge_yet_is_tried_once_and_not_in_a_loop() {
    let stage = Stage::new().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("secret");
    for (vendor, config) in Vendor::both(&stage, &file) {
        std::fs::write(&file, "first\n").unwrap();
        let exporter = rejected(&stage, &vendor, config).await;
        vendor.fail_always(Fault::empty(503).header("retry-after", "900"));
        stage.simulator.forget_requests();
        std::fs::write(&file, "second\n").unwrap();
        exporter.walk(minutes(10)).await;
        let asked = stage.simulator.request_count(None);
        // Each collector may have asked once, and once more for a login.
        assert!((1..=10).contains(&asked), "{asked} requests in ten minutes");

        stage.simulator.clear_faults();
        all_works(&exporter).await;
        assert_ne!(status(&exporter).await, "rejected");
        exporter.stop().await.unwrap();
    }
}
