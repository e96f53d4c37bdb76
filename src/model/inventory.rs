use super::Expiry;

/// A service account: a pair of S3 keys with permissions.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceAccount {
    /// Its identity.
    pub id: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// Whether an administrator has it switched on.
    pub enabled: Option<bool>,
    /// Whether it has spread to all regions.
    pub ready: Option<bool>,
    /// When its keys stop working.
    pub expiry: Expiry,
}

/// A permission that service accounts are given.
#[derive(Clone, Debug, PartialEq)]
pub struct Permission {
    /// Its identity.
    pub id: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// What it covers, in the vendor's words: `all-buckets`, `bucket-prefix`, `bucket-names` or `policy`.
    pub kind: Box<str>,
    /// What it allows, in the vendor's words: `all-operations`, `read-only` or `write-only`; empty for a policy.
    pub actions: Box<str>,
    /// Whether it has spread to all regions.
    pub ready: Option<bool>,
}
