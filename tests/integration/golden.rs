//! The demo's accounts on a fixed day give the same bytes, now and later.

use std::sync::Arc;

use lyve_cloud_exporter::clock::{Clock, Manual};
use lyve_cloud_exporter::command::Demo;
use lyve_cloud_exporter::metrics;

use crate::samples::Samples;
use crate::stage::{Exporter, NOW, Stage, at};

/// Families whose values are not in our hands: how long things took, and what the process itself is.
const VARYING: [&str; 4] = [
    "lyvecloud_api_request_duration_seconds",
    "lyvecloud_collector_last_duration_seconds",
    "lyvecloud_exporter_build_info",
    "process_",
];

/// It sends no alerts, and has neither a state file nor a web configuration.
const NOT_IN_THE_DEMO: [&str; 3] = [
    "lyvecloud_exporter_notifications_total",
    "lyvecloud_exporter_state_file_last_write_successful",
    "lyvecloud_exporter_web_config_last_reload_successful",
];

/// The page with every value that varies put out of sight.
fn masked(text: &str) -> String {
    let line = |line: &str| match VARYING.iter().find(|name| line.starts_with(**name)) {
        Some(name) if name.ends_with("build_info") => format!("{name}{{…}} 1\n"),
        Some(_) => format!("{} …\n", line.rsplit_once(' ').map_or(line, |(series, _)| series)),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// The demo's accounts on the tests' day, polled once. The clock stands still, and with it everything that is shown.
pub async fn demo() -> (Stage, Exporter) {
    let clock = Manual::new(at(NOW));
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let demo = Demo::start(&shared).await.unwrap();
    let mut config = demo.config().unwrap();
    // All begin together: a poll that waits for its turn may find a session, and then makes other requests.
    config.poll.max_concurrent_requests = 1000;
    let stage = Stage { clock, simulator: demo.into_simulator() };
    let exporter = stage.polled_exporter(config).await;
    (stage, exporter)
}

pub async fn scrape_of_the_demo() -> String {
    let (_stage, exporter) = demo().await;
    exporter.get("/metrics").await.text()
}

#[tokio::test]
async fn the_demo_gives_the_golden_scrape() {
    let found = masked(&scrape_of_the_demo().await);
    let path = crate::programs::repository("tests/integration/golden.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    if found == golden {
        return;
    }
    let differs = found.lines().zip(golden.lines()).find(|(found, golden)| found != golden);
    panic!(
        "not the golden scrape; if this is meant: UPDATE_GOLDEN=1, and read the difference. First: {differs:#?}"
    );
}

#[tokio::test]
async fn the_demo_shows_every_family_of_the_catalogue() {
    let samples = Samples::parse(&scrape_of_the_demo().await);
    let names = samples.names();
    for family in metrics::catalogue() {
        if NOT_IN_THE_DEMO.contains(&family.name) {
            continue;
        }
        let histogram = format!("{}_bucket", family.name);
        assert!(
            names.contains(family.name) || names.contains(histogram.as_str()),
            "{} is not shown",
            family.name
        );
    }
}
