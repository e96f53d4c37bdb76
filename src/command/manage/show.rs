//! What comes of a verb, for a person or a program. docs/manage.schema.json describes the JSON.

use jiff::Timestamp;
use serde::Serialize;

use crate::command::table::{printable, table};
use crate::model::{
    Expiry, ManagedAccessKey, ManagedPermission, ManagedServiceAccount, PermissionSpec, time_left,
};

/// An end as JSON has it: an instant, `never`, or nothing where nobody knows.
pub(super) fn expires(expiry: Expiry) -> Option<String> {
    match expiry {
        Expiry::Unknown => None,
        Expiry::Never => Some("never".to_owned()),
        Expiry::At(end) => Some(end.to_string()),
    }
}

/// An end for a person.
pub(super) fn end(expiry: Expiry, now: Timestamp) -> String {
    match expiry {
        Expiry::Unknown => "end unknown".to_owned(),
        Expiry::Never => "never expires".to_owned(),
        Expiry::At(end) if end <= now => format!("expired {end}"),
        Expiry::At(end) => format!("expires in {} ({end})", time_left(end, now)),
    }
}

/// A thing by its name and id, for a sentence.
pub(super) fn named(name: &str, id: &str) -> String {
    format!("{:?} ({id})", Shown(&printable(name)))
}

/// A text in quotes whose escapes are already made.
struct Shown<'a>(&'a str);

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// A permission as JSON.
#[derive(Serialize)]
pub(super) struct PermissionView<'a> {
    id: &'a str,
    name: &'a str,
    description: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    actions: &'a str,
    prefix: &'a str,
    buckets: &'a [String],
    policy: &'a str,
    ready: Option<bool>,
    created: &'a str,
    /// Of one permission alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    used_by: Option<Vec<Reference>>,
}

impl<'a> PermissionView<'a> {
    pub(super) fn of(permission: &'a ManagedPermission) -> Self {
        let spec = &permission.spec;
        Self {
            id: &permission.id,
            name: &spec.name,
            description: &spec.description,
            kind: &spec.kind,
            actions: &spec.actions,
            prefix: &spec.prefix,
            buckets: &spec.buckets,
            policy: &spec.policy,
            ready: permission.ready,
            created: &permission.created,
            used_by: None,
        }
    }

    /// With the service accounts that use it.
    pub(super) fn used_by(self, users: Vec<Reference>) -> Self {
        Self { used_by: Some(users), ..self }
    }
}

/// A thing by its name and id, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Reference {
    pub(super) id: String,
    pub(super) name: String,
}

impl Reference {
    pub(super) fn of(account: &ManagedServiceAccount) -> Self {
        Self { id: account.id.clone(), name: account.spec.name.clone() }
    }
}

/// What a permission covers, for a person.
pub(super) fn covers(spec: &PermissionSpec) -> String {
    match spec.kind.as_str() {
        "bucket-prefix" => format!("buckets that begin with {}", spec.prefix),
        "bucket-names" => format!("buckets {}", spec.buckets.join(", ")),
        "all-buckets" => "all buckets".to_owned(),
        "policy" => "what its policy says".to_owned(),
        other => other.to_owned(),
    }
}

pub(super) fn permissions(permissions: &[ManagedPermission]) -> String {
    let mut rows = vec![["ID", "NAME", "COVERS", "ACTIONS", "READY", "DESCRIPTION"].map(str::to_owned)];
    rows.extend(permissions.iter().map(|permission| {
        let spec = &permission.spec;
        let actions = if spec.actions.is_empty() { "-" } else { &spec.actions };
        [
            permission.id.clone(),
            spec.name.clone(),
            covers(spec),
            actions.to_owned(),
            yes_no(permission.ready),
            spec.description.clone(),
        ]
    }));
    table(&rows)
}

/// A service account as JSON.
#[derive(Serialize)]
pub(super) struct ServiceAccountView<'a> {
    id: &'a str,
    name: &'a str,
    description: &'a str,
    enabled: Option<bool>,
    ready: Option<bool>,
    expires: Option<String>,
    /// Of one service account alone; a list does not have them.
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<&'a [String]>,
}

impl<'a> ServiceAccountView<'a> {
    pub(super) fn of(account: &'a ManagedServiceAccount) -> Self {
        Self {
            id: &account.id,
            name: &account.spec.name,
            description: &account.spec.description,
            enabled: account.enabled,
            ready: account.ready,
            expires: expires(account.expiry),
            permissions: None,
        }
    }

    /// With its permissions.
    pub(super) fn whole(account: &'a ManagedServiceAccount) -> Self {
        Self { permissions: Some(&account.spec.permissions), ..Self::of(account) }
    }
}

pub(super) fn service_accounts(accounts: &[ManagedServiceAccount], now: Timestamp) -> String {
    let mut rows = vec![["ID", "NAME", "ENABLED", "READY", "END", "DESCRIPTION"].map(str::to_owned)];
    rows.extend(accounts.iter().map(|account| {
        [
            account.id.clone(),
            account.spec.name.clone(),
            yes_no(account.enabled),
            yes_no(account.ready),
            end(account.expiry, now),
            account.spec.description.clone(),
        ]
    }));
    table(&rows)
}

/// An access key as JSON.
#[derive(Serialize)]
pub(super) struct AccessKeyView<'a> {
    id: &'a str,
    user: &'a str,
    active: Option<bool>,
    created: Option<String>,
}

impl<'a> AccessKeyView<'a> {
    pub(super) fn of(key: &'a ManagedAccessKey) -> Self {
        let created = key.created.map(|created| created.to_string());
        Self { id: &key.id, user: &key.user, active: key.active, created }
    }
}

pub(super) fn access_keys(keys: &[ManagedAccessKey]) -> String {
    let mut rows = vec![["ACCESS KEY", "USER", "ACTIVE", "CREATED"].map(str::to_owned)];
    rows.extend(keys.iter().map(|key| {
        let created = key.created.map_or_else(|| "unknown".to_owned(), |created| created.to_string());
        [key.id.clone(), key.user.clone(), yes_no(key.active), created]
    }));
    table(&rows)
}

fn yes_no(flag: Option<bool>) -> String {
    match flag {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    }
    .to_owned()
}

/// Rows of a name and a value, for one thing.
pub(super) fn sheet<const N: usize>(rows: [(&str, String); N]) -> String {
    table(&rows.map(|(name, value)| [name.to_owned(), value]))
}

/// What a changing verb did, or with `dry_run` would do.
#[derive(Debug, Default, Serialize)]
pub(super) struct Change {
    pub(super) account: String,
    /// `permission`, `service_account` or `access_key`.
    pub(super) kind: &'static str,
    /// `create`, `update`, `enable`, `disable`, `delete` or `renew`.
    pub(super) action: &'static str,
    pub(super) dry_run: bool,
    /// Whether anything was changed: not so where it already was as wanted.
    pub(super) changed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) renews: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ready: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) access_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret_file: Option<String>,
    /// The commands to run next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) next: Vec<String>,
}
