use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::clock;

/// When a credential stops working.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// Nobody said.
    #[default]
    Unknown,
    /// It has no end.
    Never,
    /// At this instant. A date alone means 00:00 UTC of it, so that a warning comes early rather than late.
    At(Timestamp),
}

/// What a credential is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CredentialKind {
    /// The pair with which the exporter itself logs in to the account's API.
    AccountApi,
    /// The keys of a service account.
    ServiceAccount,
}

impl CredentialKind {
    /// The value of the `kind` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccountApi => "account_api",
            Self::ServiceAccount => "service_account",
        }
    }
}

/// How a credential stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, VariantArray)]
pub enum CredentialStatus {
    /// It works until a date that is known.
    Expires,
    /// It works and has no end.
    NeverExpires,
    /// Its date has passed.
    Expired,
    /// The vendor rejects it although its date has not passed: regenerated, deleted, or expired before its date.
    Rejected,
    /// The end date is not configured, or contradicted by what the vendor answers.
    Unknown,
}

impl CredentialStatus {
    /// Every status, in the order in which they are shown.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The value of the `status` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expires => "expires",
            Self::NeverExpires => "never_expires",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }

    /// The status in the words of the vendor's console, as far as it has words for it.
    #[must_use]
    pub fn words(self, expiry: Expiry, now: Timestamp) -> String {
        match (self, expiry) {
            (Self::Expires, Expiry::At(end)) => format!("Expires in {}", time_left(end, now)),
            (Self::Expires | Self::Unknown, _) => "Unknown".to_owned(),
            (Self::NeverExpires, _) => "Never expires".to_owned(),
            (Self::Expired, _) => "Expired".to_owned(),
            (Self::Rejected, _) => "Rejected".to_owned(),
        }
    }
}

/// The time until `end` for a person: whole days, or what is left of the last one in hours or minutes: rounded down, so
/// that nobody counts on time that is not there.
#[must_use]
pub fn time_left(end: Timestamp, now: Timestamp) -> String {
    let minutes = clock::until(now, end).as_secs() / 60;
    let (count, unit) = match minutes {
        0..60 => (minutes, "minute"),
        60..1440 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// What is known of the logins with a pair of credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Logins {
    /// The last one that worked.
    pub last_accepted: Option<Timestamp>,
    /// The last one, where the vendor rejected it. One that works after it ends it, so that no comparison of instants
    /// decides which came later: a clock may have been set back in between.
    pub rejected_at: Option<Timestamp>,
}

impl Logins {
    /// Whether the last login that the vendor decided on was rejected.
    #[must_use]
    pub const fn rejected(&self) -> bool {
        self.rejected_at.is_some()
    }
}

/// How a credential stands at `now`, from what was said of its expiry and what was seen of its logins.
///
/// A service account has no login here: its date alone decides, with [`Logins::default`].
#[must_use]
pub fn credential_status(expiry: Expiry, logins: &Logins, now: Timestamp) -> CredentialStatus {
    match expiry {
        Expiry::At(end) if end <= now => {
            let worked_after =
                !logins.rejected() && logins.last_accepted.is_some_and(|accepted| accepted > end);
            if worked_after { CredentialStatus::Unknown } else { CredentialStatus::Expired }
        }
        _ if logins.rejected() => CredentialStatus::Rejected,
        Expiry::At(_) => CredentialStatus::Expires,
        Expiry::Never => CredentialStatus::NeverExpires,
        Expiry::Unknown => CredentialStatus::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn words_are_the_consoles() {
        let now = at("2026-11-24T12:00:00Z");
        for (end, words) in [
            ("2026-12-06T12:00:00Z", "Expires in 12 days"),
            ("2026-11-25T12:00:00Z", "Expires in 1 day"),
            ("2026-11-25T11:59:59Z", "Expires in 23 hours"),
            ("2026-11-24T12:00:59Z", "Expires in 0 minutes"),
        ] {
            assert_eq!(CredentialStatus::Expires.words(Expiry::At(at(end)), now), words);
        }
        assert_eq!(CredentialStatus::NeverExpires.words(Expiry::Never, now), "Never expires");
        assert_eq!(CredentialStatus::Expired.words(Expiry::At(now), now), "Expired");
        assert_eq!(CredentialStatus::Unknown.words(Expiry::At(now), now), "Unknown");
    }

    #[test]
    fn the_whole_matrix_of_expiry_and_login() {
        let now = at("2026-11-24T12:00:00Z");
        let future = Expiry::At(at("2027-01-31T00:00:00Z"));
        let past = Expiry::At(at("2026-11-20T00:00:00Z"));
        let accepted = |text: &str| Logins { last_accepted: Some(at(text)), rejected_at: None };
        let rejected = |text: &str| Logins { last_accepted: None, rejected_at: Some(at(text)) };
        let worked_before = accepted("2026-11-19T00:00:00Z");
        let worked_after = accepted("2026-11-24T11:00:00Z");
        let rejected_now = rejected("2026-11-24T11:00:00Z");
        let worked_then_rejected =
            Logins { last_accepted: Some(at("2026-11-24T10:00:00Z")), ..rejected("2026-11-24T11:00:00Z") };
        // Rejected by a clock that was set back since the login before it.
        let rejected_before_it_worked =
            Logins { last_accepted: Some(at("2026-11-24T11:30:00Z")), ..rejected("2026-11-24T11:00:00Z") };
        let untried = Logins::default();

        for (expiry, logins, status) in [
            (future, worked_after, CredentialStatus::Expires),
            (future, rejected_before_it_worked, CredentialStatus::Rejected),
            (future, untried, CredentialStatus::Expires),
            (future, rejected_now, CredentialStatus::Rejected),
            (future, worked_then_rejected, CredentialStatus::Rejected),
            (Expiry::Never, worked_after, CredentialStatus::NeverExpires),
            (Expiry::Never, untried, CredentialStatus::NeverExpires),
            (Expiry::Never, rejected_now, CredentialStatus::Rejected),
            (past, rejected_now, CredentialStatus::Expired),
            (past, worked_then_rejected, CredentialStatus::Expired),
            (past, worked_before, CredentialStatus::Expired),
            (past, untried, CredentialStatus::Expired),
            (past, worked_after, CredentialStatus::Unknown),
            (past, rejected_before_it_worked, CredentialStatus::Expired),
            (Expiry::At(now), untried, CredentialStatus::Expired),
            (Expiry::Unknown, worked_after, CredentialStatus::Unknown),
            (Expiry::Unknown, untried, CredentialStatus::Unknown),
            (Expiry::Unknown, rejected_now, CredentialStatus::Rejected),
        ] {
            assert_eq!(credential_status(expiry, &logins, now), status, "{expiry:?} with {logins:?}");
        }
    }
}
