//! Permissions and service accounts as the vendor shows them, whole.

use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use super::super::inventory::ready;
use crate::api::NewPair;
use crate::api::figure;
use crate::api::wire::Scalar;
use crate::config::Secret;
use crate::model::{Expiry, ManagedPermission, ManagedServiceAccount, PermissionSpec, ServiceAccountSpec};

/// Why an answer cannot be understood, in words that hold nothing of it.
pub(super) type Undecodable = &'static str;

const NO_LIST: Undecodable = "the answer is no list of objects that have an id";
const NO_ID: Undecodable = "the answer is no object that has an id";

pub(super) fn json(body: &[u8]) -> Result<Value, Undecodable> {
    serde_json::from_slice(body).map_err(|_| "the answer is not JSON")
}

/// The items of a list; null is an empty one. One that cannot be read makes the whole list unreadable: what is not shown
/// could be what is about to be deleted.
pub(super) fn list<T>(body: &[u8], item: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>, Undecodable> {
    match json(body)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items.iter().map(item).collect::<Option<_>>().ok_or(NO_LIST),
        _ => Err(NO_LIST),
    }
}

pub(super) fn one<T>(body: &[u8], item: impl Fn(&Value) -> Option<T>) -> Result<T, Undecodable> {
    item(&json(body)?).ok_or(NO_ID)
}

fn scalar(object: &Value, key: &str) -> Scalar {
    object.get(key).and_then(|value| Scalar::deserialize(value).ok()).unwrap_or_default()
}

/// A text; empty where there is none.
fn text(object: &Value, key: &str) -> String {
    scalar(object, key).as_text().unwrap_or_default().to_owned()
}

pub(super) fn id(object: &Value) -> Option<String> {
    scalar(object, "id").into_name().map(String::from)
}

/// A list of texts, or of objects with ids.
fn texts(object: &Value, key: &str) -> Vec<String> {
    let items = object.get(key).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned).or_else(|| id(item))).collect()
}

fn expiry(object: &Value) -> Expiry {
    figure::expiry(&scalar(object, "expirationDate")).unwrap_or_default()
}

pub(super) fn permission(object: &Value) -> Option<ManagedPermission> {
    let policy = match object.get("policy") {
        Some(Value::String(document)) => document.clone(),
        Some(document @ Value::Object(_)) => document.to_string(),
        _ => String::new(),
    };
    Some(ManagedPermission {
        id: id(object)?,
        spec: PermissionSpec {
            name: text(object, "name"),
            description: text(object, "description"),
            kind: text(object, "type"),
            actions: text(object, "actions"),
            prefix: text(object, "prefix"),
            buckets: texts(object, "buckets"),
            policy,
        },
        ready: ready(&scalar(object, "readyState")),
        created: text(object, "createTime"),
    })
}

pub(super) fn service_account(object: &Value) -> Option<ManagedServiceAccount> {
    Some(ManagedServiceAccount {
        id: id(object)?,
        spec: ServiceAccountSpec {
            name: text(object, "name"),
            description: text(object, "description"),
            permissions: texts(object, "permissions"),
        },
        enabled: scalar(object, "enabled").flag(),
        ready: ready(&scalar(object, "readyState")),
        expiry: expiry(object),
    })
}

pub(super) fn new_pair(object: &Value) -> Option<NewPair> {
    let Scalar::Text(secret) = scalar(object, "secret") else { return None };
    Some(NewPair {
        id: id(object)?,
        access_key: scalar(object, "accessKey").into_name()?.into(),
        secret: Secret::new(secret),
        expiry: expiry(object),
    })
}

/// The body that creates or updates a permission. What its type does not take is left out.
#[derive(Serialize)]
pub(super) struct PermissionBody<'a> {
    name: &'a str,
    description: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    actions: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    prefix: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    buckets: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    policy: &'a str,
}

impl<'a> PermissionBody<'a> {
    pub(super) fn of(spec: &'a PermissionSpec) -> Self {
        Self {
            name: &spec.name,
            description: &spec.description,
            kind: &spec.kind,
            actions: &spec.actions,
            prefix: &spec.prefix,
            buckets: &spec.buckets,
            policy: &spec.policy,
        }
    }
}

/// The body that creates or updates a service account.
#[derive(Serialize)]
pub(super) struct ServiceAccountBody<'a> {
    name: &'a str,
    description: &'a str,
    permissions: &'a [String],
}

impl<'a> ServiceAccountBody<'a> {
    pub(super) fn of(spec: &'a ServiceAccountSpec) -> Self {
        Self { name: &spec.name, description: &spec.description, permissions: &spec.permissions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_empty_and_ids_may_be_numbers() {
        let found = list(br#"[{"id": 7}, {"id": "a", "readyState": "pending"}]"#, permission).unwrap();
        assert_eq!((found[0].id.as_str(), found[0].ready), ("7", None));
        assert_eq!((found[1].id.as_str(), found[1].ready), ("a", Some(false)));
        assert_eq!(list(b"null", permission).unwrap(), []);
    }

    #[test]
    fn permissions_are_ids_or_objects_with_ids() {
        for permissions in [r#"["p1","p2"]"#, r#"[{"id":"p1","name":"x"},{"id":"p2"}]"#] {
            let body = format!(r#"{{"id":"a","permissions":{permissions},"expirationDate":"2026-11-29"}}"#);
            let found = one(body.as_bytes(), service_account).unwrap();
            assert_eq!(found.spec.permissions, ["p1", "p2"]);
            assert_eq!(found.expiry, Expiry::At("2026-11-29T00:00:00Z".parse().unwrap()));
        }
    }

    #[test]
    fn a_policy_is_a_text_or_an_object() {
        for policy in [r#""{\"Version\":\"2012-10-17\"}""#, r#"{"Version":"2012-10-17"}"#] {
            let body = format!(r#"{{"id":"a","policy":{policy}}}"#);
            let found = one(body.as_bytes(), permission).unwrap();
            assert_eq!(found.spec.policy, r#"{"Version":"2012-10-17"}"#);
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_no_part() {
        for body in ["", "<html>", "{}", "7", r#"[{"id":"a"},{"name":"b"}]"#, r#"[{"id":""}]"#, "[null]"] {
            assert!(list(body.as_bytes(), service_account).is_err(), "{body}");
        }
        for body in [
            r#"{"id":"a","accessKey":"b"}"#,
            r#"{"id":"a","secret":"b"}"#,
            r#"{"secret":"b","accessKey":"b"}"#,
        ] {
            assert!(one(body.as_bytes(), new_pair).is_err(), "{body}");
        }
    }
}
