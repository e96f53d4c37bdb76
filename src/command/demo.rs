use std::io;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::clock::Clock;
use crate::config::{Account, Config, History, Poll, SecretSource};
use crate::simulator::{Simulator, demo};

/// A simulated vendor with the accounts of the demonstration.
#[derive(Debug)]
pub struct Demo {
    simulator: Simulator,
    base_url: Url,
    clock: Arc<dyn Clock>,
}

/// Often enough to see usage move.
const POLL: Duration = Duration::from_secs(5);

impl Demo {
    /// Starts the simulated vendor.
    ///
    /// # Errors
    /// Where the system gives it no port.
    pub async fn start(clock: &Arc<dyn Clock>) -> io::Result<Self> {
        let simulator = Simulator::start(Arc::clone(clock)).await?;
        demo::world(&simulator);
        let base_url = Url::parse(&simulator.base_url()).map_err(io::Error::other)?;
        Ok(Self { simulator, base_url, clock: Arc::clone(clock) })
    }

    /// The simulated vendor.
    #[must_use]
    pub const fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// A configuration that watches all of its accounts.
    #[must_use]
    pub fn config(&self) -> Config {
        let accounts = demo::accounts(self.clock.now()).into_iter().map(|account| Account {
            name: account.name.to_owned(),
            base_url: self.base_url.clone(),
            account_id: account.account_id.to_owned(),
            access_key: SecretSource::Inline(account.access_key),
            secret: SecretSource::Inline(account.secret),
            credential: account.credential,
            ca_file: None,
        });
        Config {
            poll: Poll { current_usage: POLL, inventory: POLL, credentials: POLL, ..Poll::default() },
            history: History { months: demo::MONTHS.unsigned_abs() },
            ..Config::of(accounts.collect())
        }
    }
}
