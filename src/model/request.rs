use strum::VariantArray;

use super::Reason;

/// A request that the exporter makes. The value of the `endpoint` label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, VariantArray)]
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
    pub const ALL: &'static [Self] = Self::VARIANTS;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, VariantArray)]
pub enum LoginResult {
    /// The vendor gave a token.
    Accepted,
    /// The vendor rejected the credentials.
    Rejected,
    /// The vendor decided nothing: it could not be reached, or failed.
    Failed,
}

impl LoginResult {
    /// Every result, in the order in which they are shown.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The value of the `result` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }
}

/// How a request ended: the value of the `code` label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestCode {
    /// With an answer of this status, one of the few dozen that are registered with IANA.
    Status(u16),
    /// With an answer of any other status: each would be a series of its own.
    Other,
    /// Without an answer, for the reason of this name.
    None(&'static str),
}

impl RequestCode {
    /// The code of a request that ended like this.
    #[must_use]
    pub const fn of(outcome: Result<u16, Reason>) -> Self {
        match outcome {
            Ok(
                status @ (100..=103
                | 200..=208
                | 226
                | 300..=305
                | 307
                | 308
                | 400..=417
                | 421..=426
                | 428
                | 429
                | 431
                | 451
                | 500..=508
                | 510
                | 511),
            ) => Self::Status(status),
            Ok(_) => Self::Other,
            Err(reason) => Self::None(reason.name()),
        }
    }
}

impl std::fmt::Display for RequestCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Other => f.write_str("other"),
            Self::None(reason) => f.write_str(reason),
        }
    }
}
