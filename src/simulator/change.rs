//! What changes permissions and service accounts: as far as the guide and what was seen on the wire say.

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::Offset;
use serde::Deserialize;

use crate::clock;

use super::answer;
use super::endpoint::Endpoint;
use super::inventory::{Actions, ExpirationDate, IssuedPair, Permission, Ready, Scope, ServiceAccount};
use super::route::{Ask, Reply};
use super::settings::{ChangeAnswer, Settings};
use super::world::{AccountState, World};

#[derive(Default, Deserialize)]
#[serde(default)]
struct PermissionBody {
    name: String,
    description: String,
    #[serde(rename = "type")]
    kind: String,
    actions: String,
    prefix: String,
    buckets: Vec<String>,
    policy: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServiceAccountBody {
    name: String,
    description: String,
    permissions: Vec<String>,
}

type Rejected = Reply;

/// Carries out a change, or says why not.
pub(super) fn reply(world: &mut World, account_id: &str, ask: &Ask<'_>, now: Timestamp) -> Reply {
    let settings = world.settings.clone();
    let account = world.change(account_id);
    let id = ask.id.unwrap_or_default();
    let done = match ask.endpoint {
        Endpoint::CreatePermission => create_permission(account, ask.body, &settings, now),
        Endpoint::UpdatePermission => update_permission(account, id, ask.body, now).map(|()| None),
        Endpoint::DeletePermission => delete_permission(account, id).map(|()| None),
        Endpoint::CreateServiceAccount => create_service_account(account, ask.body, &settings, now),
        Endpoint::UpdateServiceAccount => update_service_account(account, id, ask.body, now).map(|()| None),
        Endpoint::EnableServiceAccount => service(account, id, now).map(|service| {
            service.enabled = true;
            None
        }),
        Endpoint::DisableServiceAccount => service(account, id, now).map(|service| {
            service.enabled = false;
            None
        }),
        Endpoint::DeleteServiceAccount => service(account, id, now).map(drop).map(|()| {
            account.service_accounts.retain(|service| service.id != id);
            None
        }),
        _ => Err(Reply::error(404, "NotFound", "No such path")),
    };
    match done {
        Ok(Some(created)) => Reply::json(200, created),
        Ok(None) => match settings.change_answer {
            ChangeAnswer::Text => Reply {
                status: 200,
                headers: vec![("content-type", "text/plain".to_owned())],
                body: Bytes::from_static(b"OK"),
            },
            ChangeAnswer::Empty => Reply { status: 200, headers: Vec::new(), body: Bytes::new() },
        },
        Err(rejected) => rejected,
    }
}

fn body<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Rejected> {
    serde_json::from_slice(body).map_err(|_| invalid("The body is not what is expected here"))
}

fn invalid(message: &str) -> Rejected {
    Reply::error(400, "InvalidArgument", message)
}

fn scope(account: &AccountState, body: &PermissionBody) -> Result<Scope, Rejected> {
    let actions = match body.actions.as_str() {
        "all-operations" => Some(Actions::AllOperations),
        "read-only" => Some(Actions::ReadOnly),
        "write-only" => Some(Actions::WriteOnly),
        "" => None,
        _ => return Err(invalid("actions")),
    };
    let none = |unused: bool| if unused { Ok(()) } else { Err(invalid("A parameter of another type")) };
    match (body.kind.as_str(), actions) {
        ("all-buckets", Some(actions)) => {
            none(body.prefix.is_empty() && body.buckets.is_empty() && body.policy.is_empty())?;
            Ok(Scope::AllBuckets(actions))
        }
        ("bucket-prefix", Some(actions)) if !body.prefix.is_empty() => {
            none(body.buckets.is_empty() && body.policy.is_empty())?;
            Ok(Scope::BucketPrefix(body.prefix.clone(), actions))
        }
        ("bucket-names", Some(actions)) if !body.buckets.is_empty() => {
            none(body.prefix.is_empty() && body.policy.is_empty())?;
            let exists = |name: &String| account.buckets.iter().any(|bucket| bucket.name == *name);
            if !body.buckets.iter().all(exists) {
                return Err(Reply::error(404, "BucketNotFound", "No such bucket"));
            }
            Ok(Scope::BucketNames(body.buckets.clone(), actions))
        }
        ("policy", None) if serde_json::from_str::<serde_json::Map<_, _>>(&body.policy).is_ok() => {
            none(body.prefix.is_empty() && body.buckets.is_empty())?;
            Ok(Scope::Policy(body.policy.clone()))
        }
        _ => Err(invalid("type")),
    }
}

fn create_permission(
    account: &mut AccountState,
    bytes: &[u8],
    settings: &Settings,
    now: Timestamp,
) -> Result<Option<Bytes>, Rejected> {
    let body: PermissionBody = body(bytes)?;
    if body.name.is_empty() {
        return Err(invalid("name"));
    }
    let scope = scope(account, &body)?;
    let permission = Permission {
        ready: Ready::From(clock::after(now, settings.ready_after)),
        created: now.to_string(),
        ..Permission::new(&new_id(), &body.name, scope).described(&body.description)
    };
    let answer = answer::new_permission(&permission);
    account.permissions.push(permission);
    Ok(Some(answer))
}

fn permission<'a>(
    account: &'a mut AccountState,
    id: &str,
    now: Timestamp,
) -> Result<&'a mut Permission, Rejected> {
    let found = account.permissions.iter_mut().find(|permission| permission.id == id);
    let found = found.ok_or_else(|| Reply::error(404, "PermissionNotFound", "No such permission"))?;
    if found.ready.at(now) {
        Ok(found)
    } else {
        Err(Reply::error(409, "PermissionNotReady", "The permission is not ready"))
    }
}

fn update_permission(
    account: &mut AccountState,
    id: &str,
    bytes: &[u8],
    now: Timestamp,
) -> Result<(), Rejected> {
    let body: PermissionBody = body(bytes)?;
    let scope = scope(account, &body)?;
    let permission = permission(account, id, now)?;
    if body.name.is_empty() {
        return Err(invalid("name"));
    }
    permission.name = body.name;
    permission.description = body.description;
    permission.scope = scope;
    Ok(())
}

fn delete_permission(account: &mut AccountState, id: &str) -> Result<(), Rejected> {
    if !account.permissions.iter().any(|permission| permission.id == id) {
        return Err(Reply::error(404, "PermissionNotFound", "No such permission"));
    }
    if account.service_accounts.iter().any(|service| service.permissions.iter().any(|used| used == id)) {
        // No source names its code.
        return Err(Reply::error(409, "PermissionInUse", "A service account uses the permission"));
    }
    account.permissions.retain(|permission| permission.id != id);
    Ok(())
}

fn usable_permissions(account: &mut AccountState, ids: &[String], now: Timestamp) -> Result<(), Rejected> {
    if ids.is_empty() {
        return Err(invalid("permissions"));
    }
    ids.iter().try_for_each(|id| permission(account, id, now).map(|_| ()))
}

fn create_service_account(
    account: &mut AccountState,
    bytes: &[u8],
    settings: &Settings,
    now: Timestamp,
) -> Result<Option<Bytes>, Rejected> {
    let body: ServiceAccountBody = body(bytes)?;
    if body.name.is_empty() {
        return Err(invalid("name"));
    }
    usable_permissions(account, &body.permissions, now)?;
    let pair = IssuedPair {
        access_key: format!("AK{}", random(18).to_ascii_uppercase()),
        secret: random(settings.secret_length),
    };
    let expiration_date = match account.service_account_days {
        None => ExpirationDate::Never,
        Some(days) => {
            let today = Offset::UTC.to_datetime(now).date();
            ExpirationDate::On(today.saturating_add(jiff::Span::new().days(days)))
        }
    };
    let service = ServiceAccount {
        ready: Ready::From(clock::after(now, settings.ready_after)),
        permissions: body.permissions,
        pair: Some(pair.clone()),
        ..ServiceAccount::new(&new_id(), &body.name).described(&body.description).expires(expiration_date)
    };
    let answer = answer::new_service_account(&service, &pair);
    account.service_accounts.push(service);
    Ok(Some(answer))
}

fn service<'a>(
    account: &'a mut AccountState,
    id: &str,
    now: Timestamp,
) -> Result<&'a mut ServiceAccount, Rejected> {
    let found = account.service_accounts.iter_mut().find(|service| service.id == id);
    let found =
        found.ok_or_else(|| Reply::error(404, "ServiceAccountNotFound", "No such service account"))?;
    if found.ready.at(now) {
        Ok(found)
    } else {
        Err(Reply::error(409, "ServiceAccountNotReady", "The service account is not ready"))
    }
}

fn update_service_account(
    account: &mut AccountState,
    id: &str,
    bytes: &[u8],
    now: Timestamp,
) -> Result<(), Rejected> {
    let body: ServiceAccountBody = body(bytes)?;
    usable_permissions(account, &body.permissions, now)?;
    let service = service(account, id, now)?;
    if body.name.is_empty() {
        return Err(invalid("name"));
    }
    service.name = body.name;
    service.description = body.description;
    service.permissions = body.permissions;
    Ok(())
}

pub(super) fn random(length: usize) -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(length).collect()
}

/// An id of the form of the vendor's.
fn new_id() -> String {
    let (high, low) = (fastrand::u64(..), fastrand::u64(..));
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}
