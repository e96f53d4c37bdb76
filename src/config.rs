//! The configuration in its final types: past this module nothing is a string that still has to be understood.

mod account;
mod alertmanager;
mod errors;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod load;
mod reader;
mod repeats;
mod secret;
mod tree;
mod value;

pub(crate) use value::web_url;
mod variables;
mod warnings;
mod web;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use regex::Regex;
use url::Url;

use crate::model::{Expiry, Identity, Month, Price, WarningSteps};
use crate::shard::Shard;

pub use alertmanager::{Alertmanager, BasicAuth};
pub use errors::{ConfigError, ConfigErrors};
pub use load::{load, process_environment};
pub(crate) use secret::without_mark;
pub use secret::{Secret, SecretError, SecretSource};
pub use web::{ClientCertificates, PASSWORD_BYTES, PasswordHash, Stamps, Tls, TlsVersion, WebConfig};

/// The whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The accounts to watch, in the order of the file; at least one; names unique.
    pub accounts: Vec<Account>,
    /// When and how to ask.
    pub poll: Poll,
    /// How much of the past to ask for.
    pub history: History,
    /// Which series to make.
    pub series: Series,
    /// After this long without a success a collector's series are withdrawn.
    pub data_max_age: Duration,
    /// Where the last good answers are kept over a restart; `None` where they are not.
    pub state_file: Option<PathBuf>,
    /// Where the daemon itself sends alerts; `None` where it sends none.
    pub alertmanager: Option<Alertmanager>,
    /// How long before something ends a person is warned.
    pub warning: WarningSteps,
    /// The share of its usage that an account or bucket may lose within a day before an alert fires.
    pub usage_drop: f64,
}

impl Config {
    /// A configuration of these accounts, all else as it is by default.
    #[must_use]
    pub fn of(accounts: Vec<Account>) -> Self {
        Self {
            accounts,
            poll: Poll::default(),
            history: History::default(),
            series: Series::default(),
            data_max_age: Duration::from_secs(24 * 60 * 60),
            state_file: None,
            alertmanager: None,
            warning: WarningSteps::default(),
            usage_drop: 0.5,
        }
    }

    /// The same with only those accounts that `shard` watches.
    #[must_use]
    pub fn of_shard(mut self, shard: Shard) -> Self {
        self.accounts.retain(|account| shard.owns(&account.name));
        self
    }
}

/// One account of the vendor.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// The label `account`.
    pub name: String,
    /// Which of the vendor's APIs it is watched through, and where that is.
    pub api: Api,
    /// The vendor's id of the account; its name where an `object_storage` account was given none.
    pub account_id: String,
    /// The first half of the pair.
    pub access_key: SecretSource,
    /// The second half of the pair.
    pub secret: SecretSource,
    /// When this pair ends: what the console shows of it, and never for [`Api::ObjectStorage`], whose keys have no end.
    pub credential: Expiry,
    /// Certificates to trust beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// What its storage costs; turns on the estimates.
    pub price: Option<Price>,
    /// The times left of its credentials at which to warn, where they are not those of all accounts.
    pub credential_warning: Option<Vec<Duration>>,
    /// Its own [`Config::usage_drop`].
    pub usage_drop: Option<f64>,
}

/// One of the vendor's APIs. URLs have no trailing slash behind a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Api {
    /// The Account API v2.
    AccountV2 {
        /// Where it is.
        base_url: Url,
    },
    /// The API of Lyve Cloud Object Storage.
    ObjectStorage(ObjectStorage),
}

impl Api {
    /// Where it is asked.
    #[must_use]
    pub fn urls(&self) -> Vec<&Url> {
        match self {
            Self::AccountV2 { base_url } => vec![base_url],
            Self::ObjectStorage(ObjectStorage { iam_url, s3_url, .. }) => vec![iam_url, s3_url],
        }
    }
}

/// Where an account of Lyve Cloud Object Storage is, and what is asked of its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectStorage {
    /// Users, keys and billing.
    pub iam_url: Url,
    /// Buckets.
    pub s3_url: Url,
    /// The age at which an access key is due for rotation; `None` where nobody set one.
    pub max_age: Option<Duration>,
    /// Where no `account_id` was given, the beginning of the SHA-256 of the access key's id as it was when the
    /// configuration was read, 16 hexadecimal digits. A name alone may come to stand for another account.
    pub key_digest: Option<String>,
}

impl Account {
    /// Where the account is known.
    #[must_use]
    pub const fn address(&self) -> &Url {
        match &self.api {
            Api::AccountV2 { base_url } => base_url,
            Api::ObjectStorage(ObjectStorage { iam_url, .. }) => iam_url,
        }
    }

    /// What tells it from every other account.
    #[must_use]
    pub fn identity(&self) -> Identity {
        let id = match &self.api {
            Api::ObjectStorage(ObjectStorage { key_digest: Some(digest), .. }) => {
                format!("{}, key {digest}", self.account_id)
            }
            _ => self.account_id.clone(),
        };
        Identity { id, address: self.address().to_string() }
    }

    /// The same without when its credentials end or are due, which does not change how they are used.
    #[must_use]
    pub fn without_ends(&self) -> Self {
        let mut account = Self { credential: Expiry::Unknown, ..self.clone() };
        if let Api::ObjectStorage(api) = &mut account.api {
            api.max_age = None;
        }
        account
    }
}

impl Api {
    /// The word for it in the configuration.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AccountV2 { .. } => "account_v2",
            Self::ObjectStorage(_) => "object_storage",
        }
    }

    /// The age at which an access key is due for rotation, where one is set.
    #[must_use]
    pub const fn max_key_age(&self) -> Option<Duration> {
        match self {
            Self::AccountV2 { .. } => None,
            Self::ObjectStorage(api) => api.max_age,
        }
    }
}

/// How often to ask, and how much at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poll {
    /// Between two polls of the month-to-date usage, or of the billing data.
    pub current_usage: Duration,
    /// Between two polls of the closed months; one follows each turn of a month as well.
    pub monthly_usage: Duration,
    /// Between two looks at the session's remaining life.
    pub credentials: Duration,
    /// A fresh login is made at least this often.
    pub verify_login: Duration,
    /// Between two polls of service accounts and permissions, or of buckets and keys.
    pub inventory: Duration,
    /// For one request, from connecting to the end of its answer.
    pub timeout: Duration,
    /// At most this many requests are under way at once, all accounts together.
    pub max_concurrent_requests: usize,
}

impl Default for Poll {
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        Self {
            current_usage: 15 * MINUTE,
            monthly_usage: 360 * MINUTE,
            credentials: 5 * MINUTE,
            verify_login: 60 * MINUTE,
            inventory: 60 * MINUTE,
            timeout: MINUTE / 2,
            max_concurrent_requests: 8,
        }
    }
}

/// How much of the past to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// How many closed months; 0 switches the history off.
    pub months: u32,
}

impl Default for History {
    fn default() -> Self {
        Self { months: 6 }
    }
}

impl History {
    /// The closed months at `now`, the oldest and the newest one.
    #[must_use]
    pub fn window(self, now: Timestamp) -> (Month, Month) {
        let open = Month::of(now);
        (open.plus(-i32::try_from(self.months).unwrap_or(i32::MAX)), open.plus(-1))
    }
}

/// Which series to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Which buckets get series of their own.
    pub buckets: Filter,
    /// At most this many series of one collector of one account, beside the account's totals.
    pub max_per_account: usize,
}

impl Default for Series {
    fn default() -> Self {
        Self { buckets: Filter::default(), max_per_account: 50_000 }
    }
}

/// A choice of names: one of `include` must match, and none of `exclude`.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Anchored expressions; an empty list takes every name.
    pub include: Vec<Regex>,
    /// Anchored expressions.
    pub exclude: Vec<Regex>,
}

/// Filters are equal where they are written in the same words.
impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        let same = |one: &[Regex], other: &[Regex]| {
            one.iter().map(Regex::as_str).eq(other.iter().map(Regex::as_str))
        };
        same(&self.include, &other.include) && same(&self.exclude, &other.exclude)
    }
}

impl Eq for Filter {}

impl Filter {
    /// Whether `name` is chosen.
    #[must_use]
    pub fn allows(&self, name: &str) -> bool {
        let matches = |list: &[Regex]| list.iter().any(|expression| expression.is_match(name));
        (self.include.is_empty() || matches(&self.include)) && !matches(&self.exclude)
    }
}

#[cfg(test)]
mod tests;
