use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::rotation;
use super::sources::Subject;
use crate::clock;
use crate::model::{CredentialKind, CredentialStatus, Expiry, WarningSteps, time_left};
use crate::store::{AccountState, CredentialView, Source};

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
    /// What it is about; `None` where that is the exporter itself.
    pub subject: Option<Subject>,
}

/// A login this long after a date proves the date wrong: a date alone stands for 00:00 UTC of its day, so a login later
/// on that day, or on the same day west of Greenwich, proves nothing.
const CONTRADICTED_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// How long the shipped rules wait before they report a rejected pair, and one whose end nobody knows.
const HOLD_REJECTED: Duration = Duration::from_secs(5 * 60);
const HOLD_UNKNOWN: Duration = Duration::from_secs(60 * 60);

/// When an alert about what an inventory poll reads ends.
pub(super) const ALL_CLEAR: &str = "The alert ends with the next inventory poll after that (poll.inventory, by default within \
                                    an hour), or restart the exporter to poll at once.";

/// The alerts that are active at `now`.
#[must_use]
pub fn alerts(states: &[Arc<AccountState>], now: Timestamp) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for state in states {
        for view in state.last_known_credentials(now) {
            Credential { state, view, now }.alerts(&state.spec.warning, &mut alerts);
        }
        for view in state.last_known_access_keys() {
            alerts.extend(rotation::alerts(state, &view, now));
        }
    }
    alerts
}

/// One credential of one account.
struct Credential<'a> {
    state: &'a AccountState,
    view: CredentialView<'a>,
    now: Timestamp,
}

impl Credential<'_> {
    fn account(&self) -> &str {
        &self.state.spec.name
    }

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
            ("account", self.account().to_owned()),
            ("alertname", name.to_owned()),
            ("credential", self.view.name.to_owned()),
            ("credential_id", self.view.id.to_owned()),
            ("kind", self.view.kind.name().to_owned()),
            ("severity", severity.to_owned()),
        ];
        let summary = format!("Lyve Cloud {}: {summary}", self.account());
        let source = match self.view.kind {
            CredentialKind::AccountApi => Source::Logins,
            CredentialKind::ServiceAccount => Source::ServiceAccounts,
        };
        let subject = Some(Subject::of(self.state, source));
        Alert { labels, summary, description, hold: Duration::ZERO, subject }
    }

    fn ends_soon(&self, severity: &str, end: Timestamp, left: Duration) -> Alert {
        let (date, expires) = (minute(end), self.plural("expires", "expire"));
        let (summary, when) = if left.is_zero() {
            ("reached the end date", format!("reached the end date ({date})"))
        } else {
            (expires, format!("{expires} in {} ({date})", time_left(end, self.now)))
        };
        let summary = format!("{} {summary} {}", self.what(), day(end));
        let description = match self.view.kind {
            CredentialKind::ServiceAccount => format!(
                "{} {when}. Every backup and program that uses its keys will fail. First: find out who uses it, create a new \
                 service account and move each of them to it. {ALL_CLEAR}",
                self.subject()
            ),
            CredentialKind::AccountApi => format!(
                "{} {when}. Every program that uses the account's API will fail, this exporter included. First: find out who \
                 uses them, then generate new ones when all of them can get them. Then set credential.expires in the \
                 configuration to the new date and reload the exporter.",
                self.subject()
            ),
        };
        self.alert("LyveCloudCredentialExpiresSoon", severity, &summary, description)
    }

    fn expired(&self, end: Timestamp) -> Alert {
        let date = minute(end);
        let description = match self.view.kind {
            CredentialKind::ServiceAccount => format!(
                "{} expired on {date}. Every backup and program that uses its keys fails now. First: if anything still uses it, \
                 create a new service account and install the new keys; otherwise delete it. {ALL_CLEAR}",
                self.subject()
            ),
            CredentialKind::AccountApi => format!(
                "{} expired on {date}. Every program that uses the account's API fails now, this exporter included. First: \
                 regenerate them in the console and install the new ones.",
                self.subject()
            ),
        };
        let summary = format!("{} expired {}", self.what(), day(end));
        self.alert("LyveCloudCredentialExpired", "critical", &summary, description)
    }

    fn rejected(&self) -> Alert {
        let description = format!(
            "Lyve Cloud rejects the {} of the account {}, although they should still work: they were regenerated, deleted or \
             disabled, expired early, or are mistyped in the configuration. Every program that uses them fails now, this \
             exporter included. First: ask the account's administrators who changed them; then install the new ones. If they \
             never worked, compare account_id, access_key and secret with the console.",
            self.view.name,
            self.account()
        );
        let summary = format!("{} are rejected", self.what());
        let alert = self.alert("LyveCloudCredentialRejected", "critical", &summary, description);
        // Credentials that never worked, as far as this process knows, were rejected before it started, or are mistyped.
        let hold = if self.view.last_accepted.is_some() { HOLD_REJECTED } else { Duration::ZERO };
        Alert { hold, ..alert }
    }

    fn contradicted(&self, end: Timestamp) -> Alert {
        let description = format!(
            "By the configuration the {} of the account {} ended on {}, but a login with them worked more than a day later. \
             Nothing fails now, but the real end date is not known and nobody can be warned before it. First: look up the \
             date in the console, and correct credential.expires in the configuration.",
            self.view.name,
            self.account(),
            minute(end)
        );
        let summary = format!("{} still work after {}", self.what(), day(end));
        self.alert("LyveCloudCredentialDateContradicted", "warning", &summary, description)
    }

    fn end_unknown(&self) -> Alert {
        let description = match self.view.kind {
            CredentialKind::ServiceAccount => format!(
                "Lyve Cloud reports no end date of service account {} of the account {}. Nobody can be warned before it \
                 expires. First: look up the date in the console, and note it where you will see it.",
                self.view.name,
                self.account()
            ),
            CredentialKind::AccountApi => format!(
                "The configuration has no end date of the {} of the account {}, and the API reports none. Nobody can be warned \
                 before they expire. First: look up the date in the console, and set credential.expires in the configuration \
                 (`never` if they do not expire).",
                self.view.name,
                self.account()
            ),
        };
        let summary = format!("expiry of {} is not known", self.what());
        let alert = self.alert("LyveCloudCredentialExpiryUnknown", "info", &summary, description);
        Alert { hold: HOLD_UNKNOWN, ..alert }
    }

    /// The beginning of a description.
    fn subject(&self) -> String {
        let what = self.plural("Service account", "The");
        format!("{what} {} of the account {}", self.view.name, self.account())
    }

    /// The account's own API credentials are called by a plural.
    const fn plural<'a>(&self, one: &'a str, many: &'a str) -> &'a str {
        match self.view.kind {
            CredentialKind::ServiceAccount => one,
            CredentialKind::AccountApi => many,
        }
    }

    fn what(&self) -> String {
        match self.view.kind {
            CredentialKind::ServiceAccount => format!("service account {}", self.view.name),
            CredentialKind::AccountApi => self.view.name.to_owned(),
        }
    }
}

/// A date for people, as the rules write it.
pub(super) fn day(at: Timestamp) -> impl Display {
    at.strftime("%Y-%m-%d")
}

/// A date and a time of day for people, as the rules write them.
pub(super) fn minute(at: Timestamp) -> impl Display {
    at.strftime("%Y-%m-%d %H:%M UTC")
}
