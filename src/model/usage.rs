use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Month;
use crate::saved::as_list;

/// Usage of the month to date.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CurrentUsage {
    /// The account's own buckets together, bytes.
    pub usage_bytes: Option<u64>,
    /// How many buckets the account has.
    pub bucket_count: Option<u64>,
    /// Each bucket, in the order of their names, each name once.
    pub buckets: Vec<BucketUsage>,
    /// The account together with its sub-accounts, bytes; `None` where it has none.
    pub usage_with_sub_accounts_bytes: Option<u64>,
    /// Each sub-account, in the order of their ids, each id once; empty for an account that is no master.
    pub sub_accounts: Vec<SubAccount>,
}

/// Usage of one bucket.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BucketUsage {
    /// Its name, which is its identity.
    pub name: Box<str>,
    /// Bytes.
    pub usage_bytes: u64,
}

as_list!(BucketUsage { name, usage_bytes });

/// A sub-account of a master account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubAccount {
    /// Its identity.
    pub id: Box<str>,
    /// Its name, which can change.
    pub name: Box<str>,
    /// Bytes.
    pub usage_bytes: Option<u64>,
    /// How many users it has.
    pub users: Option<u64>,
    /// How many service accounts it has.
    pub service_accounts: Option<u64>,
    /// How many buckets it has.
    pub buckets: Option<u64>,
    /// Days left of its trial; `None` where it has no trial.
    pub trial_days: Option<u64>,
    /// When it was created.
    pub created: Option<Timestamp>,
}

/// Averages of closed months. A month without data is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MonthlyUsage {
    /// The account's own buckets together, oldest month first.
    pub months: Vec<MonthTotal>,
    /// Each bucket that had a figure in any month, in the order of their names, each name once.
    pub buckets: Vec<BucketHistory>,
    /// Each sub-account that had a figure in any month, in the order of their ids, each id once.
    pub sub_accounts: Vec<SubAccountHistory>,
    /// Which of the months are final; `None` where none is, or where it is not known.
    #[serde(skip)]
    pub settled: Option<Settled>,
}

impl MonthlyUsage {
    /// Whether it has no figure at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.months.is_empty() && self.buckets.is_empty() && self.sub_accounts.is_empty()
    }
}

/// A run of closed months that are known in full and whose figures do not change any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The oldest one.
    pub first: Month,
    /// The newest one.
    pub last: Month,
}

/// The mean over a month of each day's mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct MonthTotal {
    /// Which month.
    pub month: Month,
    /// Bytes.
    pub average_bytes: u64,
}

as_list!(MonthTotal { month, average_bytes });

/// The months of one bucket.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BucketHistory {
    /// The bucket's name.
    pub name: Box<str>,
    /// Oldest month first; a month in which it was not listed is left out.
    pub months: Box<[MonthTotal]>,
}

as_list!(BucketHistory { name, months });

/// The months of one sub-account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SubAccountHistory {
    /// Its identity.
    pub id: Box<str>,
    /// Its name in the newest month of the answer.
    pub name: Box<str>,
    /// Oldest month first; a month in which it was not listed is left out.
    pub months: Box<[MonthTotal]>,
}

as_list!(SubAccountHistory { id, name, months });
