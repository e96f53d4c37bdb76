//! Who may ask: the web configuration in force, names and passwords, and who may have it do something.

mod guard;
mod passwords;
mod reload;

pub use guard::{Guard, GuardError};
pub(super) use reload::may_act;
