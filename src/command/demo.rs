use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use crate::clock::{self, Clock};
use crate::config::{Account, Api, Config, History, ObjectStorage, Poll, SecretSource};
use crate::model::{Expiry, Price};
use crate::notify;
use crate::simulator::{Simulator, demo};
use crate::store::{RecentUsage, Store};

/// Often enough to see usage move.
const POLL: Duration = Duration::from_secs(10);

/// For what changes less; the rejected account's complaints do not drown everything else then.
const POLL_REST: Duration = Duration::from_secs(60);

/// For one terabyte and month; a figure to look at, not an offer.
const PRICE: f64 = 7.99;

fn price() -> Price {
    Price {
        per_terabyte_month: PRICE,
        minimum_terabytes: 0.0,
        currency: "USD".to_owned(),
        budget: Some(2000.0),
    }
}

/// How long an answer takes: about what the vendor takes.
const LATENCY: std::ops::Range<Duration> = Duration::from_millis(80)..Duration::from_millis(600);

/// How long the credential lasts that expires while one watches.
const FAST: Duration = Duration::from_secs(90);

/// The account that it belongs to.
const FAST_ACCOUNT: &str = "contoso-backup";

/// A simulated vendor with the accounts of the demonstration.
#[derive(Debug)]
pub struct Demo {
    simulator: Simulator,
    /// When the credentials of one account expire, if that is soon.
    ends: Option<Timestamp>,
}

impl Demo {
    /// Starts the simulated vendor.
    ///
    /// # Errors
    /// Where the system gives it no port.
    pub async fn start(clock: &Arc<dyn Clock>) -> io::Result<Self> {
        let simulator = Simulator::start_plain(Arc::clone(clock)).await?;
        demo::world(&simulator);
        Ok(Self { simulator, ends: None })
    }

    /// The same, answering as slowly as the vendor does.
    #[must_use]
    pub fn slow(self) -> Self {
        self.simulator.configure(|settings| {
            settings.latency = LATENCY.start;
            settings.latency_spread = LATENCY.end - LATENCY.start;
        });
        self
    }

    /// The same, with a credential that expires while one watches.
    #[must_use]
    pub fn fast(self) -> Self {
        let now = self.simulator.now();
        let ends = clock::after(now, FAST);
        if let Some(account) = demo::accounts(now).into_iter().find(|account| account.name == FAST_ACCOUNT) {
            let _account = self.simulator.account(account.account_id).credentials_until(ends);
        }
        Self { ends: Some(ends), ..self }
    }

    /// The simulated vendor. It must outlive whatever asks it.
    #[must_use]
    pub fn into_simulator(self) -> Simulator {
        self.simulator
    }

    /// A configuration that watches all accounts of the demonstration.
    ///
    /// # Errors
    /// None in practice: the simulated vendor's address is a URL.
    pub fn config(&self) -> io::Result<Config> {
        let base_url: Url = self.simulator.base_url().parse().map_err(io::Error::other)?;
        let accounts = demo::accounts(self.simulator.now()).into_iter().map(|account| Account {
            name: account.name.to_owned(),
            api: Api::AccountV2 { base_url: base_url.clone() },
            account_id: account.account_id.to_owned(),
            access_key: SecretSource::Inline(account.access_key),
            secret: SecretSource::Inline(account.secret),
            credential: match self.ends {
                Some(end) if account.name == FAST_ACCOUNT => Expiry::At(end),
                _ => account.credential,
            },
            ca_file: None,
            price: Some(price()),
            credential_warning: None,
            usage_drop: None,
        });
        let accounts = accounts.chain([self.object_storage_account()?]);
        Ok(Config {
            poll: Poll {
                current_usage: POLL,
                inventory: POLL_REST,
                credentials: POLL_REST,
                ..Poll::default()
            },
            history: History { months: demo::MONTHS.unsigned_abs() },
            ..Config::of(accounts.collect())
        })
    }

    /// Puts the last 60 days into a store, as an exporter would know them that has run for so long.
    pub fn remember(&self, store: &Store) {
        let now = self.simulator.now();
        for account in demo::accounts(now).map(|account| account.name) {
            let Some(curve) = demo::usage_over_time(account, now) else { continue };
            self.fill(store, account, curve);
        }
        self.fill(store, demo::object_storage_account().name, demo::object_storage_usage_over_time(now));
    }

    fn fill(&self, store: &Store, account: &str, usage: impl Fn(Timestamp) -> u64) {
        let Some(cell) = store.account(account) else { return };
        let now = self.simulator.now();
        cell.update(|state| {
            for back in (1..RecentUsage::steps()).rev() {
                let at = now - RecentUsage::step() * i32::try_from(back).unwrap_or(0);
                state.record_usage(at, usage(at));
            }
        });
    }

    /// Writes a configuration for other commands to ask the same simulated vendor, as long as it runs.
    ///
    /// # Errors
    /// Where there is such a file, or it cannot be written.
    pub fn write_config(&self, path: &Path) -> io::Result<()> {
        let accounts: Vec<Value> = demo::accounts(self.simulator.now())
            .into_iter()
            .map(|account| {
                json!({
                    "name": account.name,
                    "base_url": self.simulator.base_url(),
                    "account_id": account.account_id,
                    "access_key": account.access_key.expose(),
                    "secret": account.secret.expose(),
                })
            })
            .collect();
        let archive = demo::object_storage_account();
        let url = self.simulator.object_storage_url();
        let archive = json!({
            "name": archive.name,
            "api": "object_storage",
            "iam_url": url,
            "s3_url": url,
            "access_key": archive.access_key.expose(),
            "secret": archive.secret.expose(),
        });
        let accounts: Vec<Value> = accounts.into_iter().chain([archive]).collect();
        // What is JSON is YAML as well.
        let text = serde_json::to_string_pretty(&json!({"accounts": accounts}))? + "\n";
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())
    }

    /// The account of the current platform. Its pair has no end, only an age.
    fn object_storage_account(&self) -> io::Result<Account> {
        let url: Url = self.simulator.object_storage_url().parse().map_err(io::Error::other)?;
        let account = demo::object_storage_account();
        let max_age = Some(account.max_age);
        Ok(Account {
            name: account.name.to_owned(),
            api: Api::ObjectStorage(ObjectStorage {
                iam_url: url.clone(),
                s3_url: url,
                max_age,
                key_digest: None,
            }),
            account_id: account.name.to_owned(),
            access_key: SecretSource::Inline(account.access_key),
            secret: SecretSource::Inline(account.secret),
            credential: Expiry::Never,
            ca_file: None,
            price: Some(price()),
            credential_warning: None,
            usage_drop: None,
        })
    }
}

/// The name of the alert about a credential that has expired.
const EXPIRED: &str = "LyveCloudCredentialExpired";

/// The longest wait for the first polls.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until every collector was polled once, but not for long.
pub async fn polled(store: &Store) {
    let mut changes = store.changes();
    let ready = changes.wait_for(|_| store.ready());
    // Whoever waits is told to look in any case.
    let _ = tokio::time::timeout(PATIENCE, ready).await;
}

/// Prints each critical alert about the credential that expires in [`Demo::fast`], as a mail of the shipped Alertmanager template, until
/// it has expired.
pub async fn print_mails(store: &Store, clock: &dyn Clock, page: &str, print: impl Fn(String)) {
    let mut told: Vec<&'static str> = Vec::new();
    loop {
        let now = clock.now();
        let states: Vec<_> =
            store.snapshot().into_iter().filter(|state| &*state.spec.name == FAST_ACCOUNT).collect();
        for alert in notify::alerts(&states, now) {
            let label =
                |name| alert.labels.iter().find(|(label, _)| *label == name).map(|(_, value)| &**value);
            let is_ours = label("kind") == Some("account_api") && label("severity") == Some("critical");
            let name = match label("alertname") {
                Some("LyveCloudCredentialExpiresSoon") => "LyveCloudCredentialExpiresSoon",
                Some(EXPIRED) => EXPIRED,
                _ => continue,
            };
            if is_ours && !told.contains(&name) {
                told.push(name);
                print(mail(&alert, name, now, page));
            }
        }
        if told.contains(&EXPIRED) {
            return;
        }
        clock.sleep_until(clock::after(now, Duration::from_secs(1))).await;
    }
}

/// An alert as `deploy/alertmanager/lyve-cloud.tmpl` writes it.
fn mail(alert: &notify::Alert, name: &str, now: Timestamp, page: &str) -> String {
    let description = alert.description.replacen(" First: ", "\n\nFirst: ", 1);
    let text = format!(
        "Subject: [critical] {summary}\n\n{summary}\n(critical, since {since})\n\n{description}\n\nRunbook: {runbook}\nSource: {page}",
        summary = alert.summary,
        since = now.strftime("%Y-%m-%d %H:%M UTC"),
        runbook = notify::runbook(name),
    );
    let quoted: String =
        text.lines().map(|line| format!("  | {line}").trim_end().to_owned() + "\n").collect();
    format!("\nDemo: Alertmanager would mail now:\n\n{quoted}\n")
}

#[cfg(test)]
mod tests;
