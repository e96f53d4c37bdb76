//! Used space, objects and transfer by day.

use std::io;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Span, Timestamp};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::api::object_storage::{Client, MAX_DAYS};
use crate::api::{ApiError, Collect, Context, Endpoint};
use crate::config::{Config, History, Poll};
use crate::model::{Answer, BilledDay, Billing, Collector, Data, Part, RegionTransfer, TransferDay};
use crate::saved::{Entries, List, Loaded, Object, ascending};
use crate::text::Text;

impl Collector {
    /// Used space, objects and transfer by day.
    pub const BILLING: Self = Self::new("billing", "Usage by day");
}

impl Data for Billing {
    const COLLECTOR: Collector = Collector::BILLING;
    const PARTS: &'static [Part] = &[Part::CurrentUsage, Part::MonthlyUsage, Part::Cost];
}

impl Collect for Billing {
    type Api = Client;
    const ENDPOINT: Endpoint = Endpoint::Billing;
    const RIGHTS: &'static [Endpoint] = &[Endpoint::Billing];

    fn interval(poll: &Poll) -> Duration {
        poll.current_usage
    }

    fn requests(config: &Config) -> u32 {
        (config.history.months * 31).div_ceil(MAX_DAYS.unsigned_abs()) + 1
    }

    fn asks_otherwise(now: &Config, before: &Config) -> bool {
        now.history != before.history
    }

    async fn collect(client: &Client, context: Context<'_>) -> Result<Answer<Self>, ApiError> {
        let (first, last) = days(context.config.history, context.now);
        client.billing(first, last).await
    }

    fn save(data: Option<&Self>, at: Timestamp, out: &mut Object<'_>) -> io::Result<()> {
        data.map_or(Ok(()), |data| out.dated(Self::COLLECTOR.name(), at, BillingOut(data)))
    }

    fn load(entries: &Entries<'_>) -> Loaded<Self> {
        entries.dated(Self::COLLECTOR.name(), BillingIn::billing)
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

/// Day, used bytes, ghost bytes, objects; or day, upload, download and delete bytes.
type DayRecord = (Text<Date>, Option<u64>, Option<u64>, Option<u64>);

struct BillingOut<'a>(&'a Billing);

impl Serialize for BillingOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Billing { first, last, days, regions } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("first", &Text(first))?;
        map.serialize_entry("last", &Text(last))?;
        let day = |day: &BilledDay| (Text(day.day), day.used_bytes, day.ghost_bytes, day.objects);
        map.serialize_entry("days", &List(days, day))?;
        map.serialize_entry("regions", &List(regions, |region| (&*region.region, transfers(&region.days))))?;
        map.end()
    }
}

fn transfers(days: &[TransferDay]) -> List<'_, TransferDay, DayRecord> {
    List(days, |day| (Text(day.day), day.upload_bytes, day.download_bytes, day.delete_bytes))
}

#[derive(Deserialize)]
struct BillingIn {
    first: Text<Date>,
    last: Text<Date>,
    days: Vec<DayRecord>,
    regions: Vec<(Box<str>, Vec<DayRecord>)>,
}

impl BillingIn {
    fn billing(self) -> Result<Billing, String> {
        let day = |(Text(day), used_bytes, ghost_bytes, objects): DayRecord| BilledDay {
            day,
            used_bytes,
            ghost_bytes,
            objects,
        };
        let transfer = |(Text(day), upload_bytes, download_bytes, delete_bytes): DayRecord| TransferDay {
            day,
            upload_bytes,
            download_bytes,
            delete_bytes,
        };
        let regions = self.regions.into_iter().map(|(region, days)| {
            let days = ascending(days.into_iter().map(transfer), |transfer| &transfer.day)?;
            Ok(RegionTransfer { region, days: days.into() })
        });
        let regions: Vec<_> = regions.collect::<Result<_, String>>()?;
        Ok(Billing {
            first: self.first.0,
            last: self.last.0,
            days: ascending(self.days.into_iter().map(day), |day| &day.day)?,
            regions: ascending(regions.into_iter(), |region| &region.region)?,
        })
    }
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
