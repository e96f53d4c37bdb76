//! `/api/v1/status`: what the status page shows, for programs.

use jiff::Timestamp;
use serde::Serialize;

use super::stored::Stored;
use crate::build_info;
use crate::model::{Billing, Collector, Expiry, Session, User};
use crate::problems::{Problem, Subject};
use crate::store::{AccountState, CredentialView};

#[derive(Serialize)]
struct Status<'a> {
    now: String,
    version: &'static str,
    /// What of the exporter itself does not work; empty where all does.
    problems: Vec<ProblemStatus<'a>>,
    accounts: Vec<AccountStatus<'a>>,
}

#[derive(Serialize)]
struct ProblemStatus<'a> {
    subject: &'static str,
    alertmanager: Option<&'a str>,
    since: String,
    message: &'a str,
}

#[derive(Serialize)]
struct AccountStatus<'a> {
    account: &'a str,
    api: &'static str,
    up: bool,
    usage_bytes: Option<u64>,
    usage_with_sub_accounts_bytes: Option<u64>,
    buckets: Option<u64>,
    session_expires: Option<String>,
    credentials: Vec<Credential<'a>>,
    /// Only of an account of the platform since 2024.
    #[serde(flatten)]
    object_storage: Option<ObjectStorage<'a>>,
    collectors: Vec<CollectorStatus<'a>>,
}

#[derive(Serialize)]
struct Credential<'a> {
    kind: &'static str,
    credential_id: &'a str,
    credential: &'a str,
    status: &'static str,
    words: String,
    expires: Option<String>,
    last_accepted: Option<String>,
}

#[derive(Serialize)]
struct ObjectStorage<'a> {
    usage_day: Option<String>,
    ghost_bytes: Option<u64>,
    objects: Option<u64>,
    transfer: Vec<Transfer<'a>>,
    users: Option<Vec<UserStatus<'a>>>,
}

/// Of the day `usage_day`.
#[derive(Serialize)]
struct Transfer<'a> {
    region: &'a str,
    upload_bytes: Option<u64>,
    download_bytes: Option<u64>,
    delete_bytes: Option<u64>,
}

#[derive(Serialize)]
struct UserStatus<'a> {
    user: &'a str,
    kind: Option<&'a str>,
    password_change_required: Option<bool>,
    created: Option<String>,
    access_keys: Vec<Key<'a>>,
}

#[derive(Serialize)]
struct Key<'a> {
    access_key_id: &'a str,
    active: Option<bool>,
    created: Option<String>,
    rotation_due: Option<String>,
    words: String,
}

#[derive(Serialize)]
struct CollectorStatus<'a> {
    collector: &'static str,
    up: bool,
    last_attempt: Option<String>,
    next_attempt: Option<String>,
    last_success: Option<String>,
    last_duration_seconds: Option<f64>,
    failure: Option<Failure<'a>>,
}

#[derive(Serialize)]
struct Failure<'a> {
    reason: &'static str,
    message: &'a str,
    at: String,
}

/// The status of all accounts as JSON. A value that is not known is `null`.
pub(super) fn render(
    states: &[std::sync::Arc<AccountState>],
    problems: &[Problem],
    now: Timestamp,
) -> String {
    let accounts = states.iter().map(|state| account(state, now)).collect();
    let problems = problems.iter().map(problem).collect();
    let status = Status { now: now.to_string(), version: build_info::VERSION, problems, accounts };
    // Strings, numbers and lists always become JSON.
    serde_json::to_string(&status).unwrap_or_default()
}

fn problem(problem: &Problem) -> ProblemStatus<'_> {
    let alertmanager =
        if let Subject::Alertmanager(name) = &problem.subject { Some(name.as_str()) } else { None };
    ProblemStatus {
        subject: problem.subject.name(),
        alertmanager,
        since: problem.since.to_string(),
        message: &problem.message,
    }
}

fn account(state: &AccountState, now: Timestamp) -> AccountStatus<'_> {
    let stored = Stored::of(state, now);
    let has_days = state.spec.polls(Collector::BILLING);
    AccountStatus {
        account: &state.spec.name,
        api: state.spec.api,
        up: state.up(),
        usage_bytes: stored.and_then(|stored| stored.usage_bytes),
        usage_with_sub_accounts_bytes: stored.and_then(|stored| stored.with_sub_accounts_bytes),
        buckets: stored.and_then(|stored| stored.buckets),
        object_storage: has_days.then(|| by_day(state, stored, now)),
        session_expires: state.good::<Session>(now).map(|good| good.data.expires_at.to_string()),
        credentials: state.credentials(now).map(|view| credential(&view, now)).collect(),
        collectors: state
            .spec
            .collectors
            .iter()
            .map(|collector| collector_status(state, *collector))
            .collect(),
    }
}

fn by_day<'a>(state: &'a AccountState, stored: Option<Stored<'a>>, now: Timestamp) -> ObjectStorage<'a> {
    let day = stored.and_then(|stored| stored.day);
    let billing = state.good::<Billing>(now).map(|good| good.data);
    let transfer = billing.zip(day).map(|(billing, day)| {
        let regions = billing.transfer(day).map(|(region, transfer)| Transfer {
            region,
            upload_bytes: transfer.upload_bytes,
            download_bytes: transfer.download_bytes,
            delete_bytes: transfer.delete_bytes,
        });
        regions.collect()
    });
    ObjectStorage {
        usage_day: day.map(|day| day.to_string()),
        ghost_bytes: stored.and_then(|stored| stored.ghost_bytes),
        objects: stored.and_then(|stored| stored.objects),
        transfer: transfer.unwrap_or_default(),
        users: state
            .good::<Vec<User>>(now)
            .map(|good| good.data.iter().map(|user| of_user(state, user, now)).collect()),
    }
}

fn of_user<'a>(state: &'a AccountState, user: &'a User, now: Timestamp) -> UserStatus<'a> {
    let keys = user.keys.iter().map(|key| {
        let view = state.key_view(user, key);
        Key {
            access_key_id: &key.id,
            active: key.active,
            created: key.created.map(|at| at.to_string()),
            rotation_due: view.rotation_due.map(|at| at.to_string()),
            words: view.words(now),
        }
    });
    UserStatus {
        user: &user.name,
        kind: Some(&*user.kind).filter(|kind| !kind.is_empty()),
        password_change_required: user.password_change_required,
        created: user.created.map(|at| at.to_string()),
        access_keys: keys.collect(),
    }
}

fn credential<'a>(view: &CredentialView<'a>, now: Timestamp) -> Credential<'a> {
    Credential {
        kind: view.kind.name(),
        credential_id: view.id,
        credential: view.name,
        status: view.status.name(),
        words: view.status.words(view.expiry, now),
        expires: if let Expiry::At(end) = view.expiry { Some(end.to_string()) } else { None },
        last_accepted: view.last_accepted.map(|at| at.to_string()),
    }
}

fn collector_status(state: &AccountState, collector: Collector) -> CollectorStatus<'_> {
    let health = state.health(collector);
    CollectorStatus {
        collector: collector.name(),
        up: state.collector_up(collector),
        last_attempt: health.last_attempt.map(|at| at.to_string()),
        next_attempt: health.next_attempt.map(|at| at.to_string()),
        last_success: health.last_success.map(|at| at.to_string()),
        last_duration_seconds: health.last_duration.map(|took| took.as_secs_f64()),
        failure: health.failing.as_ref().map(|failure| Failure {
            reason: failure.reason.name(),
            message: &failure.message,
            at: failure.at.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::stored::testing::{NOW, modern};
    use super::*;
    use crate::metrics::testing::{at, spec, state};

    #[test]
    fn an_account_has_what_its_api_tells() {
        let states = [modern(), state(spec("older"), |_| ())];
        let status: Value = serde_json::from_str(&render(&states, &[], at(NOW))).unwrap();
        let modern = &status["accounts"][0];
        assert_eq!(modern["api"], "object_storage");
        assert_eq!(modern["usage_bytes"], 6_485_663_588_183_u64);
        assert_eq!(modern["usage_day"], "2026-11-23");
        assert_eq!(modern["objects"], 18_499);
        let transfer = json!([{
            "region": "US-EAST-1", "upload_bytes": 12_000_000_000_u64, "download_bytes": 3_000_000_000_u64, "delete_bytes": null,
        }]);
        assert_eq!(modern["transfer"], transfer);
        assert_eq!(modern["users"][0]["password_change_required"], true);
        let key = json!({
            "access_key_id": "AKOLD", "active": true, "created": "2026-08-01T00:00:00Z",
            "rotation_due": "2026-10-30T00:00:00Z", "words": "Due for rotation since 2026-10-30",
        });
        assert_eq!(modern["users"][1]["access_keys"][0], key);

        let older = &status["accounts"][1];
        assert_eq!((&older["api"], &older["usage_bytes"]), (&json!("account_v2"), &Value::Null));
        assert!(older.get("users").is_none(), "{older}");
    }
}
