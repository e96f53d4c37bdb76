//! A clock that jumps: set right, set wrong, or of a machine that slept.

use lyve_cloud_exporter::config::Config;
use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::simulator::{Endpoint, Fault};

use super::play::{
    Log, assert_failures, assert_nothing_leaked, change_everything, config, data_of, full_account, interval,
    play, scrape, settle,
};
use crate::stage::{Exporter, NOW, Stage, at, hours, minutes};

const ACME: &str = "acme";

async fn set_the_stage(
    change: impl FnOnce(&mut Config),
) -> (Stage, lyve_cloud_exporter::simulator::SimulatedAccount, Exporter) {
    let stage = Stage::new().await;
    let (vendor, account) = full_account(&stage, ACME);
    let mut config = config(vec![account]);
    change(&mut config);
    let exporter = stage.polled_exporter(config).await;
    stage.simulator.forget_requests();
    (stage, vendor, exporter)
}

async fn everything_polled(exporter: &Exporter, times: u64) {
    let polled =
        |_: &_| Collector::ACCOUNT_V2.iter().all(|collector| exporter.polls(ACME, *collector) == times);
    exporter.until(&format!("everything was polled {times} times"), polled).await;
}

async fn assert_all_is_well(stage: &Stage, exporter: &Exporter, log: &Log) {
    let samples = &scrape(exporter).await[ACME];
    assert_eq!(samples.value("lyvecloud_up", &[]), Some(1.0));
    for collector in Collector::ACCOUNT_V2 {
        assert_failures(samples, (ACME, collector), None, 0.0);
        assert_eq!(log.warnings().of(ACME, collector), [] as [serde_json::Value; 0]);
    }
    assert_nothing_leaked(stage, exporter, log).await;
}

#[test]
fn a_day_forwards_is_one_poll_each_and_no_storm_to_catch_up() {
    play(async |log| {
        let (stage, vendor, exporter) = set_the_stage(|_| ()).await;
        change_everything(&vendor);
        stage.clock.advance(hours(24));
        // Between the jump and the polls what is known is a day old, which is too old to be shown.
        everything_polled(&exporter, 2).await;
        settle(&stage, &exporter).await;
        assert!(Collector::ACCOUNT_V2.iter().all(|collector| exporter.polls(ACME, *collector) == 2));
        // The token died on the way, and all of them share the new one.
        assert_eq!(stage.simulator.request_count(Endpoint::Login), 1);
        let samples = &scrape(&exporter).await[ACME];
        assert_eq!(samples.value("lyvecloud_account_usage_bytes", &[]), Some(1e9));
        let end = (at(NOW).as_second() + 2 * 86_400) as f64;
        assert_eq!(samples.value("lyvecloud_session_expiry_timestamp_seconds", &[]), Some(end));
        assert_all_is_well(&stage, &exporter, &log).await;
    });
}

#[test]
fn a_year_forwards_asks_for_the_months_of_that_year() {
    play(async |log| {
        let (stage, _, exporter) = set_the_stage(|_| ()).await;
        stage.clock.advance(hours(365 * 24));
        everything_polled(&exporter, 2).await;
        let requests = stage.simulator.requests();
        let monthly: Vec<_> = requests.iter().filter(|r| r.endpoint == Endpoint::MonthlyUsage).collect();
        let [one] = monthly.as_slice() else { panic!("{monthly:#?}") };
        assert_eq!(one.query.as_deref(), Some("fromMonth=4&fromYear=2027&toMonth=9&toYear=2027"));
        assert_eq!(data_of(&scrape(&exporter).await[ACME], Collector::MONTHLY_USAGE), [], "none has data");
        assert_all_is_well(&stage, &exporter, &log).await;
    });
}

#[test]
fn an_hour_backwards_loses_nothing_and_asks_no_more() {
    play(async |log| {
        let (stage, vendor, exporter) = set_the_stage(|_| ()).await;
        let before = scrape(&exporter).await;
        change_everything(&vendor);
        stage.clock.set(at("2026-11-24T11:00:00Z"));
        settle(&stage, &exporter).await;
        assert_eq!(stage.simulator.request_count(None), 0, "nothing is due");
        let samples = scrape(&exporter).await;
        for collector in Collector::ACCOUNT_V2 {
            let found = data_of(&samples[ACME], collector);
            assert_eq!(found, data_of(&before[ACME], collector), "an answer of the future is shown as well");
        }
        // What was due at an instant is due at it still, and the poll after that is an interval away.
        stage.clock.set(at("2026-11-24T12:05:00Z"));
        exporter.until("polled", |_| exporter.polls(ACME, Collector::CREDENTIALS) == 2).await;
        stage.clock.set(at("2026-11-24T12:15:00Z"));
        exporter.until("polled", |_| exporter.polls(ACME, Collector::CURRENT_USAGE) == 2).await;
        let samples = &scrape(&exporter).await[ACME];
        assert_eq!(samples.value("lyvecloud_account_usage_bytes", &[]), Some(1e9));
        assert_all_is_well(&stage, &exporter, &log).await;
    });
}

#[test]
fn a_month_backwards_moves_the_window_back() {
    play(async |log| {
        let (stage, _, exporter) = set_the_stage(|_| ()).await;
        // The poll in the middle of the jump works with whatever the clock says when it begins.
        stage.clock.set(at("2026-10-31T23:59:59Z"));
        settle(&stage, &exporter).await;
        assert_eq!(stage.simulator.request_count(None), 0);
        stage.clock.set(at("2026-11-24T18:00:00Z"));
        everything_polled(&exporter, 2).await;
        let requests = stage.simulator.requests();
        let monthly = requests.iter().find(|r| r.endpoint == Endpoint::MonthlyUsage);
        let query = monthly.and_then(|request| request.query.as_deref());
        assert_eq!(query, Some("fromMonth=4&fromYear=2026&toMonth=9&toYear=2026"));
        assert_all_is_well(&stage, &exporter, &log).await;
    });
}

#[test]
fn a_rejection_is_not_stretched_by_a_clock_that_is_set_back() {
    play(async |log| {
        let (stage, vendor, exporter) = set_the_stage(|config| config.poll.verify_login = hours(1)).await;
        // A rejection at one o'clock, remembered for a minute.
        vendor.fail_once(Endpoint::Login, Fault::error(403, "AuthenticationFailed", "canary"));
        stage.clock.advance(hours(1));
        exporter.until("the login was rejected", |_| exporter.state(ACME).logins.rejected_at.is_some()).await;
        settle(&stage, &exporter).await;
        let logins = stage.simulator.request_count(Endpoint::Login);
        assert_eq!(logins, 1);
        // Half an hour back. The rejection lies in the future, which is no reason to believe it.
        stage.clock.set(at("2026-11-24T12:30:00Z"));
        settle(&stage, &exporter).await;
        assert_eq!(stage.simulator.request_count(Endpoint::Login), logins, "nothing is due");
        stage.clock.set(at("2026-11-24T13:01:00Z"));
        exporter.until("all works", |store| store.snapshot()[0].up()).await;
        let polls: u64 = Collector::ACCOUNT_V2.iter().map(|collector| exporter.polls(ACME, *collector)).sum();
        assert!(stage.simulator.request_count(Endpoint::Login) as u64 <= polls);
        let rejected = [("kind", "account_api"), ("status", "rejected")];
        let samples = &scrape(&exporter).await[ACME];
        assert_eq!(samples.value("lyvecloud_credential_status", &rejected), Some(0.0));
        assert_nothing_leaked(&stage, &exporter, &log).await;
    });
}

#[test]
fn data_of_the_future_is_withdrawn_by_its_own_age() {
    play(async |log| {
        let (stage, vendor, exporter) = set_the_stage(|config| config.data_max_age = hours(7)).await;
        vendor.fail_always(Endpoint::CurrentUsage, Fault::empty(500));
        let shown = async || scrape(&exporter).await[ACME].value("lyvecloud_account_usage_bytes", &[]);
        stage.clock.set(at("2026-11-23T12:00:00Z"));
        assert_eq!(shown().await, Some(4492e9));
        stage.clock.set(at("2026-11-24T18:59:59Z"));
        assert_eq!(shown().await, Some(4492e9));
        stage.clock.set(at("2026-11-24T19:00:00Z"));
        assert_eq!(shown().await, None);
        settle(&stage, &exporter).await;
        assert_nothing_leaked(&stage, &exporter, &log).await;
    });
}

#[test]
fn many_small_steps_are_no_more_polls_than_one_large_one() {
    play(async |log| {
        let (stage, _, exporter) = set_the_stage(|_| ()).await;
        for step in 1..=72 {
            stage.clock.advance(minutes(5));
            let wanted = |collector| 1 + step * 300 / interval(collector).as_secs();
            let polled = |_: &_| Collector::ACCOUNT_V2.iter().all(|c| exporter.polls(ACME, *c) == wanted(*c));
            exporter.until(&format!("step {step}: each interval had its poll"), polled).await;
        }
        assert_eq!(stage.simulator.request_count(Endpoint::Login), 0);
        assert_all_is_well(&stage, &exporter, &log).await;
    });
}
