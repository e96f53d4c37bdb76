use super::{ApiError, Reason};

/// Whether the vendor did what a request asked for that was not answered as hoped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did not: the vendor rejected the request, or never got it.
    NotDone,
    /// It may have: the answer was lost, or is one of a failure on the vendor's side.
    Unknown,
}

/// A request of `manage` that was not answered as hoped.
///
/// Its text is for the operator. It never holds a secret, a token, a header or a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{request}: {detail}")]
pub struct ManageError {
    /// Method and path, or the name of the action.
    pub request: &'static str,
    /// What kind of failure it is.
    pub reason: Reason,
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
    /// The vendor's `code`, trimmed, where it is a plain word.
    pub code: Option<Box<str>>,
    /// What went wrong, in words.
    pub detail: Box<str>,
    /// Whether the vendor did it all the same.
    pub outcome: Outcome,
}

impl From<ApiError> for ManageError {
    fn from(error: ApiError) -> Self {
        Self {
            request: error.endpoint.name(),
            reason: error.reason,
            status: error.status,
            code: error.code,
            detail: error.detail,
            outcome: Outcome::NotDone,
        }
    }
}
