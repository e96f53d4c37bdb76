//! Refused credentials are remembered, so that lost ones do not hammer the vendor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
    /// Whether they could not be read the last time.
    lost: AtomicBool,
}

/// The credentials as they are at this moment.
#[derive(PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) access_key: Secret,
    pub(super) secret: Secret,
}

impl PairSource {
    pub(super) fn of(account: &Account) -> Self {
        let lost = AtomicBool::new(false);
        Self { access_key: account.access_key.clone(), secret: account.secret.clone(), lost }
    }

    /// Reads the credentials from where they are kept, for a request to `endpoint`.
    pub(super) async fn read(&self, endpoint: Endpoint) -> Result<Pair, ApiError> {
        let read = async {
            Ok(Pair { access_key: self.access_key.read().await?, secret: self.secret.read().await? })
        };
        let read: Result<Pair, SecretError> = read.await;
        self.lost.store(read.is_err(), Ordering::Relaxed);
        read.map_err(|error| ApiError::new(Reason::Auth, endpoint, error.to_string()))
    }

    /// Whether they could not be read the last time, and can be now.
    pub(super) async fn is_back(&self, endpoint: Endpoint) -> bool {
        self.lost.load(Ordering::Relaxed) && self.read(endpoint).await.is_ok()
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
