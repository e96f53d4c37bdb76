use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::deviations;
use crate::api::contract::Contract;
use crate::api::shape::Shape;
use crate::api::{Observation, Telemetry};
use crate::clock::Clock;
use crate::model::{Endpoint, LoginResult, Reason};
use crate::store::AccountCell;

/// Counts what concerns the exporter rather than one account.
pub trait Meter: Send + Sync + 'static {
    /// One request, from its start until its answer was read.
    fn request(&self, endpoint: Endpoint, took: Duration);

    /// A task of this name ended by a panic, or a poll of it did.
    fn panicked(&self, task: &'static str);

    /// One answer to an account.
    fn answered(&self, _account: &str, _answer: &Observation) {}
}

/// Writes what one account's client reports to the account's place in the store.
pub struct Recorder {
    cell: Arc<AccountCell>,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
    /// Of the answers since the last poll that asked for them.
    shapes: Mutex<BTreeMap<Endpoint, Shape>>,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Recorder {
    /// A recorder for one account.
    #[must_use]
    pub fn new(cell: Arc<AccountCell>, clock: Arc<dyn Clock>, meter: Arc<dyn Meter>) -> Self {
        Self { cell, clock, meter, shapes: Mutex::default() }
    }

    /// Compares what came from these endpoints during a poll with what is documented of them: all its answers together, as a
    /// list can come in several.
    pub(super) fn compare(&self, endpoints: impl IntoIterator<Item = Endpoint>) {
        let compared: Vec<_> = {
            let mut shapes = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
            endpoints.into_iter().filter_map(|endpoint| shapes.remove_entry(&endpoint)).collect()
        };
        for (endpoint, shape) in compared {
            let deviations = Contract::of(endpoint).deviations(&shape);
            deviations::log(&self.cell.state().spec.name, endpoint, &deviations);
            let words: Box<[_]> = deviations.into_iter().map(|deviation| deviation.words.into()).collect();
            if self.cell.state().deviations.get(&endpoint) != Some(&words) {
                self.cell.update(|state| state.set_deviations(endpoint, words));
            }
        }
    }
}

impl Telemetry for Recorder {
    fn request(&self, endpoint: Endpoint, outcome: Result<u16, Reason>, took: Duration) {
        self.meter.request(endpoint, took);
        self.cell.update(|state| state.count_request(endpoint, outcome));
    }

    fn login(&self, result: LoginResult) {
        let now = self.clock.now();
        self.cell.update(|state| state.count_login(result, now));
    }

    fn answered(&self, answer: Observation) {
        self.meter.answered(&self.cell.state().spec.name, &answer);
        if let Some(shape) = answer.shape {
            let mut shapes = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
            shapes.entry(answer.endpoint).or_default().merge(shape);
        }
    }
}
