//! What the tests share: the stage with its simulated vendor, the real programs, and the readers of what comes out.

pub mod chromium;
pub mod client;
pub mod pki;
pub mod programs;
pub mod samples;
pub mod stage;
pub mod webhook;
