use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use crate::clock::Clock;
use crate::config::{Account, Api, Config, History, ObjectStorage, Poll, SecretSource};
use crate::model::{Expiry, Price};
use crate::simulator::{Simulator, demo};

/// Often enough to see usage move.
const POLL: Duration = Duration::from_secs(10);

/// For what changes less; the refused account's complaints do not drown everything else then.
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

/// A simulated vendor with the accounts of the demonstration.
#[derive(Debug)]
pub struct Demo {
    simulator: Simulator,
}

impl Demo {
    /// Starts the simulated vendor.
    ///
    /// # Errors
    /// Where the system gives it no port.
    pub async fn start(clock: &Arc<dyn Clock>) -> io::Result<Self> {
        let simulator = Simulator::start_plain(Arc::clone(clock)).await?;
        demo::world(&simulator);
        Ok(Self { simulator })
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
            credential: account.credential,
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
