//! Averages of closed months.

use std::io;
use std::time::Duration;

use jiff::Timestamp;

use crate::api::account_v2::history::{self, Range};
use crate::api::account_v2::{Client, MAX_MONTHS, contract};
use crate::api::{ApiError, Asked, Budget, Collect, Context, Endpoint, Reason, Zeros};
use crate::config::{Config, Poll};
use crate::model::{
    BucketHistory, Collected, Collector, Data, Dropped, Missing, Month, MonthTotal, MonthlyUsage, Settled,
    StatePart, SubAccountHistory,
};
use crate::saved::{Entries, Loaded, Object, ascending};
use crate::text::length;

/// The polls that follow the turn of a month are spread over this time.
const SPREAD_TURN: Duration = Duration::from_secs(60);

impl Collector {
    /// Averages of closed months.
    pub const MONTHLY_USAGE: Self = Self::new("monthly_usage", "Closed months");
}

impl Data for MonthlyUsage {
    const COLLECTOR: Collector = Collector::MONTHLY_USAGE;
    const PARTS: &'static [StatePart] = &[StatePart::MonthlyUsage, StatePart::Cost];
}

impl Collect for MonthlyUsage {
    type Api = Client;
    const ASKS: &'static [Asked] = &[Asked::new(
        Endpoint::MonthlyUsage,
        contract::MONTHLY_USAGE,
        "no closed months, and no cost of them",
    )];

    fn interval(poll: &Poll) -> Duration {
        poll.monthly_usage
    }

    /// Where months are asked for on both sides of those that are final, and one part again, it is two more.
    fn requests(config: &Config) -> u32 {
        config.history.months.div_ceil(MAX_MONTHS.unsigned_abs()) + 2
    }

    fn is_enabled(config: &Config) -> bool {
        config.history.months > 0
    }

    fn asks_otherwise(now: &Config, before: &Config) -> bool {
        now.series != before.series || now.history != before.history
    }

    fn due_early(context: &Context<'_>) -> Option<(Timestamp, Duration)> {
        Some((Month::of(context.now).plus(1).start(), SPREAD_TURN))
    }

    /// Every month of the history. Months that are final are not asked for again, so they stay although the vendor may have
    /// forgotten them. Where that is all of them, the newest is: a poll that asks nothing could not fail, and would say
    /// that the vendor can be reached when it cannot.
    ///
    /// A month is final by the vendor's clock as well as by this machine's, which may be wrong.
    async fn collect(client: &Client, context: Context<'_>) -> Result<Collected<Self>, ApiError> {
        let now = context.now;
        let window = context.config.history.window(now);
        let known = context.last::<Self>().filter(|known| known.settled.is_some()).unwrap_or_default();
        let before = known.settled.and_then(|settled| history::within(settled, window));
        let missing = history::missing(window, before);
        let ask = async |(first, last): Range| client.dated_months(first, last, Zeros::NoData).await;
        let nothing = || (Collected { data: Self::default(), dropped: Dropped::default() }, None);
        if missing.queries().is_empty() {
            let newest = (window.1, window.1);
            let (Collected { data: fresh, dropped }, _) = ask(newest).await?;
            let work = move || {
                let known = history::whole(&Self::default(), &known, before, Self::default());
                let all = if fresh.is_empty() { known } else { history::around(&known, fresh, newest) };
                Self { settled: before, ..all }
            };
            return Ok(Collected { data: apart(work).await?, dropped });
        }
        let (older, older_date) =
            if missing.older.0 > missing.older.1 { nothing() } else { ask(missing.older).await? };
        let (newer, newer_date) = ask(missing.newer).await?;
        let now = [older_date, newer_date].into_iter().flatten().fold(now, Timestamp::min);
        let mut dropped = older.dropped;
        dropped.merge(&newer.dropped);
        // 100,000 buckets would hold up every other task of this thread.
        let work = move || {
            let mut all = history::whole(&older.data, &known, before, newer.data);
            let asked = missing.queries();
            all.settled = history::settled(&all, &asked, before, now);
            let doubtful = history::doubtful(&all, &asked, before);
            (all, asked, doubtful)
        };
        let (all, asked, doubtful) = apart(work).await?;
        let Some(again) = doubtful else { return Ok(Collected { data: all, dropped }) };
        // Its first answer has counted already what could not be used.
        let fresh = ask(again).await?.0.data;
        let work = move || {
            let mut all = history::around(&all, fresh, again);
            all.settled = history::settled(&all, &history::refined(&asked, again), before, now);
            all
        };
        Ok(Collected { data: apart(work).await?, dropped })
    }

    fn summary(&self, _: Endpoint, _: Timestamp) -> String {
        match (
            self.months.iter().map(|total| total.month).min(),
            self.months.iter().map(|total| total.month).max(),
        ) {
            (Some(first), Some(last)) => format!("{}, {first} to {last}", length(self.months.len(), "month")),
            _ => "no month has data".to_owned(),
        }
    }

    /// Every month, though some of those that were known are asked for still.
    fn missing(&self, last: &Self, context: &Context<'_>) -> Missing {
        let (first, _) = context.config.history.window(context.now);
        let known = last.months.iter().filter(|total| self.is_empty() && total.month >= first);
        known.map(|total| total.month.to_string().into()).collect()
    }

    fn admit(&mut self, budget: &mut Budget<'_>) {
        let count = budget.counter();
        let month = MonthTotal { month: Month::of(Timestamp::UNIX_EPOCH), average_bytes: 0 };
        let bucket = BucketHistory { name: "".into(), months: [month].into() };
        let bucket = count(Self { buckets: vec![bucket], ..Self::default() }.into());
        let sub_account = SubAccountHistory { id: "".into(), name: "".into(), months: [month].into() };
        let sub_account = count(Self { sub_accounts: vec![sub_account], ..Self::default() }.into());
        let newest = |months: &[MonthTotal]| months.last().map_or(0, |month| month.average_bytes);
        budget.filter(&mut self.buckets, |item| &item.name, |item| bucket * item.months.len());
        budget.keep_largest(
            &mut self.sub_accounts,
            |item| newest(&item.months),
            |item| sub_account * item.months.len(),
        );
        budget.keep_largest(
            &mut self.buckets,
            |item| newest(&item.months),
            |item| bucket * item.months.len(),
        );
        if budget.is_cut() {
            // What was cut off is not known, and would come back with its new months alone.
            self.settled = None;
        }
    }

    fn series_changed(&mut self) {
        self.settled = None;
    }

    fn is_in_order(&self) -> bool {
        let months = |months: &[MonthTotal]| ascending(months, |total| &total.month);
        months(&self.months)
            && ascending(&self.buckets, |bucket| &bucket.name)
            && self.buckets.iter().all(|bucket| months(&bucket.months))
            && ascending(&self.sub_accounts, |sub_account| &sub_account.id)
            && self.sub_accounts.iter().all(|sub_account| months(&sub_account.months))
    }

    fn save(data: Option<&Self>, at: Timestamp, out: &mut Object<'_>) -> io::Result<()> {
        let Some(data) = data else { return Ok(()) };
        out.dated(Self::COLLECTOR.name(), at, data)?;
        out.entry("settled", &data.settled.map(|settled| (settled.first, settled.last)))
    }

    fn load(entries: &Entries<'_>) -> Loaded<Self> {
        let settled: Option<(Month, Month)> = entries.get("settled")?;
        let settled = settled.map(|(first, last)| Settled { first, last });
        entries.dated(Self::COLLECTOR.name(), |data: Self| Ok(Self { settled, ..data }))
    }
}

/// Does something where it holds up nothing else.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| {
        ApiError::new(Reason::Decode, Endpoint::MonthlyUsage, "the months could not be put together")
    })
}
