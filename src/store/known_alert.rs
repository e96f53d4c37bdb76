use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where the exporter reads what an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The configuration of the account, and how logins with its own credentials ended.
    Logins,
    /// The list of service accounts.
    ServiceAccounts,
    /// The list of users and their access keys.
    AccessKeys,
}

/// What outlives the process of one alert that it posts, or that has to hold before it is posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownAlert {
    /// Its identity.
    pub labels: BTreeMap<String, String>,
    /// One line for a person.
    pub summary: String,
    /// What it means and what to do first, for a person.
    pub description: String,
    /// Where it is read.
    pub source: Source,
    /// Since when it holds.
    pub since: Timestamp,
    /// When it was last posted, not to the minute; `None` where it has not held for long enough.
    pub posted: Option<Timestamp>,
    /// When it ended; it is posted as resolved for a while after that.
    pub ended: Option<Timestamp>,
}
