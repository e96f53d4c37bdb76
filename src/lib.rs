//! Prometheus exporter for Seagate Lyve Cloud: storage usage, its history, and when credentials expire.
//!
//! Data walks one way, and the modules are named after its stations:
//!
//! ```text
//! config → poll → api → model → store → metrics → exposition → http
//! ```
//!
//! [`config`] turns a file and the environment into final types. [`poll`] decides when to ask the vendor and what a
//! failure means; [`api`] asks, and turns what came over the wire into the [`model`]. [`store`] keeps the last whole
//! good answer of each (account, collector) with its time. [`metrics`] derives metric families from the store,
//! [`exposition`] turns them into bytes, once a change, and [`http`] sends those. A scrape never calls the vendor:
//! `poll` and `http` meet only in the store.

pub mod api;
pub mod atomic_file;
pub mod backoff;
pub mod build_info;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod daemon;
pub mod exposition;
pub mod http;
pub mod logging;
pub mod metrics;
pub mod model;
pub mod notify;
pub mod poll;
pub mod problems;
pub mod reload;
pub mod saved;
pub mod shard;
pub mod simulator;
pub mod store;
pub mod systemd;
mod text;
