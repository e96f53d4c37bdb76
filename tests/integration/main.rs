//! The exporter whole, against the simulated vendor over real HTTP, and together with the real programs that read it.

#![allow(missing_docs, reason = "tests say in their names what they are about")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

mod client;
mod failures;
mod reload;
mod samples;
mod stage;
mod state;
mod supervision;
