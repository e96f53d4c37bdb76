use std::sync::Arc;
use std::time::Duration;

use crate::api::Telemetry;
use crate::clock::Clock;
use crate::model::{Endpoint, LoginResult, Reason};
use crate::store::AccountCell;

/// Counts what concerns the exporter rather than one account.
pub trait Meter: Send + Sync + 'static {
    /// One request, from its start until its answer was read.
    fn request(&self, endpoint: Endpoint, took: Duration);

    /// A task of this name ended by a panic, or a poll of it did.
    fn panicked(&self, task: &'static str);
}

/// Writes what one account's client reports to the account's place in the store.
pub struct Recorder {
    cell: Arc<AccountCell>,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
}

impl Recorder {
    /// A recorder for one account.
    #[must_use]
    pub fn new(cell: Arc<AccountCell>, clock: Arc<dyn Clock>, meter: Arc<dyn Meter>) -> Self {
        Self { cell, clock, meter }
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
}
