//! The edges of months: which ones are asked for, and which ones the answer means.

use std::process::{Command, Stdio};

use lyve_cloud_exporter::clock;
use lyve_cloud_exporter::model::{Collector, Month};
use lyve_cloud_exporter::simulator::MonthBase;

use super::play::{assert_nothing_leaked, config, empty_account, play, scrape};
use crate::stage::{Stage, at};

/// The instant, the months asked for as the queries write them (January is 0), and the months themselves.
type Edge = (&'static str, &'static [&'static str], (&'static str, &'static str));

const EDGES: [Edge; 16] = [
    ("2026-11-24T12:00:00Z", &["4.2026-9.2026"], ("2026-05", "2026-10")),
    ("2026-12-31T23:59:59Z", &["5.2026-10.2026"], ("2026-06", "2026-11")),
    ("2026-12-31T23:59:59.999Z", &["5.2026-10.2026"], ("2026-06", "2026-11")),
    ("2027-01-01T00:00:00Z", &["6.2026-11.2026"], ("2026-07", "2026-12")),
    ("2027-01-31T23:59:59Z", &["6.2026-11.2026"], ("2026-07", "2026-12")),
    ("2027-02-01T00:00:00Z", &["7.2026-0.2027"], ("2026-08", "2027-01")),
    ("2027-02-28T23:59:59Z", &["7.2026-0.2027"], ("2026-08", "2027-01")),
    ("2027-03-01T00:00:00Z", &["8.2026-1.2027"], ("2026-09", "2027-02")),
    ("2028-02-29T00:00:00Z", &["7.2027-0.2028"], ("2027-08", "2028-01")),
    ("2028-02-29T23:59:59Z", &["7.2027-0.2028"], ("2027-08", "2028-01")),
    ("2028-03-01T00:00:00Z", &["8.2027-1.2028"], ("2027-09", "2028-02")),
    ("2027-06-30T23:59:59Z", &["11.2026-4.2027"], ("2026-12", "2027-05")),
    ("2027-07-01T00:00:00Z", &["0.2027-5.2027"], ("2027-01", "2027-06")),
    ("2000-03-01T00:00:00Z", &["8.1999-1.2000"], ("1999-09", "2000-02")),
    ("2100-03-01T00:00:00Z", &["8.2099-1.2100"], ("2099-09", "2100-02")),
    // In another zone it would be the day before or after.
    ("2026-12-01T10:00:00Z", &["5.2026-10.2026"], ("2026-06", "2026-11")),
];

/// The same with a history of more months than one query may ask for.
const LONG: [Edge; 2] = [
    ("2027-01-01T00:00:00Z", &["0.2026-5.2026", "6.2026-11.2026"], ("2026-01", "2026-12")),
    ("2028-02-29T23:59:59Z", &["1.2027-6.2027", "7.2027-0.2028"], ("2027-02", "2028-01")),
];

fn month(text: &str) -> Month {
    let (year, number) = text.split_once('-').expect("a year and a month");
    crate::stage::month(year.parse().expect("a year"), number.parse().expect("a month"))
}

/// The months from one to another, each with a figure of its own.
fn figures((first, last): (&str, &str)) -> Vec<(Month, f64)> {
    let (first, last) = (month(first), month(last));
    (0..=last.since(first)).map(|step| (first.plus(step), f64::from(step + 1))).collect()
}

fn edge((now, queries, months): Edge, base: MonthBase, history: u32) {
    play(async |log| {
        let stage = Stage::on(now).await;
        stage.simulator.configure(|settings| settings.answer_month_base = base);
        let (mut vendor, account) = empty_account(&stage, "acme");
        for (month, gigabytes) in figures(months) {
            vendor = vendor.month(month, &[("data", gigabytes)]);
        }
        // What lies outside is not asked for and not shown.
        let (before, after) = (month(months.0).plus(-1), month(months.1).plus(1));
        let vendor = vendor.month(before, &[("data", 77.0)]).month(after, &[("data", 78.0)]);
        let mut config = config(vec![account]);
        config.history.months = history;
        let exporter = stage.polled_exporter(config).await;

        let asked: Vec<String> =
            stage.simulator.requests().iter().filter(|r| r.path == "/v2/usage/monthly").map(query).collect();
        assert_eq!(asked, queries, "{now}");
        let samples = &scrape(&exporter).await["acme"];
        for metric in ["account", "bucket"] {
            let metric = format!("lyvecloud_{metric}_monthly_average_usage_bytes");
            let shown = samples.matching(&metric, &[]);
            let shown: Vec<_> = shown.map(|sample| (sample.labels["month"].clone(), sample.value)).collect();
            let wanted: Vec<_> = figures(months)
                .iter()
                .map(|(month, gigabytes)| (month.to_string(), gigabytes * 1e9))
                .collect();
            assert_eq!(shown, wanted, "{now}, {base:?}");
        }
        assert_eq!(samples.value("lyvecloud_up", &[]), Some(1.0), "{now}");
        assert_eq!(
            log.warnings().of("acme", Collector::MONTHLY_USAGE),
            [] as [serde_json::Value; 0],
            "{now}"
        );

        // The turn of the month is the next poll's time where it comes before the interval's end; then the window has
        // moved by one.
        let turn = Month::of(at(now)).plus(1).start();
        let regular = clock::after(at(now), std::time::Duration::from_secs(6 * 3600));
        let due = turn.min(regular);
        stage.simulator.forget_requests();
        exporter.next_poll("acme", Collector::MONTHLY_USAGE, clock::until(at(now), due)).await;
        let last = stage.simulator.requests().iter().rfind(|r| r.path == "/v2/usage/monthly").map(query);
        let newest = Month::of(due).plus(-1);
        let newest = format!("-{}.{}", newest.number() - 1, newest.year());
        match last {
            Some(query) => assert!(query.ends_with(&newest), "{now}: {query} ends with {newest}"),
            // Within a month everything may be settled, and nothing has to be asked for again.
            None => assert!(due < turn, "{now}: the turn of the month brings a query"),
        }
        assert_nothing_leaked(&stage, &exporter, &log).await;
        drop(vendor);
    });
}

/// `first-last`, each as `month.year`.
fn query(request: &lyve_cloud_exporter::simulator::RequestRecord) -> String {
    let query = request.query.clone().unwrap_or_default();
    let value = |name: &str| {
        let pair = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        pair.expect("a parameter").to_owned()
    };
    format!("{}.{}-{}.{}", value("fromMonth"), value("fromYear"), value("toMonth"), value("toYear"))
}

#[test]
fn that_count_from_0() {
    EDGES.into_iter().for_each(|row| edge(row, MonthBase::Zero, 6));
    LONG.into_iter().for_each(|row| edge(row, MonthBase::Zero, 12));
}

#[test]
fn that_count_from_1() {
    EDGES.into_iter().for_each(|row| edge(row, MonthBase::One, 6));
    LONG.into_iter().for_each(|row| edge(row, MonthBase::One, 12));
}

/// Runs the first of the tests above again, in processes that are somewhere else.
#[test]
fn are_those_of_utc_wherever_the_clock_hangs() {
    let this = std::env::current_exe().expect("this very program");
    let run = |zone: &str| {
        let mut command = Command::new(&this);
        command.args(["--exact", "failures::months::that_count_from_0"]).env("TZ", zone);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a process")
    };
    let zones = ["Pacific/Kiritimati", "Pacific/Pago_Pago", "<+14>-14", ":/nowhere"];
    for (zone, process) in zones.map(|zone| (zone, run(zone))) {
        let ran = process.wait_with_output().expect("its end");
        let told = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && told.contains("1 passed"), "in {zone}: {told}");
    }
}
