//! What goes wrong at the vendor: what the exporter makes of it over time, and tables. Each row names a fault and what the
//! metrics, the log and the next poll must be. Every row is an account of its own. The rows of a table share one exporter, so that each also shows that the
//! others do it no harm, and after each table no secret may be found in the log or in any page.

mod answers;
mod bodies;
mod clock;
mod contents;
mod contradictions;
mod documented;
mod fields;
mod lists;
mod login;
mod months;
mod object_storage;
mod over_time;
mod places;
pub mod play;
mod quiet;
mod second_poll;
mod starved;
