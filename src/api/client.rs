use std::sync::Arc;

use super::{Telemetry, Transport, TransportError, account_v2, object_storage};
use crate::clock::Clock;
use crate::config::{self, Api};

/// The client of one account, by the API that the account is watched through. A clone asks through the same one.
#[derive(Clone, Debug)]
pub enum Client {
    /// Of the Account API v2.
    AccountV2(Arc<account_v2::Client>),
    /// Of the platform since 2024.
    ObjectStorage(Arc<object_storage::Client>),
}

impl Client {
    /// A client for `account`; nothing is asked yet. With a `ca_file` it gets connections of its own.
    ///
    /// # Errors
    /// Where the account's `ca_file` cannot be used.
    pub fn new(
        account: &config::Account,
        transport: Transport,
        clock: Arc<dyn Clock>,
        telemetry: Arc<dyn Telemetry>,
    ) -> Result<Self, TransportError> {
        let transport = match &account.ca_file {
            Some(ca_file) => transport.trusting(ca_file)?,
            None => transport,
        };
        Ok(match &account.api {
            Api::AccountV2 { base_url } => {
                let client = account_v2::Client::new(account, base_url, transport, clock, telemetry);
                Self::AccountV2(Arc::new(client))
            }
            Api::ObjectStorage(api) => {
                let client = object_storage::Client::new(account, api, transport, clock, telemetry);
                Self::ObjectStorage(Arc::new(client))
            }
        })
    }

    /// Whether the credentials were refused and, read now, are others than the refused ones; or could not be read and can be
    /// now.
    pub async fn credentials_renewed(&self) -> bool {
        match self {
            Self::AccountV2(client) => client.credentials_renewed().await,
            Self::ObjectStorage(client) => client.credentials_renewed().await,
        }
    }

    /// Whether both are the same one.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::AccountV2(one), Self::AccountV2(other)) => Arc::ptr_eq(one, other),
            (Self::ObjectStorage(one), Self::ObjectStorage(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}
