//! The vendor's APIs: a client each. What crosses the wire never leaves this module; what leaves it is the
//! [`model`](crate::model), or an [`ApiError`].

pub mod account_v2;
mod admission;
pub(crate) mod allowance;
mod client;
mod collect;
mod confidential;
mod consistent;
pub mod contract;
mod error;
mod figure;
mod gate;
mod manage_error;
mod new_pair;
pub mod object_storage;
#[cfg(any(test, feature = "fuzzing"))]
mod promises;
mod rejection;
pub mod shape;
mod telemetry;
mod transport;
mod wire;

use crate::model::{Endpoint, LoginResult, Reason};

pub use admission::{Budget, Count};
pub use client::{Api, Client, Declared, Settings, Source, Zeros, asked, collectors, collectors_of};
pub use collect::{Asked, Collect, Context, Descriptor};
pub use error::ApiError;
pub use gate::{Gate, Lane};
pub use manage_error::{ManageError, Outcome};
pub use new_pair::NewPair;
pub use telemetry::{NoTelemetry, Observation, Telemetry};
pub use transport::{Proxies, Proxy, ProxyError, Transport, TransportError};

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod testing;
