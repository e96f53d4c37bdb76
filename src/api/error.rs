use std::time::Duration;

use jiff::Timestamp;

use super::{Endpoint, Reason};
use crate::model::Failure;

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

    /// The same as the failure of a poll that ended at `at`.
    #[must_use]
    pub fn failure(&self, at: Timestamp) -> Failure {
        let answered = self.status.is_some();
        Failure { at, reason: self.reason, answered, message: self.to_string().into() }
    }
}
