//! What is known of an account: plain values, in base units, with no trace of the wire or of metrics. What the state file
//! keeps of them has the form that serde gives them here.
//!
//! Sizes are whole bytes, instants are UTC, a value that is not known is `None`.

use serde::{Deserialize, Serialize};

mod billing;
mod collector;
mod cost;
mod credential;
mod dropped;
mod failure;
mod identity;
mod inventory;
mod managed;
mod month;
mod object_storage;
mod request;
mod usage;
mod warning;

pub use billing::{BilledDay, Billing, RegionTransfer, TransferDay};
pub use collector::{AnyData, Collector, Data, StatePart, Timestamped};
pub use cost::Price;
pub use credential::{CredentialKind, CredentialStatus, Expiry, Logins, credential_status, time_left};
pub use dropped::{Collected, DropReason, Dropped, Missing};
pub use failure::{Failure, Reason};
pub use identity::Identity;
pub use inventory::{Permission, PermissionCount, Permissions, ServiceAccount};
pub use managed::{
    ManagedAccessKey, ManagedPermission, ManagedServiceAccount, PermissionSpec, ServiceAccountSpec,
};
pub use month::{Month, NoMonth};
pub use object_storage::{AccessKey, Bucket, Buckets, User};
pub use request::{Endpoint, LoginResult, RequestCode};
pub use usage::{
    BucketHistory, BucketUsage, CurrentUsage, MonthTotal, MonthlyUsage, Settled, SubAccount,
    SubAccountHistory,
};
pub use warning::WarningSteps;

/// What the vendor says of the running session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// When its token stops working, by our clock.
    pub expires_at: jiff::Timestamp,
}

/// What is known of past months, as far as an API answers it.
#[derive(Clone, Debug, PartialEq)]
pub enum PastUsage {
    /// By month.
    Months(MonthlyUsage),
    /// By day.
    Days(Billing),
}
