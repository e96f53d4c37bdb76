use std::sync::Arc;

use jiff::Timestamp;
use strum::VariantArray;

/// Why a poll failed, by what its reader can do about it. The value of the `reason` label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, VariantArray)]
pub enum Reason {
    /// The credentials are rejected: expired, regenerated or deleted; or they could not be read.
    Auth,
    /// The credentials work but may not do this, or the account has no service enabled.
    Forbidden,
    /// The vendor asks for fewer requests.
    RateLimited,
    /// No whole answer in time.
    Timeout,
    /// No connection: name, route, rejected or reset.
    Connect,
    /// The connection is not trusted.
    Tls,
    /// The vendor says that the fault is its own.
    Server,
    /// The vendor says that our request is wrong.
    Request,
    /// The answer cannot be understood.
    Decode,
}

impl Reason {
    /// Every reason, in the order in which they are shown.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The value of the `reason` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Forbidden => "forbidden",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Server => "server",
            Self::Request => "request",
            Self::Decode => "decode",
        }
    }
}

/// Why the last attempt of a collector failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// The kind of failure.
    pub reason: Reason,
    /// Whether the vendor answered at all.
    pub answered: bool,
    /// What went wrong, for a person; no secret in it.
    pub message: Arc<str>,
}
