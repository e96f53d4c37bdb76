use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::watch;
use tracing::{debug, info, warn};

use super::history::{self, Range};
use super::{Account, Meter, Schedule, Settings, admit};
use crate::api::account_v2::Zeros;
use crate::api::{ApiError, Client};
use crate::api::{account_v2, object_storage};
use crate::clock::{self, Clock};
use crate::model::{Answer, Collector, Data, DropReason, Dropped, Expiry, MonthlyUsage};
use crate::model::{Endpoint, Reason};
use crate::store::{AccountState, Settled};

/// What a person sees of a fault of the exporter itself.
const PANICKED: &str = "the collector panicked: please report this fault";

/// No poller of another API's collector is ever started.
const NOT_HERE: &str = "this account's API has no such collector";

/// How often credentials that failed are compared with what their files hold.
const LOOK_FOR_NEW_SECRET: Duration = Duration::from_secs(5);

/// Polls one collector of one account, again and again.
pub struct Poller {
    account: Account,
    collector: Collector,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
    rotated: watch::Receiver<()>,
    settings: watch::Receiver<Arc<Settings>>,
    /// What the last poll went by.
    used: Arc<Settings>,
    schedule: Schedule,
    due: Timestamp,
    last: Last,
}

/// What a poll of the months was about.
struct Months {
    /// The queries, oldest first.
    asked: Vec<Range>,
    /// What was final before, and was not asked for.
    before: Option<Settled>,
}

/// How the last poll ended.
#[derive(Clone, Copy)]
enum Last {
    /// There was none.
    Never,
    WorkedAt(Timestamp),
    /// So many in a row.
    Failed(u32),
}

impl Poller {
    /// A poller that follows `settings`, and that polls at once when it hears that refused credentials were `rotated`.
    #[must_use]
    pub fn new(
        account: Account,
        collector: Collector,
        mut settings: watch::Receiver<Arc<Settings>>,
        clock: Arc<dyn Clock>,
        meter: Arc<dyn Meter>,
        rotated: watch::Receiver<()>,
    ) -> Self {
        let used = Arc::clone(&settings.borrow_and_update());
        let schedule = used.schedule(collector);
        let due = schedule.first(clock.now());
        Self { account, collector, clock, meter, rotated, settings, used, schedule, due, last: Last::Never }
    }

    /// The account's name.
    #[must_use]
    pub fn account(&self) -> Arc<str> {
        Arc::clone(&self.account.cell.state().spec.name)
    }

    /// What is polled.
    #[must_use]
    pub const fn collector(&self) -> Collector {
        self.collector
    }

    /// Polls until it is dropped, or until nobody holds the settings any more. After a panic it can be called again.
    pub async fn run(&mut self) {
        loop {
            let wanted = self.account.cell.state().spec.collectors.contains(&self.collector);
            tokio::select! {
                biased;
                changed = self.settings.changed() => match changed {
                    Ok(()) => {
                        self.follow_settings();
                        continue;
                    }
                    Err(_) => return,
                },
                // Nothing that was heard during a poll is lost.
                Ok(()) = self.rotated.changed(), if wanted => {}
                () = self.clock.sleep_until(self.due), if wanted => {}
            }
            let others = other_question(self.settings.clone(), Arc::clone(&self.used), self.collector);
            let outcome = tokio::select! {
                biased;
                outcome = self.poll() => outcome,
                // Its answer is of no use any more; the loop's next turn asks anew.
                () = others => continue,
            };
            let now = self.clock.now();
            match outcome {
                Ok(()) => {
                    self.rotated.mark_unchanged();
                    self.last = Last::WorkedAt(now);
                    self.due = self.after_success(now);
                }
                Err(error) => {
                    let failures = if let Last::Failed(before) = self.last { before + 1 } else { 1 };
                    self.last = Last::Failed(failures);
                    self.due = self.schedule.after_failure(now, &error, failures);
                    self.log_failure(&error, now);
                }
            }
        }
    }

    fn after_success(&self, at: Timestamp) -> Timestamp {
        let state = self.account.cell.state();
        self.schedule.after_success(at, state.spec.credential, &state.logins)
    }

    /// Goes by new settings from here on. What is known is asked for anew only where the answer would be another one.
    fn follow_settings(&mut self) {
        let before = std::mem::replace(&mut self.used, Arc::clone(&self.settings.borrow_and_update()));
        self.schedule = self.used.schedule(self.collector);
        if self.used.asks_otherwise(&before, self.collector) {
            // With other series the final months have to be asked for again, with another history they have not.
            if self.collector == Collector::MonthlyUsage && self.used.config.series != before.config.series {
                self.account.cell.update(|state| state.settle(None));
            }
            self.due = self.clock.now();
        } else if let Last::WorkedAt(at) = self.last {
            self.due = self.after_success(at);
        }
    }

    /// Takes note that [`Poller::run`] panicked outside of a poll.
    pub(super) fn note_panic(&self) {
        let error = self.failure(Reason::Decode, PANICKED);
        let now = self.clock.now();
        self.update(|state| state.fail(self.collector, error.failure(now), Duration::ZERO));
    }

    /// Polls once, and writes what came of it to the store.
    ///
    /// # Errors
    /// What failed; the store has it already.
    pub async fn poll(&self) -> Result<(), ApiError> {
        // The semaphore is never closed. Waiting for a permit is not part of the poll's time.
        let _permit = self.used.permits.acquire().await.ok();
        let started = Instant::now();
        let collected =
            tokio::time::timeout(self.schedule.deadline(), AssertUnwindSafe(self.collect()).catch_unwind());
        let outcome = match collected.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_panic)) => {
                self.meter.panicked(self.collector.name());
                Err(self.failure(Reason::Decode, PANICKED))
            }
            Err(_elapsed) => {
                Err(self.failure(Reason::Timeout, "the whole poll took too long and was given up"))
            }
        };
        let took = started.elapsed();
        let now = self.clock.now();
        match outcome {
            Ok((answer, months)) => {
                let answer = admit::admit(answer, &self.used.config.series);
                self.log_success(&answer, now);
                let settled = Self::settled(&answer, months, now);
                self.update(|state| {
                    state.succeed(answer, now, took);
                    if self.collector == Collector::MonthlyUsage {
                        state.settle(settled);
                    }
                });
                Ok(())
            }
            Err(error) => {
                self.update(|state| state.fail(self.collector, error.failure(now), took));
                Err(error)
            }
        }
    }

    /// Changes the account's state, unless the configuration has put an end to this collector in the meantime.
    fn update(&self, change: impl FnOnce(&mut AccountState)) {
        self.account.cell.update(|state| {
            if state.spec.collectors.contains(&self.collector) {
                change(state);
            }
        });
    }

    /// The answer, and of the months which ones were asked for.
    async fn collect(&self) -> Result<(Answer<Data>, Option<Months>), ApiError> {
        let answer = match &self.account.client {
            Client::AccountV2(client) => return self.collect_account_v2(client).await,
            Client::ObjectStorage(client) => self.collect_object_storage(client).await?,
        };
        Ok((answer, None))
    }

    async fn collect_object_storage(
        &self,
        client: &object_storage::Client,
    ) -> Result<Answer<Data>, ApiError> {
        match self.collector {
            Collector::Billing => {
                let (first, last) = self.schedule.days(self.clock.now());
                Ok(client.billing(first, last).await?.map(Data::Billing))
            }
            Collector::Buckets => Ok(client.buckets().await?.map(Data::Buckets)),
            Collector::Keys => Ok(client.keys().await?.map(Data::Keys)),
            _ => Err(self.failure(Reason::Request, NOT_HERE)),
        }
    }

    async fn collect_account_v2(
        &self,
        client: &account_v2::Client,
    ) -> Result<(Answer<Data>, Option<Months>), ApiError> {
        let answer = match self.collector {
            Collector::CurrentUsage => client.current_usage().await?.map(Data::CurrentUsage),
            Collector::MonthlyUsage => {
                let (answer, asked) = self.months(client).await?;
                return Ok((answer.map(Data::MonthlyUsage), Some(asked)));
            }
            Collector::Credentials => {
                let state = self.account.cell.state();
                let login_due =
                    self.schedule.login_due(self.clock.now(), state.spec.credential, &state.logins);
                drop(state);
                let session = if login_due { client.login_now().await? } else { client.session().await? };
                Answer { data: Data::Credentials(session), dropped: Dropped::default() }
            }
            Collector::ServiceAccounts => client.service_accounts().await?.map(Data::ServiceAccounts),
            Collector::Permissions => client.permissions().await?.map(Data::Permissions),
            Collector::Billing | Collector::Buckets | Collector::Keys => {
                return Err(self.failure(Reason::Request, NOT_HERE));
            }
        };
        Ok((answer, None))
    }

    /// Every month of the history. Months that are final are not asked for again; where that is all of them, no request
    /// is made at all. So they stay although the vendor may have forgotten them.
    async fn months(&self, client: &account_v2::Client) -> Result<(Answer<MonthlyUsage>, Months), ApiError> {
        let now = self.clock.now();
        let window = self.schedule.window(now);
        let (before, known) = match self.account.cell.state().settled(now) {
            Some((settled, known)) => (history::within(settled, window), Arc::clone(known)),
            None => (None, Arc::default()),
        };
        let missing = history::missing(window, before);
        let ask = async |(first, last): Range| client.monthly_usage(first, last, Zeros::NoData).await;
        let older = if missing.older.0 > missing.older.1 {
            Answer { data: MonthlyUsage::default(), dropped: Dropped::default() }
        } else {
            ask(missing.older).await?
        };
        let newer = ask(missing.newer).await?;
        let mut dropped = older.dropped;
        dropped.merge(newer.dropped);
        // 100,000 buckets would hold up every other task of this thread.
        let work = move || {
            let all = history::whole(&older.data, &known, before, newer.data);
            let asked = missing.queries();
            let run = history::settled(&all, &asked, before, now);
            let doubtful = run.and_then(|run| history::doubtful(&all, &asked, run));
            (all, asked, doubtful)
        };
        let (all, asked, doubtful) = self.apart(work).await?;
        let months = |asked| Months { asked, before };
        let Some(again) = doubtful else { return Ok((Answer { data: all, dropped }, months(asked))) };
        // Its first answer has counted already what could not be used.
        let fresh = ask(again).await?.data;
        let all = self.apart(move || history::around(&all, fresh, again)).await?;
        Ok((Answer { data: all, dropped }, months(history::refined(&asked, again))))
    }

    /// Does something where it holds up nothing else.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        tokio::task::spawn_blocking(work).await.map_err(|_| self.failure(Reason::Decode, PANICKED))
    }

    fn settled(answer: &Answer<Data>, months: Option<Months>, now: Timestamp) -> Option<Settled> {
        let (Data::MonthlyUsage(usage), Some(months)) = (&answer.data, months) else { return None };
        // What was cut off for the limit is not known, and would come back with its new months alone.
        if answer.dropped.get(DropReason::Limit) > 0 {
            return None;
        }
        history::settled(usage, &months.asked, months.before, now)
    }

    fn failure(&self, reason: Reason, detail: &str) -> ApiError {
        let endpoint = match self.collector {
            Collector::CurrentUsage => Endpoint::CurrentUsage,
            Collector::MonthlyUsage => Endpoint::MonthlyUsage,
            Collector::Credentials => Endpoint::Session,
            Collector::ServiceAccounts => Endpoint::ServiceAccounts,
            Collector::Permissions => Endpoint::Permissions,
            Collector::Billing => Endpoint::Billing,
            Collector::Buckets => Endpoint::BucketStats,
            Collector::Keys => Endpoint::ListAccessKeys,
        };
        ApiError::new(reason, endpoint, detail)
    }

    fn log_failure(&self, error: &ApiError, now: Timestamp) {
        let state = self.account.cell.state();
        let retry_in_seconds = clock::until(now, self.due).as_secs();
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
        for reason in DropReason::ALL {
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

/// Ends once the settings make the collector ask another question than under `used`.
async fn other_question(
    mut settings: watch::Receiver<Arc<Settings>>,
    used: Arc<Settings>,
    collector: Collector,
) {
    if settings.wait_for(|now| now.asks_otherwise(&used, collector)).await.is_err() {
        // Nobody can change them any more.
        std::future::pending().await
    }
}

/// Looks after credentials that failed: as soon as their files hold something else than what was refused, or can be read
/// again, the account's pollers are told, so that a new secret is used at once and not after a backoff.
pub async fn watch_rotation(account: Account, clock: Arc<dyn Clock>, rotated: watch::Sender<()>) {
    loop {
        clock.sleep_until(clock::after(clock.now(), LOOK_FOR_NEW_SECRET)).await;
        if account.client.credentials_renewed().await {
            info!(
                account = &*account.cell.state().spec.name,
                "the credentials that failed have been replaced or can be read again: using them"
            );
            rotated.send_replace(());
        }
    }
}
