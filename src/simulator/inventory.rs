use jiff::Timestamp;
use jiff::civil::Date;

use super::Usage;

/// A sub-account of a simulated master account.
#[derive(Clone, Debug)]
pub struct SubAccount {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) usage: Usage,
    pub(super) users: u64,
    pub(super) service_accounts: u64,
    pub(super) buckets: u64,
    pub(super) trial: Trial,
    pub(super) created: String,
}

/// How a sub-account's trial stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trial {
    None,
    Days(i64),
    Until(Timestamp),
}

impl SubAccount {
    /// A sub-account that holds `usage`, with nobody in it and no trial.
    pub fn new(id: &str, name: &str, usage: impl Into<Usage>) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            usage: usage.into(),
            users: 0,
            service_accounts: 0,
            buckets: 0,
            trial: Trial::None,
            created: "2022-10-16T14:06:51.494Z".to_owned(),
        }
    }

    /// With so many users, service accounts and buckets.
    #[must_use]
    pub fn counts(mut self, users: u64, service_accounts: u64, buckets: u64) -> Self {
        self.users = users;
        self.service_accounts = service_accounts;
        self.buckets = buckets;
        self
    }

    /// With a trial that has so many days left, whatever the clock says.
    #[must_use]
    pub fn trial_days(mut self, days: i64) -> Self {
        self.trial = Trial::Days(days);
        self
    }

    /// With a trial that ends at an instant; its days left follow the clock.
    #[must_use]
    pub fn trial_until(mut self, end: Timestamp) -> Self {
        self.trial = Trial::Until(end);
        self
    }

    /// Created at this time, in the very text of the wire.
    #[must_use]
    pub fn created(mut self, text: &str) -> Self {
        text.clone_into(&mut self.created);
        self
    }

    /// What the wire says of the trial: days left, -1 for none (vendor guide).
    pub(super) fn trial_on_the_wire(&self, now: Timestamp) -> i64 {
        const DAY_SECONDS: i64 = 86_400;
        match self.trial {
            Trial::None => -1,
            Trial::Days(days) => days,
            Trial::Until(end) => {
                let left = end.as_second() - now.as_second();
                left.max(0).saturating_add(DAY_SECONDS - 1) / DAY_SECONDS
            }
        }
    }
}

/// What the wire says of a service account's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpirationDate {
    /// There is no such field, as on the pages of the vendor's guide.
    Missing,
    /// `null`.
    Null,
    /// `""`: it never ends (seen on the wire).
    Never,
    /// A date, `2022-11-15`.
    On(Date),
    /// An instant, RFC 3339.
    At(Timestamp),
    /// This very text.
    Text(String),
}

impl From<Date> for ExpirationDate {
    fn from(date: Date) -> Self {
        Self::On(date)
    }
}

impl From<Timestamp> for ExpirationDate {
    fn from(instant: Timestamp) -> Self {
        Self::At(instant)
    }
}

/// From when on something has spread to all regions.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ready {
    Always,
    Never,
    From(Timestamp),
}

impl Ready {
    pub(super) fn at(self, now: Timestamp) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::From(instant) => instant <= now,
        }
    }
}

/// The access key and the secret of a service account that was created through the API.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct IssuedPair {
    pub(super) access_key: String,
    pub(super) secret: String,
}

/// It shows nothing of what is inside.
impl std::fmt::Debug for IssuedPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedPair").finish_non_exhaustive()
    }
}

/// A simulated service account.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) enabled: bool,
    pub(super) ready: Ready,
    pub(super) expiration_date: ExpirationDate,
    pub(super) permissions: Vec<String>,
    pub(super) pair: Option<IssuedPair>,
}

impl ServiceAccount {
    /// A service account that is enabled, ready, and never ends.
    #[must_use]
    pub fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            description: String::new(),
            enabled: true,
            ready: Ready::Always,
            expiration_date: ExpirationDate::Never,
            permissions: Vec::new(),
            pair: None,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is said of it.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Whether its pair works.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// The ids of its permissions.
    #[must_use]
    pub fn permissions(&self) -> &[String] {
        &self.permissions
    }

    /// Its access key and secret, where it was created through the API.
    #[must_use]
    pub fn pair(&self) -> Option<(&str, &str)> {
        self.pair.as_ref().map(|pair| (pair.access_key.as_str(), pair.secret.as_str()))
    }

    /// With a description.
    #[must_use]
    pub fn described(mut self, description: &str) -> Self {
        description.clone_into(&mut self.description);
        self
    }

    /// Switched off by an administrator.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.enabled = false;
        self
    }

    /// Not yet spread to all regions.
    #[must_use]
    pub fn not_ready(mut self) -> Self {
        self.ready = Ready::Never;
        self
    }

    /// With an end.
    #[must_use]
    pub fn expires(mut self, date: impl Into<ExpirationDate>) -> Self {
        self.expiration_date = date.into();
        self
    }

    /// With a permission, by its id.
    #[must_use]
    pub fn permission(mut self, id: &str) -> Self {
        self.permissions.push(id.to_owned());
        self
    }
}

/// What a permission allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actions {
    /// Everything.
    AllOperations,
    /// Reading.
    ReadOnly,
    /// Writing.
    WriteOnly,
}

/// A simulated permission.
#[derive(Clone, Debug)]
pub struct Permission {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) ready: Ready,
    pub(super) scope: Scope,
    pub(super) created: String,
}

/// What a permission covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    AllBuckets(Actions),
    BucketPrefix(String, Actions),
    BucketNames(Vec<String>, Actions),
    Policy(String),
}

impl Permission {
    pub(super) fn new(id: &str, name: &str, scope: Scope) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            description: String::new(),
            ready: Ready::Always,
            scope,
            created: "2022-10-16T14:06:51.494Z".to_owned(),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For every bucket.
    #[must_use]
    pub fn all_buckets(id: &str, name: &str, actions: Actions) -> Self {
        Self::new(id, name, Scope::AllBuckets(actions))
    }

    /// For the buckets whose names start with `prefix`.
    #[must_use]
    pub fn bucket_prefix(id: &str, name: &str, prefix: &str, actions: Actions) -> Self {
        Self::new(id, name, Scope::BucketPrefix(prefix.to_owned(), actions))
    }

    /// For these buckets.
    #[must_use]
    pub fn bucket_names(id: &str, name: &str, buckets: &[&str], actions: Actions) -> Self {
        let buckets = buckets.iter().map(|bucket| (*bucket).to_owned()).collect();
        Self::new(id, name, Scope::BucketNames(buckets, actions))
    }

    /// What a policy document says.
    #[must_use]
    pub fn policy(id: &str, name: &str, document: &str) -> Self {
        Self::new(id, name, Scope::Policy(document.to_owned()))
    }

    /// With a description.
    #[must_use]
    pub fn described(mut self, description: &str) -> Self {
        description.clone_into(&mut self.description);
        self
    }

    /// Not yet spread to all regions.
    #[must_use]
    pub fn not_ready(mut self) -> Self {
        self.ready = Ready::Never;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_counts_down_with_the_clock_and_stops_at_zero() {
        let account = SubAccount::new("8d1c", "emea", 1.0);
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(account.trial_on_the_wire(at("2026-11-24T12:00:00Z")), -1);
        let account = account.trial_until(at("2026-12-01T00:00:00Z"));
        assert_eq!(account.trial_on_the_wire(at("2026-11-24T12:00:00Z")), 7);
        assert_eq!(account.trial_on_the_wire(at("2026-11-30T00:00:00Z")), 1);
        assert_eq!(account.trial_on_the_wire(at("2026-12-25T00:00:00Z")), 0);
        assert_eq!(account.trial_days(30).trial_on_the_wire(at("2026-12-25T00:00:00Z")), 30);
    }
}
