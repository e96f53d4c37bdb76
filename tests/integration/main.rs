//! The exporter whole, against the simulated vendor over real HTTP, and together with the real programs that read it.

#![allow(missing_docs, unreachable_pub, reason = "tests say in their names what they are about")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

mod alerting;
mod attack;
mod backfill;
mod binary;
mod browser;
mod credentials;
mod dashboards;
mod failures;
mod first_contact;
mod fleet;
mod golden;
mod install;
mod listening;
mod manage;
mod object_storage;
mod problems;
mod prometheus;
mod protocols;
mod proxies;
mod readme;
mod reload;
mod rotation;
mod rules;
mod scrape;
mod state;
mod supervision;
mod support;
mod texts;
mod web;
mod words;

use support::{chromium, client, pki, programs, samples, stage, webhook};
