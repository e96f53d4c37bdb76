//! Connections: they are accepted, speak TLS where the web configuration says so, and are held to limits.
//!
//! This is hyper's HTTP/1.1 on a socket, without a web framework. A framework brings routing, extractors and middleware,
//! which five fixed paths do not need, and none of them has what an exporter on an open network does need: one deadline
//! for each connection that moves with what the client does, and a fair choice of which connection closes when there are
//! too many. hyper's own timer covers a request's head alone; a client that reads its answer one byte a minute would keep
//! its place for ever. So [`pace`] wraps the socket and the body and sees each read, write and flush.
//!
//! What each of the [`Limits`] is for:
//!
//! - `connections`: descriptors and memory. At the limit the connection that asked last the longest time ago closes, of
//!   the peer that has the most, so one client cannot lock out the scraper.
//! - `handshake`, `head`: clients that connect and say nothing, or one byte at a time (slowloris).
//! - `idle`: connections that a client forgot. Longer than a usual scrape interval, so that Prometheus keeps its own.
//! - `answer`, `stall`: clients that ask for a large page and do not read it.
//! - `head_bytes`: memory for a request's head, and for what is buffered of requests sent one behind the other.
//!
//! Two limits are fixed: how many connections wait in the kernel to be accepted, and how much of an answer the kernel
//! holds unsent.

mod accept;
mod connection;
mod limits;
mod listen;
mod pace;
mod slots;

pub use accept::serve;
pub use limits::Limits;
pub use listen::bind;
