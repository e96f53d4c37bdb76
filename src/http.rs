//! What the exporter answers: `/metrics`, the pages for people, and the probes.
//!
//! Three parts. `connections` accepts, speaks TLS, keeps the time and the limits. `access` decides who may ask. `answers`
//! makes what is sent. A request never calls the vendor and never waits for a poll: everything is made from the store.

mod access;
pub(crate) mod answers;
mod connections;
mod peer;

pub use access::{Guard, GuardError};
pub use answers::{Routes, Web, status_page};
pub use connections::{Limits, bind, serve};
