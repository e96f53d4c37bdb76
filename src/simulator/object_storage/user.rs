use jiff::Timestamp;

/// A user of a simulated account.
#[derive(Clone, Debug)]
pub struct User {
    pub(super) name: String,
    pub(super) kind: UserKind,
    pub(super) created: Timestamp,
    pub(super) last_access: Option<Timestamp>,
    pub(super) must_change_password: bool,
    pub(super) keys: Vec<AccessKey>,
}

/// What a user may do, as the vendor names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserKind {
    /// The owner of the account. It is in no answer to `ListUsers`.
    Root,
    /// An administrator.
    Admin,
    /// Anybody else.
    User,
}

impl UserKind {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Admin => "admin",
            Self::User => "user",
        }
    }
}

impl User {
    /// A plain user without keys, who never logged in.
    #[must_use]
    pub fn new(name: &str, created: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            kind: UserKind::User,
            created,
            last_access: None,
            must_change_password: false,
            keys: Vec::new(),
        }
    }

    /// Of this kind.
    #[must_use]
    pub fn kind(mut self, kind: UserKind) -> Self {
        self.kind = kind;
        self
    }

    /// Was here at this time.
    #[must_use]
    pub fn last_access(mut self, time: Timestamp) -> Self {
        self.last_access = Some(time);
        self
    }

    /// Must choose another password at the next visit.
    #[must_use]
    pub fn must_change_password(mut self) -> Self {
        self.must_change_password = true;
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its access keys: id, whether it is active, and the secret of one that was created through the API.
    #[must_use]
    pub fn keys(&self) -> Vec<(&str, bool, Option<&str>)> {
        self.keys.iter().map(|key| (key.id.as_str(), key.is_active, key.secret.as_deref())).collect()
    }

    /// With an active access key.
    #[must_use]
    pub fn key(mut self, id: &str, created: Timestamp) -> Self {
        self.keys.push(AccessKey { id: id.to_owned(), is_active: true, created, secret: None });
        self
    }

    /// With an access key that was switched off.
    #[must_use]
    pub fn inactive_key(mut self, id: &str, created: Timestamp) -> Self {
        self.keys.push(AccessKey { id: id.to_owned(), is_active: false, created, secret: None });
        self
    }
}

/// An access key. Its secret is in the answer to its creation alone.
#[derive(Clone)]
pub(super) struct AccessKey {
    pub(super) id: String,
    pub(super) is_active: bool,
    pub(super) created: Timestamp,
    pub(super) secret: Option<String>,
}

/// It shows nothing of its secret.
impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl AccessKey {
    pub(super) const fn status(&self) -> &'static str {
        if self.is_active { "Active" } else { "Inactive" }
    }
}
