use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::saved::as_list;

/// The buckets of an account of Lyve Cloud Object Storage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buckets {
    /// How many there are, also where the configuration leaves some of them out.
    pub count: u64,
    /// Each bucket, in the order of their names, each name once.
    pub buckets: Vec<Bucket>,
}

/// One bucket.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Bucket {
    /// Its name, which is its identity.
    pub name: Box<str>,
    /// Bytes. The sizes of all buckets do not add up to what is billed (seen on the wire).
    pub size_bytes: Option<u64>,
    /// How many objects it holds.
    pub objects: Option<u64>,
}

as_list!(Bucket { name, size_bytes, objects });

/// A user of an account, with the keys that belong to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its name, which is its identity.
    pub name: Box<str>,
    /// What it is, in the vendor's words: `root`, `admin` or `user`; empty where that is not known.
    pub kind: Box<str>,
    /// Whether it has to choose a new password.
    pub password_change_required: Option<bool>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Its access keys, in the order of their ids, each id once.
    pub keys: Vec<AccessKey>,
}

/// An access key: the half of a pair that is no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// Its id, which is what programs send beside their signature.
    pub id: Box<str>,
    /// Whether it is switched on.
    pub active: Option<bool>,
    /// When it was made.
    pub created: Option<Timestamp>,
}

impl AccessKey {
    /// When it is due for rotation, by the age that the operator allows; `None` for one that is switched off, or whose age
    /// nobody knows.
    #[must_use]
    pub fn rotation_due(&self, max_age: Option<Duration>) -> Option<Timestamp> {
        self.created.filter(|_| self.active == Some(true)).zip(max_age).map(|(at, age)| clock::after(at, age))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_active_key_of_known_age_is_due_for_rotation() {
        let key = |active, created: Option<&str>| AccessKey {
            id: "AK".into(),
            active,
            created: created.map(|text| text.parse().unwrap()),
        };
        let day = Some(Duration::from_secs(86_400));
        let made = Some("2026-11-01T12:00:00Z");
        let due = "2026-11-02T12:00:00Z".parse().unwrap();
        assert_eq!(key(Some(true), made).rotation_due(day), Some(due));
        assert_eq!(key(Some(true), made).rotation_due(None), None);
        assert_eq!(key(Some(false), made).rotation_due(day), None);
        assert_eq!(key(None, made).rotation_due(day), None);
        assert_eq!(key(Some(true), None).rotation_due(day), None);
    }
}
