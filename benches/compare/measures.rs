//! What is measured, and how.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::scrape::{Connection, Encoding, Scrapes, Spread, count, millis, quantile, scrapes};
use crate::servers::{self, Server, program, until_answered};
use crate::vendor;

/// How often everything is measured anew, in turn.
const ROUNDS: usize = 5;

/// How long one server is scraped in a round.
const ROUND: Duration = Duration::from_millis(700);

/// For the first poll of everything.
pub(crate) const READY: Duration = Duration::from_secs(300);

/// Nothing is polled again while scrapes are measured, and each bucket has one series.
pub(crate) const QUIET: &str =
    "poll: {current_usage: 6h, monthly_usage: 6h, credentials: 6h, verify_login: 6h, inventory: 6h}
history: {months: 0}
series: {max_per_account: 1000000}";

/// What one server's scrapes took, a figure a round.
#[derive(Debug, Default)]
pub(crate) struct Measured(Vec<Scrapes>);

impl Measured {
    pub(crate) fn p50(&self) -> Spread {
        Spread::of(self.0.iter().map(|round| round.p50))
    }

    pub(crate) fn cpu(&self) -> Spread {
        Spread::of(self.0.iter().map(|round| round.cpu))
    }

    /// The median of this server's p50 against another's in the same round.
    pub(crate) fn against(&self, other: &Self) -> f64 {
        Spread::of(self.0.iter().zip(&other.0).map(|(own, other)| own.p50 / other.p50)).median
    }
}

/// One server, by encoding.
#[derive(Debug, Default)]
pub(crate) struct Both {
    pub(crate) gzip: Measured,
    pub(crate) identity: Measured,
    /// After all its scrapes, MiB.
    pub(crate) resident: f64,
}

/// The three servers with one number of buckets.
pub(crate) struct Size {
    pub(crate) buckets: usize,
    pub(crate) exporter: Both,
    pub(crate) nginx: Both,
    pub(crate) naive: Both,
    /// Bytes of the exporter's page, of its gzip, and of `gzip -6` of the whole.
    pub(crate) identity_bytes: usize,
    pub(crate) gzip_bytes: usize,
    pub(crate) gzip_6_bytes: usize,
    /// The first gzip scrape, which makes everything, ms.
    pub(crate) first: f64,
}

fn ready(server: &Server) -> Duration {
    until_answered(server.address, "/-/ready", READY)
}

pub(crate) fn scrapes_of(runtime: &Runtime, buckets: usize) -> Size {
    let accounts = 10;
    let directory = tempfile::tempdir().unwrap();
    let simulator = runtime.block_on(vendor::vendor(accounts, buckets / accounts, 0));
    let exporter = servers::exporter(directory.path(), &vendor::config(&simulator, accounts, QUIET));
    ready(&exporter);
    let mut connection = Connection::open(exporter.address).unwrap();
    let first = millis(connection.scrape(Encoding::Gzip));
    let (mut identity, mut gzip) = (Vec::new(), Vec::new());
    connection.get("/metrics", Encoding::Identity, Some(&mut identity)).unwrap();
    connection.get("/metrics", Encoding::Gzip, Some(&mut gzip)).unwrap();
    let gzip_6_bytes = gzip_6(directory.path(), &identity);
    let nginx = servers::nginx(directory.path(), &identity, &gzip);
    let naive = servers::naive(accounts, buckets / accounts);

    let mut measured: [Both; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (server, both) in [&exporter, &nginx, &naive].into_iter().zip(&mut measured) {
            let round = |encoding| scrapes(&server.process, server.address, encoding, ROUND);
            both.gzip.0.push(round(Encoding::Gzip));
            both.identity.0.push(round(Encoding::Identity));
            both.resident = server.process.resident();
        }
    }
    let [exporter, nginx, naive] = measured;
    let (identity_bytes, gzip_bytes) = (identity.len(), gzip.len());
    Size { buckets, exporter, nginx, naive, identity_bytes, gzip_bytes, gzip_6_bytes, first }
}

/// How long `gzip -6` of the whole is.
fn gzip_6(directory: &Path, identity: &[u8]) -> usize {
    let file = directory.join("whole");
    std::fs::write(&file, identity).unwrap();
    let output = Command::new("gzip").args(["-6", "-n", "-c"]).arg(&file).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout.len()
}

/// The resident memory, MiB, after as many polls as an hour has with the default intervals, and a gzip scrape for each
/// 15 seconds of one, hurried.
pub(crate) fn hour(runtime: &Runtime, accounts: usize, buckets: usize) -> f64 {
    let directory = tempfile::tempdir().unwrap();
    let simulator = runtime.block_on(vendor::vendor(accounts, buckets, 0));
    // 4 polls of usage, 12 looks at the session, a login, and a look at the inventory.
    let settings = "poll: {current_usage: 6s, credentials: 2s, verify_login: 24s, inventory: 24s}
history: {months: 0}
series: {max_per_account: 1000000}";
    let exporter = servers::exporter(directory.path(), &vendor::config(&simulator, accounts, settings));
    ready(&exporter);
    let mut connection = Connection::open(exporter.address).unwrap();
    for _ in 0..240 {
        let took = connection.scrape(Encoding::Gzip);
        std::thread::sleep(Duration::from_millis(100).saturating_sub(took));
    }
    exporter.process.resident()
}

/// What a fleet with closed months takes.
#[derive(Clone)]
pub(crate) struct Months {
    pub(crate) accounts: usize,
    pub(crate) buckets: usize,
    pub(crate) months: i32,
    /// MiB, after the first scrapes, as Prometheus makes them, and the most until then.
    pub(crate) resident: f64,
    pub(crate) peak: f64,
    /// MiB, the most after polls that made everything again, and a scrape without gzip.
    pub(crate) peak_at_last: f64,
}

/// The memory of accounts of so many buckets (of each) with so many closed months.
pub(crate) fn months(runtime: &Runtime, accounts: usize, buckets: usize, months: i32) -> Months {
    let directory = tempfile::tempdir().unwrap();
    let simulator = runtime.block_on(vendor::vendor(accounts, buckets, months));
    let settings = format!(
        "poll: {{current_usage: 10s, monthly_usage: 30s, credentials: 6h, verify_login: 6h, inventory: 6h}}
history: {{months: {months}}}
series: {{max_per_account: 10000000}}"
    );
    let exporter = servers::exporter(directory.path(), &vendor::config(&simulator, accounts, &settings));
    ready(&exporter);
    let mut connection = Connection::open(exporter.address).unwrap();
    connection.scrape(Encoding::Gzip);
    connection.scrape(Encoding::Gzip);
    let (resident, peak) = (exporter.process.resident(), exporter.process.peak());
    for _ in 0..12 {
        std::thread::sleep(Duration::from_secs(5));
        connection.scrape(Encoding::Gzip);
    }
    connection.scrape(Encoding::Identity);
    let peak_at_last = exporter.process.peak();
    Months { accounts, buckets, months, resident, peak, peak_at_last }
}

/// Scrapes while all accounts publish, ms.
pub(crate) struct Publish {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) most: f64,
    pub(crate) scrapes: usize,
    /// The p50 while nothing changes.
    pub(crate) quiet: f64,
}

/// Scrapes twenty times a second while all accounts publish new figures every two seconds.
pub(crate) fn publish(runtime: &Runtime, accounts: usize, buckets: usize) -> Publish {
    let directory = tempfile::tempdir().unwrap();
    let simulator = runtime.block_on(vendor::vendor(accounts, buckets, 0));
    let measure = |settings: &str| {
        let exporter = servers::exporter(directory.path(), &vendor::config(&simulator, accounts, settings));
        ready(&exporter);
        let mut connection = Connection::open(exporter.address).unwrap();
        connection.scrape(Encoding::Gzip);
        let began = Instant::now();
        let mut times = Vec::new();
        while began.elapsed() < Duration::from_secs(15) {
            let took = connection.scrape(Encoding::Gzip);
            times.push(millis(took));
            std::thread::sleep(Duration::from_millis(50).saturating_sub(took));
        }
        times
    };
    let mut quiet = measure(QUIET);
    let mut busy = measure(&QUIET.replacen("current_usage: 6h", "current_usage: 2s", 1));
    Publish {
        p50: quantile(&mut busy, 0.5),
        p99: quantile(&mut busy, 0.99),
        most: quantile(&mut busy, 1.0),
        scrapes: busy.len(),
        quiet: quantile(&mut quiet, 0.5),
    }
}

pub(crate) struct Fleet {
    pub(crate) requests: usize,
    /// From the start until everything was polled once, seconds.
    pub(crate) first_picture: f64,
    /// What the cap on requests allows, seconds.
    pub(crate) allowed: f64,
    /// Of a core, %.
    pub(crate) steady_cpu: f64,
    /// MiB.
    pub(crate) resident: f64,
}

/// How long the vendor of the fleet takes to answer.
const LATENCY: Duration = Duration::from_millis(50);

/// The default of `max_concurrent_requests`.
const AT_ONCE: usize = 8;

/// How often the fleet is scraped once everything was polled, every 15 seconds.
const STEADY_SCRAPES: usize = 4;

pub(crate) fn fleet(runtime: &Runtime, accounts: usize, buckets: usize) -> Fleet {
    let directory = tempfile::tempdir().unwrap();
    let simulator = runtime.block_on(vendor::vendor(accounts, buckets, 6));
    simulator.configure(|settings| settings.latency = LATENCY);
    let exporter = servers::exporter(directory.path(), &vendor::config(&simulator, accounts, ""));
    let first_picture = ready(&exporter).as_secs_f64();
    let requests = simulator.request_count(None);
    let mut connection = Connection::open(exporter.address).unwrap();
    connection.scrape(Encoding::Gzip);
    let (cpu, began) = (exporter.process.cpu(), Instant::now());
    for _ in 0..STEADY_SCRAPES {
        std::thread::sleep(Duration::from_secs(15));
        connection.scrape(Encoding::Gzip);
    }
    let used = exporter.process.cpu().saturating_sub(cpu);
    Fleet {
        requests,
        first_picture,
        allowed: count(requests) * LATENCY.as_secs_f64() / count(AT_ONCE),
        steady_cpu: 100.0 * used.as_secs_f64() / began.elapsed().as_secs_f64(),
        resident: exporter.process.resident(),
    }
}

/// From starting the process to the end of its first scrape, beyond what a process takes that only tells its version,
/// ms.
pub(crate) fn start(runtime: &Runtime) -> Spread {
    let directory = tempfile::tempdir().unwrap();
    let simulator = runtime.block_on(vendor::vendor(1, 100, 0));
    let config = vendor::config(&simulator, 1, "");
    let beyond = (0..15).map(|_| {
        let began = Instant::now();
        let version = Command::new(program()).arg("--version").stdout(Stdio::null()).status().unwrap();
        assert!(version.success());
        let version = began.elapsed();
        let began = Instant::now();
        let exporter = servers::exporter(directory.path(), &config);
        until_answered(exporter.address, "/metrics", READY);
        millis(began.elapsed()) - millis(version)
    });
    Spread::of(beyond)
}
