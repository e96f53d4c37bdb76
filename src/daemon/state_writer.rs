use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::clock::{self, Clock};
use crate::config::{self, Config};
use crate::metrics::{ExporterMetrics, STATE_FILE};
use crate::model::{Collector, Identity, Logins};
use crate::notify::{Alerts, Notebook};
use crate::poll::{self, Settings};
use crate::problems::{Problems, Subject};
use crate::shard::Shard;
use crate::store::state_file::{self, Saved, State, Writer};
use crate::store::{AccountState, KnownAlert, Store};

/// The shortest time from one write to the next, so that the disk is spared. What a crash loses by it is asked for at
/// the next start anyway.
const EVERY: Duration = Duration::from_secs(60);

/// The same after the first write, doubled from write to write: a process that soon ends leaves its first answers.
const EVERY_AT_FIRST: Duration = Duration::from_secs(1);

/// How long the last writing may hold up the end of the process: a disk can hang.
const LAST_WITHIN: Duration = Duration::from_secs(5);

/// Keeps the state file up to date.
pub(super) struct StateWriter {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    own: Arc<ExporterMetrics>,
    problems: Arc<Problems>,
    settings: watch::Receiver<Arc<Settings>>,
    notebook: Arc<Notebook>,
    kept: Arc<Mutex<Kept>>,
}

/// How things stand with the file. Locked for a whole writing, so that there is one at a time.
#[derive(Default)]
struct Kept {
    /// What was last written, and where.
    last: Option<(PathBuf, Mark)>,
    /// The file that was looked at before it may be replaced.
    looked_at: Option<PathBuf>,
    writer: Writer,
    failing: bool,
}

/// Tells one state from another without holding on to its answers.
struct Mark {
    config: Arc<Config>,
    accounts: Vec<(Logins, Vec<Option<Timestamp>>)>,
    alerts: u64,
}

impl Mark {
    fn of(config: &Arc<Config>, states: &[Arc<AccountState>], alerts: u64) -> Self {
        let success = |state: &AccountState, collector: &Collector| state.health(*collector).last_success;
        let accounts = states.iter().map(|state| {
            let successes = state.spec.collectors.iter().map(|collector| success(state, collector));
            (state.logins, successes.collect())
        });
        Self { config: Arc::clone(config), accounts: accounts.collect(), alerts }
    }

    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.config, &other.config)
            && self.accounts == other.accounts
            && self.alerts == other.alerts
    }
}

impl StateWriter {
    pub(super) fn new(
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        own: Arc<ExporterMetrics>,
        problems: Arc<Problems>,
        settings: watch::Receiver<Arc<Settings>>,
        notebook: Arc<Notebook>,
    ) -> Self {
        Self { store, clock, own, problems, settings, notebook, kept: Arc::default() }
    }

    /// Takes up what an earlier process left in the file. Whatever is wrong with it, the start goes on.
    pub(super) async fn recall(&self, shard: Shard) {
        let config = self.config();
        let Some(path) = config.state_file.clone() else { return };
        let (store, now, kept) = (Arc::clone(&self.store), self.clock.now(), Arc::clone(&self.kept));
        let notebook = Arc::clone(&self.notebook);
        let recalling = tokio::task::spawn_blocking(move || {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(state) = kept.look_at(&path, now) {
                notebook.write(alerts(&state, &config, shard));
                let accounts = poll::recall(state, &config, &store, now);
                info!(path = %path.display(), accounts, "loaded the state file");
            }
        });
        if recalling.await.is_err() {
            self.own.count_panic(STATE_FILE);
            warn!("reading the state file panicked: starting without it; please report this bug");
        }
    }

    /// Writes what is new, at most once in [`EVERY`] but oftener at first, until it is dropped or the daemon ends.
    pub(super) async fn run(&self) {
        let mut every = EVERY_AT_FIRST;
        let mut changes = self.store.changes();
        let mut settings = self.settings.clone();
        loop {
            changes.mark_unchanged();
            settings.mark_unchanged();
            if self.config().state_file.is_none() {
                self.note(None);
                // While it is being written the lock is not waited for.
                if let Ok(mut kept) = self.kept.try_lock() {
                    kept.writer.release();
                }
            } else if self.write().await {
                tokio::select! {
                    () = self.clock.sleep_until(clock::after(self.clock.now(), every)) => {}
                    // It may name another file, which is not to wait for the old one's turn.
                    changed = settings.changed() => if changed.is_err() { return },
                }
                every = EVERY.min(every * 2);
                continue;
            }
            let changed = tokio::select! {
                changed = changes.changed() => changed,
                changed = settings.changed() => changed,
            };
            if changed.is_err() {
                return;
            }
        }
    }

    /// Writes what is new at once, for seconds at most.
    pub(super) async fn save(&self) {
        // A disk that hangs must not hold up an alert.
        let _ = tokio::time::timeout(LAST_WITHIN, self.write()).await;
    }

    /// Writes what is new since the last time, once and for all.
    pub(super) async fn finish(&self) {
        if tokio::time::timeout(LAST_WITHIN, self.write()).await.is_err() {
            warn!("the state file could not be written in time; the one before it stays");
        }
    }

    /// Takes note of an attempt to write the file; `None` where there is none any more.
    fn note(&self, outcome: Option<Result<(), String>>) {
        self.own.state_file_written(outcome.as_ref().map(Result::is_ok));
        match outcome {
            Some(Err(message)) => self.problems.failed(Subject::StateFile, message),
            _ => self.problems.over(&Subject::StateFile),
        }
    }

    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.settings.borrow().config)
    }

    /// Writes the file if there is one and there is anything new: whether that was tried.
    async fn write(&self) -> bool {
        let config = self.config();
        let Some(path) = config.state_file.clone() else { return false };
        let (store, kept, now) = (Arc::clone(&self.store), Arc::clone(&self.kept), self.clock.now());
        let notebook = Arc::clone(&self.notebook);
        let writing = tokio::task::spawn_blocking(move || {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            // Before the answers: an alert is of answers that are there.
            let (version, alerts) = notebook.read();
            let states = store.snapshot();
            let mark = Mark::of(&config, &states, version);
            let known = kept.last.as_ref().is_some_and(|(at, last)| *at == path && last.is_same(&mark));
            (!known).then(|| kept.write(path, &state(&config, &states, &alerts), mark, now))
        });
        match writing.await {
            Ok(None) => false,
            Ok(Some(worked)) => {
                self.note(Some(worked));
                true
            }
            Err(_panic) => {
                self.own.count_panic(STATE_FILE);
                self.note(Some(Err("writing it panicked: please report this error".to_owned())));
                true
            }
        }
    }
}

/// The alerts that a file holds. One about an account that is no longer watched by anybody ends by that; where it may have
/// moved to another replica, that one goes on with the alert.
fn alerts(state: &State, config: &Config, shard: Shard) -> Alerts {
    let mut alerts = Alerts::new();
    for Saved { name, identity, alerts: known, .. } in &state.accounts {
        let is_same = |account: &config::Account| account.name == *name && account.identity() == *identity;
        if shard == Shard::WHOLE || config.accounts.iter().any(is_same) {
            let identity = Arc::new(identity.clone());
            alerts.extend(known.iter().map(|alert| (Arc::clone(&identity), alert.clone())));
        }
    }
    alerts
}

/// What is known now. The answers are shared, not copied.
fn state(config: &Config, states: &[Arc<AccountState>], alerts: &Alerts) -> State {
    let accounts = config.accounts.iter().filter_map(|account| {
        // While a reload is under way the two may be of different accounts.
        let identity = account.identity();
        let state = states
            .iter()
            .find(|state| *state.spec.name == *account.name && *state.spec.identity == identity)?;
        let is_about = |(of, alert): &&(Arc<Identity>, KnownAlert)| {
            **of == identity && alert.labels.get("account") == Some(&account.name)
        };
        let alerts = alerts.iter().filter(is_about).map(|(_, alert)| alert.clone()).collect();
        Some(Saved { name: account.name.clone(), identity, memory: state.memory(), alerts })
    });
    State { series: poll::series_text(&config.series), accounts: accounts.collect() }
}

impl Kept {
    /// What the file at `path` holds; one that cannot be used is set aside.
    fn look_at(&mut self, path: &Path, now: Timestamp) -> Option<State> {
        self.looked_at = Some(path.to_owned());
        // Where another process has it, the first attempt to write says so.
        let _ = self.writer.claim(path);
        let error = match state_file::read(path, &poll::formats()) {
            Ok(state) => return state,
            Err(error) => error,
        };
        let aside = self.writer.claim(path).and_then(|()| state_file::set_aside(path, now));
        let path = path.display();
        match aside {
            Ok(aside) => {
                warn!(%path, %error, set_aside_as = %aside.display(), "cannot use the state file: starting without it");
            }
            Err(why) => {
                warn!(%path, %error, not_set_aside = %why, "cannot use the state file: starting without it");
            }
        }
        None
    }

    /// Writes `state`, which `mark` is of; why that failed, for a person.
    fn write(&mut self, path: PathBuf, state: &State, mark: Mark, now: Timestamp) -> Result<(), String> {
        if self.looked_at.as_deref() != Some(&*path) {
            // A reload has named another file: ours is not to destroy what may be there.
            self.look_at(&path, now);
        }
        let written = self.writer.write(&path, state, &poll::formats());
        let shown = path.display();
        let outcome = written.as_ref().map(|_| ()).map_err(|error| format!("{shown}: {error}"));
        match &written {
            Ok(()) if self.failing => info!(path = %shown, "the state file is written again"),
            Err(error) if !self.failing => {
                warn!(path = %shown, %error, "cannot write the state file; it is tried again every minute");
            }
            _ => {}
        }
        self.failing = written.is_err();
        if written.is_ok() {
            self.last = Some((path, mark));
        }
        outcome
    }
}
