//! Usage as it is shown, whichever of the vendor's APIs it comes from.

use std::borrow::Cow;

use jiff::Timestamp;

use super::AccountState;
use crate::model::{Billing, Buckets, CurrentUsage, Month, MonthTotal, MonthlyUsage};

/// What an account stores now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageNow {
    /// Bytes: the month to date, or the used space of the newest whole day that has figures.
    pub bytes: u64,
    /// When the vendor was asked.
    pub at: Timestamp,
    /// The month that it is a figure of, UTC.
    pub month: Month,
}

/// What a bucket holds now. What is not known is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketNow<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its size, bytes.
    pub bytes: Option<u64>,
    /// How many objects it holds.
    pub objects: Option<u64>,
}

impl AccountState {
    /// What the account stores, unless it is not known, or too old to be shown at `now`.
    #[must_use]
    pub fn usage_now(&self, now: Timestamp) -> Option<UsageNow> {
        if let Some(good) = self.good::<Billing>(now) {
            let day = good.data.newest()?;
            return Some(UsageNow { bytes: day.used_bytes?, at: good.at, month: Month::of_date(day.day) });
        }
        let good = self.good::<CurrentUsage>(now)?;
        Some(UsageNow { bytes: good.data.usage_bytes?, at: good.at, month: Month::of(good.at) })
    }

    /// How many buckets the account has, unless that is not known, or too old to be shown at `now`.
    #[must_use]
    pub fn bucket_count(&self, now: Timestamp) -> Option<u64> {
        match self.good::<Buckets>(now) {
            Some(good) => Some(good.data.count),
            None => self.good::<CurrentUsage>(now)?.data.bucket_count,
        }
    }

    /// The buckets that are listed, in the order of their names, unless they are too old to be shown at `now`.
    pub fn buckets_now(&self, now: Timestamp) -> impl Iterator<Item = BucketNow<'_>> + Clone + use<'_> {
        let by_month = self.good::<CurrentUsage>(now).into_iter().flat_map(|good| &good.data.buckets);
        let by_day = self.good::<Buckets>(now).into_iter().flat_map(|good| &good.data.buckets);
        let by_month = by_month.map(|bucket| BucketNow {
            name: &bucket.name,
            bytes: Some(bucket.usage_bytes),
            objects: None,
        });
        by_month.chain(by_day.map(|bucket| BucketNow {
            name: &bucket.name,
            bytes: bucket.size_bytes,
            objects: bucket.objects,
        }))
    }

    /// The averages of the closed months, oldest first, unless they are too old to be shown at `now`.
    #[must_use]
    pub fn closed_months(&self, now: Timestamp) -> Cow<'_, [MonthTotal]> {
        match (self.good::<Billing>(now), self.good::<MonthlyUsage>(now)) {
            (Some(good), _) => Cow::Owned(good.data.months()),
            (None, Some(good)) => Cow::Borrowed(&good.data.months),
            (None, None) => Cow::Borrowed(&[]),
        }
    }
}
