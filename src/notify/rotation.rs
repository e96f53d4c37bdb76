use std::time::Duration;

use jiff::Timestamp;

use super::alert::{ALL_CLEAR, Alert, day, minute};
use super::sources::Subject;
use crate::clock;
use crate::model::time_left;
use crate::store::{AccountState, KeyView, Source};

/// What is to be said of the age of one access key, as the shipped rules say it: that it will be due, and from then on
/// also that it is.
pub(super) fn alerts(state: &AccountState, view: &KeyView<'_>, now: Timestamp) -> Vec<Alert> {
    let account = &*state.spec.name;
    let Some(due) = view.rotation_due else { return Vec::new() };
    let left = clock::until(now, due);
    let (user, id, date) = (view.user, &view.key.id, minute(due));
    let when = if left.is_zero() {
        format!("has been due for rotation since {date}")
    } else {
        format!("is due for rotation in {} ({date})", time_left(due, now))
    };
    let summary = format!("Lyve Cloud {account}: access key {id}: rotation due {}", day(due));
    let description = format!(
        "Access key {id} of the user {user} of the account {account} {when}. It has no end date and keeps working; this is the \
         age that the configuration allows (credential.max_age). First: find out who uses it, create a second key for the \
         same user, move each of them to it, and disable the old one. {ALL_CLEAR}"
    );
    let steps = [("info", left < state.spec.warning.rotation), ("warning", left.is_zero())];
    let reached = steps.into_iter().filter(|(_, reached)| *reached);
    let alert = |(severity, _): (&str, bool)| Alert {
        labels: vec![
            ("access_key_id", id.to_string()),
            ("account", account.to_owned()),
            ("alertname", "LyveCloudAccessKeyRotationDue".to_owned()),
            ("severity", severity.to_owned()),
            ("user", user.to_owned()),
        ],
        summary: summary.clone(),
        description: description.clone(),
        hold: Duration::ZERO,
        subject: Some(Subject::of(state, Source::AccessKeys)),
    };
    reached.map(alert).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{at, object_storage, state};
    use crate::model::AccessKey;

    #[test]
    fn two_weeks_ahead_it_is_told_of_and_from_then_on_it_stays() {
        let acme = state(object_storage("acme"), |_| ());
        let key = AccessKey { id: "AK".into(), active: Some(true), created: None };
        let view = |due: Option<&str>| KeyView { user: "backup", key: &key, rotation_due: due.map(at) };
        for (due, severities) in [
            (Some("2026-12-08T12:00:00Z"), &[][..]),
            (Some("2026-12-08T11:59:59Z"), &["info"]),
            (Some("2026-11-24T12:00:01Z"), &["info"]),
            (Some("2026-11-24T12:00:00Z"), &["info", "warning"]),
            (Some("2020-01-01T00:00:00Z"), &["info", "warning"]),
            (None, &[]),
        ] {
            let alerts = alerts(&acme, &view(due), at("2026-11-24T12:00:00Z"));
            let told: Vec<&str> = alerts.iter().map(|alert| alert.labels[3].1.as_str()).collect();
            assert_eq!(told, severities, "{due:?}");
            for alert in alerts {
                assert!(alert.labels.is_sorted(), "{:?}", alert.labels);
                assert!(
                    !alert.summary.contains("expire") && !alert.description.contains("expire"),
                    "{alert:?}"
                );
            }
        }
    }
}
