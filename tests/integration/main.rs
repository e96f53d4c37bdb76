//! Tests of the whole: what the crate's parts do together, and what ships beside it.

mod dashboards;
