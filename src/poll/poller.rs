use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::watch;
use tracing::{info, warn};

use super::{Meter, PollNow, PolledAccount, Schedule, Settings, admit, deviations};
use crate::api::allowance::within;
use crate::api::{ApiError, Context, Descriptor, Source};
use crate::clock::{self, Clock};
use crate::model::{AnyData, Collected, Collector, DropReason, Endpoint, Missing, Reason};
use crate::store::AccountState;

/// What a person sees of a fault of the exporter itself.
const PANICKED: &str = "the collector panicked: please report this bug";

/// How often credentials that failed are compared with what their files hold.
const LOOK_FOR_NEW_SECRET: Duration = Duration::from_secs(5);

/// Polls one collector of one account, again and again.
pub struct Poller {
    account: PolledAccount,
    source: Box<dyn Source>,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
    rotated: watch::Receiver<()>,
    asked: watch::Receiver<Option<Timestamp>>,
    settings: watch::Receiver<Arc<Settings>>,
    /// What the last poll went by.
    used: Arc<Settings>,
    schedule: Schedule,
    due: Timestamp,
    last: Last,
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

/// What a poll that did not fail came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polled {
    /// The answer is in the store.
    Counts,
    /// The answer lacks so much that one more has to say so before it counts.
    AskAgain,
}

impl Poller {
    /// A poller that follows `settings`, and that polls at once when it hears that rejected credentials were `rotated` or that
    /// somebody asks for it.
    #[must_use]
    pub fn new(
        account: PolledAccount,
        source: Box<dyn Source>,
        mut settings: watch::Receiver<Arc<Settings>>,
        clock: Arc<dyn Clock>,
        meter: Arc<dyn Meter>,
        rotated: watch::Receiver<()>,
        poll_now: &PollNow,
    ) -> Self {
        let asked = poll_now.subscribe();
        let used = Arc::clone(&settings.borrow_and_update());
        let schedule = used.schedule(source.descriptor());
        let due = schedule.first(clock.now());
        Self {
            account,
            source,
            clock,
            meter,
            rotated,
            asked,
            settings,
            used,
            schedule,
            due,
            last: Last::Never,
        }
    }

    /// The account's name.
    #[must_use]
    pub fn account(&self) -> Arc<str> {
        Arc::clone(&self.account.cell.state().spec.name)
    }

    /// What is declared of the collector.
    #[must_use]
    pub fn descriptor(&self) -> &'static Descriptor {
        self.source.descriptor()
    }

    /// What is polled.
    #[must_use]
    pub fn collector(&self) -> Collector {
        self.descriptor().collector
    }

    /// Polls until it is dropped, or until nobody holds the settings any more. After a panic it can be called again.
    pub async fn run(&mut self) {
        loop {
            let wanted = self.account.cell.state().spec.polls(self.collector());
            self.announce();
            let requested = tokio::select! {
                biased;
                changed = self.settings.changed() => match changed {
                    Ok(()) => {
                        self.follow_settings();
                        continue;
                    }
                    Err(_) => return,
                },
                // Nothing that was heard during a poll is lost.
                Ok(()) = self.rotated.changed(), if wanted => false,
                Ok(()) = self.asked.changed(), if wanted => true,
                () = self.clock.sleep_until(self.due), if wanted => false,
            };
            let others = other_question(self.settings.clone(), Arc::clone(&self.used), self.descriptor());
            let outcome = tokio::select! {
                biased;
                outcome = self.poll() => outcome,
                // Its answer is of no use any more; the loop's next turn asks anew.
                () = others => continue,
            };
            let now = self.clock.now();
            match outcome {
                Ok(Polled::Counts) => {
                    self.rotated.mark_unchanged();
                    self.last = Last::WorkedAt(now);
                    self.due = self.after_success(now);
                }
                Ok(Polled::AskAgain) => {
                    self.rotated.mark_unchanged();
                    // Whoever asked for this poll waits for what comes of it.
                    self.due = if requested { now } else { self.schedule.ask_again(now) };
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

    /// Has the store know when the next poll is due.
    fn announce(&self) {
        let collector = self.collector();
        if self.account.cell.state().health(collector).next_attempt != Some(self.due) {
            self.update(|state| state.schedule(collector, self.due));
        }
    }

    fn after_success(&self, at: Timestamp) -> Timestamp {
        let state = self.account.cell.state();
        self.schedule.after_success(&self.context(&state, at))
    }

    fn context<'a>(&'a self, state: &'a AccountState, now: Timestamp) -> Context<'a> {
        Context {
            now,
            config: &self.used.config,
            account: &state.spec.name,
            credential: state.spec.credential,
            logins: state.logins,
            warning: state.spec.warning,
            max_key_age: state.spec.max_key_age,
            last: state.last_answer(self.collector()),
        }
    }

    /// Goes by new settings from here on. What is known is asked for anew only where the answer would be another one.
    fn follow_settings(&mut self) {
        let before = std::mem::replace(&mut self.used, Arc::clone(&self.settings.borrow_and_update()));
        let descriptor = self.descriptor();
        self.schedule = self.used.schedule(descriptor);
        if (descriptor.asks_otherwise)(&self.used.config, &before.config) {
            if self.used.config.series != before.config.series {
                self.account
                    .cell
                    .update(|state| state.amend(descriptor.collector, descriptor.series_changed));
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
        self.update(|state| state.fail(self.collector(), error.failure(now), Duration::ZERO));
    }

    /// Polls once, and writes what came of it to the store.
    ///
    /// # Errors
    /// What failed; the store has it already.
    pub async fn poll(&self) -> Result<Polled, ApiError> {
        let collecting = AssertUnwindSafe(self.collect()).catch_unwind();
        let (outcome, took) = within(self.schedule.deadline(), collecting).await;
        let outcome = match outcome {
            Some(Ok(outcome)) => outcome,
            Some(Err(_panic)) => {
                self.meter.panicked(self.collector().name());
                Err(self.failure(Reason::Decode, PANICKED))
            }
            None => Err(self.failure(Reason::Timeout, "the whole poll took too long and was given up")),
        };
        self.account.recorder.compare(self.descriptor().endpoints());
        let now = self.clock.now();
        match outcome {
            Ok(answer) => {
                let state = self.account.cell.state();
                let missing = (self.descriptor().missing)(&answer.data, &self.context(&state, now));
                if !missing.is_subset(&state.health(self.collector()).missing) {
                    self.log_missing(&missing);
                    self.update(|state| state.withhold(self.collector(), missing, now, took));
                    return Ok(Polled::AskAgain);
                }
                let spec = Arc::clone(&state.spec);
                drop(state);
                let answer = admit(self.descriptor(), answer, &self.used.config.series, &spec, now);
                self.log_success(&answer, now);
                self.update(|state| state.succeed(answer, now, took));
                self.log_odd_figures(now);
                Ok(Polled::Counts)
            }
            Err(error) => {
                self.update(|state| state.fail(self.collector(), error.failure(now), took));
                Err(error)
            }
        }
    }

    /// Changes the account's state, unless the configuration has put an end to this collector in the meantime.
    fn update(&self, change: impl FnOnce(&mut AccountState)) {
        self.account.cell.update(|state| {
            if state.spec.polls(self.collector()) {
                change(state);
            }
        });
    }

    async fn collect(&self) -> Result<Collected<AnyData>, ApiError> {
        let state = self.account.cell.state();
        self.source.collect(self.context(&state, self.clock.now())).await
    }

    fn failure(&self, reason: Reason, detail: &str) -> ApiError {
        let asks = self.descriptor().asks;
        ApiError::new(reason, asks.last().map_or(Endpoint::Login, |asked| asked.endpoint), detail)
    }

    fn log_failure(&self, error: &ApiError, now: Timestamp) {
        let state = self.account.cell.state();
        self.used.log.failed(&state.spec.name, self.collector().name(), error, now, self.due);
    }

    fn log_missing(&self, missing: &Missing) {
        info!(
            account = &*self.account(),
            collector = self.collector().name(),
            count = missing.len(),
            first = missing.first().map(AsRef::as_ref),
            "the answer lacks what was there before; it counts if the next one lacks it too"
        );
    }

    fn log_success(&self, answer: &Collected<AnyData>, now: Timestamp) {
        let state = self.account.cell.state();
        let (account, collector) = (&*state.spec.name, self.collector().name());
        self.used.log.worked(&state.spec.name, collector, now);
        for &reason in DropReason::ALL {
            let count = answer.dropped.get(reason);
            if count > 0 {
                warn!(account, collector, reason = reason.name(), count, "part of the answer gets no series");
            }
        }
        if let Some(note) = (self.descriptor().note)(&self.context(&state, now)) {
            self.used.log.noted(&state.spec.name, note);
        }
    }

    /// Says where this poll's figures do not fit to those of others.
    fn log_odd_figures(&self, now: Timestamp) {
        let collector = self.collector();
        if collector == Collector::CURRENT_USAGE || collector == Collector::MONTHLY_USAGE {
            let state = self.account.cell.state();
            deviations::log_odd(&state.spec.name, state.odd_figures(now));
        }
    }
}

/// Ends once the settings make the collector ask another question than under `used`.
async fn other_question(
    mut settings: watch::Receiver<Arc<Settings>>,
    used: Arc<Settings>,
    descriptor: &'static Descriptor,
) {
    if settings.wait_for(|now| (descriptor.asks_otherwise)(&now.config, &used.config)).await.is_err() {
        // Nobody can change them any more.
        std::future::pending().await
    }
}

/// Looks after credentials that failed: as soon as their files hold something else than what was rejected, or can be read
/// again, the account's pollers are told, so that a new secret is used at once and not after a backoff.
pub async fn watch_rotation(account: PolledAccount, clock: Arc<dyn Clock>, rotated: watch::Sender<()>) {
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
