//! The collectors of the Account API v2.

mod credentials;
mod current_usage;
mod monthly_usage;
mod permissions;
mod service_accounts;

use super::Client;
use crate::api::client::names;
use crate::api::{Api, Declared, Endpoint};
use crate::model::{Collector, CurrentUsage, MonthlyUsage, Permissions, ServiceAccount, Session};

pub(super) static COLLECTORS: [Declared<Client>; 5] = [
    Declared::of::<CurrentUsage>(),
    Declared::of::<MonthlyUsage>(),
    Declared::of::<Session>(),
    Declared::of::<Vec<ServiceAccount>>(),
    Declared::of::<Permissions>(),
];

/// Every endpoint of the Account API v2 that the exporter reads.
pub fn endpoints() -> impl Iterator<Item = Endpoint> {
    let of_collectors = COLLECTORS.iter().flat_map(|declared| declared.descriptor.asks);
    Client::LOGIN.iter().chain(of_collectors).map(|asked| asked.endpoint)
}

impl Collector {
    /// Those of the Account API v2.
    pub const ACCOUNT_V2: [Self; 5] = names(&COLLECTORS);
}
