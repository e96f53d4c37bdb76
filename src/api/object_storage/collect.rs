//! The collectors of Lyve Cloud Object Storage.

mod billing;
mod buckets;
mod keys;

use super::Client;
use crate::api::Declared;
use crate::api::client::names;
use crate::model::{Billing, Buckets, Collector, User};

pub(super) static COLLECTORS: [Declared<Client>; 3] =
    [Declared::of::<Billing>(), Declared::of::<Buckets>(), Declared::of::<Vec<User>>()];

impl Collector {
    /// Those of Lyve Cloud Object Storage.
    pub const OBJECT_STORAGE: [Self; 3] = names(&COLLECTORS);
}
