use std::time::Duration;

use super::{Endpoint, LoginResult, Reason};

/// Told of every request of one account's client, as it ends.
pub trait Telemetry: Send + Sync + 'static {
    /// One request: its status, or the reason why it got none, and how long it took until its answer was read.
    fn request(&self, endpoint: Endpoint, outcome: Result<u16, Reason>, took: Duration);

    /// One login.
    fn login(&self, result: LoginResult);
}

/// Counts nothing: for a command, which nobody scrapes.
#[derive(Clone, Copy, Debug)]
pub struct NoTelemetry;

impl Telemetry for NoTelemetry {
    fn request(&self, _: Endpoint, _: Result<u16, Reason>, _: Duration) {}

    fn login(&self, _: LoginResult) {}
}
