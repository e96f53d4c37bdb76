//! Pictures, as SVG without any text that would shrink with it on a phone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use maud::{Markup, html};

use super::words;
use crate::model::{Month, MonthTotal};
use crate::store::RecentUsage;

/// The most months that are drawn; older ones are in the metrics.
const MONTHS: usize = 24;

/// The most places for months, those without data as well.
const PLACES: i32 = 48;

/// The most labels under a chart that a phone has room for.
const LABELS: usize = 8;

/// `part` of `whole` in percent, at most 100.
#[allow(clippy::cast_precision_loss, reason = "it is drawn")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 100.0).min(100.0) }
}

/// A bar as long as `part` is of `whole`. The figure beside it says the same, so that it is not read out.
pub(super) fn bar(part: u64, whole: u64) -> Markup {
    html! {
        svg.bar viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            rect.track width="100" height="8" {}
            rect.fill width=(format!("{:.2}", percent(part, whole))) height="8" {}
        }
    }
}

/// How many steps of the kept usage are one point of a sparkline: half a day, so that a page of many has its size.
const SPARK_STEP: usize = 2;

/// The least height of a sparkline, as a part of the highest figure: what hardly changes is drawn as nearly level.
const SPARK_SPAN: u64 = 50;

/// A line of what an account stored in the last 60 days; nothing where there are fewer than two points.
pub(super) fn sparkline(recent: &RecentUsage, now: Timestamp) -> Markup {
    // The newest figure of each point.
    let points: BTreeMap<usize, u64> =
        recent.figures(now).map(|(step, bytes)| (step / SPARK_STEP, bytes)).collect();
    let (Some((_, first)), Some((_, last))) = (points.first_key_value(), points.last_key_value()) else {
        return html! {};
    };
    if points.len() < 2 {
        return html! {};
    }
    let highest = points.values().copied().max().unwrap_or(0);
    let lowest = points.values().copied().min().unwrap_or(0).min(highest - highest / SPARK_SPAN);
    let width = RecentUsage::steps() / SPARK_STEP - 1;
    let line: Vec<String> = points
        .iter()
        .map(|(place, bytes)| format!("{place},{:.1}", 100.0 - percent(bytes - lowest, highest - lowest)))
        .collect();
    let label = format!("The last 60 days: {} to {}", words::size(*first), words::size(*last));
    html! {
        svg.spark role="img" aria-label=(label) viewBox={ "0 -4 " (width) " 108" } preserveAspectRatio="none" {
            polyline points=(line.join(" ")) {}
        }
    }
}

/// What a chart of months shows.
#[derive(Debug)]
pub(super) struct Months<'a> {
    months: &'a [MonthTotal],
    /// The month to date, drawn apart: it is no average of a month.
    to_date: Option<(Month, u64)>,
    first: Month,
    slots: usize,
    highest: u64,
}

impl<'a> Months<'a> {
    /// The last months of a history, oldest first, and the usage now; `None` where there is no history.
    pub(super) fn new(months: &'a [MonthTotal], usage: Option<u64>, now: Timestamp) -> Option<Self> {
        let months = months.get(months.len().saturating_sub(MONTHS)..).unwrap_or_default();
        let last = months.last()?.month;
        let to_date = usage.map(|usage| (Month::of(now), usage)).filter(|(month, _)| *month > last);
        let end = to_date.map_or(last, |(month, _)| month);
        let first = months.iter().map(|total| total.month).find(|month| end.since(*month) < PLACES)?;
        let slots = usize::try_from(end.since(first)).unwrap_or(0) + 1;
        let figures = months.iter().map(|total| total.average_bytes).chain(to_date.map(|(_, usage)| usage));
        Some(Self { months, to_date, first, slots, highest: figures.max().unwrap_or(0) })
    }

    /// The highest figure, bytes.
    pub(super) const fn highest(&self) -> u64 {
        self.highest
    }

    /// Where the middle of a month is, in percent of the width.
    fn middle(&self, month: Month) -> f64 {
        (f64::from(month.since(self.first)) + 0.5) * self.slot()
    }

    #[allow(clippy::cast_precision_loss, reason = "it is drawn")]
    fn slot(&self) -> f64 {
        100.0 / self.slots as f64
    }

    /// The picture alone; `label` says what it shows to those who do not see it.
    pub(super) fn picture(&self, label: &str) -> Markup {
        let width = self.slot() * 0.72;
        let column = |month: Month, bytes: u64, class: &str| {
            let height = percent(bytes, self.highest).max(if bytes > 0 { 0.8 } else { 0.0 });
            html! {
                rect class=(class) x=(format!("{:.2}%", self.middle(month) - width / 2.0)) y=(format!("{:.2}%", 100.0 - height))
                    width=(format!("{width:.2}%")) height=(format!("{height:.2}%")) {
                    title { (month) ": " (words::size(bytes)) }
                }
            }
        };
        html! {
            svg.months role="img" aria-label=(label) {
                @for total in self.drawn() { (column(total.month, total.average_bytes, "fill")) }
                @if let Some((month, usage)) = self.to_date { (column(month, usage, "to-date")) }
                line.ground x1="0" x2="100%" y1="100%" y2="100%" {}
            }
        }
    }

    /// The months that stand under the columns.
    pub(super) fn labels(&self) -> Markup {
        let every = self.slots.div_ceil(LABELS).max(1);
        // Counted from the newest, which is what one looks for.
        let shown = (0..self.slots).rev().step_by(every).filter_map(|slot| i32::try_from(slot).ok());
        html! {
            svg.labels aria-hidden="true" {
                @for slot in shown {
                    @let month = self.first.plus(slot);
                    text x=(format!("{:.2}%", self.middle(month))) y="1em" { (name(month)) }
                    text.quiet x=(format!("{:.2}%", self.middle(month))) y="2.2em" { (month.year()) }
                }
            }
        }
    }

    fn drawn(&self) -> impl Iterator<Item = &MonthTotal> {
        self.months.iter().filter(|total| total.month >= self.first)
    }
}

/// The months of a history as text: what the picture shows.
pub(super) fn range(months: &[MonthTotal]) -> Option<String> {
    let (first, last) = (months.first()?, months.last()?);
    Some(if months.len() == 1 {
        format!("{}: {}", first.month, words::size(first.average_bytes))
    } else {
        format!(
            "{} to {}: {} to {}",
            first.month,
            last.month,
            words::size(first.average_bytes),
            words::size(last.average_bytes)
        )
    })
}

/// A month's short English name.
const fn name(month: Month) -> &'static str {
    match month.number() {
        1 => "Jan",
        2 => "Feb",
        3 => "Mar",
        4 => "Apr",
        5 => "May",
        6 => "Jun",
        7 => "Jul",
        8 => "Aug",
        9 => "Sep",
        10 => "Oct",
        11 => "Nov",
        _ => "Dec",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::at;

    const NOW: &str = "2026-11-24T12:00:00Z";

    fn total(year: i32, month: i32, average_bytes: u64) -> MonthTotal {
        MonthTotal { month: Month::new(year, month).unwrap(), average_bytes }
    }

    #[test]
    fn a_month_without_data_keeps_its_place() {
        let months = [total(2026, 7, 50), total(2026, 9, 100)];
        let chart = Months::new(&months, None, at(NOW)).unwrap();
        assert_eq!(chart.slots, 3);
        let svg = chart.picture("label").into_string();
        assert_eq!(svg.matches("<rect").count(), 2);
        assert!(svg.contains(r#"y="50.00%""#), "{svg}");
        assert!(svg.contains("<title>2026-07: 50 B</title>"), "{svg}");
        assert!(svg.contains(r#"height="100.00%""#), "{svg}");
    }

    #[test]
    fn the_month_to_date_is_drawn_apart_and_only_once() {
        let months = [total(2026, 10, 100)];
        let svg = Months::new(&months, Some(200), at(NOW)).unwrap().picture("").into_string();
        assert_eq!(svg.matches("to-date").count(), 1);
        // Before the answer of the new month came, the clock may already be past the last month that is known.
        let months = [total(2026, 11, 100)];
        let svg = Months::new(&months, Some(200), at(NOW)).unwrap().picture("").into_string();
        assert_eq!(svg.matches("to-date").count(), 0);
    }

    #[test]
    fn no_history_is_no_chart_and_a_long_one_is_cut() {
        assert!(Months::new(&[], Some(1), at(NOW)).is_none());
        let years: Vec<MonthTotal> = (0..120).map(|n| total(2016 + n / 12, n % 12 + 1, 1)).collect();
        let chart = Months::new(&years, None, at(NOW)).unwrap();
        assert_eq!(chart.slots, MONTHS);
        assert!(chart.labels().into_string().matches("<text").count() <= 2 * LABELS);
        // A gap of many years does not make a picture of thousands of empty places.
        let gap = [total(1, 1, 1), total(2026, 10, 1)];
        let chart = Months::new(&gap, None, at(NOW)).unwrap();
        assert_eq!(chart.slots, 1);
        assert_eq!(chart.picture("").into_string().matches("<rect").count(), 1);
    }

    #[test]
    fn bars_hold_at_their_ends() {
        for (part, whole, width) in [(0, 0, "0.00"), (5, 0, "0.00"), (1, 2, "50.00"), (9, 3, "100.00")] {
            assert!(
                bar(part, whole).into_string().contains(&format!("width=\"{width}\"")),
                "{part} of {whole}"
            );
        }
    }
}
