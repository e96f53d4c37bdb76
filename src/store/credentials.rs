use jiff::Timestamp;

use super::AccountState;
use crate::model::{
    CredentialKind, CredentialStatus, Expiry, Logins, ServiceAccount, Timestamped, credential_status,
};

/// The name of every account's own pair of credentials: the vendor gives it none.
pub const ACCOUNT_CREDENTIAL_NAME: &str = "API credentials";

/// One credential of an account as it stands at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CredentialView<'a> {
    /// What it is for.
    pub kind: CredentialKind,
    /// Its identity.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// When it ends, as far as it is known.
    pub expiry: Expiry,
    /// How it stands.
    pub status: CredentialStatus,
    /// The last login that worked, for the account's own pair.
    pub last_accepted: Option<Timestamp>,
}

impl AccountState {
    /// Every credential that is known at `now`: the account's own pair first, then its service accounts.
    pub fn credentials(&self, now: Timestamp) -> impl Iterator<Item = CredentialView<'_>> + Clone {
        self.views(self.good(now), now)
    }

    /// The same with the last list of service accounts that came, whatever its age: a date does not become untrue by age,
    /// and a person who was warned of it is not told that all is well because the vendor cannot be asked.
    pub fn last_known_credentials(&self, now: Timestamp) -> impl Iterator<Item = CredentialView<'_>> + Clone {
        self.views(self.last_good(), now)
    }

    fn views<'a>(
        &'a self,
        service_accounts: Option<Timestamped<&'a Vec<ServiceAccount>>>,
        now: Timestamp,
    ) -> impl Iterator<Item = CredentialView<'a>> + Clone {
        let own = CredentialView {
            kind: CredentialKind::AccountApi,
            id: &self.spec.account_id,
            name: ACCOUNT_CREDENTIAL_NAME,
            expiry: self.spec.credential,
            status: credential_status(self.spec.credential, &self.logins, now),
            last_accepted: self.logins.last_accepted,
        };
        let service_accounts = service_accounts.map(|good| good.data.iter()).into_iter().flatten();
        std::iter::once(own).chain(service_accounts.map(move |account| CredentialView {
            kind: CredentialKind::ServiceAccount,
            id: &account.id,
            name: &account.name,
            expiry: account.expiry,
            status: credential_status(account.expiry, &Logins::default(), now),
            last_accepted: None,
        }))
    }
}
