//! The buckets with their sizes.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::object_storage::{Client, contract};
use crate::api::{ApiError, Asked, Budget, Collect, Context, Endpoint};
use crate::config::{Config, Poll};
use crate::model::{Bucket, Buckets, Collected, Collector, Data, Missing, StatePart};
use crate::saved::ascending;
use crate::text::{count, size};

impl Collector {
    /// The buckets with their sizes.
    pub const BUCKETS: Self = Self::new("buckets", "Buckets");
}

impl Data for Buckets {
    const COLLECTOR: Collector = Collector::BUCKETS;
    const PARTS: &'static [StatePart] = &[StatePart::CurrentUsage];
}

impl Collect for Buckets {
    type Api = Client;
    const ASKS: &'static [Asked] = &[
        Asked::new(Endpoint::ListBuckets, contract::LIST_BUCKETS, "no metrics of buckets"),
        Asked::new(Endpoint::BucketStats, contract::BUCKET_STATS, "no metrics of buckets"),
    ];

    fn interval(poll: &Poll) -> Duration {
        poll.inventory
    }

    fn requests(_: &Config) -> u32 {
        2
    }

    fn asks_otherwise(now: &Config, before: &Config) -> bool {
        now.series != before.series
    }

    async fn collect(client: &Client, _: Context<'_>) -> Result<Collected<Self>, ApiError> {
        client.buckets().await
    }

    fn summary(&self, endpoint: Endpoint, _: Timestamp) -> String {
        if endpoint == Endpoint::ListBuckets {
            return count(self.count, "bucket");
        }
        let bytes = self.buckets.iter().filter_map(|bucket| bucket.size_bytes);
        format!("{} in them", size(bytes.fold(0, u64::saturating_add)))
    }

    /// All buckets, or the figures of all that are still there.
    fn missing(&self, last: &Self, _: &Context<'_>) -> Missing {
        let figure = |bucket: &Bucket| bucket.size_bytes.or(bucket.objects);
        let had_one = |bucket: &&Bucket| {
            let index = last.buckets.binary_search_by(|known| known.name.cmp(&bucket.name));
            index.is_ok_and(|index| figure(&last.buckets[index]).is_some())
        };
        let lacks = [
            ("buckets", self.count == 0 && last.count > 0),
            (
                "figures",
                self.buckets.iter().all(|bucket| figure(bucket).is_none())
                    && self.buckets.iter().any(|bucket| had_one(&bucket)),
            ),
        ];
        lacks.into_iter().filter(|(_, lacks)| *lacks).map(|(name, _)| name.into()).collect()
    }

    fn admit(&mut self, budget: &mut Budget<'_>) {
        let count = budget.counter();
        let all = |buckets| count(Self { count: 0, buckets }.into());
        let of = |size_bytes, objects| {
            all(vec![Bucket { name: "".into(), size_bytes, objects }]).saturating_sub(all(Vec::new()))
        };
        let (size, objects) = (of(Some(0), None), of(None, Some(0)));
        let series =
            |bucket: &Bucket| bucket.size_bytes.map_or(0, |_| size) + bucket.objects.map_or(0, |_| objects);
        budget.filter(&mut self.buckets, |bucket| &bucket.name, series);
        budget.keep_largest(&mut self.buckets, |bucket| bucket.size_bytes.unwrap_or(0), series);
    }

    fn is_in_order(&self) -> bool {
        ascending(&self.buckets, |bucket| &bucket.name)
    }
}
