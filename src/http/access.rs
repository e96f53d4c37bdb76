//! Who may ask: the web configuration in force, names and passwords, and who may reload.

mod guard;
mod passwords;
mod reload;

pub use guard::{Guard, GuardError};
pub(super) use reload::may_reload;
