//! Scrapes of a well-behaved client while others attack.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use strum::VariantArray as _;
use tokio::runtime::Runtime;

use crate::attackers::Attack;
use crate::measures::{QUIET, READY};
use crate::process::{Process, this_program};
use crate::scrape::{Connection, Encoding, count, millis, quantile};
use crate::servers::{self, until_answered};
use crate::vendor;

/// How long each attack lasts, seconds. It goes on for a little while before and behind the scrapes.
const LASTS: u64 = 8;

/// Between two scrapes.
const EVERY: Duration = Duration::from_millis(15);

/// The well-behaved client's.
const PASSWORD: &str = "correct horse battery staple";

/// As the documentation advises.
const COST: u32 = 10;

/// How scrapes fared.
pub(crate) struct Fared {
    /// ms. A scrape that failed took for ever.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) most: f64,
    pub(crate) failed: usize,
    pub(crate) scrapes: usize,
}

impl Fared {
    fn of(mut times: Vec<f64>) -> Self {
        let failed = times.iter().filter(|took| took.is_infinite()).count();
        let [p50, p99, most] = [0.5, 0.99, 1.0].map(|part| quantile(&mut times, part));
        Self { p50, p99, most, failed, scrapes: times.len() }
    }
}

pub(crate) struct Attacked {
    pub(crate) attack: Attack,
    /// How often a second the attackers connected or asked.
    pub(crate) rate: f64,
    /// Over one connection that stays open, as Prometheus has it.
    pub(crate) kept: Fared,
    /// Over a connection for each scrape.
    pub(crate) fresh: Fared,
    /// The most resident memory of the exporter, MiB.
    pub(crate) peak: f64,
}

/// Every attack in turn, each on an exporter of its own with 10,000 buckets.
pub(crate) fn attacks(runtime: &Runtime) -> Vec<Attacked> {
    let (accounts, buckets) = (10, 1000);
    let directory = tempfile::tempdir().unwrap();
    let simulator = runtime.block_on(vendor::vendor(accounts, buckets, 0));
    let config = vendor::config(&simulator, accounts, QUIET);
    let web = directory.path().join("web.yaml");
    let hash = bcrypt::hash(PASSWORD, COST).unwrap();
    std::fs::write(&web, format!("basic_auth_users: {{prometheus: '{hash}'}}\n")).unwrap();
    Attack::VARIANTS.iter().map(|&attack| attacked(directory.path(), &config, &web, attack)).collect()
}

fn attacked(directory: &Path, config: &str, web: &Path, attack: Attack) -> Attacked {
    let web = attack.is_on_passwords().then(|| format!("--web.config.file={}", web.display()));
    let exporter = servers::exporter_with(directory, config, web);
    until_answered(exporter.address, "/-/ready", READY);
    let mut kept = Scraper::new(exporter.address);
    kept.scrape();
    let mut attackers = Process::start(
        Command::new(this_program())
            .args(["attacker", attack.name(), &exporter.address.to_string(), &LASTS.to_string()])
            .stdout(Stdio::piped()),
    );
    // So that the attack is in full swing.
    std::thread::sleep(Duration::from_secs(1));
    let began = Instant::now();
    let (mut over_kept, mut over_fresh) = (Vec::new(), Vec::new());
    while began.elapsed() < Duration::from_secs(LASTS - 2) {
        over_kept.push(kept.scrape());
        std::thread::sleep(EVERY);
        over_fresh.push(Scraper::new(exporter.address).scrape());
        std::thread::sleep(EVERY);
    }
    let mut done = String::new();
    attackers.child().stdout.take().unwrap().read_to_string(&mut done).unwrap();
    let done: usize = done.trim().parse().unwrap();
    Attacked {
        attack,
        rate: count(done) / Duration::from_secs(LASTS).as_secs_f64(),
        kept: Fared::of(over_kept),
        fresh: Fared::of(over_fresh),
        peak: exporter.process.peak(),
    }
}

/// Sends its password, whether it is asked for or not.
struct Scraper {
    address: SocketAddr,
    connection: Option<Connection>,
}

impl Scraper {
    const fn new(address: SocketAddr) -> Self {
        Self { address, connection: None }
    }

    /// How long a scrape took, with its connection where there is none yet, ms.
    fn scrape(&mut self) -> f64 {
        let began = Instant::now();
        match self.ask() {
            Ok(200) => millis(began.elapsed()),
            Ok(_) | Err(_) => {
                self.connection = None;
                f64::INFINITY
            }
        }
    }

    fn ask(&mut self) -> std::io::Result<u16> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => {
                let claim = BASE64_STANDARD.encode(format!("prometheus:{PASSWORD}"));
                let connection = Connection::open(self.address)?;
                self.connection.insert(connection.with_header(&format!("Authorization: Basic {claim}")))
            }
        };
        connection.get("/metrics", Encoding::Gzip, None)
    }
}
