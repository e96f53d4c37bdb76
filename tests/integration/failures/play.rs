//! What the tables have in common: accounts with canaries for secrets, the log as data, and the search for what leaked.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use hyper::Method;
use lyve_cloud_exporter::config::{Account, Config, Poll};
use lyve_cloud_exporter::logging::{LogFormat, LogLevel, dispatch};
use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::model::Reason;
use lyve_cloud_exporter::simulator::{self, Actions, Endpoint, Fault};
use serde_json::Value;
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

use crate::client::request;
use crate::samples::{Sample, Samples};
use crate::stage::{Exporter, Stage, at, fill_archive, hours, month};

/// What is in every secret and in every body whose text must not be repeated.
pub const CANARY: &str = "canary";

/// The log of one scene, at the level of most words.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).expect("a log of text")
    }

    /// What needs attention, by account and collector.
    pub fn warnings(&self) -> Warnings {
        let mut lines: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
        for line in self.text().lines() {
            let line: Value = serde_json::from_str(line).expect("an object a line");
            // What is more than a person reads is summed up, and is a line of its own at `debug`.
            let is_failure = line["msg"] == "poll failed";
            if is_failure || matches!(line["level"].as_str(), Some("warn" | "error")) {
                let field = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
                lines.entry((field("account"), field("collector"))).or_default().push(line);
            }
        }
        Warnings(lines)
    }
}

/// The log's warnings and errors.
pub struct Warnings(BTreeMap<(String, String), Vec<Value>>);

impl Warnings {
    /// Those of one collector of one account.
    pub fn of(&self, account: &str, collector: Collector) -> &[Value] {
        let key = (account.to_owned(), collector.name().to_owned());
        self.0.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Insists on one line that tells of a failed poll: how bad it is, whose it is, why, in words, and when the next is.
    pub fn assert_failure(
        &self,
        (account, collector): (&str, Collector),
        reason: Reason,
        says: &str,
        retry_in_seconds: u64,
    ) {
        let lines = self.of(account, collector);
        let [line] = lines else { panic!("{account}, {collector}: not one line but {lines:#?}") };
        assert!(line["level"] == "warn" || line["level"] == "debug", "{account}: {line}");
        assert_eq!(line["msg"], "poll failed", "{account}: {line}");
        assert_eq!(line["reason"], reason.name(), "{account}: {line}");
        assert_eq!(line["retry_in_seconds"], retry_in_seconds, "{account}: {line}");
        let error = line["error"].as_str().unwrap_or_default();
        assert!(error.contains(says), "{account}: {error:?} does not say {says:?}");
    }
}

/// Somebody else who would hear of every line, and wants none. A place in the source that logs for the first time asks all
/// who listen whether to do so ever again; where there is but one of them, it asks whoever listens on its own thread, and
/// for another test's thread that is nobody.
static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));

/// Plays a scene on a runtime of its own, so that its log is its own.
pub fn play(scene: impl AsyncFnOnce(Log)) {
    LazyLock::force(&ANOTHER);
    let log = Log::default();
    let writer = log.clone();
    let dispatch = dispatch(LogLevel::Trace, LogFormat::Json, move || writer.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tracing::dispatcher::with_default(&dispatch, || runtime.block_on(scene(log)));
}

/// The endpoint whose answer a collector needs.
pub fn endpoint(collector: Collector) -> Endpoint {
    match collector {
        Collector::CURRENT_USAGE => Endpoint::CurrentUsage,
        Collector::MONTHLY_USAGE => Endpoint::MonthlyUsage,
        Collector::CREDENTIALS => Endpoint::Session,
        Collector::SERVICE_ACCOUNTS => Endpoint::ServiceAccounts,
        Collector::PERMISSIONS => Endpoint::Permissions,
        Collector::BILLING => Endpoint::Billing,
        Collector::BUCKETS => Endpoint::BucketStats,
        Collector::KEYS => Endpoint::ListAccessKeys,
        other => panic!("{other} is not known here"),
    }
}

/// The collectors that an account has beside this one, and it itself.
pub fn collectors_beside(collector: Collector) -> &'static [Collector] {
    if Collector::OBJECT_STORAGE.contains(&collector) {
        &Collector::OBJECT_STORAGE
    } else {
        &Collector::ACCOUNT_V2
    }
}

/// A simulated account of either API.
pub enum Vendor {
    AccountV2(simulator::SimulatedAccount),
    ObjectStorage(simulator::ObjectStorageAccount),
}

impl Vendor {
    /// An account of the API that has this collector, without anything in it, and its configuration.
    pub fn empty(stage: &Stage, name: &str, collector: Collector) -> (Self, Account) {
        if Collector::OBJECT_STORAGE.contains(&collector) {
            let (vendor, account) = empty_object_storage_account(stage, name);
            (Self::ObjectStorage(vendor), account)
        } else {
            let (vendor, account) = empty_account(stage, name);
            (Self::AccountV2(vendor), account)
        }
    }

    /// The same with something of everything.
    pub fn full(stage: &Stage, name: &str, collector: Collector) -> (Self, Account) {
        if Collector::OBJECT_STORAGE.contains(&collector) {
            let (vendor, account) = full_object_storage_account(stage, name);
            (Self::ObjectStorage(vendor), account)
        } else {
            let (vendor, account) = full_account(stage, name);
            (Self::AccountV2(vendor), account)
        }
    }

    pub fn change_everything(&self) {
        match self {
            Self::AccountV2(vendor) => change_everything(vendor),
            Self::ObjectStorage(vendor) => change_all_of_object_storage(vendor),
        }
    }

    pub fn fail_once(&self, endpoint: Endpoint, fault: Fault) {
        match self {
            Self::AccountV2(vendor) => vendor.fail_once(endpoint, fault),
            Self::ObjectStorage(vendor) => vendor.fail_once(endpoint, fault),
        }
    }
}

/// The configuration of an account of the current platform without anything in it, whose pair is a canary.
pub fn empty_object_storage_account(stage: &Stage, name: &str) -> (simulator::ObjectStorageAccount, Account) {
    let vendor = stage
        .simulator
        .object_storage_account(name)
        .access_key(&format!("AK{CANARY}{}", fastrand::u64(..)))
        .secret(&format!("{CANARY}-{}", fastrand::u64(..)));
    (vendor, stage.object_storage_account(name))
}

/// The same with something of everything.
pub fn full_object_storage_account(stage: &Stage, name: &str) -> (simulator::ObjectStorageAccount, Account) {
    let (vendor, account) = empty_object_storage_account(stage, name);
    (fill_archive(vendor), account)
}

/// What is new at the current platform since the first poll.
pub fn change_all_of_object_storage(vendor: &simulator::ObjectStorageAccount) {
    let _vendor = vendor.clone().day(jiff::civil::date(2026, 11, 23), 7_000, 80, 9);
    vendor.set_bucket("backups", 1, 2);
    vendor.delete_bucket("media");
    vendor.remove_user("j.doe");
    vendor.set_user(
        simulator::User::new("later", at("2026-11-01T00:00:00Z")).key("AKLATER", at("2026-11-02T00:00:00Z")),
    );
}

/// Where an endpoint is, with the query that the tests' day brings about.
pub fn path(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::CurrentUsage => "/v2/usage/current",
        Endpoint::MonthlyUsage => "/v2/usage/monthly?fromMonth=4&fromYear=2026&toMonth=9&toYear=2026",
        Endpoint::Session | Endpoint::Login => "/v2/auth/token",
        Endpoint::ServiceAccounts => "/v2/service-accounts",
        Endpoint::Permissions => "/v2/permissions",
        other => panic!("no collector asks for {other:?}"),
    }
}

/// The configuration of an account without anything in it, whose pair is a canary.
pub fn empty_account(stage: &Stage, name: &str) -> (simulator::SimulatedAccount, Account) {
    let vendor = stage
        .simulator
        .account(name)
        .access_key(&format!("AK{CANARY}{}", fastrand::u32(..)))
        .secret(&format!("{CANARY}-{}", fastrand::u64(..)));
    (vendor, stage.account(name))
}

/// The same with something of everything.
pub fn full_account(stage: &Stage, name: &str) -> (simulator::SimulatedAccount, Account) {
    let (vendor, account) = empty_account(stage, name);
    let vendor = vendor
        .bucket("backups", 534.5)
        .bucket("media", 3957.5)
        .sub_account(simulator::SubAccount::new("sub-1", "emea", 120.5).counts(3, 2, 7).trial_days(14))
        .month(month(2026, 9), &[("backups", 500.0), ("media", 3000.0)])
        .sub_account_month(month(2026, 9), "sub-1", "emea", 100.0)
        .service_account(simulator::ServiceAccount::new("sa-1", "veeam"))
        .permission(simulator::Permission::all_buckets("p-1", "everything", Actions::AllOperations));
    (vendor, account)
}

/// What is new at the vendor since the first poll.
pub fn change_everything(vendor: &simulator::SimulatedAccount) {
    vendor.set_bucket_usage("backups", 1.0);
    vendor.remove_bucket("media");
    vendor.clone().month(month(2026, 10), &[("backups", 7.0)]);
    vendor.add_service_account(simulator::ServiceAccount::new("sa-2", "later"));
    vendor.add_permission(simulator::Permission::all_buckets("p-2", "later", Actions::ReadOnly));
}

/// A configuration for many accounts at once, whose credentials are looked at without a login.
pub fn config(accounts: Vec<Account>) -> Config {
    let mut config = Config::of(accounts);
    config.poll.verify_login = hours(7 * 24);
    config.poll.max_concurrent_requests = 1000;
    config
}

/// The samples of each account.
pub async fn scrape(exporter: &Exporter) -> HashMap<String, Samples> {
    let mut by_account: HashMap<String, Samples> = HashMap::new();
    for sample in exporter.scrape().await.0 {
        if let Some(account) = sample.labels.get("account") {
            by_account.entry(account.clone()).or_insert_with(|| Samples(Vec::new())).0.push(sample);
        }
    }
    by_account
}

/// What a collector found, apart from whose it is. When a login was last accepted changes by itself and is left out.
pub fn data_of(samples: &Samples, collector: Collector) -> Vec<Sample> {
    let fed_by = match Collector::OBJECT_STORAGE.contains(&collector) {
        true => fed_by_object_storage,
        false => fed_by_account_v2,
    };
    let found = samples.0.iter().filter(|sample| fed_by(sample) == Some(collector)).cloned();
    let mut found: Vec<Sample> = found.collect();
    for sample in &mut found {
        sample.labels.remove("account");
        if collector == Collector::CREDENTIALS {
            sample.labels.remove("credential_id");
        }
    }
    found
}

/// Whether a metric, without its prefix, says what the configuration holds and not what a collector found.
fn is_configured(name: &str) -> bool {
    [
        "account_info",
        "account_data_max_age_",
        "account_budget",
        "account_usage_drop_",
        "credential_warning_",
        "access_key_rotation_warning_",
    ]
    .iter()
    .any(|begins| name.starts_with(begins))
}

fn fed_by_object_storage(sample: &Sample) -> Option<Collector> {
    let name = sample.name.strip_prefix("lyvecloud_").filter(|name| !is_configured(name))?;
    let begins = |with: &str| name.starts_with(with);
    if begins("account_buckets") || begins("bucket_") {
        Some(Collector::BUCKETS)
    } else if begins("account_") || begins("region_") || begins("usage_data_") {
        Some(Collector::BILLING)
    } else if begins("access_key_") || begins("user_") {
        Some(Collector::KEYS)
    } else {
        None
    }
}

fn fed_by_account_v2(sample: &Sample) -> Option<Collector> {
    let name = sample.name.strip_prefix("lyvecloud_").filter(|name| !is_configured(name))?;
    let begins = |with: &str| name.starts_with(with);
    if name.contains("_monthly_average_") {
        Some(Collector::MONTHLY_USAGE)
    } else if begins("account_") || begins("bucket_") || begins("sub_account_") {
        Some(Collector::CURRENT_USAGE)
    } else if begins("service_account_") {
        Some(Collector::SERVICE_ACCOUNTS)
    } else if begins("permission") {
        Some(Collector::PERMISSIONS)
    } else if begins("session_") {
        Some(Collector::CREDENTIALS)
    } else if begins("credential_") && !begins("credential_last_accepted") {
        match sample.labels["kind"].as_str() {
            "service_account" => Some(Collector::SERVICE_ACCOUNTS),
            _ => Some(Collector::CREDENTIALS),
        }
    } else {
        None
    }
}

/// Insists on how often a collector failed, and on why alone.
pub fn assert_failures(
    samples: &Samples,
    (account, collector): (&str, Collector),
    reason: Option<Reason>,
    count: f64,
) {
    for &possible in Reason::ALL {
        let labels = [("collector", collector.name()), ("reason", possible.name())];
        let wanted = if Some(possible) == reason { count } else { 0.0 };
        let counted = samples.value("lyvecloud_collector_failures_total", &labels);
        assert_eq!(counted, Some(wanted), "{account}: failures of {collector} for {}", possible.name());
    }
}

/// Ends once no request is under way and none follows.
pub async fn settle(stage: &Stage, exporter: &Exporter) {
    let mut quiet = 0;
    while quiet < 3 {
        // A scrape takes several turns of this one thread: whoever is due has begun by its end.
        exporter.get("/-/healthy").await;
        quiet = if stage.simulator.in_flight() == 0 { quiet + 1 } else { 0 };
    }
}

/// Looks for secrets, tokens and parts of bodies wherever anybody could read them.
pub async fn assert_nothing_leaked(stage: &Stage, exporter: &Exporter, log: &Log) {
    let mut places = vec![("the log", log.text()), ("the store", format!("{:?}", exporter.store.snapshot()))];
    for (path, accept) in [
        ("/metrics", "text/plain"),
        ("/metrics", "application/openmetrics-text"),
        ("/", "text/html"),
        ("/api/v1/status", "application/json"),
    ] {
        let answer = request(exporter.address, Method::GET, path, &[("accept", accept)]).await;
        assert_eq!(answer.status, 200, "{path}");
        places.push((path, answer.text()));
    }
    let tokens = stage.simulator.tokens();
    for (place, text) in places {
        assert!(!text.is_empty(), "{place} is empty");
        if let Some(found) = text.find(CANARY) {
            panic!("{place} holds a canary: {}", text[..found + 40].rsplit('\n').next().unwrap_or_default());
        }
        assert!(tokens.iter().all(|token| !text.contains(token)), "{place} holds a token");
    }
    assert_eq!(stage.simulator.violations(), [], "it only reads");
}

/// How long it is from one poll of a collector to the next, by default.
pub fn interval(collector: Collector) -> Duration {
    let mut collectors = lyve_cloud_exporter::api::collectors();
    let declared = collectors.find(|declared| declared.collector == collector).expect("a collector");
    (declared.interval)(&Poll::default())
}
