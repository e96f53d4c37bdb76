//! The commands beside the daemon itself.

mod check;
mod demo;
mod health;
mod once;

pub use check::report;
pub use demo::Demo;
pub use health::health;
pub use once::{Once, once};
