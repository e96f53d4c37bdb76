//! A simulated vendor, an exporter that polls it, and a clock that both follow.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lyve_cloud_exporter::clock::{Clock as _, Manual};
use lyve_cloud_exporter::config::{Account, Api, Config, ObjectStorage, Secret, SecretSource};
use lyve_cloud_exporter::daemon::{Daemon, Deps};
use lyve_cloud_exporter::http::Web;
use lyve_cloud_exporter::model::{Collector, Expiry};
use lyve_cloud_exporter::poll::Jitter;
use lyve_cloud_exporter::reload::{Loader, Reloader};
use lyve_cloud_exporter::simulator::{self, Actions, Simulator};
use lyve_cloud_exporter::store::{AccountState, Store};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::client::{Answer, get};
use crate::samples::Samples;

/// The tests' day: a Tuesday in the middle of a quarter.
pub const NOW: &str = "2026-11-24T12:00:00Z";

/// Longer than anything here takes, short enough to end a test that hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

pub const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

pub const fn hours(count: u64) -> Duration {
    minutes(count * 60)
}

/// A vendor and a clock, before any exporter runs.
pub struct Stage {
    pub clock: Manual,
    pub simulator: Simulator,
}

impl Stage {
    pub async fn new() -> Self {
        Self::on(NOW).await
    }

    pub async fn on(now: &str) -> Self {
        let clock = Manual::new(at(now));
        let simulator = Simulator::start(Arc::new(clock.clone())).await.expect("a simulator");
        Self { clock, simulator }
    }

    /// The configuration of an account with the pair that the simulator gives it.
    pub fn account(&self, name: &str) -> Account {
        let (access_key, secret) = self.simulator.account(name).pair();
        Account {
            name: name.to_owned(),
            api: Api::AccountV2 { base_url: self.simulator.base_url().parse().expect("a URL") },
            account_id: name.to_owned(),
            access_key: SecretSource::Inline(Secret::new(access_key)),
            secret: SecretSource::Inline(Secret::new(secret)),
            credential: Expiry::Unknown,
            ca_file: None,
            price: None,
            credential_warning: None,
            usage_drop: None,
        }
    }

    /// The configuration of an account of the current platform with the root pair that the simulator gives it.
    pub fn object_storage_account(&self, name: &str) -> Account {
        let (access_key, secret) = self.simulator.object_storage_account(name).pair();
        let url: url::Url = self.simulator.object_storage_url().parse().expect("a URL");
        let max_age = Some(hours(90 * 24));
        Account {
            name: name.to_owned(),
            api: Api::ObjectStorage(ObjectStorage {
                iam_url: url.clone(),
                s3_url: url,
                max_age,
                key_digest: None,
            }),
            account_id: name.to_owned(),
            access_key: SecretSource::Inline(Secret::new(access_key)),
            secret: SecretSource::Inline(Secret::new(secret)),
            credential: Expiry::Never,
            ca_file: None,
            price: None,
            credential_warning: None,
            usage_drop: None,
        }
    }

    /// An account `archive` of the current platform with something of everything, and its configuration.
    pub fn archive(&self) -> (simulator::ObjectStorageAccount, Config) {
        let archive = fill_archive(self.simulator.object_storage_account("archive"));
        let account = self.object_storage_account("archive");
        (archive, Config::of(vec![account]))
    }

    /// An account `acme` with two buckets, a service account and a permission, and its configuration.
    pub fn acme(&self) -> (simulator::SimulatedAccount, Config) {
        let acme = self
            .simulator
            .account("acme")
            .bucket("backups", 534.5)
            .bucket("media", 3957.5)
            .month(month(2026, 9), &[("backups", 500.0), ("media", 3000.0)])
            .month(month(2026, 10), &[("backups", 520.0), ("media", 3500.0)])
            .service_account(simulator::ServiceAccount::new("sa-1", "veeam"))
            .permission(simulator::Permission::all_buckets("p-1", "everything", Actions::AllOperations));
        (acme, Config::of(vec![self.account("acme")]))
    }

    /// Starts an exporter that polls without jitter.
    pub async fn exporter(&self, config: Config) -> Exporter {
        self.exporter_with(config, |daemon| daemon).await
    }

    /// The same, after a change to the daemon.
    pub async fn exporter_with(&self, config: Config, change: impl FnOnce(Daemon) -> Daemon) -> Exporter {
        Self::launch(&self.clock, change(Daemon::new(self.deps(config)).expect("a daemon"))).await
    }

    /// The same, with something to reload the configuration from.
    pub async fn exporter_from(&self, config: Config, loader: Option<Loader>) -> Exporter {
        self.start(Deps { loader, ..self.deps(config) }).await
    }

    /// What an exporter on this stage is made of, for tests that change some of it.
    pub fn deps(&self, config: Config) -> Deps {
        let web = Web {
            telemetry_path: "/metrics".to_owned(),
            version: "0.0.0",
            enable_lifecycle: true,
            ..Web::default()
        };
        Deps { config, loader: None, clock: Arc::new(self.clock.clone()), jitter: Jitter(0.0), web }
    }

    /// Starts an exporter, after a change to the daemon.
    pub async fn start_with(&self, deps: Deps, change: impl FnOnce(Daemon) -> Daemon) -> Exporter {
        Self::launch(&self.clock, change(Daemon::new(deps).expect("a daemon"))).await
    }

    /// Starts an exporter.
    pub async fn start(&self, deps: Deps) -> Exporter {
        Self::launch(&self.clock, Daemon::new(deps).expect("a daemon")).await
    }

    /// Starts an exporter at an address, where another one may have been before.
    pub async fn start_at(&self, address: SocketAddr, deps: Deps) -> Exporter {
        Self::launch_at(address, &self.clock, Daemon::new(deps).expect("a daemon")).await
    }

    async fn launch(clock: &Manual, daemon: Daemon) -> Exporter {
        Self::launch_at(SocketAddr::from(([127, 0, 0, 1], 0)), clock, daemon).await
    }

    async fn launch_at(address: SocketAddr, clock: &Manual, daemon: Daemon) -> Exporter {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (store, reloader) = (daemon.store(), daemon.reloader());
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(daemon.run(vec![listener], shutdown.clone()));
        let (clock, shutdown) = (clock.clone(), shutdown.drop_guard());
        Exporter { address, store, reloader, clock, shutdown, task }
    }

    /// Starts an exporter and waits until everything was polled once.
    pub async fn polled_exporter(&self, config: Config) -> Exporter {
        let exporter = self.exporter(config).await;
        exporter.until("everything was polled once", |store| store.ready()).await;
        exporter
    }
}

/// Gives an account of the current platform something of everything.
pub fn fill_archive(account: simulator::ObjectStorageAccount) -> simulator::ObjectStorageAccount {
    let transfer = |upload, download, delete| simulator::Transfer { upload, download, delete };
    account
        .since(jiff::civil::date(2026, 8, 1))
        .used_space(6_485_663_588_183)
        .ghost_space(402_901_552_935)
        .objects(18_499)
        .region("us-east-1", transfer(1_000, 200, 30))
        .region("eu-west-1", transfer(5, 6, 7))
        .bucket("backups", 534_500_000_000, 1_200)
        .bucket("media", 3_957_500_000_000, 9_000)
        .deleted_bucket("ghost", 111_000_000_000, 77)
        .user(
            simulator::User::new("owner", at("2026-01-01T00:00:00Z"))
                .kind(simulator::UserKind::Root)
                .key("AKOWNER", at("2026-11-01T00:00:00Z")),
        )
        .user(
            simulator::User::new("veeam", at("2026-02-01T00:00:00Z"))
                .last_access(at("2026-11-20T00:00:00Z"))
                .key("AKOLD", at("2026-02-01T00:00:00Z"))
                .inactive_key("AKOFF", at("2026-02-02T00:00:00Z")),
        )
        .user(simulator::User::new("j.doe", at("2026-11-01T00:00:00Z")).must_change_password())
}

pub fn month(year: i32, number: i32) -> lyve_cloud_exporter::model::Month {
    lyve_cloud_exporter::model::Month::new(year, number).expect("a month")
}

/// A running exporter. It stops when it is dropped.
pub struct Exporter {
    pub address: SocketAddr,
    pub store: Arc<Store>,
    pub reloader: Reloader,
    clock: Manual,
    shutdown: DropGuard,
    task: JoinHandle<std::io::Result<()>>,
}

impl Exporter {
    /// Waits for the store to become as wanted.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Store) -> bool) {
        self.until_within(PATIENCE, what, wanted).await;
    }

    /// The same, for what takes a slow machine longer than anything else here.
    pub async fn until_within(&self, patience: Duration, what: &str, wanted: impl Fn(&Store) -> bool) {
        let mut changes = self.store.changes();
        let reached = changes.wait_for(|_| wanted(&self.store));
        let reached = tokio::time::timeout(patience, reached).await;
        assert!(reached.is_ok(), "waited in vain until {what}: {:#?}", self.store.snapshot());
    }

    /// The same, with the clock moved on by a step whenever nothing came of the last one. A busy machine only takes longer.
    pub async fn until_in_steps(&self, step: Duration, what: &str, wanted: impl Fn(&Store) -> bool) {
        for _ in 0..200 {
            let mut changes = self.store.changes();
            let reached = changes.wait_for(|_| wanted(&self.store));
            if tokio::time::timeout(Duration::from_millis(300), reached).await.is_ok() {
                return;
            }
            self.clock.advance(step);
        }
        panic!("waited in vain until {what}: {:#?}", self.store.snapshot());
    }

    /// The state of one account.
    pub fn state(&self, account: &str) -> Arc<AccountState> {
        self.store.account(account).expect("an account of this name").state()
    }

    /// How many polls of a collector have ended.
    pub fn polls(&self, account: &str, collector: Collector) -> u64 {
        self.state(account).health(collector).polls
    }

    /// Moves the clock by a collector's wait, and waits until it has polled once more.
    pub async fn next_poll(&self, account: &str, collector: Collector, wait: Duration) {
        let before = self.polls(account, collector);
        self.clock.advance(wait);
        self.until(&format!("{collector} of {account} was polled once more"), |store| {
            store.account(account).is_some_and(|cell| cell.state().health(collector).polls > before)
        })
        .await;
    }

    /// Moves the clock, and gives way once. Nothing is waited for: what became due may not even have begun when this
    /// returns. [`Exporter::next_poll`] waits for a poll, and [`Exporter::until`] for whatever comes of one.
    pub async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        tokio::task::yield_now().await;
    }

    /// Moves the clock on by five seconds at a time until something is found.
    pub async fn walk_until(&self, what: &str, wanted: impl Fn(&Self) -> bool) {
        for _ in 0..1000 {
            if wanted(self) {
                return;
            }
            self.walk(Duration::from_secs(5)).await;
        }
        panic!("never: {what}");
    }

    /// Moves the clock on by five seconds at a time; whoever is due has begun after each of them.
    pub async fn walk(&self, way: Duration) {
        for _ in 0..way.as_secs() / 5 {
            self.clock.advance(Duration::from_secs(5));
            for _ in 0..3 {
                self.get("/-/healthy").await;
            }
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub async fn get(&self, path: &str) -> Answer {
        get(self.address, path).await
    }

    pub async fn scrape(&self) -> Samples {
        let answer = self.get("/metrics").await;
        assert_eq!(answer.status, 200);
        Samples::parse(&answer.text())
    }

    /// Stops it as a signal would, and waits for its end.
    pub async fn stop(self) -> std::io::Result<()> {
        drop(self.shutdown);
        tokio::time::timeout(PATIENCE, self.task).await.expect("an end in time").expect("no panic")
    }
}
