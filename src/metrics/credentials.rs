//! How credentials stand: the account's own pair, and the keys of its service accounts.

use jiff::Timestamp;

use super::{Family, MetricType, Sink, flag};
use crate::clock::unix_seconds;
use crate::model::{CredentialKind, CredentialStatus, Expiry, Logins, Session, StatePart};
use crate::store::{AccountState, CredentialView};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "lyvecloud_credential_expiry_timestamp_seconds",
        help: "Unix timestamp of when the credential expires; absent if it never does or is not known.",
        kind: MetricType::Gauge,
        labels: &["account", "kind", "credential_id", "credential"],
        part: StatePart::Credentials,
        walk: expiry,
    },
    Family {
        name: "lyvecloud_credential_status",
        help: "Credential status; exactly one status series is 1.",
        kind: MetricType::Gauge,
        labels: &["account", "kind", "credential_id", "credential", "status"],
        part: StatePart::Credentials,
        walk: status,
    },
    Family {
        name: "lyvecloud_credential_last_accepted_timestamp_seconds",
        help: "Unix timestamp of when the vendor last accepted the account's own credential.",
        kind: MetricType::Gauge,
        labels: &["account", "kind", "credential_id", "credential"],
        part: StatePart::Credentials,
        walk: last_accepted,
    },
    Family {
        name: "lyvecloud_session_expiry_timestamp_seconds",
        help: "Unix timestamp of when the session of the exporter expires; it logs in again before.",
        kind: MetricType::Gauge,
        labels: &["account"],
        part: StatePart::Credentials,
        walk: session_expiry,
    },
];

fn expiry(state: &AccountState, now: Timestamp, sink: &mut Sink<'_>) {
    for credential in state.credentials(now) {
        if let Expiry::At(end) = credential.expiry {
            let CredentialView { kind, id, name, .. } = credential;
            sink(&[&state.spec.name, kind.name(), id, name], unix_seconds(end));
        }
    }
}

fn status(state: &AccountState, now: Timestamp, sink: &mut Sink<'_>) {
    for credential in state.credentials(now) {
        let CredentialView { kind, id, name, .. } = credential;
        // Until they were tried, nobody can say that credentials which an earlier process saw rejected work.
        let known = state.credentials_tried() || state.logins != Logins::default();
        if kind == CredentialKind::AccountApi && !known {
            continue;
        }
        for &status in CredentialStatus::ALL {
            sink(
                &[&state.spec.name, kind.name(), id, name, status.name()],
                flag(status == credential.status),
            );
        }
    }
}

fn last_accepted(state: &AccountState, now: Timestamp, sink: &mut Sink<'_>) {
    for credential in state.credentials(now) {
        if let Some(accepted) = credential.last_accepted {
            let CredentialView { kind, id, name, .. } = credential;
            sink(&[&state.spec.name, kind.name(), id, name], unix_seconds(accepted));
        }
    }
}

fn session_expiry(state: &AccountState, now: Timestamp, sink: &mut Sink<'_>) {
    if let Some(good) = state.good::<Session>(now) {
        sink(&[&state.spec.name], unix_seconds(good.data.expires_at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{TOOK, answer, at, samples, spec, state};
    use crate::model::LoginResult;
    use crate::model::{ServiceAccount, Session};
    use crate::store::AccountSpec;

    const EXPIRY: &str = "lyvecloud_credential_expiry_timestamp_seconds";
    const STATUS: &str = "lyvecloud_credential_status";
    const LAST_ACCEPTED: &str = "lyvecloud_credential_last_accepted_timestamp_seconds";
    const SESSION: &str = "lyvecloud_session_expiry_timestamp_seconds";

    fn service_account(id: &str, expiry: Expiry) -> ServiceAccount {
        ServiceAccount {
            id: id.into(),
            name: format!("name of {id}").into(),
            enabled: None,
            ready: None,
            expiry,
        }
    }

    /// The statuses that are 1.
    fn statuses(state: &AccountState, now: Timestamp) -> Vec<String> {
        let samples = samples(STATUS, state, now);
        assert_eq!(samples.len() % CredentialStatus::ALL.len(), 0);
        samples.iter().filter_map(|sample| sample.strip_suffix(" 1").map(str::to_owned)).collect()
    }

    #[test]
    fn the_pair_and_the_keys_have_their_dates_before_and_after_they_pass() {
        let end = at("2026-11-25T00:00:00Z");
        let acme = AccountSpec { credential: Expiry::At(end), ..spec("acme") };
        let listed = vec![
            service_account("s1", Expiry::At(end)),
            service_account("s2", Expiry::Never),
            service_account("s3", Expiry::Unknown),
        ];
        let polled = at("2026-11-24T12:00:00Z");
        let state = state(acme, |state| {
            state.count_login(LoginResult::Failed, polled);
            state.succeed(answer(listed), polled, TOOK);
        });
        let before = at("2026-11-24T23:59:59Z");
        for now in [before, end] {
            assert_eq!(
                samples(EXPIRY, &state, now),
                [
                    "acme|account_api|id-of-acme|API credentials 1795564800",
                    "acme|service_account|s1|name of s1 1795564800",
                ]
            );
        }
        assert_eq!(
            statuses(&state, before),
            [
                "acme|account_api|id-of-acme|API credentials|expires",
                "acme|service_account|s1|name of s1|expires",
                "acme|service_account|s2|name of s2|never_expires",
                "acme|service_account|s3|name of s3|unknown",
            ]
        );
        assert_eq!(
            statuses(&state, end)[..2],
            [
                "acme|account_api|id-of-acme|API credentials|expired",
                "acme|service_account|s1|name of s1|expired",
            ]
        );
    }

    #[test]
    fn before_the_first_login_ended_nobody_says_that_the_pair_works() {
        let (polled, acme) = (at("2026-11-24T12:00:00Z"), spec("acme"));
        assert!(statuses(&state(acme.clone(), |_| ()), polled).is_empty());
        let failed = state(acme.clone(), |state| state.count_login(LoginResult::Failed, polled));
        assert_eq!(statuses(&failed, polled), ["acme|account_api|id-of-acme|API credentials|unknown"]);
        let rejected = state(acme.clone(), |state| state.count_login(LoginResult::Rejected, polled));
        let recalled = state(acme, |state| state.recall(rejected.memory()));
        assert_eq!(statuses(&recalled, polled), ["acme|account_api|id-of-acme|API credentials|rejected"]);
    }

    #[test]
    fn an_answer_that_is_too_old_leaves_the_pair_alone() {
        let polled = at("2026-11-24T12:00:00Z");
        let listed = vec![service_account("s1", Expiry::Never)];
        let state = state(spec("acme"), |state| {
            state.count_login(LoginResult::Failed, polled);
            state.succeed(answer(listed), polled, TOOK);
        });
        assert_eq!(
            statuses(&state, at("2026-11-25T12:00:00Z")),
            ["acme|account_api|id-of-acme|API credentials|unknown"]
        );
    }

    #[test]
    fn a_rejected_login_ends_the_session_and_keeps_the_last_accepted_one() {
        let accepted = at("2026-11-24T12:00:00Z");
        let now = at("2026-11-24T12:05:00Z");
        let session = Session { expires_at: at("2026-11-25T12:00:00.5Z") };
        let working = state(spec("acme"), |state| {
            state.count_login(LoginResult::Accepted, accepted);
            state.succeed(answer(session), accepted, TOOK);
        });
        let last_accepted = ["acme|account_api|id-of-acme|API credentials 1795521600"];
        assert_eq!(samples(LAST_ACCEPTED, &working, now), last_accepted);
        assert_eq!(samples(SESSION, &working, now), ["acme 1795608000.5"]);

        let mut rejected = (*working).clone();
        rejected.count_login(LoginResult::Rejected, now);
        assert_eq!(samples(LAST_ACCEPTED, &rejected, now), last_accepted);
        assert!(samples(SESSION, &rejected, now).is_empty());
        assert_eq!(statuses(&rejected, now), ["acme|account_api|id-of-acme|API credentials|rejected"]);
    }
    #[test]
    fn what_came_last_decides_and_not_what_a_clock_says_that_was_set_back() {
        let now = at("2026-11-24T12:00:00Z");
        let before = at("2026-11-24T11:00:00Z");
        for (first, second, status) in [
            (LoginResult::Accepted, LoginResult::Rejected, "rejected"),
            (LoginResult::Rejected, LoginResult::Accepted, "unknown"),
        ] {
            let state = state(spec("acme"), |state| {
                state.count_login(first, now);
                state.count_login(second, before);
            });
            let shown = format!("acme|account_api|id-of-acme|API credentials|{status}");
            assert_eq!(statuses(&state, before), [shown]);
        }
    }
}
