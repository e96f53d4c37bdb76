use std::time::Duration;

use reqwest::header::HeaderName;

use super::shape::Shape;
use super::{Endpoint, LoginResult, Reason};

/// An answer, as far as it may be shown to others: none of its values is in it.
#[derive(Clone, Debug)]
pub struct Observation {
    /// To what it is the answer.
    pub endpoint: Endpoint,
    /// Its status.
    pub status: u16,
    /// How long it took until it was read.
    pub took: Duration,
    /// How long its body is, without compression.
    pub bytes: usize,
    /// The names of its headers.
    pub headers: Vec<HeaderName>,
    /// The shape of its body, where it is a success.
    pub shape: Option<Shape>,
}

/// Told of every request of one account's client, as it ends.
pub trait Telemetry: Send + Sync + 'static {
    /// One request: its status, or the reason why it got none, and how long it took until its answer was read.
    fn request(&self, endpoint: Endpoint, outcome: Result<u16, Reason>, took: Duration);

    /// One login.
    fn login(&self, result: LoginResult);

    /// One answer, whatever its status.
    fn answered(&self, _: Observation) {}
}

/// Counts nothing: for a command, which nobody scrapes.
#[derive(Clone, Copy, Debug)]
pub struct NoTelemetry;

impl Telemetry for NoTelemetry {
    fn request(&self, _: Endpoint, _: Result<u16, Reason>, _: Duration) {}

    fn login(&self, _: LoginResult) {}
}
