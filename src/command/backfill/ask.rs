use std::sync::Arc;
use std::time::Duration;

use super::progress::Progress;
use super::spill::{Answered, Key};
use crate::api::account_v2::{Client, Zeros};
use crate::api::{ApiError, Endpoint, LoginResult, Reason, Telemetry, Transport, TransportError};
use crate::clock::{self, Clock};
use crate::config::{Account, Config};
use crate::poll::{Backoff, final_at};

/// How often one question is asked before it counts as failed.
const TRIES: u32 = 4;

/// Short, as somebody waits; what the vendor asks for is longer, if anything.
const BACKOFF: Backoff = Backoff { min: Duration::from_secs(2), max: Duration::from_secs(60) };

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
        Client::new(account, self.transport.clone(), Arc::clone(&self.clock), Arc::new(Untold))
    }

    /// The months of `key`. What may pass by itself is asked again a few times, no sooner than the vendor wants.
    pub(super) async fn ask(
        &self,
        client: &Client,
        key: &Key,
        progress: &mut Progress,
    ) -> Result<Answered, ApiError> {
        let mut failures = 0;
        loop {
            let now = self.clock.now();
            let error = match client.monthly_usage(key.first, key.last, self.zeros).await {
                Ok(answer) => {
                    return Ok(Answered { is_final: final_at(key.last) <= now, usage: answer.data });
                }
                Err(error) => error,
            };
            failures += 1;
            if failures == TRIES || !may_pass(error.reason) {
                return Err(error);
            }
            let wait = BACKOFF.after(&error, failures);
            progress.say(&format!("{error}; trying again in {} s", wait.as_secs()));
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

/// Nobody scrapes this process.
struct Untold;

impl Telemetry for Untold {
    fn request(&self, _: Endpoint, _: Result<u16, Reason>, _: Duration) {}

    fn login(&self, _: LoginResult) {}
}
