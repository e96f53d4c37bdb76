use jiff::Timestamp;

/// When a credential stops working.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialStatus {
    /// It works until a date that is known.
    Expires,
    /// It works and has no end.
    NeverExpires,
    /// Its date has passed.
    Expired,
    /// The vendor refuses it although its date has not passed: regenerated, deleted, or expired before its date.
    Rejected,
    /// Nobody said when it ends, or what was said is contradicted by what is seen.
    Unknown,
}

impl CredentialStatus {
    /// Every status, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Expires,
        Self::NeverExpires,
        Self::Expired,
        Self::Rejected,
        Self::Unknown,
    ];

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
}

/// What is known of the logins with a pair of credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Logins {
    /// The last one that worked.
    pub last_accepted: Option<Timestamp>,
    /// The last one that the vendor refused.
    pub last_refused: Option<Timestamp>,
}

impl Logins {
    /// Whether the last login that the vendor decided on was refused.
    #[must_use]
    pub fn refused(&self) -> bool {
        self.last_refused > self.last_accepted
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
                !logins.refused() && logins.last_accepted.is_some_and(|accepted| accepted > end);
            if worked_after {
                CredentialStatus::Unknown
            } else {
                CredentialStatus::Expired
            }
        }
        _ if logins.refused() => CredentialStatus::Rejected,
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
    fn the_whole_matrix_of_expiry_and_login() {
        let now = at("2026-11-24T12:00:00Z");
        let future = Expiry::At(at("2027-01-31T00:00:00Z"));
        let past = Expiry::At(at("2026-11-20T00:00:00Z"));
        let accepted = |text: &str| Logins {
            last_accepted: Some(at(text)),
            last_refused: None,
        };
        let refused = |text: &str| Logins {
            last_accepted: None,
            last_refused: Some(at(text)),
        };
        let worked_before = accepted("2026-11-19T00:00:00Z");
        let worked_after = accepted("2026-11-24T11:00:00Z");
        let refused_now = refused("2026-11-24T11:00:00Z");
        let worked_then_refused = Logins {
            last_accepted: Some(at("2026-11-24T10:00:00Z")),
            ..refused("2026-11-24T11:00:00Z")
        };
        let refused_then_worked = Logins {
            last_refused: Some(at("2026-11-24T10:00:00Z")),
            ..accepted("2026-11-24T11:00:00Z")
        };
        let untried = Logins::default();

        for (expiry, logins, status) in [
            (future, worked_after, CredentialStatus::Expires),
            (future, refused_then_worked, CredentialStatus::Expires),
            (future, untried, CredentialStatus::Expires),
            (future, refused_now, CredentialStatus::Rejected),
            (future, worked_then_refused, CredentialStatus::Rejected),
            (Expiry::Never, worked_after, CredentialStatus::NeverExpires),
            (Expiry::Never, untried, CredentialStatus::NeverExpires),
            (Expiry::Never, refused_now, CredentialStatus::Rejected),
            (past, refused_now, CredentialStatus::Expired),
            (past, worked_then_refused, CredentialStatus::Expired),
            (past, worked_before, CredentialStatus::Expired),
            (past, untried, CredentialStatus::Expired),
            (past, worked_after, CredentialStatus::Unknown),
            (past, refused_then_worked, CredentialStatus::Unknown),
            (Expiry::At(now), untried, CredentialStatus::Expired),
            (Expiry::Unknown, worked_after, CredentialStatus::Unknown),
            (Expiry::Unknown, untried, CredentialStatus::Unknown),
            (Expiry::Unknown, refused_now, CredentialStatus::Rejected),
        ] {
            assert_eq!(
                credential_status(expiry, &logins, now),
                status,
                "{expiry:?} with {logins:?}"
            );
        }
    }
}
