//! The collectors of the Account API v2.

mod credentials;
mod current_usage;
mod monthly_usage;
mod permissions;
mod service_accounts;

use super::Client;
use crate::api::Declared;
use crate::api::client::names;
use crate::model::{Collector, CurrentUsage, MonthlyUsage, Permissions, ServiceAccount, Session};

pub(super) static COLLECTORS: [Declared<Client>; 5] = [
    Declared::of::<CurrentUsage>(),
    Declared::of::<MonthlyUsage>(),
    Declared::of::<Session>(),
    Declared::of::<Vec<ServiceAccount>>(),
    Declared::of::<Permissions>(),
];

impl Collector {
    /// Those of the Account API v2.
    pub const ACCOUNT_V2: [Self; 5] = names(&COLLECTORS);
}
