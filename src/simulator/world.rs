use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use crate::clock;
use crate::model::Month;

use super::object_storage;
use super::{Permission, ServiceAccount, Settings, SubAccount, Usage};

/// Everything that the simulated vendor knows.
#[derive(Default)]
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) object_storage: object_storage::Accounts,
    pub(super) accounts: HashMap<String, AccountState>,
    pub(super) sessions: HashMap<String, Session>,
    /// How many answers waited.
    waited: u32,
}

/// One account.
pub(super) struct AccountState {
    pub(super) access_key: String,
    pub(super) secret: String,
    pub(super) validity: Validity,
    /// Sessions of an earlier generation are dead.
    pub(super) generation: u64,
    pub(super) buckets: Vec<Bucket>,
    pub(super) sub_account_part: SubAccountPart,
    pub(super) sub_accounts: Vec<SubAccount>,
    pub(super) months: BTreeMap<Month, MonthFigures>,
    pub(super) service_accounts: Vec<ServiceAccount>,
    pub(super) permissions: Vec<Permission>,
    /// How many days a new service account works; `None` where it has no end.
    pub(super) service_account_days: Option<i64>,
    /// Usage answers already made, by path and query: an account of 100,000 buckets is rendered once a change.
    pub(super) rendered: HashMap<String, Bytes>,
}

/// How an account's pair stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Validity {
    Active,
    Until(Timestamp),
    Deleted,
}

/// One bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) name: String,
    pub(super) usage: Usage,
}

/// What the answers say of sub-accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubAccountPart {
    /// Nothing.
    Absent,
    /// A zero total without a list.
    Zero,
    /// The list of a master account.
    Listed,
}

/// What was recorded of one month.
#[derive(Debug, Default)]
pub(super) struct MonthFigures {
    pub(super) buckets: Vec<(String, f64)>,
    pub(super) sub_accounts: Vec<SubAccountMonth>,
}

/// What was recorded of one sub-account in one month.
#[derive(Debug)]
pub(super) struct SubAccountMonth {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) gigabytes: f64,
}

/// What a token stands for.
pub(super) struct Session {
    account: String,
    end: Timestamp,
    generation: u64,
}

/// So many sessions are kept before the dead ones are cleared away.
const SESSIONS_KEPT: usize = 10_000;

/// A token's length; the vendor's are opaque.
const TOKEN_LENGTH: usize = 43;

impl AccountState {
    pub(super) fn new() -> Self {
        Self {
            access_key: "AKEXAMPLE".to_owned(),
            secret: "simulated-secret".to_owned(),
            validity: Validity::Active,
            generation: 0,
            buckets: Vec::new(),
            sub_account_part: SubAccountPart::Absent,
            sub_accounts: Vec::new(),
            months: BTreeMap::new(),
            service_accounts: Vec::new(),
            permissions: Vec::new(),
            service_account_days: None,
            rendered: HashMap::new(),
        }
    }

    fn accepts_logins(&self, now: Timestamp) -> bool {
        match self.validity {
            Validity::Active => true,
            Validity::Until(end) => now < end,
            Validity::Deleted => false,
        }
    }

    /// Whether any usage depends on the clock.
    pub(super) fn moves(&self) -> bool {
        self.buckets.iter().any(|bucket| bucket.usage.moves())
            || self.sub_accounts.iter().any(|account| account.usage.moves())
    }
}

impl World {
    /// How long the next answer waits.
    pub(super) fn next_latency(&mut self) -> Duration {
        // Steps by the golden ratio: they look like chance and cover the range evenly.
        const STEP: u32 = 0x9e37_79b9;
        self.waited = self.waited.wrapping_add(STEP);
        let part = f64::from(self.waited) / f64::from(u32::MAX);
        self.settings.latency + self.settings.latency_spread.mul_f64(part)
    }

    pub(super) fn account(&self, id: &str) -> Option<&AccountState> {
        self.accounts.get(id)
    }

    /// An account to change, made where there is none yet.
    pub(super) fn change(&mut self, id: &str) -> &mut AccountState {
        let account = self.accounts.entry(id.to_owned()).or_insert_with(AccountState::new);
        account.rendered.clear();
        account
    }

    /// Keeps an answer until the account changes.
    pub(super) fn keep_rendered(&mut self, id: &str, request: &str, answer: &Bytes) {
        if let Some(account) = self.accounts.get_mut(id) {
            account.rendered.insert(request.to_owned(), answer.clone());
        }
    }

    pub(super) fn change_settings(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
        for account in self.accounts.values_mut() {
            account.rendered.clear();
        }
    }

    /// A new token; `None` where the credentials are rejected.
    pub(super) fn log_in(
        &mut self,
        account_id: &str,
        access_key: &str,
        secret: &str,
        now: Timestamp,
    ) -> Option<String> {
        let account = self.accounts.get(account_id).filter(|account| {
            account.accepts_logins(now) && account.access_key == access_key && account.secret == secret
        })?;
        let generation = account.generation;
        if self.sessions.len() >= SESSIONS_KEPT {
            self.sessions.retain(|_, session| session.end > now);
        }
        let token: String = std::iter::repeat_with(fastrand::alphanumeric).take(TOKEN_LENGTH).collect();
        self.sessions.insert(
            token.clone(),
            Session {
                account: account_id.to_owned(),
                end: clock::after(now, self.settings.token_lifetime),
                generation,
            },
        );
        Some(token)
    }

    /// Whose token it is or was.
    pub(super) fn owner(&self, token: &str) -> Option<&str> {
        self.sessions.get(token).map(|session| session.account.as_str())
    }

    /// How much of its life a token has left; `None` where it is dead or was never given.
    pub(super) fn life_left(&self, token: &str, now: Timestamp) -> Option<Duration> {
        let session = self.sessions.get(token)?;
        let account = self.accounts.get(&session.account)?;
        let alive =
            now < session.end && session.generation == account.generation && account.accepts_logins(now);
        alive.then(|| clock::until(now, session.end))
    }
}
