//! Refused credentials are remembered, so that lost ones do not hammer the vendor.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{ApiError, Endpoint, Reason};
use crate::clock;
use crate::config::{Account, Secret, SecretError, SecretSource};

/// After a refusal nothing is tried for this long; each further refusal of the same credentials doubles it.
const FIRST_BACKOFF: Duration = Duration::from_secs(60);
const MAX_BACKOFF: Duration = Duration::from_secs(60 * 60);

/// Where a pair of credentials is kept.
pub(super) struct PairSource {
    access_key: SecretSource,
    secret: SecretSource,
}

/// The credentials as they are at this moment.
#[derive(PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) access_key: Secret,
    pub(super) secret: Secret,
}

impl PairSource {
    pub(super) fn of(account: &Account) -> Self {
        Self { access_key: account.access_key.clone(), secret: account.secret.clone() }
    }

    /// Reads the credentials from where they are kept, for a request to `endpoint`.
    pub(super) async fn read(&self, endpoint: Endpoint) -> Result<Pair, ApiError> {
        let read = async {
            Ok(Pair { access_key: self.access_key.read().await?, secret: self.secret.read().await? })
        };
        read.await.map_err(|error: SecretError| ApiError::new(Reason::Auth, endpoint, error.to_string()))
    }
}

/// A refusal, and when it may be questioned.
pub(super) struct Refusal {
    pub(super) error: ApiError,
    pub(super) pair: Arc<Pair>,
    since: Timestamp,
    backoff: Duration,
}

impl Refusal {
    /// A refusal of `pair` at `now`, after `before`.
    pub(super) fn new(error: ApiError, pair: Arc<Pair>, now: Timestamp, before: Option<&Self>) -> Self {
        let backoff = match before {
            Some(before) if before.pair == pair => (before.backoff * 2).min(MAX_BACKOFF),
            _ => FIRST_BACKOFF,
        };
        Self { error, pair, since: now, backoff }
    }

    pub(super) fn holds(&self, now: Timestamp) -> bool {
        // A clock that was set back must not stretch it.
        self.since <= now && now < clock::after(self.since, self.backoff)
    }
}
