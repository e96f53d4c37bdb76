//! What the vendor answers to a request, faults apart: no I/O, and no time but the one that is given.

use bytes::Bytes;
use jiff::Timestamp;

use super::answer;
use super::change;
use super::endpoint::{Endpoint, ROOT};
use super::query::{self, QueryFault};
use super::world::{AccountState, World};

/// A request, as far as the answer depends on it.
pub(super) struct Ask<'a> {
    pub(super) endpoint: Endpoint,
    /// The id in the path.
    pub(super) id: Option<&'a str>,
    pub(super) is_violation: bool,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) token: Option<&'a str>,
    pub(super) body: &'a [u8],
}

/// The body of a login.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Login {
    pub(super) account_id: String,
    access_key: String,
    secret: String,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Bytes,
}

impl Reply {
    pub(super) fn json(status: u16, body: Bytes) -> Self {
        Self { status, headers: vec![("content-type", "application/json".to_owned())], body }
    }

    pub(super) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, answer::error(code, message))
    }
}

/// The right answer to a request.
pub(super) fn reply(world: &mut World, ask: &Ask<'_>, login: Option<&Login>, now: Timestamp) -> Reply {
    if let Some(location) = without_slash(ask) {
        return Reply { status: 301, headers: vec![("location", location)], body: Bytes::new() };
    }
    if ask.is_violation && !ask.endpoint.is_change() {
        let mut reply = Reply::error(405, "MethodNotAllowed", "The path does not take this method");
        reply.headers.push(("allow", "GET".to_owned()));
        return reply;
    }
    match ask.endpoint {
        Endpoint::Login => log_in(world, login, now),
        Endpoint::Other => Reply::error(404, "NotFound", "No such path"),
        _ => with_session(world, ask, now),
    }
}

/// Where a path with a slash at its end is sent.
fn without_slash(ask: &Ask<'_>) -> Option<String> {
    let path = ask
        .path
        .strip_suffix('/')
        .filter(|path| path.strip_prefix(ROOT).is_some_and(|rest| rest.len() > 1 && !rest.ends_with('/')))?;
    Some(match ask.query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    })
}

fn log_in(world: &mut World, login: Option<&Login>, now: Timestamp) -> Reply {
    let Some(login) = login else {
        return Reply::error(
            400,
            "InvalidArgument",
            "The body is not a JSON object with accountId, accessKey and secret",
        );
    };
    match world.log_in(&login.account_id, &login.access_key, &login.secret, now) {
        Some(token) => {
            let lifetime = world.settings.token_lifetime.as_secs();
            Reply::json(200, answer::session(Some(&token), lifetime, &world.settings))
        }
        // The space at the end was seen on the wire.
        None => Reply::error(403, "AuthenticationFailed ", "Authentication failed"),
    }
}

fn with_session(world: &mut World, ask: &Ask<'_>, now: Timestamp) -> Reply {
    let session = ask.token.and_then(|token| {
        let left = world.life_left(token, now)?;
        Some((world.owner(token)?.to_owned(), left))
    });
    let Some((account_id, left)) = session else {
        let code = world.settings.dead_token_code.text();
        return Reply::error(400, code, "The session token is not valid");
    };
    if ask.endpoint == Endpoint::Session {
        return Reply::json(200, answer::session(None, left.as_secs(), &world.settings));
    }
    if matches!(ask.endpoint, Endpoint::CurrentUsage | Endpoint::MonthlyUsage) {
        return usage(world, &account_id, ask, now);
    }
    if ask.endpoint.is_change() {
        return change::reply(world, &account_id, ask, now);
    }
    match world.account(&account_id) {
        Some(account) => inventory(account, ask, now),
        None => Reply::error(500, "InternalError", "A session without an account"),
    }
}

fn usage(world: &mut World, account_id: &str, ask: &Ask<'_>, now: Timestamp) -> Reply {
    let Some(account) = world.account(account_id) else {
        return Reply::error(500, "InternalError", "A session without an account");
    };
    let request = format!("{}?{}", ask.path, ask.query.unwrap_or_default());
    if let Some(rendered) = account.rendered.get(&request) {
        return Reply::json(200, rendered.clone());
    }
    let body = if ask.endpoint == Endpoint::CurrentUsage {
        answer::current_usage(account, &world.settings, now)
    } else {
        match query::window(ask.query.unwrap_or_default()) {
            Ok(window) => answer::monthly_usage(account, &world.settings, window, now),
            Err(QueryFault::Argument(message)) => return Reply::error(400, "InvalidArgument", &message),
            Err(QueryFault::TimeRange(message)) => return Reply::error(400, "InvalidTimeRange", message),
        }
    };
    if !account.moves() {
        world.keep_rendered(account_id, &request, &body);
    }
    Reply::json(200, body)
}

fn inventory(account: &AccountState, ask: &Ask<'_>, now: Timestamp) -> Reply {
    let id = ask.id.unwrap_or_default();
    match ask.endpoint {
        Endpoint::ServiceAccounts => Reply::json(200, answer::service_accounts(account, now)),
        Endpoint::Permissions => Reply::json(200, answer::permissions(account, now)),
        Endpoint::ServiceAccount => match answer::one_service_account(account, id, now) {
            Some(body) => Reply::json(200, body),
            None => Reply::error(404, "ServiceAccountNotFound", "No such service account"),
        },
        Endpoint::Permission => match answer::one_permission(account, id, now) {
            Some(body) => Reply::json(200, body),
            None => Reply::error(404, "PermissionNotFound", "No such permission"),
        },
        _ => Reply::error(404, "NotFound", "No such path"),
    }
}
