use std::time::Duration;

use crate::config::{self, Api};
use crate::model::Expiry;

/// Everything that an account's client is made from. Where two are equal, the client of one serves the other.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Connection {
    account: config::Account,
    /// A file that has the same name may hold other certificates by now. `None` where it cannot be read, which is
    /// found out when the client is made.
    certificates: Option<Vec<u8>>,
    timeout: Duration,
}

impl Connection {
    /// Blocks on the file system where the account has certificates of its own.
    pub(super) fn of(account: &config::Account, timeout: Duration) -> Self {
        let certificates = account.ca_file.as_ref().and_then(|path| std::fs::read(path).ok());
        // When the pair ends does not change how it is used.
        let mut account = config::Account { credential: Expiry::Unknown, ..account.clone() };
        if let Api::ObjectStorage(api) = &mut account.api {
            api.max_age = None;
        }
        Self { account, certificates, timeout }
    }

    /// Whether both are of the same account at the same vendor, so that what was known of one is true of the other.
    pub(super) fn is_same_account(&self, other: &Self) -> bool {
        self.account.account_id == other.account.account_id
            && self.account.address() == other.account.address()
    }
}
