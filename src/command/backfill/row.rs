use std::fmt::{self, Display};
use std::ops::Range;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::model::{BilledDay, Billing, Month, MonthTotal, MonthlyUsage, PastUsage};
use crate::text::Text;

/// What the figures of a row are of. Rows of one subject stand together, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Subject {
    /// The account's own buckets together: averages of months.
    Account,
    /// One bucket, its name: averages of months.
    Bucket,
    /// One sub-account, its id, and its name in the newest month of the answer: averages of months.
    SubAccount,
    /// What the account stores on each day.
    Used,
    /// What was deleted and is still billed on each day.
    Ghost,
    /// How many objects the account stores on each day.
    Objects,
}

/// One thing of an answer with its figures. On the disk it is one line of JSON.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Row(pub(super) Subject, pub(super) Vec<Box<str>>, pub(super) Vec<Figure>);

/// A time and its figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Figure(pub(super) Text<Time>, pub(super) u64);

/// What a figure is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// A whole month. Written `2026-10`.
    Month(Month),
    /// One day, UTC. Written `2026-10-31`.
    Day(Date),
}

impl Time {
    /// From when to when it is, seconds since 1970.
    pub(super) fn seconds(self) -> Range<i64> {
        let second = |day: Date| clock::utc(day.at(0, 0, 0, 0)).as_second();
        match self {
            Self::Month(month) => month.start().as_second()..month.plus(1).start().as_second(),
            Self::Day(day) => second(day)..second(day.tomorrow().unwrap_or(day)),
        }
    }
}

impl Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Month(month) => month.fmt(f),
            Self::Day(day) => day.fmt(f),
        }
    }
}

impl FromStr for Time {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let month = text.parse().map(Self::Month);
        month.or_else(|_| text.parse().map(Self::Day)).map_err(|_| "neither a month nor a day")
    }
}

/// The rows of what an API answered, subject by subject, figures oldest first.
pub(super) fn rows(usage: &PastUsage) -> Box<dyn Iterator<Item = Row> + '_> {
    match usage {
        PastUsage::Months(usage) => Box::new(months(usage)),
        PastUsage::Days(billing) => Box::new(days(billing)),
    }
}

fn months(usage: &MonthlyUsage) -> impl Iterator<Item = Row> {
    let account =
        (!usage.months.is_empty()).then(|| Row(Subject::Account, Vec::new(), averages(&usage.months)));
    let buckets = usage
        .buckets
        .iter()
        .map(|bucket| Row(Subject::Bucket, vec![bucket.name.clone()], averages(&bucket.months)));
    let sub_accounts = usage
        .sub_accounts
        .iter()
        .map(|sub| Row(Subject::SubAccount, vec![sub.id.clone(), sub.name.clone()], averages(&sub.months)));
    account.into_iter().chain(buckets).chain(sub_accounts)
}

fn averages(months: &[MonthTotal]) -> Vec<Figure> {
    months.iter().map(|total| Figure(Text(Time::Month(total.month)), total.average_bytes)).collect()
}

fn days(billing: &Billing) -> impl Iterator<Item = Row> {
    let each = |value: fn(&BilledDay) -> Option<u64>| -> Vec<Figure> {
        billing.days.iter().filter_map(|day| Some(Figure(Text(Time::Day(day.day)), value(day)?))).collect()
    };
    let rows = [
        (Subject::Account, averages(&billing.months())),
        (Subject::Used, each(|day| day.used_bytes)),
        (Subject::Ghost, each(|day| day.ghost_bytes)),
        (Subject::Objects, each(|day| day.objects)),
    ];
    rows.into_iter()
        .filter(|(_, figures)| !figures.is_empty())
        .map(|(kind, figures)| Row(kind, Vec::new(), figures))
}
