use std::time::Duration;

use super::Endpoint;

/// Why a poll failed, by what its reader can do about it. The value of the `reason` label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The credentials are refused: expired, regenerated or deleted; or they could not be read.
    Auth,
    /// The credentials work but may not do this, or the account has no service enabled.
    Forbidden,
    /// The vendor asks for fewer requests.
    RateLimited,
    /// No whole answer in time.
    Timeout,
    /// No connection: name, route, refused or reset.
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
    pub const ALL: [Self; 9] = [
        Self::Auth,
        Self::Forbidden,
        Self::RateLimited,
        Self::Timeout,
        Self::Connect,
        Self::Tls,
        Self::Server,
        Self::Request,
        Self::Decode,
    ];

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

/// A request to the vendor that gave no usable answer.
///
/// Its text is for the operator: what failed and why. It never holds a secret, a token, a header or a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{endpoint}: {detail}")]
pub struct ApiError {
    /// What kind of failure it is.
    pub reason: Reason,
    /// Which request failed.
    pub endpoint: Endpoint,
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
    /// The vendor's `code`, trimmed, where it is a plain word.
    pub code: Option<Box<str>>,
    /// What went wrong, in words.
    pub detail: Box<str>,
    /// How long the vendor asks to wait.
    pub retry_after: Option<Duration>,
}

impl ApiError {
    /// An error that no answer of the vendor is behind.
    pub fn new(reason: Reason, endpoint: Endpoint, detail: impl Into<Box<str>>) -> Self {
        Self { reason, endpoint, status: None, code: None, detail: detail.into(), retry_after: None }
    }
}
