//! What asking came to, for whoever shows it: nothing here depends on how.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::advice::{self, Step};
use super::ask::{self, Answers};
use super::probe::Probe;
use crate::api::{self, ApiError, Asked, Descriptor, Proxies};
use crate::config::{Account, Config};
use crate::model::{Collector, CredentialKind, DropReason, Endpoint, Expiry, Reason};
use crate::store::AccountState;

/// What was found of each account.
#[derive(Debug, Serialize)]
pub struct Findings {
    /// In the order of the configuration.
    pub accounts: Vec<AccountFindings>,
    /// How many polls failed, of how many.
    pub failed_polls: usize,
    /// How many polls were made.
    pub polls: usize,
}

/// What was found of one account.
#[derive(Debug, Serialize)]
pub struct AccountFindings {
    /// Its name.
    pub account: String,
    /// Its API, as the configuration names it.
    pub api: &'static str,
    /// The hosts that were asked.
    pub hosts: Vec<String>,
    /// The proxy on the way to them.
    pub proxy: Option<String>,
    /// What was found of each endpoint.
    pub endpoints: Vec<EndpointFinding>,
    /// What is odd about the data.
    pub notes: Vec<String>,
    /// Its credentials.
    pub credentials: Vec<CredentialFinding>,
}

/// What was found of one endpoint.
#[derive(Debug, Serialize)]
pub struct EndpointFinding {
    /// Its name.
    pub endpoint: &'static str,
    /// How it went.
    pub result: Verdict,
    /// What was read, or why nothing was.
    pub summary: String,
    /// The status of the last answer.
    pub status: Option<u16>,
    /// How long the slowest answer took.
    pub seconds: Option<f64>,
    /// How long the largest answer was.
    pub bytes: Option<usize>,
    /// In what way the answers are not as documented.
    pub deviations: Vec<String>,
    /// What failed.
    pub error: Option<ErrorFinding>,
}

/// How asking an endpoint went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It answered as documented.
    Works,
    /// It answered in another way than documented, or may not be used and is not needed.
    Differs,
    /// It failed.
    Failed,
    /// It was not asked, as another one failed.
    NotAsked,
}

/// What failed, what comes of it, and what to do.
#[derive(Debug, Serialize)]
pub struct ErrorFinding {
    /// How far the request came.
    pub step: Step,
    /// The kind of failure, as in the metrics.
    pub reason: &'static str,
    /// The status of the answer.
    pub status: Option<u16>,
    /// The vendor's code.
    pub code: Option<String>,
    /// What went wrong.
    pub detail: String,
    /// What was found by looking closer.
    pub looked: Option<String>,
    /// What metrics and alerts miss.
    pub meaning: &'static str,
    /// What to do.
    pub advice: String,
}

/// How one credential stands.
#[derive(Debug, Serialize)]
pub struct CredentialFinding {
    /// Its name.
    pub name: String,
    /// Its status in words.
    pub status: String,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Where that is known from.
    pub source: &'static str,
}

impl Findings {
    /// What asking came to. `probes` are what was found by looking closer at connections that failed.
    #[must_use]
    pub fn of(
        asked: &ask::Asked,
        config: &Config,
        proxies: &Proxies,
        probes: &[Probe],
        now: Timestamp,
    ) -> Self {
        let accounts = config.accounts.iter().filter_map(|account| {
            let state = asked.store.account(&account.name)?.state();
            Some(of_account(account, &state, asked, proxies, probes, now))
        });
        Self {
            accounts: accounts.collect(),
            failed_polls: asked.polls.iter().filter(|(.., outcome)| outcome.is_err()).count(),
            polls: asked.polls.len(),
        }
    }
}

fn of_account(
    account: &Account,
    state: &AccountState,
    asked: &ask::Asked,
    proxies: &Proxies,
    probes: &[Probe],
    now: Timestamp,
) -> AccountFindings {
    let urls = account.api.urls();
    let host = |url: &url::Url| url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
    let mut hosts: Vec<String> = urls.iter().copied().map(host).collect();
    hosts.dedup();
    let errors: Vec<&ApiError> = asked
        .polls
        .iter()
        .filter(|(name, ..)| **name == *account.name)
        .filter_map(|(.., outcome)| outcome.as_ref().err())
        .collect();
    let none = BTreeMap::new();
    let answers = asked.answers.get(&account.name).unwrap_or(&none);
    let probe = probes.iter().find(|probe| hosts.contains(&probe.host));
    let polled = |declared: &&Descriptor| state.spec.polls(declared.collector);
    let declared = api::collectors_of(&account.api).into_iter().filter(polled);
    // In the order of the endpoints. One that several collectors ask is found once.
    let asked_by: BTreeMap<Endpoint, _> = declared
        .flat_map(|declared| declared.asked().map(move |asked| (asked.endpoint, (declared, asked))))
        .collect();
    let mut told: Vec<&ApiError> = Vec::new();
    let endpoints = asked_by.into_iter().map(|(endpoint, (declared, asked))| {
        let error = errors.iter().copied().find(|error| error.endpoint == endpoint);
        // What gets no answer gets none for every endpoint: once is enough.
        let is_new = error.is_some_and(|error| {
            let is_same = |told: &&ApiError| told.reason == error.reason && told.detail == error.detail;
            error.status.is_some() || !told.iter().any(is_same)
        });
        let error = error.filter(|_| is_new).inspect(|error| told.push(error));
        of_endpoint((declared, asked), error, answers.get(&endpoint), &errors, probe, state, now)
    });
    AccountFindings {
        account: account.name.clone(),
        api: account.api.name(),
        proxy: urls.first().and_then(|url| proxies.for_url(url)).map(ToString::to_string),
        endpoints: endpoints.collect(),
        hosts,
        notes: notes(state, now),
        credentials: credentials(state, now),
    }
}

fn of_endpoint(
    (declared, asked): (&Descriptor, &Asked),
    error: Option<&ApiError>,
    answers: Option<&Answers>,
    errors: &[&ApiError],
    probe: Option<&Probe>,
    state: &AccountState,
    now: Timestamp,
) -> EndpointFinding {
    let endpoint = asked.endpoint;
    let summary = || match state.good_answer(declared.collector, now) {
        _ if endpoint == Endpoint::Login => "logged in".to_owned(),
        Some(data) => (declared.summary)(data, endpoint, now).unwrap_or_default(),
        None => "answered".to_owned(),
    };
    let deviations = answers.map(|answers| answers.deviations(endpoint)).unwrap_or_default();
    let (result, summary) = match (error, answers) {
        (Some(error), _) => (Verdict::Failed, error.detail.to_string()),
        (None, Some(answers)) if answers.worked && deviations.is_empty() => (Verdict::Works, summary()),
        (None, Some(answers)) if answers.worked => (Verdict::Differs, summary()),
        // The one endpoint without which its collector goes on.
        (None, Some(answers)) => (Verdict::Differs, format!("{}: {}", answers.status, asked.missed)),
        (None, None) => {
            let why = errors.first().map_or(String::new(), |error| format!(", as {} failed", error.endpoint));
            (Verdict::NotAsked, format!("not asked{why}"))
        }
    };
    EndpointFinding {
        endpoint: endpoint.name(),
        result,
        summary,
        status: answers.map(|answers| answers.status),
        seconds: answers.map(|answers| answers.slowest.as_secs_f64()),
        bytes: answers.map(|answers| answers.bytes),
        deviations,
        error: error.map(|error| {
            let probe = probe.filter(|_| error.status.is_none() && error.reason == Reason::Connect);
            let step = advice::step(error, probe);
            ErrorFinding {
                step,
                reason: error.reason.name(),
                status: error.status,
                code: error.code.as_deref().map(str::to_owned),
                detail: error.detail.to_string(),
                looked: probe.map(|probe| probe.found.clone()),
                meaning: asked.missed,
                advice: advice::advice(error, step, declared.settings, asked),
            }
        }),
    }
}

fn notes(state: &AccountState, now: Timestamp) -> Vec<String> {
    let mut notes = state.odd_figures(now);
    for &reason in DropReason::ALL {
        let count = state.dropped.get(reason);
        if count > 0 {
            notes.push(format!("{count} listed things have no series of their own ({})", reason.name()));
        }
    }
    notes
}

fn credentials(state: &AccountState, now: Timestamp) -> Vec<CredentialFinding> {
    let of_view = |view: crate::store::CredentialView<'_>| CredentialFinding {
        name: view.name.to_owned(),
        status: view.status.words(view.expiry, now),
        expires_at: if let Expiry::At(end) = view.expiry { Some(end) } else { None },
        source: match (view.kind, view.expiry) {
            (_, Expiry::Unknown) => "not known",
            (CredentialKind::AccountApi, Expiry::Never) if state.spec.polls(Collector::KEYS) => {
                "these keys have none"
            }
            (CredentialKind::AccountApi, _) => "configuration",
            (CredentialKind::ServiceAccount, _) => "vendor",
        },
    };
    state.credentials(now).map(of_view).collect()
}
