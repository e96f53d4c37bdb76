//! A clock in a hurry.

use std::time::Instant;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use lyve_cloud_exporter::clock::{Clock, after, until};

/// How many times faster than the world it runs.
pub(crate) const FACTOR: u32 = 1000;

/// The time of day, [`FACTOR`] times as fast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fast {
    origin: Timestamp,
    started: Instant,
}

impl Fast {
    pub(crate) fn new(origin: Timestamp) -> Self {
        Self { origin, started: Instant::now() }
    }
}

impl Clock for Fast {
    fn now(&self) -> Timestamp {
        after(self.origin, self.started.elapsed() * FACTOR)
    }

    fn sleep_until(&self, deadline: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let left = until(self.now(), deadline);
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left / FACTOR).await;
            }
        })
    }
}
