//! A backfill while a daemon watches the same accounts.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use lyve_cloud_exporter::config::Config;
use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::simulator::{Endpoint, Fault};

use super::{PATIENCE, said};
use crate::backfill::site::Site;
use crate::stage::minutes;

/// Everything by which a file that was touched could be told from one that was not.
fn stamp(path: &Path) -> (Vec<u8>, u64, i64, i64) {
    let metadata = std::fs::metadata(path).unwrap();
    (std::fs::read(path).unwrap(), metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
}

#[tokio::test]
async fn neither_knows_of_the_other() {
    let site = Site::new().await;
    let undisturbed = site.text(&[]).await;
    let state = site.path("state.json");
    site.configure("state_file: state.json\n");
    let accounts = ["acme", "globex"].map(|name| site.stage.account(name));
    let mut config = Config::of(accounts.into());
    config.state_file = Some(state.clone());
    let exporter = site.stage.polled_exporter(config).await;
    let written = async {
        while !state.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, written).await.expect("a state file");
    let logins = site.stage.simulator.request_count(Endpoint::Login);

    // The clock stands still meanwhile, so that the daemon does not write again.
    let before = stamp(&state);
    assert_eq!(site.text(&[]).await, undisturbed);
    assert!(stamp(&state) == before, "the state file is not touched");
    assert_eq!(site.stage.simulator.request_count(Endpoint::Login), logins + 2, "a session of its own each");

    // The daemon polls in the midst of another one.
    let queries = site.queries();
    site.stage.simulator.fail_once(Endpoint::MonthlyUsage, Fault::Delay(Duration::from_secs(2)));
    let backfill = site.run(&["--output=past.om"]);
    let polls = async {
        site.stage.simulator.wait_for_requests(Endpoint::MonthlyUsage, queries + 1).await;
        for account in ["acme", "globex"] {
            exporter.next_poll(account, Collector::CURRENT_USAGE, minutes(15)).await;
        }
        assert!(!site.path("past.om").exists(), "the backfill is still under way");
    };
    let (output, ()) = tokio::join!(backfill, polls);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(std::fs::read_to_string(site.path("past.om")).unwrap(), undisturbed);

    let samples = exporter.scrape().await;
    for account in ["acme", "globex"] {
        assert_eq!(samples.value("lyvecloud_up", &[("account", account)]), Some(1.0));
        let failures = samples.all("lyvecloud_collector_failures_total", &[("account", account)]);
        assert_eq!(failures.iter().sum::<f64>(), 0.0, "{account}");
        let old = [("account", account), ("month", super::FROM)];
        let old = samples.value("lyvecloud_account_monthly_average_usage_bytes", &old);
        assert_eq!(old, None, "{account}: the daemon shows no more of the past than before");
    }
    exporter.stop().await.unwrap();
    let kept = lyve_cloud_exporter::store::state_file::read(&state, &lyve_cloud_exporter::poll::formats())
        .unwrap()
        .expect("a state file");
    assert_eq!(kept.accounts.len(), 2);
    assert!(!String::from_utf8(std::fs::read(&state).unwrap()).unwrap().contains(super::FROM));
}
