//! What a rejection is, and how it is remembered, so that lost credentials do not hammer the vendor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use super::{ApiError, Endpoint, Reason};
use crate::backoff::Backoff;
use crate::clock;
use crate::config::{Account, Secret, SecretError, SecretSource};

/// What is said of a rejection that is not in the vendor's form.
pub(super) struct NotTheVendor {
    pub(super) anywhere: &'static str,
    /// Where the path may be wrong, for an account of the Account API.
    pub(super) at_this_place: &'static str,
    /// The same for one of object storage.
    pub(super) at_these_places: &'static str,
}

/// A proxy, a firewall or a gateway answers with the statuses that the vendor has for bad credentials. It decides nothing
/// about them.
pub(super) const NOT_THE_VENDOR: NotTheVendor = NotTheVendor {
    anywhere: "not the vendor's answer, but of something in between; check proxy and firewall",
    at_this_place: "not the vendor's answer, but of something in between; check base_url, proxy and firewall",
    at_these_places: "not the vendor's answer, but of something in between; check iam_url, s3_url or region, proxy and firewall",
};

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

/// Whether a request was answered with a rejection of any kind, be it the vendor's or not.
pub(super) fn is_rejection(error: &ApiError) -> bool {
    error.status.is_some_and(|status| (400..500).contains(&status) && status != 408)
}

/// A rejection, and when it may be questioned.
pub(super) struct Rejection {
    pub(super) error: ApiError,
    pub(super) pair: Arc<Pair>,
    since: Timestamp,
    /// How many there were in a row; each doubles the wait.
    in_a_row: u32,
}

impl Rejection {
    /// A rejection of `pair` at `now`, after `before`.
    pub(super) fn new(error: ApiError, pair: Arc<Pair>, now: Timestamp, before: Option<&Self>) -> Self {
        let in_a_row = match before {
            // What was not the vendor may go away at any moment.
            Some(before) if before.pair == pair && error.reason != Reason::Connect => {
                before.in_a_row.saturating_add(1)
            }
            _ => 1,
        };
        Self { error, pair, since: now, in_a_row }
    }

    pub(super) fn holds(&self, now: Timestamp) -> bool {
        // A clock that was set back must not stretch it.
        self.since <= now && now < clock::after(self.since, Backoff::REJECTION.delay(self.in_a_row))
    }
}
