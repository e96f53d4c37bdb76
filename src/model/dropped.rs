/// Why a listed thing got no series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    pub const ALL: [Self; 4] = [Self::Filtered, Self::Limit, Self::Duplicate, Self::Invalid];

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped([u64; DropReason::ALL.len()]);

impl Dropped {
    /// Counts `count` more things dropped for `reason`.
    pub const fn add(&mut self, reason: DropReason, count: u64) {
        self.0[reason as usize] = self.0[reason as usize].saturating_add(count);
    }

    /// How many were dropped for `reason`.
    #[must_use]
    pub const fn get(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: Self) {
        for reason in DropReason::ALL {
            self.add(reason, other.get(reason));
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
