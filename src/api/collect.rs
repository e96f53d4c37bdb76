//! What a collector is. Each is declared once, in a file of its own below its API.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::contract::Contract;
use super::{Api, ApiError, Budget, Endpoint, Settings};
use crate::config::{Config, Poll};
use crate::model::{AnyData, Collected, Collector, Data, Expiry, Logins, Missing, Timestamped, WarningSteps};
use crate::saved::{Entries, Loaded, Object};
use crate::store::state_file::Format;

/// What a poll starts from.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The present instant.
    pub now: Timestamp,
    /// The configuration.
    pub config: &'a Config,
    /// The name of the account.
    pub account: &'a str,
    /// When the account's own credentials end.
    pub credential: Expiry,
    /// What is known of the logins with them.
    pub logins: Logins,
    /// How long before something ends a person is warned.
    pub warning: WarningSteps,
    /// The age at which an access key is due for rotation, where the operator set one.
    pub max_key_age: Option<Duration>,
    /// The collector's last good answer.
    pub last: Option<&'a Timestamped<AnyData>>,
}

impl Context<'_> {
    /// The collector's last good answer, unless it is from after now: a clock was wrong then.
    #[must_use]
    pub fn last<T: Data>(&self) -> Option<Arc<T>> {
        self.last.filter(|last| last.at <= self.now)?.data.shared()
    }
}

/// An endpoint, and what a person has to know of it.
#[derive(Debug)]
pub struct Asked {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// What its answers should look like.
    pub contract: Contract,
    /// What metrics and alerts miss without it.
    pub missed: &'static str,
    /// What to do where the credentials lack the right to read it.
    pub denied: &'static str,
}

impl Asked {
    /// An endpoint that needs no special right.
    pub(super) const fn new(endpoint: Endpoint, contract: Contract, missed: &'static str) -> Self {
        let denied = "Ask an account administrator for the right to read this, or do without it.";
        Self { endpoint, contract, missed, denied }
    }
}

/// A collector, by the data that it brings.
pub trait Collect: Data + Clone + Serialize + DeserializeOwned {
    /// The API that has it.
    type Api: Api;

    /// What it asks. The last one is named where a poll fails outside of any request.
    const ASKS: &'static [Asked];

    /// How many polls it takes until each of its endpoints was asked.
    const ROUNDS: u32 = 1;

    /// How long it is from one poll to the next.
    fn interval(poll: &Poll) -> Duration;

    /// How many requests a poll may make, beside those for a session.
    fn requests(_: &Config) -> u32 {
        1
    }

    /// Whether it is polled under this configuration.
    fn is_enabled(_: &Config) -> bool {
        true
    }

    /// Whether its answer would be another one than under the configuration `before`, so that it has to be polled anew.
    fn asks_otherwise(_now: &Config, _before: &Config) -> bool {
        false
    }

    /// When a poll is due although its interval is not over, and how far such polls are spread.
    fn due_early(_: &Context<'_>) -> Option<(Timestamp, Duration)> {
        None
    }

    /// Asks the vendor.
    ///
    /// # Errors
    /// Where there is no complete answer.
    fn collect(
        client: &Self::Api,
        context: Context<'_>,
    ) -> impl Future<Output = Result<Collected<Self>, ApiError>> + Send;

    /// What was read from one of its endpoints, in a few words.
    fn summary(&self, endpoint: Endpoint, now: Timestamp) -> String;

    /// What was there at the last good answer and is not in this one, if it is too much to believe one answer: the answer
    /// counts only if the next one lacks the same.
    fn missing(&self, _last: &Self, _: &Context<'_>) -> Missing {
        Missing::new()
    }

    /// What the log says, once, of how things stand after a poll that worked.
    fn note(_: &Context<'_>) -> Option<String> {
        None
    }

    /// Leaves out what the configuration wants no series for. Account totals always stay.
    fn admit(&mut self, _: &mut Budget<'_>) {}

    /// Forgets what is no longer true because another choice of series was made.
    fn series_changed(&mut self) {}

    /// Whether its lists are in order and hold nothing twice: it may come from a file that was changed.
    fn is_in_order(&self) -> bool {
        true
    }

    /// Writes what outlives the process. `data` is the last good answer, which came `at`, if it is still known.
    ///
    /// # Errors
    /// Where `out` fails.
    fn save(data: Option<&Self>, at: Timestamp, out: &mut Object<'_>) -> io::Result<()> {
        data.map_or(Ok(()), |data| out.dated(Self::COLLECTOR.name(), at, data))
    }

    /// Reads what [`Collect::save`] wrote.
    ///
    /// # Errors
    /// What is wrong with it, in words that hold nothing of it.
    fn load(entries: &Entries<'_>) -> Loaded<Self> {
        entries.dated(Self::COLLECTOR.name(), Ok)
    }
}

/// Everything that is declared of one collector, whatever its type.
#[derive(Debug)]
#[allow(missing_docs, reason = "each field is the item of the same name of Collect, or of its API")]
pub struct Descriptor {
    pub collector: Collector,
    pub settings: Settings,
    pub login: &'static [Asked],
    pub asks: &'static [Asked],
    pub rounds: u32,
    pub interval: fn(&Poll) -> Duration,
    pub requests: fn(&Config) -> u32,
    pub is_enabled: fn(&Config) -> bool,
    pub asks_otherwise: fn(&Config, &Config) -> bool,
    pub due_early: fn(&Context<'_>) -> Option<(Timestamp, Duration)>,
    pub summary: fn(&AnyData, Endpoint, Timestamp) -> Option<String>,
    pub missing: fn(&AnyData, &Context<'_>) -> Missing,
    pub note: fn(&Context<'_>) -> Option<String>,
    pub admit: fn(AnyData, &mut Budget<'_>) -> AnyData,
    pub series_changed: fn(AnyData) -> AnyData,
    pub saved: Format,
}

impl Descriptor {
    /// Everything that it asks, a login included.
    pub fn asked(&self) -> impl Iterator<Item = &'static Asked> + use<> {
        self.login.iter().chain(self.asks)
    }

    /// Every endpoint that it asks, a login included.
    pub fn endpoints(&self) -> impl Iterator<Item = Endpoint> + use<> {
        self.asked().map(|asked| asked.endpoint)
    }

    pub(super) const fn of<T: Collect>() -> Self {
        Self {
            collector: T::COLLECTOR,
            settings: T::Api::SETTINGS,
            login: T::Api::LOGIN,
            asks: T::ASKS,
            rounds: T::ROUNDS,
            interval: T::interval,
            requests: T::requests,
            is_enabled: T::is_enabled,
            asks_otherwise: T::asks_otherwise,
            due_early: T::due_early,
            summary: |data, endpoint, now| Some(data.get::<T>()?.summary(endpoint, now)),
            missing: |data, context| match (data.get::<T>(), context.last::<T>()) {
                (Some(data), Some(last)) => data.missing(&last, context),
                _ => Missing::new(),
            },
            note: T::note,
            admit: |data, budget| change(data, |data: &mut T| data.admit(budget)),
            series_changed: |data| change(data, T::series_changed),
            saved: Format {
                collector: T::COLLECTOR,
                save: |data, at, out| T::save(data.and_then(AnyData::get), at, out),
                load: |entries| {
                    let loaded = T::load(entries)?;
                    let data = loaded.as_ref().and_then(|loaded| loaded.data.as_ref());
                    if data.is_some_and(|data| !data.is_in_order()) {
                        return Err("a list is out of order".to_owned());
                    }
                    let erased = |data: Option<T>| data.map(AnyData::from);
                    Ok(loaded.map(|Timestamped { at, data }| Timestamped { at, data: erased(data) }))
                },
            },
        }
    }
}

fn change<T: Collect>(data: AnyData, change: impl FnOnce(&mut T)) -> AnyData {
    let Some(shared) = data.shared() else { return data };
    drop(data);
    let mut data = Arc::unwrap_or_clone(shared);
    change(&mut data);
    data.into()
}
