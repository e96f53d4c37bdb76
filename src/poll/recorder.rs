use std::sync::Arc;
use std::time::Duration;

use crate::api::{Endpoint, LoginResult, Reason, Telemetry};
use crate::clock::Clock;
use crate::store::AccountCell;

/// Told how long each request took, whichever account it was for.
pub trait RequestTimes: Send + Sync + 'static {
    /// One request, from its start until its answer was read.
    fn observe(&self, endpoint: Endpoint, took: Duration);
}

/// Writes what one account's client reports to the account's place in the store.
pub struct Recorder {
    cell: Arc<AccountCell>,
    clock: Arc<dyn Clock>,
    times: Arc<dyn RequestTimes>,
}

impl Recorder {
    /// A recorder for one account.
    #[must_use]
    pub fn new(cell: Arc<AccountCell>, clock: Arc<dyn Clock>, times: Arc<dyn RequestTimes>) -> Self {
        Self { cell, clock, times }
    }
}

impl Telemetry for Recorder {
    fn request(&self, endpoint: Endpoint, outcome: Result<u16, Reason>, took: Duration) {
        self.times.observe(endpoint, took);
        self.cell.update(|state| state.count_request(endpoint, outcome));
    }

    fn login(&self, result: LoginResult) {
        let now = self.clock.now();
        self.cell.update(|state| state.count_login(result, now));
    }
}
