use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore};
use tracing::{debug, info, warn};

use super::{Account, Schedule, admit};
use crate::api::{ApiError, Endpoint, Reason};
use crate::clock::{self, Clock};
use crate::config::Series;
use crate::model::{Answer, Collector, Data, Expiry};

/// How often refused credentials are compared with what their files hold.
const LOOK_FOR_NEW_SECRET: Duration = Duration::from_secs(5);

/// Polls one collector of one account, again and again.
pub struct Poller {
    /// Whom to ask, and where the answers go.
    pub account: Account,
    /// What to ask for.
    pub collector: Collector,
    /// When.
    pub schedule: Schedule,
    /// Which series to keep.
    pub series: Series,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// One for each request that may be under way.
    pub permits: Arc<Semaphore>,
    /// Told when a new secret has taken the place of a refused one.
    pub rotated: Arc<Notify>,
}

impl Poller {
    /// Polls until it is dropped.
    pub async fn run(self) {
        let mut due = self.schedule.first(self.clock.now());
        let mut failures = 0;
        loop {
            let rotated = self.rotated.notified();
            tokio::select! {
                () = self.clock.sleep_until(due) => {}
                () = rotated => {}
            }
            match self.poll().await {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures += 1;
                    let now = self.clock.now();
                    due = self.schedule.after_failure(now, &error, failures);
                    self.log_failure(&error, now, due);
                    continue;
                }
            }
            let state = self.account.cell.state();
            due = self.schedule.after_success(self.clock.now(), state.spec.credential, &state.logins);
        }
    }

    /// Polls once, and writes what came of it to the store.
    ///
    /// # Errors
    /// What failed; the store has it already.
    pub async fn poll(&self) -> Result<(), ApiError> {
        // The semaphore is never closed. Waiting for a permit is not part of the poll's time.
        let _permit = self.permits.acquire().await.ok();
        let started = Instant::now();
        let collected =
            tokio::time::timeout(self.schedule.deadline(), AssertUnwindSafe(self.collect()).catch_unwind());
        let outcome = match collected.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_panic)) => {
                Err(self.failure(Reason::Decode, "the collector panicked: please report this fault"))
            }
            Err(_elapsed) => {
                Err(self.failure(Reason::Timeout, "the whole poll took too long and was given up"))
            }
        };
        let took = started.elapsed();
        let now = self.clock.now();
        match outcome {
            Ok(answer) => {
                let answer = admit::admit(answer, &self.series);
                self.log_success(&answer, now);
                self.account.cell.update(|state| state.succeed(answer, now, took));
                Ok(())
            }
            Err(error) => {
                self.account.cell.update(|state| state.fail(self.collector, &error, now, took));
                Err(error)
            }
        }
    }

    async fn collect(&self) -> Result<Answer<Data>, ApiError> {
        let client = &self.account.client;
        match self.collector {
            Collector::CurrentUsage => Ok(client.current_usage().await?.map(Data::CurrentUsage)),
            Collector::MonthlyUsage => {
                let (first, last) = self.schedule.window(self.clock.now());
                Ok(client.monthly_usage(first, last).await?.map(Data::MonthlyUsage))
            }
            Collector::Credentials => {
                let state = self.account.cell.state();
                let login_due =
                    self.schedule.login_due(self.clock.now(), state.spec.credential, &state.logins);
                drop(state);
                let session = if login_due { client.login_now().await? } else { client.session().await? };
                Ok(Answer { data: Data::Credentials(session), dropped: crate::model::Dropped::default() })
            }
            Collector::ServiceAccounts => Ok(client.service_accounts().await?.map(Data::ServiceAccounts)),
            Collector::Permissions => Ok(client.permissions().await?.map(Data::Permissions)),
        }
    }

    fn failure(&self, reason: Reason, detail: &str) -> ApiError {
        let endpoint = match self.collector {
            Collector::CurrentUsage => Endpoint::CurrentUsage,
            Collector::MonthlyUsage => Endpoint::MonthlyUsage,
            Collector::Credentials => Endpoint::Session,
            Collector::ServiceAccounts => Endpoint::ServiceAccounts,
            Collector::Permissions => Endpoint::Permissions,
        };
        ApiError::new(reason, endpoint, detail)
    }

    fn log_failure(&self, error: &ApiError, now: Timestamp, due: Timestamp) {
        let state = self.account.cell.state();
        let retry_in_seconds = clock::until(now, due).as_secs();
        let (account, collector) = (&*state.spec.name, self.collector.name());
        warn!(account, collector, reason = error.reason.name(), error = %error, retry_in_seconds, "poll failed");
    }

    fn log_success(&self, answer: &Answer<Data>, now: Timestamp) {
        let state = self.account.cell.state();
        let (account, collector) = (&*state.spec.name, self.collector.name());
        let health = state.health(self.collector);
        if health.failing.is_some() || health.last_success.is_none() {
            info!(account, collector, "poll worked");
        } else {
            debug!(account, collector, "poll worked");
        }
        for reason in crate::model::DropReason::ALL {
            let count = answer.dropped.get(reason);
            if count > 0 {
                warn!(account, collector, reason = reason.name(), count, "part of the answer gets no series");
            }
        }
        if self.collector == Collector::Credentials
            && let Expiry::At(end) = state.spec.credential
            && end <= now
            && state.logins.last_accepted.is_some_and(|accepted| accepted > end)
        {
            warn!(
                account,
                configured_expiry = %end,
                "the credentials work although their configured date has passed: set `credential` to what the console shows"
            );
        }
    }
}

/// Looks after refused credentials: as soon as their files hold something else, the account's pollers are told, so that
/// a new secret is used at once and not after a backoff.
pub async fn watch_rotation(account: Account, clock: Arc<dyn Clock>, rotated: Arc<Notify>) {
    loop {
        clock.sleep_until(clock::after(clock.now(), LOOK_FOR_NEW_SECRET)).await;
        if account.client.refusal_lifted().await {
            info!(
                account = &*account.cell.state().spec.name,
                "the refused credentials have been replaced: logging in"
            );
            rotated.notify_waiters();
        }
    }
}
