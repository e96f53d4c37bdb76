//! `/api/v1/status`: what the status page shows, for programs.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::Expiry;
use crate::store::{AccountState, CredentialView};

#[derive(Serialize)]
struct Status<'a> {
    now: String,
    accounts: Vec<Account<'a>>,
}

#[derive(Serialize)]
struct Account<'a> {
    account: &'a str,
    up: bool,
    usage_bytes: Option<u64>,
    usage_with_sub_accounts_bytes: Option<u64>,
    buckets: Option<u64>,
    session_expires: Option<String>,
    credentials: Vec<Credential<'a>>,
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
struct CollectorStatus<'a> {
    collector: &'static str,
    up: bool,
    last_attempt: Option<String>,
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
pub(super) fn render(states: &[std::sync::Arc<AccountState>], now: Timestamp) -> String {
    let accounts = states.iter().map(|state| account(state, now)).collect();
    let status = Status { now: now.to_string(), accounts };
    // Strings, numbers and lists always become JSON.
    serde_json::to_string(&status).unwrap_or_default()
}

fn account(state: &AccountState, now: Timestamp) -> Account<'_> {
    let usage = state.current_usage(now).map(|good| &good.data);
    Account {
        account: &state.spec.name,
        up: state.up(),
        usage_bytes: state.usage_now(now).map(|usage| usage.bytes),
        usage_with_sub_accounts_bytes: usage.and_then(|usage| usage.usage_with_sub_accounts_bytes),
        buckets: state.bucket_count(now),
        session_expires: state.session(now).map(|good| good.data.expires_at.to_string()),
        credentials: state.credentials(now).map(|view| credential(&view, now)).collect(),
        collectors: state
            .spec
            .collectors
            .iter()
            .map(|collector| collector_status(state, *collector))
            .collect(),
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

fn collector_status(state: &AccountState, collector: crate::model::Collector) -> CollectorStatus<'_> {
    let health = state.health(collector);
    CollectorStatus {
        collector: collector.name(),
        up: state.collector_up(collector),
        last_attempt: health.last_attempt.map(|at| at.to_string()),
        last_success: health.last_success.map(|at| at.to_string()),
        last_duration_seconds: health.last_duration.map(|took| took.as_secs_f64()),
        failure: health.failing.as_ref().map(|failure| Failure {
            reason: failure.reason.name(),
            message: &failure.message,
            at: failure.at.to_string(),
        }),
    }
}
