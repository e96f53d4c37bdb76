//! What changes access keys, by the names of AWS IAM: nobody saw this platform answer them.

use bytes::Bytes;
use jiff::Timestamp;

use crate::simulator::change::random;
use crate::simulator::endpoint::Endpoint;
use crate::simulator::settings::Settings;

use super::answer;
use super::route::Rejection;
use super::state::State;
use super::user::{AccessKey, User, UserKind};

/// As many keys has a user at AWS.
const MAX_KEYS: usize = 2;

/// What a change is asked for with.
pub(super) struct Asked<'a> {
    pub(super) endpoint: Endpoint,
    pub(super) user: Option<&'a str>,
    pub(super) key: Option<&'a str>,
    pub(super) status: Option<&'a str>,
}

/// Carries out a change of access keys, or says why not.
pub(super) fn keys(
    state: &mut State,
    asked: &Asked<'_>,
    settings: &Settings,
    now: Timestamp,
) -> Result<Bytes, Rejection> {
    let user = user(state, asked.user)?;
    match asked.endpoint {
        Endpoint::CreateAccessKey => {
            if user.keys.len() >= MAX_KEYS {
                return Err(Rejection::new(409, "LimitExceeded", "A user has at most two access keys"));
            }
            let secret = random(settings.secret_length);
            let key = AccessKey {
                id: format!("AK{}", random(18).to_ascii_uppercase()),
                is_active: true,
                created: now,
                secret: Some(secret.clone()),
            };
            let answer = answer::new_access_key(&user.name, &key, &secret, &settings.object_storage);
            user.keys.push(key);
            Ok(answer)
        }
        Endpoint::UpdateAccessKey => {
            let is_active = match asked.status {
                Some("Active") => true,
                Some("Inactive") => false,
                _ => return Err(Rejection::new(400, "BadRequest", "IAM: Invalid request params")),
            };
            key(user, asked.key)?.is_active = is_active;
            Ok(answer::changed("UpdateAccessKey"))
        }
        _ => {
            key(user, asked.key)?;
            user.keys.retain(|key| Some(key.id.as_str()) != asked.key);
            Ok(answer::changed("DeleteAccessKey"))
        }
    }
}

/// The user who is asked for; the root user where nobody is.
fn user<'a>(state: &'a mut State, wanted: Option<&str>) -> Result<&'a mut User, Rejection> {
    let is_wanted =
        |user: &&mut User| wanted.map_or(user.kind == UserKind::Root, |wanted| user.name == wanted);
    let found = state.users.iter_mut().find(is_wanted);
    found.ok_or(Rejection::new(404, "NoSuchEntity", "The user cannot be found"))
}

fn key<'a>(user: &'a mut User, id: Option<&str>) -> Result<&'a mut AccessKey, Rejection> {
    let found = user.keys.iter_mut().find(|key| Some(key.id.as_str()) == id);
    found.ok_or(Rejection::new(404, "NoSuchEntity", "The access key cannot be found"))
}
