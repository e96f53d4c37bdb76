//! How much the log says of many accounts: next to nothing while all is well, and a few lines of an outage.

use serde_json::Value;

use lyve_cloud_exporter::config::Config;
use lyve_cloud_exporter::simulator::Fault;

use super::play::{Log, play, settle};
use crate::stage::{Stage, minutes};

const ACCOUNTS: usize = 200;

/// The lines at `info` and above, as level and message.
fn lines(log: &Log) -> Vec<(String, String)> {
    let word = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let lines = log.text();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("an object a line"));
    let lines = lines.map(|line| (word(&line, "level"), word(&line, "msg")));
    lines.filter(|(level, _)| matches!(level.as_str(), "info" | "warn" | "error")).collect()
}

#[test]
fn an_hour_of_two_hundred_accounts_is_a_few_lines_whether_they_work_or_not() {
    play(async |log| {
        let stage = Stage::new().await;
        let accounts = (0..ACCOUNTS).map(|number| stage.account(&format!("account-{number:03}")));
        let exporter = stage.polled_exporter(Config::of(accounts.collect())).await;
        let polls = || -> u64 {
            let states = exporter.store.snapshot();
            let of_all = states.iter().flat_map(|state| {
                state.spec.collectors.iter().map(|collector| state.health(*collector).polls)
            });
            of_all.sum()
        };
        let hour = async || {
            let before = polls();
            for _ in 0..60 {
                stage.clock.advance(minutes(1));
                settle(&stage, &exporter).await;
            }
            polls() - before
        };
        assert!(hour().await > 1000, "an hour of polls");
        let quiet = lines(&log);
        assert!(quiet.len() <= 10, "{quiet:#?}");

        stage.simulator.fail_always(None, Fault::empty(503));
        let failed = hour().await;
        assert!(failed > 1000, "{failed}");
        let outage = lines(&log).split_off(quiet.len());
        let count = |message: &str| outage.iter().filter(|(_, said)| said == message).count();
        assert_eq!(count("poll failed"), 50);
        assert!((4..=6).contains(&count("polls failing")), "{outage:#?}");
        assert_eq!(outage.len(), count("poll failed") + count("polls failing"), "{outage:#?}");
    });
}
