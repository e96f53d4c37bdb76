//! The daemon under bad weather at a thousandfold clock: ten minutes are a week.
//!
//! A vendor in the same process, with accounts of both of its APIs, fails at random in every way it knows, goes down,
//! forgets sessions, gets new credentials and other buckets; the configuration is reloaded; a year turns; and all the
//! while metrics, pages and status are read in every form. What must hold is asserted at each scrape, all along, and once
//! the weather has cleared:
//!
//! - every scrape is answered and can be read; no counter falls; each poll is a success or one failure;
//! - memory, open files and tasks stay flat once the warm-up is over;
//! - the counters agree with what the vendor saw, and nothing was changed at the vendor;
//! - every account recovers by itself, and no secret shows anywhere.
//!
//! ```text
//! cargo bench --bench soak -- --minutes 10      # --seed N repeats the weather, though not its exact timing
//! cargo test --bench soak                       # one minute
//! ```

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "what does not hold has to end the program"
)]

mod clock;
mod faults;
mod ledger;
mod options;
mod place;
mod scraper;
mod vendor;
mod watch;
mod weather;

#[allow(dead_code, unreachable_pub, reason = "shared with the integration tests, which use more of it")]
#[path = "../../tests/integration/support/client.rs"]
mod client;
#[allow(dead_code, unreachable_pub, reason = "shared with the integration tests, which use more of it")]
#[path = "../../tests/integration/support/samples.rs"]
mod samples;

use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lyve_cloud_exporter::clock::Clock as _;
use lyve_cloud_exporter::daemon::{Daemon, Deps};
use lyve_cloud_exporter::http::Web;
use lyve_cloud_exporter::model::Month;
use lyve_cloud_exporter::poll::Jitter;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::{FACTOR, Fast};
use crate::ledger::Ledger;
use crate::options::Options;
use crate::place::{Choices, Place};
use crate::samples::Samples;
use crate::scraper::Scraped;
use crate::vendor::{ACCOUNTS, Vendor};
use crate::watch::Watch;
use crate::weather::Weather;

/// Eight hours before the turn of a month and a year, so that even the short form has it.
const START: &str = "2026-12-31T16:00:00Z";

/// How long before its end the weather clears, in real time: for recovering, and for some quiet hours behind it.
const CLEAR: Duration = Duration::from_secs(16);

/// The longest that everything may take to be well again, on the fast clock. The longest wait after a failure is an hour
/// and some minutes; a poll that hung when the weather cleared fails half an hour later.
const RECOVERY: Duration = Duration::from_secs(3 * 3600);

/// How long it is quiet behind the recovery, on the fast clock: every collector is polled at least once.
const QUIET: Duration = Duration::from_secs(2 * 3600);

fn main() {
    let Some(options) = Options::parse(std::env::args().skip(1)) else { return };
    with_one_heap();
    println!("soak: {} at a {FACTOR}fold clock, --seed {}", options.length(), options.seed);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(soak(&options));
    println!("soak: good");
}

/// Starts this program anew with one heap for all threads, which gives back what is free. With one each, every thread keeps
/// the room of the largest answer that it ever had in hand, which comes to more in the course of minutes and hides what is
/// really held.
fn with_one_heap() {
    const VARIABLE: &str = "MALLOC_ARENA_MAX";
    if std::env::var_os(VARIABLE).is_none() {
        let program = std::env::current_exe().expect("this very program");
        let mut anew = Command::new(program);
        anew.args(std::env::args_os().skip(1)).env(VARIABLE, "1").env("MALLOC_TRIM_THRESHOLD_", "131072");
        panic!("cannot start anew: {}", anew.exec());
    }
}

async fn soak(options: &Options) {
    let began = Instant::now();
    let clock = Fast::new(START.parse().expect("an instant"));
    let vendor = Vendor::start(clock).await;
    let place = Place::new(&vendor);
    place.write(Choices::default());
    let loader = place.loader();
    let web = Web {
        telemetry_path: "/metrics".to_owned(),
        version: "soak",
        enable_lifecycle: true,
        ..Web::default()
    };
    let config = loader.load().expect("a good configuration");
    let deps = Deps { config, loader: Some(loader), clock: Arc::new(clock), jitter: Jitter(1.0), web };
    let daemon = Daemon::new(deps).expect("a daemon");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (shutdown, stop) = (CancellationToken::new(), CancellationToken::new());
    let weather = Weather::new(&vendor, &place, address, options.seed);
    weather.begin();
    let mut daemon = tokio::spawn(daemon.run(vec![listener], shutdown.clone()));

    let watch = Watch::start(began, options.warm_up());
    let mut scraping = JoinSet::new();
    scraping.spawn(scraper::prometheus(address, clock, stop.clone()));
    scraping.spawn(scraper::strangers(address, stop.clone()));
    scraping.spawn(scraper::people(address, stop.clone()));
    let storm_end = began + options.duration.saturating_sub(CLEAR);
    let course = course(weather, &vendor, address, clock, storm_end, &watch);
    tokio::select! {
        () = course => {}
        ended = &mut daemon => panic!("the daemon ended by itself: {ended:?}"),
        Some(ended) = scraping.join_next() => panic!("a scraper gave up: {:?}", ended.err()),
    }

    stop.cancel();
    let mut scraped = Scraped::default();
    while let Some(figures) = scraping.join_next().await {
        scraped.add(figures.expect("a scraper that ends well"));
    }
    shutdown.cancel();
    daemon.await.expect("no panic").expect("an orderly end");
    place.check_state_file();

    println!("{scraped}");
}

/// The weather, the recovery, and some quiet hours.
async fn course(
    mut weather: Weather<'_>,
    vendor: &Vendor,
    address: SocketAddr,
    clock: Fast,
    storm_end: Instant,
    watch: &Watch,
) {
    weather.get_going().await;
    while Instant::now() < storm_end {
        weather.next().await;
    }
    watch.storm_is_over();
    let tally = weather.clear().await;

    let cleared = clock.now();
    let is_well = |samples: &Samples| {
        ACCOUNTS.iter().all(|account| samples.value("lyvecloud_up", &[("account", account)]) == Some(1.0))
    };
    let recovery = loop {
        let samples = scraper::once(address).await;
        let passed = lyve_cloud_exporter::clock::until(cleared, clock.now());
        if is_well(&samples) {
            break passed;
        }
        let down: Vec<_> =
            samples.0.iter().filter(|sample| sample.name == "lyvecloud_collector_up").collect();
        assert!(passed < RECOVERY, "not well again after {passed:?}: {down:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };

    let before = Ledger::settled(vendor, address).await;
    tokio::time::sleep(QUIET / FACTOR).await;
    let ledger = Ledger::settled(vendor, address).await;
    // Before anything is checked, so that it is there when something does not hold.
    println!("{tally}\n{ledger}");
    println!(
        "recovery: all well {} simulated minutes after the weather had cleared",
        recovery.as_secs() / 60
    );
    println!("{}", watch.report());
    ledger.check(&tally);
    ledger.check_quiet_since(&before);

    let samples = scraper::once(address).await;
    assert!(is_well(&samples), "it does not stay well");
    let closed = Month::of(clock.now()).plus(-1).to_string();
    for account in ACCOUNTS {
        let labels = [("account", account), ("month", closed.as_str())];
        let average = samples.value("lyvecloud_account_monthly_average_usage_bytes", &labels);
        assert!(average.is_some(), "the month that closed is shown for {account}");
    }
    watch.check();
}
