//! `renew` is killed at each of its steps: nothing is lost, and nothing is made twice.

use std::time::Duration;

use lyve_cloud_exporter::simulator::{Endpoint, Fault};
use tokio::process::Child;

use super::site::{PATIENCE, Site, said};
use crate::programs::eventually;

const RENEW: [&str; 5] = ["service-accounts", "renew", "sa-1", "--secret-file=pair.json", "--yes"];

/// Starts a renewal, and kills it with no chance to clean up once it has come as far as this.
async fn killed(site: &Site, reached: impl AsyncFnMut() -> Option<()>) {
    let mut child: Child = site.manage(&RENEW).spawn().unwrap();
    eventually("the renewal is as far as this", reached).await;
    child.kill().await.unwrap();
    // The connection is gone with the process.
    eventually("nothing is under way", async || (site.simulator.in_flight() == 0).then_some(())).await;
    site.simulator.clear_faults();
}

/// Runs the same command until it has nothing more to say against it, doing what it says in between.
async fn cured(site: &Site) -> String {
    for _ in 0..4 {
        let output = tokio::time::timeout(PATIENCE, site.manage(&RENEW).output()).await.unwrap().unwrap();
        let told = said(&output).to_owned();
        if output.status.success() {
            let [old, new] = &site.acme.service_accounts()[..] else { panic!("{told}") };
            assert!(old.id() == "sa-1" && old.is_enabled() && new.is_enabled());
            assert_eq!(site.pair_in("pair.json"), site.issued(new.id()));
            return told;
        }
        assert!(site.acme.service_accounts().len() <= 2, "nothing is made twice: {told}");
        // It says which file to remove and what to delete.
        if told.contains("pair.json") && told.contains("holds no secret") {
            std::fs::remove_file(site.path("pair.json")).unwrap();
        }
        if let Some((_, id)) = told.trim_end().rsplit_once(" service-accounts delete ")
            && told.contains("If its secret is lost")
        {
            site.done(&["service-accounts", "delete", id, "--yes"]).await;
        }
    }
    panic!("never cured");
}

#[tokio::test]
async fn killed_before_the_vendor_was_asked_for_anything_new() {
    for endpoint in [Endpoint::Login, Endpoint::ServiceAccount, Endpoint::ServiceAccounts] {
        let site = Site::new().await;
        site.simulator.fail_once(endpoint, Fault::HangBeforeHeaders);
        killed(&site, async || (site.simulator.request_count(endpoint) == 1).then_some(())).await;
        assert!(!site.path("pair.json").exists(), "{endpoint:?}");
        assert_eq!(site.acme.service_accounts().len(), 1);
        cured(&site).await;
        assert_eq!(site.simulator.request_count(Endpoint::CreateServiceAccount), 1);
    }
}

#[tokio::test]
async fn killed_while_the_vendor_had_made_nothing_yet() {
    let site = Site::new().await;
    site.simulator.fail_once(Endpoint::CreateServiceAccount, Fault::HangBeforeHeaders);
    let asked = async || (site.simulator.request_count(Endpoint::CreateServiceAccount) == 1).then_some(());
    killed(&site, asked).await;
    assert_eq!(site.acme.service_accounts().len(), 1);
    let told = site.rejected(1, &RENEW).await;
    assert!(told.contains("an interrupted run left it, and it holds no secret: remove it"), "{told}");
    cured(&site).await;
    assert_eq!(site.simulator.request_count(Endpoint::CreateServiceAccount), 2, "the first came to nothing");
}

#[tokio::test]
async fn killed_when_the_vendor_had_made_it_and_nobody_had_read_the_secret() {
    let site = Site::new().await;
    site.simulator.fail_once(Endpoint::CreateServiceAccount, Fault::HangMidBody);
    killed(&site, async || (site.acme.service_accounts().len() == 2).then_some(())).await;
    let lost = site.acme.service_accounts()[1].clone();
    let told = site.rejected(1, &RENEW).await;
    assert!(told.contains(&format!("was already renewed by \"{}\" ({})", lost.name(), lost.id())), "{told}");
    assert!(told.contains("pair.json holds no secret: an interrupted run left it"), "{told}");
    assert_eq!(site.simulator.request_count(Endpoint::CreateServiceAccount), 1);
    cured(&site).await;
    assert!(site.service_account(lost.id()).is_none());
}

#[tokio::test]
async fn killed_while_it_waited_for_the_new_one_to_be_ready() {
    let site = Site::new().await;
    site.simulator.configure(|settings| settings.ready_after = Duration::from_secs(3600));
    let stored = async || {
        let text = std::fs::read_to_string(site.path("pair.json")).unwrap_or_default();
        text.contains("\"secret\"").then_some(())
    };
    killed(&site, stored).await;
    let new = site.acme.service_accounts()[1].id().to_owned();
    assert_eq!(site.pair_in("pair.json"), site.issued(&new), "it was safe before anything else was done");
    // The vendor is done with it.
    site.simulator.fail_once(Endpoint::ServiceAccount, Fault::Delay(Duration::ZERO));
    let ready =
        format!(r#"{{"id":"{new}","name":"x","enabled":true,"readyState":true,"expirationDate":""}}"#);
    site.simulator.fail_once(Endpoint::ServiceAccount, Fault::raw("application/json", ready));
    let told = cured(&site).await;
    assert!(told.contains("was already created, and its pair is in the file"), "{told}");
    assert_eq!(site.simulator.request_count(Endpoint::CreateServiceAccount), 1);
}

#[tokio::test]
async fn killed_at_any_moment() {
    // Steps that no request marks: the file is made, written, and cut to its length in between.
    for delay in [0_u64, 5, 10, 20, 40, 80, 160] {
        let site = Site::new().await;
        let mut child: Child = site.manage(&RENEW).spawn().unwrap();
        eventually("it has begun", async || (site.simulator.request_count(None) > 0).then_some(())).await;
        tokio::time::sleep(Duration::from_millis(delay)).await;
        child.kill().await.unwrap();
        eventually("nothing is under way", async || (site.simulator.in_flight() == 0).then_some(())).await;
        cured(&site).await;
    }
}
