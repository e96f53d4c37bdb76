use std::time::Duration;

use serde_json::Value;

/// How the simulated vendor behaves, all accounts together. The default is what was seen on the wire.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a new token lives.
    pub token_lifetime: Duration,
    /// Whether `expirationSec` is a number (vendor guide) rather than a text (seen on the wire).
    pub expiration_as_number: bool,
    /// What `expirationSec` says in place of the truth. The token lives as long as it would.
    pub stated_expiration: Option<Value>,
    /// What a dead token is called.
    pub dead_token_code: DeadTokenCode,
    /// The number of January in the months of an answer; no source says which.
    pub answer_month_base: MonthBase,
    /// Leaves out each list and count that would be empty or zero (seen on the wire).
    pub leave_out_empty: bool,
    /// How long what is created takes to be ready.
    pub ready_after: Duration,
    /// What deletes and switches answer.
    pub change_answer: ChangeAnswer,
    /// How many characters a new secret has.
    pub secret_length: usize,
    /// Each answer waits so long,
    pub latency: Duration,
    /// and up to so much longer, which differs from one answer to the next.
    pub latency_spread: Duration,
    /// How Lyve Cloud Object Storage writes its answers.
    pub object_storage: ObjectStorageSettings,
}

/// How the simulated Lyve Cloud Object Storage writes its answers. The default is what was seen on the wire.
#[derive(Clone, Copy, Debug)]
pub struct ObjectStorageSettings {
    /// Whether days come newest first (vendor guide) rather than oldest first (seen on the wire).
    pub newest_first: bool,
    /// How many digits of a second instants have, 0 to 9.
    pub date_digits: u8,
    /// Whether a list or map without entries is `null`.
    pub null_lists: bool,
    /// The form of the IAM host's errors; no source says which.
    pub error_form: ErrorForm,
}

impl Default for ObjectStorageSettings {
    fn default() -> Self {
        Self { newest_first: false, date_digits: 0, null_lists: false, error_form: ErrorForm::Xml }
    }
}

/// The form of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorForm {
    /// As AWS writes them.
    Xml,
    /// An object with `code` and `message`.
    Json,
    /// The message alone.
    Text,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token_lifetime: Duration::from_secs(86_400),
            expiration_as_number: false,
            stated_expiration: None,
            dead_token_code: DeadTokenCode::ExpiredToken,
            answer_month_base: MonthBase::Zero,
            leave_out_empty: false,
            ready_after: Duration::from_secs(3),
            change_answer: ChangeAnswer::Text,
            secret_length: 40,
            latency: Duration::ZERO,
            latency_spread: Duration::ZERO,
            object_storage: ObjectStorageSettings::default(),
        }
    }
}

/// What deletes and switches answer with status 200: no source says that it is JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeAnswer {
    /// A plain text.
    Text,
    /// Nothing.
    Empty,
}

/// The error code of a request with a dead token; its status is 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadTokenCode {
    /// `ExpiredToken`.
    ExpiredToken,
    /// `TokenExpired`, on the usage page of the vendor's guide.
    TokenExpired,
    /// `InvalidToken`.
    InvalidToken,
}

impl DeadTokenCode {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::ExpiredToken => "ExpiredToken",
            Self::TokenExpired => "TokenExpired",
            Self::InvalidToken => "InvalidToken",
        }
    }
}

/// The number of January.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MonthBase {
    /// January is 0.
    Zero,
    /// January is 1.
    One,
}

impl MonthBase {
    pub(super) const fn january(self) -> i32 {
        match self {
            Self::Zero => 0,
            Self::One => 1,
        }
    }
}
