use std::sync::Arc;

use super::partial::{Answered, Key};
use super::progress::Progress;
use crate::api::account_v2::final_at;
use crate::api::{ApiError, Client, NoTelemetry, Transport, TransportError, Zeros};
use crate::backoff::Backoff;
use crate::clock::{self, Clock};
use crate::config::{Account, Config};
use crate::model::Reason;

/// How often one question is asked before it counts as failed.
const TRIES: u32 = 4;

/// Asks the vendor for past months.
pub(super) struct Asker {
    transport: Transport,
    clock: Arc<dyn Clock>,
    zeros: Zeros,
}

impl Asker {
    pub(super) fn new(config: &Config, clock: Arc<dyn Clock>, zeros: Zeros) -> Result<Self, TransportError> {
        Ok(Self { transport: Transport::new(config.poll.timeout)?, clock, zeros })
    }

    /// A client with a session of its own.
    pub(super) fn client(&self, account: &Account) -> Result<Client, TransportError> {
        Client::new(account, self.transport.clone(), Arc::clone(&self.clock), Arc::new(NoTelemetry))
    }

    /// The months of `key`. What may pass by itself is asked again a few times, no sooner than the vendor wants.
    pub(super) async fn ask(
        &self,
        client: &Client,
        account: &str,
        key: &Key,
        progress: &Progress,
    ) -> Result<Answered, ApiError> {
        let mut failures = 0;
        loop {
            let now = self.clock.now();
            let error = match client.past_usage(key.first, key.last, self.zeros).await {
                Ok(usage) => return Ok(Answered { is_final: final_at(key.last) <= now, usage }),
                Err(error) => error,
            };
            failures += 1;
            if failures == TRIES || !may_pass(error.reason) {
                return Err(error);
            }
            let wait = Backoff::BACKFILL.after(error.reason, error.retry_after, failures);
            progress.say(&format!("{account}: {error}; trying again in {} s", wait.as_secs()));
            self.clock.sleep_until(clock::after(self.clock.now(), wait)).await;
        }
    }
}

const fn may_pass(reason: Reason) -> bool {
    match reason {
        Reason::RateLimited | Reason::Timeout | Reason::Connect | Reason::Server => true,
        Reason::Auth | Reason::Forbidden | Reason::Tls | Reason::Request | Reason::Decode => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Manual;
    use crate::config::{Api, Secret, SecretSource};
    use crate::model::{Expiry, Identity};
    use crate::simulator::{Endpoint as At, Fault, Simulator};

    #[tokio::test]
    async fn what_may_pass_is_asked_again_no_sooner_than_the_vendor_wants() {
        let clock = Manual::new("2026-11-24T12:00:00Z".parse().unwrap());
        let simulator = Simulator::start(Arc::new(clock.clone())).await.unwrap();
        let (access_key, secret) = simulator.account("acme").pair();
        let account = Account {
            name: "acme".to_owned(),
            api: Api::AccountV2 { base_url: simulator.base_url().parse().unwrap() },
            account_id: "acme".to_owned(),
            access_key: SecretSource::Inline(Secret::new(access_key)),
            secret: SecretSource::Inline(Secret::new(secret)),
            credential: Expiry::Unknown,
            ca_file: None,
            price: None,
            credential_warning: None,
            usage_drop: None,
        };
        let config = Config::of(vec![account.clone()]);
        let asker = Asker::new(&config, Arc::new(clock.clone()), Zeros::NoData).unwrap();
        let client = asker.client(&account).unwrap();
        let (first, last) = ("2026-05".parse().unwrap(), "2026-10".parse().unwrap());
        let key = Key { identity: Identity::default(), first, last, keep_zeros: false };

        simulator.fail_once(At::MonthlyUsage, Fault::empty(503));
        simulator.fail_once(At::MonthlyUsage, Fault::empty(429).retry_after("40"));
        let progress = Progress::new(0, 1);
        let asking = asker.ask(&client, "acme", &key, &progress);
        let waits = async {
            for (requests, seconds) in [(1, 2), (2, 40)] {
                simulator.wait_for_requests(At::MonthlyUsage, requests).await;
                let mut waited = 0;
                while simulator.request_count(At::MonthlyUsage) == requests {
                    clock.advance(Duration::from_secs(1));
                    waited += 1;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                assert!(waited >= seconds, "{waited} s");
            }
        };
        let (answer, ()) = tokio::join!(asking, waits);
        assert!(answer.unwrap().is_final);
        assert_eq!(simulator.request_count(At::MonthlyUsage), 3);

        simulator.fail_always(At::MonthlyUsage, Fault::error(400, "InvalidTimeRange", ""));
        let rejected = asker.ask(&client, "acme", &key, &progress).await.map(|_| ()).unwrap_err();
        assert_eq!((rejected.reason, simulator.request_count(At::MonthlyUsage)), (Reason::Request, 4));
    }
}
