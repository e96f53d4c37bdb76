//! The commands beside the daemon itself.

mod backfill;
mod check;
mod demo;
mod health;
mod manage;
mod once;
mod replay;
mod table;

pub use backfill::{BackfillError, Request, backfill};
pub use check::{Findings, check};
pub use demo::{Demo, polled, print_mails};
pub use health::health;
pub use manage::{Failure, manage};
pub use once::{Once, once};
pub use replay::{BadReport, Replay};
