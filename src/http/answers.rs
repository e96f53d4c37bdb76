//! What is answered: the routes, the status as JSON, the pages, and the headers that every answer has.

mod body;
mod headers;
pub(crate) mod page;
mod plain;
mod routes;
mod status;
mod stored;

pub(super) use body::Parts;
pub(super) use headers::dress;
pub use page::status_page;
pub(super) use plain::text;
pub use routes::{Routes, Web};

/// An answer whose body is ready to be sent.
pub(super) type HttpResponse = hyper::Response<Parts>;
