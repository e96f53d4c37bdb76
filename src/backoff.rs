//! How long to wait after failures in a row, wherever something is tried again.

use std::time::Duration;

use crate::model::Reason;

/// How long to wait after failures in a row: doubling from `min` to `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub min: Duration,
    /// At most.
    pub max: Duration,
}

/// The longest wait that a vendor can ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

impl Backoff {
    /// A task that panicked is started again.
    pub const RESTART: Self = Self::seconds(1, 300);

    /// Rejected credentials are tried again.
    pub const REJECTION: Self = Self::seconds(60, 3600);

    /// A backfill asks again. Short, as somebody waits; what the vendor asks for is longer, if anything.
    pub const BACKFILL: Self = Self::seconds(2, 60);

    /// A collector with this interval is polled again.
    #[must_use]
    pub const fn poll(interval: Duration) -> Self {
        Self { min: Duration::from_secs(30), max: interval }
    }

    const fn seconds(min: u64, max: u64) -> Self {
        Self { min: Duration::from_secs(min), max: Duration::from_secs(max) }
    }

    /// The wait after `failures` failures in a row; at least `min`, which wins over a smaller `max`.
    #[must_use]
    pub fn delay(&self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.min.saturating_mul(factor).min(self.max).max(self.min.min(self.max))
    }

    /// The wait after `failures` failures in a row, the last of which was for `reason`.
    ///
    /// What the vendor will say again to the same request waits for the longest time; a vendor's own wish is granted
    /// up to an hour, and never shortens the wait.
    #[must_use]
    pub fn after(&self, reason: Reason, retry_after: Option<Duration>, failures: u32) -> Duration {
        let own = match reason {
            Reason::Forbidden | Reason::Request => self.max,
            Reason::Auth
            | Reason::RateLimited
            | Reason::Timeout
            | Reason::Connect
            | Reason::Tls
            | Reason::Server
            | Reason::Decode => self.delay(failures),
        };
        own.max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff::poll(Duration::from_secs(900));

    #[test]
    fn doubles_up_to_the_longest() {
        let delays: Vec<_> =
            [1, 2, 3, 5, 6, 33, u32::MAX].map(|failures| BACKOFF.delay(failures).as_secs()).into();
        assert_eq!(delays, [30, 60, 120, 480, 900, 900, 900]);
        let short = Backoff { max: Duration::from_secs(5), ..BACKOFF };
        assert_eq!(short.delay(1), Duration::from_secs(5));
    }

    #[test]
    fn what_will_fail_again_is_not_repeated_early() {
        for (reason, seconds) in [(Reason::Request, 900), (Reason::Forbidden, 900), (Reason::Server, 30)] {
            assert_eq!(BACKOFF.after(reason, None, 1).as_secs(), seconds, "{reason:?}");
        }
    }

    #[test]
    fn a_wish_of_the_vendor_lengthens_the_wait_within_bounds() {
        let after =
            |seconds| BACKOFF.after(Reason::RateLimited, Some(Duration::from_secs(seconds)), 1).as_secs();
        assert_eq!([0, 120, 99_999].map(after), [30, 120, 3600]);
    }
}
