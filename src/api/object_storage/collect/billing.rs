//! Used space, objects and transfer by day.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Span, Timestamp};

use crate::api::object_storage::{Client, MAX_DAYS, contract};
use crate::api::{ApiError, Asked, Collect, Context, Endpoint, Reason};
use crate::config::{Config, History, Poll};
use crate::model::{Billing, Collected, Collector, Data, StatePart};
use crate::saved::ascending;
use crate::text::{length, size};

impl Collector {
    /// Used space, objects and transfer by day.
    pub const BILLING: Self = Self::new("billing", "Usage by day");
}

impl Data for Billing {
    const COLLECTOR: Collector = Collector::BILLING;
    const PARTS: &'static [StatePart] = &[StatePart::CurrentUsage, StatePart::MonthlyUsage, StatePart::Cost];
}

impl Collect for Billing {
    type Api = Client;
    const ASKS: &'static [Asked] = &[Asked {
        endpoint: Endpoint::Billing,
        contract: contract::BILLING,
        missed: "no usage, transfer and cost of the account; alerts on them cannot fire",
        denied: "Use the account's root key, or do without billing.",
    }];

    fn interval(poll: &Poll) -> Duration {
        poll.current_usage
    }

    fn requests(config: &Config) -> u32 {
        (config.history.months * 31).div_ceil(MAX_DAYS.unsigned_abs()) + 1
    }

    fn asks_otherwise(now: &Config, before: &Config) -> bool {
        now.history != before.history
    }

    async fn collect(client: &Client, context: Context<'_>) -> Result<Collected<Self>, ApiError> {
        let (first, last) = days(context.config.history, context.now);
        let answer = client.billing(first, last).await?;
        // The vendor fills days without data with zeros, so this is no account that was emptied: of that the days before
        // would tell.
        if let (None, Some(known)) =
            (answer.data.newest(), context.last::<Self>().and_then(|known| known.newest().copied()))
            && (first..=last).contains(&known.day)
        {
            let detail = format!(
                "no day has a figure any more, although {} had one; the last figure stays",
                known.day
            );
            return Err(ApiError::new(Reason::Decode, Endpoint::Billing, detail));
        }
        Ok(answer)
    }

    fn summary(&self, _: Endpoint, _: Timestamp) -> String {
        let newest = self.newest();
        let used = newest.and_then(|day| day.used_bytes).map(size);
        let parts = [Some(length(self.days.len(), "day")), newest.map(|day| format!("to {}", day.day)), used];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn is_in_order(&self) -> bool {
        ascending(&self.days, |day| &day.day)
            && ascending(&self.regions, |region| &region.region)
            && self.regions.iter().all(|region| ascending(&region.days, |day| &day.day))
    }
}

/// The days to ask for at `now`, UTC: from the first of the closed months that the history has, and never less than a week,
/// as the vendor may be late; to the day that is not over.
fn days(history: History, now: Timestamp) -> (Date, Date) {
    let day = |at: Timestamp| Offset::UTC.to_datetime(at).date();
    let today = day(now);
    let week = today.saturating_sub(Span::new().days(7));
    (day(history.window(now).0.start()).min(week), today)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_with_the_oldest_month_and_never_less_than_a_week_ago() {
        for (now, months, first, last) in [
            ("2026-11-24T23:59:59Z", 6, "2026-05-01", "2026-11-24"),
            ("2026-12-01T00:00:00Z", 6, "2026-06-01", "2026-12-01"),
            ("2027-01-01T00:00:00Z", 1, "2026-12-01", "2027-01-01"),
            ("2026-11-24T12:00:00Z", 0, "2026-11-01", "2026-11-24"),
            ("2026-11-02T12:00:00Z", 0, "2026-10-26", "2026-11-02"),
            ("2028-03-01T12:00:00Z", 0, "2028-02-23", "2028-03-01"),
        ] {
            let found = days(History { months }, now.parse().unwrap());
            assert_eq!(found, (first.parse().unwrap(), last.parse().unwrap()), "{now}, {months}");
        }
    }
}
