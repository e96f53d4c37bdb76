/// What tells an account from every other, whatever else changes in its configuration: what was known under one identity
/// is true under an equal one, and under no other.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// What it is known under at its address.
    pub id: String,
    /// Where its API is.
    pub address: String,
}
