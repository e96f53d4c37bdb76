use std::time::Duration;

use super::Reason;

/// A request that the exporter makes. The value of the `endpoint` label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// `POST /auth/token`
    Login,
    /// `GET /auth/token`
    Session,
    /// `GET /usage/current`
    CurrentUsage,
    /// `GET /usage/monthly`
    MonthlyUsage,
    /// `GET /service-accounts`
    ServiceAccounts,
    /// `GET /permissions`
    Permissions,
    /// The IAM host's `RSListBillingData`
    Billing,
    /// The S3 host's `GET /`
    ListBuckets,
    /// The S3 host's `GET /?rs-bucket-stats=`
    BucketStats,
    /// The IAM host's `RSGetUserInfo`
    UserInfo,
    /// The IAM host's `ListUsers`
    ListUsers,
    /// The IAM host's `ListAccessKeys`
    ListAccessKeys,
}

impl Endpoint {
    /// Every endpoint, in the order in which they are shown.
    pub const ALL: [Self; 12] = [
        Self::Login,
        Self::Session,
        Self::CurrentUsage,
        Self::MonthlyUsage,
        Self::ServiceAccounts,
        Self::Permissions,
        Self::Billing,
        Self::ListBuckets,
        Self::BucketStats,
        Self::UserInfo,
        Self::ListUsers,
        Self::ListAccessKeys,
    ];

    /// Those of the Account API v2.
    pub const ACCOUNT_V2: [Self; 6] = [
        Self::Login,
        Self::Session,
        Self::CurrentUsage,
        Self::MonthlyUsage,
        Self::ServiceAccounts,
        Self::Permissions,
    ];

    /// The value of the `endpoint` label: method and path below the base URL, or the name of the action on the platform
    /// since 2024.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "POST /auth/token",
            Self::Session => "GET /auth/token",
            Self::CurrentUsage => "GET /usage/current",
            Self::MonthlyUsage => "GET /usage/monthly",
            Self::ServiceAccounts => "GET /service-accounts",
            Self::Permissions => "GET /permissions",
            Self::Billing => "RSListBillingData",
            Self::ListBuckets => "ListBuckets",
            Self::BucketStats => "rs-bucket-stats",
            Self::UserInfo => "RSGetUserInfo",
            Self::ListUsers => "ListUsers",
            Self::ListAccessKeys => "ListAccessKeys",
        }
    }

    /// The path below the base URL.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Login | Self::Session => "/auth/token",
            Self::CurrentUsage => "/usage/current",
            Self::MonthlyUsage => "/usage/monthly",
            Self::ServiceAccounts => "/service-accounts",
            Self::Permissions => "/permissions",
            // The query or the form tells these from each other.
            Self::Billing
            | Self::ListBuckets
            | Self::BucketStats
            | Self::UserInfo
            | Self::ListUsers
            | Self::ListAccessKeys => "/",
        }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// How a login ended. The value of the `result` label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginResult {
    /// The vendor gave a token.
    Accepted,
    /// The vendor refused the credentials.
    Refused,
    /// The vendor decided nothing: it could not be reached, or failed.
    Failed,
}

impl LoginResult {
    /// Every result, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Refused, Self::Failed];

    /// The value of the `result` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// Told of every request of one account's client, as it ends.
pub trait Telemetry: Send + Sync + 'static {
    /// One request: its status, or the reason why it got none, and how long it took until its answer was read.
    fn request(&self, endpoint: Endpoint, outcome: Result<u16, Reason>, took: Duration);

    /// One login.
    fn login(&self, result: LoginResult);
}
