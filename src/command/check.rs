use jiff::Timestamp;

use super::Once;
use super::table::table;
use crate::api::{self, ApiError};
use crate::model::RequestCode;
use crate::model::{Collector, CredentialKind, Expiry};
use crate::model::{Endpoint, Reason};
use crate::store::AccountState;

/// What a live check found, for a person: what each endpoint said, what an access key may do, and how each credential
/// stands.
#[must_use]
pub fn report(once: &Once, now: Timestamp) -> String {
    let mut endpoints = vec![["ACCOUNT", "COLLECTOR", "RESULT"].map(str::to_owned)];
    for (account, collector, outcome) in &once.polls {
        let result = match outcome {
            Ok(()) => "works".to_owned(),
            Err(error) if error.reason == Reason::Forbidden => {
                format!("not allowed to these credentials: {error}")
            }
            Err(error) => format!("failed ({}): {error}", error.reason.name()),
        };
        endpoints.push([account.to_string(), collector.to_string(), result]);
    }

    let mut credentials =
        vec![["ACCOUNT", "CREDENTIAL", "STATUS", "DATE", "SOURCE OF THE DATE"].map(str::to_owned)];
    for state in once.store.snapshot() {
        for view in state.credentials(now) {
            let source = match (view.kind, view.expiry) {
                (_, Expiry::Unknown) => "nobody said",
                (CredentialKind::AccountApi, Expiry::Never) if state.spec.polls(Collector::KEYS) => {
                    "these keys have none"
                }
                (CredentialKind::AccountApi, _) => "configuration",
                (CredentialKind::ServiceAccount, _) => "vendor",
            };
            let date = if let Expiry::At(end) = view.expiry { end.to_string() } else { "-".to_owned() };
            let words = view.status.words(view.expiry, now);
            credentials.push([
                state.spec.name.to_string(),
                view.name.to_owned(),
                words,
                date,
                source.to_owned(),
            ]);
        }
    }
    let mut rights = vec![["ACCOUNT", "ENDPOINT", "MAY THE KEY USE IT"].map(str::to_owned)];
    for state in once.store.snapshot() {
        for declared in api::collectors().filter(|declared| state.spec.polls(declared.collector)) {
            for endpoint in declared.rights.iter().copied() {
                let polled = |(account, of, _): &&(_, Collector, _)| {
                    *account == state.spec.name && *of == declared.collector
                };
                let error = once.polls.iter().find(polled).and_then(|(.., outcome)| outcome.as_ref().err());
                let right = right(&state, endpoint, error);
                rights.push([state.spec.name.to_string(), endpoint.to_string(), right]);
            }
        }
    }
    let rights = if rights.len() > 1 { format!("\n{}", table(&rights)) } else { String::new() };
    format!("{}{rights}\n{}", table(&endpoints), table(&credentials))
}

/// Whether an account's access key may use an endpoint, by what came of the poll that needed it.
fn right(state: &AccountState, endpoint: Endpoint, error: Option<&ApiError>) -> String {
    let mut codes = state.requests.keys().filter(|(of, _)| *of == endpoint).map(|(_, code)| code).peekable();
    let asked = codes.peek().is_some();
    let works = codes.any(|code| matches!(code, RequestCode::Status(200..300)));
    match error.filter(|error| error.endpoint == endpoint) {
        Some(error) if error.reason == Reason::Forbidden => format!("no: {}", error.detail),
        Some(error) => format!("not known: {}", error.detail),
        None if works => "yes".to_owned(),
        // The one endpoint without which its collector goes on.
        None if asked => "no: who has to change a password stays unknown".to_owned(),
        None => "not asked".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::metrics::testing::{at, object_storage};
    use crate::store::Store;

    #[test]
    fn it_tells_of_each_endpoint_what_the_key_may_do() {
        let store = Arc::new(Store::default());
        store.apply([object_storage("archive")]);
        store.account("archive").unwrap().update(|state| {
            state.count_request(Endpoint::Billing, Ok(400));
            state.count_request(Endpoint::ListBuckets, Ok(403));
            state.count_request(Endpoint::ListBuckets, Ok(200));
            state.count_request(Endpoint::BucketStats, Err(Reason::Timeout));
            state.count_request(Endpoint::UserInfo, Ok(400));
        });
        let failed = |collector, reason, endpoint, detail: &str| {
            ("archive".into(), collector, Err(ApiError::new(reason, endpoint, detail)))
        };
        let once = Once {
            store,
            polls: vec![
                failed(Collector::BILLING, Reason::Forbidden, Endpoint::Billing, "it needs the root key"),
                failed(Collector::BUCKETS, Reason::Timeout, Endpoint::BucketStats, "no whole answer"),
                ("archive".into(), Collector::KEYS, Ok(())),
            ],
        };
        let report = report(&once, at("2026-11-24T12:00:00Z"));
        let rights: Vec<_> = report.lines().skip(5).take(7).collect();
        assert_eq!(
            rights,
            [
                "ACCOUNT  ENDPOINT           MAY THE KEY USE IT",
                "archive  RSListBillingData  no: it needs the root key",
                "archive  ListBuckets        yes",
                "archive  rs-bucket-stats    not known: no whole answer",
                "archive  RSGetUserInfo      no: who has to change a password stays unknown",
                "archive  ListUsers          not asked",
                "archive  ListAccessKeys     not asked",
            ]
        );
        assert!(report.contains("Never expires"), "{report}");
    }
}
