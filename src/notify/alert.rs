use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::rotation;
use crate::clock;
use crate::model::{CredentialKind, CredentialStatus, Expiry, WarningSteps};
use crate::store::{AccountState, CredentialView};

/// An alert about one credential or access key, as it is active at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// The alert's identity: name and value, in the order of the names.
    pub labels: Vec<(&'static str, String)>,
    /// One line for a person.
    pub summary: String,
    /// What it means and what to do first, for a person.
    pub description: String,
    /// It is sent once it has been active for this long.
    pub hold: Duration,
}

/// A login this long after a date proves the date wrong: a date alone stands for 00:00 UTC of its day, so a login later
/// on that day, or on the same day west of Greenwich, proves nothing.
const CONTRADICTED_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// How long the shipped rules wait before they report a rejected pair, and one whose end nobody knows.
const HOLD_REJECTED: Duration = Duration::from_secs(5 * 60);
const HOLD_UNKNOWN: Duration = Duration::from_secs(60 * 60);

/// The alerts that are active at `now`.
#[must_use]
pub fn alerts(states: &[Arc<AccountState>], now: Timestamp) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for state in states {
        for view in state.last_known_credentials(now) {
            Subject { account: &state.spec.name, view, now }.alerts(&state.spec.warning, &mut alerts);
        }
        for view in state.last_known_access_keys() {
            alerts.extend(rotation::alerts(state, &view, now));
        }
    }
    alerts
}

/// One credential of one account.
struct Subject<'a> {
    account: &'a str,
    view: CredentialView<'a>,
    now: Timestamp,
}

impl Subject<'_> {
    fn alerts(&self, steps: &WarningSteps, alerts: &mut Vec<Alert>) {
        let contradicted = match (self.view.expiry, self.view.status, self.view.last_accepted) {
            (Expiry::At(end), CredentialStatus::Unknown, Some(accepted)) => {
                end.duration_until(accepted) > CONTRADICTED_AFTER
            }
            _ => false,
        };
        if let Expiry::At(end) = self.view.expiry
            && !contradicted
        {
            let left = clock::until(self.now, end);
            for (step, severity) in [(steps.warning, "warning"), (steps.critical, "critical")] {
                if step.is_some_and(|step| left < step) {
                    alerts.push(self.ends_soon(severity, end, left));
                }
            }
        }
        match (self.view.status, self.view.expiry) {
            (CredentialStatus::Expired, Expiry::At(end)) => alerts.push(self.expired(end)),
            (CredentialStatus::Rejected, _) => alerts.push(self.rejected()),
            (CredentialStatus::Unknown, Expiry::At(end)) if contradicted => {
                alerts.push(self.contradicted(end))
            }
            (CredentialStatus::Unknown, Expiry::Unknown) => alerts.push(self.end_unknown()),
            _ => {}
        }
    }

    fn alert(&self, name: &str, severity: &str, summary: &str, description: String) -> Alert {
        let labels = vec![
            ("account", self.account.to_owned()),
            ("alertname", name.to_owned()),
            ("credential", self.view.name.to_owned()),
            ("credential_id", self.view.id.to_owned()),
            ("kind", self.view.kind.name().to_owned()),
            ("severity", severity.to_owned()),
        ];
        let summary = format!("Lyve Cloud account {}: {summary}", self.account);
        Alert { labels, summary, description, hold: Duration::ZERO }
    }

    fn ends_soon(&self, severity: &str, end: Timestamp, left: Duration) -> Alert {
        let date = minute(end);
        let (summary, when) = if left.is_zero() {
            ("reached the end date", format!("has reached its end ({date})"))
        } else {
            let words = CredentialStatus::Expires.words(Expiry::At(end), self.now);
            ("will end soon", format!("{} ({date})", words.replacen("Expires", "ends", 1)))
        };
        let summary = format!("{} {summary}", self.what());
        let description = match self.view.kind {
            CredentialKind::ServiceAccount => format!(
                "The service account {} of the account {} {when}. From then on every backup and every program that uses \
                 its keys fails. First: find out who uses it; then create its successor and move each of them over.",
                self.view.name, self.account
            ),
            CredentialKind::AccountApi => format!(
                "The pair of {} of the account {} {when}. From then on every program that uses the account's API with it \
                 fails, this exporter too. First: find out who uses it; then generate a new pair at a time when all of \
                 them can get it.",
                self.view.name, self.account
            ),
        };
        self.alert("LyveCloudCredentialExpiresSoon", severity, &summary, description)
    }

    fn expired(&self, end: Timestamp) -> Alert {
        let end = minute(end);
        let description = match self.view.kind {
            CredentialKind::ServiceAccount => format!(
                "The service account {} of the account {} expired on {end}. Every backup and every program that uses its \
                 keys fails now. First: if something still uses it, create its successor and put the new keys in place; \
                 if nothing does, delete it.",
                self.view.name, self.account
            ),
            CredentialKind::AccountApi => format!(
                "The pair of {} of the account {} expired on {end}. Every program that uses the account's API with it \
                 fails now, this exporter too. First: regenerate it in the console and put the new pair in place.",
                self.view.name, self.account
            ),
        };
        self.alert("LyveCloudCredentialExpired", "critical", &format!("{} expired", self.what()), description)
    }

    fn rejected(&self) -> Alert {
        let description = format!(
            "Lyve Cloud refuses the pair of {} of the account {}, although it should still work: somebody regenerated \
             it, deleted it or switched it off, or it ended before the date in the exporter's configuration. Every program that uses the \
             account's API with it fails now, this exporter too. First: ask the account's administrators who changed it; \
             then put the new pair in place.",
            self.view.name, self.account
        );
        Alert {
            hold: HOLD_REJECTED,
            ..self.alert(
                "LyveCloudCredentialRejected",
                "critical",
                &format!("{} are refused", self.what()),
                description,
            )
        }
    }

    fn contradicted(&self, end: Timestamp) -> Alert {
        let description = format!(
            "The exporter's configuration says that the pair of {} of the account {} ended on {}, but a login with it \
             worked more than a day after that. Nothing fails now; but the real end is not known, and nobody can be warned before it. First: \
             look the date up in the console, and correct it in the configuration (credential.expires).",
            self.view.name,
            self.account,
            minute(end)
        );
        self.alert(
            "LyveCloudCredentialDateContradicted",
            "warning",
            &format!("{} still work after their end date", self.what()),
            description,
        )
    }

    fn end_unknown(&self) -> Alert {
        let description = match self.view.kind {
            CredentialKind::ServiceAccount => format!(
                "Lyve Cloud does not tell when the service account {} of the account {} ends. Nobody can be warned before \
                 it does. First: look it up in the console, and note the date where you will see it.",
                self.view.name, self.account
            ),
            CredentialKind::AccountApi => format!(
                "The exporter's configuration does not say when the pair of {} of the account {} ends, and Lyve Cloud has \
                 no call that tells. Nobody can be warned before it does. First: look it up in the console, and write \
                 what it shows into the configuration (credential.expires; never, if it never does).",
                self.view.name, self.account
            ),
        };
        let summary = format!("nobody knows when {} will end", self.what());
        let alert = self.alert("LyveCloudCredentialExpiryUnknown", "info", &summary, description);
        Alert { hold: HOLD_UNKNOWN, ..alert }
    }

    fn what(&self) -> String {
        match self.view.kind {
            CredentialKind::ServiceAccount => format!("service account {}", self.view.name),
            CredentialKind::AccountApi => self.view.name.to_owned(),
        }
    }
}

/// A date and a time of day for people, as the rules write them.
pub(super) fn minute(at: Timestamp) -> impl Display {
    at.strftime("%Y-%m-%d %H:%M UTC")
}
