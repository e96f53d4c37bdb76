//! Clocks that jump, and the edges of days, months and years: which days are asked for, and which day is shown.

use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::simulator::{Endpoint, Figure};

use super::super::play::{
    assert_failures, assert_nothing_leaked, config, full_object_storage_account, play, scrape, settle,
};
use crate::samples::Samples;
use crate::stage::{Exporter, Stage, at, hours};

const ARCHIVE: &str = "archive";

async fn shown(exporter: &Exporter) -> Samples {
    scrape(exporter).await.remove(ARCHIVE).expect("the account")
}

/// The months that are shown, in order.
fn months(samples: &Samples) -> Vec<String> {
    let metric = "lyvecloud_account_monthly_average_usage_bytes";
    let mut months: Vec<String> =
        samples.matching(metric, &[]).map(|sample| sample.labels["month"].clone()).collect();
    months.sort_unstable();
    months
}

#[test]
fn edges_of_days_months_and_years() {
    for (now, day, expected) in [
        ("2026-11-24T00:00:00Z", "2026-11-23T00:00:00Z", ["2026-09", "2026-10"]),
        ("2026-11-24T23:59:59Z", "2026-11-23T00:00:00Z", ["2026-09", "2026-10"]),
        ("2026-11-30T23:59:59Z", "2026-11-29T00:00:00Z", ["2026-09", "2026-10"]),
        ("2026-12-01T00:00:00Z", "2026-11-30T00:00:00Z", ["2026-10", "2026-11"]),
        ("2027-01-01T00:00:00Z", "2026-12-31T00:00:00Z", ["2026-11", "2026-12"]),
        ("2028-02-29T12:00:00Z", "2028-02-28T00:00:00Z", ["2027-12", "2028-01"]),
        ("2028-03-01T00:00:01Z", "2028-02-29T00:00:00Z", ["2028-01", "2028-02"]),
        ("2027-03-01T00:00:01Z", "2027-02-28T00:00:00Z", ["2027-01", "2027-02"]),
    ] {
        play(async |log| {
            let stage = Stage::on(now).await;
            let (vendor, account) = full_object_storage_account(&stage, ARCHIVE);
            // The same all day long, and another figure each day.
            let each_day = |time: jiff::Timestamp| time.as_second().div_euclid(86_400).unsigned_abs();
            let _vendor = vendor.used_space(Figure::curve(each_day));
            let mut config = config(vec![account]);
            config.history.months = 2;
            let exporter = stage.polled_exporter(config).await;
            let samples = shown(&exporter).await;
            let day = at(day).as_second();
            assert_eq!(
                samples.value("lyvecloud_usage_data_timestamp_seconds", &[]),
                Some(day as f64),
                "{now}: the newest day that is over"
            );
            let used = samples.value("lyvecloud_account_usage_bytes", &[]);
            assert_eq!(used, Some(day.div_euclid(86_400) as f64), "{now}");
            assert_eq!(months(&samples), expected, "{now}");
            assert_nothing_leaked(&stage, &exporter, &log).await;
        });
    }
}

#[test]
fn jumps_are_one_poll_each_and_lose_nothing() {
    play(async |log| {
        let stage = Stage::new().await;
        let (_, account) = full_object_storage_account(&stage, ARCHIVE);
        let exporter = stage.polled_exporter(config(vec![account])).await;
        let polled = async |times: u64| {
            let polled =
                |_: &_| Collector::OBJECT_STORAGE.iter().all(|c| exporter.polls(ARCHIVE, *c) == times);
            exporter.until(&format!("everything was polled {times} times"), polled).await;
            settle(&stage, &exporter).await;
            assert!(polled(&exporter.store), "and not once more");
        };
        // A day, and then a year: each request is signed with the time as it is.
        for (times, jump) in [(2, hours(24)), (3, hours(365 * 24))] {
            stage.simulator.forget_requests();
            stage.clock.advance(jump);
            polled(times).await;
            assert_eq!(stage.simulator.request_count(Endpoint::Billing), 1);
        }
        let samples = shown(&exporter).await;
        let day = at("2027-11-24T00:00:00Z").as_second() as f64;
        assert_eq!(samples.value("lyvecloud_usage_data_timestamp_seconds", &[]), Some(day));

        // Backwards nothing is due, and nothing is lost.
        stage.simulator.forget_requests();
        stage.clock.set(at("2027-10-31T23:59:59Z"));
        settle(&stage, &exporter).await;
        assert_eq!(stage.simulator.request_count(None), 0);
        assert_eq!(shown(&exporter).await.value("lyvecloud_usage_data_timestamp_seconds", &[]), Some(day));
        stage.clock.set(at("2027-11-25T18:00:00Z"));
        polled(4).await;
        for collector in Collector::OBJECT_STORAGE {
            assert_failures(&shown(&exporter).await, (ARCHIVE, collector), None, 0.0);
            assert_eq!(log.warnings().of(ARCHIVE, collector), [] as [serde_json::Value; 0]);
        }
        assert_nothing_leaked(&stage, &exporter, &log).await;
    });
}
