use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{DailyTransfer, Figure, User};

/// What the simulated vendor knows of accounts on this platform, by the names that the tests call them.
#[derive(Debug, Default)]
pub(in crate::simulator) struct Accounts(BTreeMap<String, State>);

impl Accounts {
    /// An account to change, made where there is none yet.
    pub(super) fn change(&mut self, name: &str) -> &mut State {
        self.0.entry(name.to_owned()).or_insert_with(|| State::new(name))
    }

    pub(super) fn get(&self, name: &str) -> Option<&State> {
        self.0.get(name)
    }

    /// The name of the account that an access key is of.
    #[cfg(feature = "testing")]
    pub(in crate::simulator) fn owner(&self, access_key: &str) -> Option<&str> {
        self.of_access_key(access_key).map(|(name, _)| name)
    }

    /// The account that an access key is of, and its name.
    pub(super) fn of_access_key(&self, access_key: &str) -> Option<(&str, &State)> {
        let (name, state) = self.0.iter().find(|(_, state)| state.access_key == access_key)?;
        Some((name, state))
    }
}

/// One account. There are no sessions: each request is signed with the pair.
pub(super) struct State {
    pub(super) access_key: String,
    pub(super) secret: String,
    pub(super) is_deleted: bool,
    /// Whether the pair is the root user's, which alone may ask for what is billed.
    pub(super) is_root: bool,
    /// The first day of which there are figures.
    pub(super) since: Date,
    pub(super) used_space: Figure,
    pub(super) ghost_space: Figure,
    pub(super) objects: Figure,
    /// Days whose figures differ from the curves.
    pub(super) days: BTreeMap<Date, Day>,
    pub(super) regions: Vec<(String, DailyTransfer)>,
    pub(super) buckets: Vec<Bucket>,
    pub(super) users: Vec<User>,
}

/// The figures of an account on a day, in bytes and objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) used_space: u64,
    pub(super) ghost_space: u64,
    pub(super) objects: u64,
}

/// One bucket.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    pub(super) name: String,
    pub(super) size: Figure,
    pub(super) objects: Figure,
    pub(super) replication: Vec<String>,
    pub(super) created: Timestamp,
    /// It is listed no more, but its statistics go on (seen on the wire).
    pub(super) is_deleted: bool,
}

/// The day from which on an account has figures, where nothing else is said.
const SINCE: Date = jiff::civil::date(2024, 1, 1);

impl State {
    fn new(name: &str) -> Self {
        Self {
            access_key: format!("AK{}", name.to_ascii_uppercase()),
            secret: "simulated-secret".to_owned(),
            is_deleted: false,
            is_root: true,
            since: SINCE,
            used_space: Figure::from(0),
            ghost_space: Figure::from(0),
            objects: Figure::from(0),
            days: BTreeMap::new(),
            regions: Vec::new(),
            buckets: Vec::new(),
            users: Vec::new(),
        }
    }

    /// The figures of a day, as they stood at its end or stand at `now`; zeros before there were any and for a day to
    /// come.
    pub(super) fn day(&self, day: Date, now: Timestamp) -> Day {
        if let Some(figures) = self.days.get(&day) {
            return *figures;
        }
        let Some(time) = self.time_of(day, now) else {
            return Day::default();
        };
        Day {
            used_space: self.used_space.at(time),
            ghost_space: self.ghost_space.at(time),
            objects: self.objects.at(time),
        }
    }

    /// The last second of a day that has figures, or `now` where that is earlier.
    fn time_of(&self, day: Date, now: Timestamp) -> Option<Timestamp> {
        let start = super::wire::midnight(day);
        let end = super::wire::midnight(day.tomorrow().ok()?) - jiff::SignedDuration::from_secs(1);
        (day >= self.since && start <= now).then(|| end.min(now))
    }

    /// How many seconds of a day with figures have passed.
    pub(super) fn passed_seconds(&self, day: Date, now: Timestamp) -> u64 {
        let passed = now.as_second().saturating_sub(super::wire::midnight(day).as_second());
        if day < self.since { 0 } else { u64::try_from(passed.min(86_400)).unwrap_or_default() }
    }
}

/// It shows nothing of what is inside: there is a secret.
impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}
