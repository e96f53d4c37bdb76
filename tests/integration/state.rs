//! What outlives a restart: the last good answers, with their true times, and nothing else.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lyve_cloud_exporter::clock::Manual;
use lyve_cloud_exporter::config::{Api, Config};
use lyve_cloud_exporter::model::{Collector, CurrentUsage, Expiry, MonthlyUsage};
use lyve_cloud_exporter::poll::formats;
use lyve_cloud_exporter::reload::Loader;
use lyve_cloud_exporter::simulator::{Endpoint, Fault, SimulatedAccount, Simulator};
use lyve_cloud_exporter::store::state_file;
use tempfile::TempDir;

use crate::stage::{Exporter, NOW, Stage, at, hours, minutes, month};

const ACME: (&str, &str) = ("account", "acme");
const USAGE: &str = "lyvecloud_account_usage_bytes";
const MONTHLY: &str = "lyvecloud_account_monthly_average_usage_bytes";
const WRITTEN: &str = "lyvecloud_exporter_state_file_last_write_successful";

/// A directory for a state file, and a configuration of `acme` that names it.
fn kept(stage: &Stage) -> (TempDir, PathBuf, Config, SimulatedAccount) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.json");
    let (acme, mut config) = stage.acme();
    config.state_file = Some(path.clone());
    (directory, path, config, acme)
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Waits until the exporter has tried to write, with this outcome.
async fn until_written(exporter: &Exporter, outcome: f64) {
    let tried = async {
        while exporter.scrape().await.value(WRITTEN, &[]) != Some(outcome) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), tried).await.expect("an attempt to write");
}

#[tokio::test]
async fn a_restart_while_the_vendor_is_down_loses_nothing_and_makes_nothing_look_fresh() {
    let stage = Stage::new().await;
    let (directory, path, mut config, acme) = kept(&stage);
    config.accounts[0].credential = Expiry::At(at("2026-11-24T18:00:00Z"));
    let exporter = stage.polled_exporter(config.clone()).await;
    let before = exporter.scrape().await;
    exporter.stop().await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let (access_key, secret) = acme.pair();
    for hidden in [&*access_key, &*secret, "token", "secret", "access_key"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names(directory.path()), ["state.json"]);

    stage.clock.advance(hours(3));
    stage.simulator.stop().await;
    let exporter = stage.exporter(config).await;
    // From the first scrape on, whether or not anything was tried yet.
    let first = exporter.scrape().await;
    exporter.until("everything was tried once", |store| store.ready()).await;
    let then = at(NOW).as_second() as f64;
    for samples in [first, exporter.scrape().await] {
        for name in [
            USAGE,
            MONTHLY,
            "lyvecloud_bucket_usage_bytes",
            "lyvecloud_bucket_monthly_average_usage_bytes",
            "lyvecloud_service_account_enabled",
            "lyvecloud_permission_ready",
            "lyvecloud_credential_last_accepted_timestamp_seconds",
            "lyvecloud_credential_status",
            "lyvecloud_collector_last_success_timestamp_seconds",
        ] {
            assert_eq!(samples.all(name, &[ACME]), before.all(name, &[ACME]), "{name}");
        }
        assert_eq!(
            samples.all("lyvecloud_collector_last_success_timestamp_seconds", &[ACME]),
            [then; 5],
            "the true times"
        );
        assert_eq!(
            samples.all("lyvecloud_collector_up", &[ACME]),
            [0.0; 5],
            "nothing worked in this process"
        );
        assert_eq!(samples.all("lyvecloud_session_expiry_timestamp_seconds", &[ACME]), [0.0; 0]);
        let accepted = [ACME, ("result", "accepted")];
        assert_eq!(samples.value("lyvecloud_logins_total", &accepted), Some(0.0), "counters begin anew");
    }
    exporter.advance(hours(21)).await;
    let samples = exporter.scrape().await;
    assert_eq!(samples.all(USAGE, &[ACME]), [0.0; 0], "withdrawn a day after it came, not after the start");
    assert_eq!(samples.all(MONTHLY, &[ACME]), [0.0; 0]);
}

#[tokio::test]
async fn an_account_of_object_storage_is_kept_as_well() {
    let stage = Stage::new().await;
    let (archive, mut config) = stage.archive();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.json");
    config.state_file = Some(path.clone());
    let exporter = stage.polled_exporter(config.clone()).await;
    let before = exporter.scrape().await;
    exporter.stop().await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let (_, secret) = archive.pair();
    for hidden in [&*secret, "secret", "Signature"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }

    stage.clock.advance(hours(3));
    stage.simulator.stop().await;
    let exporter = stage.exporter(config).await;
    exporter.until("everything was tried once", |store| store.ready()).await;
    let after = exporter.scrape().await;
    for name in [
        USAGE,
        MONTHLY,
        "lyvecloud_account_buckets",
        "lyvecloud_account_ghost_bytes",
        "lyvecloud_bucket_objects",
        "lyvecloud_region_day_upload_bytes",
        "lyvecloud_usage_data_timestamp_seconds",
        "lyvecloud_access_key_rotation_due_timestamp_seconds",
        "lyvecloud_user_password_change_required",
        "lyvecloud_credential_status",
        "lyvecloud_credential_last_accepted_timestamp_seconds",
    ] {
        assert_ne!(before.all(name, &[]), [0.0; 0], "{name}");
        assert_eq!(after.all(name, &[]), before.all(name, &[]), "{name}");
    }
    let then = at(NOW).as_second() as f64;
    assert_eq!(after.all("lyvecloud_collector_last_success_timestamp_seconds", &[]), [then; 3]);
    assert_eq!(after.all("lyvecloud_collector_up", &[]), [0.0; 3], "nothing worked in this process");
}

#[tokio::test]
async fn what_is_recalled_is_still_there_after_another_restart() {
    let stage = Stage::new().await;
    let (_directory, _, config, _) = kept(&stage);
    stage.polled_exporter(config.clone()).await.stop().await.unwrap();
    stage.simulator.stop().await;
    stage.clock.advance(hours(1));
    stage.polled_exporter(config.clone()).await.stop().await.unwrap();
    stage.clock.advance(hours(1));
    let samples = stage.polled_exporter(config).await.scrape().await;
    assert_eq!(samples.value(USAGE, &[ACME]), Some(4_492e9));
    let success = "lyvecloud_collector_last_success_timestamp_seconds";
    assert_eq!(samples.all(success, &[ACME]), [at(NOW).as_second() as f64; 5]);
}

#[tokio::test]
async fn it_is_written_while_the_exporter_runs() {
    let stage = Stage::new().await;
    let (_directory, path, config, acme) = kept(&stage);
    let exporter = stage.polled_exporter(config).await;
    until_written(&exporter, 1.0).await;
    acme.set_bucket_usage("media", 1.0);
    exporter.next_poll("acme", Collector::CURRENT_USAGE, minutes(15)).await;
    let written = async {
        while !std::fs::read_to_string(&path).unwrap_or_default().contains(r#"["media",1000000000]"#) {
            // The writing of a moment ago may have taken the minute; the next one is due after it.
            exporter.advance(minutes(1)).await;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), written)
        .await
        .expect("the new figure in the file");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_set_aside_and_never_destroyed() {
    for content in
        ["", "{\"format\": \"lyve-cloud-exporter state\", \"version\": 99}", "somebody's list of passwords"]
    {
        let stage = Stage::new().await;
        let (directory, path, config, _) = kept(&stage);
        std::fs::write(&path, content).unwrap();
        let exporter = stage.polled_exporter(config).await;
        assert_eq!(exporter.scrape().await.value(USAGE, &[ACME]), Some(4_492e9));
        exporter.stop().await.unwrap();
        let aside = format!("state.json.unusable-{}", at(NOW).as_second());
        assert_eq!(names(directory.path()), ["state.json", &aside]);
        assert_eq!(std::fs::read_to_string(directory.path().join(aside)).unwrap(), content);
        assert!(state_file::read(&path, &formats()).unwrap().is_some());
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_told_and_survived() {
    let stage = Stage::new().await;
    let (directory, _, mut config, _) = kept(&stage);
    let missing = directory.path().join("missing");
    config.state_file = Some(missing.join("state.json"));
    let exporter = stage.polled_exporter(config).await;
    until_written(&exporter, 0.0).await;
    exporter.next_poll("acme", Collector::CURRENT_USAGE, minutes(15)).await;
    std::fs::create_dir(&missing).unwrap();
    exporter.advance(minutes(1)).await;
    until_written(&exporter, 1.0).await;
    assert_eq!(names(&missing), ["state.json"]);
    std::fs::remove_dir_all(&missing).unwrap();
    exporter.stop().await.unwrap();
}

#[tokio::test]
async fn answers_of_another_account_and_from_the_future_are_not_taken_up() {
    let stage = Stage::new().await;
    let (_directory, path, config, _) = kept(&stage);
    stage.polled_exporter(config.clone()).await.stop().await.unwrap();
    let saved = std::fs::read(&path).unwrap();
    stage.simulator.fail_always(None, Fault::empty(500));

    // Stopped before the next one starts, as what ends writes the file once more.
    let shown = async |config: Config| {
        let exporter = stage.polled_exporter(config).await;
        let samples = exporter.scrape().await;
        exporter.stop().await.unwrap();
        samples
    };
    let mut other = config.clone();
    other.accounts[0].account_id = "other".to_owned();
    assert_eq!(shown(other).await.all(USAGE, &[ACME]), [0.0; 0]);

    std::fs::write(&path, &saved).unwrap();
    stage.clock.set(at("2026-11-24T11:59:59Z"));
    let samples = shown(config.clone()).await;
    assert_eq!(samples.all(USAGE, &[ACME]), [0.0; 0]);
    assert_eq!(samples.all("lyvecloud_collector_last_success_timestamp_seconds", &[ACME]), [0.0; 0]);

    std::fs::write(&path, &saved).unwrap();
    stage.clock.set(at(NOW));
    assert_eq!(shown(config).await.value(USAGE, &[ACME]), Some(4_492e9));
}

#[tokio::test]
async fn an_exporter_is_ready_once_it_knows_what_was_kept() {
    let stage = Stage::new().await;
    let (_directory, _, config, _) = kept(&stage);
    stage.polled_exporter(config.clone()).await.stop().await.unwrap();
    stage.simulator.stop().await;
    let (tell, mut told) = tokio::sync::oneshot::channel();
    let exporter = stage
        .exporter_with(config, |daemon| {
            let store = daemon.store();
            daemon.when_ready(move || {
                let acme = store.account("acme").unwrap().state();
                tell.send(acme.good::<CurrentUsage>(at(NOW)).is_some()).unwrap();
            })
        })
        .await;
    assert_eq!((&mut told).await, Ok(true));
    exporter.stop().await.unwrap();
}

#[tokio::test]
async fn another_key_of_object_storage_takes_nothing_up() {
    let stage = Stage::new().await;
    let directory = tempfile::tempdir().unwrap();
    let (archive, mut config) = stage.archive();
    config.state_file = Some(directory.path().join("state.json"));
    let with_key = |digest: &str| {
        let mut config = config.clone();
        if let Api::ObjectStorage(api) = &mut config.accounts[0].api {
            api.key_digest = Some(digest.to_owned());
        }
        config
    };
    let account = ("account", "archive");
    stage.polled_exporter(with_key("0a")).await.stop().await.unwrap();
    archive.fail_always(None, Fault::empty(500));
    for (digest, shown) in [("0a", true), ("0b", false), ("0a", false)] {
        let exporter = stage.polled_exporter(with_key(digest)).await;
        let usage = exporter.scrape().await.value(USAGE, &[account]);
        assert_eq!(usage.is_some(), shown, "{digest}");
        exporter.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_new_filter_cuts_what_is_taken_up() {
    let stage = Stage::new().await;
    let (_directory, _, mut config, _) = kept(&stage);
    stage.polled_exporter(config.clone()).await.stop().await.unwrap();
    stage.simulator.stop().await;
    config.series.buckets.exclude = vec![regex::Regex::new("^(?:media)$").unwrap()];
    let samples = stage.polled_exporter(config).await.scrape().await;
    assert_eq!(samples.all("lyvecloud_bucket_usage_bytes", &[ACME]), [534.5e9]);
    assert_eq!(
        samples.all("lyvecloud_bucket_monthly_average_usage_bytes", &[ACME, ("bucket", "media")]),
        [0.0; 0]
    );
    assert_eq!(samples.value(USAGE, &[ACME]), Some(4_492e9), "the total stays the total");
}

#[tokio::test]
async fn a_reload_can_name_another_file_and_destroys_nothing_there() {
    let stage = Stage::new().await;
    let (directory, _, config, _) = kept(&stage);
    let precious = directory.path().join("precious");
    std::fs::write(&precious, "not ours").unwrap();
    let next = Config { state_file: Some(precious.clone()), ..config.clone() };
    let exporter = stage.exporter_from(config, Some(Loader::new(move || Ok(next.clone())))).await;
    exporter.until("everything was polled once", |store| store.ready()).await;
    exporter.reloader.reload().await.unwrap();
    exporter.stop().await.unwrap();
    assert!(state_file::read(&precious, &formats()).unwrap().is_some());
    let aside = directory.path().join(format!("precious.unusable-{}", at(NOW).as_second()));
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "not ours");
}

/// The ranges of months that were asked for, each as its query.
fn queries(stage: &Stage) -> Vec<String> {
    let requests = stage.simulator.requests();
    requests
        .into_iter()
        .filter(|request| request.endpoint == Endpoint::MonthlyUsage)
        .filter_map(|request| request.query)
        .collect()
}

/// Adds to the figures that there are.
fn with_every_month(acme: SimulatedAccount) -> SimulatedAccount {
    (5..=11).fold(acme, |acme, number| {
        acme.month(month(2026, number), &[("backups", f64::from(number)), ("media", 1.0)])
    })
}

#[tokio::test]
async fn of_closed_months_only_the_newest_is_asked_for_again() {
    let stage = Stage::new().await;
    let (_directory, _, config, acme) = kept(&stage);
    let acme = with_every_month(acme);
    let exporter = stage.polled_exporter(config.clone()).await;
    assert_eq!(queries(&stage), ["fromMonth=4&fromYear=2026&toMonth=9&toYear=2026"]);

    stage.simulator.forget_requests();
    exporter.next_poll("acme", Collector::MONTHLY_USAGE, hours(6)).await;
    let october = "fromMonth=9&fromYear=2026&toMonth=9&toYear=2026";
    assert_eq!(queries(&stage), [october], "all are final for long, and a poll asks for something");
    assert_eq!(exporter.scrape().await.all(MONTHLY, &[ACME]).len(), 6);

    stage.simulator.forget_requests();
    // The newest month is asked for at the turn, and again until its figures are final.
    stage.clock.set(at("2026-11-30T23:59:59Z"));
    exporter.next_poll("acme", Collector::MONTHLY_USAGE, std::time::Duration::from_secs(1)).await;
    let november = "fromMonth=10&fromYear=2026&toMonth=10&toYear=2026";
    exporter
        .until("November is there", |store| {
            store.snapshot()[0].good::<MonthlyUsage>(at("2026-12-01T00:00:00Z")).is_some_and(|good| {
                good.data.months.last().is_some_and(|total| total.month == month(2026, 11))
            })
        })
        .await;
    let asked = queries(&stage);
    assert!(!asked.is_empty() && asked.iter().all(|query| query == november), "{asked:?}");
    let acme = acme.month(month(2026, 11), &[("backups", 100.0), ("media", 1.0)]);
    for _ in 0..12 {
        exporter.next_poll("acme", Collector::MONTHLY_USAGE, hours(6)).await;
    }
    let samples = exporter.scrape().await;
    let months: Vec<_> = samples
        .matching(MONTHLY, &[ACME])
        .map(|sample| (sample.labels["month"].as_str(), sample.value))
        .collect();
    assert_eq!(
        months,
        [
            ("2026-06", 7e9),
            ("2026-07", 8e9),
            ("2026-08", 9e9),
            ("2026-09", 3510e9),
            ("2026-10", 4031e9),
            ("2026-11", 113e9)
        ],
        "a late correction is taken, and the window moves"
    );
    stage.simulator.forget_requests();
    exporter.next_poll("acme", Collector::MONTHLY_USAGE, hours(6)).await;
    assert_eq!(queries(&stage), [november], "three days after the turn");

    // So it is after a restart; and what the vendor has corrected since is taken, what it has forgotten stays.
    exporter.stop().await.unwrap();
    let acme = acme.month(month(2026, 11), &[("backups", 120.0), ("media", 1.0)]);
    stage.simulator.forget_requests();
    let exporter = stage.polled_exporter(config.clone()).await;
    assert_eq!(queries(&stage), [november]);
    let newest = [ACME, ("month", "2026-11")];
    assert_eq!(exporter.scrape().await.value(MONTHLY, &newest), Some(234e9));
    acme.fail_once(Endpoint::MonthlyUsage, Fault::raw("application/json", "{}"));
    exporter.next_poll("acme", Collector::MONTHLY_USAGE, hours(6)).await;
    assert_eq!(exporter.scrape().await.value(MONTHLY, &newest), Some(234e9));
    assert_eq!(exporter.scrape().await.all(MONTHLY, &[ACME]).len(), 6);
    exporter.stop().await.unwrap();

    // But where more months or other series are wanted than were kept.
    for change in [(|config: &mut Config| config.history.months = 7) as fn(&mut Config), |config| {
        config.series.max_per_account = 1000
    }] {
        let mut changed = config.clone();
        change(&mut changed);
        stage.simulator.forget_requests();
        stage.polled_exporter(changed).await.stop().await.unwrap();
        assert!(!queries(&stage).is_empty());
        stage.polled_exporter(config.clone()).await.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_month_that_is_over_by_our_clock_alone_is_not_final() {
    let vendor = Manual::new(at(NOW));
    let simulator = Simulator::start(Arc::new(vendor.clone())).await.unwrap();
    let stage = Stage { clock: Manual::new(at("2026-12-07T12:00:00Z")), simulator };
    let (_directory, _, config, acme) = kept(&stage);
    let acme = with_every_month(acme);
    let exporter = stage.polled_exporter(config.clone()).await;
    let november = [ACME, ("month", "2026-11")];
    let partial = exporter.scrape().await.value(MONTHLY, &november);
    assert!(partial.is_some());
    exporter.stop().await.unwrap();

    // Two months later both clocks are right.
    vendor.set(at("2027-01-20T12:00:00Z"));
    stage.clock.set(at("2027-01-20T12:00:00Z"));
    let acme = acme.month(month(2026, 11), &[("backups", 700.0), ("media", 1.0)]);
    let _acme = acme.month(month(2026, 12), &[("backups", 710.0), ("media", 1.0)]);
    stage.simulator.forget_requests();
    let exporter = stage.polled_exporter(config).await;
    assert_eq!(queries(&stage), ["fromMonth=10&fromYear=2026&toMonth=11&toYear=2026"]);
    let whole = exporter.scrape().await.value(MONTHLY, &november);
    assert!(whole.is_some() && whole != partial, "{whole:?}");
}

#[tokio::test]
async fn months_are_asked_for_once_more_where_the_clock_went_back() {
    let all = "fromMonth=4&fromYear=2026&toMonth=9&toYear=2026";
    let stage = Stage::on("2026-11-29T12:00:00Z").await;
    let (_directory, _, config, acme) = kept(&stage);
    let _acme = with_every_month(acme);
    stage.polled_exporter(config.clone()).await.stop().await.unwrap();
    stage.simulator.forget_requests();
    stage.clock.set(at(NOW));
    let _exporter = stage.polled_exporter(config).await;
    assert_eq!(queries(&stage), [all]);
}

#[tokio::test]
async fn what_is_known_stays_where_the_vendor_does_not_go_back_that_far() {
    let stage = Stage::new().await;
    let (_directory, _, mut config, acme) = kept(&stage);
    let acme = with_every_month(acme);
    stage.polled_exporter(config.clone()).await.stop().await.unwrap();

    // After a long time off, with a longer history: what was final is not asked for, so nobody has to remember it.
    stage.simulator.forget_requests();
    stage.clock.set(at("2027-02-10T12:00:00Z"));
    let acme = acme.month(month(2026, 12), &[("backups", 12.0)]);
    let _acme = acme.month(month(2027, 1), &[("backups", 13.0)]);
    config.history.months = 12;
    let exporter = stage.polled_exporter(config.clone()).await;
    let older = "fromMonth=1&fromYear=2026&toMonth=3&toYear=2026";
    assert_eq!(queries(&stage), [older, "fromMonth=10&fromYear=2026&toMonth=0&toYear=2027"]);
    let shown = async |exporter: &Exporter| -> Vec<String> {
        let samples = exporter.scrape().await;
        let months = samples.matching(MONTHLY, &[ACME]).map(|sample| sample.labels["month"].clone());
        months.collect()
    };
    let all = (4..13).map(|later| month(2026, 1).plus(later).to_string()).collect::<Vec<_>>();
    assert_eq!(shown(&exporter).await, all);

    // Months without figures could still get some; those with figures are final.
    stage.simulator.forget_requests();
    exporter.next_poll("acme", Collector::MONTHLY_USAGE, hours(6)).await;
    assert_eq!(queries(&stage), [older]);
    assert_eq!(shown(&exporter).await, all);
    exporter.stop().await.unwrap();

    // What is longer ago than the history is forgotten here too.
    config.history.months = 3;
    let exporter = stage.polled_exporter(config).await;
    assert_eq!(shown(&exporter).await, all[6..]);
}

#[tokio::test]
async fn months_are_asked_for_anew_where_the_limit_cut_them() {
    let stage = Stage::new().await;
    let (_directory, _, mut config, acme) = kept(&stage);
    let _acme = with_every_month(acme);
    config.series.max_per_account = 6;
    let exporter = stage.polled_exporter(config).await;
    stage.simulator.forget_requests();
    exporter.next_poll("acme", Collector::MONTHLY_USAGE, hours(6)).await;
    assert_eq!(queries(&stage), ["fromMonth=4&fromYear=2026&toMonth=9&toYear=2026"]);
}
