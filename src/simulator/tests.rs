//! The simulator over the wire, asked by a client of our own that shows every byte.

mod changes;
mod client;
mod contract;
mod credentials;
mod faults;
mod log;
mod object_storage;
mod usage;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::Manual;
use crate::model::Month;

use super::*;
use client::{Client, HttpResponse};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn month(year: i32, number: i32) -> Month {
    Month::new(year, number).unwrap()
}

/// A simulator with its clock and the account `acme`, secret `first`.
struct Stage {
    clock: Manual,
    simulator: Simulator,
    acme: SimulatedAccount,
}

impl Stage {
    async fn new() -> Self {
        let clock = Manual::new(at("2026-11-24T12:00:00Z"));
        let simulator = Simulator::start(Arc::new(clock.clone())).await.unwrap();
        let acme = simulator.account("acme").secret("first");
        Self { clock, simulator, acme }
    }

    fn client(&self) -> Client {
        Client::new(self.simulator.address())
    }

    /// Logs in as `acme` with its pair as it is now.
    async fn log_in(&self) -> Client {
        let (access_key, secret) = self.acme.pair();
        let answer = self.client().log_in("acme", &access_key, &secret).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let token = answer.json()["token"].as_str().unwrap().to_owned();
        self.client().with_token(&token)
    }
}
