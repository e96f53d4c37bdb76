//! What the exporter answers: `/metrics`, the pages for people, and the probes.
//!
//! A request never calls the vendor and never waits for a poll: everything is made from the store.

mod body;
mod page;
mod routes;
mod server;
mod status;

pub use routes::{Routes, Web};
pub use server::{bind, serve};
