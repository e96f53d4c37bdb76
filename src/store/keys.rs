use jiff::Timestamp;

use super::AccountState;
use crate::model::{AccessKey, Timestamped, User, time_left};

/// One access key of an account.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyView<'a> {
    /// The name of the user that it belongs to.
    pub user: &'a str,
    /// The key.
    pub key: &'a AccessKey,
    /// When it is due for rotation; `None` for one that is switched off, whose age nobody knows, or without a limit.
    pub rotation_due: Option<Timestamp>,
}

impl KeyView<'_> {
    /// How it stands, for a person. It has no end, so it never "expires".
    #[must_use]
    pub fn words(&self, now: Timestamp) -> String {
        match (self.key.active, self.rotation_due) {
            (Some(false), _) => "Inactive".to_owned(),
            (_, Some(due)) if due <= now => format!("Due for rotation since {}", due.strftime("%Y-%m-%d")),
            (_, Some(due)) => format!("Due for rotation in {}", time_left(due, now)),
            (Some(true), None) => "Active".to_owned(),
            (None, None) => "Not known whether active".to_owned(),
        }
    }
}

impl AccountState {
    /// Every access key that is known at `now`, by the names of their users.
    pub fn access_keys(&self, now: Timestamp) -> impl Iterator<Item = KeyView<'_>> + Clone {
        self.key_views(self.good(now))
    }

    /// The same of the last list that came, whatever its age: a key does not get younger because the vendor cannot be asked.
    pub fn last_known_access_keys(&self) -> impl Iterator<Item = KeyView<'_>> + Clone {
        self.key_views(self.last_good())
    }

    fn key_views<'a>(
        &'a self,
        users: Option<Timestamped<&'a Vec<User>>>,
    ) -> impl Iterator<Item = KeyView<'a>> + Clone {
        let users = users.map(|good| good.data.iter()).into_iter().flatten();
        users.flat_map(move |user| user.keys.iter().map(move |key| self.key_view(user, key)))
    }

    /// One key of one of its users.
    #[must_use]
    pub fn key_view<'a>(&self, user: &'a User, key: &'a AccessKey) -> KeyView<'a> {
        KeyView { user: &user.name, key, rotation_due: key.rotation_due(self.spec.max_key_age) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::at;

    #[test]
    fn a_key_is_due_and_never_expired() {
        let now = at("2026-11-24T12:00:00Z");
        for (active, due, words) in [
            (Some(true), Some("2026-12-06T13:00:00Z"), "Due for rotation in 12 days"),
            (Some(true), Some("2026-11-24T12:59:59Z"), "Due for rotation in 59 minutes"),
            (Some(true), Some("2026-11-24T12:00:00Z"), "Due for rotation since 2026-11-24"),
            (Some(true), Some("2026-01-31T00:00:00Z"), "Due for rotation since 2026-01-31"),
            (Some(true), None, "Active"),
            (Some(false), None, "Inactive"),
            (None, None, "Not known whether active"),
        ] {
            let key = AccessKey { id: "AK".into(), active, created: None };
            let view = KeyView { user: "backup", key: &key, rotation_due: due.map(at) };
            assert_eq!(view.words(now), words);
        }
    }
}
