use crate::config::Secret;
use crate::model::Expiry;

/// A pair of keys, fresh from the vendor, which shows the secret this once.
#[derive(Clone, Debug)]
pub struct NewPair {
    /// The id of what the pair belongs to: of a service account, or the access key itself.
    pub id: String,
    /// The first half of the pair.
    pub access_key: String,
    /// The second half of the pair.
    pub secret: Secret,
    /// When it ends.
    pub expiry: Expiry,
}
