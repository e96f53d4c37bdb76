//! What `manage` shows and changes: more of a permission or a service account than the exporter needs of it.

use jiff::Timestamp;

use super::Expiry;

/// What a permission is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermissionSpec {
    /// Its name.
    pub name: String,
    /// What is said of it.
    pub description: String,
    /// `all-buckets`, `bucket-prefix`, `bucket-names` or `policy`.
    pub kind: String,
    /// `all-operations`, `read-only` or `write-only`; empty with `policy`.
    pub actions: String,
    /// How the names of its buckets begin; with `bucket-prefix` alone.
    pub prefix: String,
    /// Its buckets; with `bucket-names` alone.
    pub buckets: Vec<String>,
    /// An AWS IAM policy document; with `policy` alone.
    pub policy: String,
}

/// A permission as the vendor has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedPermission {
    /// Its id.
    pub id: String,
    /// What it is made of.
    pub spec: PermissionSpec,
    /// Whether it has spread to all regions; `None` where the vendor does not say.
    pub ready: Option<bool>,
    /// When it was made, in the vendor's text.
    pub created: String,
}

/// What a service account is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAccountSpec {
    /// Its name.
    pub name: String,
    /// What is said of it.
    pub description: String,
    /// The ids of its permissions.
    pub permissions: Vec<String>,
}

/// A service account as the vendor has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedServiceAccount {
    /// Its id.
    pub id: String,
    /// What it is made of; a list leaves out the permissions.
    pub spec: ServiceAccountSpec,
    /// Whether its key works; `None` where the vendor does not say.
    pub enabled: Option<bool>,
    /// Whether it has spread to all regions; `None` where the vendor does not say.
    pub ready: Option<bool>,
    /// When its key ends.
    pub expiry: Expiry,
}

/// An access key as the vendor lists it, with the user that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedAccessKey {
    /// The key's id, which is its first half.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// Whether it works; `None` where the vendor does not say.
    pub active: Option<bool>,
    /// When it was made.
    pub created: Option<Timestamp>,
}
