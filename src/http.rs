//! What the exporter answers: `/metrics`, the pages for people, and the probes.
//!
//! A request never calls the vendor and never waits for a poll: everything is made from the store.
//! Nor does what one client does hold up another: see [`Limits`].

mod auth;
mod body;
mod connection;
mod connections;
mod guard;
mod limits;
mod pace;
mod page;
mod routes;
mod server;
mod status;
mod stored;

pub use guard::{Guard, GuardError};
pub use limits::Limits;
pub use routes::{Routes, Web};
pub use server::{bind, serve};
