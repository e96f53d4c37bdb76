//! The client of the platform since 2024: billing, buckets, users and keys of one account.
//!
//! It only reads. Each request is signed by itself; there is no session.

use std::sync::Arc;

use jiff::civil::Date;

use super::{ApiError, Endpoint, Reason, Telemetry, Transport};
use crate::clock::Clock;
use crate::config;
use crate::model::{Answer, Billing, Buckets, User};

/// Asks the vendor about one account. Its collectors share it.
pub struct Client {
    account: String,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Client {
    /// A client for `account`, whose API is `api`; nothing is asked yet.
    #[must_use]
    pub fn new(
        account: &config::Account,
        _api: &config::ObjectStorage,
        _transport: Transport,
        _clock: Arc<dyn Clock>,
        _telemetry: Arc<dyn Telemetry>,
    ) -> Self {
        Self { account: account.name.clone() }
    }

    /// The days from `first` to `last`; the day of `last` is left out where it is not over.
    ///
    /// # Errors
    /// Where there is no whole answer.
    pub async fn billing(&self, _first: Date, _last: Date) -> Result<Answer<Billing>, ApiError> {
        Err(ApiError::new(Reason::Request, Endpoint::Billing, "this version cannot ask for it yet"))
    }

    /// The buckets with their sizes.
    ///
    /// # Errors
    /// Where there is no whole answer.
    pub async fn buckets(&self) -> Result<Answer<Buckets>, ApiError> {
        Err(ApiError::new(Reason::Request, Endpoint::BucketStats, "this version cannot ask for it yet"))
    }

    /// The users with their access keys.
    ///
    /// # Errors
    /// Where there is no whole answer.
    pub async fn keys(&self) -> Result<Answer<Vec<User>>, ApiError> {
        Err(ApiError::new(Reason::Request, Endpoint::ListAccessKeys, "this version cannot ask for it yet"))
    }

    /// Whether the key was refused, and the credentials are others by now.
    pub async fn refusal_lifted(&self) -> bool {
        false
    }
}
