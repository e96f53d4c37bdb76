use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Expiry;

/// A service account: a pair of S3 keys with permissions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

/// The permissions of an account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Permissions {
    /// How many there are of each sort, in the order of the sorts; the list may be shorter.
    pub counts: Vec<PermissionCount>,
    /// Those that are shown, in the order of their ids, each id once.
    pub permissions: Vec<Permission>,
}

/// How many permissions cover and allow the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionCount {
    /// As [`Permission::kind`].
    pub kind: Box<str>,
    /// As [`Permission::actions`].
    pub actions: Box<str>,
    /// How many.
    pub count: u64,
}

impl Permissions {
    /// All of these, counted.
    #[must_use]
    pub fn of(permissions: Vec<Permission>) -> Self {
        let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for permission in &permissions {
            *counts.entry((&permission.kind, &permission.actions)).or_default() += 1;
        }
        let counts = counts.into_iter().map(|((kind, actions), count)| PermissionCount {
            kind: kind.into(),
            actions: actions.into(),
            count,
        });
        Self { counts: counts.collect(), permissions }
    }
}

/// A permission that service accounts are given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
