use std::collections::BTreeMap;

use strum::VariantArray;

/// Why a listed thing got no series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, VariantArray)]
pub enum DropReason {
    /// The configuration's filters leave it out.
    Filtered,
    /// The account has more of them than the configuration allows.
    Limit,
    /// The answer listed it before; the first one is kept.
    Duplicate,
    /// It has no identity, or its figure is negative or absurd.
    Invalid,
}

impl DropReason {
    /// Every reason, in the order in which they are shown.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The value of the `reason` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Filtered => "filtered",
            Self::Limit => "limit",
            Self::Duplicate => "duplicate",
            Self::Invalid => "invalid",
        }
    }
}

/// How many listed things got no series, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped(BTreeMap<DropReason, u64>);

impl Dropped {
    /// Counts `count` more things dropped for `reason`.
    pub fn add(&mut self, reason: DropReason, count: u64) {
        if count > 0 {
            let total = self.0.entry(reason).or_default();
            *total = total.saturating_add(count);
        }
    }

    /// How many were dropped for `reason`.
    #[must_use]
    pub fn get(&self, reason: DropReason) -> u64 {
        self.0.get(&reason).copied().unwrap_or_default()
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        for (&reason, &count) in &other.0 {
            self.add(reason, count);
        }
    }
}

/// What an answer lacks that was there before, by name or id.
pub type Missing = std::collections::BTreeSet<Box<str>>;

/// What one collector got: the data, and what of the answer could not be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Collected<T> {
    /// The data.
    pub data: T,
    /// What was left out of it.
    pub dropped: Dropped,
}

impl<T> Collected<T> {
    /// The same answer with its data changed.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Collected<U> {
        Collected { data: change(self.data), dropped: self.dropped }
    }
}
