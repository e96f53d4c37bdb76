use std::ops::{Index, IndexMut};

/// One kind of data that is polled on its own schedule and fails on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Collector {
    /// Usage of the month to date.
    CurrentUsage,
    /// Averages of closed months.
    MonthlyUsage,
    /// The account's own API credentials: the session's life and the last accepted login.
    Credentials,
    /// The account's service accounts, with their expiry.
    ServiceAccounts,
    /// The account's permissions.
    Permissions,
    /// Used space, objects and transfer by day.
    Billing,
    /// The buckets with their sizes.
    Buckets,
    /// The users and their access keys.
    Keys,
}

impl Collector {
    /// Every collector, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::CurrentUsage,
        Self::MonthlyUsage,
        Self::Credentials,
        Self::ServiceAccounts,
        Self::Permissions,
        Self::Billing,
        Self::Buckets,
        Self::Keys,
    ];

    /// Those of the Account API v2.
    pub const ACCOUNT_V2: [Self; 5] =
        [Self::CurrentUsage, Self::MonthlyUsage, Self::Credentials, Self::ServiceAccounts, Self::Permissions];

    /// Those of the platform since 2024.
    pub const OBJECT_STORAGE: [Self; 3] = [Self::Billing, Self::Buckets, Self::Keys];

    /// The name in labels, logs and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CurrentUsage => "current_usage",
            Self::MonthlyUsage => "monthly_usage",
            Self::Credentials => "credentials",
            Self::ServiceAccounts => "service_accounts",
            Self::Permissions => "permissions",
            Self::Billing => "billing",
            Self::Buckets => "buckets",
            Self::Keys => "keys",
        }
    }
}

impl std::fmt::Display for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One value for each collector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PerCollector<T>([T; Collector::ALL.len()]);

impl<T> Index<Collector> for PerCollector<T> {
    type Output = T;

    fn index(&self, collector: Collector) -> &T {
        &self.0[collector as usize]
    }
}

impl<T> IndexMut<Collector> for PerCollector<T> {
    fn index_mut(&mut self, collector: Collector) -> &mut T {
        &mut self.0[collector as usize]
    }
}
