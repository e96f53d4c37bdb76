//! The vendor's APIs: a client each. What crosses the wire never leaves this module; what leaves it is the
//! [`model`](crate::model), or an [`ApiError`].

pub mod account_v2;
mod confidential;
mod error;
mod telemetry;
mod transport;

pub use error::{ApiError, Reason};
pub use telemetry::{Endpoint, LoginResult, Telemetry};
pub use transport::{Transport, TransportError};

#[cfg(test)]
mod testing;
