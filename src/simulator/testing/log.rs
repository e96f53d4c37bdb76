use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::simulator::Endpoint;

/// A request as it reached the simulator. Neither its token nor its body is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// What it was for.
    pub endpoint: Endpoint,
    /// `GET`, `POST` …
    pub method: String,
    /// The path, `/v2/…`.
    pub path: String,
    /// What followed the `?`.
    pub query: Option<String>,
    /// Whose it was: by the token that it carried, alive or dead, or by the id in the login.
    pub account: Option<String>,
    /// Whether it carried a bearer token.
    pub had_bearer: bool,
    /// Bytes in its body.
    pub body_size: usize,
    /// Whether it would have changed something: any method but GET, the login apart.
    pub is_violation: bool,
}

/// So many requests, and so many violations, are kept; counts go on.
const KEPT: usize = 10_000;

/// What reached the simulator.
#[derive(Debug, Default)]
pub(super) struct Log {
    entries: Mutex<Entries>,
    arrivals: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Entries {
    recent: VecDeque<RequestRecord>,
    violations: VecDeque<RequestRecord>,
    counts: HashMap<Endpoint, usize>,
    total: usize,
    in_flight: usize,
    max_in_flight: usize,
}

impl Log {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request as under way until what is returned is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> InFlight {
        let mut entries = self.entries();
        entries.in_flight += 1;
        entries.max_in_flight = entries.max_in_flight.max(entries.in_flight);
        InFlight(Arc::clone(self))
    }

    pub(super) fn record(&self, request: RequestRecord) {
        let mut entries = self.entries();
        *entries.counts.entry(request.endpoint).or_default() += 1;
        entries.total += 1;
        if request.is_violation {
            keep(&mut entries.violations, request.clone());
        }
        keep(&mut entries.recent, request);
        drop(entries);
        self.arrivals.send_replace(());
    }

    pub(super) fn requests(&self) -> Vec<RequestRecord> {
        self.entries().recent.iter().cloned().collect()
    }

    pub(super) fn violations(&self) -> Vec<RequestRecord> {
        self.entries().violations.iter().cloned().collect()
    }

    pub(super) fn count(&self, endpoint: Option<Endpoint>) -> usize {
        let entries = self.entries();
        match endpoint {
            None => entries.total,
            Some(endpoint) => entries.counts.get(&endpoint).copied().unwrap_or_default(),
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.entries().in_flight
    }

    pub(super) fn max_in_flight(&self) -> usize {
        self.entries().max_in_flight
    }

    /// Forgets all but the requests that are under way.
    pub(super) fn forget(&self) {
        let mut entries = self.entries();
        let in_flight = entries.in_flight;
        *entries = Entries { in_flight, max_in_flight: in_flight, ..Entries::default() };
    }

    pub(super) async fn wait_for(&self, endpoint: Option<Endpoint>, count: usize) {
        let mut arrivals = self.arrivals.subscribe();
        while self.count(endpoint) < count {
            // The sender lives as long as `self`, so the channel cannot close under this wait.
            let _ = arrivals.changed().await;
        }
    }
}

fn keep(list: &mut VecDeque<RequestRecord>, request: RequestRecord) {
    if list.len() >= KEPT {
        list.pop_front();
    }
    list.push_back(request);
}

/// A request that is under way.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Log>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.entries().in_flight -= 1;
    }
}
